//! GRUB without `grub-install`: the images it would write, and the configurations.

use anyhow::{Context, ensure};

use super::layout::{SECTOR, Span};
use super::recipe::Ids;

/// Boot code of the MBR; the disk signature and the partition table follow it.
const BOOT_CODE: usize = 440;
/// In `boot.img`: u64 LBA of the core image (`GRUB_BOOT_MACHINE_KERNEL_SECTOR`).
const KERNEL_SECTOR: usize = 0x5c;
/// In `boot.img`: the jump over the fix for a BIOS that passes a wrong drive (`GRUB_BOOT_MACHINE_DRIVE_CHECK`).
const DRIVE_CHECK: usize = 0x66;
/// In the core image's first sector: the block list, u64 LBA, u16 count, u16 segment.
const BLOCKLIST: usize = 500;
/// Real-mode segment that the list's blocks are read to (`GRUB_BOOT_MACHINE_KERNEL_SEG` + one sector).
const SEGMENT: u16 = 0x820;

/// Modules of the core image: whatever the configuration below needs on a GPT disk with ext4.
pub(super) const MODULES: &[&str] = &[
    "biosdisk",
    "part_gpt",
    "ext2",
    "normal",
    "configfile",
    "linux",
    "search",
    "search_fs_uuid",
    "search_fs_file",
    "echo",
    "test",
    "true",
    "ls",
    "cat",
    "reboot",
    "halt",
    "minicmd",
];
/// Where the core image finds its configuration: third partition of the disk that it was started from.
pub(super) const PREFIX: &str = "(,gpt3)/boot/grub";

/// Boot code for the MBR, made from GRUB's `boot.img`, that loads a core image at sector `core`.
///
/// # Errors
/// When `boot_img` is no 512-byte boot sector.
pub(super) fn boot_code(boot_img: &[u8], core: u64) -> anyhow::Result<Vec<u8>> {
    let mut code = boot_img.to_vec();
    ensure!(
        code.len() == 512 && code.ends_with(&[0x55, 0xaa]),
        "GRUB's boot.img is no boot sector"
    );
    put(&mut code, KERNEL_SECTOR, &core.to_le_bytes())?;
    put(&mut code, DRIVE_CHECK, &[0x90, 0x90])?;
    code.truncate(BOOT_CODE);
    Ok(code)
}

/// Tells a core image where its own sectors lie: all in one piece from the start of `place`.
///
/// # Errors
/// When it does not fit there or is too short to be a core image.
pub(super) fn place_core(mut core: Vec<u8>, place: Span) -> anyhow::Result<Vec<u8>> {
    let sectors = (core.len() as u64).div_ceil(SECTOR);
    ensure!(
        sectors <= place.sectors,
        "GRUB's core image has {sectors} sectors, its partition {}",
        place.sectors
    );
    let rest = u16::try_from(sectors.saturating_sub(1))?;
    ensure!(rest > 0, "GRUB's core image is too short");
    put(&mut core, BLOCKLIST, &(place.first + 1).to_le_bytes())?;
    put(&mut core, BLOCKLIST + 8, &rest.to_le_bytes())?;
    put(&mut core, BLOCKLIST + 10, &SEGMENT.to_le_bytes())?;
    Ok(core)
}

fn put(bytes: &mut [u8], at: usize, value: &[u8]) -> anyhow::Result<()> {
    let place = bytes.get_mut(at..at + value.len()).context("GRUB image too short")?;
    place.copy_from_slice(value);
    Ok(())
}

/// Configuration on the ESP, where the signed GRUB looks for it.
///
/// The disk that GRUB was read from is asked first: another disk may hold a copy of this very image. Only when
/// GRUB came from elsewhere (the network) the filesystem's identity decides.
pub(super) fn esp_config(ids: &Ids) -> String {
    format!(
        "regexp --set=1:disk '^(hd[0-9]+),' \"$root\"\n\
         if [ -e \"($disk,gpt3)/boot/grub/grub.cfg\" ]; then\n\
         \x20 set root=\"$disk,gpt3\"\n\
         else\n\
         \x20 search --no-floppy --fs-uuid --set=root {}\n\
         fi\n\
         set prefix=($root)/boot/grub\n\
         configfile ($root)/boot/grub/grub.cfg\n",
        ids.root_filesystem
    )
}

/// Configuration on the root filesystem. The two links follow the newest kernel that is installed.
pub(super) fn root_config(ids: &Ids, arguments: &str) -> String {
    format!(
        "set timeout=0\n\
         menuentry Debian {{\n\
         \x20 linux /vmlinuz root=PARTUUID={} ro {arguments}\n\
         \x20 initrd /initrd.img\n\
         }}\n",
        ids.root_partition
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLACE: Span = Span { first: 2048, sectors: 2048 };

    #[test]
    fn the_boot_code_points_to_the_core_and_leaves_the_partition_table_alone() {
        let mut sector = vec![0xee; 512];
        sector[510..].copy_from_slice(&[0x55, 0xaa]);
        let code = boot_code(&sector, 0x0102_0304_0506).unwrap();
        assert_eq!(code.len(), 440);
        assert_eq!(code[0x5c..0x64], [6, 5, 4, 3, 2, 1, 0, 0]);
        assert_eq!(code[0x66..0x68], [0x90, 0x90]);
        assert_eq!(code[0x64..0x66], [0xee, 0xee]);
    }

    #[test]
    fn what_is_no_boot_sector_is_refused() {
        assert!(boot_code(&[0; 512], 1).is_err());
        assert!(boot_code(&[0x55, 0xaa], 1).is_err());
    }

    #[test]
    fn the_core_knows_its_remaining_sectors() {
        let core = place_core(vec![0; 512 * 3 + 1], PLACE).unwrap();
        assert_eq!(core[500..508], 2049_u64.to_le_bytes());
        assert_eq!(core[508..510], 3_u16.to_le_bytes());
        assert_eq!(core[510..512], [0x20, 0x08]);
        assert_eq!(core.len(), 512 * 3 + 1);
    }

    #[test]
    fn a_core_that_does_not_fit_is_refused() {
        assert!(place_core(vec![0; 2048 * 512], PLACE).is_ok());
        assert!(place_core(vec![0; 2048 * 512 + 1], PLACE).is_err());
        assert!(place_core(vec![0; 512], PLACE).is_err());
        assert!(place_core(Vec::new(), PLACE).is_err());
    }

    #[test]
    fn both_configurations_name_this_image_and_no_label() {
        let ids = Ids::fresh().unwrap();
        let root = root_config(&ids, "quiet");
        assert!(
            root.contains(&format!("root=PARTUUID={} ro quiet\n", ids.root_partition)),
            "{root}"
        );
        let esp = esp_config(&ids);
        assert!(esp.contains(&format!("--fs-uuid --set=root {}\n", ids.root_filesystem)), "{esp}");
        assert!(!root.contains("LABEL") && !esp.contains("--label"));
    }
}
