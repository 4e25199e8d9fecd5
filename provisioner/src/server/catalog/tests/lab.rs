//! A repository, a data directory, and a daemon's `Serving` over both.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;

use crate::config::{CatalogSettings, Overrides, Settings};
use crate::domain::catalog::Fault;

use super::super::{Look, Serving};

/// Runs git without anybody's configuration.
pub(super) fn git(path: &Path, arguments: &[&str]) -> String {
    let output = Command::new("git")
        .args([
            "-c",
            "user.name=Op",
            "-c",
            "user.email=op@example.org",
            "-c",
            "init.defaultBranch=main",
        ])
        .args(["-c", "safe.directory=*", "-C"])
        .arg(path)
        .args(arguments)
        .env("GIT_CONFIG_NOSYSTEM", "1")
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "git {arguments:?}: {said}");
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

pub(super) struct Lab {
    pub(super) directory: TempDir,
}

pub(super) fn write(root: &Path, files: &[(&str, &str)]) {
    for (path, text) in files {
        let path = root.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
}

pub(super) fn lines(faults: &[Fault]) -> String {
    faults.iter().map(Fault::to_string).collect::<Vec<_>>().join("\n")
}

/// A catalog: one profile, and a group that takes all.
pub(super) const PLAIN: [(&str, &str); 2] =
    [("profiles/local.yaml", "name: local\n"), ("groups/default.yaml", "profile: local\n")];

impl Lab {
    /// A work tree with one commit of [`PLAIN`].
    pub(super) fn new() -> Self {
        let lab = Self { directory: tempfile::tempdir().unwrap() };
        fs::create_dir(lab.work()).unwrap();
        git(&lab.work(), &["init", "-q"]);
        lab.commit(&PLAIN, "Begin");
        lab
    }

    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    pub(super) fn work(&self) -> PathBuf {
        self.path("work")
    }

    pub(super) fn data(&self) -> PathBuf {
        self.path("data")
    }

    /// Commits everything in the work tree; answers with the full id.
    pub(super) fn commit(&self, files: &[(&str, &str)], message: &str) -> String {
        write(&self.work(), files);
        git(&self.work(), &["add", "-A"]);
        git(&self.work(), &["commit", "-q", "--allow-empty", "-m", message]);
        self.head()
    }

    pub(super) fn head(&self) -> String {
        git(&self.work(), &["rev-parse", "HEAD"])
    }

    /// Settings as they stand in a file beside the work tree.
    pub(super) fn settings(&self, catalog: &str) -> CatalogSettings {
        let file = self.path("provisioner.yaml");
        let text = format!("catalog: {catalog}\n");
        Settings::parse(&text, file.to_str().unwrap(), &Overrides::default()).unwrap().catalog
    }

    pub(super) fn try_serve(&self, catalog: &str) -> Result<Serving, String> {
        Serving::load(&self.settings(catalog), &self.data()).map_err(|faults| lines(&faults))
    }

    pub(super) fn serve(&self, catalog: &str) -> Serving {
        self.try_serve(catalog).unwrap()
    }
}

pub(super) fn id(serving: &Serving) -> String {
    serving.current().id().to_string()
}

/// An operator's word for what waits now.
pub(super) fn acknowledge(serving: &Serving) {
    let waiting = serving.standing().waiting.map(|(id, _)| id);
    serving.look(&Look::Acknowledge(waiting.unwrap_or_default()));
}

/// What a poll finds, in one line.
pub(super) fn poll(serving: &Serving) -> String {
    serving.look(&Look::Poll);
    if serving.source.commits().is_none() {
        // A directory has to be the same for two looks in a row.
        serving.look(&Look::Poll);
    }
    let standing = serving.standing();
    let waiting = standing.waiting.map(|(id, why)| format!("{id} waits: {why}"));
    let failed = standing.look_failed;
    standing.faults.into_iter().chain(waiting).chain(failed).collect::<Vec<_>>().join("\n")
}
