//! From a changed file to the catalog that serves, while machines go on asking.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use super::load::{Connection, How, Load, Outcome};
use super::servers::{self, Server, Which};
use super::sums::{Runs, number, percentile};
use super::{CONNECTIONS, Options, SEED, catalogs, forget, machine};
use crate::run;

/// Between a connection's answer and its next question: 16 of them ask about 1,000 times a second.
const PAUSE: Duration = Duration::from_millis(15);
/// A change is far slower than this only when it never comes.
const PATIENCE: Duration = Duration::from_mins(1);
/// Machines that ask meanwhile.
const MACHINES: usize = 1000;

/// Measures it and tells lines.
pub(super) fn measure(
    options: &Options,
    scratch: &Path,
    tell: &mut dyn FnMut(&str) -> Result<()>,
) -> Result<()> {
    let (groups, templates) = (options.reload_groups, options.reload_groups / 10);
    run::say(&format!("== reload of {groups} groups and {templates} templates"));
    let (catalog, data) = (scratch.join("mixed"), scratch.join("data-mixed"));
    catalogs::mixed(&catalog, groups, templates)?;
    let mut checked = Runs::default();
    for _ in 0..options.runs {
        checked.push(check(&catalog)?);
    }
    let server = Server::start(Which::Provisioner, &catalog, &data)?;
    let load = |path: &str, length, pause| {
        let queries = catalogs::queries(MACHINES.min(groups), SEED).into_iter();
        Load {
            server: server.address,
            targets: Arc::new(queries.map(|query| format!("{path}?{query}")).collect()),
            connections: CONNECTIONS,
            seed: SEED,
            how: How::Random { length, pause },
        }
    };
    let once = Load { how: How::Once, ..load("/ipxe", Duration::ZERO, Duration::ZERO) }.run()?;
    if let Some(error) = once.first_error {
        bail!("{} errors; the first: {error}", once.errors);
    }
    server.settle()?;
    let changes = options.runs.max(3);
    let length = Duration::from_secs(3 * changes as u64 + 3);
    let asking = load("/ipxe", length, PAUSE);
    let asking = std::thread::spawn(move || asking.run());
    std::thread::sleep(Duration::from_secs(2));
    let (mut swaps, mut windows) = (Runs::default(), Vec::new());
    let cpu = machine::cpu(server.pid());
    for revision in 1..=changes {
        let window = change(&server, &catalog, revision)?;
        swaps.push(window.1.duration_since(window.0).as_secs_f64());
        windows.push(window);
        std::thread::sleep(Duration::from_millis(700));
    }
    let cpu = machine::cpu(server.pid()).saturating_sub(cpu).as_secs_f64();
    let outcome = asking.join().map_err(|_| anyhow::anyhow!("the load's thread ended early"))??;
    let during = |at: Instant| windows.iter().any(|(from, to)| (*from..*to).contains(&at));
    tell(&format!(
        "Reload of {} groups and {} templates (a quarter each cloud-config and Butane with variables, Ignition, generic files), one group changed:",
        number(f64::from(u32::try_from(groups)?), 0),
        number(f64::from(u32::try_from(templates)?), 0)
    ))?;
    tell("")?;
    tell(&format!(
        "- from the file's change until the new catalog serves: {} s, of which up to 1 s until it is noticed",
        swaps.text(2)
    ))?;
    tell(&format!(
        "- read, loaded and checked by itself (`provisioner check`): {} s",
        checked.text(2)
    ))?;
    tell(&format!(
        "- the daemon's start until it serves: {:.2} s",
        server.started_in.as_secs_f64()
    ))?;
    tell(&format!(
        "- processor time of the daemon for each change, requests included: {:.2} s",
        cpu / f64::from(u32::try_from(changes)?)
    ))?;
    tell(&format!("- /ipxe meanwhile (about 1,000 a second): {}", waits(&outcome, during)))?;
    tell(&format!("- /ipxe at other times: {}", waits(&outcome, |at| !during(at))))?;
    tell(&format!("- errors: {}", outcome.errors))?;
    tell("")?;
    drop(server);
    forget(&catalog)?;
    forget(&data)
}

/// Seconds of a `provisioner check`.
fn check(catalog: &Path) -> Result<f64> {
    let began = Instant::now();
    let told =
        Command::new(servers::provisioner()).args(["check", "--catalog"]).arg(catalog).output();
    let told = told.context("provisioner cannot be started")?;
    if !told.status.success() {
        let faults = String::from_utf8_lossy(&told.stderr);
        let first: Vec<&str> = faults.lines().take(5).collect();
        bail!("the bench's own catalog has faults: {}", first.join("\n"));
    }
    Ok(began.elapsed().as_secs_f64())
}

/// Changes a group; from when until when the old catalog served on.
fn change(server: &Server, catalog: &Path, revision: usize) -> Result<(Instant, Instant)> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        // A machine that nobody knows: one that boots is answered from the catalog that its boot began with.
        let target = "/metadata?mac=52-54-01-00-00-00";
        let mut connection = Connection::to(server.address).await?;
        let before = connection.get(target).await?;
        if before.catalog.is_empty() {
            bail!("the provisioner does not say which catalog serves");
        }
        let from = Instant::now();
        catalogs::group(catalog, 0, 0, revision)?;
        while from.elapsed() < PATIENCE {
            let now = connection.get(target).await?;
            if now.catalog != before.catalog {
                return Ok((from, Instant::now()));
            }
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
        let log = fs::read_to_string(catalog.with_file_name("data-mixed").join("log"));
        let log = log.unwrap_or_default();
        let tail: Vec<&str> =
            log.lines().rev().filter(|line| line.contains("catalog")).take(5).collect();
        bail!(
            "the changed catalog does not serve after {} s: {}",
            PATIENCE.as_secs(),
            tail.join("\n")
        )
    })
}

fn waits(outcome: &Outcome, when: impl Fn(Instant) -> bool) -> String {
    let answers = outcome.answers.iter().filter(|(at, _)| when(*at));
    let mut micros: Vec<u32> = answers.map(|(_, micros)| *micros).collect();
    micros.sort_unstable();
    let most = micros.last().map_or(f64::NAN, |most| f64::from(*most));
    format!(
        "{} answers, p50 {} ms, p99 {} ms, longest {} ms",
        micros.len(),
        number(percentile(&micros, 50) / 1e3, 2),
        number(percentile(&micros, 99) / 1e3, 2),
        number(most / 1e3, 2)
    )
}
