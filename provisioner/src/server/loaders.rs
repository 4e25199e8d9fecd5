//! The boot loaders: read once at the start, served from memory by TFTP and HTTP alike.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};

use bytes::Bytes;

use crate::domain::boot::Platform;

/// The largest file that is taken for a loader, bytes.
const LARGEST: u64 = 32 << 20;

/// Loaders by name. A name that is not in here is never handed out by DHCP.
#[derive(Debug, Clone, Default)]
pub struct Loaders(BTreeMap<String, Bytes>);

/// Why the loaders cannot be read.
#[derive(Debug, thiserror::Error)]
#[error(
    "cannot read {path}; set loaders.directory to where the boot loaders are (Debian: package ipxe)"
)]
pub struct LoadersError {
    /// File or directory.
    path: PathBuf,
    /// What the system said.
    #[source]
    source: io::Error,
}

impl Loaders {
    /// Reads every loader that some platform could be given.
    pub fn read(directory: &Path) -> Result<Self, LoadersError> {
        let fail = |path: &Path, source| LoadersError { path: path.to_owned(), source };
        directory.read_dir().map_err(|error| fail(directory, error))?;
        let mut files = BTreeMap::new();
        for name in names() {
            let path = directory.join(name);
            match read(&path) {
                Ok(bytes) => {
                    files.insert((*name).to_owned(), Bytes::from(bytes));
                }
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => return Err(fail(&path, error)),
            }
        }
        Ok(Self(files))
    }

    /// Whether there is such a loader.
    pub fn has(&self, name: &str) -> bool {
        self.0.contains_key(name)
    }

    /// A loader's bytes.
    pub fn get(&self, name: &str) -> Option<Bytes> {
        self.0.get(name).cloned()
    }

    /// Names of all that are there.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }
}

fn names() -> impl Iterator<Item = &'static &'static str> {
    [Platform::BiosX86, Platform::UefiIa32, Platform::UefiX64, Platform::UefiArm64]
        .into_iter()
        .flat_map(Platform::loaders)
}

fn read(path: &Path) -> io::Result<Vec<u8>> {
    let size = std::fs::metadata(path)?.len();
    if size > LARGEST {
        return Err(io::Error::other(format!("{size} bytes are too many for a boot loader")));
    }
    std::fs::read(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_loaders_of_the_table_are_read() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("snponly.efi"), "x").unwrap();
        std::fs::write(dir.path().join("secret.txt"), "x").unwrap();
        let loaders = Loaders::read(dir.path()).unwrap();
        assert_eq!(loaders.names().collect::<Vec<_>>(), ["snponly.efi"]);
    }

    #[test]
    fn a_missing_directory_is_said_with_what_to_do() {
        let error = Loaders::read(Path::new("/nowhere")).unwrap_err();
        assert!(error.to_string().contains("loaders.directory"), "{error}");
    }
}
