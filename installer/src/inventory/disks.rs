//! Whole disks from `/sys/block`.

use std::fs;
use std::path::Path;

use api::node::Disk;

use super::{names, read};
use crate::choose::Candidate;

/// Kernel names of block devices that are no disks of their own.
const NO_DISKS: [&str; 9] = ["loop", "ram", "zram", "dm-", "md", "sr", "fd", "nbd", "mtdblock"];

/// The whole disks below `root` (`/` on a machine), by name. Empty drives are left out.
pub fn find(root: &Path) -> Vec<Candidate> {
    let block = root.join("sys/block");
    let mounts = read(root.join("proc/mounts"));
    names(&block)
        .into_iter()
        .filter(|name| !NO_DISKS.iter().any(|no| name.starts_with(no)))
        .filter(|name| read(block.join(name).join("hidden")) != "1")
        .map(|name| Candidate {
            used_by: used_by(&block.join(&name), &name, &mounts),
            disk: describe(&block.join(&name), name),
        })
        .filter(|found| found.disk.size_bytes > 0)
        .collect()
}

/// Smallest unit that can be written, in bytes, as `/sys/block/NAME` says.
pub fn sector_bytes(root: &Path, name: &str) -> u64 {
    let at = root.join("sys/block").join(name);
    read(at.join("queue/logical_block_size")).parse().unwrap_or(512)
}

fn describe(at: &Path, name: String) -> Disk {
    let way = fs::canonicalize(at).unwrap_or_default();
    let way = way.to_string_lossy();
    let flag = |file: &str| read(at.join(file)) == "1";
    Disk {
        // The kernel counts in 512 bytes whatever the disk's sectors are.
        size_bytes: read(at.join("size")).parse::<u64>().unwrap_or(0).saturating_mul(512),
        serial: serial(at),
        wwn: wwn(at),
        model: read(at.join("device/model")),
        transport: transport(&way).to_owned(),
        rotational: flag("queue/rotational"),
        removable: flag("removable"),
        read_only: flag("ro"),
        path: hardware_path(&way, at),
        name,
    }
}

/// virtio: `serial`; NVMe and MMC: `device/serial`; SCSI and SATA: VPD page 0x80 (SPC-4, 7.8.15),
/// four bytes of header and the text.
fn serial(at: &Path) -> String {
    for file in ["serial", "device/serial"] {
        let text = read(at.join(file));
        if !text.is_empty() {
            return text;
        }
    }
    let page = fs::read(at.join("device/vpd_pg80")).unwrap_or_default();
    let text = String::from_utf8_lossy(page.get(4..).unwrap_or_default()).into_owned();
    text.trim_matches(|c: char| c.is_whitespace() || c == '\0').to_owned()
}

/// In udev's spelling. A SCSI `t10.…` id is no world wide name.
fn wwn(at: &Path) -> String {
    for file in ["wwid", "device/wwid"] {
        let id = read(at.join(file));
        if let Some(naa) = id.strip_prefix("naa.") {
            return format!("0x{naa}");
        }
        if id.starts_with("eui.") || id.starts_with("nvme.") || id.starts_with("uuid.") {
            return id;
        }
    }
    String::new()
}

/// From the device's place in `/sys/devices`. The outer bus wins: a USB stick is SCSI inside.
fn transport(way: &str) -> &'static str {
    let parts: Vec<_> = way.split('/').collect();
    let any = |test: fn(&str) -> bool| parts.iter().any(|part| test(part));
    if any(|part| part.starts_with("usb")) {
        "usb"
    } else if any(|part| numbered(part, "ata")) {
        "sata"
    } else if any(|part| part.starts_with("mmc")) {
        "mmc"
    } else if any(|part| part == "nvme") {
        "nvme"
    } else if any(|part| numbered(part, "host")) {
        "scsi"
    } else if any(|part| numbered(part, "virtio")) {
        "virtio"
    } else {
        ""
    }
}

/// udev's path_id for what servers have: the last PCI function, then the port or the unit behind it.
fn hardware_path(way: &str, at: &Path) -> String {
    let parts: Vec<_> = way.split('/').collect();
    let Some(pci) = parts.iter().rfind(|part| is_pci(part)) else {
        return String::new();
    };
    let unit = parts.iter().rev().find_map(|part| scsi_unit(part));
    let tail = match transport(way) {
        "nvme" => format!("-nvme-{}", read(at.join("nsid"))),
        "sata" => parts
            .iter()
            .find(|part| numbered(part, "ata"))
            .map(|port| format!("-ata-{}", read_port(way, port)))
            .unwrap_or_default(),
        "scsi" => unit.map_or(String::new(), |unit| format!("-scsi-0:{unit}")),
        "usb" => {
            let port = parts.iter().find(|part| part.contains(':') && part.contains('-'));
            let port = port.and_then(|part| part.split_once('-')).map_or("", |(_, port)| port);
            format!("-usb-0:{port}-scsi-0:{}", unit.unwrap_or("0:0:0"))
        }
        _ => String::new(),
    };
    format!("pci-{pci}{tail}")
}

/// libata numbers ports through the machine; path_id wants the port on its controller.
fn read_port(way: &str, port: &str) -> String {
    let own = way.split_once(port).map_or("", |(before, _)| before);
    let file = Path::new(own).join(port).join("ata_port").join(port).join("port_no");
    let number = read(file);
    if number.is_empty() { port.trim_start_matches("ata").to_owned() } else { number }
}

/// `2:0:1:0` is host 2, channel 0, target 1, unit 0; the host's number means nothing outside.
fn scsi_unit(part: &str) -> Option<&str> {
    let numbers = part.split(':');
    let fits = numbers.clone().count() == 4
        && numbers.into_iter().all(|n| !n.is_empty() && n.bytes().all(|b| b.is_ascii_digit()));
    fits.then(|| part.split_once(':').map(|(_, unit)| unit)).flatten()
}

/// `0000:00:1f.2`
fn is_pci(part: &str) -> bool {
    let hex = |text: &str, digits| {
        text.len() >= digits && text.bytes().all(|byte| byte.is_ascii_hexdigit())
    };
    let mut fields = part.split([':', '.']);
    let (domain, bus, slot, function) =
        (fields.next(), fields.next(), fields.next(), fields.next());
    fields.next().is_none()
        && part.contains('.')
        && domain.is_some_and(|text| hex(text, 4))
        && bus.is_some_and(|text| hex(text, 2))
        && slot.is_some_and(|text| hex(text, 2))
        && function.is_some_and(|text| hex(text, 1))
}

fn numbered(part: &str, prefix: &str) -> bool {
    part.strip_prefix(prefix)
        .is_some_and(|rest| !rest.is_empty() && rest.bytes().all(|b| b.is_ascii_digit()))
}

/// Mounts and holders (RAID, LVM, multipath) of the disk or of one of its partitions.
fn used_by(at: &Path, name: &str, mounts: &str) -> String {
    let mut users = names(&at.join("holders"));
    for part in names(at).iter().filter(|part| part.starts_with(name)) {
        users.extend(names(&at.join(part).join("holders")));
    }
    let device = format!("/dev/{name}");
    users.extend(mounts.lines().filter_map(|line| {
        let mut words = line.split(' ');
        let (from, to) = (words.next()?, words.next()?);
        let rest = from.strip_prefix(&device)?;
        let own = rest.bytes().all(|byte| byte.is_ascii_digit() || byte == b'p');
        own.then(|| format!("mount {to}"))
    }));
    users.join(", ")
}
