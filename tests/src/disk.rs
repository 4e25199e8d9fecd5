//! Looking into a machine's disk while its power is off, without a mount.

use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, bail};

/// Number of the root filesystem's partition in the lab's image.
const ROOT: &str = "3";

/// A text file on the root filesystem of an installed disk.
///
/// # Errors
/// When the disk has no such partition, or the partition no such file.
pub fn read_root_file(disk: &Path, path: &str) -> Result<String> {
    let table = run(Command::new("sgdisk").args(["--info", ROOT]).arg(disk))?;
    let first = first_sector(&table).with_context(|| format!("no partition {ROOT}: {table}"))?;
    let device = format!("{}?offset={}", disk.display(), first * 512);
    let text = run(Command::new("debugfs").args(["-R", &format!("cat {path}")]).arg(device))?;
    if text.is_empty() {
        bail!("no {path}, or nothing in it, on {}", disk.display());
    }
    Ok(text)
}

fn first_sector(table: &str) -> Option<u64> {
    let line = table.lines().find_map(|line| line.strip_prefix("First sector: "))?;
    line.split_whitespace().next()?.parse().ok()
}

fn run(command: &mut Command) -> Result<String> {
    let program = command.get_program().to_string_lossy().into_owned();
    let output = command.output().with_context(|| format!("cannot run {program}"))?;
    if !output.status.success() {
        bail!("{program}: {}", String::from_utf8_lossy(&output.stderr).trim());
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_sector_is_read_from_sgdisks_words() {
        let said = "Partition GUID code: X\nFirst sector: 77824 (at 38.0 MiB)\nLast sector: 9\n";
        assert_eq!(first_sector(said), Some(77824));
        assert_eq!(first_sector("Partition #3 does not exist.\n"), None);
    }
}
