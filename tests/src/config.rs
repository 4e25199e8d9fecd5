//! What a lab's provisioner is given: its configuration, its catalog, its assets.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use serde_json::{Value, json};

use crate::artifacts::{Artifacts, workspace};
use crate::netns::{ADDRESS, BRIDGE};
use crate::provisioner::HTTP_PORT;

/// Name of the image in the library.
pub const IMAGE: &str = "debian-12";

/// Who may log in to the lab's machines. The private half is nowhere.
pub const SSH_KEY: &str =
    "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIMlXivmZk4zBswMM2pegB+WiAFIMLT31il4FQJIflAUU lab";

/// An image for the library.
#[derive(Debug, Clone)]
pub struct LibraryImage {
    /// `image.raw.zst`.
    pub file: PathBuf,
    /// What the library says its SHA-256 is.
    pub sha256: String,
    /// Size of the unpacked disk in bytes.
    pub raw_bytes: u64,
}

/// Paths of one lab's provisioner.
#[derive(Debug, Clone)]
pub struct Layout {
    /// Everything is below here, but the socket.
    pub dir: PathBuf,
    /// Operator socket.
    pub socket: PathBuf,
}

impl Layout {
    /// `provisioner.yaml`.
    pub fn config(&self) -> PathBuf {
        self.dir.join("provisioner.yaml")
    }

    /// The data directory.
    pub fn data(&self) -> PathBuf {
        self.dir.join("data")
    }

    /// The public half of the key that signs what machines fetch, as GRUB wants it.
    pub fn public_key(&self) -> PathBuf {
        self.data().join("signing/openpgp.gpg")
    }

    /// The history repository.
    pub fn history(&self) -> PathBuf {
        self.data().join("history")
    }

    /// The catalog.
    pub fn catalog(&self) -> PathBuf {
        self.dir.join("catalog")
    }

    /// The asset store.
    pub fn assets(&self) -> PathBuf {
        self.dir.join("assets")
    }

    /// Writes configuration, catalog and assets. The lab's group takes the machines with `macs`;
    /// without any there is no such group.
    ///
    /// # Errors
    /// When a file cannot be written, or the shipped catalog is not there.
    pub fn write(
        &self,
        macs: &[String],
        artifacts: &Artifacts,
        image: &LibraryImage,
    ) -> Result<()> {
        fs::create_dir_all(self.data()).context("cannot make the data directory")?;
        write_yaml(&self.config(), &self.provisioner_yaml())?;
        self.write_catalog(macs)?;
        self.write_assets(artifacts, image)
    }

    /// Changes keys of the profile that the lab's machines get, as an operator would with an editor.
    ///
    /// # Errors
    /// When the profile is not there or not YAML.
    pub fn change_profile(&self, change: &Value) -> Result<()> {
        let path = self.catalog().join("profiles").join(format!("{IMAGE}.yaml"));
        let text = fs::read_to_string(&path)
            .with_context(|| format!("cannot read the shipped profile {}", path.display()))?;
        let mut profile: Value = serde_yaml::from_str(&text)
            .with_context(|| format!("{} is not YAML", path.display()))?;
        merge(&mut profile, change);
        write_yaml(&path, &profile)
    }

    fn provisioner_yaml(&self) -> Value {
        json!({
            "data_dir": self.data(),
            "interfaces": [BRIDGE],
            "enrolment": "auto",
            "catalog": {"path": self.catalog()},
            "dhcp": {
                "mode": "server",
                "subnets": [{
                    "cidr": "10.77.0.0/24",
                    "router": ADDRESS,
                    "dns": [ADDRESS],
                    "domain": "lab.internal",
                    "pools": ["10.77.0.100-10.77.0.200"],
                    "lease": "1h",
                }],
            },
            "loaders": {"directory": "/usr/lib/ipxe"},
            "tftp": {"listen": "0.0.0.0:69"},
            "http": {"listen": format!("0.0.0.0:{HTTP_PORT}")},
            "operator": {"socket": self.socket},
            "assets": self.assets(),
            "log": {"format": "text", "level": "info"},
        })
    }

    fn write_catalog(&self, macs: &[String]) -> Result<()> {
        for folder in ["groups", "profiles", "templates"] {
            let to = self.catalog().join(folder);
            fs::create_dir_all(&to).with_context(|| format!("cannot make {}", to.display()))?;
            copy_tree(&workspace().join(folder), &to)?;
        }
        if macs.is_empty() {
            return Ok(());
        }
        write_yaml(&self.catalog().join("groups/lab.yaml"), &lab_group(macs))
    }

    fn write_assets(&self, artifacts: &Artifacts, image: &LibraryImage) -> Result<()> {
        let to = self.assets().join("images").join(IMAGE);
        fs::create_dir_all(&to).with_context(|| format!("cannot make {}", to.display()))?;
        link(&image.file, &to.join("image.raw.zst"))?;
        write_yaml(
            &to.join("image.yaml"),
            &json!({
                "file": "image.raw.zst",
                "sha256": image.sha256,
                "format": "raw-zstd",
                "size_bytes": image.raw_bytes,
            }),
        )?;
        let boot = self.assets().join("installer/x86_64");
        fs::create_dir_all(&boot).with_context(|| format!("cannot make {}", boot.display()))?;
        for name in ["vmlinuz", "initrd.img"] {
            link(&artifacts.installer.join("x86_64").join(name), &boot.join(name))?;
        }
        Ok(())
    }
}

/// The group that takes the lab's machines and no others.
fn lab_group(macs: &[String]) -> Value {
    json!({
        "name": "lab",
        "profile": IMAGE,
        "selector": {"mac": macs},
        "metadata": {
            "ssh_authorized_keys": [SSH_KEY],
        },
    })
}

/// Writes a value as YAML.
///
/// # Errors
/// When the file cannot be written.
pub fn write_yaml(path: &Path, value: &Value) -> Result<()> {
    let text = serde_yaml::to_string(value).context("cannot turn a value into YAML")?;
    fs::write(path, text).with_context(|| format!("cannot write {}", path.display()))
}

/// Maps merge, everything else is replaced.
fn merge(into: &mut Value, change: &Value) {
    match (into, change) {
        (Value::Object(into), Value::Object(change)) => {
            for (key, value) in change {
                merge(into.entry(key).or_insert(Value::Null), value);
            }
        }
        (into, change) => *into = change.clone(),
    }
}

/// A hard link, or a copy where the file system does not link.
fn link(from: &Path, to: &Path) -> Result<()> {
    if fs::hard_link(from, to).is_err() {
        fs::copy(from, to)
            .with_context(|| format!("cannot put {} to {}", from.display(), to.display()))?;
    }
    Ok(())
}

fn copy_tree(from: &Path, to: &Path) -> Result<()> {
    let shipped = || format!("cannot read the shipped catalog at {}", from.display());
    for entry in fs::read_dir(from).with_context(shipped)? {
        let entry = entry.with_context(shipped)?;
        let target = to.join(entry.file_name());
        if entry.file_type().with_context(shipped)?.is_dir() {
            fs::create_dir_all(&target).context("cannot make a catalog folder")?;
            copy_tree(&entry.path(), &target)?;
        } else {
            fs::copy(entry.path(), &target).with_context(shipped)?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_leaves_the_other_keys_alone() {
        let mut profile = json!({"install": {"image": "i", "limits": {"heartbeat": "60s"}}});
        merge(&mut profile, &json!({"install": {"limits": {"tries": 2}}}));
        let limits = json!({"heartbeat": "60s", "tries": 2});
        assert_eq!(profile, json!({"install": {"image": "i", "limits": limits}}));
    }

    #[test]
    fn the_group_takes_the_labs_machines_only() {
        let group = lab_group(&["52:54:00:77:00:01".into()]);
        assert_eq!(group["selector"]["mac"], json!(["52:54:00:77:00:01"]));
    }
}
