//! Signatures of what is rendered: made once per rendered bytes, and kept as long as there is room.
//!
//! A machine asks for a file and for its signature in two requests. The signature is found by the
//! bytes, so it always fits what was served, whatever the catalog says by then.

use std::collections::HashMap;
use std::fmt;
use std::io::ErrorKind;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use anyhow::{Context, bail};
use bytes::Bytes;
use sha2::{Digest, Sha256};
use signing::{CodeSigner, Signature, SigningKey};

use crate::config::Signing;
use crate::server::clock;

/// Signatures that are kept; half of them are those asked for last. A CMS signature is about 3 KB.
const KEPT: usize = 4096;

/// How a signature is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Form {
    /// OpenPGP, binary: for GRUB and `gpg --verify`.
    Sig,
    /// OpenPGP, armoured.
    Asc,
    /// CMS in DER: for iPXE's `imgverify` and `openssl cms -verify`.
    P7s,
}

impl Form {
    /// Of the last part of a name: `sig`, `asc` or `p7s`.
    pub fn of_extension(extension: &str) -> Option<Self> {
        match extension {
            "sig" => Some(Self::Sig),
            "asc" => Some(Self::Asc),
            "p7s" => Some(Self::P7s),
            _ => None,
        }
    }

    /// For the header `Content-Type`.
    pub const fn content_type(self) -> &'static str {
        match self {
            Self::Sig => "application/octet-stream",
            // RFC 3156, 7.
            Self::Asc => "application/pgp-signature",
            // RFC 8551, 3.2.1.
            Self::P7s => "application/pkcs7-signature",
        }
    }
}

/// Signs with the keys of the configuration.
pub struct Signer {
    openpgp: Option<SigningKey>,
    cms: Option<CodeSigner>,
    kept: Mutex<Kept>,
}

/// Two generations: when the young one is full it becomes the old one, and the old one goes.
#[derive(Default)]
struct Kept {
    young: HashMap<Name, Made>,
    old: HashMap<Name, Made>,
}

/// SHA-256 of the bytes, and whether the signature is CMS.
type Name = ([u8; 32], bool);

#[derive(Clone)]
enum Made {
    OpenPgp(Signature),
    Cms(Bytes),
}

impl Signer {
    /// Reads the keys that the configuration names, or those that `provisioner init` made. `None`:
    /// there are none.
    pub fn load(settings: &Signing) -> anyhow::Result<Option<Self>> {
        let now = now();
        let openpgp = read_openpgp(settings, now)?;
        let cms = read_cms(settings)?;
        if openpgp.is_none() && cms.is_none() {
            return Ok(None);
        }
        if let Some(signer) = &cms
            && signer.is_expired(now)?
        {
            let what = signer.describe()?;
            tracing::error!("the code-signing certificate is not valid now: {what}");
        }
        Ok(Some(Self { openpgp, cms, kept: Mutex::default() }))
    }

    /// The signature of these bytes; `None`: there is no key of that sort. Takes up to a millisecond
    /// of work the first time.
    pub fn sign(&self, form: Form, bytes: &[u8]) -> Result<Option<Bytes>, String> {
        let cms = form == Form::P7s;
        let there = if cms { self.cms.is_some() } else { self.openpgp.is_some() };
        if !there {
            return Ok(None);
        }
        let name = (Sha256::digest(bytes).into(), cms);
        let found = self.kept().find(&name);
        let made = if let Some(made) = found {
            made
        } else {
            // The lock is not held meanwhile; of two that are made at once, the first is kept.
            let made = self.make(cms, bytes).map_err(|error| error.to_string())?;
            self.kept().keep(name, made)
        };
        match (made, form) {
            (Made::OpenPgp(signature), Form::Asc) => {
                signature.armored().map(|text| Some(Bytes::from(text))).map_err(|e| e.to_string())
            }
            (Made::OpenPgp(signature), _) => Ok(Some(Bytes::copy_from_slice(signature.binary()))),
            (Made::Cms(signature), _) => Ok(Some(signature)),
        }
    }

    fn make(&self, cms: bool, bytes: &[u8]) -> anyhow::Result<Made> {
        match (&self.cms, &self.openpgp) {
            (Some(signer), _) if cms => Ok(Made::Cms(Bytes::from(signer.sign(bytes)?))),
            (_, Some(key)) if !cms => Ok(Made::OpenPgp(key.sign(bytes, now())?)),
            _ => bail!("there is no key of that sort"),
        }
    }

    fn kept(&self) -> std::sync::MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The OpenPGP public key, armoured; `None`: there is no OpenPGP key.
    pub fn public_key(&self) -> Result<Option<String>, String> {
        let key = self.openpgp.as_ref();
        key.map(|key| key.public_armored().map_err(|error| error.to_string())).transpose()
    }

    /// One line for each key, for the log.
    pub fn describe(&self) -> Vec<String> {
        let openpgp = self.openpgp.iter().map(|key| format!("OpenPGP {}", key.describe()));
        let cms = self.cms.iter().filter_map(|signer| signer.describe().ok());
        openpgp.chain(cms.map(|text| format!("CMS {text}"))).collect()
    }
}

impl fmt::Debug for Signer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Signer").field(&self.describe()).finish()
    }
}

impl Kept {
    fn find(&mut self, name: &Name) -> Option<Made> {
        if let Some(made) = self.young.get(name) {
            return Some(made.clone());
        }
        let made = self.old.remove(name)?;
        Some(self.keep(*name, made))
    }

    fn keep(&mut self, name: Name, made: Made) -> Made {
        if self.young.len() >= KEPT / 2 {
            self.old = std::mem::take(&mut self.young);
        }
        self.young.entry(name).or_insert(made).clone()
    }
}

fn now() -> u64 {
    clock::now().0 / 1000
}

/// The OpenPGP key of the configuration, or the one that `init` made.
pub(crate) fn read_openpgp(settings: &Signing, now: u64) -> anyhow::Result<Option<SigningKey>> {
    let made = settings.made_key();
    let Some((path, bytes)) = choose(settings.key.as_ref(), &made)? else {
        if let Some(path) = &settings.passphrase_file {
            bail!("signing.passphrase_file {} is for no key: there is none", path.display());
        }
        return Ok(None);
    };
    let passphrase = settings.passphrase_file.as_deref().map(first_line).transpose()?;
    let key = SigningKey::read(&bytes, passphrase.as_ref().map(|text| text.as_str()), now)
        .with_context(|| format!("{} cannot sign (signing.key)", path.display()))?;
    Ok(Some(key))
}

/// The certificate of the configuration with its key, or the one that `init` made.
pub(crate) fn read_cms(settings: &Signing) -> anyhow::Result<Option<CodeSigner>> {
    let made = (settings.made_certificate(), settings.made_certificate_key());
    let certificate = choose(settings.certificate.as_ref(), &made.0)?;
    let key = choose(settings.certificate_key.as_ref(), &made.1)?;
    match (certificate, key) {
        (Some((path, certificate)), Some((_, key))) => {
            let signer = CodeSigner::read(&certificate, &key, b"")
                .with_context(|| format!("{} cannot sign (signing.certificate)", path.display()))?;
            Ok(Some(signer))
        }
        (None, None) => Ok(None),
        (Some((there, _)), None) => half(&there, &made.1),
        (None, Some((there, _))) => half(&there, &made.0),
    }
}

fn half(there: &Path, missing: &Path) -> anyhow::Result<Option<CodeSigner>> {
    bail!("{} is there, and {} is not: put it back", there.display(), missing.display())
}

/// A file's name and what is in it.
type Read = (PathBuf, zeroize::Zeroizing<Vec<u8>>);

/// The named file, which has to be there, or the one of `init`, which may be.
fn choose(named: Option<&PathBuf>, made: &Path) -> anyhow::Result<Option<Read>> {
    let path = named.map_or(made, PathBuf::as_path);
    match std::fs::read(path) {
        Ok(bytes) => {
            warn_of_readers(path);
            Ok(Some((path.to_owned(), bytes.into())))
        }
        Err(error) if error.kind() == ErrorKind::NotFound && named.is_none() => Ok(None),
        Err(error) => Err(error).with_context(|| format!("cannot read {}", path.display())),
    }
}

/// A certificate may be read by all, a key may not.
fn warn_of_readers(path: &Path) {
    let mode = std::fs::metadata(path).map_or(0, |about| about.permissions().mode());
    if mode & 0o007 != 0 && path.extension().is_none_or(|extension| extension != "pem") {
        let path = path.display();
        tracing::warn!("{path} can be read by everybody (mode {:o}): chmod 600", mode & 0o777);
    }
}

fn first_line(path: &Path) -> anyhow::Result<zeroize::Zeroizing<String>> {
    let text = std::fs::read_to_string(path)
        .with_context(|| format!("cannot read {} (signing.passphrase_file)", path.display()))?;
    let text = zeroize::Zeroizing::new(text);
    Ok(zeroize::Zeroizing::new(text.lines().next().unwrap_or_default().to_owned()))
}

#[cfg(test)]
mod tests;
