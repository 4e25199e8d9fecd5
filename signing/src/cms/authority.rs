//! A small certificate authority: one root, which issues certificates for signing code.

use std::fmt;

use openssl::asn1::Asn1Integer;
use openssl::bn::{BigNum, MsbOption};
use openssl::hash::MessageDigest;
use openssl::nid::Nid;
use openssl::pkey::{PKey, Private};
use openssl::rsa::Rsa;
use openssl::x509::extension::{
    AuthorityKeyIdentifier, BasicConstraints, ExtendedKeyUsage, KeyUsage, SubjectKeyIdentifier,
};
use openssl::x509::{X509, X509Builder, X509Name};
use zeroize::Zeroizing;

use super::{CodeSigner, asn1_time, certificates, describe, private_key, subject};
use crate::SigningError;

const RSA_BITS: u32 = 3072;
const DAY: u64 = 24 * 3600;
/// The root's fingerprint is built into firmware, which is seldom made anew.
const ROOT_LIVES: u64 = 20 * 365 * DAY;
const SIGNER_LIVES: u64 = 10 * 365 * DAY;
/// Clocks of machines that are started for the first time are off by hours.
const BEFORE: u64 = DAY;
/// ub-common-name of RFC 5280, appendix A.
const LONGEST_NAME: usize = 64;

/// A root certificate and its key. The key is wiped when it is dropped, and never shown.
pub struct Authority {
    certificate: X509,
    key: PKey<Private>,
}

impl Authority {
    /// A new root with an RSA key of 3072 bits; it lives for 20 years.
    pub fn generate(common_name: &str, now_unix: u64) -> Result<Self, SigningError> {
        let key = new_key()?;
        let name = name(common_name)?;
        let mut builder = builder(&name, &name, &key, now_unix, ROOT_LIVES)?;
        builder.append_extension(BasicConstraints::new().critical().ca().pathlen(0).build()?)?;
        let usage = KeyUsage::new().critical().key_cert_sign().crl_sign().build()?;
        builder.append_extension(usage)?;
        let id = SubjectKeyIdentifier::new().build(&builder.x509v3_context(None, None))?;
        builder.append_extension(id)?;
        builder.sign(&key, MessageDigest::sha256())?;
        Ok(Self { certificate: builder.build(), key })
    }

    /// Reads PEM files: the root certificate and its key, without passphrase.
    pub fn read(certificate: &[u8], key: &[u8]) -> Result<Self, SigningError> {
        let certificate = certificates(certificate)?.remove(0);
        let key = private_key(key)?;
        if !certificate.public_key()?.public_eq(&key) {
            return Err(SigningError::NotAPair(subject(&certificate)));
        }
        Ok(Self { certificate, key })
    }

    /// A new certificate for signing code, with a key of its own; it lives for 10 years.
    pub fn issue(&self, common_name: &str, now_unix: u64) -> Result<CodeSigner, SigningError> {
        let key = new_key()?;
        let name = name(common_name)?;
        let issuer = self.certificate.subject_name();
        let mut builder = builder(&name, issuer, &key, now_unix, SIGNER_LIVES)?;
        builder.append_extension(BasicConstraints::new().critical().build()?)?;
        builder.append_extension(KeyUsage::new().critical().digital_signature().build()?)?;
        builder.append_extension(ExtendedKeyUsage::new().code_signing().build()?)?;
        let context = builder.x509v3_context(Some(&self.certificate), None);
        let id = SubjectKeyIdentifier::new().build(&context)?;
        let issuer_id = AuthorityKeyIdentifier::new().keyid(true).build(&context)?;
        builder.append_extension(id)?;
        builder.append_extension(issuer_id)?;
        builder.sign(&self.key, MessageDigest::sha256())?;
        let chain = vec![self.certificate.clone()];
        Ok(CodeSigner { certificate: builder.build(), key, chain })
    }

    /// The root certificate, in PEM form: what iPXE's `TRUST=` takes.
    pub fn certificate_pem(&self) -> Result<Vec<u8>, SigningError> {
        Ok(self.certificate.to_pem()?)
    }

    /// The root's key, **not** protected by a passphrase: for a file with mode 0600.
    pub fn key_pem(&self) -> Result<Zeroizing<Vec<u8>>, SigningError> {
        Ok(Zeroizing::new(self.key.private_key_to_pem_pkcs8()?))
    }

    /// One line for people: the name, the SHA-256 fingerprint, the end.
    pub fn describe(&self) -> Result<String, SigningError> {
        describe(&self.certificate)
    }
}

impl fmt::Debug for Authority {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Authority").field(&subject(&self.certificate)).finish()
    }
}

fn new_key() -> Result<PKey<Private>, SigningError> {
    Ok(PKey::from_rsa(Rsa::generate(RSA_BITS)?)?)
}

fn name(common_name: &str) -> Result<X509Name, SigningError> {
    let length = common_name.chars().count();
    if length == 0 || length > LONGEST_NAME || common_name.contains(char::is_control) {
        return Err(SigningError::Name(common_name.to_owned()));
    }
    let mut name = X509Name::builder()?;
    name.append_entry_by_nid(Nid::COMMONNAME, common_name)?;
    Ok(name.build())
}

fn builder(
    subject: &X509Name,
    issuer: &openssl::x509::X509NameRef,
    key: &PKey<Private>,
    now: u64,
    lives: u64,
) -> Result<X509Builder, SigningError> {
    let mut serial = BigNum::new()?;
    // 20 bytes at most, and positive (RFC 5280, 4.1.2.2).
    serial.rand(152, MsbOption::ONE, false)?;
    let end = now.checked_add(lives).ok_or(SigningError::Clock(now))?;
    let mut builder = X509::builder()?;
    // Version 3.
    builder.set_version(2)?;
    builder.set_serial_number(&*Asn1Integer::from_bn(&serial)?)?;
    builder.set_subject_name(subject)?;
    builder.set_issuer_name(issuer)?;
    builder.set_pubkey(key)?;
    builder.set_not_before(&*asn1_time(now.saturating_sub(BEFORE))?)?;
    builder.set_not_after(&*asn1_time(end)?)?;
    Ok(builder)
}
