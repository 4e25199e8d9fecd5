//! Signatures: OpenPGP and CMS, made and checked.
