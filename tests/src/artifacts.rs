//! What the lab runs: the built programs, the operating system's image, the installer's boot files.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};
use sha2::{Digest, Sha256};

use crate::image::{self, Image};

/// All of it, present and usable.
#[derive(Debug, Clone)]
pub struct Artifacts {
    /// The daemon.
    pub provisioner: PathBuf,
    /// The client.
    pub mayuctl: PathBuf,
    /// The operating system.
    pub image: Image,
    /// Holds `x86_64/{vmlinuz,initrd.img}`.
    pub installer: PathBuf,
}

impl Artifacts {
    /// Finds the programs beside this one (or in `LAB_BIN_DIR`), and builds image and installer when the cache
    /// in `.lab/` has none that fit.
    ///
    /// # Errors
    /// When a program was not built (`cargo xtask` builds them), or when a build fails.
    pub fn ready() -> Result<Self> {
        let bin = bin_dir()?;
        let program = |name: &str| existing(bin.join(name));
        let (provisioner, mayuctl) = (program("provisioner")?, program("mayuctl")?);
        let target = bin.parent().context("the programs' directory has no parent")?;
        let agent = existing(target.join("x86_64-unknown-linux-gnu/agent/installer"))?;
        fs::create_dir_all(cache()).context("cannot make .lab")?;
        let image = image::debian(&cache())?;
        let installer = installer(&provisioner, &agent, &image)?;
        Ok(Self { provisioner, mayuctl, image, installer })
    }

    /// The initramfs.
    pub fn initramfs(&self) -> PathBuf {
        self.installer.join("x86_64/initrd.img")
    }
}

/// The workspace.
pub fn workspace() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// Where built things are kept: `.lab/` of the workspace.
pub fn cache() -> PathBuf {
    let root = workspace();
    root.canonicalize().unwrap_or(root).join(".lab")
}

fn bin_dir() -> Result<PathBuf> {
    if let Some(dir) = std::env::var_os("LAB_BIN_DIR") {
        return Path::new(&dir).canonicalize().context("LAB_BIN_DIR");
    }
    let me = std::env::current_exe().context("cannot find this program's own file")?;
    let dir = me.parent().context("this program's file has no directory")?;
    // Tests are in target/PROFILE/deps, programs in target/PROFILE.
    let dir = if dir.ends_with("deps") { dir.parent().unwrap_or(dir) } else { dir };
    Ok(dir.to_owned())
}

fn existing(path: PathBuf) -> Result<PathBuf> {
    if !path.is_file() {
        bail!("{} is not built: run `cargo xtask lab` or `cargo xtask test`", path.display());
    }
    Ok(path)
}

/// Kernel and initramfs, kept by what they are made of.
fn installer(provisioner: &Path, agent: &Path, image: &Image) -> Result<PathBuf> {
    let mut hash = Sha256::new();
    for file in [provisioner, agent, &image.kernel] {
        let bytes = fs::read(file).with_context(|| format!("cannot read {}", file.display()))?;
        hash.update(Sha256::digest(&bytes));
    }
    hash.update(image.kver.as_bytes());
    let key = hex::encode(hash.finalize());
    let kept = cache().join("installer");
    let dir = kept.join(key.get(..16).unwrap_or(&key));
    if dir.join("x86_64/initrd.img").is_file() {
        return Ok(dir);
    }
    fs::create_dir_all(&kept).context("cannot make .lab/installer")?;
    let building = tempfile::tempdir_in(&kept).context("cannot make a directory in .lab")?;
    let output = Command::new(provisioner)
        .arg("installer-image")
        .arg("--kernel")
        .arg(&image.kernel)
        .arg("--modules")
        .arg(&image.modules)
        .arg("--out")
        .arg(building.path().join("x86_64"))
        .arg("--agent")
        .arg(agent)
        .args(["--drivers", "virtio"])
        .stdin(Stdio::null())
        .output()
        .context("cannot run provisioner installer-image")?;
    if !output.status.success() {
        let words = String::from_utf8_lossy(&output.stderr);
        bail!("`provisioner installer-image` ended with {}: {}", output.status, words.trim());
    }
    existing_in(building.path())?;
    let built = building.keep();
    // Another lab may have been faster with the same thing.
    if fs::rename(&built, &dir).is_err() && dir.join("x86_64/initrd.img").is_file() {
        let _ = fs::remove_dir_all(&built);
    }
    existing_in(&dir)?;
    Ok(dir)
}

fn existing_in(dir: &Path) -> Result<()> {
    for name in ["vmlinuz", "initrd.img"] {
        let file = dir.join("x86_64").join(name);
        if !file.is_file() {
            bail!("`provisioner installer-image` made no {}", file.display());
        }
    }
    Ok(())
}
