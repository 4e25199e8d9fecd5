//! A git pack, made in memory: all objects of a batch in one file and its index.
//!
//! Formats: git's `gitformat-pack(5)`. Made here and not by libgit2, because we know how one tree
//! differs from the one before: a delta of a few bytes, where libgit2 would compress the whole list of
//! nodes again for every transition.

use std::collections::HashMap;

use flate2::{Compress, Compression, FlushCompress};
use sha1::{Digest, Sha1};

/// An object's name: SHA-1 of its kind, length and content.
pub(super) type Id = [u8; 20];

/// Kind of an object; the number is the pack's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// A commit.
    Commit = 1,
    /// A folder.
    Tree = 2,
    /// A file.
    Blob = 3,
}

/// Pack entry type of a delta whose base is at an offset before it.
const OFS_DELTA: u8 = 6;

/// Offsets of the index are 31 bits here; a batch never comes near.
const LIMIT_BYTES: usize = 0x7fff_ffff;

/// One splice: `removed` bytes at `at` of the old content become `inserted`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Splice {
    /// Where, in bytes from the start.
    pub(super) at: usize,
    /// How many bytes go.
    pub(super) removed: usize,
    /// The bytes that come.
    pub(super) inserted: Vec<u8>,
}

/// A pack that grows.
pub(super) struct Pack {
    bytes: Vec<u8>,
    entries: Vec<Entry>,
    offsets: HashMap<Id, usize>,
    compress: Compress,
}

struct Entry {
    id: Id,
    crc: u32,
    offset: usize,
}

/// A pack's files.
pub(super) struct Files {
    /// Checksum in hex: the files are `pack-NAME.pack` and `pack-NAME.idx`.
    pub(super) name: String,
    /// The pack.
    pub(super) pack: Vec<u8>,
    /// Its index, version 2.
    pub(super) index: Vec<u8>,
}

/// More than 2 GiB in one batch.
#[derive(Debug, thiserror::Error)]
#[error("a batch of history is larger than 2 GiB")]
pub(super) struct TooLarge;

impl Pack {
    /// A pack without objects.
    pub(super) fn new() -> Self {
        let mut bytes = b"PACK".to_vec();
        bytes.extend(2_u32.to_be_bytes());
        bytes.extend(0_u32.to_be_bytes());
        Self {
            bytes,
            entries: Vec::new(),
            offsets: HashMap::new(),
            compress: Compress::new(Compression::fast(), true),
        }
    }

    /// Adds an object in full, unless it is in already.
    pub(super) fn add(&mut self, kind: Kind, content: &[u8]) -> Id {
        let id = id_of(kind, content);
        self.add_known(id, kind, content);
        id
    }

    /// The same for an object whose name is known.
    pub(super) fn add_known(&mut self, id: Id, kind: Kind, content: &[u8]) {
        if !self.holds(&id) {
            self.entry(id, kind as u8, content.len(), &[], content);
        }
    }

    /// Adds object `id` as a delta to `base`, which this pack must hold; says whether it does.
    pub(super) fn add_delta(
        &mut self,
        id: Id,
        (base, base_len): (&Id, usize),
        splice: &Splice,
    ) -> bool {
        let Some(&base_offset) = self.offsets.get(base) else {
            return false;
        };
        if !self.holds(&id) {
            let delta = delta(base_len, splice);
            let distance = backwards(self.bytes.len() - base_offset);
            self.entry(id, OFS_DELTA, delta.len(), &distance, &delta);
        }
        true
    }

    fn holds(&self, id: &Id) -> bool {
        self.offsets.contains_key(id)
    }

    /// The finished files.
    pub(super) fn finish(mut self) -> Result<Files, TooLarge> {
        if self.bytes.len() > LIMIT_BYTES {
            return Err(TooLarge);
        }
        let count = number(self.entries.len())?.to_be_bytes();
        if let Some(field) = self.bytes.get_mut(8..12) {
            field.copy_from_slice(&count);
        }
        let checksum = sha1(&[&self.bytes]);
        self.bytes.extend(checksum);
        self.entries.sort_unstable_by_key(|entry| entry.id);
        Ok(Files {
            name: hex::encode(checksum),
            index: index(&self.entries, &checksum)?,
            pack: self.bytes,
        })
    }

    fn entry(&mut self, id: Id, kind: u8, size: usize, before: &[u8], content: &[u8]) {
        let offset = self.bytes.len();
        entry_header(kind, size, &mut self.bytes);
        self.bytes.extend(before);
        self.deflate(content);
        let written = self.bytes.get(offset..).unwrap_or_default();
        let crc = crc32fast::hash(written);
        self.offsets.insert(id, offset);
        self.entries.push(Entry { id, crc, offset });
    }

    /// One zlib stream behind what is there. Into a vector that grows it cannot fail but by a full
    /// output, which then grows.
    fn deflate(&mut self, content: &[u8]) {
        self.compress.reset();
        loop {
            let done = usize::try_from(self.compress.total_in()).unwrap_or(usize::MAX);
            let rest = content.get(done..).unwrap_or_default();
            self.bytes.reserve(rest.len() / 2 + 64);
            let finish = FlushCompress::Finish;
            let status = self.compress.compress_vec(rest, &mut self.bytes, finish);
            if !matches!(status, Ok(flate2::Status::Ok | flate2::Status::BufError)) {
                return;
            }
        }
    }
}

/// An object's name.
pub(super) fn id_of(kind: Kind, content: &[u8]) -> Id {
    let kind = match kind {
        Kind::Commit => "commit",
        Kind::Tree => "tree",
        Kind::Blob => "blob",
    };
    let header = format!("{kind} {}\0", content.len());
    sha1(&[header.as_bytes(), content])
}

fn sha1(parts: &[&[u8]]) -> Id {
    let mut hash = Sha1::new();
    for part in parts {
        hash.update(part);
    }
    hash.finalize().into()
}

fn number(value: usize) -> Result<u32, TooLarge> {
    u32::try_from(value).map_err(|_| TooLarge)
}

/// Type and size: 4 bits of size beside the type, then 7 bits a byte, least significant first.
fn entry_header(kind: u8, size: usize, out: &mut Vec<u8>) {
    let first = (kind << 4) | low_bits(size, 0x0f);
    let rest = size >> 4;
    if rest == 0 {
        out.push(first);
    } else {
        out.push(first | 0x80);
        varint(rest, out);
    }
}

fn varint(mut value: usize, out: &mut Vec<u8>) {
    while value > 0x7f {
        out.push(low_bits(value, 0x7f) | 0x80);
        value >>= 7;
    }
    out.push(low_bits(value, 0x7f));
}

/// The distance to a delta's base: 7 bits a byte, most significant first, each continuation plus one.
fn backwards(mut distance: usize) -> Vec<u8> {
    let mut out = vec![low_bits(distance, 0x7f)];
    distance >>= 7;
    while distance > 0 {
        distance -= 1;
        out.insert(0, low_bits(distance, 0x7f) | 0x80);
        distance >>= 7;
    }
    out
}

/// Delta instructions: what is before the splice, the new bytes, what is behind it.
fn delta(base_len: usize, splice: &Splice) -> Vec<u8> {
    let behind = splice.at + splice.removed;
    let new_len = base_len - splice.removed + splice.inserted.len();
    let mut out = Vec::with_capacity(64 + splice.inserted.len());
    varint(base_len, &mut out);
    varint(new_len, &mut out);
    copy(0, splice.at, &mut out);
    for chunk in splice.inserted.chunks(0x7f) {
        out.push(low_bits(chunk.len(), 0x7f));
        out.extend(chunk);
    }
    copy(behind, base_len - behind, &mut out);
    out
}

/// Copy instructions for a range of the base, at most `0xff_ffff` bytes each.
fn copy(mut from: usize, mut len: usize, out: &mut Vec<u8>) {
    while len > 0 {
        let part = len.min(0xff_ffff);
        let at = out.len();
        let mut op = 0x80;
        out.push(op);
        for (bit, shift) in [(0x01, 0), (0x02, 8), (0x04, 16), (0x08, 24)] {
            push_if_set(from >> shift, bit, &mut op, out);
        }
        for (bit, shift) in [(0x10, 0), (0x20, 8), (0x40, 16)] {
            push_if_set(part >> shift, bit, &mut op, out);
        }
        if let Some(byte) = out.get_mut(at) {
            *byte = op;
        }
        from += part;
        len -= part;
    }
}

fn push_if_set(value: usize, bit: u8, op: &mut u8, out: &mut Vec<u8>) {
    let byte = low_bits(value, 0xff);
    if byte != 0 {
        *op |= bit;
        out.push(byte);
    }
}

fn low_bits(value: usize, mask: u8) -> u8 {
    value.to_le_bytes()[0] & mask
}

/// Index version 2: fan-out, names, checksums, offsets.
fn index(entries: &[Entry], pack_checksum: &Id) -> Result<Vec<u8>, TooLarge> {
    let mut out = b"\xfftOc".to_vec();
    out.extend(2_u32.to_be_bytes());
    for first in 0..=u8::MAX {
        let upto = entries.partition_point(|entry| entry.id[0] <= first);
        out.extend(number(upto)?.to_be_bytes());
    }
    for entry in entries {
        out.extend(entry.id);
    }
    for entry in entries {
        out.extend(entry.crc.to_be_bytes());
    }
    for entry in entries {
        out.extend(number(entry.offset)?.to_be_bytes());
    }
    out.extend(pack_checksum);
    let checksum = sha1(&[&out]);
    out.extend(checksum);
    Ok(out)
}

#[cfg(test)]
mod tests;
