use std::io::Cursor;

use ::gpt::GptConfig;
use ::gpt::disk::LogicalBlockSize;
use ::gpt::mbr::ProtectiveMBR;
use ::gpt::partition_types::{EFI, LINUX_FS};
use proptest::prelude::*;

use super::*;
use crate::target::MIB;

const IMAGE: u64 = 16 << 20;
const DISK: u64 = 64 << 20;
const SEED: u64 = 4 << 20;
const GUID: [u8; 16] = *b"0123456789abcdef";

/// An image with partitions 1 and 14, as cloud images have them, made by the `gpt` crate.
pub(crate) fn image(sector: u64) -> Vec<u8> {
    let size = LogicalBlockSize::try_from(sector).unwrap();
    let mut bytes = vec![0; usize::try_from(IMAGE).unwrap()];
    let mut device = Cursor::new(&mut bytes[..]);
    let sectors = u32::try_from(IMAGE / sector - 1).unwrap();
    ProtectiveMBR::with_lb_size(sectors).overwrite_lba0(&mut device).unwrap();
    let mut disk = GptConfig::new()
        .writable(true)
        .logical_block_size(size)
        .create_from_device(device, None)
        .unwrap();
    let mib = 1024 * 1024 / sector;
    disk.add_partition_at("esp", 1, mib, mib, EFI, 0).unwrap();
    disk.add_partition_at("root", 2, 2 * mib, 8 * mib, LINUX_FS, 0).unwrap();
    disk.write().unwrap();
    renumber(&mut bytes, sector);
    bytes
}

/// An image of these partitions, each with its name and its content, one MiB behind the other.
pub(crate) fn image_of(partitions: &[(&str, &[u8])]) -> Vec<u8> {
    let mib = |bytes: &[u8]| bytes.len().div_ceil(MIB);
    let size = (2 + partitions.iter().map(|(_, bytes)| mib(bytes)).sum::<usize>()) * MIB;
    let mut image = vec![0; size];
    let mut device = Cursor::new(&mut image[..]);
    let sectors = u32::try_from(size / 512 - 1).unwrap();
    ProtectiveMBR::with_lb_size(sectors).overwrite_lba0(&mut device).unwrap();
    let config = GptConfig::new().writable(true);
    let mut disk = config.create_from_device(device, None).unwrap();
    let mut at = 1;
    for (number, (name, bytes)) in (1..).zip(partitions) {
        let (first, length) = (at * MIB / 512, mib(bytes) * MIB / 512);
        disk.add_partition_at(name, number, first as u64, length as u64, LINUX_FS, 0).unwrap();
        at += mib(bytes);
    }
    disk.write().unwrap();
    let mut at = MIB;
    for (_, bytes) in partitions {
        image[at..at + bytes.len()].copy_from_slice(bytes);
        at += mib(bytes) * MIB;
    }
    image
}

/// The crate writes partitions without gaps; moves number 2 to number 14.
fn renumber(bytes: &mut [u8], sector: u64) {
    let mut table = Table::read(&bytes[..MIB], sector).unwrap();
    let second = table.entries[128..256].to_vec();
    table.entries[128..256].fill(0);
    table.set_entry(14, &second);
    table.store(&mut bytes[..MIB], sector);
}

/// The disk as it is when the patches are on it.
fn apply(mut image: Vec<u8>, sector: u64) -> (Vec<u8>, Extended) {
    let done = extend(&mut image[..MIB], DISK, sector, SEED, "CIDATA", GUID).unwrap();
    image.resize(usize::try_from(DISK).unwrap(), 0);
    let at = usize::try_from(done.backup_offset).unwrap();
    image[at..at + done.backup.len()].copy_from_slice(&done.backup);
    (image, done)
}

#[test]
fn another_implementation_finds_both_tables_whole_and_the_new_partition_in_them() {
    for sector in [512, 4096] {
        let (disk, done) = apply(image(sector), sector);
        // Both headers valid, backup at the very end: anything else is an error here.
        let read = GptConfig::new()
            .logical_block_size(LogicalBlockSize::try_from(sector).unwrap())
            .open_from_device(Cursor::new(disk))
            .unwrap();
        assert_eq!(read.backup_header().unwrap().current_lba, DISK / sector - 1);
        let seed = &read.partitions()[&15];
        assert_eq!((seed.name.as_str(), done.number), ("CIDATA", 15));
        assert_eq!(seed.first_lba * sector, done.offset);
        assert_eq!((seed.last_lba + 1 - seed.first_lba) * sector, SEED);
        assert!(seed.last_lba <= read.primary_header().unwrap().last_usable);
    }
}

#[test]
fn the_images_partitions_keep_their_numbers_and_places() {
    let (disk, _) = apply(image(512), 512);
    let read = GptConfig::new().open_from_device(Cursor::new(disk)).unwrap();
    let used: Vec<_> = read
        .partitions()
        .iter()
        .filter(|(_, part)| part.is_used())
        .map(|(number, part)| (*number, part.name.clone(), part.first_lba))
        .collect();
    assert_eq!(used[..2], [(1, "esp".into(), 2048), (14, "root".into(), 4096)]);
    assert_eq!(used.len(), 3);
}

#[test]
fn the_seed_lies_at_the_end_so_that_the_last_partition_can_grow() {
    let (_, done) = apply(image(512), 512);
    assert_eq!(done.offset % (1 << 20), 0);
    assert!(done.offset + SEED + (2 << 20) > DISK, "{}", done.offset);
}

#[test]
fn boot_code_stays_and_the_protective_record_covers_the_whole_disk() {
    let mut image = image(512);
    image[..440].fill(0x90);
    let (disk, _) = apply(image, 512);
    assert!(disk[..440].iter().all(|byte| *byte == 0x90));
    assert_eq!(u64::from(u32_at(&disk, 446 + 12)), DISK / 512 - 1);
}

#[test]
fn a_disk_that_is_as_small_as_the_image_is_refused_with_the_sizes() {
    // Partitions end at 10 MiB: 12 MiB hold no 4 MiB more.
    let mut head = image(512);
    let before = head.clone();
    let message =
        extend(&mut head[..MIB], 12 << 20, 512, SEED, "CIDATA", GUID).unwrap_err().to_string();
    assert!(message.contains("end at byte 10485760"), "{message}");
    assert!(message.contains("12582912 bytes"), "{message}");
    assert!(head == before, "refused, but changed");
}

#[test]
fn a_disk_too_small_for_any_table_is_refused() {
    for disk in [0, 512, 16 << 10, 1 << 20] {
        let mut head = image(512);
        let refused = extend(&mut head[..MIB], disk, 512, SEED, "CIDATA", GUID);
        assert!(matches!(refused, Err(GptError::NoRoom { .. })), "{disk}");
    }
}

#[test]
fn a_full_table_is_refused_and_a_gap_before_its_last_entry_is_used() {
    let mut head = image(512);
    let mut table = Table::read(&head[..MIB], 512).unwrap();
    let root = table.entries[13 * 128..14 * 128].to_vec();
    table.set_entry(128, &root);
    table.store(&mut head[..MIB], 512);
    let done = extend(&mut head.clone()[..MIB], DISK, 512, SEED, "CIDATA", GUID).unwrap();
    assert_eq!(done.number, 2);
    (1..=128).for_each(|number| table.set_entry(number, &root));
    table.store(&mut head[..MIB], 512);
    let refused = extend(&mut head[..MIB], DISK, 512, SEED, "CIDATA", GUID);
    assert_eq!(refused, Err(GptError::Full(128)));
}

#[test]
fn partitions_are_told_with_their_numbers_places_and_names() {
    for sector in [512, 4096] {
        let found = partitions(&image(sector)[..MIB], sector).unwrap();
        let (mib, one) = (1 << 20, |number, offset, bytes, name: &str| Partition {
            number,
            offset,
            bytes,
            name: name.to_owned(),
        });
        assert_eq!(found, [one(1, mib, mib, "esp"), one(14, 2 * mib, 8 * mib, "root")]);
    }
}

#[test]
fn an_image_without_a_table_is_refused_with_advice() {
    let mut head = vec![0; MIB];
    let message = extend(&mut head, DISK, 512, SEED, "CIDATA", GUID).unwrap_err().to_string();
    assert!(message.contains("no signature") && message.contains("install.config"), "{message}");
    let mut head = image(512);
    let message =
        extend(&mut head[..MIB], DISK, 4096, SEED, "CIDATA", GUID).unwrap_err().to_string();
    assert!(message.contains("4096-byte sectors"), "{message}");
}

proptest! {
    #[test]
    fn a_damaged_table_is_refused_and_never_a_panic(
        at in 512usize..(512 + 92), bit in 0u8..8,
    ) {
        let mut head = image(512);
        head[at] ^= 1 << bit;
        let refused = extend(&mut head[..MIB], DISK, 512, SEED, "CIDATA", GUID);
        prop_assert!(matches!(refused, Err(GptError::NoTable { .. })), "{at} {bit}");
    }

    #[test]
    fn a_hostile_table_with_right_checksums_is_no_panic(
        fields in proptest::collection::vec((0usize..92, any::<u8>()), 1..8),
        entry in proptest::collection::vec((0usize..128 * 16, any::<u8>()), 0..8),
        disk in any::<u64>(),
    ) {
        let mut head = image(512);
        let mut table = Table::read(&head[..MIB], 512).unwrap();
        for (at, byte) in entry { table.entries[at] = byte; }
        table.set_entry(3, &[]);
        for (at, byte) in fields { table.header[at] = byte; }
        table.store(&mut head[..MIB], 512);
        let _ = partitions(&head[..MIB], 512);
        let _ = extend(&mut head[..MIB], disk, 512, SEED, "CIDATA", GUID);
    }
}
