//! A GRUB that enforces signatures: it installs a machine and hands it over to its disk, and runs nothing that
//! the provisioner did not sign.

use std::fs;
use std::time::Duration;

use anyhow::{Context, Result};
use tests::lab::{Lab, Plan};
use tests::machine::Firmware;
use tests::medium::REFUSED;
use tests::provisioner::body;
use tests::steps;

use crate::{BOOTED, INSTALLED, artifacts, demand};

const KERNEL: &str = "installer/x86_64/vmlinuz";
const ENFORCED: &str = "medium: check_signatures=enforce";
/// From power-on to GRUB's last word, with other labs beside this one.
const SAID: Duration = Duration::from_mins(5);
const MIB: u64 = 1 << 20;

#[test]
fn a_grub_that_enforces_signatures_installs_a_machine_and_hands_it_over_to_its_disk() -> Result<()>
{
    let mut lab = Lab::start(&plan()?, artifacts()?)?;

    lab.power_on(0)?;
    lab.wait_until_running(&[0], INSTALLED)?;
    let reached = lab.reached(0);
    for step in steps::way(Firmware::UefiGrub) {
        demand(&mut lab, steps::saw(&reached, step), &format!("it passed `{step}`"))?;
    }
    enforced(&mut lab, 2)?;

    lab.power_cycle(0)?;
    lab.wait_until_running(&[0], BOOTED)?;
    let reached = lab.reached(0);
    let at_once = steps::saw(&reached, "local-disk") && !steps::saw(&reached, "kernel");
    demand(&mut lab, at_once, "it was sent to its disk at once")?;
    enforced(&mut lab, 1)?;
    let node = lab.node(0)?;
    demand(&mut lab, node.installs == 1, &format!("it was installed once: {node:?}"))?;
    lab.passed();
    Ok(())
}

#[test]
fn a_kernel_that_was_changed_behind_its_signature_is_not_started_by_grub() -> Result<()> {
    let mut lab = Lab::start(&plan()?, artifacts()?)?;
    let signature = body(lab.netns(), &format!("/assets/{KERNEL}.sig"))?;
    let kernel = lab.layout().assets().join(KERNEL);
    let mut bytes = fs::read(&kernel)?;
    *bytes.last_mut().context("an empty kernel")? ^= 1;
    // The file is a link to the one that all labs have.
    fs::remove_file(&kernel)?;
    fs::write(&kernel, bytes)?;
    fs::write(kernel.with_extension("sig"), signature)?;

    lab.power_on(0)?;
    said(&mut lab, "The installer could not be started")?;
    said(&mut lab, "error: bad signature")?;
    let reached = lab.reached(0);
    let refused = steps::saw(&reached, "script") && !steps::saw(&reached, "initrd");
    demand(&mut lab, refused, "it had its script and asked for nothing behind the kernel")?;
    nothing_happened(lab)
}

#[test]
fn a_configuration_that_another_key_signed_is_not_run_by_grub() -> Result<()> {
    let mut lab = Lab::set_up(&plan()?, artifacts()?)?;
    // The medium has the public half of the first key.
    fs::remove_dir_all(lab.layout().data().join("signing"))?;
    lab.provisioner().0.make_keys()?;
    lab.start_provisioner()?;

    lab.power_on(0)?;
    said(&mut lab, REFUSED)?;
    said(&mut lab, "error: public key ")?;
    let reached = lab.reached(0);
    let refused = steps::saw(&reached, "script") && !steps::saw(&reached, "kernel");
    demand(&mut lab, refused, "it was given its script and did not run it")?;
    nothing_happened(lab)
}

fn plan() -> Result<Plan> {
    Ok(Plan::of(&[Firmware::UefiGrub], artifacts()?))
}

/// So many starts since the last power-on began with signatures demanded.
fn enforced(lab: &mut Lab, starts: usize) -> Result<()> {
    let seen = lab.machine(0)?.console().matches(ENFORCED).count();
    demand(lab, seen >= starts, &format!("{seen} of {starts} starts enforced signatures"))
}

fn said(lab: &mut Lab, words: &str) -> Result<()> {
    let shown = lab.machine(0)?.wait_for_console(words, SAID);
    shown.map_err(|error| lab.with_evidence(&error))
}

fn nothing_happened(mut lab: Lab) -> Result<()> {
    enforced(&mut lab, 1)?;
    let node = lab.node(0)?;
    let waits = node.state == "configured" && node.installs == 0;
    demand(&mut lab, waits, &format!("it still waits to be installed: {node:?}"))?;
    let blank = lab.machine(0)?.disk_starts_blank(MIB)?;
    demand(&mut lab, blank, "the first MiB is all zero")?;
    lab.passed();
    Ok(())
}
