//! What must not be installed is not, and says why.

use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use serde_json::json;
use sha2::{Digest, Sha256};
use tests::config::LibraryImage;
use tests::lab::{Lab, Plan};
use tests::machine::{Firmware, marker_boot_sector};

use crate::{BOOTED, artifacts, demand};

const MIB: u64 = 1 << 20;
const MARKER: &str = "THE-DISKS-OWN-SYSTEM";

#[test]
fn a_wrong_image_hash_leaves_the_disk_blank_and_is_tried_as_often_as_the_profile_says() -> Result<()>
{
    let artifacts = artifacts()?;
    let scratch = tempfile::tempdir_in(tests::artifacts::cache())?;
    let mut plan = Plan::of(&[Firmware::Bios], artifacts);
    plan.image = LibraryImage {
        file: small_image(scratch.path())?,
        sha256: "00".repeat(32),
        raw_bytes: 16 * MIB,
    };
    let mut lab = Lab::set_up(&plan, artifacts)?;
    lab.layout().change_profile(&json!({"install": {"limits": {"tries": 2}}}))?;
    lab.start_provisioner()?;
    lab.power_on(0)?;

    // It goes on by itself: try, report, start again, until the boot script tells it to stop.
    sent_away(&mut lab)?;
    failed_twice(&mut lab)?;

    // Nor does a power cycle bring a third.
    lab.power_cycle(0)?;
    sent_away(&mut lab)?;
    failed_twice(&mut lab)?;
    lab.passed();
    Ok(())
}

/// No installation since the last power-on is the last word: the script held the machine or sent it to its disk.
fn sent_away(lab: &mut Lab) -> Result<()> {
    lab.wait("the machine to be sent away", BOOTED, |lab, _| {
        let last = lab.reached(0).pop();
        let away = last.is_some_and(|r| matches!(r.step.as_str(), "held" | "local-disk"));
        Ok(away.then_some(()))
    })
}

fn failed_twice(lab: &mut Lab) -> Result<()> {
    let node = lab.node(0)?;
    let twice = node.state == "failed" && node.installs == 2 && node.tries == 2;
    demand(lab, twice, &format!("two tries, both failed: {node:?}"))?;
    let reason = node.reason.to_lowercase();
    let said = reason.contains("sha-256") || reason.contains("sha256") || reason.contains("hash");
    demand(lab, said, &format!("the reason names the hash: {}", node.reason))?;
    let blank = lab.machine(0)?.disk_starts_blank(MIB)?;
    demand(lab, blank, "the first MiB is all zero")
}

/// 16 MiB of noise, packed.
fn small_image(dir: &Path) -> Result<PathBuf> {
    let raw = dir.join("image.raw");
    let mut bytes = Vec::new();
    for number in 0..4 * MIB {
        bytes.extend(u32::try_from(number)?.wrapping_mul(2_654_435_761).to_le_bytes());
    }
    File::create(&raw)?.write_all(&bytes)?;
    let status = Command::new("zstd").args(["-q", "-1"]).arg(&raw).status().context("zstd")?;
    ensure!(status.success(), "zstd ended with {status}");
    Ok(dir.join("image.raw.zst"))
}

#[test]
fn a_machine_that_matches_no_group_says_so_and_boots_its_own_disk() -> Result<()> {
    let lab = ungrouped()?;
    for entry in fs::read_dir(lab.layout().catalog().join("groups"))? {
        fs::remove_file(entry?.path())?;
    }
    tests::config::write_yaml(
        &lab.layout().catalog().join("groups/lab.yaml"),
        &json!({"name": "lab", "profile": "debian-12", "selector": {"mac": ["52:54:00:77:ff:ff"]}}),
    )?;
    boots_its_own_disk_and_says_why(lab)
}

#[test]
fn a_machine_of_the_shipped_default_group_says_so_and_boots_its_own_disk() -> Result<()> {
    boots_its_own_disk_and_says_why(ungrouped()?)
}

/// One machine with a system of its own, and no group of the lab's that takes it. Nothing is started.
fn ungrouped() -> Result<Lab> {
    let artifacts = artifacts()?;
    let mut plan = Plan::of(&[Firmware::Bios], artifacts);
    plan.grouped = 0;
    for machine in &mut plan.machines {
        machine.disk_bytes = 64 * MIB;
    }
    let mut lab = Lab::set_up(&plan, artifacts)?;
    lab.machine(0)?.write_disk_start(&marker_boot_sector(MARKER))?;
    Ok(lab)
}

fn boots_its_own_disk_and_says_why(mut lab: Lab) -> Result<()> {
    let whole = |lab: &mut Lab| Ok::<_, anyhow::Error>(fs::read(lab.machine(0)?.disk())?);
    let before = Sha256::digest(whole(&mut lab)?);
    lab.start_provisioner()?;
    lab.power_on(0)?;

    let shown = lab.machine(0)?.wait_for_console(MARKER, Duration::from_mins(3));
    if let Err(error) = shown {
        return Err(lab.with_evidence(&error));
    }
    let console = lab.machine(0)?.console().to_lowercase();
    let screen = console.split_whitespace().collect::<Vec<_>>().join(" ");
    demand(&mut lab, screen.contains("no group"), &format!("its screen says why: {screen}"))?;
    let installs: u32 = lab.nodes()?.into_iter().flatten().map(|node| node.installs).sum();
    demand(&mut lab, installs == 0, "nothing was installed")?;
    lab.machine(0)?.power_off();
    let untouched = Sha256::digest(whole(&mut lab)?) == before;
    demand(&mut lab, untouched, "its disk is as it was")?;
    lab.passed();
    Ok(())
}
