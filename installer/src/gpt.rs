//! The image's partition table: its partitions, and one more on a disk that is larger than the image.
//!
//! Pure: works on the disk's first MiB in memory. Own code, because the `gpt` crate numbers the
//! partitions anew when it writes a table with gaps (cloud images have 1, 14, 15), and because it
//! wants a device, not bytes. Layout: UEFI specification 2.10, section 5.3; integers little-endian.

/// What has to be written besides the changed first MiB.
#[derive(Debug, PartialEq, Eq)]
pub struct Extended {
    /// Number of the new partition, from 1.
    pub number: u32,
    /// Its first byte.
    pub offset: u64,
    /// Entries and header for the end of the disk.
    pub backup: Vec<u8>,
    /// Where they go, in bytes.
    pub backup_offset: u64,
}

/// One partition, as the table has it. Nothing says that it lies on the disk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Partition {
    /// Its number, from 1.
    pub number: u32,
    /// Its first byte.
    pub offset: u64,
    /// Its length in bytes.
    pub bytes: u64,
    /// Its name in the table: the GPT's label, not the file system's.
    pub name: String,
}

/// The table cannot be used, or cannot take another partition.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum GptError {
    /// No table, or a damaged one.
    #[error(
        "the image has no usable GPT for {sector}-byte sectors ({why}): the first boot's configuration \
         needs one; use an image with a GPT or another install.config"
    )]
    NoTable {
        /// The disk's sector size in bytes.
        sector: u64,
        /// What is wrong with it.
        why: &'static str,
    },
    /// No entry left.
    #[error("all {0} entries of the image's GPT are in use: no partition can be added")]
    Full(u32),
    /// No space left.
    #[error(
        "no room for the seed partition: the image's partitions end at byte {end}, the disk has \
         {disk} bytes and {needed} are needed behind them; choose a larger disk"
    )]
    NoRoom {
        /// End of the last partition in bytes.
        end: u64,
        /// Size of the disk in bytes.
        disk: u64,
        /// Bytes needed behind the last partition.
        needed: u64,
    },
}

const ALIGNMENT: u64 = 1 << 20;
const SIGNATURE: &[u8; 8] = b"EFI PART";
/// EBD0A0A2-B9E5-4433-87C0-68B6B72699C7, basic data, as it lies on disk.
const BASIC_DATA: [u8; 16] = [
    0xa2, 0xa0, 0xd0, 0xeb, 0xe5, 0xb9, 0x33, 0x44, 0x87, 0xc0, 0x68, 0xb6, 0xb7, 0x26, 0x99, 0xc7,
];

/// Moves the backup table to the end of the disk and adds a partition of `bytes` bytes named `name`,
/// as far back on the disk as it goes: the image's last partition can still grow up to it.
///
/// `head` is the first MiB, `guid` the new partition's own.
pub fn extend(
    head: &mut [u8],
    disk: u64,
    sector: u64,
    bytes: u64,
    name: &str,
    guid: [u8; 16],
) -> Result<Extended, GptError> {
    let mut table = Table::read(head, sector)?;
    let last = (disk / sector).saturating_sub(1);
    let array = (table.entries.len() as u64).div_ceil(sector);
    let needed = bytes + 2 * ALIGNMENT;
    let no_room = |end: u64| GptError::NoRoom { end: end.saturating_mul(sector), disk, needed };
    let (number, end) = table.free_slot()?;
    let usable_end = last.checked_sub(array).ok_or_else(|| no_room(end))?;
    let start = (usable_end * sector).checked_sub(bytes).ok_or_else(|| no_room(end))? / ALIGNMENT
        * ALIGNMENT
        / sector;
    if start < end {
        return Err(no_room(end));
    }
    let entry = entry(start, start + bytes / sector - 1, name, guid);
    table.set_entry(number, &entry);
    table.move_backup(last, usable_end);
    table.store(head, sector);
    grow_protective(head, last);
    Ok(Extended {
        number,
        offset: start * sector,
        backup: table.backup(last, usable_end, array, sector),
        backup_offset: usable_end * sector,
    })
}

/// The partitions of a disk whose first MiB is `head`, in the order of their numbers. `sector` is its logical
/// block size in bytes.
pub fn partitions(head: &[u8], sector: u64) -> Result<Vec<Partition>, GptError> {
    let table = Table::read(head, sector)?;
    let entries = (1..).zip(table.entries.chunks(table.entry_size));
    let used = entries.filter(|(_, entry)| is_used(entry));
    Ok(used
        .map(|(number, entry)| {
            let (first, last) = (u64_at(entry, 32), u64_at(entry, 40));
            let sectors = last.saturating_add(1).saturating_sub(first);
            let name = entry.get(56..128).unwrap_or_default().chunks(2).map(|unit| match unit {
                [low, high] => u16::from_le_bytes([*low, *high]),
                _ => 0,
            });
            let name: Vec<u16> = name.take_while(|unit| *unit != 0).collect();
            Partition {
                number,
                offset: first.saturating_mul(sector),
                bytes: sectors.saturating_mul(sector),
                name: String::from_utf16_lossy(&name),
            }
        })
        .collect())
}

/// An entry without a type is free (5.3.3).
fn is_used(entry: &[u8]) -> bool {
    entry.iter().take(16).any(|byte| *byte != 0)
}

struct Table {
    header: Vec<u8>,
    entries: Vec<u8>,
    entries_at: usize,
    entry_size: usize,
    count: u32,
}

/// Offsets in the header.
mod at {
    pub(super) const HEADER_SIZE: usize = 12;
    pub(super) const HEADER_CRC: usize = 16;
    pub(super) const OWN: usize = 24;
    pub(super) const OTHER: usize = 32;
    pub(super) const LAST_USABLE: usize = 48;
    pub(super) const ENTRIES: usize = 72;
    pub(super) const COUNT: usize = 80;
    pub(super) const ENTRY_SIZE: usize = 84;
    pub(super) const ENTRIES_CRC: usize = 88;
}

impl Table {
    fn read(head: &[u8], sector: u64) -> Result<Self, GptError> {
        let bad = |why| GptError::NoTable { sector, why };
        let step = usize::try_from(sector).map_err(|_| bad("sector size"))?;
        let block = head.get(step..2 * step).ok_or_else(|| bad("too short"))?;
        if !block.starts_with(SIGNATURE) {
            return Err(bad("no signature"));
        }
        let size = u32_at(block, at::HEADER_SIZE) as usize;
        let mut header = block
            .get(..size)
            .filter(|header| header.len() >= 92)
            .ok_or_else(|| bad("header size"))?
            .to_vec();
        let crc = u32_at(&header, at::HEADER_CRC);
        put(&mut header, at::HEADER_CRC, &[0; 4]);
        if crc32fast::hash(&header) != crc || u64_at(&header, at::OWN) != 1 {
            return Err(bad("header checksum"));
        }
        let (count, entry_size) = (u32_at(&header, at::COUNT), u32_at(&header, at::ENTRY_SIZE));
        if entry_size < 128 || count == 0 {
            return Err(bad("entry size"));
        }
        let entries_at = u64_at(&header, at::ENTRIES).saturating_mul(sector);
        let length = u64::from(count) * u64::from(entry_size);
        let range = usize::try_from(entries_at)
            .ok()
            .zip(usize::try_from(entries_at.saturating_add(length)).ok())
            .ok_or_else(|| bad("place of the entries"))?;
        let entries = head
            .get(range.0..range.1)
            .ok_or_else(|| bad("entries outside the first MiB"))?
            .to_vec();
        if crc32fast::hash(&entries) != u32_at(&header, at::ENTRIES_CRC) {
            return Err(bad("checksum of the entries"));
        }
        Ok(Self { header, entries, entries_at: range.0, entry_size: entry_size as usize, count })
    }

    /// Number of the entry behind the last used one (else the first free one), and the sector behind
    /// the last partition.
    fn free_slot(&self) -> Result<(u32, u64), GptError> {
        let (mut end, mut last, mut free) = (0, 0, None);
        for (number, entry) in (1..).zip(self.entries.chunks(self.entry_size)) {
            if is_used(entry) {
                last = number;
                end = end.max(u64_at(entry, 40).saturating_add(1));
            } else {
                free = free.or(Some(number));
            }
        }
        let behind = (last < self.count).then_some(last + 1);
        let number = behind.or(free).ok_or(GptError::Full(self.count))?;
        Ok((number, end))
    }

    fn set_entry(&mut self, number: u32, entry: &[u8]) {
        let place = (number as usize - 1) * self.entry_size;
        put(&mut self.entries, place, entry);
        let crc = crc32fast::hash(&self.entries);
        put(&mut self.header, at::ENTRIES_CRC, &crc.to_le_bytes());
    }

    fn move_backup(&mut self, last: u64, usable_end: u64) {
        put(&mut self.header, at::OTHER, &last.to_le_bytes());
        put(&mut self.header, at::LAST_USABLE, &(usable_end - 1).to_le_bytes());
    }

    fn store(&self, head: &mut [u8], sector: u64) {
        put(head, self.entries_at, &self.entries);
        put(head, usize::try_from(sector).unwrap_or(512), &sealed(&self.header));
    }

    fn backup(&self, last: u64, usable_end: u64, array: u64, sector: u64) -> Vec<u8> {
        let mut header = self.header.clone();
        put(&mut header, at::OWN, &last.to_le_bytes());
        put(&mut header, at::OTHER, &1u64.to_le_bytes());
        put(&mut header, at::ENTRIES, &usable_end.to_le_bytes());
        let header_at = usize::try_from(array * sector).unwrap_or(0);
        let mut backup = vec![0; usize::try_from((array + 1) * sector).unwrap_or(0)];
        put(&mut backup, 0, &self.entries);
        put(&mut backup, header_at, &sealed(&header));
        backup
    }
}

/// With its checksum, which counts as zero in itself.
fn sealed(header: &[u8]) -> Vec<u8> {
    let mut header = header.to_vec();
    put(&mut header, at::HEADER_CRC, &[0; 4]);
    let crc = crc32fast::hash(&header);
    put(&mut header, at::HEADER_CRC, &crc.to_le_bytes());
    header
}

fn entry(first: u64, last: u64, name: &str, guid: [u8; 16]) -> [u8; 128] {
    let mut entry = [0; 128];
    put(&mut entry, 0, &BASIC_DATA);
    put(&mut entry, 16, &guid);
    put(&mut entry, 32, &first.to_le_bytes());
    put(&mut entry, 40, &last.to_le_bytes());
    let name: Vec<u8> = name.encode_utf16().take(36).flat_map(u16::to_le_bytes).collect();
    put(&mut entry, 56, &name);
    entry
}

/// The protective MBR covers the whole disk again (5.2.3); boot code and hybrid entries stay.
fn grow_protective(head: &mut [u8], last: u64) {
    for record in [446, 462, 478, 494] {
        let protective = head.get(record + 4) == Some(&0xee) && u32_at(head, record + 8) == 1;
        if protective {
            let sectors = u32::try_from(last).unwrap_or(u32::MAX);
            put(head, record + 12, &sectors.to_le_bytes());
        }
    }
}

fn u32_at(bytes: &[u8], at: usize) -> u32 {
    let field = bytes.get(at..).and_then(|rest| rest.first_chunk());
    field.map_or(0, |field| u32::from_le_bytes(*field))
}

fn u64_at(bytes: &[u8], at: usize) -> u64 {
    let field = bytes.get(at..).and_then(|rest| rest.first_chunk());
    field.map_or(0, |field| u64::from_le_bytes(*field))
}

/// Ranges were checked when the table was read.
fn put(bytes: &mut [u8], at: usize, value: &[u8]) {
    if let Some(place) = bytes.get_mut(at..at + value.len()) {
        place.copy_from_slice(value);
    }
}

#[cfg(test)]
pub(crate) mod tests;
