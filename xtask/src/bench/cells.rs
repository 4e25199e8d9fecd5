//! Requests per second, by path and number of groups.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Result, bail};

use super::catalogs::{self, Config};
use super::load::{How, Load, Outcome};
use super::servers::{self, Server, Which};
use super::sums::{Runs, number, percentile};
use super::{CONNECTIONS, Options, SEED, forget, machine};
use crate::run;

/// Groups beyond which matchbox, which reads every file for each request, has no rate to speak of.
const MATCHBOX_MOST: usize = 1000;
/// Load before what is measured.
const WARM_UP: Duration = Duration::from_millis(500);

/// One thing to ask for.
#[derive(Debug, Clone, Copy)]
struct Cell {
    path: &'static str,
    name: &'static str,
    config: Config,
}

const CELLS: [Cell; 6] = [
    Cell { path: "/boot.ipxe", name: "/boot.ipxe", config: Config::Raw },
    Cell { path: "/ipxe", name: "/ipxe", config: Config::Raw },
    Cell { path: "/ignition", name: "/ignition, raw", config: Config::Raw },
    Cell { path: "/ignition", name: "/ignition, Butane, Go template", config: Config::Go },
    Cell { path: "/ignition", name: "/ignition, Butane, handlebars", config: Config::Handlebars },
    Cell { path: "/metadata", name: "/metadata", config: Config::Raw },
];

/// What was measured of one cell on one server.
#[derive(Debug, Clone, Default)]
struct Measured {
    rate: Runs,
    /// Milliseconds.
    p50: Runs,
    p99: Runs,
    /// Microseconds of the server's processor time for each request.
    cost: Runs,
    /// The generator's processor time in cores.
    own: Runs,
    errors: usize,
}

/// Measures every cell and tells the table.
pub(super) fn measure(
    options: &Options,
    scratch: &Path,
    tell: &mut dyn FnMut(&str) -> Result<()>,
) -> Result<()> {
    tell(
        "Known machines, one group for each MAC; `slope`: the rate beside that with the fewest groups.",
    )?;
    tell("")?;
    tell(
        "| path | groups | requests/s | slope | p50 ms | p99 ms | CPU µs/request | load's cores | errors | matchbox/s | its p99 ms | ratio |",
    )?;
    tell("|---|---|---|---|---|---|---|---|---|---|---|---|")?;
    let mut first: Vec<f64> = Vec::new();
    let mut memory = Vec::new();
    for groups in &options.groups {
        let bench = Bench::new(options, scratch, *groups)?;
        for (at, cell) in CELLS.iter().enumerate() {
            run::say(&format!("== {} with {groups} groups", cell.name));
            let (ours, kilobytes) = bench.cell(Which::Provisioner, *cell)?;
            if at == 0 {
                memory.push((*groups, kilobytes));
            }
            let compared = servers::matchbox().is_some()
                && *groups <= MATCHBOX_MOST
                && cell.config != Config::Handlebars;
            let theirs =
                if compared { bench.cell(Which::Matchbox, *cell)?.0 } else { Measured::default() };
            if first.len() == at {
                first.push(ours.rate.median());
            }
            let slope = ours.rate.median() / first.get(at).copied().unwrap_or(f64::NAN);
            tell(&row(cell.name, *groups, &ours, slope, &theirs))?;
        }
        forget(&bench.catalog)?;
        forget(&bench.data)?;
    }
    tell("")?;
    if servers::matchbox().is_some() {
        tell(&format!(
            "matchbox is not asked with more than {} groups (it reads each of their files for every request), nor for handlebars (it has none).",
            number(f64::from(u32::try_from(MATCHBOX_MOST)?), 0)
        ))?;
    }
    for line in of_memory(&memory) {
        tell(&line)?;
    }
    tell("")
}

fn row(name: &str, groups: usize, ours: &Measured, slope: f64, theirs: &Measured) -> String {
    let ratio = ours.rate.median() / theirs.rate.median();
    #[expect(clippy::cast_precision_loss, reason = "numbers of groups are small")]
    let groups = number(groups as f64, 0);
    format!(
        "| {name} | {groups} | {} | {} | {} | {} | {} | {} | {} | {} | {} | {} |",
        ours.rate.text(0),
        number(slope, 2),
        number(ours.p50.median(), 2),
        ours.p99.text(2),
        number(ours.cost.median(), 0),
        number(ours.own.median(), 2),
        ours.errors + theirs.errors,
        theirs.rate.text(0),
        number(theirs.p99.median(), 1),
        if ratio.is_finite() { format!("{}×", number(ratio, 1)) } else { "–".to_owned() }
    )
}

/// Resident memory at the start, before any request, and what a thousand groups add.
fn of_memory(memory: &[(usize, u64)]) -> Vec<String> {
    let told: Vec<String> =
        memory.iter().map(|(groups, kb)| format!("{kb} kB with {groups}")).collect();
    let mut lines =
        vec![format!("Memory (RSS once it serves, no requests): {} groups.", told.join(", "))];
    if let (Some((few, low)), Some((many, high))) = (memory.first(), memory.last())
        && many > few
    {
        let each = high.saturating_sub(*low) * 1000 / (many - few) as u64;
        lines.push(format!("That is {each} kB for each 1,000 groups."));
    }
    lines
}

/// The catalog with so many groups, and what it takes to ask for its machines.
#[derive(Debug)]
struct Bench<'o> {
    options: &'o Options,
    catalog: std::path::PathBuf,
    data: std::path::PathBuf,
    queries: Vec<String>,
}

impl<'o> Bench<'o> {
    fn new(options: &'o Options, scratch: &Path, groups: usize) -> Result<Self> {
        let catalog = scratch.join(format!("catalog-{groups}"));
        let data = scratch.join(format!("data-{groups}"));
        catalogs::matchbox(&catalog, groups)?;
        let queries = catalogs::queries(groups, SEED);
        Ok(Self { options, catalog, data, queries })
    }

    /// A server of its own for each cell. Also its memory at the start, in kB.
    fn cell(&self, which: Which, cell: Cell) -> Result<(Measured, u64)> {
        catalogs::profile(&self.catalog, cell.config)?;
        let server = Server::start(which, &self.catalog, &self.data)?;
        let memory = machine::rss(server.pid());
        if which == Which::Provisioner {
            // The machines become known, and are asked no sooner than that is written.
            check(&self.load(&server, "/ipxe", How::Once).run()?)?;
            server.settle()?;
        }
        let random = |length| How::Random { length, pause: Duration::ZERO };
        check(&self.load(&server, cell.path, random(WARM_UP)).run()?)?;
        let mut measured = Measured::default();
        let load = self.load(&server, cell.path, random(self.options.length()));
        for _ in 0..self.options.runs {
            measured.add(&server, &load)?;
        }
        Ok((measured, memory))
    }

    fn load(&self, server: &Server, path: &str, how: How) -> Load {
        let targets = self.queries.iter().map(|query| format!("{path}?{query}")).collect();
        Load {
            server: server.address,
            targets: Arc::new(targets),
            connections: CONNECTIONS,
            seed: SEED,
            how,
        }
    }
}

impl Measured {
    fn add(&mut self, server: &Server, load: &Load) -> Result<()> {
        let me = std::process::id();
        let before = (machine::cpu(server.pid()), machine::cpu(me));
        let outcome = load.run()?;
        let after = (machine::cpu(server.pid()), machine::cpu(me));
        let mut micros: Vec<u32> = outcome.answers.iter().map(|(_, micros)| *micros).collect();
        micros.sort_unstable();
        let seconds = outcome.elapsed.as_secs_f64();
        #[expect(clippy::cast_precision_loss, reason = "numbers of requests are small")]
        let requests = micros.len() as f64;
        self.rate.push(requests / seconds);
        self.p50.push(percentile(&micros, 50) / 1e3);
        self.p99.push(percentile(&micros, 99) / 1e3);
        self.cost.push((after.0.saturating_sub(before.0)).as_secs_f64() * 1e6 / requests);
        self.own.push((after.1.saturating_sub(before.1)).as_secs_f64() / seconds);
        self.errors += outcome.errors;
        Ok(())
    }
}

/// Before what is measured nothing may go wrong.
fn check(outcome: &Outcome) -> Result<()> {
    match &outcome.first_error {
        Some(error) => bail!("{} errors; the first: {error}", outcome.errors),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_without_matchbox_has_dashes() {
        let mut ours = Measured::default();
        ours.rate.push(1234.0);
        let row = row("/ipxe", 1000, &ours, 1.0, &Measured::default());
        assert!(row.starts_with("| /ipxe | 1,000 | 1,234 (1,234–1,234) | 1.00 |"), "{row}");
        assert!(row.ends_with("| – | – | – |"), "{row}");
        let memory = of_memory(&[(1, 20_000), (1001, 25_000)]);
        assert_eq!(memory.last().unwrap(), "That is 5000 kB for each 1,000 groups.");
    }
}
