//! An Ignition config as a file in one of the image's own partitions, where Ignition looks for it.
//!
//! The partition is copied into a RAM disk, the kernel mounts that and takes the file, and what has changed in
//! the copy is given back as patches for the disk. So nothing is on the disk until all has gone well, the disk
//! is never mounted, and each changed byte of it is read back. The file need not be renamed into its place:
//! nobody sees the copy before it is whole.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use api::node::{IgnitionPlace, Stage};
use nix::errno::Errno;
use nix::mount::{MntFlags, MsFlags, mount, umount, umount2};

use crate::fetch::Context;
use crate::filesystem::{self, FileSystem, Kind};
use crate::gpt::{self, GptError, Partition};
use crate::install::Patch;
use crate::scratch::Place;
use crate::stop::Stop;
use crate::target::{Aligned, MIB, Target};
use crate::write::is_zero;

/// Largest config in bytes: a typing mistake of somebody who embeds an image, not a limit of Ignition.
const MAX_CONFIG: usize = 8 << 20;
/// Bytes that are compared, and written, together.
const PIECE: usize = 64 << 10;
const FILE: &str = "config.ign";
const FILE_MODE: u32 = 0o600;
const DIRECTORY_MODE: u32 = 0o700;

/// The config cannot be put into the image.
#[derive(Debug, thiserror::Error)]
pub enum PutError {
    /// Larger than any config.
    #[error(
        "the Ignition config has {0} bytes, more than {MAX_CONFIG}: fetch large files by URL in it"
    )]
    TooLarge(usize),
    /// No table.
    #[error(transparent)]
    Table(#[from] GptError),
    /// No such partition, or more than one.
    #[error("the image has {found} {wanted}, exactly one is needed: {advice}; it has {all}")]
    Partition {
        /// How many.
        found: usize,
        /// Which are looked for.
        wanted: &'static str,
        /// What to do.
        advice: &'static str,
        /// What there is.
        all: String,
    },
    /// A partition that cannot be mounted.
    #[error(
        "partition {0} holds neither ext4 nor btrfs: the Ignition config cannot be put into it"
    )]
    NoFileSystem(u32),
    /// The copy does not fit into memory.
    #[error(
        "partition {number} holds more than {room} bytes, and the machine has no more memory for a copy: \
         give it more, or put the config into the image"
    )]
    NoMemory {
        /// Which partition.
        number: u32,
        /// Bytes that are available.
        room: u64,
    },
    /// The image brings a config.
    #[error(
        "the image already has {0}: take an image without it, or `config: none` to use what it brings"
    )]
    Taken(PathBuf),
    /// Not what a config lies in.
    #[error("{0} in the image is no directory: the Ignition config cannot be put into it")]
    NoDirectory(PathBuf),
    /// No room.
    #[error(
        "partition {number} is full: the Ignition config of {bytes} bytes does not fit into it"
    )]
    Full {
        /// Which partition.
        number: u32,
        /// Bytes of the config.
        bytes: usize,
    },
    /// The file is not as it was written.
    #[error(
        "partition {0} gives back another file than was written into it: its file system is damaged"
    )]
    Differs(u32),
    /// The kernel says no.
    #[error("partition {number} ({kind}): {what}: {source}")]
    Io {
        /// Which partition.
        number: u32,
        /// Its file system.
        kind: Kind,
        /// What was tried.
        what: &'static str,
        /// Why it failed.
        source: io::Error,
    },
    /// The disk says no.
    #[error("the disk cannot be read: {0}; replace it")]
    Disk(io::Error),
    /// This boot is over.
    #[error(transparent)]
    Stopped(#[from] Stop),
}

impl PutError {
    /// All of them are the image's or the machine's: the next try would meet them again.
    pub fn into_stop(self) -> Stop {
        match self {
            Self::Stopped(stop) => stop,
            error => Stop::lasting(Stage::Configure, error.to_string()),
        }
    }
}

/// Puts `config` into the image's partition, in memory; gives back what has to be written to the disk for it.
/// `head` is the disk's first MiB to come.
pub(crate) fn put(
    config: &str,
    place: IgnitionPlace,
    head: &[u8],
    target: &Target,
    context: Context<'_>,
) -> Result<Vec<Patch>, PutError> {
    if config.len() > MAX_CONFIG {
        return Err(PutError::TooLarge(config.len()));
    }
    let (partition, kind) = find(place, head, target)?;
    context.log.line(format!(
        "Ignition config of {} bytes goes into partition {} ({kind}, {} bytes)",
        config.len(),
        partition.number,
        partition.bytes
    ));
    context.progress.total(2 * partition.bytes);
    let copy = Copy { number: partition.number, kind, target, offset: partition.offset };
    let scratch = context.scratch.device(partition.bytes, kind, context.log);
    let scratch = scratch.map_err(copy.failed("cannot be copied into memory"))?;
    copy.fill(partition.bytes, &scratch, context)?;
    copy.write(config, place, &scratch)?;
    copy.check(config, place, &scratch)?;
    let patches = copy.changes(partition.bytes, &scratch, context)?;
    context.log.line(format!("{} changes of the file system to write", patches.len()));
    Ok(patches)
}

/// The one partition that is meant.
fn find(place: IgnitionPlace, head: &[u8], target: &Target) -> Result<(Partition, Kind), PutError> {
    let mut all = Vec::new();
    for partition in gpt::partitions(head, target.sector())? {
        // What lies in the first MiB is overwritten by it.
        let inside = partition.offset < MIB as u64;
        let system = if inside { Ok(None) } else { filesystem::probe(target, &partition) };
        all.push((partition, system.map_err(PutError::Disk)?));
    }
    let meant = |(partition, system): &&(Partition, Option<FileSystem>)| match place {
        IgnitionPlace::Boot => {
            system.as_ref().is_some_and(|it| it.kind == Kind::Ext4 && it.label == "boot")
        }
        IgnitionPlace::Oem => partition.name == "OEM",
    };
    let fit: Vec<_> = all.iter().filter(meant).collect();
    let [(partition, system)] = &fit[..] else {
        let (wanted, advice) = match place {
            IgnitionPlace::Boot => (
                "ext4 file systems labelled `boot`",
                "for Flatcar write `config: ignition-oem`, else take an image that has it",
            ),
            IgnitionPlace::Oem => (
                "partitions named `OEM`",
                "for Fedora CoreOS write `config: ignition`, else take an image that has it",
            ),
        };
        return Err(PutError::Partition { found: fit.len(), wanted, advice, all: told(&all) });
    };
    let system = system.as_ref().ok_or(PutError::NoFileSystem(partition.number))?;
    Ok((partition.clone(), system.kind))
}

/// What the image has, for whoever wonders.
fn told(all: &[(Partition, Option<FileSystem>)]) -> String {
    let one = |(partition, system): &(Partition, Option<FileSystem>)| {
        let system = system.as_ref().map(|it| format!(" ({}, labelled {:?})", it.kind, it.label));
        format!("{} {:?}{}", partition.number, partition.name, system.unwrap_or_default())
    };
    let all: Vec<_> = all.iter().map(one).collect();
    if all.is_empty() { "no partition".to_owned() } else { all.join(", ") }
}

/// A partition of the disk and its copy in memory.
struct Copy<'a> {
    number: u32,
    kind: Kind,
    target: &'a Target,
    offset: u64,
}

impl Copy<'_> {
    fn failed(&self, what: &'static str) -> impl Fn(io::Error) -> PutError + use<> {
        let (number, kind) = (self.number, self.kind);
        move |source| PutError::Io { number, kind, what, source }
    }

    fn open(&self, scratch: &Place) -> Result<Target, PutError> {
        Target::open(&scratch.device, 512).map_err(self.failed("its copy cannot be opened"))
    }

    /// Copies all that is not zero.
    fn fill(&self, bytes: u64, scratch: &Place, context: Context<'_>) -> Result<(), PutError> {
        let copy = self.open(scratch)?;
        let room = context.scratch.room();
        let (mut at, mut held) = (0, 0);
        let mut buffer = Aligned::new(MIB);
        while at < bytes {
            context.progress.check()?;
            let piece = piece(&mut buffer, bytes - at);
            self.target.read_back(piece, self.offset + at).map_err(PutError::Disk)?;
            for (offset, part) in (at..).step_by(PIECE).zip(piece.chunks(PIECE)) {
                if is_zero(part) {
                    continue;
                }
                held += part.len() as u64;
                if held > room {
                    return Err(PutError::NoMemory { number: self.number, room });
                }
                copy.write(part, offset).map_err(self.failed("cannot be copied into memory"))?;
            }
            at += piece.len() as u64;
            context.progress.done(at);
        }
        copy.sync().map_err(self.failed("cannot be copied into memory"))
    }

    /// Makes the file.
    fn write(&self, config: &str, place: IgnitionPlace, scratch: &Place) -> Result<(), PutError> {
        let mounted = self.mount(scratch, MsFlags::empty())?;
        let directory = self.directory(place, mounted.at)?;
        let path = directory.join(FILE);
        // Two writers, or an image's own config: never overwritten.
        let made = OpenOptions::new().write(true).create_new(true).mode(FILE_MODE).open(&path);
        let written = made.and_then(|mut file| {
            file.write_all(config.as_bytes())?;
            file.sync_all()?;
            File::open(&directory)?.sync_all()
        });
        written.map_err(|error| match error.kind() {
            io::ErrorKind::AlreadyExists => PutError::Taken(in_image(place, FILE)),
            _ => self.not_written(config, error),
        })?;
        mounted.end().map_err(self.failed("cannot be unmounted"))
    }

    fn directory(&self, place: IgnitionPlace, root: &Path) -> Result<PathBuf, PutError> {
        let IgnitionPlace::Boot = place else {
            return Ok(root.to_owned());
        };
        let path = root.join("ignition");
        match DirBuilder::new().mode(DIRECTORY_MODE).create(&path) {
            Ok(()) => Ok(path),
            // A link would lead out of the image.
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                let is_directory = fs::symlink_metadata(&path).is_ok_and(|about| about.is_dir());
                is_directory
                    .then_some(path)
                    .ok_or_else(|| PutError::NoDirectory(in_image(place, "")))
            }
            Err(error) => Err(self.not_written("", error)),
        }
    }

    fn not_written(&self, config: &str, error: io::Error) -> PutError {
        match error.raw_os_error().map(Errno::from_raw) {
            Some(Errno::ENOSPC | Errno::EDQUOT) => {
                PutError::Full { number: self.number, bytes: config.len() }
            }
            _ => self.failed("the config cannot be written into it")(error),
        }
    }

    /// Mounts the copy anew, and compares.
    fn check(&self, config: &str, place: IgnitionPlace, scratch: &Place) -> Result<(), PutError> {
        let mounted = self.mount(scratch, MsFlags::MS_RDONLY)?;
        let directory = match place {
            IgnitionPlace::Boot => mounted.at.join("ignition"),
            IgnitionPlace::Oem => mounted.at.to_owned(),
        };
        let read = File::open(directory.join(FILE)).and_then(|mut file| {
            let mut text = Vec::new();
            file.read_to_end(&mut text)?;
            Ok((text, file.metadata()?.mode() & 0o7777))
        });
        let (text, mode) = read.map_err(self.failed("the config cannot be read back"))?;
        mounted.end().map_err(self.failed("cannot be unmounted"))?;
        if text != config.as_bytes() || mode != FILE_MODE {
            return Err(PutError::Differs(self.number));
        }
        Ok(())
    }

    fn mount<'p>(&self, scratch: &'p Place, flags: MsFlags) -> Result<Mounted<'p>, PutError> {
        let flags = flags | MsFlags::MS_NOSUID | MsFlags::MS_NODEV | MsFlags::MS_NOEXEC;
        // Inode tables that the image left for later need not be zeroed now.
        let options = (self.kind == Kind::Ext4).then_some("noinit_itable");
        let (device, kind) = (&scratch.device, self.kind.name());
        mount(Some(device), &scratch.mount_point, Some(kind), flags, options).map_err(|errno| {
            let what = match errno {
                Errno::ENODEV => {
                    "its driver is not in the installer's files: make them anew with \
                     `provisioner installer-image`"
                }
                _ => "cannot be mounted",
            };
            self.failed(what)(errno.into())
        })?;
        Ok(Mounted { at: &scratch.mount_point, ended: false })
    }

    /// Where the copy is not what the disk has.
    fn changes(
        &self,
        bytes: u64,
        scratch: &Place,
        context: Context<'_>,
    ) -> Result<Vec<Patch>, PutError> {
        let copy = self.open(scratch)?;
        let (mut old, mut new) = (Aligned::new(MIB), Aligned::new(MIB));
        let (mut patches, mut at) = (Vec::new(), 0);
        while at < bytes {
            context.progress.check()?;
            let (old, new) = (piece(&mut old, bytes - at), piece(&mut new, bytes - at));
            self.target.read_back(old, self.offset + at).map_err(PutError::Disk)?;
            copy.read_back(new, at).map_err(self.failed("its copy cannot be read"))?;
            let mut offset = self.offset + at;
            for (old, new) in old.chunks(PIECE).zip(new.chunks(PIECE)) {
                if old != new {
                    patches.push(Patch { offset, bytes: new.to_vec() });
                }
                offset += new.len() as u64;
            }
            at += new.len() as u64;
            context.progress.done(bytes + at);
        }
        Ok(patches)
    }
}

/// As people find it in the image.
fn in_image(place: IgnitionPlace, file: &str) -> PathBuf {
    match place {
        IgnitionPlace::Boot => Path::new("/ignition").join(file),
        IgnitionPlace::Oem => Path::new("/").join(file),
    }
}

fn piece(buffer: &mut Aligned, left: u64) -> &mut [u8] {
    let length = usize::try_from(left).unwrap_or(MIB).min(MIB);
    buffer.get_mut(..length).unwrap_or_default()
}

/// A mounted file system; unmounted at the latest when this goes.
struct Mounted<'p> {
    at: &'p Path,
    ended: bool,
}

impl Mounted<'_> {
    /// Unmounts; then all of it is on the device.
    fn end(mut self) -> io::Result<()> {
        umount(self.at)?;
        self.ended = true;
        Ok(())
    }
}

impl Drop for Mounted<'_> {
    fn drop(&mut self) {
        if !self.ended {
            // After a failure, which is the one to tell.
            let _ = umount2(self.at, MntFlags::MNT_DETACH);
        }
    }
}

#[cfg(test)]
mod tests;
