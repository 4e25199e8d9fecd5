//! Disks, partitions, RAID and filesystems.

use std::collections::HashMap;

use super::names::{Names, check_keyed, check_once, check_path, check_path_if_filled};
use super::node::Node;

/// Bytes that a partition's label may have: the names of a GPT have 36 UTF-16 units, and Ignition counts
/// bytes.
const PARTITION_LABEL_MAX: usize = 36;

/// What Ignition can make, and how many bytes a label may have there.
const FORMATS: [(&str, usize); 6] =
    [("ext4", 16), ("btrfs", 256), ("xfs", 12), ("swap", 15), ("vfat", 11), ("none", usize::MAX)];

const LEVELS_WITH_SPARES: [&str; 11] =
    ["raid1", "1", "mirror", "raid4", "4", "raid5", "5", "raid6", "6", "raid10", "10"];

/// Checks `storage.disks`, `storage.raid` and `storage.filesystems`.
pub(super) fn check(storage: &Node<'_>) {
    let disks = storage.items("disks");
    check_keyed(&disks, "device");
    disks.iter().for_each(check_disk);
    let raid = storage.items("raid");
    check_keyed(&raid, "name");
    raid.iter().for_each(check_raid);
    let filesystems = storage.items("filesystems");
    check_keyed(&filesystems, "device");
    for filesystem in &filesystems {
        check_filesystem(filesystem);
    }
    check_overwritten(&disks, &filesystems);
}

fn check_disk(disk: &Node<'_>) {
    check_path(disk, "device");
    let partitions = disk.items("partitions");
    let (mut numbers, mut labels) = (Names::default(), Names::default());
    for partition in &partitions {
        check_partition(partition);
        if let Some(number) = partition.whole("number").filter(|number| *number != 0) {
            numbers.add(number.to_string(), partition, Some("number"));
        }
        if let Some(label) = partition.text("label") {
            labels.add(label, partition, Some("label"));
        }
    }
    check_overlap(&partitions);
    let unnumbered = partitions.iter().any(|p| p.value.is_object() && number(p) == 0);
    if unnumbered && partitions.iter().any(|p| p.flag("shouldExist") == Some(false)) {
        let message = "where one partition has shouldExist false, all need a number: a partition without \
                       one may get that of the one to be deleted";
        disk.error_at("partitions", message);
    }
}

fn number(partition: &Node<'_>) -> i64 {
    partition.whole("number").unwrap_or(0)
}

fn check_partition(partition: &Node<'_>) {
    let given = |key: &&str| partition.filled(key).is_some() || partition.whole(key).is_some();
    if partition.flag("shouldExist") == Some(false) {
        let others = ["guid", "typeGuid", "startMiB", "sizeMiB"].iter().any(given);
        if others || partition.has("label") {
            let message = "a partition that should not exist has a number only: leave out label, guid, typeGuid, \
                           startMiB and sizeMiB";
            partition.error(message);
        }
    }
    if partition.value.is_object() && number(partition) == 0 && !partition.has("label") {
        partition.error("a partition needs a number from 1 on, or a label");
    }
    for key in ["number", "startMiB", "sizeMiB"] {
        if partition.whole(key).is_some_and(|value| value < 0) {
            partition.error_at(
                key,
                "this cannot be negative; 0 means: the next, the largest gap, the rest",
            );
        }
    }
    if let Some(label) = partition.text("label") {
        if label.len() > PARTITION_LABEL_MAX {
            let message = format!(
                "a partition's label has {PARTITION_LABEL_MAX} bytes at most, and this has {}",
                label.len()
            );
            partition.error_at("label", message);
        } else if label.contains(':') {
            partition
                .error_at("label", "a partition's label cannot hold a colon: sgdisk cuts it there");
        }
    }
    for key in ["guid", "typeGuid"] {
        if partition.filled(key).is_some_and(|guid| !is_guid(guid)) {
            let message = "a GUID is written as 01234567-89AB-CDEF-EDCB-A98765432101";
            partition.error_at(key, message);
        }
    }
}

fn is_guid(text: &str) -> bool {
    let lengths = text.split('-').map(str::len);
    lengths.eq([8, 4, 4, 4, 12]) && text.bytes().all(|b| b == b'-' || b.is_ascii_hexdigit())
}

/// First and last MiB of partitions whose place is given; a size of 0 is what is left, so only the start
/// counts.
fn check_overlap(partitions: &[Node<'_>]) {
    let mut placed: Vec<(i64, i64, &Node<'_>)> = partitions
        .iter()
        .filter_map(|partition| {
            let start = partition.whole("startMiB").filter(|start| *start != 0)?;
            let size = partition.whole("sizeMiB")?;
            Some((start, start.saturating_add(size.max(1) - 1), partition))
        })
        .collect();
    placed.sort_by_key(|(start, end, _)| (*start, *end));
    let mut reach: Option<(i64, &Node<'_>)> = None;
    for (start, end, partition) in placed {
        if let Some((last, before)) = reach
            && start <= last
        {
            let other = before.path();
            partition.error_at("startMiB", format!("it begins before {other} ends, at {last} MiB"));
        }
        if reach.is_none_or(|(last, _)| end > last) {
            reach = Some((end, partition));
        }
    }
}

fn check_raid(raid: &Node<'_>) {
    match raid.text("name") {
        Some("") => raid.error_at("name", "the name is empty"),
        Some(name) if name.contains('/') => {
            raid.error_at("name", "a name cannot hold a slash: the array appears as /dev/md/NAME");
        }
        _ => {}
    }
    check_level(raid);
    if raid.whole("spares").is_some_and(|spares| spares < 0) {
        raid.error_at("spares", "the number of spares cannot be negative");
    }
    let devices = raid.items("devices");
    if devices.is_empty() && raid.value.is_object() {
        raid.error_at("devices", "the devices of the array are missing");
    }
    devices.iter().for_each(check_device);
    check_once(&[devices]);
}

fn check_level(raid: &Node<'_>) {
    let Some(level) = raid.filled("level") else {
        if raid.value.is_object() {
            raid.error_at("level", "the level is missing, for example raid1");
        }
        return;
    };
    if ["linear", "raid0", "0", "stripe"].contains(&level) {
        if raid.whole("spares").is_some_and(|spares| spares != 0) {
            raid.error_at("spares", "an array of level linear or raid0 has no spares");
        }
    } else if !LEVELS_WITH_SPARES.contains(&level) {
        let message = format!(
            "{level:?} is no level; known are linear, raid0, raid1, raid4, raid5, raid6, raid10"
        );
        raid.error_at("level", message);
    }
}

fn check_device(device: &Node<'_>) {
    let Some(path) = device.value.as_str() else { return };
    if !path.starts_with('/') {
        device.error("a device is given by its absolute path, as /dev/disk/by-id/…");
    } else if super::names::clean(path) != path {
        device.error(format!("write {:?}: Ignition refuses {path:?}", super::names::clean(path)));
    }
}

fn check_filesystem(filesystem: &Node<'_>) {
    check_path(filesystem, "device");
    check_path_if_filled(filesystem, "path");
    let Some(format) = filesystem.filled("format") else {
        let filled =
            ["path", "label", "uuid"].into_iter().filter(|k| filesystem.filled(k).is_some());
        let lists =
            ["options", "mountOptions"].into_iter().filter(|k| !filesystem.items(k).is_empty());
        let wipe = filesystem.is_on("wipeFilesystem").then_some("wipeFilesystem");
        let others: Vec<&str> = filled.chain(lists).chain(wipe).collect();
        if !others.is_empty() {
            let message =
                format!("the format is missing; without it there can be no {}", others.join(", "));
            filesystem.error_at("format", message);
        }
        return;
    };
    let known = FORMATS.iter().filter(|(name, _)| *name != "none" || filesystem.since(3));
    let Some((_, label_max)) = known.clone().find(|(name, _)| *name == format) else {
        let names: Vec<&str> = known.map(|(name, _)| *name).collect();
        let message = format!("Ignition makes no {format:?}; known are {}", names.join(", "));
        return filesystem.error_at("format", message);
    };
    let label = filesystem.text("label").unwrap_or_default();
    if label.len() > *label_max {
        let message = format!(
            "a label of {format} has {label_max} bytes at most, and this has {}",
            label.len()
        );
        filesystem.error_at("label", message);
    }
}

fn check_overwritten(disks: &[Node<'_>], filesystems: &[Node<'_>]) {
    let disks: HashMap<&str, &Node<'_>> =
        disks.iter().filter_map(|disk| Some((disk.filled("device")?, disk))).collect();
    for filesystem in filesystems {
        let Some(disk) = filesystem.filled("device").and_then(|device| disks.get(device)) else {
            continue;
        };
        if !disk.items("partitions").is_empty() {
            let message = "this overwrites the partitions that the config makes on the same device";
            filesystem.warn_at("device", message);
        } else if disk.is_on("wipeTable") && !filesystem.is_on("wipeFilesystem") {
            let message =
                "the disk's wipeTable wipes this filesystem, too; say so by wipeFilesystem";
            filesystem.warn_at("device", message);
        }
    }
}
