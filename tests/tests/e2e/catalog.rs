//! A broken catalog: never served, always told.

use std::fs;
use std::time::Duration;

use anyhow::{Context, Result};
use tests::lab::{Lab, Plan};
use tests::machine::Firmware;

use crate::{artifacts, demand};

/// The third line has the fault.
const BROKEN: &str = "name: broken\nprofile: debian-12\nselektor: {rack: r1}\n";

#[test]
fn a_group_file_broken_while_serving_is_told_and_the_last_good_catalog_serves_on() -> Result<()> {
    let artifacts = artifacts()?;
    let mut lab = Lab::start(&Plan::of(&[Firmware::Bios], artifacts), artifacts)?;
    let mac = lab.machine(0)?.spec().mac();
    let before = lab.mayuctl().text(&["catalog", "status"])?;
    let explained = lab.mayuctl().text(&["explain", "--mac", &mac])?;
    demand(&mut lab, explained.contains("lab"), "the group `lab` takes the machine")?;

    fs::write(lab.layout().catalog().join("groups/broken.yaml"), BROKEN)?;
    let reload = lab.mayuctl().run(&["catalog", "reload"])?;
    demand(&mut lab, !reload.status.success(), "a reload of a broken catalog is a failure")?;

    let status = lab.mayuctl().text(&["catalog", "status"])?;
    let told =
        status.contains("broken.yaml") && status.contains('3') && status.contains("selektor");
    demand(&mut lab, told, &format!("file, line and key are told: {status}"))?;
    let id = |text: &str| text.lines().next().map(str::to_owned);
    demand(&mut lab, id(&before) == id(&status), &format!("{before} is served on, not {status}"))?;
    let again = lab.mayuctl().text(&["explain", "--mac", &mac])?;
    demand(&mut lab, again == explained, &format!("nothing has changed for the machine: {again}"))?;

    fs::remove_file(lab.layout().catalog().join("groups/broken.yaml"))?;
    lab.mayuctl().text(&["catalog", "reload"]).context("once mended it is taken")?;
    lab.passed();
    Ok(())
}

#[test]
fn a_broken_catalog_at_start_is_exit_64_with_file_and_line() -> Result<()> {
    let artifacts = artifacts()?;
    let mut lab = Lab::set_up(&Plan::of(&[], artifacts), artifacts)?;
    fs::write(lab.layout().catalog().join("groups/broken.yaml"), BROKEN)?;
    let (provisioner, netns) = lab.provisioner();
    provisioner.spawn(netns)?;
    let status = provisioner.wait_for_end(Duration::from_secs(30))?;
    let log = provisioner.log_tail(20);
    demand(&mut lab, status.code() == Some(64), &format!("{status} is exit 64"))?;
    let told = log.contains("broken.yaml") && log.contains("selektor");
    demand(&mut lab, told, "its last words name the file and the key")?;
    lab.passed();
    Ok(())
}
