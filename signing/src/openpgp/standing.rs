//! What a key's own signatures say about it: whether it signs, until when, and whether it was taken back.

use pgp::composed::SignedKeyDetails;
use pgp::packet::{PublicKey, PublicSubkey, Signature, SignatureType, SubpacketData};
use pgp::types::{Fingerprint, KeyDetails, Tag};

/// What the newest valid self-signature says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Standing {
    /// It may sign data.
    pub(crate) signs: bool,
    /// It was taken back.
    pub(crate) revoked: bool,
    /// Its end, in seconds since 1970.
    pub(crate) expires: Option<u64>,
}

/// Of the primary key; `None`: nothing valid is said about it.
pub(crate) fn of_primary(key: &PublicKey, details: &SignedKeyDetails) -> Option<Standing> {
    let direct = details.direct_signatures.iter().filter(|sig| sig.verify_key(key).is_ok());
    let users = details.users.iter().flat_map(|user| {
        let said =
            user.signatures.iter().filter(|sig| sig.typ() != Some(SignatureType::CertRevocation));
        said.filter(|sig| sig.verify_certification(key, Tag::UserId, &user.id).is_ok())
    });
    let revoked = details.revocation_signatures.iter().any(|sig| sig.verify_key(key).is_ok());
    newest(direct.chain(users)).map(|sig| Standing {
        // Keys of old programs say nothing about their use: then they are for what they can do.
        signs: key.algorithm().can_sign() && signs(sig).unwrap_or(true),
        revoked,
        expires: expiry(key, sig),
    })
}

/// Of a subkey; `None`: it is not bound to the primary key.
pub(crate) fn of_subkey(
    primary: &PublicKey,
    key: &PublicSubkey,
    signatures: &[Signature],
) -> Option<Standing> {
    let bindings = signatures.iter().filter(|sig| {
        sig.typ() == Some(SignatureType::SubkeyBinding)
            && sig.verify_subkey_binding(primary, key).is_ok()
    });
    // Believed without a check: who can write into the file can leave it out as well.
    let revoked = signatures.iter().any(|sig| sig.typ() == Some(SignatureType::SubkeyRevocation));
    newest(bindings).map(|sig| Standing {
        signs: key.algorithm().can_sign() && signs(sig) == Some(true) && agrees(primary, key, sig),
        revoked,
        expires: expiry(key, sig),
    })
}

/// The subkey's own signature that it belongs to this primary key (RFC 9580, 5.2.1.9).
fn agrees(primary: &PublicKey, key: &PublicSubkey, binding: &Signature) -> bool {
    binding
        .embedded_signature()
        .is_some_and(|back| back.verify_primary_key_binding(key, primary).is_ok())
}

fn newest<'a>(signatures: impl Iterator<Item = &'a Signature>) -> Option<&'a Signature> {
    signatures.max_by_key(|sig| sig.created().map(pgp::types::Timestamp::as_secs))
}

/// Whether it says that the key signs; `None`: it does not say.
fn signs(signature: &Signature) -> Option<bool> {
    let said = &signature.config()?.hashed_subpackets;
    said.iter().find_map(|packet| match &packet.data {
        SubpacketData::KeyFlags(flags) => Some(flags.sign()),
        _ => None,
    })
}

fn expiry(key: &impl KeyDetails, signature: &Signature) -> Option<u64> {
    let lives = u64::from(signature.key_expiration_time()?.as_secs());
    // Zero is "never" (RFC 9580, 5.2.3.13).
    (lives != 0).then(|| u64::from(key.created_at().as_secs()) + lives)
}

/// In hexadecimal digits, as gpg shows them.
pub(crate) fn hex_of(fingerprint: &Fingerprint) -> String {
    hex::encode_upper(fingerprint.as_bytes())
}

/// The key's primary name, else the first.
pub(crate) fn name_of(details: &SignedKeyDetails) -> Option<String> {
    let user = details.users.iter().find(|user| user.is_primary());
    let user = user.or_else(|| details.users.first())?;
    let name = String::from_utf8_lossy(user.id.id());
    Some(name.chars().filter(|c| !c.is_control()).collect())
}
