//! What is in the image: the one place that says so. Whatever changes here, or in a builder's source, makes a
//! new image.

use std::fs;

use anyhow::Context;
use sha2::{Digest, Sha256};

/// Packages beyond Debian's minbase; recommended ones are not followed.
pub(super) const PACKAGES: &[&str] = &[
    "ca-certificates",
    "cloud-guest-utils",
    "cloud-init",
    "curl",
    "dbus",
    "e2fsprogs",
    "initramfs-tools",
    "iproute2",
    "iputils-ping",
    "kmod",
    "less",
    "libnss-myhostname",
    "linux-image-cloud-amd64",
    "nano",
    "netbase",
    "openssh-server",
    "procps",
    "sudo",
    "systemd-resolved",
    "systemd-sysv",
    "udev",
    "usr-is-merged",
    "zstd",
];

/// Kernel arguments besides `root=`. The last console is the one that init and logins write to. The mitigations
/// and AppArmor cost an emulated machine a tenth of its first boot.
pub(super) const ARGUMENTS: &str =
    "console=tty0 console=ttyS0,115200n8 mitigations=off audit=0 apparmor=0";

/// A file of the overlay.
#[derive(Debug)]
pub(super) struct Extra {
    /// Absolute path in the image.
    pub(super) path: &'static str,
    /// Permissions.
    pub(super) mode: u32,
    /// Content.
    pub(super) text: &'static str,
}

const fn extra(path: &'static str, mode: u32, text: &'static str) -> Extra {
    Extra { path, mode, text }
}

/// In the tree before its first package.
pub(super) const BEFORE: &[Extra] = &[extra(
    "/etc/apt/preferences.d/no-usrmerge.pref",
    0o644,
    include_str!("overlay/no-usrmerge.pref"),
)];

/// In the tree before the kernel's initramfs is made. No file of a package: dpkg would ask.
pub(super) const DURING: &[Extra] = &[
    extra(
        "/etc/initramfs-tools/conf.d/storage.conf",
        0o644,
        include_str!("overlay/initramfs.conf"),
    ),
    extra("/etc/initramfs-tools/hooks/storage", 0o755, include_str!("overlay/initramfs-hook")),
];

/// In the tree when all packages are.
pub(super) const AFTER: &[Extra] = &[
    extra("/etc/cloud/cloud.cfg.d/90_provisioner.cfg", 0o644, include_str!("overlay/cloud.cfg")),
    extra("/etc/default/locale", 0o644, "LANG=C.UTF-8\n"),
    extra("/etc/dpkg/dpkg.cfg.d/99mmdebstrap", 0o644, include_str!("overlay/dpkg.cfg")),
    extra("/etc/hostname", 0o644, "debian\n"),
    // Empty, and not `uninitialized`: an identity is made at each machine's first start, but systemd's own
    // first-boot presets and questions are left out.
    extra("/etc/machine-id", 0o444, ""),
    extra("/etc/modprobe.d/provisioner.conf", 0o644, include_str!("overlay/modprobe.conf")),
    extra(
        "/etc/systemd/system/cloud-final.service.d/provisioner.conf",
        0o644,
        include_str!("overlay/cloud-final.conf"),
    ),
    extra(
        "/etc/systemd/system/cloud-init-local.service.d/provisioner.conf",
        0o644,
        include_str!("overlay/cloud-init-local.conf"),
    ),
    extra(
        "/etc/systemd/system/systemd-networkd-wait-online.service.d/provisioner.conf",
        0o644,
        include_str!("overlay/wait-online.conf"),
    ),
];

/// Links: path in the image and what it points to. They are all of systemd's kind, made here as `systemctl`
/// would, since systemd runs in no chroot.
pub(super) const LINKS: &[(&str, &str)] = &[
    ("/etc/resolv.conf", "../run/systemd/resolve/stub-resolv.conf"),
    // The generator asks at every reload whether cloud-init shall run. It shall.
    ("/etc/systemd/system-generators/cloud-init-generator", "/dev/null"),
    (
        "/etc/systemd/system/multi-user.target.wants/cloud-init.target",
        "/lib/systemd/system/cloud-init.target",
    ),
    (
        "/etc/systemd/system/dbus-org.freedesktop.network1.service",
        "/lib/systemd/system/systemd-networkd.service",
    ),
    (
        "/etc/systemd/system/multi-user.target.wants/systemd-networkd.service",
        "/lib/systemd/system/systemd-networkd.service",
    ),
    (
        "/etc/systemd/system/sockets.target.wants/systemd-networkd.socket",
        "/lib/systemd/system/systemd-networkd.socket",
    ),
    (
        "/etc/systemd/system/network-online.target.wants/systemd-networkd-wait-online.service",
        "/lib/systemd/system/systemd-networkd-wait-online.service",
    ),
];

/// Units that never run here: what they watch or clean is not there, or not worth a first boot's seconds.
pub(super) const MASKED: &[&str] = &[
    // The two stages in the middle have nothing to do (overlay/cloud.cfg).
    "cloud-config.service",
    "cloud-init-hotplugd.socket",
    "cloud-init.service",
    "e2scrub_reap.service",
    "modprobe@.service",
    "proc-sys-fs-binfmt_misc.automount",
    "systemd-binfmt.service",
    "systemd-pstore.service",
    "systemd-update-utmp-runlevel.service",
    "systemd-update-utmp.service",
];

/// Units that are installed but not started by themselves; `systemctl enable` starts them again.
pub(super) const DISABLED: &[&str] = &[
    "cloud-init.target.wants/cloud-config.service",
    "cloud-init.target.wants/cloud-init-hotplugd.socket",
    "cloud-init.target.wants/cloud-init.service",
    "getty.target.wants/getty@tty1.service",
    "multi-user.target.wants/e2scrub_reap.service",
    "sysinit.target.wants/systemd-pstore.service",
    "timers.target.wants/apt-daily-upgrade.timer",
    "timers.target.wants/apt-daily.timer",
    "timers.target.wants/dpkg-db-backup.timer",
    "timers.target.wants/e2scrub_all.timer",
];

/// Identities of one built image, so that its parts find each other and nothing else.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Ids {
    /// GUID of the disk.
    pub(super) disk: String,
    /// GUID of the root partition: `root=PARTUUID=`.
    pub(super) root_partition: String,
    /// UUID of the root filesystem.
    pub(super) root_filesystem: String,
}

impl Ids {
    /// New ones from the kernel's random source.
    ///
    /// # Errors
    /// When it cannot be read.
    pub(super) fn fresh() -> anyhow::Result<Self> {
        Ok(Self { disk: uuid()?, root_partition: uuid()?, root_filesystem: uuid()? })
    }
}

fn uuid() -> anyhow::Result<String> {
    let text = fs::read_to_string("/proc/sys/kernel/random/uuid").context("cannot make a UUID")?;
    Ok(text.trim().to_owned())
}

/// Name of this recipe: changes with anything that goes into the image.
pub(super) fn key() -> String {
    let builders = [
        include_str!("../image.rs"),
        include_str!("disk.rs"),
        include_str!("grub.rs"),
        include_str!("layout.rs"),
        include_str!("recipe.rs"),
        include_str!("root.rs"),
        include_str!("sources.rs"),
    ];
    let extras = [BEFORE, DURING, AFTER].into_iter().flatten().map(|extra| extra.text);
    let mut hash = Sha256::new();
    for text in builders.into_iter().chain(extras) {
        hash.update((text.len() as u64).to_le_bytes());
        hash.update(text);
    }
    hex::encode(hash.finalize()).chars().take(12).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packages_are_sorted_and_named_once() {
        assert!(PACKAGES.is_sorted_by(|a, b| a < b));
    }

    #[test]
    fn every_image_gets_its_own_identities() {
        let (one, other) = (Ids::fresh().unwrap(), Ids::fresh().unwrap());
        assert_ne!(one.root_partition, other.root_partition);
        assert_ne!(one.root_partition, one.root_filesystem);
        assert_eq!(one.disk.len(), 36);
    }

    #[test]
    fn the_key_is_short_and_stays_the_same() {
        assert_eq!(key(), key());
        assert_eq!(key().len(), 12);
    }

    #[test]
    fn a_masked_unit_is_wanted_by_nothing() {
        for masked in MASKED {
            let links = LINKS.iter().filter(|(link, _)| link.ends_with(masked));
            assert_eq!(links.count(), 0, "{masked}");
        }
    }

    #[test]
    fn the_cloud_configuration_is_yaml_and_runs_vendor_scripts_before_the_users() {
        let config = AFTER.iter().find(|extra| extra.path.contains("cloud.cfg.d")).unwrap();
        let config: serde_yaml::Value = serde_yaml::from_str(config.text).unwrap();
        let at = |stage: &str, name: &str| {
            let modules = config[stage].as_sequence().unwrap();
            modules.iter().position(|module| module == name).unwrap()
        };
        assert!(
            at("cloud_final_modules", "scripts-vendor") < at("cloud_final_modules", "scripts-user")
        );
        assert!(at("cloud_init_modules", "users-groups") < at("cloud_init_modules", "ssh"));
        at("cloud_init_modules", "runcmd");
    }
}
