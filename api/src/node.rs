//! The node plane: what a machine says about itself under `/v1/node/…`, as JSON over HTTP.
//!
//! Every call is a `POST` with `Authorization: Bearer TOKEN`. `claim` takes the *boot token* that the
//! boot script carried; every later call of the same boot takes it too. The installed system calls
//! `running` with its *node token*. All calls may be repeated until they are answered: the server
//! treats them as the same by (node, generation, boot).
//!
//! | path | body | answer |
//! |---|---|---|
//! | `/v1/node/claim` | [`Claim`] | [`InstallOrder`] |
//! | `/v1/node/progress` | [`Progress`] | [`Ack`] |
//! | `/v1/node/log` | [`LogLines`] | [`Ack`] |
//! | `/v1/node/installed` | [`Installed`] | [`Ack`] |
//! | `/v1/node/failed` | [`Failed`] | [`Ack`] |
//! | `/v1/node/running` | [`Running`] | [`Ack`] |
//!
//! Refusals carry a [`Refusal`]: 401 (token unknown or expired), 409 (a newer boot or generation has
//! taken over, or the node may not install), 422 (body not understood). Those are final for this
//! boot. 429, 5xx and a broken connection mean: the same again, later.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// Kernel arguments that tell `installer` where it is: names only, values come from the boot script.
pub mod karg {
    /// Base URL of the boot plane, no trailing slash: `http://10.77.0.1:8080`.
    pub const URL: &str = "provisioner.url";
    /// Boot token of this boot.
    pub const TOKEN: &str = "provisioner.token";
    /// MAC of the interface that the machine booted from, any spelling.
    pub const MAC: &str = "provisioner.mac";
    /// IPv4 address of that interface.
    pub const ADDRESS: &str = "provisioner.address";
    /// IPv4 netmask in dotted form.
    pub const NETMASK: &str = "provisioner.netmask";
    /// IPv4 default router; may be empty.
    pub const GATEWAY: &str = "provisioner.gateway";
}

/// First word of a boot: the agent is alive and asks for its order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Claim {
    /// What the agent found in the machine.
    pub inventory: Inventory,
}

/// What a machine is made of, as seen from inside.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Inventory {
    /// `x86_64`, `aarch64`: the kernel's word.
    pub arch: String,
    /// `bios` or `uefi`: how the agent's kernel was started.
    pub firmware: String,
    /// SMBIOS system UUID, lower case; empty when absent.
    pub uuid: String,
    /// SMBIOS system serial; empty when absent.
    pub serial: String,
    /// SMBIOS system manufacturer.
    pub manufacturer: String,
    /// SMBIOS system product name.
    pub product: String,
    /// Number of online CPUs.
    pub cpus: u32,
    /// Memory in bytes.
    pub memory_bytes: u64,
    /// Network interfaces, loopback left out.
    pub nics: Vec<Nic>,
    /// Whole disks.
    pub disks: Vec<Disk>,
}

/// One network interface.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Nic {
    /// Kernel name, `eth0`.
    pub name: String,
    /// Permanent MAC, lower case with colons.
    pub mac: String,
    /// Kernel driver; empty when unknown.
    pub driver: String,
    /// Whether there is a carrier.
    pub carrier: bool,
}

/// One whole disk.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Disk {
    /// Kernel name, `vda`, `nvme0n1`.
    pub name: String,
    /// Size in bytes.
    pub size_bytes: u64,
    /// Serial number; empty when the disk has none.
    pub serial: String,
    /// World wide name; empty when the disk has none.
    pub wwn: String,
    /// Model; may be empty.
    pub model: String,
    /// `virtio`, `nvme`, `sata`, `scsi`, `usb`, `mmc`, or empty.
    pub transport: String,
    /// Spinning rust.
    pub rotational: bool,
    /// Removable media.
    pub removable: bool,
    /// Write-protected.
    pub read_only: bool,
    /// Physical path as under `/dev/disk/by-path`: `pci-0000:00:04.0`; empty when unknown.
    pub path: String,
}

/// What the machine shall do now. Complete: nothing is left for the agent to decide but which of its
/// disks the rule means.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct InstallOrder {
    /// Node id.
    pub node: String,
    /// Host name, for the log.
    pub hostname: String,
    /// Install generation that this order carries out.
    pub generation: u64,
    /// Id of this boot session.
    pub boot: String,
    /// What to write.
    pub image: ImageSource,
    /// Where to write it.
    pub disk: DiskRule,
    /// What to do to the chosen disk before the image.
    #[serde(default)]
    pub wipe: Wipe,
    /// How the first boot gets its configuration.
    #[serde(default)]
    pub first_boot: FirstBoot,
    /// What to do when all is done.
    #[serde(default)]
    pub after: After,
    /// Report progress at least this often, in seconds.
    pub heartbeat_seconds: u32,
}

/// An operating-system image.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ImageSource {
    /// Where to fetch it. The server answers range requests.
    pub url: String,
    /// SHA-256 of the bytes at `url`, 64 hex digits.
    pub sha256: String,
    /// How those bytes are packed.
    pub format: ImageFormat,
}

/// Packing of an image.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ImageFormat {
    /// The disk's bytes as they are.
    Raw,
    /// The disk's bytes as one or more Zstandard frames (RFC 8878).
    RawZstd,
}

/// Which disk may be written. No default: a disk is never chosen by accident.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum DiskRule {
    /// The disk with this serial.
    Serial(String),
    /// The disk with this WWN.
    Wwn(String),
    /// The disk at this device path: `/dev/vda`.
    Path(String),
    /// The disk at this hardware path as under `/dev/disk/by-path`: `pci-0000:00:04.0`.
    By(String),
    /// The one disk that is left when the filters are applied.
    Choose(DiskChoice),
}

/// Filters and an order. Two disks that tie are ambiguous: refused, never guessed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DiskChoice {
    /// Which end of the order by size.
    pub choose: Choose,
    /// Smallest size that counts, in bytes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub min_bytes: Option<u64>,
    /// Only (non-)rotational disks.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rotational: Option<bool>,
    /// Only disks on this transport.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub transport: Option<String>,
}

/// Order by size.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Choose {
    /// The smallest disk that passes the filters.
    Smallest,
    /// The largest disk that passes the filters.
    Largest,
    /// There must be exactly one that passes the filters.
    Only,
}

/// What happens to the chosen disk, and to no other, before the image is written.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Wipe {
    /// Nothing.
    None,
    /// First and last MiB zeroed, so that no old partition table or RAID signature survives.
    #[default]
    Signatures,
    /// The whole disk discarded where it can be, then as `Signatures`.
    Discard,
}

/// How the installed system gets its first configuration.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "kind")]
pub enum FirstBoot {
    /// It brings its own.
    #[default]
    None,
    /// A NoCloud seed for cloud-init: files on a small FAT partition labelled `CIDATA` that is added
    /// behind the image's last partition.
    CloudInit {
        /// File name (`user-data`, `meta-data`, `network-config`, `vendor-data`) to text.
        files: BTreeMap<String, String>,
    },
    /// An Ignition config, as a file in one of the image's own partitions.
    Ignition {
        /// The config, JSON of Ignition's specification 3.
        config: String,
        /// Which partition, and which file in it.
        place: IgnitionPlace,
    },
}

/// Where Ignition looks for its config before it asks anybody else.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum IgnitionPlace {
    /// `/ignition/config.ign` in the ext4 file system labelled `boot`, as coreos-installer puts it there for
    /// Fedora CoreOS.
    Boot,
    /// `/config.ign` in the GPT partition named `OEM`, where Flatcar Container Linux looks.
    Oem,
}

/// What follows a good installation.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum After {
    /// Reboot through the firmware.
    #[default]
    Reboot,
    /// Power off.
    Poweroff,
}

/// Stage of an installation, in the order in which they come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Stage {
    /// Choosing the disk.
    Disk,
    /// Wiping the chosen disk.
    Wipe,
    /// Fetching and writing the image.
    Write,
    /// Reading the disk back.
    Verify,
    /// Putting the first boot's configuration onto the disk.
    Configure,
    /// Last: writing the first MiB, syncing, reporting.
    Finish,
    /// The installed system's first boot; set by the server when nobody phones home.
    FirstBoot,
}

/// A sign of life with a measure.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Progress {
    /// Where the agent is.
    pub stage: Stage,
    /// Bytes done in this stage.
    #[serde(default)]
    pub done_bytes: u64,
    /// Bytes to do in this stage; 0 when not known.
    #[serde(default)]
    pub total_bytes: u64,
    /// One line for people; may be empty.
    #[serde(default)]
    pub message: String,
}

/// Lines of the agent's log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogLines {
    /// Number of the first line in this boot's log, from 0. Lines already known are left out.
    pub first: u64,
    /// The lines, without line ends.
    pub lines: Vec<String>,
}

/// The image is on the disk, was read back, and is what the order asked for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Installed {
    /// The disk that was written.
    pub disk: Disk,
    /// SHA-256 of the image's bytes as fetched.
    pub sha256: String,
    /// Bytes of the image on the disk.
    pub image_bytes: u64,
    /// Whole milliseconds from claim to this report.
    pub took_ms: u64,
}

/// The installation did not work.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failed {
    /// Where it failed.
    pub stage: Stage,
    /// What happened, and what to do about it.
    pub reason: String,
    /// Whether the same order may work at the next try.
    pub retryable: bool,
}

/// The installed system is up.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Running {
    /// Host name that the system gave itself.
    pub hostname: String,
    /// Kernel's boot id: one for each boot of the system.
    pub boot_id: String,
    /// Versions worth knowing: `kernel`, `os`.
    pub versions: BTreeMap<String, String>,
}

/// Answer to a report.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ack {
    /// State of the node now.
    pub state: String,
}

/// Answer to what cannot be done.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refusal {
    /// What was refused, why, and what to do.
    pub error: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_first_boot_is_told_by_its_kind() {
        let ignition = FirstBoot::Ignition { config: "{}".into(), place: IgnitionPlace::Oem };
        let json = r#"{"kind":"ignition","config":"{}","place":"oem"}"#;
        assert_eq!(serde_json::to_string(&ignition).unwrap(), json);
        assert_eq!(serde_json::from_str::<FirstBoot>(json).unwrap(), ignition);
    }

    #[test]
    fn disk_rules_read_as_the_catalog_writes_them() {
        let rule: DiskRule = serde_json::from_str(r#"{"serial":"S1"}"#).unwrap();
        assert_eq!(rule, DiskRule::Serial("S1".into()));
        let rule: DiskRule =
            serde_json::from_str(r#"{"choose":{"choose":"smallest","min_bytes":8}}"#).unwrap();
        let DiskRule::Choose(choice) = rule else { panic!("{rule:?}") };
        assert_eq!((choice.choose, choice.min_bytes), (Choose::Smallest, Some(8)));
    }
}
