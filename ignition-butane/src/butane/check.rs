//! What Butane itself finds wrong with a config, before the translation.

mod boot_device;
mod mode;

use super::node::Node;
use super::path::Path;
use super::report::Report;
use super::version::Version;

const ONE_SOURCE: &str = "only one of the following can be set: inline, local, source";
const ONE_CONTENTS: &str = "only one of the following can be set: contents, contents_local";
const NO_FORMAT: &str = "format is required if with_mount_unit is true";
const NO_PATH: &str = "path is required if with_mount_unit is true and format is not swap";
const BOOT_DISK: &str = "/dev/disk/by-id/coreos-boot-disk";
const BY_LABEL: &str = "partitions cannot be reused by label; number must be specified except on boot disk \
     (/dev/disk/by-id/coreos-boot-disk) or when wipe_table is true";
const FORBIDDEN: &str = "path must be under /etc or /var if with_mount_unit is true";
const OTHER_NUMBER: &str =
    "incorrect partition number; a new partition will be created using reserved label";
const ROOT_CONSTRAINED: &str = "root partition cannot expand; it is set to fill available space but is \
     followed by an auto-positioned partition";
const NO_CLEVIS: &str = "clevis is not supported in this spec version";

/// The smallest root, in MiB.
const SMALLEST_ROOT: i64 = 8192;

/// Checks a config as it was read.
pub(super) fn config(config: &Node, version: &Version, report: &mut Report<'_>) {
    let mut check = Check { version, report };
    check.resources(config);
    check.storage(config);
    for unit in config.list_at(&["systemd", "units"]) {
        check.contents(unit);
        unit.list_at(&["dropins"]).iter().for_each(|dropin| check.contents(dropin));
    }
    if let Some(device) = config.get("boot_device") {
        boot_device::check(device, version, check.report);
    }
    for user in config.list_at(&["grub", "users"]) {
        for key in ["name", "password_hash"] {
            if user.words_at(key).is_none() {
                let message = format!("field {key:?} is required");
                check.report.error(&user.origin.path.to(key), message);
            }
        }
    }
}

/// Checks the partitions of an Ignition config, as the variant fcos does it.
pub(super) fn partitions(built: &Node, version: &Version, report: &mut Report<'_>) {
    for disk in built.list_at(&["storage", "disks"]) {
        let partitions = disk.list_at(&["partitions"]);
        for partition in partitions {
            let Some(label) = partition.get("label") else {
                continue;
            };
            let name = label.text().unwrap_or_default();
            if name == "root" && version.is_fcos_from(3) {
                root_partition(partition, partitions, report);
            }
            let number = partition.get("number").and_then(Node::int).unwrap_or(0);
            let wanted = match name {
                "BIOS-BOOT" | "PowerPC-PReP-boot" => 1,
                "EFI-SYSTEM" => 2,
                "boot" => 3,
                "root" => 4,
                _ => continue,
            };
            if number != wanted && !disk.is_true_at(&["wipeTable"]) {
                report.warn(&label.origin.path, OTHER_NUMBER);
            }
        }
    }
}

fn root_partition(root: &Node, partitions: &[Node], report: &mut Report<'_>) {
    let number = |node: &Node, key| node.get(key).and_then(Node::int).unwrap_or(0);
    let size = number(root, "sizeMiB");
    if size == 0 {
        let mut others = partitions.iter().filter(|other| !std::ptr::eq(*other, root));
        if others.any(|other| number(other, "startMiB") == 0) {
            report.warn(&root.origin.path.to("label"), ROOT_CONSTRAINED);
        }
    } else if size < SMALLEST_ROOT {
        report.warn(&root.origin.path.to("size_mib"), "root should have 8GiB of space assigned");
    }
}

/// Checks what the variant flatcar does not have.
pub(super) fn no_clevis(built: &Node, report: &mut Report<'_>) {
    for luks in built.list_at(&["storage", "luks"]) {
        if let Some(clevis) = luks.get("clevis").filter(|clevis| !clevis.is_empty()) {
            report.error(&clevis.origin.path, NO_CLEVIS);
        }
    }
}

#[derive(Debug)]
struct Check<'c, 'r, 'a> {
    version: &'c Version,
    report: &'r mut Report<'a>,
}

impl Check<'_, '_, '_> {
    fn resources(&mut self, config: &Node) {
        let lists: [&[&str]; 2] = [
            &["ignition", "config", "merge"],
            &["ignition", "security", "tls", "certificate_authorities"],
        ];
        for resource in lists.into_iter().flat_map(|list| config.list_at(list)) {
            self.resource(resource);
        }
        if let Some(resource) = config.at(&["ignition", "config", "replace"]) {
            self.resource(resource);
        }
        for file in config.list_at(&["storage", "files"]) {
            for resource in file.list_at(&["append"]).iter().chain(file.get("contents")) {
                self.resource(resource);
            }
        }
        for luks in config.list_at(&["storage", "luks"]) {
            if let Some(resource) = luks.get("key_file") {
                self.resource(resource);
            }
        }
    }

    fn resource(&mut self, resource: &Node) {
        let given: Vec<_> =
            ["local", "inline", "source"].into_iter().filter_map(|key| resource.get(key)).collect();
        if let [.., second, last] = given.as_slice() {
            // The first version names the other one.
            let at = if self.version.base == 1 { second } else { last };
            self.report.error(&at.origin.path, ONE_SOURCE);
        }
    }

    fn storage(&mut self, config: &Node) {
        for (list, is_directory) in [("directories", true), ("files", false)] {
            for node in config.list_at(&["storage", list]) {
                let Some(mode) = node.get("mode") else {
                    continue;
                };
                if mode.int().is_some_and(|bits| mode::is_decimal(bits, is_directory)) {
                    self.report.warn(&mode.origin.path, mode::DECIMAL);
                }
            }
        }
        for filesystem in config.list_at(&["storage", "filesystems"]) {
            if filesystem.is_true_at(&["with_mount_unit"]) {
                self.mounted(filesystem);
            }
        }
        for tree in config.list_at(&["storage", "trees"]) {
            if tree.words_at("local").is_none() {
                self.report.error(&tree.origin.path, "local is required");
            }
        }
        if self.version.is_fcos_from(6) {
            config.list_at(&["storage", "disks"]).iter().for_each(|disk| self.disk(disk));
        }
    }

    fn mounted(&mut self, filesystem: &Node) {
        let at = |key| -> Path { filesystem.origin.path.to(key) };
        let format = filesystem.words_at("format");
        let has_path = filesystem.words_at("path").is_some();
        if format.is_none() {
            self.report.error(&at("format"), NO_FORMAT);
        }
        let is_wanted = if self.version.base < 4 {
            true
        } else {
            format.is_some_and(|format| format != "swap")
        };
        if is_wanted && !has_path {
            self.report.error(&at("path"), NO_PATH);
        }
        if self.version.is_fcos_from(6)
            && filesystem.text_at("path").is_some_and(|path| !is_allowed(path))
        {
            self.report.error(&at("path"), FORBIDDEN);
        }
    }

    fn disk(&mut self, disk: &Node) {
        if disk.text_at("device") == Some(BOOT_DISK) || disk.is_true_at(&["wipe_table"]) {
            return;
        }
        for partition in disk.list_at(&["partitions"]) {
            let number = partition.get("number").and_then(Node::int).unwrap_or(0);
            if number == 0 && partition.get("label").is_some() {
                self.report.warn(&partition.origin.path.to("number"), BY_LABEL);
            }
        }
    }

    fn contents(&mut self, unit: &Node) {
        if let (Some(local), Some(_)) = (unit.get("contents_local"), unit.get("contents")) {
            self.report.error(&local.origin.path, ONE_CONTENTS);
        }
    }
}

/// Whether Fedora CoreOS lets a unit mount something there.
fn is_allowed(path: &str) -> bool {
    ["/etc", "/var"].into_iter().any(|top| {
        path.strip_prefix(top).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    })
}
