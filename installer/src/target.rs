//! The disk that is written: a block device, or in a test a regular file of fixed size.
//!
//! Bulk data bypasses the page cache (`O_DIRECT`), so that a machine with little memory is not
//! pushed around by it and reading back really asks the device.

use std::fs::{File, OpenOptions};
use std::io::{self, Seek, SeekFrom};
use std::ops::{Deref, DerefMut};
use std::os::unix::fs::{FileExt, FileTypeExt, OpenOptionsExt};
use std::path::Path;
use std::sync::atomic::{AtomicU8, Ordering};

use nix::errno::Errno;
use nix::fcntl::{FallocateFlags, OFlag, PosixFadviseAdvice, fallocate, posix_fadvise};

/// Bytes in a MiB: unit of alignment, and what is withheld at the start.
pub const MIB: usize = 1 << 20;

/// Enough for the memory side of `O_DIRECT` on every device.
const ALIGNMENT: usize = 4096;
/// FALLOC_FL_NO_HIDE_STALE of linux/falloc.h, which libc does not name: a plain discard.
const NO_HIDE_STALE: i32 = 4;
/// Longest range for one call into the kernel, so that the caller can look up in between.
const PIECE: u64 = 1 << 30;

/// An opened disk.
#[derive(Debug)]
pub struct Target {
    file: File,
    /// The same device past the page cache; regular files have none.
    direct: Option<File>,
    size: u64,
    sector: u64,
    zeroing: AtomicU8,
}

impl Target {
    /// Opens a disk for one writer only: a device that is mounted or held by another driver is an
    /// error (`EBUSY`). `sector` is its logical block size in bytes.
    pub fn open(path: &Path, sector: u64) -> io::Result<Self> {
        let mut options = OpenOptions::new();
        options.read(true).write(true);
        let device = path.metadata()?.file_type().is_block_device();
        let mut direct = None;
        if device {
            // Without O_CREAT, O_EXCL on a block device means exclusive use: open(2).
            options.custom_flags(OFlag::O_EXCL.bits());
        }
        let mut file = options.open(path)?;
        if device {
            direct = Some(options.custom_flags(OFlag::O_DIRECT.bits()).open(path)?);
        }
        Ok(Self {
            size: file.seek(SeekFrom::End(0))?,
            file,
            direct,
            sector,
            zeroing: AtomicU8::new(0),
        })
    }

    /// Size in bytes.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// Logical block size in bytes.
    pub fn sector(&self) -> u64 {
        self.sector
    }

    /// Writes all of `bytes`.
    pub fn write(&self, bytes: &[u8], offset: u64) -> io::Result<()> {
        self.way(bytes, offset).write_all_at(bytes, offset)
    }

    /// Reads all of `bytes` from the device itself. For a device they must be aligned.
    pub fn read_back(&self, bytes: &mut [u8], offset: u64) -> io::Result<()> {
        let file = self.way(bytes, offset);
        if self.direct.is_none() {
            let length = i64::try_from(bytes.len()).map_err(io::Error::other)?;
            let start = i64::try_from(offset).map_err(io::Error::other)?;
            posix_fadvise(file, start, length, PosixFadviseAdvice::POSIX_FADV_DONTNEED)?;
        }
        file.read_exact_at(bytes, offset)
    }

    /// Everything written so far is on the device.
    pub fn sync(&self) -> io::Result<()> {
        self.file.sync_all()
    }

    /// Makes a range read as zeros, by the cheapest way that promises it: let the device
    /// deallocate it (only where the device then reads zeros), let the kernel zero it, write zeros.
    /// `look_up` is called between pieces and may end it.
    pub fn zero<E: From<io::Error>>(
        &self,
        mut offset: u64,
        length: u64,
        look_up: &mut dyn FnMut(u64) -> Result<(), E>,
    ) -> Result<(), E> {
        let end = offset + length;
        while offset < end {
            let piece = PIECE.min(end - offset);
            self.zero_piece(offset, piece)?;
            offset += piece;
            look_up(offset)?;
        }
        Ok(())
    }

    fn zero_piece(&self, offset: u64, length: u64) -> io::Result<()> {
        let keep = FallocateFlags::FALLOC_FL_KEEP_SIZE;
        let ways = [
            FallocateFlags::FALLOC_FL_PUNCH_HOLE | keep,
            FallocateFlags::FALLOC_FL_ZERO_RANGE | keep,
        ];
        // A way that the device once refused is not tried again.
        for (number, way) in (0..).zip(ways).skip(self.zeroing.load(Ordering::Relaxed).into()) {
            match self.allocate(way, offset, length) {
                Ok(()) => return Ok(()),
                Err(Errno::EOPNOTSUPP | Errno::EINVAL | Errno::ENOSYS | Errno::ENODEV) => {
                    self.zeroing.store(number + 1, Ordering::Relaxed);
                }
                Err(error) => return Err(error.into()),
            }
        }
        let zeros = Aligned::new(MIB);
        let (mut at, end) = (offset, offset + length);
        while at < end {
            let step = usize::try_from(end - at).unwrap_or(MIB).min(MIB);
            self.write(zeros.get(..step).unwrap_or_default(), at)?;
            at += step as u64;
        }
        Ok(())
    }

    /// Tells the device that the whole of it is free. Its content is undefined afterwards.
    /// `false` when the device cannot.
    pub fn discard<E: From<io::Error>>(
        &self,
        look_up: &mut dyn FnMut(u64) -> Result<(), E>,
    ) -> Result<bool, E> {
        let keep = FallocateFlags::FALLOC_FL_KEEP_SIZE | FallocateFlags::FALLOC_FL_PUNCH_HOLE;
        let mut offset = 0;
        while offset < self.size {
            let piece = PIECE.min(self.size - offset);
            // First deallocate to zeros; a device that promises none may still discard.
            let done = self.allocate(keep, offset, piece).or_else(|_| {
                let stale = keep | FallocateFlags::from_bits_retain(NO_HIDE_STALE);
                self.allocate(stale, offset, piece)
            });
            match done {
                Ok(()) => {}
                Err(Errno::EIO) => return Err(io::Error::from(Errno::EIO).into()),
                Err(_) => return Ok(false),
            }
            offset += piece;
            look_up(offset)?;
        }
        Ok(true)
    }

    fn allocate(&self, how: FallocateFlags, offset: u64, length: u64) -> Result<(), Errno> {
        let number = |value: u64| i64::try_from(value).map_err(|_| Errno::EOVERFLOW);
        fallocate(&self.file, how, number(offset)?, number(length)?)
    }

    /// The direct file when everything is aligned for it.
    fn way(&self, bytes: &[u8], offset: u64) -> &File {
        let whole = |value: u64| value.is_multiple_of(self.sector);
        match &self.direct {
            Some(direct)
                if bytes.as_ptr().align_offset(ALIGNMENT) == 0
                    && whole(offset)
                    && whole(bytes.len() as u64) =>
            {
                direct
            }
            _ => &self.file,
        }
    }
}

/// A buffer that `O_DIRECT` takes. Zeros at first.
#[derive(Debug)]
pub struct Aligned {
    room: Vec<u8>,
    start: usize,
    length: usize,
}

impl Aligned {
    /// Of `length` bytes.
    pub fn new(length: usize) -> Self {
        let room = vec![0; length + ALIGNMENT];
        let start = room.as_ptr().align_offset(ALIGNMENT).min(ALIGNMENT);
        Self { room, start, length }
    }
}

impl Deref for Aligned {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        let range = self.start..self.start + self.length;
        self.room.get(range).unwrap_or_default()
    }
}

impl DerefMut for Aligned {
    fn deref_mut(&mut self) -> &mut [u8] {
        let range = self.start..self.start + self.length;
        self.room.get_mut(range).unwrap_or_default()
    }
}
