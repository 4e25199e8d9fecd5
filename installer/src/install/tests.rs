use std::fs;
use std::path::PathBuf;

use api::node::{After, DiskRule, ImageFormat, ImageSource};

use super::*;
use crate::gpt::tests as gpt_tests;
use crate::log::Log;
use crate::progress::Progress;
use crate::testing::systems::LoopDevice;
use crate::testing::{Act, HttpServer};

mod chunks;
mod ignition;
mod server;

const DISK: u64 = 64 << 20;

/// A disk full of old data, as a regular file.
struct Lab {
    _directory: tempfile::TempDir,
    disk: PathBuf,
    log: Log,
    progress: Progress,
    scratch: LoopDevice,
}

impl Lab {
    fn new(size: u64) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let disk = directory.path().join("disk");
        fs::write(&disk, vec![0xee; usize::try_from(size).unwrap()]).unwrap();
        Self {
            _directory: directory,
            disk,
            log: Log::quiet(),
            progress: Progress::default(),
            scratch: LoopDevice::new(),
        }
    }

    fn install(&self, order: &InstallOrder) -> Result<Done, Stop> {
        self.install_pausing(order, &|_| {})
    }

    fn install_pausing(
        &self,
        order: &InstallOrder,
        pause: crate::backoff::Pause<'_>,
    ) -> Result<Done, Stop> {
        let target = Target::open(&self.disk, 512).unwrap();
        let Self { log, progress, scratch, .. } = self;
        let context = Context { pause, log, progress, scratch, seed: 1 };
        install(order, &target, context)
    }

    fn disk(&self) -> Vec<u8> {
        fs::read(&self.disk).unwrap()
    }

    fn first_mib_is_blank(&self) -> bool {
        self.disk()[..MIB].iter().all(|byte| *byte == 0)
    }
}

/// 16 MiB with a partition table, some text and long runs of zeros.
fn image() -> Vec<u8> {
    let mut image = gpt_tests::image(512);
    for (n, byte) in image[2 * MIB..4 * MIB].iter_mut().enumerate() {
        *byte = u8::try_from(n * 7 % 251).unwrap();
    }
    image[9 * MIB + 17] = 1;
    image
}

fn order(server: &HttpServer, fetched: &[u8], format: ImageFormat) -> InstallOrder {
    InstallOrder {
        node: "n1".into(),
        hostname: "node1".into(),
        generation: 1,
        boot: "b1".into(),
        image: ImageSource {
            url: server.url(),
            sha256: hex::encode(Sha256::digest(fetched)),
            format,
        },
        disk: DiskRule::Path("/dev/vda".into()),
        wipe: Wipe::default(),
        first_boot: FirstBoot::None,
        after: After::Reboot,
        heartbeat_seconds: 15,
    }
}

fn packed(image: &[u8]) -> Vec<u8> {
    zstd::encode_all(image, 3).unwrap()
}

fn reason(stop: &Stop) -> (Stage, String, bool) {
    let failed = stop.report().unwrap();
    (failed.stage, failed.reason, failed.retryable)
}

#[test]
fn a_raw_image_and_a_packed_one_arrive_byte_for_byte() {
    for format in [ImageFormat::Raw, ImageFormat::RawZstd] {
        let (lab, image) = (Lab::new(DISK), image());
        let bytes = if format == ImageFormat::Raw { image.clone() } else { packed(&image) };
        let server = HttpServer::start(bytes.clone(), []);
        let done = lab.install(&order(&server, &bytes, format)).unwrap();
        assert_eq!(done.image_bytes, image.len() as u64);
        assert!(lab.disk()[..image.len()] == image[..], "{format:?}");
    }
}

#[test]
fn an_image_of_several_zstandard_frames_arrives_whole() {
    let (lab, image) = (Lab::new(DISK), image());
    let mut bytes = packed(&image[..5 * MIB + 3]);
    bytes.extend(packed(&image[5 * MIB + 3..]));
    let server = HttpServer::start(bytes.clone(), []);
    lab.install(&order(&server, &bytes, ImageFormat::RawZstd)).unwrap();
    assert!(lab.disk()[..image.len()] == image[..]);
}

#[test]
fn an_image_smaller_than_a_mib_or_not_of_whole_sectors_arrives() {
    for length in [700, MIB, MIB + 1, 3 * MIB + 513] {
        let (lab, image) = (Lab::new(DISK), image());
        let bytes = &image[..length];
        let server = HttpServer::start(bytes.to_vec(), []);
        let done = lab.install(&order(&server, bytes, ImageFormat::Raw)).unwrap();
        assert_eq!(done.image_bytes, length as u64);
        assert!(lab.disk()[..length] == *bytes, "{length}");
    }
}

#[test]
fn old_signatures_at_both_ends_of_the_disk_are_gone() {
    let (lab, image) = (Lab::new(DISK), image());
    let server = HttpServer::start(image.clone(), []);
    lab.install(&order(&server, &image, ImageFormat::Raw)).unwrap();
    let disk = lab.disk();
    assert!(disk[disk.len() - MIB..].iter().all(|byte| *byte == 0));
    assert_eq!(disk[disk.len() - MIB - 1], 0xee, "more was wiped than ordered");
}

#[test]
fn wiping_nothing_leaves_what_the_image_does_not_cover() {
    let (lab, image) = (Lab::new(DISK), image());
    let server = HttpServer::start(image.clone(), []);
    let mut order = order(&server, &image, ImageFormat::Raw);
    order.wipe = Wipe::None;
    lab.install(&order).unwrap();
    assert!(lab.disk()[image.len()..].iter().all(|byte| *byte == 0xee));
}

#[test]
fn discarding_leaves_nothing_of_the_old_disk() {
    let (lab, image) = (Lab::new(DISK), image());
    let server = HttpServer::start(image.clone(), []);
    let mut order = order(&server, &image, ImageFormat::Raw);
    order.wipe = Wipe::Discard;
    lab.install(&order).unwrap();
    assert!(lab.disk()[image.len()..].iter().all(|byte| *byte == 0));
}

#[test]
fn a_wrong_hash_leaves_the_first_mib_blank_and_names_both_hashes() {
    for format in [ImageFormat::Raw, ImageFormat::RawZstd] {
        let (lab, image) = (Lab::new(DISK), image());
        let mut bytes = if format == ImageFormat::Raw { image.clone() } else { packed(&image) };
        let order_for = bytes.clone();
        let middle = bytes.len() / 2;
        bytes[middle] ^= 0x10;
        let server = HttpServer::start(bytes.clone(), []);
        let order = order(&server, &order_for, format);
        let (stage, reason, retryable) = reason(&lab.install(&order).unwrap_err());
        assert_eq!((stage, retryable), (Stage::Write, true));
        assert!(reason.contains(&order.image.sha256), "{reason}");
        assert!(reason.contains(&hex::encode(Sha256::digest(&bytes))), "{reason}");
        assert!(lab.first_mib_is_blank());
    }
}

#[test]
fn the_right_bytes_in_the_wrong_format_are_a_lasting_failure() {
    let (lab, image) = (Lab::new(DISK), image());
    let server = HttpServer::start(image.clone(), []);
    let stop = lab.install(&order(&server, &image, ImageFormat::RawZstd)).unwrap_err();
    let (stage, reason, retryable) = reason(&stop);
    assert_eq!((stage, retryable), (Stage::Write, false));
    assert!(reason.contains("cannot be unpacked"), "{reason}");
    assert!(lab.first_mib_is_blank());
}

#[test]
fn a_packed_image_that_stops_early_never_counts_as_complete() {
    let (lab, image) = (Lab::new(DISK), image());
    let mut bytes = packed(&image);
    bytes.truncate(bytes.len() / 2);
    let server = HttpServer::start(bytes.clone(), []);
    // Even the hash is right: the frame itself is not whole.
    let stop = lab.install(&order(&server, &bytes, ImageFormat::RawZstd)).unwrap_err();
    assert!(!reason(&stop).2);
    assert!(lab.first_mib_is_blank());
}

#[test]
fn an_image_larger_than_the_disk_is_refused_with_the_disks_size() {
    for size in [8 << 20, 1 << 19] {
        let (lab, image) = (Lab::new(size), image());
        let server = HttpServer::start(image.clone(), []);
        let stop = lab.install(&order(&server, &image, ImageFormat::Raw));
        let (stage, reason, retryable) = reason(&stop.unwrap_err());
        assert_eq!((stage, retryable), (Stage::Write, false));
        assert!(reason.contains(&format!("{size} bytes")), "{reason}");
    }
}

#[test]
fn a_seed_is_added_for_cloud_init_and_the_table_is_valid_on_the_larger_disk() {
    let (lab, image) = (Lab::new(DISK), image());
    let server = HttpServer::start(image.clone(), []);
    let mut order = order(&server, &image, ImageFormat::Raw);
    let files = BTreeMap::from([("user-data".to_owned(), "#cloud-config\n".to_owned())]);
    order.first_boot = FirstBoot::CloudInit { files: files.clone() };
    lab.install(&order).unwrap();
    let disk = lab.disk();
    // Everything of the image but its table is as it was.
    assert!(disk[MIB..image.len()] == image[MIB..]);
    let read = ::gpt::GptConfig::new().open(&lab.disk).unwrap();
    let seed = read.partitions()[&15].clone();
    assert_eq!(seed.name, "CIDATA");
    let start = usize::try_from(seed.first_lba * 512).unwrap();
    let volume = &disk[start..start + usize::try_from(seed::BYTES).unwrap()];
    let system =
        fatfs::FileSystem::new(io::Cursor::new(volume.to_vec()), fatfs::FsOptions::new()).unwrap();
    let mut text = String::new();
    let mut file = system.root_dir().open_file("user-data").unwrap();
    io::Read::read_to_string(&mut file, &mut text).unwrap();
    assert_eq!(text, files["user-data"]);
    assert_eq!(system.volume_label(), "CIDATA");
}

#[test]
fn no_room_for_the_seed_leaves_the_first_mib_blank() {
    let (lab, image) = (Lab::new(12 << 20), image());
    let bytes = &image[..11 << 20];
    let server = HttpServer::start(bytes.to_vec(), []);
    let mut order = order(&server, bytes, ImageFormat::Raw);
    order.first_boot = FirstBoot::CloudInit { files: BTreeMap::new() };
    let (stage, reason, retryable) = reason(&lab.install(&order).unwrap_err());
    assert_eq!((stage, retryable), (Stage::Configure, false));
    assert!(reason.contains("no room"), "{reason}");
    assert!(lab.first_mib_is_blank());
}

#[test]
fn two_orders_never_give_the_same_partition_guid() {
    let server = HttpServer::start(Vec::new(), []);
    let first = order(&server, b"", ImageFormat::Raw);
    let mut second = first.clone();
    second.node = "n2".into();
    let files = BTreeMap::new();
    assert_ne!(partition_guid(&first, &files), partition_guid(&second, &files));
    assert_eq!(partition_guid(&first, &files)[7] >> 4, 8);
    assert_eq!(partition_guid(&first, &files)[8] >> 6, 2);
}
