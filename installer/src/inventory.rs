//! What the machine is made of, read from `/sys` and `/proc`.

use std::fs;
use std::path::Path;

use api::node::{Inventory, Nic};

use crate::choose::Candidate;

pub mod disks;

/// Looks at the machine. `root` is `/` on a machine and a made-up tree in a test.
/// What cannot be read is left empty: an inventory never stops an installation.
pub fn look(root: &Path, disks: &[Candidate]) -> Inventory {
    let dmi = |name| read(root.join("sys/class/dmi/id").join(name));
    let firmware = if root.join("sys/firmware/efi").exists() { "uefi" } else { "bios" };
    Inventory {
        arch: std::env::consts::ARCH.to_owned(),
        firmware: firmware.to_owned(),
        uuid: dmi("product_uuid").to_ascii_lowercase(),
        serial: dmi("product_serial"),
        manufacturer: dmi("sys_vendor"),
        product: dmi("product_name"),
        cpus: count_cpus(&read(root.join("sys/devices/system/cpu/online"))),
        memory_bytes: total_memory(&read(root.join("proc/meminfo"))),
        nics: nics(root),
        disks: disks.iter().map(|found| found.disk.clone()).collect(),
    }
}

/// Network interfaces that have a MAC, by name.
pub fn nics(root: &Path) -> Vec<Nic> {
    let class = root.join("sys/class/net");
    names(&class)
        .into_iter()
        .filter(|name| read(class.join(name).join("type")) == ARPHRD_ETHER)
        .map(|name| {
            let at = class.join(&name);
            Nic {
                mac: read(at.join("address")).to_ascii_lowercase(),
                driver: link_name(&at.join("device/driver")),
                // Reading the carrier of an interface that is down is an error: no carrier known.
                carrier: read(at.join("carrier")) == "1",
                name,
            }
        })
        .collect()
}

/// `include/uapi/linux/if_arp.h`; leaves out the loopback (772).
const ARPHRD_ETHER: &str = "1";

/// Entries of a directory, sorted; none when it cannot be read.
pub(crate) fn names(directory: &Path) -> Vec<String> {
    let mut names: Vec<_> = fs::read_dir(directory)
        .into_iter()
        .flatten()
        .flatten()
        .map(|entry| entry.file_name().to_string_lossy().into_owned())
        .collect();
    names.sort();
    names
}

/// A small text file without the white space around it; empty when it cannot be read.
pub(crate) fn read(path: impl AsRef<Path>) -> String {
    let bytes = fs::read(path).unwrap_or_default();
    String::from_utf8_lossy(&bytes)
        .trim_matches(|c: char| c.is_whitespace() || c == '\0')
        .to_owned()
}

/// Last part of what a link points to; empty when there is none.
fn link_name(path: &Path) -> String {
    fs::read_link(path)
        .ok()
        .and_then(|to| Some(to.file_name()?.to_string_lossy().into_owned()))
        .unwrap_or_default()
}

/// `0-3,8` has five.
fn count_cpus(online: &str) -> u32 {
    online
        .split(',')
        .filter_map(|range| {
            let (first, last) = range.split_once('-').unwrap_or((range, range));
            let (first, last) = (first.parse::<u32>().ok()?, last.parse::<u32>().ok()?);
            last.checked_sub(first)?.checked_add(1)
        })
        .fold(0, u32::saturating_add)
}

fn total_memory(meminfo: &str) -> u64 {
    meminfo
        .lines()
        .find_map(|line| line.strip_prefix("MemTotal:")?.trim().strip_suffix(" kB"))
        .and_then(|kib| kib.trim().parse::<u64>().ok())
        .map_or(0, |kib| kib.saturating_mul(1024))
}

#[cfg(test)]
mod tests;
