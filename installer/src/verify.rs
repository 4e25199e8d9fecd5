//! Reads the disk back and compares it with what was written.

use std::io;

use crate::progress::Progress;
use crate::stop::Stop;
use crate::target::{Aligned, MIB, Target};
use crate::write::{Written, digest};

/// What the disk gives back is not what it was given.
#[derive(Debug, thiserror::Error)]
pub enum VerifyError {
    /// Other bytes.
    #[error("the disk reads back other bytes than were written in the MiB at byte {0}: replace it")]
    Differs(u64),
    /// No bytes.
    #[error("the disk cannot be read at byte {offset}: {error}; replace it")]
    Unreadable {
        /// Where.
        offset: u64,
        /// Why.
        error: io::Error,
    },
    /// This boot is over.
    #[error(transparent)]
    Stopped(#[from] Stop),
}

/// Compares everything but the first MiB, which is not there yet.
pub fn read_back(
    target: &Target,
    written: &Written,
    progress: &Progress,
) -> Result<(), VerifyError> {
    let mut buffer = Aligned::new(MIB);
    let mut offset = MIB as u64;
    let end = written.bytes.next_multiple_of(target.sector());
    for expected in &written.chunks {
        progress.check()?;
        let length = usize::try_from(end - offset).unwrap_or(MIB).min(MIB);
        let part = buffer.get_mut(..length).unwrap_or_default();
        target
            .read_back(part, offset)
            .map_err(|error| VerifyError::Unreadable { offset, error })?;
        if digest(part) != *expected {
            return Err(VerifyError::Differs(offset));
        }
        offset += length as u64;
        progress.done(offset);
    }
    Ok(())
}
