//! The history's files on the disk: packs and the branch, each whole or not there at all.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use super::pack::Files;

/// Names under which git itself clears away what a killed process left.
const HALF_PACK: &str = "tmp_pack_provisioner";
const HALF_INDEX: &str = "tmp_idx_provisioner";

/// Lock files that a killed process can leave behind.
const LOCKS: [&str; 5] =
    ["HEAD.lock", "config.lock", "packed-refs.lock", "refs/heads/main.lock", "gc.pid.lock"];

/// What went wrong with which file.
#[derive(Debug)]
pub(super) struct FileError {
    /// The file or directory.
    pub(super) path: PathBuf,
    /// What the system said.
    pub(super) source: io::Error,
}

/// Makes a repository durable that was just created, down to its name in the directory above.
pub(super) fn sync_new(repository: &Path) -> Result<(), FileError> {
    let above = repository.parent().unwrap_or(repository);
    let inside = ["HEAD", "config", "objects/pack", "objects", "refs/heads", "refs", ""];
    let inside = inside.map(|name| repository.join(name));
    inside.iter().map(PathBuf::as_path).chain([above]).try_for_each(sync)
}

/// Removes what a killed process left behind. Nobody else may be writing.
pub(super) fn remove_leftovers(repository: &Path) -> Result<(), FileError> {
    let packs = pack_directory(repository);
    let locks = LOCKS.map(|lock| repository.join(lock));
    let halves = [HALF_PACK, HALF_INDEX].map(|half| packs.join(half));
    for path in locks.into_iter().chain(halves) {
        match fs::remove_file(&path) {
            Err(source) if source.kind() != io::ErrorKind::NotFound => {
                return Err(FileError { path, source });
            }
            _ => {}
        }
    }
    Ok(())
}

/// Writes a pack, then its index: git sees a pack only when it has one. Durable when it returns.
pub(super) fn write_pack(repository: &Path, files: &Files) -> Result<(), FileError> {
    let packs = pack_directory(repository);
    let name = |suffix| packs.join(format!("pack-{}.{suffix}", files.name));
    write_whole(&packs.join(HALF_PACK), &name("pack"), &files.pack)?;
    write_whole(&packs.join(HALF_INDEX), &name("idx"), &files.index)?;
    sync(&packs)
}

/// The lock that git's own programs respect, and through which the new value of a branch is written.
pub(super) struct RefLock {
    file: File,
    path: PathBuf,
    target: PathBuf,
}

impl RefLock {
    /// Takes the lock; [`io::ErrorKind::AlreadyExists`] when somebody has it.
    pub(super) fn take(repository: &Path, branch: &str) -> Result<Self, FileError> {
        let target = repository.join(branch);
        let path = repository.join(format!("{branch}.lock"));
        let directory = target.parent().unwrap_or(repository);
        let taken = fs::create_dir_all(directory).and_then(|()| {
            let mut options = OpenOptions::new();
            options.write(true).create_new(true).open(&path)
        });
        match taken {
            Ok(file) => Ok(Self { file, path, target }),
            Err(source) => Err(FileError { path, source }),
        }
    }

    /// Points the branch to a commit and gives the lock back. Durable when it returns.
    pub(super) fn commit(mut self, id: &str) -> Result<(), FileError> {
        let written = writeln!(self.file, "{id}")
            .and_then(|()| self.file.sync_all())
            .and_then(|()| fs::rename(&self.path, &self.target));
        written.map_err(|source| FileError { path: self.path.clone(), source })?;
        sync(self.target.parent().unwrap_or(&self.target))
    }
}

impl Drop for RefLock {
    /// After a rename there is nothing left under this name.
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.path);
    }
}

fn pack_directory(repository: &Path) -> PathBuf {
    repository.join("objects").join("pack")
}

fn write_whole(half: &Path, whole: &Path, content: &[u8]) -> Result<(), FileError> {
    let write = || {
        let mut file = File::create(half)?;
        file.write_all(content)?;
        file.sync_all()?;
        fs::rename(half, whole)
    };
    write().map_err(|source| FileError { path: whole.to_owned(), source })
}

fn sync(path: &Path) -> Result<(), FileError> {
    let synced = File::open(path).and_then(|file| file.sync_all());
    synced.map_err(|source| FileError { path: path.to_owned(), source })
}
