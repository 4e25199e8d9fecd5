//! What serves, kept as one file: a restart is no way around the gate, and no end to serving.
//!
//! A first line, a line of JSON, entries, a zero byte, and the SHA-256 of all that. An entry is a byte for its
//! kind, the lengths of path (4 bytes) and content (8 bytes), least significant byte first, and both.

use std::fs::File;
use std::io::{self, BufWriter, Read as _, Write};
use std::path::{Path, PathBuf};

use ignition_butane::Local;
use sha2::{Digest, Sha256};

use crate::domain::catalog::{Catalog, CatalogId, Files};
use crate::server::catalog_dir::{self, Gather, LOCAL};

use super::repository::About;

/// The first line: another form of this file has another one.
const FIRST: &[u8] = b"provisioner catalog 1\n";
/// Largest file that is read, in bytes: all that a catalog may hold, and the names.
const MAX: u64 = 1 << 30;
/// Length of a SHA-256, in bytes.
const HASH: usize = 32;

const TEXT: u8 = 1;
const FILE: u8 = 2;
const PROGRAM: u8 = 3;
const LINK: u8 = 4;

/// `DATA_DIR/catalog-serving`.
#[derive(Debug)]
pub(super) struct Keep {
    path: PathBuf,
}

/// What is known of the catalog beside its files.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub(super) struct Label {
    pub(super) id: String,
    /// The source that it came from.
    pub(super) source: String,
    pub(super) commit: String,
    pub(super) signed_by: String,
}

/// A catalog that served before.
#[derive(Debug)]
pub(super) struct Kept {
    pub(super) label: Label,
    pub(super) catalog: Catalog,
}

impl Kept {
    pub(super) fn about(&self) -> About {
        let Label { commit, signed_by, .. } = self.label.clone();
        About { commit, signed_by, rewound: None }
    }
}

impl Keep {
    pub(super) fn new(data_dir: &Path) -> Self {
        Self { path: data_dir.join("catalog-serving") }
    }

    pub(super) fn shown(&self) -> String {
        self.path.display().to_string()
    }

    /// What served last; `None`: nothing did yet.
    pub(super) fn read(&self) -> Result<Option<Kept>, String> {
        let wrong = |why: String| format!("{} cannot be read: {why}", self.path.display());
        let mut bytes = Vec::new();
        let read = File::open(&self.path)
            .and_then(|file| file.take(MAX.saturating_add(1)).read_to_end(&mut bytes));
        match read {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(wrong(error.to_string())),
            Ok(length) if u64::try_from(length).unwrap_or(u64::MAX) > MAX => {
                return Err(wrong(format!("it has more than {MAX} bytes")));
            }
            Ok(_) => {}
        }
        let (label, files) = decode(&bytes).map_err(wrong)?;
        drop(bytes);
        let catalog = catalog_dir::checked(CatalogId::new(label.id.clone()), &files);
        let catalog = catalog.map_err(|faults| {
            let first = faults.first().map(ToString::to_string).unwrap_or_default();
            wrong(format!(
                "this version of the program finds {} fault(s) in it: {first}",
                faults.len()
            ))
        })?;
        Ok(Some(Kept { label, catalog }))
    }

    /// Writes it so that it is whole or not there at all, also after a power cut.
    pub(super) fn write(&self, label: &Label, files: &Files) -> Result<(), String> {
        self.try_write(label, files).map_err(|error| {
            format!(
                "{} cannot be written, so a restart would begin with an older catalog: {error}",
                self.path.display()
            )
        })
    }

    fn try_write(&self, label: &Label, files: &Files) -> io::Result<()> {
        use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
        let folder = self.path.parent().unwrap_or(Path::new("/"));
        // The data directory is its owner's alone, also when the catalog is what comes first.
        std::fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
        let scratch = self.path.with_extension("new");
        let mut options = std::fs::OpenOptions::new();
        let file = options.write(true).create(true).truncate(true).mode(0o600).open(&scratch)?;
        let mut out = Hashed { inner: BufWriter::new(file), hash: Sha256::new() };
        encode(&mut out, label, files)?;
        let Hashed { mut inner, hash } = out;
        inner.write_all(&hash.finalize())?;
        let file = inner.into_inner().map_err(io::IntoInnerError::into_error)?;
        file.sync_all()?;
        std::fs::rename(&scratch, &self.path)?;
        File::open(folder)?.sync_all()
    }
}

struct Hashed<W> {
    inner: W,
    hash: Sha256,
}

impl<W: Write> Write for Hashed<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.inner.write_all(bytes)?;
        self.hash.update(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}

fn encode(out: &mut impl Write, label: &Label, files: &Files) -> io::Result<()> {
    out.write_all(FIRST)?;
    out.write_all(&serde_json::to_vec(label)?)?;
    out.write_all(b"\n")?;
    let mut entry = |kind: u8, path: &str, content: &[u8]| {
        let length = u32::try_from(path.len()).map_err(io::Error::other)?;
        out.write_all(&[kind])?;
        out.write_all(&length.to_le_bytes())?;
        out.write_all(&(content.len() as u64).to_le_bytes())?;
        out.write_all(path.as_bytes())?;
        out.write_all(content)
    };
    for file in &files.sources {
        entry(TEXT, &file.path, file.text.as_bytes())?;
    }
    for (path, local) in &files.local {
        match local {
            Local::File { bytes, executable: false } => entry(FILE, path, bytes)?,
            Local::File { bytes, executable: true } => entry(PROGRAM, path, bytes)?,
            Local::Link(target) => entry(LINK, path, target.as_bytes())?,
        }
    }
    out.write_all(&[0])
}

/// The same limits as for a catalog that is read from elsewhere.
pub(super) fn decode(bytes: &[u8]) -> Result<(Label, Files), String> {
    let rest = bytes.strip_prefix(FIRST).ok_or("its first line is not this program's")?;
    let body = bytes.len().checked_sub(HASH).ok_or_else(cut)?;
    let (body, hash) = bytes.split_at_checked(body).ok_or_else(cut)?;
    if Sha256::digest(body).as_slice() != hash {
        return Err("its content does not fit its checksum".to_owned());
    }
    let rest = rest.get(..rest.len().saturating_sub(HASH)).ok_or_else(cut)?;
    let end = rest.iter().position(|byte| *byte == b'\n').ok_or_else(cut)?;
    let (json, rest) = rest.split_at_checked(end).ok_or_else(cut)?;
    let label = serde_json::from_slice(json).map_err(|error| error.to_string())?;
    let mut reader = Reader { rest: rest.get(1..).unwrap_or_default() };
    let mut gather = Gather::default();
    while let Some(entry) = reader.next()? {
        entry.put(&mut gather)?;
    }
    let files = gather
        .finish()
        .map_err(|faults| faults.first().map(ToString::to_string).unwrap_or_default())?;
    Ok((label, files))
}

struct Reader<'b> {
    rest: &'b [u8],
}

struct Entry<'b> {
    kind: u8,
    path: &'b str,
    content: &'b [u8],
}

impl<'b> Reader<'b> {
    fn take(&mut self, length: usize) -> Option<&'b [u8]> {
        let (taken, rest) = self.rest.split_at_checked(length)?;
        self.rest = rest;
        Some(taken)
    }

    /// The next entry; `None`: there is none any more.
    fn next(&mut self) -> Result<Option<Entry<'b>>, String> {
        match self.take(1) {
            Some([0]) => Ok(None),
            Some([kind]) => self.entry(*kind).map(Some).ok_or_else(cut),
            _ => Err(cut()),
        }
    }

    fn entry(&mut self, kind: u8) -> Option<Entry<'b>> {
        let path = u32::from_le_bytes(self.take(4)?.try_into().ok()?);
        let content = u64::from_le_bytes(self.take(8)?.try_into().ok()?);
        let path = std::str::from_utf8(self.take(usize::try_from(path).ok()?)?).ok()?;
        let content = self.take(usize::try_from(content).ok()?)?;
        Some(Entry { kind, path, content })
    }
}

fn cut() -> String {
    "it ends too early".to_owned()
}

impl Entry<'_> {
    fn put(self, gather: &mut Gather) -> Result<(), String> {
        let Self { kind, path, content } = self;
        let size = content.len() as u64;
        let local = format!("{LOCAL}/{path}");
        match kind {
            TEXT if gather.has_room_for_text(path, size) => {
                gather.text(path.to_owned(), content.to_vec());
            }
            FILE | PROGRAM if gather.has_room_for_local(&local, size) => {
                gather.file(&local, content.to_vec(), kind == PROGRAM);
            }
            LINK if gather.has_room_for_local(&local, size) => gather.link(&local, content),
            // What has no room is noted as a fault.
            TEXT | FILE | PROGRAM | LINK => {}
            other => return Err(format!("it has an entry of the unknown kind {other}")),
        }
        Ok(())
    }
}
