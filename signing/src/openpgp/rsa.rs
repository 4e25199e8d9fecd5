//! RSA by OpenSSL: it works in constant time (RUSTSEC-2023-0071 is about the library's own), and faster.

use std::fmt;

use openssl::bn::{BigNum, BigNumContext, BigNumRef};
use openssl::error::ErrorStack;
use openssl::md::Md;
use openssl::pkey::{PKey, Private};
use openssl::pkey_ctx::PkeyCtx;
use openssl::rsa::{Padding, Rsa, RsaPrivateKeyBuilder};
use pgp::crypto::hash::HashAlgorithm;
use pgp::crypto::public_key::PublicKeyAlgorithm;
use pgp::errors::{Error, Result};
use pgp::ser::Serialize;
use pgp::types::{
    Fingerprint, KeyDetails, KeyId, KeyVersion, Mpi, Password, PlainSecretParams, PublicParams,
    RsaPublicParams, SecretParams, SignatureBytes, SigningKey, Timestamp,
};
use zeroize::Zeroizing;

use crate::SigningError;

/// An RSA key in OpenSSL's form. OpenSSL wipes it when it is dropped.
pub(super) struct RsaKey(PKey<Private>);

impl RsaKey {
    pub(super) fn bits(&self) -> u32 {
        self.0.bits()
    }

    fn sign(&self, hash: HashAlgorithm, digest: &[u8]) -> Result<Vec<u8>> {
        let md = match hash {
            HashAlgorithm::Sha256 => Md::sha256(),
            HashAlgorithm::Sha384 => Md::sha384(),
            HashAlgorithm::Sha512 => Md::sha512(),
            other => return Err(Error::from(std::io::Error::other(format!("hash {other}")))),
        };
        let sign = || {
            let mut context = PkeyCtx::new(&self.0)?;
            context.sign_init()?;
            context.set_rsa_padding(Padding::PKCS1)?;
            context.set_signature_md(md)?;
            let mut signature = Vec::new();
            context.sign_to_vec(digest, &mut signature)?;
            Ok(signature)
        };
        sign().map_err(failed)
    }
}

fn failed(error: ErrorStack) -> Error {
    Error::from(std::io::Error::other(error))
}

/// A key of the library in OpenSSL's form; `None` if it is no RSA key.
#[expect(clippy::many_single_char_names, reason = "the names of RFC 8017 and RFC 9580")]
pub(super) fn key(public: &PublicParams, secret: &PlainSecretParams) -> Result<Option<RsaKey>> {
    let (PublicParams::RSA(public), PlainSecretParams::RSA(secret)) = (public, secret) else {
        return Ok(None);
    };
    let numbers = public.to_bytes()?;
    let (n, rest) = mpi(&numbers)?;
    let (e, _) = mpi(rest)?;
    let (d, p, q, u) = secret.to_bytes();
    let secret = [d, p, q, u].map(Zeroizing::new);
    let [d, p, q, _] = secret.each_ref().map(|bytes| bytes.as_slice());
    Ok(Some(RsaKey(private_key([n, e, d, p, q]).map_err(failed)?)))
}

#[expect(clippy::many_single_char_names, reason = "the names of RFC 8017")]
fn private_key(numbers: [&[u8]; 5]) -> std::result::Result<PKey<Private>, ErrorStack> {
    let [n, e, d, p, q] = numbers;
    let secret = |bytes| {
        let mut number = BigNum::from_slice(bytes)?;
        number.set_const_time();
        Ok::<_, ErrorStack>(number)
    };
    let (d, p, q) = (secret(d)?, secret(p)?, secret(q)?);
    let (dp, dq, qinv) = (remainder(&d, &p)?, remainder(&d, &q)?, inverse(&q, &p)?);
    let key = RsaPrivateKeyBuilder::new(BigNum::from_slice(n)?, BigNum::from_slice(e)?, d)?
        .set_factors(p, q)?
        .set_crt_params(dp, dq, qinv)?
        .build();
    PKey::from_rsa(key)
}

/// `d` modulo `prime - 1`.
fn remainder(d: &BigNumRef, prime: &BigNumRef) -> std::result::Result<BigNum, ErrorStack> {
    let mut less = prime.to_owned()?;
    less.sub_word(1)?;
    let mut result = BigNum::new_secure()?;
    result.nnmod(d, &less, &mut *BigNumContext::new_secure()?)?;
    Ok(result)
}

fn inverse(a: &BigNumRef, modulus: &BigNumRef) -> std::result::Result<BigNum, ErrorStack> {
    let mut result = BigNum::new_secure()?;
    result.mod_inverse(a, modulus, &mut *BigNumContext::new_secure()?)?;
    Ok(result)
}

/// The library's form of a key of OpenSSL.
pub(super) fn params(
    key: &Rsa<Private>,
) -> std::result::Result<(PublicParams, SecretParams), SigningError> {
    let mut numbers = Vec::new();
    Mpi::from_slice(&key.n().to_vec()).to_writer(&mut numbers)?;
    Mpi::from_slice(&key.e().to_vec()).to_writer(&mut numbers)?;
    let public = PublicParams::RSA(RsaPublicParams::try_from_reader(numbers.as_slice())?);
    let missing = || SigningError::NoKey("an RSA key without factors".to_owned());
    // OpenPGP wants p < q, and the inverse of p modulo q (RFC 9580, 5.5.5.1).
    let (one, other) = (key.p().ok_or_else(missing)?, key.q().ok_or_else(missing)?);
    let (p, q) = if one < other { (one, other) } else { (other, one) };
    let mut secret = Zeroizing::new(Vec::new());
    let inverse = inverse(p, q)?;
    for number in [key.d(), p, q, &inverse] {
        let bytes = Zeroizing::new(number.to_vec());
        Mpi::from_slice(&bytes).to_writer(&mut *secret)?;
    }
    let plain = PlainSecretParams::try_from_reader_no_checksum(
        secret.as_slice(),
        KeyVersion::V4,
        PublicKeyAlgorithm::RSA,
        &public,
    )?;
    Ok((public, SecretParams::Plain(plain)))
}

/// The first number of some: a length in bits, and its bytes (RFC 9580, 3.2).
fn mpi(bytes: &[u8]) -> Result<(&[u8], &[u8])> {
    let short = || Error::from(std::io::Error::from(std::io::ErrorKind::UnexpectedEof));
    let (bits, rest) = bytes.split_first_chunk::<2>().ok_or_else(short)?;
    let length = usize::from(u16::from_be_bytes(*bits)).div_ceil(8);
    rest.split_at_checked(length).ok_or_else(short)
}

/// The library's key; if it is RSA, with OpenSSL's arithmetic.
pub(super) struct Signer<'a> {
    key: &'a dyn SigningKey,
    rsa: Option<&'a RsaKey>,
}

impl<'a> Signer<'a> {
    pub(super) fn new(key: &'a dyn SigningKey, rsa: Option<&'a RsaKey>) -> Self {
        Self { key, rsa }
    }
}

impl fmt::Debug for Signer<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Signer").field(&self.key.fingerprint()).finish()
    }
}

impl KeyDetails for Signer<'_> {
    fn version(&self) -> KeyVersion {
        self.key.version()
    }

    fn legacy_key_id(&self) -> KeyId {
        self.key.legacy_key_id()
    }

    fn fingerprint(&self) -> Fingerprint {
        self.key.fingerprint()
    }

    fn algorithm(&self) -> PublicKeyAlgorithm {
        self.key.algorithm()
    }

    fn created_at(&self) -> Timestamp {
        self.key.created_at()
    }

    fn legacy_v3_expiration_days(&self) -> Option<u16> {
        self.key.legacy_v3_expiration_days()
    }

    fn public_params(&self) -> &PublicParams {
        self.key.public_params()
    }
}

impl SigningKey for Signer<'_> {
    fn sign(
        &self,
        password: &Password,
        hash: HashAlgorithm,
        digest: &[u8],
    ) -> Result<SignatureBytes> {
        match self.rsa {
            Some(rsa) => Ok(SignatureBytes::Mpis(vec![Mpi::from_slice(&rsa.sign(hash, digest)?)])),
            None => self.key.sign(password, hash, digest),
        }
    }

    fn hash_alg(&self) -> HashAlgorithm {
        self.key.hash_alg()
    }
}
