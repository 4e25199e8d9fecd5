//! Looks at kernel and agent before they are packed: a mistake found here costs a second, on the
//! machine it costs a trip to its screen.

use std::path::Path;

use super::Error;

/// An x86 kernel says its release (Documentation/arch/x86/boot.rst, `kernel_version`): it has to be
/// the modules'. Other formats are taken on trust.
pub(super) fn kernel(path: &Path, bytes: &[u8], release: &str) -> Result<(), Error> {
    match bzimage_release(bytes) {
        Some(found) if found != release => {
            Err(Error::Mismatch { kernel: path.to_owned(), found, wanted: release.to_owned() })
        }
        _ => Ok(()),
    }
}

fn bzimage_release(bytes: &[u8]) -> Option<String> {
    if bytes.get(0x202..0x206)? != b"HdrS" {
        return None;
    }
    let offset = u16::from_le_bytes(*bytes.get(0x20e..)?.first_chunk()?);
    let text = bytes.get(usize::from(offset) + 0x200..)?;
    let text = text.split(|byte| *byte == 0 || *byte == b' ').next()?;
    String::from_utf8(text.to_vec()).ok()
}

/// The agent runs where no library is: a 64-bit ELF file without an interpreter (`PT_INTERP`).
pub(super) fn agent(path: &Path, bytes: &[u8]) -> Result<(), Error> {
    let bad = |why| Err(Error::BadAgent { path: path.to_owned(), why });
    match has_interpreter(bytes) {
        None => bad("it is no 64-bit ELF program"),
        Some(true) => bad("it is linked dynamically"),
        Some(false) => Ok(()),
    }
}

/// None when this is no ELF64 file (little-endian; System V ABI, chapters 4 and 5).
fn has_interpreter(bytes: &[u8]) -> Option<bool> {
    const PT_INTERP: u32 = 3;
    if !bytes.starts_with(b"\x7fELF\x02\x01") {
        return None;
    }
    let table = usize::try_from(u64::from_le_bytes(*bytes.get(32..)?.first_chunk()?)).ok()?;
    let size = usize::from(u16::from_le_bytes(*bytes.get(54..)?.first_chunk()?));
    let count = usize::from(u16::from_le_bytes(*bytes.get(56..)?.first_chunk()?));
    for number in 0..count {
        let header = bytes.get(table.checked_add(number * size)?..)?;
        if u32::from_le_bytes(*header.first_chunk()?) == PT_INTERP {
            return Some(true);
        }
    }
    Some(false)
}
