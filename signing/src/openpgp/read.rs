//! Secret keys as other programs write them.

use pgp::composed::{Deserializable, SignedPublicKey, SignedSecretKey};
use pgp::types::{KeyDetails, Password, S2kParams, SecretParams, StringToKey};

use super::Part;
use super::standing::{self, Standing, hex_of};
use crate::SigningError;

/// More than the longest key that anybody carries around.
const LONGEST: usize = 1 << 20;

/// The key, unlocked where it signs; the part that signs; when that ends.
pub(super) fn read(
    bytes: &[u8],
    passphrase: Option<&str>,
    now: u64,
) -> Result<(SignedSecretKey, Part, Option<u64>), SigningError> {
    let mut key = parse(bytes)?;
    let (part, expires) = choose(&key, now)?;
    unlock(&mut key, part, passphrase)?;
    Ok((key, part, expires))
}

fn parse(bytes: &[u8]) -> Result<SignedSecretKey, SigningError> {
    if bytes.is_empty() {
        return Err(SigningError::NoKey("the file is empty".to_owned()));
    }
    if bytes.len() > LONGEST {
        return Err(SigningError::NoKey("longer than 1 MiB".to_owned()));
    }
    let keys = SignedSecretKey::from_reader_many_buf(bytes)
        .and_then(|(keys, _)| keys.collect::<pgp::errors::Result<Vec<_>>>());
    match keys {
        Ok(keys) if keys.len() > 1 => Err(SigningError::ManyKeys(keys.len())),
        Ok(keys) => keys.into_iter().next().ok_or_else(|| no_key(bytes, "nothing in it")),
        Err(error) => Err(no_key(bytes, &error.to_string())),
    }
}

fn no_key(bytes: &[u8], why: &str) -> SigningError {
    match SignedPublicKey::from_reader_single_buf(bytes) {
        Ok(_) => SigningError::PublicOnly,
        Err(_) => SigningError::NoKey(why.to_owned()),
    }
}

/// As gpg chooses: the newest subkey that is for signing and usable, else the primary key. When there
/// is none, the error is about the most likely one.
fn choose(key: &SignedSecretKey, now: u64) -> Result<(Part, Option<u64>), SigningError> {
    let public = key.primary_key.public_key();
    let fingerprint = hex_of(&public.fingerprint());
    let primary = standing::of_primary(public, &key.details).ok_or_else(|| {
        SigningError::NoKey(format!("{fingerprint} has no valid signature of its own"))
    })?;
    if primary.revoked {
        return Err(SigningError::Revoked(fingerprint));
    }
    let mut parts: Vec<_> = key
        .secret_subkeys
        .iter()
        .enumerate()
        .filter_map(|(at, subkey)| {
            let found = standing::of_subkey(public, subkey.key.public_key(), &subkey.signatures)?;
            let created = subkey.key.created_at().as_secs();
            let id = hex_of(&subkey.key.fingerprint());
            Some((created, Part::Subkey(at), found, subkey.key.secret_params(), id))
        })
        .filter(|(_, _, standing, _, _)| standing.signs)
        .collect();
    parts.sort_by_key(|part| std::cmp::Reverse(part.0));
    if primary.signs {
        parts.push((
            0,
            Part::Primary,
            primary,
            key.primary_key.secret_params(),
            fingerprint.clone(),
        ));
    }
    let mut refused = None;
    for (_, part, standing, secret, id) in parts {
        match usable(standing, primary, secret, id, now) {
            Ok(expires) => return Ok((part, expires)),
            Err(error) => refused = refused.or(Some(error)),
        }
    }
    Err(refused.unwrap_or(SigningError::CannotSign(fingerprint)))
}

/// Until when it can be used; a subkey ends with its primary key.
fn usable(
    part: Standing,
    primary: Standing,
    secret: &SecretParams,
    fingerprint: String,
    now: u64,
) -> Result<Option<u64>, SigningError> {
    if part.revoked {
        return Err(SigningError::Revoked(fingerprint));
    }
    let expires = part.expires.into_iter().chain(primary.expires).min();
    if let Some(at) = expires.filter(|at| *at <= now) {
        return Err(SigningError::Expired { fingerprint, at });
    }
    if is_stub(secret) {
        return Err(SigningError::Stub(fingerprint));
    }
    Ok(expires)
}

/// gpg writes stubs as a protection of a private kind (doc/DETAILS of GnuPG: mode 1001, 1002).
fn is_stub(secret: &SecretParams) -> bool {
    let SecretParams::Encrypted(secret) = secret else { return false };
    match secret.string_to_key_params() {
        S2kParams::Cfb { s2k, .. }
        | S2kParams::MalleableCfb { s2k, .. }
        | S2kParams::Aead { s2k, .. } => {
            matches!(s2k, StringToKey::Private { .. } | StringToKey::Other { .. })
        }
        _ => false,
    }
}

fn unlock(
    key: &mut SignedSecretKey,
    part: Part,
    passphrase: Option<&str>,
) -> Result<(), SigningError> {
    let fingerprint = hex_of(&key.primary_key.fingerprint());
    let subkey = match part {
        Part::Primary => None,
        Part::Subkey(at) => key.secret_subkeys.get_mut(at),
    };
    let secret = match &subkey {
        Some(subkey) => subkey.key.secret_params(),
        None => key.primary_key.secret_params(),
    };
    if !secret.is_encrypted() {
        return Ok(());
    }
    let Some(passphrase) = passphrase else {
        return Err(SigningError::PassphraseMissing(fingerprint));
    };
    let password = Password::from(passphrase);
    match subkey {
        Some(subkey) => subkey.key.remove_password(&password),
        None => key.primary_key.remove_password(&password),
    }
    .map_err(|_| SigningError::PassphraseWrong(fingerprint))
}
