//! `lab`: a rack of blank machines becomes running, before your eyes. Started by `cargo xtask lab`.

use std::fmt::Write as _;
use std::io::Write;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context, Result};
use clap::Parser;
use tests::artifacts::Artifacts;
use tests::lab::{Lab, Plan};
use tests::machine::Firmware;
use tests::mayuctl::Node;
use tests::report::{self, Table};
use tests::{netns, wait};

/// Boot a rack of blank machines on real firmware and watch it become running.
#[derive(Debug, Parser)]
struct Options {
    /// Number of machines; the firmwares are dealt out in turn. Default: one of each.
    #[arg(long, value_parser = clap::value_parser!(u8).range(1..=100))]
    nodes: Option<u8>,
    /// Leave everything up at the end.
    #[arg(long)]
    keep: bool,
    /// Firmwares: bios, uefi-pxe, uefi-http, and uefi-grub, which demands signatures.
    #[arg(long, value_delimiter = ',', default_value = "bios,uefi-pxe,uefi-http")]
    firmware: Vec<Firmware>,
    /// Give up after so many minutes; default: 10, and 3 for every machine.
    #[arg(long, value_name = "MINUTES")]
    limit: Option<u64>,
    /// Take down labs that were kept: all, or the named one.
    #[arg(long, value_name = "NAME", num_args = 0..=1, default_missing_value = "")]
    stop: Option<String>,
}

fn main() -> ExitCode {
    match run(&Options::parse()) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            let _ = writeln!(std::io::stderr(), "lab: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// Whether all machines are running.
fn run(options: &Options) -> Result<bool> {
    if let Some(name) = &options.stop {
        let stopped = netns::stop_kept(Some(name.as_str()).filter(|n| !n.is_empty()))?;
        say(&format!("labs stopped: {} {}", stopped.len(), stopped.join(" ")))?;
        return Ok(true);
    }
    wait::arm()?;
    let artifacts = Artifacts::ready()?;
    let count = options.nodes.map_or(options.firmware.len(), usize::from);
    let firmwares: Vec<Firmware> = options.firmware.iter().copied().cycle().take(count).collect();
    let mut lab = Lab::start(&Plan::of(&firmwares, &artifacts), &artifacts)?;
    say(&format!("lab {}: {} machines", lab.netns().name(), firmwares.len()))?;
    let minutes = options.limit.unwrap_or(10 + 3 * firmwares.len() as u64);
    let outcome = watch(&mut lab, Duration::from_secs(60 * minutes));
    let all_run = conclude(&mut lab, &artifacts, outcome)?;
    if options.keep && wait::interrupted().is_ok() {
        lab.keep()?;
        say(&how_to_look(&mut lab)?)?;
    } else if all_run {
        lab.passed();
    }
    Ok(all_run)
}

/// Powers the rack on and shows it until each machine is running or failed for good.
fn watch(lab: &mut Lab, limit: Duration) -> Result<()> {
    lab.power_cycle_all()?;
    let names: Vec<String> = lab.machines().iter().map(|m| m.spec().name.clone()).collect();
    let mut table = Table::new();
    wait::until("every machine to be running", limit, || {
        lab.check()?;
        let nodes = lab.nodes()?;
        let settled = nodes.iter().flatten().filter(|n| is_settled(n)).count() == nodes.len();
        let rows: Vec<_> = names.iter().cloned().zip(nodes).collect();
        table.show(&rows)?;
        Ok(settled.then_some(()))
    })
}

/// Running, or failed and sent away by the server: nothing more will happen by itself.
fn is_settled(node: &Node) -> bool {
    let sent_away = matches!(node.last_step.as_str(), "local-disk" | "held");
    node.state == "running" || node.state == "failed" && sent_away
}

/// Reports; whether all machines are running.
fn conclude(lab: &mut Lab, artifacts: &Artifacts, outcome: Result<()>) -> Result<bool> {
    wait::interrupted()?;
    let running = |node: &Option<Node>| node.as_ref().is_some_and(|n| n.state == "running");
    let all_run = outcome.is_ok() && lab.nodes()?.iter().all(running);
    if all_run {
        say(&report::success(lab, &artifacts.provisioner, &artifacts.initramfs())?)?;
    } else {
        if let Err(error) = outcome {
            say(&format!("\n{error:#}"))?;
        }
        say(&report::failure(lab))?;
        say(&format!("all logs: {}", lab.layout().dir.display()))?;
    }
    Ok(all_run)
}

fn how_to_look(lab: &mut Lab) -> Result<String> {
    let name = lab.netns().name().to_owned();
    let log = lab.layout().dir.join("provisioner.log");
    let me = std::env::current_exe().context("cannot find this program's own file")?;
    let mut text = String::from("\n== kept up\n");
    writeln!(text, "ask it:       {} get nodes", lab.mayuctl().command_line())?;
    writeln!(text, "look inside:  ip netns exec {name} ip address")?;
    writeln!(text, "its log:      {}", log.display())?;
    for machine in lab.machines() {
        writeln!(text, "console:      {}", machine.console_file().display())?;
    }
    writeln!(text, "stop it:      {} --stop {name}", me.display())?;
    Ok(text)
}

fn say(text: &str) -> Result<()> {
    let mut out = std::io::stdout();
    writeln!(out, "{text}")?;
    Ok(out.flush()?)
}
