//! Signatures made by gpg and its likes.

use pgp::composed::{Deserializable, DetachedSignature, SignedPublicKey, SignedSecretKey};
use pgp::crypto::hash::HashAlgorithm;
use pgp::packet::{PublicKey, PublicSubkey, Signature, SignatureType};
use pgp::types::KeyDetails;

use super::{KeyringError, VerifyError};
use crate::openpgp::standing::{self, Standing, hex_of, name_of};

#[derive(Debug, Clone, Default)]
pub(super) struct Certificates(Vec<SignedPublicKey>);

/// One key of a certificate that may have made a signature.
struct Found<'a> {
    key: Key<'a>,
    standing: Option<Standing>,
    /// The primary key's.
    primary: Option<Standing>,
    /// For people.
    name: String,
}

#[derive(Clone, Copy)]
enum Key<'a> {
    Primary(&'a PublicKey),
    Subkey(&'a PublicSubkey),
}

impl Key<'_> {
    fn created(self) -> u64 {
        let created = match self {
            Self::Primary(key) => key.created_at(),
            Self::Subkey(key) => key.created_at(),
        };
        u64::from(created.as_secs())
    }

    fn made(self, signature: &Signature, payload: &[u8]) -> bool {
        match self {
            Self::Primary(key) => signature.verify(key, payload),
            Self::Subkey(key) => signature.verify(key, payload),
        }
        .is_ok()
    }
}

impl Certificates {
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn add(&mut self, name: &str, bytes: &[u8]) -> Result<(), KeyringError> {
        let no_key = |why: String| KeyringError::NoKey { name: name.to_owned(), why };
        let keys = SignedPublicKey::from_reader_many_buf(bytes)
            .and_then(|(keys, _)| keys.collect::<pgp::errors::Result<Vec<_>>>());
        match keys {
            Ok(keys) if !keys.is_empty() => {
                for key in &keys {
                    if standing::of_primary(&key.primary_key, &key.details).is_none() {
                        let id = hex_of(&key.primary_key.fingerprint());
                        return Err(no_key(format!("{id} has no valid signature of its own")));
                    }
                }
                self.0.extend(keys);
                Ok(())
            }
            _ if SignedSecretKey::from_reader_single_buf(bytes).is_ok() => {
                Err(KeyringError::Secret(name.to_owned()))
            }
            Ok(_) => Err(no_key("no OpenPGP public key in it".to_owned())),
            Err(error) => Err(no_key(error.to_string())),
        }
    }

    pub(super) fn verify(&self, payload: &[u8], text: &str) -> Result<String, VerifyError> {
        if self.0.is_empty() {
            return Err(VerifyError::NoKeys("OpenPGP"));
        }
        let (signature, _) = DetachedSignature::from_string(text)
            .map_err(|error| VerifyError::Malformed(error.to_string()))?;
        let signature = signature.signature;
        if !matches!(signature.typ(), Some(SignatureType::Binary | SignatureType::Text)) {
            return Err(VerifyError::Malformed("it is not of a document".to_owned()));
        }
        strong(&signature)?;
        let mut candidates: Vec<_> =
            self.0.iter().flat_map(|key| made_by(key, &signature)).collect();
        // Two keys can share an id; then the one counts that fits.
        let fits = candidates.iter().position(|found| found.key.made(&signature, payload));
        if candidates.is_empty() {
            return Err(VerifyError::UnknownKey(issuer(&signature)));
        }
        let found = candidates.swap_remove(fits.unwrap_or(0));
        if fits.is_none() {
            return Err(VerifyError::Bad(found.name));
        }
        counts(&found, &signature)?;
        Ok(found.name)
    }
}

fn strong(signature: &Signature) -> Result<(), VerifyError> {
    match signature.hash_alg() {
        Some(
            HashAlgorithm::Sha256
            | HashAlgorithm::Sha384
            | HashAlgorithm::Sha512
            | HashAlgorithm::Sha3_256
            | HashAlgorithm::Sha3_512,
        ) => Ok(()),
        Some(other) => Err(VerifyError::WeakHash(other.to_string())),
        None => Err(VerifyError::Malformed("its version is not known".to_owned())),
    }
}

/// The keys of a certificate that the signature names.
fn made_by<'a>(certificate: &'a SignedPublicKey, signature: &Signature) -> Vec<Found<'a>> {
    let public = &certificate.primary_key;
    let primary = standing::of_primary(public, &certificate.details);
    let id = hex_of(&public.fingerprint());
    let name = match name_of(&certificate.details) {
        Some(name) => format!("{name} (OpenPGP {id})"),
        None => format!("OpenPGP {id}"),
    };
    let found = |key, standing| Found { key, standing, primary, name: name.clone() };
    let mut keys = Vec::new();
    if names(signature, public) {
        keys.push(found(Key::Primary(public), primary));
    }
    for subkey in &certificate.public_subkeys {
        if names(signature, &subkey.key) {
            let standing = standing::of_subkey(public, &subkey.key, &subkey.signatures);
            keys.push(found(Key::Subkey(&subkey.key), standing));
        }
    }
    keys
}

fn names(signature: &Signature, key: &impl KeyDetails) -> bool {
    let (fingerprint, id) = (key.fingerprint(), key.legacy_key_id());
    let fingerprints = signature.issuer_fingerprint();
    // What is signed itself wins over a key id, which everybody can put there.
    if !fingerprints.is_empty() {
        return fingerprints.contains(&&fingerprint);
    }
    signature.issuer_key_id().contains(&&id)
}

fn issuer(signature: &Signature) -> String {
    if let Some(fingerprint) = signature.issuer_fingerprint().first() {
        return format!("OpenPGP {}", hex_of(fingerprint));
    }
    match signature.issuer_key_id().first() {
        Some(id) => format!("OpenPGP {}", hex::encode_upper(id.as_ref())),
        None => "an OpenPGP key that it does not name".to_owned(),
    }
}

/// Whether the key may sign, and could when it did.
fn counts(found: &Found<'_>, signature: &Signature) -> Result<(), VerifyError> {
    let name = || found.name.clone();
    let (Some(standing), Some(primary)) = (found.standing, found.primary) else {
        return Err(VerifyError::NotForSigning(name()));
    };
    if standing.revoked || primary.revoked {
        return Err(VerifyError::Revoked(name()));
    }
    if !standing.signs {
        return Err(VerifyError::NotForSigning(name()));
    }
    let made = signature
        .created()
        .ok_or_else(|| VerifyError::Malformed("it does not say when it was made".to_owned()))?;
    let made = u64::from(made.as_secs());
    let ends = standing.expires.into_iter().chain(primary.expires).min();
    if ends.is_some_and(|end| end <= made) {
        return Err(VerifyError::Expired(name()));
    }
    if made < found.key.created() {
        return Err(VerifyError::Malformed("it is older than its key".to_owned()));
    }
    Ok(())
}
