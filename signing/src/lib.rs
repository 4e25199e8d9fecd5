//! Signatures: what the provisioner renders is signed, and commits of a catalog are checked.
//!
//! - [`SigningKey`] makes OpenPGP signatures, detached: for `gpg --verify` and for GRUB's
//!   `check_signatures=enforce`.
//! - [`CodeSigner`] makes CMS signatures, detached: for `openssl cms -verify` and for iPXE's
//!   `imgverify`. Its certificate comes from an [`Authority`].
//! - [`Keyring`] says by whom a commit was signed, with OpenPGP or with SSH.
//!
//! Nothing here reads a clock or a file; times are seconds since 1970.

mod cms;
mod error;
mod keyring;
mod openpgp;

pub use cms::{Authority, CodeSigner};
pub use error::SigningError;
pub use keyring::{Keyring, KeyringError, VerifyError};
pub use openpgp::{KeyKind, Signature, SigningKey};

#[cfg(test)]
mod lab;
