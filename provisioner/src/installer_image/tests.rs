use std::collections::BTreeMap;
use std::io::Read;

use super::*;

const RELEASE: &str = "6.1.0-9-amd64";
const DEP: &str = "kernel/drivers/virtio/virtio.ko:
kernel/drivers/virtio/virtio_ring.ko.zst: kernel/drivers/virtio/virtio.ko
kernel/drivers/block/virtio_blk.ko.xz: kernel/drivers/virtio/virtio_ring.ko.zst kernel/drivers/virtio/virtio.ko
kernel/drivers/net/ethernet/intel/e1000e/e1000e.ko: kernel/drivers/ptp/ptp.ko
kernel/drivers/ptp/ptp.ko:
kernel/drivers/scsi/scsi_debug.ko:
kernel/drivers/gpu/drm/drm.ko:
kernel/crypto/crc32c_generic.ko:
";
const ALIAS: &str = "# Aliases
alias virtio:d00000002v* virtio_blk
alias pci:v00008086d000010D3sv*sd*bc*sc*i* e1000e
alias crypto-crc32c crc32c_generic
alias pci:gpu drm
";
const SOFTDEP: &str = "# Soft
softdep virtio-blk pre: crypto-crc32c not-there
softdep drm post: ptp
";

/// Mode, device and content of a name in the archive.
type Entry = (u32, (u32, u32), Vec<u8>);

/// A kernel package as it lies on disk.
struct Package(tempfile::TempDir);

impl Package {
    fn new() -> Self {
        let package = Self(tempfile::tempdir().unwrap());
        for line in DEP.lines() {
            let file = line.split_once(':').unwrap().0;
            package.file(&format!("lib/modules/{RELEASE}/{file}"), &packed(file));
        }
        for (name, text) in [("dep", DEP), ("alias", ALIAS), ("softdep", SOFTDEP)] {
            package.file(&format!("lib/modules/{RELEASE}/modules.{name}"), text.as_bytes());
        }
        package.file("vmlinuz", &bzimage(RELEASE));
        package.file("installer", &elf(1));
        package
    }

    fn file(&self, path: &str, bytes: &[u8]) {
        let path = self.0.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
    }

    fn options(&self, drivers: Drivers) -> Options {
        let at = |path: &str| self.0.path().join(path);
        Options {
            kernel: at("vmlinuz"),
            modules: at("lib/modules").join(RELEASE),
            out: at("out"),
            agent: Some(at("installer")),
            drivers,
        }
    }

    fn build(&self, drivers: Drivers) -> Result<Report, Error> {
        build(&self.options(drivers))
    }

    fn initrd(&self) -> Vec<u8> {
        fs::read(self.0.path().join("out/initrd.img")).unwrap()
    }

    /// Name to mode, device and content.
    fn entries(&self) -> BTreeMap<String, Entry> {
        let archive = zstd::decode_all(&self.initrd()[..]).unwrap();
        let mut rest = &archive[..];
        let mut entries = BTreeMap::new();
        loop {
            let mut reader = cpio::NewcReader::new(rest).unwrap();
            let entry = reader.entry();
            if entry.is_trailer() {
                return entries;
            }
            let (name, mode) = (entry.name().to_owned(), entry.mode());
            let device = (entry.rdev_major(), entry.rdev_minor());
            assert_eq!(entry.mtime(), 0);
            let mut content = Vec::new();
            reader.read_to_end(&mut content).unwrap();
            rest = reader.finish().unwrap();
            assert!(entries.insert(name, (mode, device, content)).is_none());
        }
    }

    fn modules(&self) -> Vec<String> {
        let names = self.entries().into_keys().filter(|name| name.contains(".ko"));
        names.map(|name| name.rsplit('/').next().unwrap().to_owned()).collect()
    }
}

/// A module's content, compressed as its name says.
fn packed(file: &str) -> Vec<u8> {
    let plain = module(file);
    match file.rsplit('.').next().unwrap() {
        "zst" => zstd::encode_all(&plain[..], 1).unwrap(),
        "xz" => {
            let mut packed = Vec::new();
            lzma_rs::xz_compress(&mut &plain[..], &mut packed).unwrap();
            packed
        }
        _ => plain,
    }
}

fn module(file: &str) -> Vec<u8> {
    let name = file.rsplit('/').next().unwrap().split('.').next().unwrap();
    format!("module {name} and its signature").into_bytes()
}

fn bzimage(release: &str) -> Vec<u8> {
    let mut kernel = vec![0; 0x400];
    kernel[0x202..0x206].copy_from_slice(b"HdrS");
    kernel[0x20e..0x210].copy_from_slice(&0x150u16.to_le_bytes());
    kernel.splice(0x350.., format!("{release} (debian-kernel) #1\0").into_bytes());
    kernel
}

/// An ELF64 file with one program header of this type.
fn elf(kind: u32) -> Vec<u8> {
    let mut file = vec![0; 64 + 56];
    file[..6].copy_from_slice(b"\x7fELF\x02\x01");
    file[32..40].copy_from_slice(&64u64.to_le_bytes());
    file[54..56].copy_from_slice(&56u16.to_le_bytes());
    file[56..58].copy_from_slice(&1u16.to_le_bytes());
    file[64..68].copy_from_slice(&kind.to_le_bytes());
    file
}

#[test]
fn the_archive_starts_the_agent_with_a_console() {
    let package = Package::new();
    package.build(Drivers::All).unwrap();
    let entries = package.entries();
    assert_eq!(entries["init"], (0o100_755, (0, 0), elf(1)));
    assert_eq!(entries["dev/console"], (0o020_600, (5, 1), Vec::new()));
    assert_eq!(entries["sbin/modprobe"], (0o120_777, (0, 0), b"/init".to_vec()));
    for directory in ["dev", "proc", "sys", "run", "sbin", "lib", "lib/modules"] {
        assert_eq!(entries[directory].0, 0o040_755, "{directory}");
    }
}

#[test]
fn every_driver_comes_with_all_it_needs_hard_or_softly_and_nothing_else() {
    let package = Package::new();
    let report = package.build(Drivers::All).unwrap();
    let modules = package.modules();
    assert_eq!(
        modules,
        [
            "crc32c_generic.ko",
            "virtio_blk.ko",
            "e1000e.ko",
            "ptp.ko",
            "virtio.ko",
            "virtio_ring.ko"
        ]
    );
    assert_eq!((report.modules, report.release.as_str()), (modules.len(), RELEASE));
}

#[test]
fn the_virtio_set_leaves_out_hardware() {
    let package = Package::new();
    package.build(Drivers::Virtio).unwrap();
    let modules = package.modules();
    assert!(modules.contains(&"virtio_blk.ko".to_owned()), "{modules:?}");
    assert!(!modules.contains(&"e1000e.ko".to_owned()), "{modules:?}");
}

#[test]
fn packed_modules_are_unpacked_and_the_tables_name_them_so() {
    let package = Package::new();
    package.build(Drivers::Virtio).unwrap();
    let entries = package.entries();
    for name in ["block/virtio_blk.ko", "virtio/virtio_ring.ko", "virtio/virtio.ko"] {
        let path = format!("lib/modules/{RELEASE}/kernel/drivers/{name}");
        assert_eq!(entries[&path].2, module(name), "{name}");
    }
    let table = |name: &str| {
        let path = format!("lib/modules/{RELEASE}/modules.{name}");
        String::from_utf8(entries[&path].2.clone()).unwrap()
    };
    let dep = table("dep");
    assert!(dep.contains(
        "kernel/drivers/block/virtio_blk.ko: kernel/drivers/virtio/virtio_ring.ko \
         kernel/drivers/virtio/virtio.ko\n"
    ));
    assert!(!dep.contains("drm") && !dep.contains("e1000e"), "{dep}");
    assert_eq!(
        table("alias"),
        "alias virtio:d00000002v* virtio_blk\nalias crypto-crc32c crc32c_generic\n"
    );
    assert_eq!(table("softdep"), "softdep virtio-blk pre: crypto-crc32c not-there\n");
}

#[test]
fn the_same_input_gives_the_same_bytes_and_the_kernel_as_it_was() {
    let (one, two) = (Package::new(), Package::new());
    let report = one.build(Drivers::All).unwrap();
    two.build(Drivers::All).unwrap();
    assert!(one.initrd() == two.initrd());
    assert_eq!(report.initrd_bytes, one.initrd().len() as u64);
    let kernel = fs::read(one.0.path().join("out/vmlinuz")).unwrap();
    assert_eq!((kernel.len() as u64, kernel == bzimage(RELEASE)), (report.kernel_bytes, true));
    let left: Vec<_> = fs::read_dir(one.0.path().join("out")).unwrap().collect();
    assert_eq!(left.len(), 2, "{left:?}");
}

#[test]
fn a_kernel_of_another_release_is_refused_with_both_releases() {
    let package = Package::new();
    package.file("vmlinuz", &bzimage("6.1.0-10-amd64"));
    let message = package.build(Drivers::All).unwrap_err().to_string();
    assert!(message.contains("6.1.0-10-amd64") && message.contains(RELEASE), "{message}");
    assert!(!package.0.path().join("out").exists(), "something was written");
}

#[test]
fn missing_tables_are_answered_with_depmod() {
    let package = Package::new();
    let dep = package.options(Drivers::All).modules.join("modules.dep");
    fs::remove_file(dep).unwrap();
    let message = package.build(Drivers::All).unwrap_err().to_string();
    assert!(message.contains("run `depmod"), "{message}");
}

#[test]
fn an_agent_that_cannot_run_is_refused() {
    let package = Package::new();
    package.file("installer", &elf(3));
    let message = package.build(Drivers::All).unwrap_err().to_string();
    assert!(message.contains("dynamically") && message.contains("crt-static"), "{message}");
    package.file("installer", b"#!/bin/sh");
    let message = package.build(Drivers::All).unwrap_err().to_string();
    assert!(message.contains("no 64-bit ELF"), "{message}");
    let mut options = package.options(Drivers::All);
    options.agent = Some("/nowhere/installer".into());
    let message = build(&options).unwrap_err().to_string();
    assert!(message.contains("/nowhere/installer"), "{message}");
}

#[test]
fn a_directory_that_holds_no_modules_is_named() {
    let package = Package::new();
    let mut options = package.options(Drivers::All);
    options.modules = "/nowhere".into();
    assert!(build(&options).unwrap_err().to_string().contains("/nowhere"));
    let dep = package.options(Drivers::All).modules.join("modules.dep");
    fs::write(dep, "kernel/drivers/gpu/drm/drm.ko:\n").unwrap();
    let message = package.build(Drivers::All).unwrap_err().to_string();
    assert!(message.contains("is it the right kernel"), "{message}");
}

#[test]
fn a_module_that_is_damaged_is_named() {
    let package = Package::new();
    let file = "kernel/drivers/block/virtio_blk.ko.xz";
    package.file(&format!("lib/modules/{RELEASE}/{file}"), b"not xz");
    let message = package.build(Drivers::Virtio).unwrap_err().to_string();
    assert!(message.contains(file) && message.contains("unpacked"), "{message}");
}

#[test]
fn sets_of_drivers_have_two_names() {
    assert_eq!("all".parse(), Ok(Drivers::All));
    assert_eq!("virtio".parse(), Ok(Drivers::Virtio));
    assert!("none".parse::<Drivers>().unwrap_err().contains("all or virtio"));
}
