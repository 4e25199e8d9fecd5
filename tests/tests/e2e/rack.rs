//! The main road: blank machines of all firmwares that boot from the network become running and stay so until an operator says otherwise.

use anyhow::Result;
use tests::config::SSH_KEY;
use tests::disk::read_root_file;
use tests::lab::{Lab, Plan};
use tests::machine::Firmware;
use tests::steps;

use crate::{BOOTED, INSTALLED, artifacts, demand};

const ALL: [usize; 3] = [0, 1, 2];

#[test]
fn a_blank_rack_becomes_running_once_and_again_only_when_asked() -> Result<()> {
    let artifacts = artifacts()?;
    let mut lab = Lab::start(&Plan::of(&Firmware::NETWORK, artifacts), artifacts)?;

    lab.power_cycle_all()?;
    lab.wait_until_running(&ALL, INSTALLED)?;
    for place in ALL {
        passed_every_step(&mut lab, place)?;
        installed_times(&mut lab, place, 1)?;
    }

    // A power cut: each machine boots from the network first, and is sent to its disk.
    lab.power_cycle_all()?;
    lab.wait_until_running(&ALL, BOOTED)?;
    for place in ALL {
        came_from_its_disk(&mut lab, place)?;
        installed_times(&mut lab, place, 1)?;
    }

    only_the_one_that_was_asked_for_is_installed_again(&mut lab)?;
    for place in ALL {
        has_what_its_cloud_config_says(&mut lab, place)?;
    }
    lab.passed();
    Ok(())
}

fn only_the_one_that_was_asked_for_is_installed_again(lab: &mut Lab) -> Result<()> {
    let mac = lab.machine(0)?.spec().mac();
    lab.mayuctl().text(&["reinstall", &mac])?;
    lab.power_cycle_all()?;
    lab.wait_until_running(&ALL, INSTALLED)?;
    passed_every_step(lab, 0)?;
    installed_times(lab, 0, 2)?;
    for place in [1, 2] {
        came_from_its_disk(lab, place)?;
        installed_times(lab, place, 1)?;
    }

    lab.power_cycle(0)?;
    lab.wait_until_running(&[0], BOOTED)?;
    came_from_its_disk(lab, 0)?;
    installed_times(lab, 0, 2)
}

/// Looks into the disk itself.
fn has_what_its_cloud_config_says(lab: &mut Lab, place: usize) -> Result<()> {
    let node = lab.node(place)?;
    let machine = lab.machine(place)?;
    machine.power_off();
    let disk = machine.disk();
    let hostname = read_root_file(&disk, "/etc/hostname")?;
    let right = !node.hostname.is_empty() && hostname.trim() == node.hostname;
    demand(lab, right, &format!("{} is called `{}`", hostname.trim(), node.hostname))?;
    let keys = read_root_file(&disk, "/home/admin/.ssh/authorized_keys")?;
    demand(lab, keys.contains(SSH_KEY), &format!("the operator may log in: {keys}"))
}

/// Every step of its firmware's way.
fn passed_every_step(lab: &mut Lab, place: usize) -> Result<()> {
    let firmware = lab.machine(place)?.spec().firmware;
    let reached = lab.reached(place);
    for step in steps::way(firmware) {
        demand(lab, steps::saw(&reached, step), &format!("place {place} passed `{step}`"))?;
    }
    Ok(())
}

fn came_from_its_disk(lab: &mut Lab, place: usize) -> Result<()> {
    let reached = lab.reached(place);
    let sent = steps::saw(&reached, "local-disk");
    let installer = steps::saw(&reached, "kernel") || steps::saw(&reached, "claimed");
    demand(lab, sent && !installer, &format!("place {place} was sent to its disk at once"))
}

fn installed_times(lab: &mut Lab, place: usize, times: u32) -> Result<()> {
    let node = lab.node(place)?;
    let right = node.installs == times
        && node.generation == u64::from(times)
        && node.installed_generation == node.generation;
    demand(lab, right, &format!("place {place} was installed {times} times: {node:?}"))
}
