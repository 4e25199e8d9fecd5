//! One order carried out on one disk: wipe, write, verify, configure, finish.
//!
//! The first MiB holds the partition table. It is zeroed before anything else and written last of
//! all, when the image's hash is right, the disk has read back well and the first boot's configuration
//! is in place: a disk that was left half-done at any moment does not boot.

use std::collections::BTreeMap;
use std::fmt;
use std::io;

use api::node::{FirstBoot, InstallOrder, Stage, Wipe};
use sha2::{Digest, Sha256};

use crate::fetch::{Context, Verified};
use crate::gpt;
use crate::ignition::{self, PutError};
use crate::seed;
use crate::stop::Stop;
use crate::target::{Aligned, MIB, Target};
use crate::verify;
use crate::write::{self, Head, Written};

/// What is on the disk when all went well.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Done {
    /// SHA-256 of the image's bytes as fetched.
    pub sha256: String,
    /// Bytes of the image on the disk.
    pub image_bytes: u64,
}

/// Carries out `order` on `target`, which is the disk that the order's rule chose.
pub fn install(order: &InstallOrder, target: &Target, context: Context<'_>) -> Result<Done, Stop> {
    wipe(order.wipe, target, context)?;
    let (written, verified) = write_image(order, target, context)?;
    read_back(target, &written, context)?;
    let Written { mut head, bytes, .. } = written;
    let patches = configure(order, &mut head, target, context)?;
    finish(&head, &patches, &verified, target, context)?;
    Ok(Done { sha256: verified.sha256().to_owned(), image_bytes: bytes })
}

/// Bytes for one place on the disk behind its first MiB.
pub(crate) struct Patch {
    pub(crate) offset: u64,
    pub(crate) bytes: Vec<u8>,
}

impl fmt::Debug for Patch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Patch({} bytes at {})", self.bytes.len(), self.offset)
    }
}

fn wipe(how: Wipe, target: &Target, context: Context<'_>) -> Result<(), Stop> {
    let Context { log, progress, .. } = context;
    progress.enter(Stage::Wipe, target.size(), "");
    let mut look_up = |done| {
        progress.done(done);
        progress.check().map_err(Trouble::Stop)
    };
    let wiped = (|| {
        if how == Wipe::Discard && !target.discard(&mut look_up)? {
            log.line("the disk cannot discard; wiping signatures only");
        }
        let size = target.size();
        let mib = (MIB as u64).min(size);
        // Whatever the order says: nothing may boot from here before the image is verified.
        target.zero(0, mib, &mut look_up)?;
        if how != Wipe::None {
            target.zero(size - mib, mib, &mut look_up)?;
        }
        Ok(target.sync()?)
    })();
    wiped.map_err(|trouble| match trouble {
        Trouble::Stop(stop) => stop,
        Trouble::Disk(error) => {
            Stop::lasting(Stage::Wipe, format!("the disk cannot be wiped: {error}; replace it"))
        }
    })
}

enum Trouble {
    Stop(Stop),
    Disk(io::Error),
}

impl From<io::Error> for Trouble {
    fn from(error: io::Error) -> Self {
        Self::Disk(error)
    }
}

fn write_image(
    order: &InstallOrder,
    target: &Target,
    context: Context<'_>,
) -> Result<(Written, Verified), Stop> {
    context.progress.enter(Stage::Write, 0, "");
    context.log.line(format!("writing {}", order.image.url));
    let (written, verified) = write::stream(&order.image, target, context)?;
    context.log.line(format!(
        "wrote {} bytes; SHA-256 of the image is right; first MiB kept back",
        written.bytes
    ));
    Ok((written, verified))
}

fn read_back(target: &Target, written: &Written, context: Context<'_>) -> Result<(), Stop> {
    let Context { log, progress, .. } = context;
    progress.enter(Stage::Verify, written.bytes, "");
    verify::read_back(target, written, progress).map_err(|error| match error {
        verify::VerifyError::Stopped(stop) => stop,
        error => Stop::lasting(Stage::Verify, error.to_string()),
    })?;
    log.line("read back: the disk has what was written");
    Ok(())
}

/// Says what else has to be on the disk before the first MiB may be; may change the table in that one.
/// Nothing is written yet.
fn configure(
    order: &InstallOrder,
    head: &mut Head,
    target: &Target,
    context: Context<'_>,
) -> Result<Vec<Patch>, Stop> {
    context.progress.enter(Stage::Configure, 0, "");
    match &order.first_boot {
        FirstBoot::None => Ok(Vec::new()),
        FirstBoot::CloudInit { files } => add_seed(order, files, head, target, context),
        FirstBoot::Ignition { config, place } => {
            ignition::put(config, *place, head.bytes_mut(), target, context)
                .map_err(PutError::into_stop)
        }
    }
}

/// A partition of its own: changes the table.
fn add_seed(
    order: &InstallOrder,
    files: &BTreeMap<String, String>,
    head: &mut Head,
    target: &Target,
    context: Context<'_>,
) -> Result<Vec<Patch>, Stop> {
    let lasting = |reason: String| Stop::lasting(Stage::Configure, reason);
    let volume = seed::make(files, target.sector()).map_err(|error| lasting(error.to_string()))?;
    let added = gpt::extend(
        head.bytes_mut(),
        target.size(),
        target.sector(),
        seed::BYTES,
        seed::LABEL,
        partition_guid(order, files),
    )
    .map_err(|error| lasting(error.to_string()))?;
    context.log.line(format!(
        "seed of {} files is partition {} at byte {}",
        files.len(),
        added.number,
        added.offset
    ));
    Ok(vec![
        Patch { offset: added.offset, bytes: volume },
        Patch { offset: added.backup_offset, bytes: added.backup },
    ])
}

/// As unique as the order; a hash, because an agent that draws no random numbers cannot draw the
/// same one on two machines that boot in the same way. Marked as version 8 (RFC 9562, 5.8).
fn partition_guid(order: &InstallOrder, files: &BTreeMap<String, String>) -> [u8; 16] {
    let mut hash = Sha256::new();
    for part in [&order.node, &order.boot, &order.generation.to_string()] {
        hash.update(part.as_bytes());
        hash.update([0]);
    }
    for (name, text) in files {
        hash.update(name.as_bytes());
        hash.update(text.as_bytes());
    }
    let mut guid = [0; 16];
    for (to, from) in guid.iter_mut().zip(hash.finalize()) {
        *to = from;
    }
    // On disk the third field is little-endian: its version stands in byte 7.
    let [.., version, variant, _, _, _, _, _, _, _] = &mut guid;
    *version = *version & 0x0f | 0x80;
    *variant = *variant & 0x3f | 0x80;
    guid
}

fn finish(
    head: &Head,
    patches: &[Patch],
    proof: &Verified,
    target: &Target,
    context: Context<'_>,
) -> Result<(), Stop> {
    let Context { log, progress, .. } = context;
    progress.enter(Stage::Finish, 0, "");
    let broken = |error: io::Error| {
        Stop::lasting(Stage::Finish, format!("the disk cannot be written: {error}; replace it"))
    };
    for patch in patches {
        target.write(&patch.bytes, patch.offset).map_err(broken)?;
    }
    target.sync().map_err(broken)?;
    for patch in patches {
        let mut read = Aligned::new(patch.bytes.len());
        target.read_back(&mut read, patch.offset).map_err(broken)?;
        if *read != *patch.bytes {
            return Err(differs(patch.offset));
        }
    }
    // The last chance to hear that another boot has taken over.
    progress.check()?;
    head.release(target, proof).and_then(|()| target.sync()).map_err(broken)?;
    if !head.is_on(target).map_err(broken)? {
        // A table that is only half there must not be booted.
        target.zero(0, MIB as u64, &mut |_| Ok(())).map_err(broken)?;
        return Err(differs(0));
    }
    log.line("first MiB written and read back: the disk is complete");
    Ok(())
}

fn differs(offset: u64) -> Stop {
    let reason =
        format!("the disk reads back other bytes than were written at byte {offset}: replace it");
    Stop::lasting(Stage::Finish, reason)
}

#[cfg(test)]
mod tests;
