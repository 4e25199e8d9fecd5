//! Kernel and initramfs that hold the installer, made from a distribution's kernel package.
//!
//! `provisioner installer-image`. The initramfs is one newc archive (kernel documentation:
//! driver-api/early-userspace/buffer-format), compressed with Zstandard: `/init` is the agent,
//! below `/lib/modules` lie the drivers that a machine may need to reach its network and its disks.
//! The same input gives the same bytes. Firmware blobs are out of scope: a card that needs one from
//! `/lib/firmware` (some bnx2, bnx2x, qed, cxgb4 boards) does not come up.

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

mod archive;
mod check;
mod select;

/// Where a distribution's package puts the agent.
const INSTALLED_AGENT: &str = "/usr/lib/provisioner/installer";

/// What to build, from what.
#[derive(Debug, Clone)]
pub struct Options {
    /// The kernel: `boot/vmlinuz-KVER` of its package.
    pub kernel: PathBuf,
    /// Its modules: `lib/modules/KVER`, with depmod's tables.
    pub modules: PathBuf,
    /// Directory for `vmlinuz` and `initrd.img`; made when it is not there.
    pub out: PathBuf,
    /// The agent's static binary; else `installer` beside the running program, else
    /// `/usr/lib/provisioner/installer`.
    pub agent: Option<PathBuf>,
    /// Which drivers go in.
    pub drivers: Drivers,
}

/// Sets of drivers.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Drivers {
    /// Network cards and storage of servers, hardware and virtual.
    #[default]
    All,
    /// Virtio only: the smallest, for virtual machines.
    Virtio,
}

impl std::str::FromStr for Drivers {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "all" => Ok(Self::All),
            "virtio" => Ok(Self::Virtio),
            other => Err(format!("no set of drivers is called {other:?}: all or virtio")),
        }
    }
}

/// What was built.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// Release of the kernel that the modules are for.
    pub release: String,
    /// Number of modules.
    pub modules: usize,
    /// Size of the archive in bytes before compression.
    pub unpacked_bytes: u64,
    /// Size of `initrd.img` in bytes.
    pub initrd_bytes: u64,
    /// Size of `vmlinuz` in bytes.
    pub kernel_bytes: u64,
}

/// The image cannot be built.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A file that is needed cannot be read.
    #[error("{path} cannot be read")]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The result cannot be written.
    #[error("{path} cannot be written")]
    Write {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// depmod has not run.
    #[error("{0} has no modules.dep: run `depmod -b ROOT KVER` for the tree that holds it")]
    NoDepmod(PathBuf),
    /// The directory is not named after a kernel release.
    #[error("{0} is not a directory of modules: give lib/modules/KVER")]
    NoRelease(PathBuf),
    /// Kernel and modules of different releases: no driver would load.
    #[error(
        "{kernel} is release {found}, the modules are for {wanted}: take both from one package"
    )]
    Mismatch {
        /// The kernel file.
        kernel: PathBuf,
        /// Its release.
        found: String,
        /// The modules' release.
        wanted: String,
    },
    /// No agent.
    #[error(
        "no agent found at {0}: build the `installer` package statically, or give --agent FILE"
    )]
    NoAgent(String),
    /// An agent that cannot run where there are no libraries.
    #[error("{path} cannot be /init: {why}; build it with RUSTFLAGS=-Ctarget-feature=+crt-static")]
    BadAgent {
        /// The agent file.
        path: PathBuf,
        /// What is wrong.
        why: &'static str,
    },
    /// A table names a module that is not there.
    #[error("no module of the set is in {0}: is it the right kernel?")]
    NoModules(PathBuf),
    /// A module is packed in a way that is not known.
    #[error("{path} cannot be unpacked: {why}")]
    Unpack {
        /// The module file.
        path: PathBuf,
        /// Why.
        why: String,
    },
}

/// Builds `OUT/vmlinuz` and `OUT/initrd.img`, each complete or not at all.
pub fn build(options: &Options) -> Result<Report, Error> {
    let release = options
        .modules
        .file_name()
        .map(|name| name.to_string_lossy().into_owned())
        .filter(|_| options.modules.is_dir())
        .ok_or_else(|| Error::NoRelease(options.modules.clone()))?;
    let kernel = read(&options.kernel)?;
    check::kernel(&options.kernel, &kernel, &release)?;
    let agent = read_agent(options.agent.as_deref())?;
    let shipped = select::select(&options.modules, options.drivers)?;
    let archive = archive::pack(&agent, &options.modules, &release, &shipped)?;
    let initrd = zstd::encode_all(&archive[..], LEVEL)
        .map_err(|source| Error::Write { path: options.out.join("initrd.img"), source })?;
    fs::create_dir_all(&options.out)
        .map_err(|source| Error::Write { path: options.out.clone(), source })?;
    place(&options.out.join("vmlinuz"), &kernel)?;
    place(&options.out.join("initrd.img"), &initrd)?;
    Ok(Report {
        release,
        modules: shipped.files.len(),
        unpacked_bytes: archive.len() as u64,
        initrd_bytes: initrd.len() as u64,
        kernel_bytes: kernel.len() as u64,
    })
}

/// Made once, loaded by every machine of the rack: the smallest that the kernel's own unpacker takes
/// (levels above need a larger window than its 8 MiB).
const LEVEL: i32 = 19;

fn read(path: &Path) -> Result<Vec<u8>, Error> {
    fs::read(path).map_err(|source| Error::Read { path: path.to_owned(), source })
}

fn read_agent(given: Option<&Path>) -> Result<Vec<u8>, Error> {
    let beside = std::env::current_exe().ok().map(|own| own.with_file_name("installer"));
    let places = match given {
        Some(given) => vec![given.to_owned()],
        None => beside.into_iter().chain([INSTALLED_AGENT.into()]).collect(),
    };
    let Some(path) = places.iter().find(|place| place.is_file()) else {
        let places: Vec<_> = places.iter().map(|place| place.display().to_string()).collect();
        return Err(Error::NoAgent(places.join(" or ")));
    };
    let agent = read(path)?;
    check::agent(path, &agent)?;
    Ok(agent)
}

/// Writes beside the place and renames: whoever reads sees the old file or the new one.
fn place(path: &Path, bytes: &[u8]) -> Result<(), Error> {
    let beside = path.with_extension(format!("new-{}", std::process::id()));
    let written = fs::File::create(&beside).and_then(|mut file| {
        file.write_all(bytes)?;
        file.sync_all()?;
        fs::rename(&beside, path)
    });
    written.map_err(|source| {
        // What is left of a failed try is of no use; the first error is the one to tell.
        let _ = fs::remove_file(&beside);
        Error::Write { path: path.to_owned(), source }
    })
}

#[cfg(test)]
mod tests;
