//! An image onto a disk: everything but its first MiB, which is kept back until the hash is right.
//!
//! Two threads: one fetches and hashes, the other unpacks and writes.

use std::io::{self, Read};
use std::sync::mpsc::{Receiver, sync_channel};
use std::thread;

use api::node::{ImageFormat, ImageSource, Stage};
use xxhash_rust::xxh3::xxh3_64;

use crate::fetch::{Context, FetchError, Fetched, Verified, fetch};
use crate::progress::Progress;
use crate::stop::Stop;
use crate::target::{Aligned, MIB, Target};

/// Pieces in flight between the threads: 128 KiB each.
const IN_FLIGHT: usize = 32;

/// What is on the disk now.
#[derive(Debug)]
pub struct Written {
    /// The withheld first MiB.
    pub head: Head,
    /// Of each MiB from the second on: its digest, or none when it is all zeros.
    pub chunks: Vec<Option<u64>>,
    /// Bytes of the image as unpacked.
    pub bytes: u64,
}

/// The first MiB of the disk to come. It holds the partition table: without it nothing boots.
#[derive(Debug)]
pub struct Head(Aligned);

impl Head {
    /// Its bytes, for the partition table to be changed in.
    pub fn bytes_mut(&mut self) -> &mut [u8] {
        &mut self.0
    }

    /// Writes it: the moment at which the disk becomes bootable. Takes the proof that it may be.
    pub fn release(&self, target: &Target, _proof: &Verified) -> io::Result<()> {
        let room = usize::try_from(target.size()).unwrap_or(MIB).min(MIB);
        target.write(self.0.get(..room).unwrap_or_default(), 0)
    }

    /// Whether the disk's first MiB reads as this.
    pub fn is_on(&self, target: &Target) -> io::Result<bool> {
        let mut read = Aligned::new(usize::try_from(target.size()).unwrap_or(MIB).min(MIB));
        target.read_back(&mut read, 0)?;
        Ok(self.0.get(..read.len()) == Some(&read[..]))
    }
}

/// Why copying ended.
#[derive(Debug, thiserror::Error)]
pub enum CopyError {
    /// The image cannot be unpacked.
    #[error("the image cannot be unpacked: {0}")]
    Source(io::Error),
    /// The disk ended first.
    #[error("the image is larger than the disk's {0} bytes: choose a larger disk")]
    TooLarge(u64),
    /// The disk will not take it.
    #[error("the disk cannot be written: {0}")]
    Disk(#[from] io::Error),
    /// This boot is over.
    #[error(transparent)]
    Stopped(#[from] Stop),
}

/// Digest of a chunk for reading back. The enemy is a disk that forgets or mixes up sectors, not a
/// forger: the image itself has been checked by SHA-256. XXH3 in 64 bits misses an accident once in
/// 2⁶⁴ and costs next to nothing beside the disk, where SHA-256 would be the slowest part.
pub(crate) fn digest(bytes: &[u8]) -> Option<u64> {
    (!is_zero(bytes)).then(|| xxh3_64(bytes))
}

/// Fetches, unpacks and writes the image, and checks the hash of what was fetched.
pub fn stream(
    image: &ImageSource,
    target: &Target,
    context: Context<'_>,
) -> Result<(Written, Verified), Stop> {
    let (send, receive) = sync_channel(IN_FLIGHT);
    let (copied, fetched) = thread::scope(|scope| {
        let fetcher =
            scope.spawn(move || fetch(&image.url, context, &mut |piece| send.send(piece).is_ok()));
        let copied = unpack(image.format, Pipe::new(receive), target, context.progress);
        (copied, fetcher.join())
    });
    // An overtaken boot also ends the fetching; then the rest says nothing.
    context.progress.check()?;
    let fetched =
        fetched.map_err(|_| Stop::retryable(Stage::Write, "the fetching thread died: a bug"))?;
    conclude(copied, fetched, &image.sha256)
}

/// One outcome of two threads: the first cause wins.
fn conclude(
    copied: Result<Written, CopyError>,
    fetched: Result<Fetched, FetchError>,
    sha256: &str,
) -> Result<(Written, Verified), Stop> {
    let lasting = |reason: String| Stop::lasting(Stage::Write, reason);
    match (copied, fetched) {
        (Err(CopyError::Stopped(stop)), _) => Err(stop),
        (Err(error @ (CopyError::TooLarge(_) | CopyError::Disk(_))), _) => {
            Err(lasting(error.to_string()))
        }
        (_, Err(error @ FetchError::Gone { .. })) => Err(lasting(error.to_string())),
        (_, Err(error)) => Err(Stop::retryable(Stage::Write, error.to_string())),
        (copied, Ok(fetched)) => {
            let verified = fetched
                .verify(sha256)
                .map_err(|error| Stop::retryable(Stage::Write, error.to_string()))?;
            // The right bytes and still not readable: no retry will change that.
            let written = copied.map_err(|error| lasting(error.to_string()))?;
            Ok((written, verified))
        }
    }
}

fn unpack(
    format: ImageFormat,
    mut pipe: Pipe,
    target: &Target,
    progress: &Progress,
) -> Result<Written, CopyError> {
    let copied = match format {
        ImageFormat::Raw => copy(&mut pipe, target, progress),
        ImageFormat::RawZstd => zstd::Decoder::new(&mut pipe)
            .map_err(CopyError::Source)
            .and_then(|mut decoder| copy(&mut decoder, target, progress)),
    };
    if matches!(copied, Ok(_) | Err(CopyError::Source(_))) {
        // Wrong bytes seldom unpack: take the rest all the same, so that the hash can say it.
        pipe.drain();
    }
    copied
}

/// Writes everything from the second MiB on; the disk's first MiB is not touched.
pub fn copy(
    source: &mut dyn Read,
    target: &Target,
    progress: &Progress,
) -> Result<Written, CopyError> {
    let mut writer = Writer { target, zeros: 0..0, chunks: Vec::new() };
    let mut chunk = Aligned::new(MIB);
    let mut bytes = fill(source, &mut chunk)? as u64;
    if bytes > target.size() {
        return Err(CopyError::TooLarge(target.size()));
    }
    let head = Head(chunk);
    let mut chunk = Aligned::new(MIB);
    loop {
        progress.check()?;
        let filled = if bytes < MIB as u64 { 0 } else { fill(source, &mut chunk)? };
        if filled == 0 {
            break;
        }
        writer.put(&mut chunk, filled, bytes)?;
        bytes += filled as u64;
    }
    writer.flush()?;
    target.sync()?;
    Ok(Written { head, chunks: writer.chunks, bytes })
}

struct Writer<'a> {
    target: &'a Target,
    /// Zeros that are due: one call for a long run.
    zeros: std::ops::Range<u64>,
    chunks: Vec<Option<u64>>,
}

impl Writer<'_> {
    fn put(&mut self, chunk: &mut Aligned, filled: usize, offset: u64) -> Result<(), CopyError> {
        let size = self.target.size();
        if offset + filled as u64 > size {
            return Err(CopyError::TooLarge(size));
        }
        // A last chunk goes out in whole sectors; the disk is made of them, so it has the room.
        let sector = usize::try_from(self.target.sector()).unwrap_or(512);
        let whole = filled.next_multiple_of(sector).min(chunk.len());
        chunk.get_mut(filled..whole).unwrap_or_default().fill(0);
        let bytes = chunk.get(..whole).unwrap_or_default();
        let digest = digest(bytes);
        self.chunks.push(digest);
        if digest.is_some() {
            self.flush()?;
            self.target.write(bytes, offset)?;
            return Ok(());
        }
        if self.zeros.is_empty() {
            self.zeros.start = offset;
        }
        self.zeros.end = (offset + whole as u64).min(size);
        Ok(())
    }

    fn flush(&mut self) -> Result<(), CopyError> {
        let zeros = std::mem::take(&mut self.zeros);
        let length = zeros.end - zeros.start;
        self.target.zero(zeros.start, length, &mut |_| Ok(()))
    }
}

/// Reads until the buffer is full or the source ends.
fn fill(source: &mut dyn Read, buffer: &mut [u8]) -> Result<usize, CopyError> {
    let mut filled = 0;
    while let Some(rest) = buffer.get_mut(filled..).filter(|rest| !rest.is_empty()) {
        match source.read(rest) {
            Ok(0) => break,
            Ok(read) => filled += read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(CopyError::Source(error)),
        }
    }
    Ok(filled)
}

/// Compared with known zeros: memcmp is the fastest loop at hand.
pub(crate) fn is_zero(bytes: &[u8]) -> bool {
    static ZEROS: [u8; 64 << 10] = [0; 64 << 10];
    bytes.chunks(ZEROS.len()).all(|part| ZEROS.get(..part.len()) == Some(part))
}

/// The reading end of the channel.
struct Pipe {
    pieces: Receiver<Vec<u8>>,
    piece: io::Cursor<Vec<u8>>,
}

impl Pipe {
    fn new(pieces: Receiver<Vec<u8>>) -> Self {
        let piece = io::Cursor::new(Vec::new());
        Self { pieces, piece }
    }

    fn drain(&mut self) {
        while self.pieces.recv().is_ok() {}
    }
}

impl Read for Pipe {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            let read = self.piece.read(buffer)?;
            if read > 0 || buffer.is_empty() {
                return Ok(read);
            }
            // A fetch that failed looks like an end here; its own error is asked for afterwards.
            match self.pieces.recv() {
                Ok(piece) => self.piece = io::Cursor::new(piece),
                Err(_) => return Ok(0),
            }
        }
    }
}
