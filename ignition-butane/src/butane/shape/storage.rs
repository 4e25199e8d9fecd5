//! The tables of what is on disks.

use super::tables::{CEX, CLEVIS, RESOURCE};
use super::{ALWAYS, Field, Key, Kind, Shape};

use Kind::{Bool, Int, Map, Maps, Texts};

const TEXT: Kind = Kind::Text("");

/// Everything on disks.
pub(super) static STORAGE: Shape = Shape::new(
    "Storage",
    &[
        Field::same("directories", Maps(&DIRECTORY), 1).in_family("node"),
        Field::same("disks", Maps(&DISK), 1),
        Field::same("files", Maps(&FILE), 1).in_family("node"),
        Field::same("filesystems", Maps(&FILESYSTEM), 1),
        Field::same("links", Maps(&LINK), 1).in_family("node"),
        Field::same("luks", Maps(&LUKS), 3),
        Field::same("raid", Maps(&RAID), 1),
        Field::added("trees", Maps(&TREE), 2),
    ],
);

static NODE_GROUP: Shape =
    Shape::new("NodeGroup", &[Field::same("id", Int, 1), Field::same("name", TEXT, 1)]);

static NODE_USER: Shape =
    Shape::new("NodeUser", &[Field::same("id", Int, 1), Field::same("name", TEXT, 1)]);

static DIRECTORY: Shape = Shape::new(
    "Directory",
    &[
        Field::same("group", Map(&NODE_GROUP), 1),
        Field::same("overwrite", Bool, 1),
        Field::same("path", TEXT, 1).required(ALWAYS),
        Field::same("user", Map(&NODE_USER), 1),
        Field::same("mode", Int, 1),
    ],
)
.keyed("path");

static FILE: Shape = Shape::new(
    "File",
    &[
        Field::same("group", Map(&NODE_GROUP), 1),
        Field::same("overwrite", Bool, 1),
        Field::same("path", TEXT, 1).required(ALWAYS),
        Field::same("user", Map(&NODE_USER), 1),
        Field::same("append", Maps(&RESOURCE), 1).keeping_doubles(),
        Field::same("contents", Map(&RESOURCE), 1),
        Field::same("mode", Int, 1),
    ],
)
.keyed("path");

static LINK: Shape = Shape::new(
    "Link",
    &[
        Field::same("group", Map(&NODE_GROUP), 1),
        Field::same("overwrite", Bool, 1),
        Field::same("path", TEXT, 1).required(ALWAYS),
        Field::same("user", Map(&NODE_USER), 1),
        Field::same("hard", Bool, 1),
        Field::same("target", TEXT, 1).required(3),
    ],
)
.keyed("path");

static DISK: Shape = Shape::new(
    "Disk",
    &[
        Field::same("device", TEXT, 1).required(ALWAYS),
        Field::same("partitions", Maps(&PARTITION), 1),
        Field::new("wipe_table", "wipeTable", Bool, 1),
    ],
)
.keyed("device");

static PARTITION: Shape = Shape::new(
    "Partition",
    &[
        Field::same("guid", TEXT, 1),
        Field::same("label", TEXT, 1),
        Field::same("number", Int, 1).plain(),
        Field::same("resize", Bool, 3),
        Field::new("should_exist", "shouldExist", Bool, 1),
        Field::new("size_mib", "sizeMiB", Int, 1),
        Field::new("start_mib", "startMiB", Int, 1),
        Field::new("type_guid", "typeGuid", TEXT, 1),
        Field::new("wipe_partition_entry", "wipePartitionEntry", Bool, 1),
    ],
)
.with_key(Key::Partition);

static FILESYSTEM: Shape = Shape::new(
    "Filesystem",
    &[
        Field::same("device", TEXT, 1).required(ALWAYS),
        Field::same("format", TEXT, 1),
        Field::same("label", TEXT, 1),
        Field::new("mount_options", "mountOptions", Texts(""), 2).keeping_doubles(),
        Field::same("options", Texts("FilesystemOption"), 1).keeping_doubles(),
        Field::same("path", TEXT, 1),
        Field::same("uuid", TEXT, 1),
        Field::new("wipe_filesystem", "wipeFilesystem", Bool, 1),
        Field::added("with_mount_unit", Bool, 2),
    ],
)
.keyed("device");

static LUKS: Shape = Shape::new(
    "Luks",
    &[
        Field::same("cex", Map(&CEX), 6),
        Field::same("clevis", Map(&CLEVIS), 3),
        Field::same("device", TEXT, 3),
        Field::same("discard", Bool, 5),
        Field::new("key_file", "keyFile", Map(&RESOURCE), 3),
        Field::same("label", TEXT, 3),
        Field::same("name", TEXT, 3).required(ALWAYS),
        Field::new("open_options", "openOptions", Texts(""), 5),
        Field::same("options", Texts("LuksOption"), 3).keeping_doubles(),
        Field::same("uuid", TEXT, 3),
        Field::new("wipe_volume", "wipeVolume", Bool, 3),
    ],
)
.keyed("name");

static RAID: Shape = Shape::new(
    "Raid",
    &[
        Field::same("devices", Texts("Device"), 1).required(3),
        Field::same("level", TEXT, 1).required(3),
        Field::same("name", TEXT, 1).required(ALWAYS),
        Field::same("options", Texts("RaidOption"), 1).keeping_doubles(),
        Field::same("spares", Int, 1),
    ],
)
.keyed("name");

static TREE: Shape =
    Shape::new("Tree", &[Field::added("local", TEXT, 2), Field::added("path", TEXT, 2)]);
