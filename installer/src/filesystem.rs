//! Which file system a partition holds, by its superblock.
//!
//! ext4: kernel documentation, filesystems/ext4/super.rst. btrfs: btrfs.readthedocs.io, "On-disk format".

use std::fmt;
use std::io;

use crate::gpt::Partition;
use crate::target::{Aligned, Target};

/// A file system that the agent can change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// ext2, ext3 or ext4: one driver has them all.
    Ext4,
    /// btrfs on one device.
    Btrfs,
}

impl Kind {
    /// The kernel's name for it, which is its driver's too.
    pub fn name(self) -> &'static str {
        match self {
            Self::Ext4 => "ext4",
            Self::Btrfs => "btrfs",
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// What a superblock says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileSystem {
    /// Which one.
    pub kind: Kind,
    /// Its own label, which is not the partition's name.
    pub label: String,
}

/// As far as the superblocks reach: btrfs has its first at 64 KiB.
const SUPERBLOCKS: u64 = 68 << 10;

/// Looks at a partition. None: none that is known, or the partition does not lie on the disk.
pub fn probe(target: &Target, partition: &Partition) -> io::Result<Option<FileSystem>> {
    let end = partition.offset.checked_add(partition.bytes);
    if partition.bytes < SUPERBLOCKS || end.is_none_or(|end| end > target.size()) {
        return Ok(None);
    }
    let mut start = Aligned::new(usize::try_from(SUPERBLOCKS).map_err(io::Error::other)?);
    target.read_back(&mut start, partition.offset)?;
    Ok(recognise(&start))
}

fn recognise(start: &[u8]) -> Option<FileSystem> {
    let has = |at: usize, magic: &[u8]| start.get(at..at + magic.len()) == Some(magic);
    let label = |at: usize, room: usize| {
        let bytes = start.get(at..at + room).unwrap_or_default();
        let bytes = bytes.split(|byte| *byte == 0).next().unwrap_or_default();
        String::from_utf8_lossy(bytes).into_owned()
    };
    if has(0x400 + 0x38, &[0x53, 0xef]) {
        return Some(FileSystem { kind: Kind::Ext4, label: label(0x400 + 0x78, 16) });
    }
    if has(0x1_0000 + 0x40, b"_BHRfS_M") {
        return Some(FileSystem { kind: Kind::Btrfs, label: label(0x1_0000 + 0x12b, 256) });
    }
    None
}
