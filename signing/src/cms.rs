//! CMS signatures, as iPXE's `imgverify` takes them.
//!
//! What iPXE wants (its src/crypto/cms.c and x509.c; <https://ipxe.org/crypto>):
//!
//! - DER, `signedData`, detached; the digest is of the bytes themselves, so there are no signed attributes;
//! - RSA with SHA-256;
//! - the signer's certificate inside, found by issuer and serial number; with key usage
//!   `digitalSignature` and extended key usage `codeSigning`;
//! - the chain up to a trusted root inside as well: `TRUST=` builds in the root's fingerprint only.

mod authority;

use std::fmt;

use openssl::asn1::Asn1Time;
use openssl::cms::{CMSOptions, CmsContentInfo};
use openssl::hash::MessageDigest;
use openssl::nid::Nid;
use openssl::pkey::{Id, PKey, Private};
use openssl::stack::Stack;
use openssl::x509::{X509, X509NameRef, X509Ref};
use zeroize::Zeroizing;

use crate::SigningError;

pub use authority::Authority;

/// A certificate for signing code and its key. The key is wiped when it is dropped, and never shown.
pub struct CodeSigner {
    certificate: X509,
    key: PKey<Private>,
    /// The certificates above, the root last.
    chain: Vec<X509>,
}

impl CodeSigner {
    /// Reads PEM files: the certificate (more in the same file are taken as its chain), its key without
    /// passphrase, and the certificates above it.
    pub fn read(certificate: &[u8], key: &[u8], chain: &[u8]) -> Result<Self, SigningError> {
        let mut above = certificates(certificate)?;
        let certificate = above.remove(0);
        let key = private_key(key)?;
        if !chain.is_empty() {
            above.extend(certificates(chain)?);
        }
        let signer = Self { certificate, key, chain: above };
        signer.check()?;
        Ok(signer)
    }

    fn check(&self) -> Result<(), SigningError> {
        let name = || subject(&self.certificate);
        if self.key.id() != Id::RSA {
            return Err(SigningError::NotRsa(name()));
        }
        if !self.certificate.public_key()?.public_eq(&self.key) {
            return Err(SigningError::NotAPair(name()));
        }
        if !signs_code(&self.certificate)? {
            return Err(SigningError::NotCodeSigning(name()));
        }
        Ok(())
    }

    /// A detached signature in DER: what
    /// `openssl cms -sign -binary -noattr -signer CERT -inkey KEY -certfile CA -outform DER` makes.
    pub fn sign(&self, bytes: &[u8]) -> Result<Vec<u8>, SigningError> {
        let mut chain = Stack::new()?;
        for certificate in &self.chain {
            chain.push(certificate.clone())?;
        }
        let options = CMSOptions::DETACHED | CMSOptions::BINARY | CMSOptions::NOATTR;
        let signed = CmsContentInfo::sign(
            Some(&self.certificate),
            Some(&self.key),
            Some(&chain),
            Some(bytes),
            options,
        )?;
        Ok(signed.to_der()?)
    }

    /// The certificate, in PEM form.
    pub fn certificate_pem(&self) -> Result<Vec<u8>, SigningError> {
        Ok(self.certificate.to_pem()?)
    }

    /// The key, **not** protected by a passphrase: for a file with mode 0600.
    pub fn key_pem(&self) -> Result<Zeroizing<Vec<u8>>, SigningError> {
        Ok(Zeroizing::new(self.key.private_key_to_pem_pkcs8()?))
    }

    /// Whether the certificate is not valid yet or not any more: machines refuse what it signs.
    pub fn is_expired(&self, now_unix: u64) -> Result<bool, SigningError> {
        let now = asn1_time(now_unix)?;
        Ok(*self.certificate.not_after() < *now || *self.certificate.not_before() > *now)
    }

    /// One line for people: the name, the SHA-256 fingerprint, the end.
    pub fn describe(&self) -> Result<String, SigningError> {
        describe(&self.certificate)
    }
}

impl fmt::Debug for CodeSigner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("CodeSigner").field(&subject(&self.certificate)).finish()
    }
}

fn describe(certificate: &X509Ref) -> Result<String, SigningError> {
    let fingerprint = hex::encode_upper(certificate.digest(MessageDigest::sha256())?);
    Ok(format!("{} {fingerprint}, until {}", subject(certificate), certificate.not_after()))
}

fn subject(certificate: &X509Ref) -> String {
    common_name(certificate.subject_name()).unwrap_or_else(|| "without a name".to_owned())
}

fn common_name(name: &X509NameRef) -> Option<String> {
    let text = name.entries_by_nid(Nid::COMMONNAME).next()?.data().to_string().ok()?;
    Some(text.chars().filter(|c| !c.is_control()).collect())
}

/// The certificate's text is what the library shows of extensions to those who cannot look inside.
fn signs_code(certificate: &X509Ref) -> Result<bool, SigningError> {
    let text = certificate.to_text()?;
    let text = String::from_utf8_lossy(&text);
    let mut lines = text.lines();
    let header = lines.find(|line| line.trim_start().starts_with("X509v3 Extended Key Usage:"));
    Ok(header.is_some() && lines.next().is_some_and(|line| line.contains("Code Signing")))
}

fn certificates(bytes: &[u8]) -> Result<Vec<X509>, SigningError> {
    let found = X509::stack_from_pem(bytes);
    let found = found.map_err(|error| pem("certificate", &error.to_string()))?;
    if found.is_empty() { Err(pem("certificate", "nothing in it")) } else { Ok(found) }
}

fn private_key(bytes: &[u8]) -> Result<PKey<Private>, SigningError> {
    // Never asks: without the callback, OpenSSL would, at the terminal.
    PKey::private_key_from_pem_callback(bytes, |_| Ok(0))
        .map_err(|error| pem("private key without passphrase", &error.to_string()))
}

fn pem(what: &'static str, why: &str) -> SigningError {
    SigningError::Pem { what, why: why.to_owned() }
}

fn asn1_time(unix: u64) -> Result<Asn1Time, SigningError> {
    let seconds = i64::try_from(unix).map_err(|_| SigningError::Clock(unix))?;
    Ok(Asn1Time::from_unix(seconds)?)
}

#[cfg(test)]
mod tests;
