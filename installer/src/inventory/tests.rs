use std::os::unix::fs::symlink;

use super::*;

/// A `/sys` and `/proc` of its own.
struct Tree(tempfile::TempDir);

impl Tree {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn file(&self, path: &str, text: impl AsRef<[u8]>) -> &Self {
        let path = self.0.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
        self
    }

    fn disk(&self, name: &str, way: &str) -> &Self {
        let at = format!("sys/devices/{way}/block/{name}");
        self.file(&format!("{at}/size"), "2048\n");
        fs::create_dir_all(self.0.path().join("sys/block")).unwrap();
        symlink(self.0.path().join(&at), self.0.path().join("sys/block").join(name)).unwrap();
        self
    }

    fn disks(&self) -> Vec<Candidate> {
        disks::find(self.0.path())
    }
}

#[test]
fn a_virtio_disk_has_serial_size_transport_and_hardware_path() {
    let tree = Tree::new();
    let way = "pci0000:00/0000:00:04.0/virtio1";
    tree.disk("vda", way).file(&format!("sys/devices/{way}/block/vda/serial"), "DISK1");
    let found = tree.disks();
    let disk = &found[0].disk;
    assert_eq!((disk.name.as_str(), disk.serial.as_str()), ("vda", "DISK1"));
    assert_eq!((disk.size_bytes, disk.transport.as_str()), (1 << 20, "virtio"));
    assert_eq!(disk.path, "pci-0000:00:04.0");
}

#[test]
fn sata_scsi_nvme_and_usb_disks_are_told_apart() {
    let tree = Tree::new();
    let sata = "pci0000:00/0000:00:1f.2/ata3/host2/target2:0:0/2:0:0:0";
    let nvme = "pci0000:00/0000:01:00.0/nvme/nvme0";
    let usb = "pci0000:00/0000:00:1d.0/usb1/1-2/1-2:1.0/host6/target6:0:0/6:0:0:0";
    let scsi = "pci0000:00/0000:03:00.0/virtio2/host4/target4:0:1/4:0:1:0";
    tree.disk("sda", sata).disk("nvme0n1", nvme).disk("sdb", usb).disk("sdc", scsi);
    tree.file(&format!("sys/devices/{nvme}/block/nvme0n1/nsid"), "1\n");
    tree.file("sys/devices/pci0000:00/0000:00:1f.2/ata3/ata_port/ata3/port_no", "1\n");
    let found = tree.disks();
    let seen: Vec<_> = found
        .iter()
        .map(|found| (&found.disk.name[..], &found.disk.transport[..], &found.disk.path[..]))
        .collect();
    assert_eq!(
        seen,
        [
            ("nvme0n1", "nvme", "pci-0000:01:00.0-nvme-1"),
            ("sda", "sata", "pci-0000:00:1f.2-ata-1"),
            ("sdb", "usb", "pci-0000:00:1d.0-usb-0:2:1.0-scsi-0:0:0:0"),
            ("sdc", "scsi", "pci-0000:03:00.0-scsi-0:0:1:0"),
        ]
    );
}

#[test]
fn a_scsi_serial_comes_from_its_vpd_page_and_its_wwn_in_udevs_spelling() {
    let tree = Tree::new();
    let way = "pci0000:00/0000:00:1f.2/ata1/host0/target0:0:0/0:0:0:0";
    tree.disk("sda", way);
    let device = format!("sys/devices/{way}/block/sda/device");
    tree.file(&format!("{device}/vpd_pg80"), b"\x00\x80\x00\x08  WD-1234");
    tree.file(&format!("{device}/wwid"), "naa.5000c500a1b2c3d4\n");
    let disk = &tree.disks()[0].disk;
    assert_eq!((&disk.serial[..], &disk.wwn[..]), ("WD-1234", "0x5000c500a1b2c3d4"));
}

#[test]
fn loops_cdroms_and_empty_drives_are_no_disks() {
    let tree = Tree::new();
    tree.disk("loop0", "virtual/l").disk("sr0", "pci0000:00/cd").disk("sdx", "pci0000:00/reader");
    tree.file("sys/devices/pci0000:00/reader/block/sdx/size", "0\n");
    assert_eq!(tree.disks(), []);
}

#[test]
fn a_disk_is_in_use_by_mounts_and_holders_of_its_partitions() {
    let tree = Tree::new();
    tree.disk("vda", "pci0000:00/0000:00:04.0/virtio1")
        .disk("vdb", "pci0000:00/0000:00:05.0/virtio2");
    tree.disk("vdaa", "pci0000:00/0000:00:06.0/virtio3");
    tree.file("sys/devices/pci0000:00/0000:00:05.0/virtio2/block/vdb/vdb2/holders/dm-0", "");
    tree.file("proc/mounts", "/dev/vda1 / ext4 rw 0 0\n/dev/vdaa /x ext4 rw 0 0\n");
    let used: Vec<_> = tree.disks().into_iter().map(|found| found.used_by).collect();
    assert_eq!(used, ["mount /", "mount /x", "dm-0"]);
}

#[test]
fn the_machine_is_read_from_dmi_cpus_and_memory() {
    let tree = Tree::new();
    tree.file("sys/class/dmi/id/product_uuid", "ABCD-EF\n")
        .file("sys/class/dmi/id/product_serial", "SN0001\n")
        .file("sys/devices/system/cpu/online", "0-3,8\n")
        .file("proc/meminfo", "MemTotal:        1024 kB\nMemFree: 1 kB\n")
        .file("sys/class/net/eth0/type", "1\n")
        .file("sys/class/net/eth0/address", "52:54:00:AB:00:01\n")
        .file("sys/class/net/lo/type", "772\n");
    let seen = look(tree.0.path(), &[]);
    assert_eq!((&seen.uuid[..], &seen.serial[..]), ("abcd-ef", "SN0001"));
    assert_eq!((seen.cpus, seen.memory_bytes), (5, 1 << 20));
    assert_eq!((&seen.firmware[..], seen.nics.len()), ("bios", 1));
    assert_eq!(seen.nics[0].mac, "52:54:00:ab:00:01");
}

#[test]
fn a_machine_that_shows_nothing_gives_an_empty_inventory() {
    let seen = look(Tree::new().0.path(), &[]);
    assert_eq!((seen.cpus, seen.memory_bytes, seen.serial), (0, 0, String::new()));
}
