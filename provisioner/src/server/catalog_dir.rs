//! The catalog from a directory, and the one that is shipped inside of the program.

mod gather;

use std::collections::hash_map::DefaultHasher;
use std::fs::{self, Metadata};
use std::hash::{Hash, Hasher};
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use ignition_butane::Local;
use sha2::{Digest, Sha256};

use crate::domain::catalog::{Catalog, CatalogId, Fault, Files, SourceFile};
use gather::relative;
pub(super) use gather::{
    FOLDERS, Gather, LOCAL, MAX_DEPTH, TO_NOTHING, UNREADABLE, is_scratch, is_unreadable,
    no_catalog,
};

macro_rules! shipped {
    ($($path:literal),* $(,)?) => {
        &[$(($path, include_str!(concat!("../../../", $path)))),*]
    };
}

/// What an empty configuration serves.
const SHIPPED: &[(&str, &str)] = shipped![
    "groups/default.yaml",
    "profiles/debian-12.yaml",
    "profiles/fedora-coreos-live.yaml",
    "profiles/fedora-coreos.yaml",
    "profiles/flatcar-live.yaml",
    "profiles/flatcar.yaml",
    "profiles/hold.yaml",
    "profiles/kickstart.yaml",
    "profiles/local.yaml",
    "profiles/memtest.yaml",
    "profiles/preseed.yaml",
    "profiles/rescue.yaml",
    "templates/cloud/debian.yaml",
    "templates/generic/kickstart.ks",
    "templates/generic/preseed.cfg",
    "templates/grub/memtest.cfg",
    "templates/ignition/fedora-coreos.bu",
    "templates/ignition/flatcar.bu",
    "templates/ipxe/memtest.ipxe",
    "templates/phone-home.sh",
];

/// Reads, builds and checks the catalog in a directory. All faults at once.
pub fn load(directory: &Path) -> Result<Catalog, Vec<Fault>> {
    let files = read(directory)?;
    checked(id(&files), &files)
}

/// The catalog that is shipped inside of the program.
pub fn shipped() -> Result<Catalog, Vec<Fault>> {
    let files = shipped_files();
    checked(id(&files), &files)
}

/// Its files.
pub(super) fn shipped_files() -> Files {
    let file = |(path, text): &(&str, &str)| SourceFile {
        path: (*path).to_owned(),
        text: (*text).to_owned(),
    };
    SHIPPED.iter().map(file).collect::<Vec<_>>().into()
}

/// A number that changes when a file is added, removed, renamed or written: names, sizes and times of change
/// only, so cheap enough to be asked for every second. What cannot be read counts as absent.
pub fn fingerprint(directory: &Path) -> u64 {
    let mut hasher = DefaultHasher::new();
    let mut gather = Gather::default();
    let mut paths = list(directory, &FOLDERS, Links::Followed, &mut gather);
    for path in &paths {
        path.hash(&mut hasher);
        hash_metadata(fs::metadata(path), &mut hasher);
    }
    paths = list(directory, &[LOCAL], Links::Kept, &mut gather);
    for path in &paths {
        path.hash(&mut hasher);
        hash_metadata(fs::symlink_metadata(path), &mut hasher);
    }
    gather.finish().err().map_or(0, |faults| faults.len()).hash(&mut hasher);
    hasher.finish()
}

fn hash_metadata(about: io::Result<Metadata>, hasher: &mut impl Hasher) {
    if let Ok(about) = about {
        about.len().hash(hasher);
        about.mode().hash(hasher);
        about.ino().hash(hasher);
        about.modified().ok().hash(hasher);
        // Tools that copy set the time of change back, and cannot set this one.
        (about.ctime(), about.ctime_nsec()).hash(hasher);
    }
}

/// The catalog's files in the order of their paths.
pub fn read(directory: &Path) -> Result<Files, Vec<Fault>> {
    let mut gather = Gather::default();
    for path in list(directory, &FOLDERS, Links::Followed, &mut gather) {
        if let Some(name) = named(directory, &path, &mut gather)
            && let Err(why) = read_text(&path, &name, &mut gather)
        {
            gather.fault(name, why);
        }
    }
    for path in list(directory, &[LOCAL], Links::Kept, &mut gather) {
        if let Some(name) = named(directory, &path, &mut gather)
            && let Err(why) = read_local(&path, &name, &mut gather)
        {
            gather.fault(name, why);
        }
    }
    let files = gather.finish()?;
    if !FOLDERS.iter().any(|folder| directory.join(folder).is_dir()) {
        return Err(vec![no_catalog(&directory.display().to_string())]);
    }
    Ok(files)
}

/// Builds and checks. All faults at once.
pub(super) fn checked(id: CatalogId, files: &Files) -> Result<Catalog, Vec<Fault>> {
    Catalog::load(id, files)
}

/// `dir-` and 12 hex digits of the SHA-256 over paths and contents, each with its length in front.
pub(super) fn id(files: &Files) -> CatalogId {
    let mut hash = Sha256::new();
    let mut part = |bytes: &[u8]| {
        hash.update((bytes.len() as u64).to_le_bytes());
        hash.update(bytes);
    };
    for file in &files.sources {
        part(file.path.as_bytes());
        part(file.text.as_bytes());
    }
    for (path, entry) in &files.local {
        // No source has a path that begins with a slash.
        part(b"/");
        part(path.as_bytes());
        match entry {
            Local::File { bytes, executable: false } => [b"file", &**bytes].map(&mut part),
            Local::File { bytes, executable: true } => [b"program", &**bytes].map(&mut part),
            Local::Link(target) => [b"link", target.as_bytes()].map(&mut part),
        };
    }
    let digits = hex::encode(hash.finalize());
    CatalogId::new(format!("dir-{}", digits.get(..12).unwrap_or(&digits)))
}

/// What a symbolic link is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Links {
    /// What it points to.
    Followed,
    /// An entry of its own.
    Kept,
}

fn list(root: &Path, folders: &[&str], links: Links, gather: &mut Gather) -> Vec<PathBuf> {
    let mut paths = Vec::new();
    for name in folders {
        let folder = root.join(name);
        match is_folder(&folder) {
            Ok(true) => list_folder(root, &folder, links, &mut paths, gather),
            Ok(false) => {}
            Err(why) => gather.fault(*name, why),
        }
    }
    paths.sort();
    paths
}

/// `false`: nothing is there. What is there and is no folder that can be entered is no empty one.
fn is_folder(path: &Path) -> Result<bool, String> {
    let absent = |error: &io::Error| {
        matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory)
    };
    match fs::metadata(path) {
        Ok(about) if about.is_dir() => Ok(true),
        Ok(_) => Err("is no folder".to_owned()),
        Err(error) if !absent(&error) => Err(unreadable(error)),
        Err(_) if fs::symlink_metadata(path).is_ok() => Err(TO_NOTHING.to_owned()),
        Err(_) => Ok(false),
    }
}

/// What lies in a folder, and in the folders therein.
fn list_folder(
    root: &Path,
    folder: &Path,
    links: Links,
    paths: &mut Vec<PathBuf>,
    gather: &mut Gather,
) {
    let lossy = || folder.strip_prefix(root).unwrap_or(folder).to_string_lossy().into_owned();
    let depth = folder.strip_prefix(root).map_or(0, |path| path.components().count());
    if depth > MAX_DEPTH + 1 {
        let why = format!(
            "folders are nested more than {MAX_DEPTH} deep; does a symbolic link point in a circle?"
        );
        return gather.fault(lossy(), why);
    }
    let entries = match fs::read_dir(folder).and_then(Iterator::collect::<io::Result<Vec<_>>>) {
        Ok(entries) => entries,
        Err(error) => return gather.fault(lossy(), unreadable(error)),
    };
    if !gather.may_walk(&lossy(), entries.len()) {
        return;
    }
    for entry in entries {
        let path = entry.path();
        if links == Links::Followed && is_scratch(&entry.file_name().to_string_lossy()) {
            continue;
        }
        // The kind that the folder itself knows saves a question for each file.
        let is_folder = match entry.file_type() {
            Ok(kind) if kind.is_symlink() => links == Links::Followed && path.is_dir(),
            Ok(kind) => kind.is_dir(),
            Err(_) => false,
        };
        if is_folder {
            list_folder(root, &path, links, paths, gather);
        } else {
            paths.push(path);
        }
    }
}

fn named(root: &Path, path: &Path, gather: &mut Gather) -> Option<String> {
    let name = relative(root, path);
    if name.is_none() {
        gather.fault(path.to_string_lossy(), "has a name that is not UTF-8");
    }
    name
}

fn read_text(path: &Path, name: &str, gather: &mut Gather) -> Result<(), String> {
    let about = fs::metadata(path).map_err(unreadable)?;
    regular(&about)?;
    if gather.has_room_for_text(name, about.len()) {
        gather.text(name.to_owned(), fs::read(path).map_err(unreadable)?);
    }
    Ok(())
}

fn read_local(path: &Path, name: &str, gather: &mut Gather) -> Result<(), String> {
    let about = fs::symlink_metadata(path).map_err(unreadable)?;
    if about.is_symlink() {
        let target = fs::read_link(path).map_err(unreadable)?;
        gather.link(name, target.as_os_str().as_bytes());
        return Ok(());
    }
    regular(&about)?;
    if gather.has_room_for_local(name, about.len()) {
        let bytes = fs::read(path).map_err(unreadable)?;
        gather.file(name, bytes, about.mode() & 0o100 != 0);
    }
    Ok(())
}

fn regular(about: &Metadata) -> Result<(), String> {
    if about.is_file() { Ok(()) } else { Err("is no regular file".to_owned()) }
}

#[expect(clippy::needless_pass_by_value, reason = "for map_err")]
fn unreadable(error: io::Error) -> String {
    format!("{UNREADABLE}: {error}")
}

#[cfg(test)]
mod tests;

#[cfg(test)]
mod corpus;
