//! The operating-system image that the lab installs: Debian with cloud-init on a raw GPT disk that boots by
//! BIOS, UEFI and Secure Boot.
//!
//! Built once per recipe and kept: a root tree by `mmdebstrap`, then the disk from files alone, with neither
//! loop device nor mount. A first boot reads a NoCloud seed from a FAT partition labelled `CIDATA` that the
//! installer adds behind the last partition.

mod cache;
mod disk;
mod grub;
mod layout;
mod recipe;
mod root;
pub(crate) mod run;
mod sources;

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

/// What was built. All files are below one directory of the cache and are never changed again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Image {
    /// `image.raw.zst`: the disk's bytes as one Zstandard frame.
    pub file: PathBuf,
    /// SHA-256 of the bytes of `file`, 64 hex digits.
    pub sha256: String,
    /// Size of the unpacked disk in bytes.
    pub raw_bytes: u64,
    /// Kernel of the same root (`linux-image-cloud-amd64`), signed by the distribution.
    pub kernel: PathBuf,
    /// `…/lib/modules/KVER` of that kernel, with `modules.dep` and its relatives.
    pub modules: PathBuf,
    /// Version of that kernel, as `uname -r` says it.
    pub kver: String,
}

/// Gives the Debian image of this recipe, from below `cache` when it is there, else by building it.
///
/// A build needs root, the packages of `xtask/packages.txt` and a Debian mirror in `/etc/apt`. It takes one to
/// two minutes. Two builders at once wait for each other; an interrupted build leaves nothing that is used.
///
/// # Errors
/// When not run by root, when a program is missing or fails (its last words are in the message), or when the
/// cache cannot be written.
pub fn debian(cache: &Path) -> anyhow::Result<Image> {
    cache::get_or_build(cache, &recipe::key(), build)
}

/// Builds everything into the empty directory `dir`.
fn build(dir: &Path) -> anyhow::Result<cache::Built> {
    let scratch = tempfile::Builder::new().prefix("scratch-").tempdir_in(dir)?;
    let ids = recipe::Ids::fresh()?;
    let tree = root::make(scratch.path(), &ids)?;
    let kver = root::take_kernel(&tree, dir)?;
    let raw = scratch.path().join("image.raw");
    let raw_bytes = disk::assemble(&tree, &raw, &ids, scratch.path())?;
    let sha256 = disk::pack(&raw, &dir.join(cache::IMAGE))?;
    Ok(cache::Built { sha256, raw_bytes, kver })
}
