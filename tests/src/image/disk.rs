//! The disk, from files alone: partition table, boot code, ESP, root filesystem.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Seek, SeekFrom, Write};
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::process::Command;

use anyhow::Context;
use sha2::{Digest, Sha256};

use super::layout::{self, Layout, SECTOR};
use super::recipe::Ids;
use super::{grub, run};

const GRUB_PC: &str = "/usr/lib/grub/i386-pc";
/// What UEFI starts from: where it comes from on the builder, and its path on the ESP. Not the fallback
/// (`fbx64.efi`): shim would run it, and it writes boot entries into the machine.
const EFI: &[(&str, &str)] = &[
    ("/usr/lib/shim/shimx64.efi.signed", "EFI/BOOT/BOOTX64.EFI"),
    ("/usr/lib/shim/mmx64.efi.signed", "EFI/BOOT/mmx64.efi"),
    ("/usr/lib/grub/x86_64-efi-signed/grubx64.efi.signed", "EFI/BOOT/grubx64.efi"),
];

/// Makes the disk `raw` from `tree` and gives its size in bytes.
///
/// # Errors
/// When a program is missing or fails; the message names it.
pub(super) fn assemble(tree: &Path, raw: &Path, ids: &Ids, scratch: &Path) -> anyhow::Result<u64> {
    let layout = Layout::for_root(layout::root_bytes(blocks(tree)?));
    File::create(raw)?.set_len(layout.total * SECTOR)?;
    partition(raw, &layout, ids)?;
    boot_by_bios(raw, &layout, scratch)?;
    boot_by_uefi(raw, &layout, ids, scratch)?;
    root_filesystem(tree, raw, &layout, ids)?;
    Ok(layout.total * SECTOR)
}

/// Packs `raw` into `packed` and gives the SHA-256 of the latter in hex; both are on the disk afterwards.
///
/// # Errors
/// When `zstd` fails or a file cannot be read.
pub(super) fn pack(raw: &Path, packed: &Path) -> anyhow::Result<String> {
    run::run(Command::new("zstd").args(["-q", "-10", "-T0", "-o"]).arg(packed).arg(raw))?;
    let mut file = File::open(packed)?;
    file.sync_all()?;
    let mut hash = Hash(Sha256::new());
    io::copy(&mut file, &mut hash)?;
    Ok(hex::encode(hash.0.finalize()))
}

struct Hash(Sha256);

impl Write for Hash {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.update(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Bytes that the files below `dir` take in blocks of 4 KiB, one more block for each directory.
fn blocks(dir: &Path) -> anyhow::Result<u64> {
    let mut sum = 0;
    for entry in dir.read_dir().with_context(|| format!("cannot list {}", dir.display()))? {
        let entry = entry?;
        let meta = entry.metadata()?;
        if meta.is_dir() {
            sum += meta.len().next_multiple_of(4096) + blocks(&entry.path())?;
        } else if meta.is_file() {
            // A file of several links is counted at each of them: too much, never too little.
            sum += meta.size().next_multiple_of(4096);
        }
    }
    Ok(sum)
}

fn partition(raw: &Path, layout: &Layout, ids: &Ids) -> anyhow::Result<()> {
    let mut command = Command::new("sgdisk");
    command.args(["--clear", &format!("--disk-guid={}", ids.disk)]);
    let parts = [
        (layout.bios, "ef02", "bios-boot"),
        (layout.esp, "ef00", "esp"),
        (layout.root, "8304", "root"),
    ];
    for (number, (span, kind, name)) in (1..).zip(parts) {
        command.arg(format!("--new={number}:{}:{}", span.first, span.last()));
        command.arg(format!("--typecode={number}:{kind}"));
        command.arg(format!("--change-name={number}:{name}"));
    }
    command.arg(format!("--partition-guid=3:{}", ids.root_partition));
    run::run(command.arg(raw))
}

fn boot_by_bios(raw: &Path, layout: &Layout, scratch: &Path) -> anyhow::Result<()> {
    let core = scratch.join("core.img");
    let mut command = Command::new("grub-mkimage");
    command.args(["-O", "i386-pc", "-d", GRUB_PC, "-p", grub::PREFIX, "-o"]).arg(&core);
    run::run(command.args(grub::MODULES))?;
    let boot_img = Path::new(GRUB_PC).join("boot.img");
    let boot_img = fs::read(&boot_img)
        .with_context(|| format!("cannot read {}: install grub-pc-bin", boot_img.display()))?;
    put(raw, 0, &grub::boot_code(&boot_img, layout.bios.first)?)?;
    put(raw, layout.bios.offset(), &grub::place_core(fs::read(core)?, layout.bios)?)
}

fn boot_by_uefi(raw: &Path, layout: &Layout, ids: &Ids, scratch: &Path) -> anyhow::Result<()> {
    let fat = scratch.join("esp.fat");
    File::create(&fat)?.set_len(layout.esp.bytes())?;
    run::run(Command::new("mkfs.vfat").args(["-F", "32", "-s", "1", "-n", "ESP"]).arg(&fat))?;
    let config = scratch.join("grub.cfg");
    fs::write(&config, grub::esp_config(ids))?;
    run::run(Command::new("mmd").arg("-i").arg(&fat).args([
        "::EFI",
        "::EFI/BOOT",
        "::EFI/debian",
    ]))?;
    let config = config.to_string_lossy();
    for (from, to) in EFI.iter().copied().chain([(config.as_ref(), "EFI/debian/grub.cfg")]) {
        run::run(Command::new("mcopy").arg("-i").arg(&fat).args([from, &format!("::{to}")]))?;
    }
    put(raw, layout.esp.offset(), &fs::read(&fat)?)
}

fn root_filesystem(tree: &Path, raw: &Path, layout: &Layout, ids: &Ids) -> anyhow::Result<()> {
    let mut command = Command::new("mke2fs");
    command.args([
        "-q",
        "-F",
        "-t",
        "ext4",
        "-b",
        "4096",
        "-L",
        "root",
        "-U",
        &ids.root_filesystem,
        "-m",
        "1",
    ]);
    // GRUB 2.06 reads neither feature. Nothing is left for the first boot to initialise.
    command.args(["-O", "^metadata_csum_seed,^orphan_file", "-J", "size=8", "-i", "16384"]);
    command.arg("-E");
    command.arg(format!("offset={},lazy_itable_init=0,lazy_journal_init=0", layout.root.offset()));
    command.arg("-d").arg(tree).arg(raw).arg(format!("{}k", layout.root.bytes() / 1024));
    run::run(&mut command)
}

fn put(file: &Path, offset: u64, bytes: &[u8]) -> anyhow::Result<()> {
    let mut file = OpenOptions::new().write(true).open(file)?;
    file.seek(SeekFrom::Start(offset))?;
    Ok(file.write_all(bytes)?)
}

#[cfg(test)]
mod tests;
