//! A git tree kept in memory, so that one changed file is one splice and not a list made anew.

use super::pack::{Id, Splice};

/// Length of an object's name in a tree, in bytes.
const ID_BYTES: usize = 20;

/// Mode of an entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mode {
    /// A file.
    File,
    /// A folder.
    Folder,
}

impl Mode {
    const fn octal(self) -> &'static str {
        match self {
            Self::File => "100644",
            Self::Folder => "40000",
        }
    }
}

/// A tree object: `MODE NAME\0ID` for each entry, sorted.
#[derive(Debug, Clone, Default)]
pub(super) struct Tree {
    raw: Vec<u8>,
    entries: Vec<Entry>,
}

#[derive(Debug, Clone)]
struct Entry {
    /// The name as git sorts it: folders as if they ended in a slash.
    key: Box<[u8]>,
    /// First byte of the entry.
    start: usize,
    /// First byte of its id.
    id: usize,
}

/// Bytes that are no tree.
#[derive(Debug, thiserror::Error)]
#[error("a tree object of the history is damaged at byte {0}")]
pub(super) struct Damaged(usize);

impl Tree {
    /// Reads a tree object.
    pub(super) fn parse(raw: Vec<u8>) -> Result<Self, Damaged> {
        let mut entries = Vec::new();
        let mut start = 0;
        while start < raw.len() {
            let entry = entry(&raw, start).ok_or(Damaged(start))?;
            start = entry.id + ID_BYTES;
            entries.push(entry);
        }
        Ok(Self { raw, entries })
    }

    /// The object's content.
    pub(super) fn raw(&self) -> &[u8] {
        &self.raw
    }

    /// The id under a name.
    pub(super) fn get(&self, mode: Mode, name: &str) -> Option<Id> {
        let at = self.find(&sort_key(mode, name)).ok()?;
        let id = self.entries.get(at)?.id;
        self.raw.get(id..id + ID_BYTES)?.try_into().ok()
    }

    /// Sets the id under a name, and says how the content changed; `None` when it did not.
    pub(super) fn set(&mut self, mode: Mode, name: &str, id: Id) -> Option<Splice> {
        if self.get(mode, name) == Some(id) {
            return None;
        }
        let key = sort_key(mode, name);
        let splice = match self.find(&key) {
            Ok(at) => Splice {
                at: self.entries.get(at).map_or(0, |entry| entry.id),
                removed: ID_BYTES,
                inserted: id.to_vec(),
            },
            Err(at) => self.insert(at, key, mode, name, id),
        };
        let range = splice.at..splice.at + splice.removed;
        self.raw.splice(range, splice.inserted.iter().copied());
        Some(splice)
    }

    fn find(&self, key: &[u8]) -> Result<usize, usize> {
        self.entries.binary_search_by(|entry| (*entry.key).cmp(key))
    }

    fn insert(&mut self, at: usize, key: Box<[u8]>, mode: Mode, name: &str, id: Id) -> Splice {
        let start = self.entries.get(at).map_or(self.raw.len(), |entry| entry.start);
        let mut inserted = format!("{} {name}\0", mode.octal()).into_bytes();
        let entry = Entry { key, start, id: start + inserted.len() };
        inserted.extend(id);
        for later in self.entries.iter_mut().skip(at) {
            later.start += inserted.len();
            later.id += inserted.len();
        }
        self.entries.insert(at, entry);
        Splice { at: start, removed: 0, inserted }
    }
}

fn sort_key(mode: Mode, name: &str) -> Box<[u8]> {
    let slash = if mode == Mode::Folder { "/" } else { "" };
    format!("{name}{slash}").into_bytes().into()
}

fn entry(raw: &[u8], start: usize) -> Option<Entry> {
    let rest = raw.get(start..)?;
    let space = rest.iter().position(|byte| *byte == b' ')?;
    let end = rest.iter().position(|byte| *byte == 0)?;
    let mut key = rest.get(space + 1..end)?.to_vec();
    if rest.starts_with(b"40000 ") {
        key.push(b'/');
    }
    let id = start + end + 1;
    raw.get(id..id + ID_BYTES)?;
    Some(Entry { key: key.into(), start, id })
}

#[cfg(test)]
mod tests;
