//! The catalog from a directory, and the one that is shipped inside of the program.

use std::collections::hash_map::DefaultHasher;
use std::fs;
use std::hash::{Hash, Hasher};
use std::io;
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use crate::domain::catalog::{Catalog, CatalogId, Fault, Files, SourceFile};

/// Folders that belong to a catalog; a matchbox data directory has the last three.
const FOLDERS: [&str; 6] = ["groups", "profiles", "templates", "ignition", "cloud", "generic"];

/// Largest file that is read, in bytes. Configurations are kilobytes; this is somebody's image.
const MAX_FILE: u64 = 4 << 20;
/// Most files of one catalog.
const MAX_FILES: usize = 200_000;
/// Deepest folder below the catalog; symbolic links may point in a circle.
const MAX_DEPTH: usize = 16;

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
    checked(&read(directory)?)
}

/// The catalog that is shipped inside of the program.
pub fn shipped() -> Result<Catalog, Vec<Fault>> {
    let file = |(path, text): &(&str, &str)| SourceFile {
        path: (*path).to_owned(),
        text: (*text).to_owned(),
    };
    checked(&SHIPPED.iter().map(file).collect::<Vec<_>>().into())
}

/// A number that changes when a file is added, removed, renamed or written: names, sizes and times of change
/// only, so cheap enough to be asked for every second. What cannot be read counts as absent.
pub fn fingerprint(directory: &Path) -> u64 {
    let mut hasher = DefaultHasher::new();
    let mut faults = Vec::new();
    for path in list(directory, &mut faults) {
        path.hash(&mut hasher);
        if let Ok(about) = fs::metadata(&path) {
            about.len().hash(&mut hasher);
            about.modified().ok().hash(&mut hasher);
        }
    }
    faults.len().hash(&mut hasher);
    hasher.finish()
}

/// The catalog's files in the order of their paths.
pub fn read(directory: &Path) -> Result<Files, Vec<Fault>> {
    let mut faults = Vec::new();
    if !FOLDERS.iter().any(|folder| directory.join(folder).is_dir()) {
        let message = format!(
            "{} holds no catalog: none of the folders {} is there",
            directory.display(),
            FOLDERS.join(", ")
        );
        return Err(vec![Fault::of_file(directory.display().to_string(), message)]);
    }
    let mut files = Vec::new();
    for path in list(directory, &mut faults) {
        let name = relative(directory, &path);
        match read_file(&path) {
            Ok(text) => files.push(SourceFile { path: name, text }),
            Err(why) => faults.push(Fault::of_file(name, why)),
        }
    }
    if faults.is_empty() { Ok(files.into()) } else { Err(faults) }
}

fn checked(files: &Files) -> Result<Catalog, Vec<Fault>> {
    Catalog::load(id(files), files)
}

/// `dir-` and 12 hex digits of the SHA-256 over paths and contents, each with its length in front.
fn id(files: &Files) -> CatalogId {
    let mut hash = Sha256::new();
    for part in files.sources.iter().flat_map(|file| [&file.path, &file.text]) {
        hash.update((part.len() as u64).to_le_bytes());
        hash.update(part);
    }
    let digits = hex::encode(hash.finalize());
    CatalogId::new(format!("dir-{}", digits.get(..12).unwrap_or(&digits)))
}

fn list(directory: &Path, faults: &mut Vec<Fault>) -> Vec<PathBuf> {
    let mut paths = Vec::new();
    for folder in FOLDERS {
        let folder = directory.join(folder);
        if folder.is_dir() {
            list_folder(directory, &folder, 0, &mut paths, faults);
        }
    }
    paths.sort();
    paths
}

fn list_folder(
    root: &Path,
    folder: &Path,
    depth: usize,
    paths: &mut Vec<PathBuf>,
    faults: &mut Vec<Fault>,
) {
    let mut note = |why: String| faults.push(Fault::of_file(relative(root, folder), why));
    if depth > MAX_DEPTH {
        return note(format!(
            "folders are nested more than {MAX_DEPTH} deep; does a symbolic link point in a circle?"
        ));
    }
    let entries = match fs::read_dir(folder).and_then(Iterator::collect::<io::Result<Vec<_>>>) {
        Ok(entries) => entries,
        Err(error) => return note(format!("cannot be read: {error}")),
    };
    if paths.len() + entries.len() > MAX_FILES {
        return note(format!("the catalog has more than {MAX_FILES} files"));
    }
    for path in entries.into_iter().map(|entry| entry.path()).filter(|path| !is_scratch(path)) {
        if path.is_dir() {
            list_folder(root, &path, depth + 1, paths, faults);
        } else {
            paths.push(path);
        }
    }
}

/// Hidden files, and what editors leave behind while somebody types.
fn is_scratch(path: &Path) -> bool {
    let name = path.file_name().map(|name| name.to_string_lossy()).unwrap_or_default();
    let suffixes = ["~", ".swp", ".swo", ".swx", ".tmp", ".bak", ".orig", ".rej"];
    name.starts_with(['.', '#']) || suffixes.iter().any(|suffix| name.ends_with(suffix))
}

fn read_file(path: &Path) -> Result<String, String> {
    let about = fs::metadata(path).map_err(|error| format!("cannot be read: {error}"))?;
    if !about.is_file() {
        return Err("is no regular file".to_owned());
    }
    if about.len() > MAX_FILE {
        return Err(format!(
            "has {} bytes; a file of the catalog has at most {MAX_FILE}",
            about.len()
        ));
    }
    let bytes = fs::read(path).map_err(|error| format!("cannot be read: {error}"))?;
    String::from_utf8(bytes).map_err(|error| {
        format!(
            "is not UTF-8 text (byte {}); files that are no text belong into the asset store",
            error.utf8_error().valid_up_to()
        )
    })
}

fn relative(root: &Path, path: &Path) -> String {
    path.strip_prefix(root).unwrap_or(path).to_string_lossy().into_owned()
}

#[cfg(test)]
mod tests;

#[cfg(test)]
mod corpus;
