//! Built once, used by all: a directory per recipe that appears whole or not at all.

use std::fs::{self, File};
use std::path::Path;

use anyhow::Context;
use serde::{Deserialize, Serialize};

use super::Image;

/// Name of the packed disk.
pub(super) const IMAGE: &str = "image.raw.zst";
/// Name of the kernel.
pub(super) const KERNEL: &str = "vmlinuz";
/// Directory that holds `KVER/` with the modules.
pub(super) const MODULES: &str = "lib/modules";
/// Name of the description; it says the rest of [`Image`].
const BUILT: &str = "built.json";

/// What the file names do not say about an image.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Built {
    /// SHA-256 of the packed disk.
    pub(super) sha256: String,
    /// Bytes of the unpacked disk.
    pub(super) raw_bytes: u64,
    /// Version of the kernel.
    pub(super) kver: String,
}

/// The image with this `key`, built by `build` into an empty directory if it is not there.
///
/// The lock is the kernel's and goes away with its holder, so that a builder that was killed blocks nobody.
///
/// # Errors
/// When `build` fails, or the cache cannot be written.
pub(super) fn get_or_build(
    cache: &Path,
    key: &str,
    build: impl FnOnce(&Path) -> anyhow::Result<Built>,
) -> anyhow::Result<Image> {
    fs::create_dir_all(cache).with_context(|| format!("cannot make {}", cache.display()))?;
    let cache = cache.canonicalize()?;
    let ready = cache.join(format!("debian-{key}"));
    let lock = File::create(cache.join(format!("debian-{key}.lock")))?;
    lock.lock().context("cannot lock the image cache")?;
    if let Some(image) = load(&ready) {
        return Ok(image);
    }
    // Left behind by a builder that did not finish, or an image that lost a file.
    let partial = cache.join(format!("debian-{key}.partial"));
    for stale in [&partial, &ready] {
        if stale.exists() {
            fs::remove_dir_all(stale)
                .with_context(|| format!("cannot clear {}", stale.display()))?;
        }
    }
    fs::create_dir(&partial)?;
    let built = build(&partial).inspect_err(|_| drop(fs::remove_dir_all(&partial)))?;
    fs::write(partial.join(BUILT), serde_json::to_vec_pretty(&built)?)?;
    fs::rename(&partial, &ready)?;
    load(&ready).with_context(|| format!("{} is incomplete after its build", ready.display()))
}

/// Reads back what was built; `None` when anything of it is missing.
fn load(dir: &Path) -> Option<Image> {
    let built: Built = serde_json::from_slice(&fs::read(dir.join(BUILT)).ok()?).ok()?;
    let image = Image {
        file: dir.join(IMAGE),
        kernel: dir.join(KERNEL),
        modules: dir.join(MODULES).join(&built.kver),
        sha256: built.sha256,
        raw_bytes: built.raw_bytes,
        kver: built.kver,
    };
    let whole = image.file.is_file()
        && image.kernel.is_file()
        && image.modules.join("modules.dep").is_file();
    whole.then_some(image)
}

#[cfg(test)]
mod tests;
