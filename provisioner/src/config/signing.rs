//! The section `signing`: whose signatures go with what is rendered.

use std::path::{Path, PathBuf};

use yaml::Map;

use super::sub;

/// The keys that sign. What is not named is what `provisioner init` made, where it is there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signing {
    /// OpenPGP secret key.
    pub key: Option<PathBuf>,
    /// File whose first line is the passphrase of the key.
    pub passphrase_file: Option<PathBuf>,
    /// Code-signing certificate, followed by those above it.
    pub certificate: Option<PathBuf>,
    /// The certificate's key.
    pub certificate_key: Option<PathBuf>,
    /// Where `provisioner init` puts what it makes.
    pub directory: PathBuf,
}

impl Signing {
    /// The OpenPGP secret key that `provisioner init` makes.
    pub fn made_key(&self) -> PathBuf {
        self.directory.join("openpgp.key")
    }

    /// The code-signing certificate that `provisioner init` makes.
    pub fn made_certificate(&self) -> PathBuf {
        self.directory.join("codesign.pem")
    }

    /// The key of that certificate.
    pub fn made_certificate_key(&self) -> PathBuf {
        self.directory.join("codesign.key")
    }
}

/// Goes on after a fault.
pub(super) fn read(top: &Map<'_>, base: &Path, data_dir: &Path) -> Signing {
    let known = ["key", "passphrase_file", "certificate", "certificate_key"];
    let section = sub(top, "signing", &known, &[]);
    let path = |key| {
        let text = section.as_ref()?.get(key)?.text()?;
        Some(base.join(text))
    };
    let signing = Signing {
        key: path("key"),
        passphrase_file: path("passphrase_file"),
        certificate: path("certificate"),
        certificate_key: path("certificate_key"),
        directory: data_dir.join("signing"),
    };
    let pair = (&signing.certificate, &signing.certificate_key);
    let (there, missing) = match pair {
        (Some(_), None) => ("certificate", "certificate_key"),
        (None, Some(_)) => ("certificate_key", "certificate"),
        _ => return signing,
    };
    if let Some(field) = section.and_then(|section| section.get(there)) {
        field.fault::<()>(format!("of no use without `{missing}`: name both, or neither"));
    }
    signing
}
