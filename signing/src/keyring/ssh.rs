//! Signatures made by `ssh-keygen -Y sign`: `gpg.format = ssh` (OpenSSH's PROTOCOL.sshsig).

use ssh_key::{HashAlg, PublicKey, SshSig};

use super::{KeyringError, VerifyError};

/// What git signs for.
const NAMESPACE: &str = "git";

#[derive(Debug, Clone, Default)]
pub(super) struct Signers(Vec<Signer>);

#[derive(Debug, Clone)]
struct Signer {
    key: PublicKey,
    name: String,
}

impl Signers {
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// All lines, or none.
    pub(super) fn add(&mut self, name: &str, text: &str) -> Result<(), KeyringError> {
        let mut signers = Vec::new();
        for (at, line) in text.lines().enumerate() {
            let line = line.trim();
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            let signer = signer(line).map_err(|why| KeyringError::Line {
                name: name.to_owned(),
                line: at + 1,
                why,
            })?;
            signers.push(signer);
        }
        if signers.is_empty() {
            let why = "it has no line with a key".to_owned();
            return Err(KeyringError::NoKey { name: name.to_owned(), why });
        }
        self.0.extend(signers);
        Ok(())
    }

    pub(super) fn verify(&self, payload: &[u8], text: &str) -> Result<String, VerifyError> {
        if self.0.is_empty() {
            return Err(VerifyError::NoKeys("SSH"));
        }
        let signature =
            SshSig::from_pem(text).map_err(|error| VerifyError::Malformed(error.to_string()))?;
        if signature.namespace() != NAMESPACE {
            return Err(VerifyError::Namespace(signature.namespace().to_owned()));
        }
        let key = PublicKey::from(signature.public_key().clone());
        let id = format!("{} {}", key.algorithm(), key.fingerprint(HashAlg::Sha256));
        let known = self.0.iter().find(|signer| signer.key.key_data() == signature.public_key());
        let Some(signer) = known else {
            return Err(VerifyError::UnknownKey(id));
        };
        let name = format!("{} ({id})", signer.name);
        match signer.key.verify(NAMESPACE, payload, &signature) {
            Ok(()) => Ok(name),
            Err(_) => Err(VerifyError::Bad(name)),
        }
    }
}

/// `TYPE BASE64 [COMMENT]`, or `PRINCIPALS [OPTIONS] TYPE BASE64 [COMMENT]` of allowed_signers.
fn signer(line: &str) -> Result<Signer, String> {
    let words = words(line)?;
    let is_type = |word: &&str| {
        word.starts_with("ssh-") || word.starts_with("ecdsa-sha2-") || word.starts_with("sk-")
    };
    let at = words.iter().take(3).position(is_type).ok_or_else(|| {
        "no OpenSSH public key; write it as `ssh-ed25519 AAAA… name`, or as \
         `name ssh-ed25519 AAAA…`"
            .to_owned()
    })?;
    let (before, key) = words.split_at(at);
    let key = PublicKey::from_openssh(&key.join(" "))
        .map_err(|error| format!("the key cannot be read: {error}"))?;
    if let Some(options) = before.get(1) {
        check_options(options)?;
    }
    let name = match before.first() {
        Some(principals) => principals.trim_matches('"').to_owned(),
        None if key.comment().is_empty() => "an SSH key".to_owned(),
        None => key.comment().to_owned(),
    };
    Ok(Signer { key, name: name.chars().filter(|c| !c.is_control()).collect() })
}

/// Split at blanks that are not inside of quotation marks.
fn words(line: &str) -> Result<Vec<&str>, String> {
    let mut quoted = false;
    let words = line
        .split(|c: char| {
            quoted ^= c == '"';
            !quoted && c.is_whitespace()
        })
        .filter(|word| !word.is_empty())
        .collect();
    if quoted {
        return Err("a quotation mark is not closed".to_owned());
    }
    Ok(words)
}

/// Nothing that limits a key is passed over in silence.
fn check_options(options: &str) -> Result<(), String> {
    let mut quoted = false;
    let parts = options.split(|c: char| {
        quoted ^= c == '"';
        !quoted && c == ','
    });
    for option in parts {
        let (key, value) = option.split_once('=').unwrap_or((option, ""));
        match key.to_ascii_lowercase().as_str() {
            "namespaces" => {
                let mut namespaces = value.trim_matches('"').split(',');
                if !namespaces.any(|name| name.trim() == NAMESPACE || name.trim() == "*") {
                    return Err(format!("the key is for {value}, and commits need \"git\""));
                }
            }
            "cert-authority" => {
                return Err("keys of certificate authorities are not understood; \
                            write the keys of the people"
                    .to_owned());
            }
            "valid-after" | "valid-before" => {
                return Err(format!("{key} is not understood; leave out keys that do not count"));
            }
            _ => return Err(format!("{key:?} is no option of allowed_signers")),
        }
    }
    Ok(())
}
