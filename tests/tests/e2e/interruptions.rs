//! What is lost in the middle of an image write is made up for.

use std::time::Duration;

use anyhow::{Result, ensure};
use tests::lab::{Lab, Plan};
use tests::machine::Firmware;
use tests::wait;

use crate::{BOOTED, INSTALLED, artifacts, demand};

const MIB: u64 = 1 << 20;

#[test]
fn a_provisioner_killed_in_the_middle_of_a_write_and_started_again_loses_no_machine() -> Result<()>
{
    let mut lab = in_the_middle_of_a_write()?;

    lab.provisioner().0.kill();
    wait::pass(Duration::from_secs(5))?;
    let blank = lab.machine(0)?.disk_starts_blank(MIB)?;
    demand(&mut lab, blank, "the first MiB is withheld until the image is known to be right")?;
    lab.start_provisioner()?;

    lab.wait_until_running(&[0], INSTALLED)?;
    let node = lab.node(0)?;
    let once = node.installs == 1 && node.installed_generation == 1;
    demand(&mut lab, once, &format!("one installation was enough: {node:?}"))?;
    lab.passed();
    Ok(())
}

#[test]
fn a_machine_switched_off_in_the_middle_of_a_write_is_installed_at_the_next_power_on() -> Result<()>
{
    let mut lab = in_the_middle_of_a_write()?;

    lab.machine(0)?.power_off();
    let blank = lab.machine(0)?.disk_starts_blank(MIB)?;
    demand(&mut lab, blank, "a half-written disk does not boot")?;
    lab.power_on(0)?;

    lab.wait_until_running(&[0], INSTALLED)?;
    let node = lab.node(0)?;
    let twice = node.installs == 2 && node.generation == 1 && node.installed_generation == 1;
    demand(&mut lab, twice, &format!("the second try of the same generation did it: {node:?}"))?;
    lab.passed();
    Ok(())
}

/// One machine with a slow disk, and an image half written to it.
fn in_the_middle_of_a_write() -> Result<Lab> {
    let artifacts = artifacts()?;
    let mut plan = Plan::of(&[Firmware::Bios], artifacts);
    for machine in &mut plan.machines {
        machine.write_limit = Some(16 * MIB);
    }
    let mut lab = Lab::start(&plan, artifacts)?;
    lab.power_on(0)?;
    lab.wait("the image to be half written", BOOTED, |_, nodes| {
        let Some(node) = nodes.first().cloned().flatten() else {
            return Ok(None);
        };
        let early = matches!(node.state.as_str(), "configured" | "installing");
        ensure!(early, "it is {} already: {}", node.state, node.reason);
        Ok((node.stage == "write" && node.done_bytes > 0).then_some(()))
    })?;
    Ok(lab)
}
