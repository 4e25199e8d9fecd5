use std::fs;

use super::*;
use crate::gpt::tests as gpt_tests;
use crate::log::Log;
use crate::progress::Progress;
use crate::testing::systems::{LoopDevice, assert_clean, btrfs, debugfs, ext4};

const CONFIG: &str = r#"{"ignition":{"version":"3.0.0"}}"#;
const FSCK: (&str, &[&str]) = ("e2fsck", &["-f", "-n"]);

/// A disk that an image has been written to, all but its first MiB.
struct Disk {
    directory: tempfile::TempDir,
    head: Vec<u8>,
    scratch: LoopDevice,
    progress: Progress,
}

impl Disk {
    fn new(partitions: &[(&str, &[u8])]) -> Self {
        let mut image = gpt_tests::image_of(partitions);
        let head = image[..MIB].to_vec();
        image[..MIB].fill(0);
        let directory = tempfile::tempdir().unwrap();
        fs::write(directory.path().join("disk"), image).unwrap();
        Self { directory, head, scratch: LoopDevice::new(), progress: Progress::default() }
    }

    fn bytes(&self) -> Vec<u8> {
        fs::read(self.directory.path().join("disk")).unwrap()
    }

    fn put(&self, config: &str, place: IgnitionPlace) -> Result<Vec<Patch>, PutError> {
        let target = Target::open(&self.directory.path().join("disk"), 512).unwrap();
        let context = Context {
            pause: &|_| {},
            log: &Log::quiet(),
            progress: &self.progress,
            scratch: &self.scratch,
            seed: 1,
        };
        put(config, place, &self.head, &target, context)
    }

    /// The bytes of a partition as they are when all is written.
    fn partition(&self, patches: &[Patch], number: u32) -> Vec<u8> {
        let mut bytes = self.bytes();
        for patch in patches {
            let at = usize::try_from(patch.offset).unwrap();
            bytes[at..at + patch.bytes.len()].copy_from_slice(&patch.bytes);
        }
        let all = gpt::partitions(&self.head, 512).unwrap();
        let partition = all.into_iter().find(|it| it.number == number).unwrap();
        let at = usize::try_from(partition.offset).unwrap();
        bytes[at..at + usize::try_from(partition.bytes).unwrap()].to_vec()
    }

    /// Refused, with nothing changed on the disk; what it says.
    fn refuses(&self, config: &str, place: IgnitionPlace) -> String {
        let before = self.bytes();
        let stop = self.put(config, place).unwrap_err().into_stop();
        assert!(self.bytes() == before, "the disk was changed");
        let failed = stop.report().unwrap();
        assert_eq!((failed.stage, failed.retryable), (Stage::Configure, false));
        failed.reason
    }
}

#[test]
fn fedora_coreos_finds_its_config_in_the_boot_partition_as_coreos_installer_puts_it() {
    let (boot, root) = (ext4("boot", 8, &["mkdir /grub2"]), ext4("root", 4, &[]));
    let disk = Disk::new(&[("EFI-SYSTEM", &[1; 512]), ("boot", &boot), ("root", &root)]);
    let patches = disk.put(CONFIG, IgnitionPlace::Boot).unwrap();
    let boot = disk.partition(&patches, 2);
    assert_clean(&boot, FSCK.0, FSCK.1);
    assert_eq!(debugfs(&boot, "cat /ignition/config.ign"), CONFIG);
    assert!(debugfs(&boot, "stat /ignition/config.ign").contains("Mode:  0600"));
    assert!(debugfs(&boot, "stat /ignition").contains("Mode:  0700"));
    assert!(debugfs(&boot, "ls /").contains("grub2"));
    assert!(disk.partition(&patches, 3) == root, "another partition was changed");
}

#[test]
fn flatcar_finds_its_config_in_a_btrfs_partition_named_oem() {
    let disk = Disk::new(&[("ROOT", &ext4("OEM", 4, &[])), ("OEM", &btrfs("OEM"))]);
    let patches = disk.put(CONFIG, IgnitionPlace::Oem).unwrap();
    let after = Disk::new(&[("OEM", &disk.partition(&patches, 2))]);
    assert_clean(&after.partition(&[], 1), "btrfs", &["check", "--readonly"]);
    // Read by a mount of its own.
    let target = Target::open(&after.directory.path().join("disk"), 512).unwrap();
    let copy = Copy { number: 1, kind: Kind::Btrfs, target: &target, offset: MIB as u64 };
    let scratch =
        crate::scratch::Scratch::device(&after.scratch, 128 << 20, Kind::Btrfs, &Log::quiet());
    let scratch = scratch.unwrap();
    let (log, progress) = (Log::quiet(), Progress::default());
    let context = Context {
        pause: &|_| {},
        log: &log,
        progress: &progress,
        scratch: &after.scratch,
        seed: 1,
    };
    copy.fill(128 << 20, &scratch, context).unwrap();
    copy.check(CONFIG, IgnitionPlace::Oem, &scratch).unwrap();
}

#[test]
fn an_older_flatcar_has_ext4_there() {
    let disk = Disk::new(&[("OEM", &ext4("OEM", 8, &[])), ("boot", &ext4("boot", 8, &[]))]);
    let patches = disk.put(CONFIG, IgnitionPlace::Oem).unwrap();
    let oem = disk.partition(&patches, 1);
    assert_clean(&oem, FSCK.0, FSCK.1);
    assert_eq!(debugfs(&oem, "cat /config.ign"), CONFIG);
    assert!(debugfs(&oem, "stat /config.ign").contains("Mode:  0600"));
}

#[test]
fn an_image_without_the_partition_is_refused_with_what_it_has() {
    let disk = Disk::new(&[("boot", &[7; 4096]), ("root", &ext4("root", 4, &[]))]);
    let message = disk.refuses(CONFIG, IgnitionPlace::Boot);
    assert!(message.contains("has 0 ext4 file systems labelled `boot`"), "{message}");
    assert!(message.contains(r#"1 "boot", 2 "root" (ext4, labelled "root")"#), "{message}");
    let message = disk.refuses(CONFIG, IgnitionPlace::Oem);
    assert!(message.contains("write `config: ignition`"), "{message}");
    let message = Disk::new(&[]).refuses(CONFIG, IgnitionPlace::Boot);
    assert!(message.ends_with("it has no partition"), "{message}");
}

#[test]
fn of_two_partitions_that_could_be_meant_none_is_chosen() {
    let boot = ext4("boot", 4, &[]);
    let disk = Disk::new(&[("a", &boot), ("b", &boot)]);
    assert!(disk.refuses(CONFIG, IgnitionPlace::Boot).contains("has 2 ext4"));
    let disk = Disk::new(&[("OEM", &boot), ("OEM", &boot)]);
    assert!(disk.refuses(CONFIG, IgnitionPlace::Oem).contains("has 2 partitions named `OEM`"));
}

#[test]
fn a_config_that_the_image_brings_is_never_overwritten() {
    let taken = ext4("boot", 8, &["mkdir /ignition", "write /etc/hostname /ignition/config.ign"]);
    let message = Disk::new(&[("boot", &taken)]).refuses(CONFIG, IgnitionPlace::Boot);
    assert!(message.contains("already has /ignition/config.ign"), "{message}");
    let taken = ext4("OEM", 8, &["write /etc/hostname /config.ign"]);
    let message = Disk::new(&[("OEM", &taken)]).refuses(CONFIG, IgnitionPlace::Oem);
    assert!(message.contains("already has /config.ign"), "{message}");
}

#[test]
fn a_directory_that_is_there_is_used_and_a_link_is_not_followed() {
    let disk = Disk::new(&[("boot", &ext4("boot", 8, &["mkdir /ignition"]))]);
    let patches = disk.put(CONFIG, IgnitionPlace::Boot).unwrap();
    assert_eq!(debugfs(&disk.partition(&patches, 1), "cat /ignition/config.ign"), CONFIG);
    let link = ext4("boot", 8, &["symlink /ignition /tmp"]);
    let message = Disk::new(&[("boot", &link)]).refuses(CONFIG, IgnitionPlace::Boot);
    assert!(message.contains("/ignition/ in the image is no directory"), "{message}");
}

#[test]
fn a_config_that_does_not_fit_is_refused_with_its_size() {
    let disk = Disk::new(&[("boot", &ext4("boot", 1, &[]))]);
    let message = disk.refuses(&"x".repeat(3 << 20), IgnitionPlace::Boot);
    assert!(
        message.contains("partition 1 is full") && message.contains("3145728 bytes"),
        "{message}"
    );
    let message = disk.refuses(&"x".repeat(MAX_CONFIG + 1), IgnitionPlace::Boot);
    assert!(message.contains("8388609 bytes, more than 8388608"), "{message}");
}

#[test]
fn a_partition_without_a_known_file_system_is_refused() {
    let disk = Disk::new(&[("OEM", &vec![7; MIB])]);
    let message = disk.refuses(CONFIG, IgnitionPlace::Oem);
    assert!(message.contains("partition 1 holds neither ext4 nor btrfs"), "{message}");
}

#[test]
fn a_damaged_file_system_is_refused_and_named() {
    let mut boot = ext4("boot", 8, &[]);
    // The group descriptors, behind the superblock: blocks have 1 KiB in so small a file system.
    boot[2048..3072].fill(0xff);
    let message = Disk::new(&[("boot", &boot)]).refuses(CONFIG, IgnitionPlace::Boot);
    assert!(message.contains("partition 1 (ext4): cannot be mounted"), "{message}");
}

#[test]
fn a_partition_that_holds_more_than_the_memory_is_refused() {
    let mut disk = Disk::new(&[("boot", &ext4("boot", 8, &[]))]);
    disk.scratch.room = 64 << 10;
    let message = disk.refuses(CONFIG, IgnitionPlace::Boot);
    assert!(message.contains("holds more than 65536 bytes"), "{message}");
}

#[test]
fn a_partition_that_is_not_on_the_disk_or_lies_in_the_table_is_not_looked_at() {
    let disk = Disk::new(&[("boot", &ext4("boot", 8, &[]))]);
    let file = OpenOptions::new().write(true).open(disk.directory.path().join("disk"));
    file.unwrap().set_len(4 << 20).unwrap();
    assert!(disk.refuses(CONFIG, IgnitionPlace::Boot).contains("has 0 ext4"));
}

#[test]
fn a_boot_that_was_overtaken_changes_nothing() {
    let disk = Disk::new(&[("boot", &ext4("boot", 8, &[]))]);
    disk.progress.refuse("a newer boot has taken over".to_owned());
    let stop = disk.put(CONFIG, IgnitionPlace::Boot).unwrap_err().into_stop();
    assert_eq!(stop.report(), None);
}
