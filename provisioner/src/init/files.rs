//! Files that appear whole, with the right mode, and never in place of another one.

use std::fs::{DirBuilder, OpenOptions};
use std::io::{self, ErrorKind, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::Path;

use anyhow::{Context, bail};

/// Who may read a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mode {
    /// Its owner.
    Secret,
    /// Everybody.
    Public,
}

/// Makes a directory for its owner alone; false: it is there.
pub(super) fn directory(path: &Path) -> anyhow::Result<bool> {
    if let Some(parent) = path.parent() {
        std::fs::create_dir_all(parent)
            .with_context(|| format!("cannot make {}", parent.display()))?;
    }
    match DirBuilder::new().mode(0o700).create(path) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == ErrorKind::AlreadyExists && path.is_dir() => Ok(false),
        Err(error) => Err(error).with_context(|| format!("cannot make {}", path.display())),
    }
}

/// Makes a file, if it is not there, and says which.
pub(super) fn make(
    path: &Path,
    bytes: &[u8],
    mode: Mode,
    said: &mut Vec<String>,
) -> anyhow::Result<()> {
    let made = match create(path, bytes, mode) {
        Ok(()) => "made",
        Err(error) if error.kind() == ErrorKind::AlreadyExists => "kept",
        Err(error) => return Err(error).with_context(|| format!("cannot make {}", path.display())),
    };
    if mode == Mode::Secret && made == "kept" {
        // Looked at before: somebody else is at work.
        bail!("{} appeared meanwhile; run init again", path.display());
    }
    said.push(format!("{made}  {}", path.display()));
    Ok(())
}

/// A link never replaces a file, as a rename would.
fn create(path: &Path, bytes: &[u8], mode: Mode) -> io::Result<()> {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(format!(".{}.new", std::process::id()));
    let temporary = path.with_file_name(name);
    let result = write(&temporary, bytes, mode).and_then(|()| std::fs::hard_link(&temporary, path));
    let removed = std::fs::remove_file(&temporary);
    result.and(removed)?;
    match path.parent() {
        Some(parent) => std::fs::File::open(parent)?.sync_all(),
        None => Ok(()),
    }
}

fn write(path: &Path, bytes: &[u8], mode: Mode) -> io::Result<()> {
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    file.write_all(bytes)?;
    let mode = match mode {
        Mode::Secret => 0o600,
        Mode::Public => 0o644,
    };
    file.set_permissions(std::fs::Permissions::from_mode(mode))?;
    file.sync_all()
}
