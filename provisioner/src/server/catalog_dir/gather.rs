//! What a catalog's files have to be, wherever they come from: limits, text, names.

use std::path::Path;
use std::sync::Arc;

use ignition_butane::{Local, LocalFiles};

use crate::domain::catalog::{Fault, Files, SourceFile};

/// Folders of text; a matchbox data directory has the last three.
pub(in crate::server) const FOLDERS: [&str; 6] =
    ["groups", "profiles", "templates", "ignition", "cloud", "generic"];
/// The folder of what Butane's `local:` embeds.
pub(in crate::server) const LOCAL: &str = "files";

/// Largest text that is read, in bytes. Configurations are kilobytes; this is somebody's image.
const MAX_TEXT: u64 = 4 << 20;
/// All texts together, in bytes.
const MAX_TEXT_SUM: u64 = 256 << 20;
/// Largest file below `files/`, in bytes.
const MAX_LOCAL: u64 = 64 << 20;
/// All files below `files/` together, in bytes.
const MAX_LOCAL_SUM: u64 = 512 << 20;
/// Most files of one catalog.
const MAX_FILES: usize = 200_000;
/// Deepest folder below the catalog; symbolic links may point in a circle.
pub(in crate::server) const MAX_DEPTH: usize = 16;

/// Files on their way into a catalog, and what is wrong with them.
#[derive(Debug, Default)]
pub(in crate::server) struct Gather {
    sources: Vec<SourceFile>,
    local: LocalFiles,
    text_bytes: u64,
    local_bytes: u64,
    too_many: bool,
    visited: usize,
    faults: Vec<Fault>,
}

impl Gather {
    /// Notes what is wrong with a file or a folder.
    pub(in crate::server) fn fault(&mut self, path: impl Into<String>, why: impl Into<String>) {
        self.faults.push(Fault::of_file(path, why));
    }

    /// Whether a text of this size may be read; if not, that is noted.
    pub(in crate::server) fn has_room_for_text(&mut self, path: &str, size: u64) -> bool {
        if size > MAX_TEXT {
            self.fault(
                path,
                format!("has {size} bytes; a file of the catalog has at most {MAX_TEXT}"),
            );
            return false;
        }
        let before = self.text_bytes;
        self.text_bytes = before.saturating_add(size);
        if self.text_bytes > MAX_TEXT_SUM {
            if before <= MAX_TEXT_SUM {
                let most = MAX_TEXT_SUM >> 20;
                self.fault(path, format!("with it, the catalog has more than {most} MiB of text"));
            }
            return false;
        }
        self.has_room(path)
    }

    /// Whether a file of this size may be read into `files/`; if not, that is noted.
    pub(in crate::server) fn has_room_for_local(&mut self, path: &str, size: u64) -> bool {
        if size > MAX_LOCAL {
            let most = MAX_LOCAL >> 20;
            self.fault(
                path,
                format!(
                    "has {size} bytes; a file in {LOCAL}/ has at most {most} MiB: put it into the asset store, and \
                     fetch it from there"
                ),
            );
            return false;
        }
        let before = self.local_bytes;
        self.local_bytes = before.saturating_add(size);
        if self.local_bytes > MAX_LOCAL_SUM {
            // Said once: all the files behind it would only repeat it.
            if before <= MAX_LOCAL_SUM {
                let most = MAX_LOCAL_SUM >> 20;
                self.fault(path, format!("with it, {LOCAL}/ has more than {most} MiB in all"));
            }
            return false;
        }
        self.has_room(path)
    }

    /// Whether a folder of so many entries may be walked; if not, that is noted. A tree of a few kilobytes
    /// can unfold to billions of names, none of which needs to be a file.
    pub(in crate::server) fn may_walk(&mut self, path: &str, entries: usize) -> bool {
        self.visited = self.visited.saturating_add(entries);
        self.within(path, self.visited <= 2 * MAX_FILES)
    }

    fn has_room(&mut self, path: &str) -> bool {
        self.within(path, self.sources.len() + self.local.len() < MAX_FILES)
    }

    fn within(&mut self, path: &str, room: bool) -> bool {
        if !room && !self.too_many {
            self.too_many = true;
            self.fault(path, format!("the catalog has more than {MAX_FILES} files"));
        }
        room
    }

    /// Takes a text.
    pub(in crate::server) fn text(&mut self, path: String, bytes: Vec<u8>) {
        match String::from_utf8(bytes) {
            Ok(text) if is_lfs_pointer(text.as_bytes()) => self.fault(path, LFS),
            Ok(text) => self.sources.push(SourceFile { path, text }),
            Err(error) => {
                let at = error.utf8_error().valid_up_to();
                let why = format!(
                    "is not UTF-8 text (byte {at}); files that are no text belong into the asset store"
                );
                self.fault(path, why);
            }
        }
    }

    /// Takes a file below `files/`.
    pub(in crate::server) fn file(&mut self, path: &str, bytes: Vec<u8>, executable: bool) {
        if is_lfs_pointer(&bytes) {
            return self.fault(path, LFS);
        }
        self.local_entry(path, Local::File { bytes: Arc::from(bytes), executable });
    }

    /// Takes a symbolic link below `files/`: it is an entry, and not followed.
    pub(in crate::server) fn link(&mut self, path: &str, target: &[u8]) {
        match std::str::from_utf8(target) {
            Ok(target) => self.local_entry(path, Local::Link(target.to_owned())),
            Err(_) => self.fault(path, "is a symbolic link whose target is not UTF-8"),
        }
    }

    fn local_entry(&mut self, path: &str, entry: Local) {
        let below = path.strip_prefix(LOCAL).and_then(|path| path.strip_prefix('/'));
        self.local.insert(below.unwrap_or(path).to_owned(), entry);
    }

    /// All of it, or every fault.
    pub(in crate::server) fn finish(mut self) -> Result<Files, Vec<Fault>> {
        if !self.faults.is_empty() {
            self.faults.sort();
            return Err(self.faults);
        }
        self.sources.sort_by(|a, b| a.path.cmp(&b.path));
        Ok(Files { sources: self.sources, local: self.local })
    }
}

/// How a fault begins when a file could not be read: it may be readable the next time.
pub(in crate::server) const UNREADABLE: &str = "cannot be read";
/// A link that leads nowhere.
pub(in crate::server) const TO_NOTHING: &str = "is a symbolic link to nothing";

/// Whether a fault is one of reading, not of what was read.
pub(in crate::server) fn is_unreadable(fault: &Fault) -> bool {
    fault.message.starts_with(UNREADABLE)
}

const LFS: &str = "is a pointer of Git LFS and not the file itself; commit the file, or put it into the asset store";

/// The first line of <https://github.com/git-lfs/git-lfs/blob/main/docs/spec.md>, "The Pointer".
fn is_lfs_pointer(bytes: &[u8]) -> bool {
    bytes.len() < 1024 && bytes.starts_with(b"version https://git-lfs.github.com/spec/")
}

/// Hidden files, and what editors leave behind while somebody types.
pub(in crate::server) fn is_scratch(name: &str) -> bool {
    let suffixes = ["~", ".swp", ".swo", ".swx", ".tmp", ".bak", ".orig", ".rej"];
    name.starts_with(['.', '#']) || suffixes.iter().any(|suffix| name.ends_with(suffix))
}

/// There is no catalog at all.
pub(in crate::server) fn no_catalog(place: &str) -> Fault {
    let message =
        format!("{place} holds no catalog: none of the folders {} is there", FOLDERS.join(", "));
    Fault::of_file(place, message)
}

/// A path as catalogs write it; `None` when it is not UTF-8.
pub(super) fn relative(root: &Path, path: &Path) -> Option<String> {
    path.strip_prefix(root).unwrap_or(path).to_str().map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn more_than_256_mib_of_text_are_one_fault() {
        let mut gather = Gather::default();
        let taken = (0..70).filter(|n| gather.has_room_for_text(&format!("groups/{n}"), MAX_TEXT));
        assert_eq!(taken.count(), 64);
        let told: Vec<String> = gather.finish().unwrap_err().iter().map(Fault::to_string).collect();
        assert_eq!(told, ["groups/64:1:1: with it, the catalog has more than 256 MiB of text"]);
    }

    #[test]
    fn more_than_512_mib_of_files_are_one_fault() {
        let mut gather = Gather::default();
        let taken = (0..20).filter(|n| gather.has_room_for_local(&format!("files/{n}"), MAX_LOCAL));
        assert_eq!(taken.count(), 8);
        let told: Vec<String> = gather.finish().unwrap_err().iter().map(Fault::to_string).collect();
        assert_eq!(told, ["files/8:1:1: with it, files/ has more than 512 MiB in all"]);
    }
}
