//! Debian packages that the lab and the tests need.

use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::run;

const LIST: &str = include_str!("../packages.txt");

/// Installs those that are missing. Does nothing, and needs no root, when all are there.
///
/// # Errors
/// When some are missing and cannot be installed.
pub(crate) fn install() -> Result<()> {
    let missing = missing()?;
    if missing.is_empty() {
        return Ok(());
    }
    let list = missing.join(" ");
    if !is_root()? {
        bail!(
            "these Debian packages are missing: run as root `apt-get install --no-install-recommends {list}`"
        );
    }
    run::step("apt-get update", Command::new("apt-get").args(["-qq", "update"]))?;
    run::step(
        &format!("apt-get install {list}"),
        Command::new("apt-get")
            .args(["-qq", "install", "--yes", "--no-install-recommends"])
            .args(&missing)
            .env("DEBIAN_FRONTEND", "noninteractive"),
    )
}

/// All names in packages.txt.
fn wanted(list: &str) -> impl Iterator<Item = &str> {
    list.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'))
}

fn missing() -> Result<Vec<&'static str>> {
    // Ends with 1 when it does not know one of them; what it prints is right all the same.
    let output = Command::new("dpkg-query")
        .args(["--show", "--showformat=${Package} ${db:Status-Status}\\n"])
        .args(wanted(LIST))
        .output()
        .context("cannot run dpkg-query: the lab needs Debian")?;
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    let there = |name: &&str| said.lines().any(|line| line == format!("{name} installed"));
    Ok(wanted(LIST).filter(|name| !there(name)).collect())
}

fn is_root() -> Result<bool> {
    let output = Command::new("id").arg("-u").output().context("cannot run id")?;
    Ok(output.stdout.trim_ascii() == b"0")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_list_is_sorted_and_names_each_package_once() {
        let names: Vec<_> = wanted(LIST).collect();
        assert!(names.is_sorted_by(|a, b| a < b), "{names:?}");
    }

    #[test]
    fn comments_are_no_packages() {
        assert_eq!(wanted("# a b\n\n qemu \n").collect::<Vec<_>>(), ["qemu"]);
    }
}
