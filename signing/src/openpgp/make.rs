//! New keys: one primary key that certifies itself and signs.

use openssl::rsa::Rsa;
use pgp::composed::{KeyType, SignedKeyDetails, SignedSecretKey};
use pgp::crypto::public_key::PublicKeyAlgorithm;
use pgp::packet::{
    KeyFlags, PubKeyInner, PublicKey, SecretKey, SignatureConfig, SignatureType, Subpacket,
    SubpacketData, UserId,
};
use pgp::types::{
    KeyDetails, KeyVersion, Password, PublicParams, SecretParams, SigningKey, Tag, Timestamp,
};
use rand_core::OsRng;

use super::KeyKind;
use super::rsa;
use crate::SigningError;

/// As long as NIST SP 800-57 wants it beyond 2030, and four times as fast as 4096.
const RSA_BITS: u32 = 3072;
/// gpg shows names of any length; this is for the eye.
const LONGEST_NAME: usize = 200;

pub(super) fn make(
    kind: KeyKind,
    user_id: &str,
    now: Timestamp,
) -> Result<SignedSecretKey, SigningError> {
    if user_id.is_empty() || user_id.len() > LONGEST_NAME || user_id.contains(char::is_control) {
        return Err(SigningError::Name(user_id.to_owned()));
    }
    let (algorithm, public, secret) = match kind {
        // The form of RFC 4880bis that every gpg since 2.1 reads, not the one of RFC 9580.
        KeyKind::Ed25519 => {
            let (public, secret) = KeyType::Ed25519Legacy.generate(OsRng)?;
            (PublicKeyAlgorithm::EdDSALegacy, public, secret)
        }
        // OpenSSL's RSA: in constant time, and some times as fast.
        KeyKind::Rsa => {
            let (public, secret) = rsa::params(&Rsa::generate(RSA_BITS)?)?;
            (PublicKeyAlgorithm::RSA, public, secret)
        }
    };
    certified(algorithm, public, secret, user_id, now)
}

fn certified(
    algorithm: PublicKeyAlgorithm,
    public: PublicParams,
    secret: SecretParams,
    user_id: &str,
    now: Timestamp,
) -> Result<SignedSecretKey, SigningError> {
    let inner = PubKeyInner::new(KeyVersion::V4, algorithm, now, None, public)?;
    let public = PublicKey::from_inner(inner)?;
    let secret = SecretKey::new(public.clone(), secret)?;
    let mut flags = KeyFlags::default();
    flags.set_certify(true);
    flags.set_sign(true);
    let mut config = SignatureConfig::v4(SignatureType::CertPositive, algorithm, secret.hash_alg());
    config.hashed_subpackets = vec![
        Subpacket::regular(SubpacketData::IssuerFingerprint(public.fingerprint()))?,
        Subpacket::regular(SubpacketData::SignatureCreationTime(now))?,
        Subpacket::regular(SubpacketData::KeyFlags(flags))?,
        Subpacket::regular(SubpacketData::IsPrimary(true))?,
    ];
    config.unhashed_subpackets =
        vec![Subpacket::regular(SubpacketData::IssuerKeyId(public.legacy_key_id()))?];
    let name = UserId::from_str(pgp::types::PacketHeaderVersion::New, user_id)?;
    let signature =
        config.sign_certification(&secret, &public, &Password::empty(), Tag::UserId, &name)?;
    let details = SignedKeyDetails::new(
        Vec::new(),
        Vec::new(),
        vec![name.into_signed(signature)],
        Vec::new(),
    );
    Ok(SignedSecretKey::new(secret, details, Vec::new(), Vec::new()))
}
