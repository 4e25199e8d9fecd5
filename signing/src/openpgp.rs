//! OpenPGP keys and detached signatures.
//!
//! What GRUB's verifier takes (its grub-core/commands/pgp.c, and its manual, "Using digital signatures";
//! tried with `verify_detached` of Debian's 2.06); `grub_understands_the_layout_of_a_signature` holds us to
//! it:
//!
//! - one signature packet, binary, not armoured; whatever follows is not looked at;
//! - version 4, type 0x00 (binary): 0x01, which matchbox made, is refused;
//! - RSA (1, 3) or DSA (17) only: no Ed25519, no ECDSA;
//! - a hash that libgcrypt has: SHA-256, SHA-512 and older ones; its module must be in the image;
//! - the key is found by the issuer's key id (subpacket 16) of the **unhashed** area. In the hashed area
//!   it is not seen. An issuer's fingerprint (33) may be there and is not looked at;
//! - keys of `--pubkey` and `trust` are binary, not armoured; version 4; subkeys count like the primary;
//!   packets of more than 191 bytes have headers of the old format: see `frame`.

mod frame;
mod make;
mod read;
mod rsa;
pub(crate) mod standing;

use std::fmt;

use pgp::armor::{self, BlockType};
use pgp::composed::{ArmorOptions, SignedSecretKey};
use pgp::packet::{PacketTrait, SignatureConfig, SignatureType, Subpacket, SubpacketData};
use pgp::ser::Serialize;
use pgp::types::{KeyDetails, KeyVersion, Password, PublicParams, Timestamp};
use rand_core::OsRng;
use zeroize::Zeroizing;

use crate::SigningError;
use rsa::{RsaKey, Signer};

/// The kind of a key that is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyKind {
    /// Short and fast; for `gpg`, and not for GRUB.
    Ed25519,
    /// RSA with 3072 bits; for everything.
    Rsa,
}

/// A key that can sign. Its secrets are wiped when it is dropped, and never shown.
pub struct SigningKey {
    key: SignedSecretKey,
    part: Part,
    /// The signing part's end, in seconds since 1970.
    expires: Option<u64>,
    /// Set when the part is RSA.
    rsa: Option<RsaKey>,
}

/// Which part of the key signs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Part {
    Primary,
    /// Index among the secret subkeys.
    Subkey(usize),
}

impl SigningKey {
    /// A new key without passphrase and without end.
    pub fn generate(kind: KeyKind, user_id: &str, now_unix: u64) -> Result<Self, SigningError> {
        let key = make::make(kind, user_id, timestamp(now_unix)?)?;
        Self::with(key, Part::Primary, None)
    }

    /// A secret key, armoured or binary, as `gpg --export-secret-keys` and `--export-secret-subkeys`
    /// write it. Like gpg it signs with the newest valid subkey for signing, else with the primary key.
    pub fn read(
        bytes: &[u8],
        passphrase: Option<&str>,
        now_unix: u64,
    ) -> Result<Self, SigningError> {
        let (key, part, expires) = read::read(bytes, passphrase, now_unix)?;
        Self::with(key, part, expires)
    }

    fn with(key: SignedSecretKey, part: Part, expires: Option<u64>) -> Result<Self, SigningError> {
        let mut made = Self { key, part, expires, rsa: None };
        made.rsa = made.rsa_key()?;
        Ok(made)
    }

    fn rsa_key(&self) -> Result<Option<RsaKey>, SigningError> {
        let no_password = Password::empty();
        match self.part {
            Part::Primary => self.key.primary_key.unlock(&no_password, rsa::key)?,
            Part::Subkey(at) => match self.key.secret_subkeys.get(at) {
                Some(subkey) => subkey.key.unlock(&no_password, rsa::key)?,
                None => Ok(None),
            },
        }
        .map_err(SigningError::from)
    }

    /// The secret key, **not** protected by a passphrase if it was made here: for a file with mode 0600.
    pub fn secret_armored(&self) -> Result<Zeroizing<String>, SigningError> {
        Ok(Zeroizing::new(self.key.to_armored_string(ArmorOptions::default())?))
    }

    /// The public key: what `gpg --import` takes.
    pub fn public_armored(&self) -> Result<String, SigningError> {
        armored(BlockType::PublicKey, &self.public_binary()?)
    }

    /// The public key: what `grub-mkimage --pubkey` and GRUB's `trust` take.
    pub fn public_binary(&self) -> Result<Vec<u8>, SigningError> {
        let binary = self.key.to_public_key().to_bytes()?;
        Ok(frame::old(&binary).unwrap_or(binary))
    }

    /// Fingerprint of the primary key, in hexadecimal digits: what `gpg --fingerprint` shows.
    pub fn fingerprint(&self) -> String {
        standing::hex_of(&self.key.primary_key.fingerprint())
    }

    /// Whether GRUB knows this kind of key.
    pub fn suits_grub(&self) -> bool {
        let signer = self.signer();
        signer.version() == KeyVersion::V4
            && matches!(signer.public_params(), PublicParams::RSA(_) | PublicParams::DSA(_))
    }

    /// One line for people: kind, fingerprint, name.
    pub fn describe(&self) -> String {
        let signer = self.signer();
        let kind = match &self.rsa {
            Some(rsa) => format!("RSA {}", rsa.bits()),
            None => kind_name(signer.public_params()),
        };
        let signs_with = match self.part {
            Part::Primary => String::new(),
            Part::Subkey(_) => {
                format!(" (subkey {})", standing::hex_of(&signer.fingerprint()))
            }
        };
        let name = standing::name_of(&self.key.details).unwrap_or_else(|| "no name".to_owned());
        format!("{kind} {}{signs_with}, {name}", self.fingerprint())
    }

    /// A detached signature: version 4, binary, SHA-256 or better, with the issuer's fingerprint (hashed)
    /// and key id (unhashed, where GRUB looks for it).
    pub fn sign(&self, bytes: &[u8], now_unix: u64) -> Result<Signature, SigningError> {
        if let Some(at) = self.expires.filter(|at| *at <= now_unix) {
            return Err(SigningError::Expired { fingerprint: self.fingerprint(), at });
        }
        let signer = Signer::new(self.signer(), self.rsa.as_ref());
        let made = timestamp(now_unix)?;
        let mut config = SignatureConfig::from_key(OsRng, &signer, SignatureType::Binary)?;
        config.hashed_subpackets = vec![
            Subpacket::regular(SubpacketData::IssuerFingerprint(signer.fingerprint()))?,
            Subpacket::regular(SubpacketData::SignatureCreationTime(made))?,
        ];
        if signer.version() <= KeyVersion::V4 {
            let issuer = SubpacketData::IssuerKeyId(signer.legacy_key_id());
            config.unhashed_subpackets = vec![Subpacket::regular(issuer)?];
        }
        let signature = config.sign(&signer, &Password::empty(), bytes)?;
        let mut binary = Vec::new();
        signature.to_writer_with_header(&mut binary)?;
        Ok(Signature(frame::old(&binary).unwrap_or(binary)))
    }

    /// The part that signs.
    fn signer(&self) -> &dyn pgp::types::SigningKey {
        let subkey = match self.part {
            Part::Primary => None,
            Part::Subkey(at) => self.key.secret_subkeys.get(at),
        };
        match subkey {
            Some(subkey) => &subkey.key,
            None => &self.key.primary_key,
        }
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("SigningKey").field(&self.describe()).finish()
    }
}

fn kind_name(params: &PublicParams) -> String {
    match params {
        PublicParams::RSA(_) => "RSA",
        PublicParams::DSA(_) => "DSA",
        PublicParams::ECDSA(_) => "ECDSA",
        PublicParams::EdDSALegacy(_) | PublicParams::Ed25519(_) => "Ed25519",
        PublicParams::Ed448(_) => "Ed448",
        _ => "OpenPGP",
    }
    .to_owned()
}

/// OpenPGP's times are 32 bits of seconds since 1970.
fn timestamp(unix: u64) -> Result<Timestamp, SigningError> {
    let seconds = u32::try_from(unix).map_err(|_| SigningError::Clock(unix))?;
    Ok(Timestamp::from_secs(seconds))
}

/// A detached OpenPGP signature.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signature(Vec<u8>);

impl Signature {
    /// As for files named `.sig`.
    pub fn binary(&self) -> &[u8] {
        &self.0
    }

    /// As for files named `.asc`.
    pub fn armored(&self) -> Result<String, SigningError> {
        armored(BlockType::Signature, &self.0)
    }
}

fn armored(kind: BlockType, packets: &[u8]) -> Result<String, SigningError> {
    let mut text = Vec::new();
    armor::write(&Packets(packets), kind, &mut text, None, true)?;
    Ok(String::from_utf8_lossy(&text).into_owned())
}

/// Packets that are bytes already.
struct Packets<'a>(&'a [u8]);

impl Serialize for Packets<'_> {
    fn to_writer<W: std::io::Write>(&self, writer: &mut W) -> pgp::errors::Result<()> {
        Ok(writer.write_all(self.0)?)
    }

    fn write_len(&self) -> usize {
        self.0.len()
    }
}

#[cfg(test)]
mod tests;
