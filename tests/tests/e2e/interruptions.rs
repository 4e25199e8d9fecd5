//! What is lost in the middle of an image write is made up for.

use std::time::Duration;

use anyhow::Result;
use tests::lab::{Lab, Plan};
use tests::machine::Firmware;
use tests::mayuctl::Node;
use tests::wait;

use crate::{INSTALLED, artifacts, demand};

const MIB: u64 = 1 << 20;

#[test]
fn a_provisioner_killed_in_the_middle_of_a_write_and_started_again_loses_no_machine() -> Result<()>
{
    let artifacts = artifacts()?;
    let mut lab = Lab::start(&Plan::of(&[Firmware::Bios], artifacts), artifacts)?;
    lab.power_on(0)?;
    wait_for_half_a_write(&mut lab)?;

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
    let artifacts = artifacts()?;
    let mut lab = Lab::start(&Plan::of(&[Firmware::Bios], artifacts), artifacts)?;
    lab.power_on(0)?;
    wait_for_half_a_write(&mut lab)?;

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

fn wait_for_half_a_write(lab: &mut Lab) -> Result<()> {
    let writing =
        |node: &Node| node.state == "installing" && node.stage == "write" && node.done_bytes > 0;
    lab.wait_for_node(0, "the image to be half written", INSTALLED, writing)?;
    Ok(())
}
