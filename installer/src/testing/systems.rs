//! Real file systems for tests, made and read by their own programs. Mounting needs root.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::Mutex;

use tempfile::TempDir;

use crate::filesystem::Kind;
use crate::log::Log;
use crate::scratch::{Place, Scratch};

/// A file behind a loop device, which tests have where the agent has a RAM disk.
#[derive(Debug)]
pub(crate) struct LoopDevice {
    directory: TempDir,
    attached: Mutex<Option<PathBuf>>,
    pub(crate) room: u64,
}

impl LoopDevice {
    pub(crate) fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        Self { directory, attached: Mutex::new(None), room: u64::MAX }
    }
}

impl Scratch for LoopDevice {
    fn room(&self) -> u64 {
        self.room
    }

    fn device(&self, bytes: u64, _: Kind, _: &Log) -> io::Result<Place> {
        let file = self.directory.path().join("copy");
        fs::File::create(&file)?.set_len(bytes)?;
        let mount_point = self.directory.path().join("mounted");
        fs::create_dir(&mount_point)?;
        let output = run("losetup", &["--find", "--show", &text(&file)]);
        let device = PathBuf::from(String::from_utf8(output.stdout).unwrap().trim());
        let before = self.attached.lock().unwrap().replace(device.clone());
        assert_eq!(before, None, "asked for twice");
        Ok(Place { device, mount_point })
    }
}

impl Drop for LoopDevice {
    fn drop(&mut self) {
        if let Some(device) = self.attached.lock().unwrap().take() {
            run("losetup", &["--detach", &text(&device)]);
        }
    }
}

/// Runs a program that must succeed.
pub(crate) fn run(program: &str, arguments: &[&str]) -> Output {
    let output = Command::new(program).args(arguments).output();
    let output = output.unwrap_or_else(|error| panic!("{program}: {error}"));
    assert!(output.status.success(), "{program} {arguments:?}: {output:?}");
    output
}

pub(crate) fn text(path: &Path) -> String {
    path.to_str().unwrap().to_owned()
}

/// An ext4 file system with this label and size, after these commands of debugfs(8).
pub(crate) fn ext4(label: &str, mib: u64, commands: &[&str]) -> Vec<u8> {
    let file = tempfile::NamedTempFile::new().unwrap();
    file.as_file().set_len(mib << 20).unwrap();
    let path = text(file.path());
    run("mke2fs", &["-q", "-F", "-t", "ext4", "-L", label, &path]);
    for command in commands {
        run("debugfs", &["-w", "-R", command, &path]);
    }
    fs::read(file.path()).unwrap()
}

/// A btrfs file system with this label, as small as mkfs makes it.
pub(crate) fn btrfs(label: &str) -> Vec<u8> {
    let file = tempfile::NamedTempFile::new().unwrap();
    file.as_file().set_len(128 << 20).unwrap();
    run("mkfs.btrfs", &["--quiet", "--force", "--label", label, &text(file.path())]);
    fs::read(file.path()).unwrap()
}

/// What debugfs(8) says about these bytes.
pub(crate) fn debugfs(system: &[u8], command: &str) -> String {
    let file = tempfile::NamedTempFile::new().unwrap();
    fs::write(file.path(), system).unwrap();
    let output = run("debugfs", &["-R", command, &text(file.path())]);
    String::from_utf8(output.stdout).unwrap()
}

/// Whether the file system's own checker finds nothing to mend.
pub(crate) fn assert_clean(system: &[u8], program: &str, arguments: &[&str]) {
    let file = tempfile::NamedTempFile::new().unwrap();
    fs::write(file.path(), system).unwrap();
    let path = text(file.path());
    run(program, &[arguments, &[&path]].concat());
}
