//! Which commit went live last: a restart is no way around the gate, and no end to serving.

use std::path::{Path, PathBuf};

use git2::Oid;

use super::repository::write_whole;

/// `DATA_DIR/catalog-accepted`: one line, the commit's full id.
#[derive(Debug)]
pub(super) struct Accepted {
    path: PathBuf,
}

impl Accepted {
    pub(super) fn new(data_dir: &Path) -> Self {
        Self { path: data_dir.join("catalog-accepted") }
    }

    /// `None`: none yet, or nothing that can be read, which is told.
    pub(super) fn read(&self) -> Option<Oid> {
        let shown = self.path.display();
        match std::fs::read_to_string(&self.path) {
            Ok(text) => Oid::from_str(text.trim())
                .map_err(|_| {
                    tracing::warn!("{shown} holds no commit id: the newest commit is taken");
                })
                .ok(),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => None,
            Err(error) => {
                tracing::warn!("{shown} cannot be read, so the newest commit is taken: {error}");
                None
            }
        }
    }

    pub(super) fn write(&self, id: &str) -> Result<(), String> {
        if let Some(folder) = self.path.parent() {
            make(folder).map_err(|error| self.cannot(&error))?;
        }
        write_whole(&self.path, &format!("{id}\n")).map_err(|error| self.cannot(&error))
    }

    fn cannot(&self, error: &std::io::Error) -> String {
        format!(
            "{} cannot be written, so a restart would begin with an older catalog: {error}",
            self.path.display()
        )
    }
}

/// The data directory is its owner's alone, also when the catalog is what comes first.
fn make(folder: &Path) -> std::io::Result<()> {
    use std::os::unix::fs::DirBuilderExt as _;
    std::fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)
}
