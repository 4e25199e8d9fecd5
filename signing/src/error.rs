//! Why a key cannot be made, read or used.

/// Why a key cannot be made, read or used. The text says what to do, and never holds a secret.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SigningError {
    /// The bytes are no OpenPGP key at all.
    #[error("no OpenPGP secret key: {0}; make it with gpg --export-secret-keys --armor KEY")]
    NoKey(String),
    /// A public key, where the secret one is needed.
    #[error(
        "this is a public key; to sign, the secret one is needed: gpg --export-secret-keys KEY"
    )]
    PublicOnly,
    /// More than one secret key.
    #[error("{0} secret keys in one file; export the one that is to sign")]
    ManyKeys(usize),
    /// The secret part is somewhere else: on a card, or left out.
    #[error("the secret part of key {0} is not in the file: a stub of a card or an offline key")]
    Stub(String),
    /// It is encrypted, and there is no passphrase.
    #[error("key {0} is protected by a passphrase, and none is given")]
    PassphraseMissing(String),
    /// It is encrypted, and not with this passphrase.
    #[error("the passphrase does not open key {0}")]
    PassphraseWrong(String),
    /// Past its end.
    #[error("key {fingerprint} expired at {at} (seconds since 1970); extend it, or take another")]
    Expired {
        /// The key.
        fingerprint: String,
        /// When, in seconds since 1970.
        at: u64,
    },
    /// Taken back by its owner.
    #[error("key {0} is revoked; take another")]
    Revoked(String),
    /// For something else.
    #[error("key {0} is not for signing, and has no subkey that is")]
    CannotSign(String),
    /// Certificate and key are of different pairs.
    #[error("the key does not belong to the certificate {0}")]
    NotAPair(String),
    /// A certificate that machines would refuse.
    #[error("the certificate {0} is not for signing code (extended key usage codeSigning)")]
    NotCodeSigning(String),
    /// A kind of key that firmware does not know.
    #[error("the key of {0} is not RSA, and iPXE knows no other")]
    NotRsa(String),
    /// A certificate or key that cannot be read.
    #[error("no {what} in PEM form: {why}")]
    Pem {
        /// What was wanted.
        what: &'static str,
        /// What the parser said.
        why: String,
    },
    /// A time that the format cannot hold.
    #[error("the clock says {0} seconds since 1970, which no signature can say")]
    Clock(u64),
    /// A name that the format cannot hold.
    #[error("the name {0:?} is empty, too long or has control characters")]
    Name(String),
    /// The OpenPGP library.
    #[error("OpenPGP: {0}")]
    OpenPgp(#[from] pgp::errors::Error),
    /// The cryptographic library.
    #[error("OpenSSL: {0}")]
    OpenSsl(#[from] openssl::error::ErrorStack),
}
