//! A place in memory where the kernel mounts a copy of one of the image's partitions.
//!
//! The disk itself is never mounted: it has no partition table while it is being installed, so the kernel sees
//! no partitions on it, and what reaches it goes through [`Target`](crate::target::Target) and is read back.
//! A RAM disk rather than a loop device, because it is asked for by a module's parameter and needs no ioctl.

use std::ffi::CString;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use crate::filesystem::Kind;
use crate::inventory;
use crate::log::Log;
use crate::modules::load::Coldplug;

/// Where the copy is mounted.
const MOUNT_POINT: &str = "/run/installer.mount";
const DEVICE: &str = "/dev/ram0";

/// Block devices in memory.
pub trait Scratch: Sync {
    /// Bytes that may be written to one, zeros not counted.
    fn room(&self) -> u64;

    /// A block device of `bytes` bytes or more that reads as zeros, with the driver of `kind` loaded, and a
    /// directory to mount it at. It is asked for once.
    fn device(&self, bytes: u64, kind: Kind, log: &Log) -> io::Result<Place>;
}

/// A block device and where to mount it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// The device's node.
    pub device: PathBuf,
    /// An empty directory.
    pub mount_point: PathBuf,
}

/// The kernel's RAM disk (`brd`). It has memory only for what is written.
#[derive(Debug)]
pub struct RamDisk;

impl Scratch for RamDisk {
    fn room(&self) -> u64 {
        // The rest is for the copy's changes, and for the kernel.
        available(&inventory::read("/proc/meminfo")) / 4 * 3
    }

    fn device(&self, bytes: u64, kind: Kind, log: &Log) -> io::Result<Place> {
        let parameters = format!("rd_nr=1 rd_size={}", bytes.div_ceil(1024));
        let modules = Coldplug::new(log);
        modules.load_named("brd", &CString::new(parameters)?, log);
        modules.load_named(kind.name(), c"", log);
        let device = Path::new(DEVICE);
        if !device.exists() {
            return Err(io::Error::other(
                "the kernel has no RAM disk: make its files anew with `provisioner installer-image`",
            ));
        }
        let sectors = inventory::read("/sys/block/ram0/size").parse::<u64>().unwrap_or(0);
        if sectors.saturating_mul(512) < bytes {
            return Err(io::Error::other(format!(
                "the kernel's RAM disk has {} bytes and {bytes} are needed: add brd.rd_size={} to the \
                 installer's arguments",
                sectors.saturating_mul(512),
                bytes.div_ceil(1024)
            )));
        }
        fs::create_dir_all(MOUNT_POINT)?;
        Ok(Place { device: device.to_owned(), mount_point: MOUNT_POINT.into() })
    }
}

/// `MemAvailable` of `/proc/meminfo` (proc(5)) in bytes.
fn available(meminfo: &str) -> u64 {
    let line = meminfo.lines().find_map(|line| line.strip_prefix("MemAvailable:"));
    let kib = line.and_then(|line| line.split_ascii_whitespace().next()?.parse::<u64>().ok());
    kib.unwrap_or(0).saturating_mul(1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn available_memory_is_told_in_bytes() {
        let text = "MemTotal:        2000 kB\nMemFree:  1 kB\nMemAvailable:    1000 kB\n";
        assert_eq!(available(text), 1_024_000);
        assert_eq!(available("MemTotal: 1 kB\n"), 0);
    }

    #[test]
    fn this_machine_has_room() {
        assert!(RamDisk.room() > 1 << 20);
    }
}
