//! `provisioner plan`: what a change of the catalog would change for every node, from a clone of the history
//! and two catalogs. No daemon, no store, nothing written: for the checks of a catalog's own repository.

use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use api::v1::PlanResponse;

use crate::domain::catalog::{Catalog, Fault};
use crate::domain::plan::Gate;
use crate::server::catalog::{RevisionError, load_repository};
use crate::server::catalog_dir;
use crate::server::context::Around;
use crate::server::history::reader;
use crate::server::plan::{Asked, planned};

/// Exit codes beside 0 and 1; `mayuctl plan` has the same.
const GATE: u8 = 3;
const CHANGES: u8 = 5;
const USAGE: u8 = 64;

const AFTER_HELP: &str = "\
Exit codes: 0 the plan was made, 1 it could not be made, 64 wrong usage.
With --exit-code: 0 nothing would change, 5 something would, 3 it would wait for an acknowledgement.";

/// What was typed.
#[derive(Debug, clap::Args)]
#[command(after_help = AFTER_HELP)]
pub struct Typed {
    /// A clone of the history: `git clone SERVER:DATA_DIR/history`.
    #[arg(long, value_name = "CLONE")]
    history: PathBuf,
    /// The catalog in a git repository; with RANGE, two of its revisions.
    #[arg(long, value_name = "DIR", conflicts_with_all = ["from", "to"], required_unless_present = "from")]
    catalog: Option<PathBuf>,
    /// A..B; without B the directory as it is, without A (and without RANGE) HEAD.
    #[arg(value_name = "RANGE", requires = "catalog")]
    range: Option<String>,
    /// The catalog as it is, in a directory.
    #[arg(long, value_name = "DIR", requires = "to")]
    from: Option<PathBuf>,
    /// The catalog as it shall be, in a directory.
    #[arg(long, value_name = "DIR", requires = "from")]
    to: Option<PathBuf>,
    /// For people or for programs.
    #[arg(short, long, value_enum, default_value_t)]
    output: Output,
    /// Show a unified diff of every document that changes.
    #[arg(long)]
    diff: bool,
    /// Say by the exit code whether something would change.
    #[arg(long)]
    exit_code: bool,
    /// Nodes that may get another profile without an acknowledgement.
    #[arg(long, value_name = "N", default_value_t = 10)]
    gate: usize,
    /// The server's URL, as documents name it.
    #[arg(long, value_name = "URL", default_value = "http://provisioner.invalid:8080")]
    url: String,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, clap::ValueEnum)]
enum Output {
    /// A table and a summary.
    #[default]
    Table,
    /// One object.
    Json,
}

/// Why there is no plan.
#[derive(Debug, thiserror::Error)]
enum Failure {
    #[error("{0}")]
    Usage(String),
    #[error(transparent)]
    History(#[from] reader::ReadError),
    #[error("{which} has faults:\n{}", lines(.faults))]
    Faults { which: String, faults: Vec<Fault> },
    #[error(transparent)]
    Revision(#[from] RevisionError),
    #[error("the plan cannot be written as JSON")]
    Json(#[from] serde_json::Error),
    #[error("cannot write the output")]
    Output(#[from] io::Error),
}

fn lines(faults: &[Fault]) -> String {
    faults.iter().map(Fault::to_string).collect::<Vec<_>>().join("\n")
}

/// Makes and shows the plan.
pub fn run(typed: &Typed) -> ExitCode {
    let mut out = io::stdout().lock();
    let shown = plan(typed).and_then(|plan| match show(&plan, typed, &mut out) {
        // Who reads it has seen enough; the exit code is read all the same.
        Err(Failure::Output(error)) if error.kind() == io::ErrorKind::BrokenPipe => Ok(plan),
        shown => shown.map(|()| plan),
    });
    match shown {
        Ok(plan) => ExitCode::from(code(&plan, typed.exit_code)),
        Err(error) => {
            // Nobody is left to tell when this cannot be written.
            let _ = writeln!(io::stderr(), "provisioner: {error}");
            let usage = matches!(error, Failure::Usage(_));
            if usage { ExitCode::from(USAGE) } else { ExitCode::FAILURE }
        }
    }
}

fn plan(typed: &Typed) -> Result<PlanResponse, Failure> {
    let (old, new) = catalogs(typed)?;
    let nodes = reader::nodes(&typed.history)?;
    let around = Around { server: typed.url.trim_end_matches('/'), subnets: &[] };
    let gate = Gate { moves: typed.gate };
    Ok(planned(&old, &new, &nodes, Asked { around, library: None, gate, diff: typed.diff }))
}

fn catalogs(typed: &Typed) -> Result<(Catalog, Catalog), Failure> {
    if let (Some(from), Some(to)) = (&typed.from, &typed.to) {
        return Ok((directory(from)?, directory(to)?));
    }
    let Some(repository) = &typed.catalog else {
        return Err(Failure::Usage("say --catalog DIR, or --from DIR --to DIR".to_owned()));
    };
    let range = typed.range.as_deref().unwrap_or_default();
    let (from, to) = range.split_once("..").unwrap_or((range, ""));
    if to.starts_with('.') {
        let why = format!("{range}: write A..B; three dots mean something else to git");
        return Err(Failure::Usage(why));
    }
    let old = revision(repository, if from.is_empty() { "HEAD" } else { from })?;
    let new = if to.is_empty() { directory(repository)? } else { revision(repository, to)? };
    Ok((old, new))
}

fn directory(path: &Path) -> Result<Catalog, Failure> {
    let which = || path.display().to_string();
    catalog_dir::load(path).map_err(|faults| Failure::Faults { which: which(), faults })
}

fn revision(repository: &Path, revision: &str) -> Result<Catalog, Failure> {
    Ok(load_repository(repository, revision, "")?)
}

fn show(plan: &PlanResponse, typed: &Typed, out: &mut dyn Write) -> Result<(), Failure> {
    match typed.output {
        Output::Json => writeln!(out, "{}", serde_json::to_string_pretty(plan)?)?,
        Output::Table => {
            if typed.diff {
                out.write_all(plan.diff.as_bytes())?;
            }
            out.write_all(plan.text.as_bytes())?;
        }
    }
    Ok(out.flush()?)
}

fn code(plan: &PlanResponse, wanted: bool) -> u8 {
    match () {
        () if !wanted || plan.nodes.is_empty() => 0,
        () if !plan.gate.is_empty() => GATE,
        () => CHANGES,
    }
}
