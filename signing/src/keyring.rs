//! Who signed a commit: git's `gpgsig`, made with OpenPGP or with SSH.

mod openpgp;
mod ssh;

use openpgp::Certificates;
use ssh::Signers;

/// The public keys of the people whose signatures count.
#[derive(Debug, Clone, Default)]
pub struct Keyring {
    openpgp: Certificates,
    ssh: Signers,
}

/// Why keys cannot be taken.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum KeyringError {
    /// It is no public key of a sort that is known.
    #[error(
        "{name}: no public key: {why}; wanted: gpg --export --armor KEY, an OpenSSH public key, or \
         lines of allowed_signers"
    )]
    NoKey {
        /// The file, as it was named.
        name: String,
        /// What is wrong.
        why: String,
    },
    /// Somebody's secret.
    #[error("{0}: this is a secret key; only the public one belongs here")]
    Secret(String),
    /// One line of a list of SSH keys.
    #[error("{name}:{line}: {why}")]
    Line {
        /// The file, as it was named.
        name: String,
        /// The line, counted from 1.
        line: usize,
        /// What is wrong.
        why: String,
    },
}

/// Why a signature does not count.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum VerifyError {
    /// There is none.
    #[error("it is not signed; sign it with git commit -S")]
    NotSigned,
    /// It cannot be read.
    #[error("its signature cannot be read: {0}")]
    Malformed(String),
    /// X.509.
    #[error("it is signed with X.509; OpenPGP and SSH signatures are understood")]
    Kind,
    /// No key of that sort to check with.
    #[error("there is no {0} key to check it with")]
    NoKeys(&'static str),
    /// Somebody who is not known.
    #[error("it is signed with {0}, a key that is not among those that count")]
    UnknownKey(String),
    /// The key is known and the signature is not its own over these bytes.
    #[error("its signature by {0} is wrong: the commit was changed, or the signature was made up")]
    Bad(String),
    /// A hash that can be forged.
    #[error("it is signed with the hash {0}, which can be forged; sign it with SHA-256 or SHA-512")]
    WeakHash(String),
    /// The key was taken back.
    #[error("it is signed with {0}, a key that is revoked")]
    Revoked(String),
    /// The key had ended.
    #[error("it was signed after the key {0} had expired")]
    Expired(String),
    /// The key is for something else.
    #[error("it is signed with {0}, a key that is not for signing")]
    NotForSigning(String),
    /// An SSH signature for something else.
    #[error("it carries an SSH signature for {0:?}, not for git")]
    Namespace(String),
}

impl Keyring {
    /// Takes what a file holds: OpenPGP public keys, armoured or binary; or lines of OpenSSH public
    /// keys (`ssh-ed25519 AAAA… name`) or of allowed_signers (ssh-keygen(1)). `name` is for messages.
    pub fn add(&mut self, name: &str, bytes: &[u8]) -> Result<(), KeyringError> {
        let text = std::str::from_utf8(bytes).ok();
        match text {
            Some(text) if text.contains("PRIVATE KEY") => {
                Err(KeyringError::Secret(name.to_owned()))
            }
            Some(text) if text.trim().is_empty() => {
                Err(KeyringError::NoKey { name: name.to_owned(), why: "it is empty".to_owned() })
            }
            Some(text) if !text.contains("-----BEGIN PGP") => self.ssh.add(name, text),
            _ => self.openpgp.add(name, bytes),
        }
    }

    /// Whether no key was taken.
    pub fn is_empty(&self) -> bool {
        self.openpgp.is_empty() && self.ssh.is_empty()
    }

    /// Who signed `payload` (the commit without its `gpgsig` header), by `signature` (the header's
    /// value, its lines joined again). Answers with a name for people.
    pub fn verify(&self, payload: &[u8], signature: &str) -> Result<String, VerifyError> {
        let signature = signature.trim();
        if signature.is_empty() {
            Err(VerifyError::NotSigned)
        } else if signature.starts_with("-----BEGIN PGP SIGNATURE-----") {
            self.openpgp.verify(payload, signature)
        } else if signature.starts_with("-----BEGIN SSH SIGNATURE-----") {
            self.ssh.verify(payload, signature)
        } else if signature.starts_with("-----BEGIN SIGNED MESSAGE-----") {
            Err(VerifyError::Kind)
        } else {
            Err(VerifyError::Malformed("it begins like no signature of git".to_owned()))
        }
    }
}

#[cfg(test)]
mod tests;
