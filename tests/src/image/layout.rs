//! Where things lie on the disk: arithmetic only.

/// Bytes per sector. All numbers of a [`Span`] are in sectors.
pub(super) const SECTOR: u64 = 512;
/// Partitions begin on this boundary: 1 MiB.
const ALIGN: u64 = 2048;
/// FAT32 wants 65525 clusters at least, one sector each, and its two tables: 36 MiB hold them.
const ESP: u64 = 36 * ALIGN;
/// Space that a first boot, logs and some packages find free on the root filesystem, in bytes.
const FREE: u64 = 128 << 20;
/// The filesystem's own needs that do not grow with the files: journal, descriptors, in bytes.
const FIXED: u64 = 16 << 20;

/// Consecutive sectors.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Span {
    /// First sector.
    pub(super) first: u64,
    /// Number of sectors.
    pub(super) sectors: u64,
}

impl Span {
    /// Last sector, inclusive, as `sgdisk` wants it.
    pub(super) fn last(self) -> u64 {
        self.first + self.sectors - 1
    }

    /// First byte.
    pub(super) fn offset(self) -> u64 {
        self.first * SECTOR
    }

    /// Length in bytes.
    pub(super) fn bytes(self) -> u64 {
        self.sectors * SECTOR
    }
}

/// The three partitions, in their order, and the disk around them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Layout {
    /// 1: GRUB's core image for BIOS.
    pub(super) bios: Span,
    /// 2: EFI system partition.
    pub(super) esp: Span,
    /// 3: root filesystem, last, so that what is added lies behind it.
    pub(super) root: Span,
    /// Sectors of the whole disk.
    pub(super) total: u64,
}

impl Layout {
    /// Lays out a disk whose root filesystem has at least `root_bytes`.
    pub(super) fn for_root(root_bytes: u64) -> Self {
        let bios = Span { first: ALIGN, sectors: ALIGN };
        let esp = Span { first: bios.last() + 1, sectors: ESP };
        let sectors = root_bytes.div_ceil(SECTOR).next_multiple_of(ALIGN);
        let root = Span { first: esp.last() + 1, sectors };
        // One more MiB holds the backup of the partition table.
        Self { bios, esp, root, total: root.last() + 1 + ALIGN }
    }
}

/// Size of a filesystem for files that take `content` bytes in whole blocks.
pub(super) fn root_bytes(content: u64) -> u64 {
    // Inode tables and bitmaps take 1/64 of it at one 256-byte inode per 16 KiB.
    let grown = content + FREE + FIXED;
    grown + grown / 60
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn partitions_follow_each_other_on_mib_boundaries() {
        let layout = Layout::for_root(300_000_001);
        assert_eq!(layout.bios, Span { first: 2048, sectors: 2048 });
        assert_eq!(layout.esp.first, 4096);
        for (before, after) in [(layout.bios, layout.esp), (layout.esp, layout.root)] {
            assert_eq!(before.last() + 1, after.first);
            assert_eq!(after.first % ALIGN, 0);
        }
        assert_eq!(layout.root.sectors % ALIGN, 0);
    }

    #[test]
    fn the_root_is_never_smaller_than_asked() {
        for bytes in [1, SECTOR, ALIGN * SECTOR, ALIGN * SECTOR + 1] {
            let root = Layout::for_root(bytes).root;
            assert!(root.bytes() >= bytes && root.bytes() - bytes < ALIGN * SECTOR, "{bytes}");
        }
    }

    #[test]
    fn the_backup_table_fits_behind_the_root() {
        let layout = Layout::for_root(1 << 28);
        assert!(layout.total - 1 - layout.root.last() >= 33);
    }

    #[test]
    fn the_esp_has_clusters_enough_for_fat32() {
        // 32 reserved sectors and two tables of four bytes per cluster.
        let tables = 2 * (ESP * 4).div_ceil(SECTOR);
        assert!(ESP - 32 - tables >= 65525);
    }

    #[test]
    fn files_leave_the_promised_space_free() {
        let content = 300 << 20;
        let size = root_bytes(content);
        assert!(size - size / 64 >= content + FREE + FIXED, "{size}");
    }
}
