//! Coldplug: what udev does at boot, for the modules that are on board.

use std::collections::BTreeSet;
use std::ffi::CStr;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use nix::errno::Errno;
use nix::kmod::{ModuleInitFlags, finit_module};

use super::{Step, Tables};
use crate::log::Log;

/// Loads modules for the devices that are there, and again for those that came with them.
#[derive(Debug)]
pub struct Coldplug {
    directory: PathBuf,
    tables: Tables,
    devices: BTreeSet<String>,
    tried: BTreeSet<String>,
}

/// `/sbin/modprobe`: the kernel asks for a module by name or alias, as the last argument
/// (`kernel/kmod.c`: `modprobe -q -- NAME`). Network cards get their PHY's driver in this way.
pub fn modprobe(arguments: impl Iterator<Item = String>) -> ExitCode {
    let log = Log::console();
    let modules = Coldplug::new(&log);
    let name = arguments.last().unwrap_or_default();
    let steps = modules.tables.named(&name);
    for step in &steps {
        modules.load(step, c"", &log);
    }
    ExitCode::from(u8::from(steps.is_empty()))
}

impl Coldplug {
    /// For the modules of the running kernel below `/lib/modules`.
    pub fn new(log: &Log) -> Self {
        let release = crate::inventory::read("/proc/sys/kernel/osrelease");
        let directory = Path::new("/lib/modules").join(release);
        let table = |name: &str| fs::read_to_string(directory.join(name)).unwrap_or_default();
        let tables =
            Tables::read(&table("modules.alias"), &table("modules.dep"), &table("modules.softdep"));
        if tables.is_empty() {
            log.line(format!(
                "no modules in {}: this kernel and this initramfs do not belong together, or all \
                 drivers are built in",
                directory.display()
            ));
        }
        Self { directory, tables, devices: BTreeSet::new(), tried: BTreeSet::new() }
    }

    /// Goes round until no new device turns up. Returns how many modules went in.
    pub fn run(&mut self, log: &Log) -> usize {
        let before = self.tried.len();
        loop {
            let new: Vec<_> = modaliases(Path::new("/sys/devices"))
                .into_iter()
                .filter(|alias| self.devices.insert(alias.clone()))
                .collect();
            if new.is_empty() {
                return self.tried.len() - before;
            }
            for step in new.iter().flat_map(|alias| self.tables.wanted(alias)) {
                if self.tried.insert(step.name.clone()) {
                    self.load(&step, c"", log);
                }
            }
        }
    }

    /// Loads a module by name, with all that it needs; `parameters` are its own. One that is not on board may be
    /// built in: whoever wants something of it finds out.
    pub fn load_named(&self, name: &str, parameters: &CStr, log: &Log) {
        let steps = self.tables.named(name);
        for step in &steps {
            self.load(step, if step.name == name { parameters } else { c"" }, log);
        }
    }

    fn load(&self, step: &Step, parameters: &CStr, log: &Log) {
        let path = self.directory.join(&step.file);
        let outcome =
            File::open(&path).map_err(|error| error.to_string()).and_then(
                |file| match finit_module(&file, parameters, ModuleInitFlags::empty()) {
                    // Already in; or a driver for what this machine turns out not to have.
                    Ok(()) | Err(Errno::EEXIST | Errno::ENODEV) => Ok(()),
                    Err(error) => Err(error.to_string()),
                },
            );
        if let Err(reason) = outcome {
            log.line(format!("module {}: {reason}", step.name));
        }
    }
}

/// Contents of every file called `modalias` below `directory`. Links are not followed: `/sys` has
/// circles of them, and each device has one real place.
fn modaliases(directory: &Path) -> Vec<String> {
    let mut found = Vec::new();
    let mut left = vec![directory.to_owned()];
    while let Some(directory) = left.pop() {
        for entry in fs::read_dir(directory).into_iter().flatten().flatten() {
            match entry.file_type() {
                Ok(kind) if kind.is_dir() => left.push(entry.path()),
                Ok(kind) if kind.is_file() && entry.file_name() == "modalias" => {
                    let alias = crate::inventory::read(entry.path());
                    if !alias.is_empty() {
                        found.push(alias);
                    }
                }
                _ => {}
            }
        }
    }
    found
}
