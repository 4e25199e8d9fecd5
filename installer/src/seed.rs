//! The NoCloud seed: a small FAT file system with cloud-init's files, made in memory.
//!
//! A partition labelled `CIDATA` works with any root file system and needs none from the kernel.
//! Format: cloud-init's NoCloud datasource; FAT as in Microsoft's specification 1.03.

use std::collections::BTreeMap;
use std::io::{self, Cursor, Write};

use fatfs::{FatType, FileSystem, FormatVolumeOptions, FsOptions, format_volume};

/// Size of the seed partition in bytes.
pub const BYTES: u64 = 4 << 20;

/// Name of the partition and of its file system.
pub const LABEL: &str = "CIDATA";

/// The seed cannot be made.
#[derive(Debug, thiserror::Error)]
pub enum SeedError {
    /// Not a name for a file in the seed's only directory.
    #[error(
        "{0:?} cannot be a file's name in the seed: use user-data, meta-data, network-config or vendor-data"
    )]
    Name(String),
    /// No room.
    #[error("the seed's files have {0} bytes, more than fit into its {BYTES}: make them smaller")]
    TooLarge(u64),
    /// FAT says no.
    #[error("the seed's file system cannot be made: {0}")]
    Format(#[from] io::Error),
}

/// The file system's bytes, [`BYTES`] long, for a disk with sectors of `sector` bytes.
pub fn make(files: &BTreeMap<String, String>, sector: u64) -> Result<Vec<u8>, SeedError> {
    check(files)?;
    let mut volume = Cursor::new(vec![0; usize::try_from(BYTES).map_err(io::Error::other)?]);
    let bytes_per_sector = u16::try_from(sector).map_err(io::Error::other)?;
    // FAT16 wants at least 4085 clusters, which this size only has with small sectors.
    let kind = if sector == 512 { FatType::Fat16 } else { FatType::Fat12 };
    let options = FormatVolumeOptions::new()
        .fat_type(kind)
        .bytes_per_sector(bytes_per_sector)
        .bytes_per_cluster(u32::from(bytes_per_sector))
        .volume_label(*b"CIDATA     ");
    format_volume(&mut volume, options)?;
    let system = FileSystem::new(&mut volume, FsOptions::new())?;
    for (name, text) in files {
        let mut file = system.root_dir().create_file(name)?;
        file.truncate()?;
        file.write_all(text.as_bytes())?;
        file.flush()?;
    }
    system.unmount()?;
    Ok(volume.into_inner())
}

/// All that could go wrong, before anything is done.
fn check(files: &BTreeMap<String, String>) -> Result<(), SeedError> {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
    for name in files.keys() {
        let fits = !name.is_empty() && name.len() <= 64 && !name.starts_with('.');
        if !fits || !name.chars().all(plain) {
            return Err(SeedError::Name(name.clone()));
        }
    }
    let bytes: u64 = files.values().map(|text| text.len() as u64).sum();
    // An eighth for tables, directory and the unused ends of clusters.
    if bytes > BYTES / 8 * 7 {
        return Err(SeedError::TooLarge(bytes));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use super::*;

    fn files(text: &str) -> BTreeMap<String, String> {
        [("user-data", text), ("meta-data", "instance-id: n1-1\n"), ("network-config", "")]
            .map(|(name, text)| (name.to_owned(), text.to_owned()))
            .into()
    }

    fn read_all(volume: Vec<u8>) -> (String, FatType, BTreeMap<String, String>) {
        let system = FileSystem::new(Cursor::new(volume), FsOptions::new()).unwrap();
        let mut found = BTreeMap::new();
        for entry in system.root_dir().iter() {
            let entry = entry.unwrap();
            let mut text = String::new();
            entry.to_file().read_to_string(&mut text).unwrap();
            found.insert(entry.file_name(), text);
        }
        (system.volume_label(), system.fat_type(), found)
    }

    #[test]
    fn the_seed_is_a_fat16_labelled_cidata_that_holds_the_files() {
        let wanted = files("#cloud-config\nhostname: n1\n");
        let volume = make(&wanted, 512).unwrap();
        assert_eq!(volume.len() as u64, BYTES);
        assert_eq!(read_all(volume), (LABEL.to_owned(), FatType::Fat16, wanted));
    }

    #[test]
    fn a_disk_with_large_sectors_gets_a_file_system_with_large_sectors() {
        let wanted = files("#cloud-config\n");
        let volume = make(&wanted, 4096).unwrap();
        assert_eq!(volume[11..13], 4096u16.to_le_bytes());
        assert_eq!(read_all(volume).2, wanted);
    }

    #[test]
    fn files_that_do_not_fit_are_refused_with_their_size() {
        let message = make(&files(&"x".repeat(4 << 20)), 512).unwrap_err().to_string();
        assert!(message.contains("4194322 bytes"), "{message}");
    }

    #[test]
    fn a_seed_as_large_as_allowed_fits() {
        let text = "x".repeat(usize::try_from(BYTES / 8 * 7).unwrap() - 100);
        for sector in [512, 4096] {
            assert_eq!(read_all(make(&files(&text), sector).unwrap()).2, files(&text));
        }
    }

    #[test]
    fn a_name_with_a_path_in_it_is_refused() {
        for name in ["../etc/passwd", "a/b", "", ".x", "a\nb"] {
            let files = BTreeMap::from([(name.to_owned(), String::new())]);
            assert!(matches!(make(&files, 512), Err(SeedError::Name(_))), "{name:?}");
        }
    }
}
