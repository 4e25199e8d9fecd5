//! Which modules go in: by directory, then everything that those need.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use super::{Drivers, Error};

/// Where virtual machines have what they boot with.
const VIRTIO: &[&str] = &[
    "drivers/block/virtio_blk",
    "drivers/char/hw_random/virtio-rng",
    "drivers/net/virtio_net",
    "drivers/scsi/sd_mod",
    "drivers/scsi/virtio_scsi",
    "drivers/virtio/",
];

/// What puts a file into an image's own partition: its file system, mounted from a RAM disk. For every machine.
const FILE_SYSTEMS: &[&str] = &["drivers/block/brd.", "fs/btrfs/", "fs/ext4/"];

/// Where servers have it.
const SERVERS: &[&str] = &[
    "drivers/ata/",
    "drivers/block/xen-blkfront",
    "drivers/hv/hv_vmbus",
    "drivers/message/fusion/",
    "drivers/mmc/",
    "drivers/net/ethernet/",
    "drivers/net/hyperv/",
    "drivers/net/mdio/",
    "drivers/net/phy/",
    "drivers/net/vmxnet3/",
    "drivers/net/xen-netfront",
    "drivers/nvme/host/",
    "drivers/pci/controller/",
    "drivers/scsi/",
    "drivers/ufs/",
    "drivers/usb/host/",
    "drivers/usb/storage/",
];

/// What the directories hold besides drivers of disks: tapes, changers, CD-ROMs, test devices,
/// PCMCIA, and offload engines of no use before an operating system is there.
const NOT: &[&str] = &[
    "drivers/mmc/core/mmc_test",
    "drivers/nvme/host/nvme-tcp",
    "drivers/nvme/host/nvme-rdma",
    "drivers/nvme/host/nvme-fc",
    "drivers/scsi/be2iscsi/",
    "drivers/scsi/bnx2fc/",
    "drivers/scsi/bnx2i/",
    "drivers/scsi/ch.",
    "drivers/scsi/cxgbi/",
    "drivers/scsi/fcoe/",
    "drivers/scsi/pcmcia/",
    "drivers/scsi/qedf/",
    "drivers/scsi/qedi/",
    "drivers/scsi/scsi_debug",
    "drivers/scsi/sg.",
    "drivers/scsi/sr_mod",
    "drivers/scsi/st.",
];

/// The modules that go in and depmod's tables cut down to them.
#[derive(Debug)]
pub(super) struct Shipped {
    /// Files below the modules directory, sorted, as they are named there.
    pub(super) files: Vec<String>,
    /// `modules.alias`, `modules.dep`, `modules.softdep`: names and contents.
    pub(super) tables: [(&'static str, String); 3],
}

/// Chooses from `directory` (`lib/modules/KVER`).
pub(super) fn select(directory: &Path, drivers: Drivers) -> Result<Shipped, Error> {
    let table = |name: &str| fs::read_to_string(directory.join(name));
    let dep = table("modules.dep").map_err(|_| Error::NoDepmod(directory.to_owned()))?;
    // Without these two a kernel still boots: nothing asks by alias, nothing depends softly.
    let alias = table("modules.alias").unwrap_or_default();
    let soft = table("modules.softdep").unwrap_or_default();
    let graph = Graph::read(&dep, &alias, &soft);
    let mut shipped = BTreeSet::new();
    for (name, file) in &graph.files {
        if wanted(file, drivers) {
            graph.follow(name, &mut shipped);
        }
    }
    if shipped.is_empty() {
        return Err(Error::NoModules(directory.to_owned()));
    }
    Ok(graph.cut(&shipped, &dep, &alias, &soft))
}

fn wanted(file: &str, drivers: Drivers) -> bool {
    let place = file.strip_prefix("kernel/").unwrap_or(file);
    let any = |list: &[&str]| list.iter().any(|prefix| place.starts_with(prefix));
    match drivers {
        _ if any(FILE_SYSTEMS) => true,
        Drivers::Virtio => any(VIRTIO),
        Drivers::All => (any(VIRTIO) || any(SERVERS)) && !any(NOT),
    }
}

/// depmod's tables, by module name.
#[derive(Debug, Default)]
struct Graph {
    files: BTreeMap<String, String>,
    needs: BTreeMap<String, Vec<String>>,
    /// Exact aliases (`crypto-crc32c`), by which soft dependencies name modules.
    aliases: BTreeMap<String, Vec<String>>,
}

impl Graph {
    fn read(dep: &str, alias: &str, soft: &str) -> Self {
        let mut graph = Self::default();
        for (file, needs) in dep.lines().filter_map(|line| line.split_once(':')) {
            let name = name_of(file);
            graph.files.insert(name.clone(), file.to_owned());
            let needs = needs.split_ascii_whitespace().map(name_of);
            graph.needs.entry(name).or_default().extend(needs);
        }
        for line in alias.lines() {
            if let Some((pattern, module)) = alias_of(line) {
                graph.aliases.entry(plain(pattern)).or_default().push(plain(module));
            }
        }
        for (module, words) in soft.lines().filter_map(softdep_of) {
            let softly = words.filter(|word| !word.ends_with(':')).map(plain);
            graph.needs.entry(module).or_default().extend(softly);
        }
        graph
    }

    /// Takes in a module and all that it needs; a soft need that is built in is in no table.
    fn follow(&self, name: &str, shipped: &mut BTreeSet<String>) {
        let mut left = vec![name.to_owned()];
        while let Some(name) = left.pop() {
            if !self.files.contains_key(&name) {
                left.extend(self.aliases.get(&name).into_iter().flatten().cloned());
            } else if shipped.insert(name.clone()) {
                left.extend(self.needs.get(&name).into_iter().flatten().cloned());
            }
        }
    }

    fn cut(&self, shipped: &BTreeSet<String>, dep: &str, alias: &str, soft: &str) -> Shipped {
        let has = |module: &str| shipped.contains(&plain(module));
        let dep =
            keep(dep, |line| line.split_once(':').is_some_and(|(file, _)| has(&name_of(file))));
        let alias = keep(alias, |line| alias_of(line).is_some_and(|(_, module)| has(module)));
        let soft = keep(soft, |line| softdep_of(line).is_some_and(|(module, _)| has(&module)));
        let mut files: Vec<_> = shipped.iter().filter_map(|name| self.files.get(name)).collect();
        files.sort();
        Shipped {
            files: files.into_iter().cloned().collect(),
            tables: [
                ("modules.alias", alias),
                // The archive holds modules unpacked, whatever the distribution does.
                ("modules.dep", unpacked_names(&dep)),
                ("modules.softdep", soft),
            ],
        }
    }
}

/// The name that a module's file has in the archive.
pub(super) fn unpacked_name(file: &str) -> &str {
    ["xz", "zst"].iter().find_map(|end| file.strip_suffix(end)?.strip_suffix('.')).unwrap_or(file)
}

fn unpacked_names(dep: &str) -> String {
    let word = |word: &str| match word.strip_suffix(':') {
        Some(file) => format!("{}:", unpacked_name(file)),
        None => unpacked_name(word).to_owned(),
    };
    let line = |line: &str| line.split(' ').map(word).collect::<Vec<_>>().join(" ") + "\n";
    dep.lines().map(line).collect()
}

fn keep(table: &str, test: impl Fn(&str) -> bool) -> String {
    table.lines().filter(|line| test(line)).flat_map(|line| [line, "\n"]).collect()
}

/// `alias PATTERN MODULE`
fn alias_of(line: &str) -> Option<(&str, &str)> {
    let mut words = line.strip_prefix("alias ")?.split_ascii_whitespace();
    words.next().zip(words.next())
}

/// `softdep MODULE pre: … post: …`
fn softdep_of(line: &str) -> Option<(String, std::str::SplitAsciiWhitespace<'_>)> {
    let mut words = line.strip_prefix("softdep ")?.split_ascii_whitespace();
    Some((plain(words.next()?), words))
}

/// `kernel/drivers/net/virtio_net.ko.xz` is `virtio_net`.
fn name_of(file: &str) -> String {
    let base = file.rsplit('/').next().unwrap_or(file);
    plain(base.split_once(".ko").map_or(base, |(name, _)| name))
}

/// Names differ in dashes and underscores between tables; the kernel takes them for the same.
fn plain(module: &str) -> String {
    module.replace('-', "_")
}
