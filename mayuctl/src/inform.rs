//! Commands that only tell: history, boots, catalog, version, completions.

use std::io::{self, Write};

use api::v1::{
    Boot, CatalogReloadRequest, CatalogStatus, CatalogStatusRequest, NodeName, VersionRequest,
};
use clap::CommandFactory as _;
use clap_complete::Shell;

use crate::Surroundings;
use crate::args::Args;
use crate::failure::Failure;
use crate::server::Client;
use crate::view::object::{BootObject, HistoryObject, json};
use crate::view::table::{Cell, Table};
use crate::view::text::{clean, count, or_dash, span, time};

/// The node's past, as the history repository has it.
pub(crate) async fn history(
    client: &Client,
    node: &str,
    as_json: bool,
    s: &mut Surroundings<'_>,
) -> Result<(), Failure> {
    let answer = client.history().log(NodeName { name: node.to_owned() }).await;
    let what = format!("show the history of {node}");
    let entries = answer.map_err(Failure::answered(what))?.into_inner().entries;
    if as_json {
        let objects: Vec<_> = entries.iter().map(HistoryObject::from).collect();
        return Ok(s.out.write_all(json(&objects)?.as_bytes())?);
    }
    let rows = entries.iter().map(|entry| -> Vec<Cell> {
        let commit: String = clean(&entry.commit).chars().take(10).collect();
        vec![
            time(entry.time_ms).into(),
            commit.into(),
            or_dash(&entry.actor).into(),
            or_dash(&entry.subject).into(),
            or_dash(&entry.cause).into(),
        ]
    });
    let rows: Vec<_> = rows.collect();
    if rows.is_empty() {
        writeln!(s.err, "no history yet")?;
        return Ok(());
    }
    Table::new(&["TIME", "COMMIT", "ACTOR", "SUBJECT", "CAUSE"], false).write(s.out, &rows)?;
    Ok(())
}

/// The node's boots, step by step.
pub(crate) async fn boots(
    client: &Client,
    node: &str,
    as_json: bool,
    s: &mut Surroundings<'_>,
) -> Result<(), Failure> {
    let answer = client.boots().list(NodeName { name: node.to_owned() }).await;
    let what = format!("show the boots of {node}");
    let boots = answer.map_err(Failure::answered(what))?.into_inner().boots;
    if as_json {
        let objects: Vec<_> = boots.iter().map(BootObject::from).collect();
        return Ok(s.out.write_all(json(&objects)?.as_bytes())?);
    }
    if boots.is_empty() {
        writeln!(s.err, "no boots yet")?;
    }
    for boot in &boots {
        write_boot(boot, "", s.out)?;
    }
    Ok(())
}

/// A boot's timeline: one line per step, with its distance from the first.
pub(crate) fn write_boot(boot: &Boot, indent: &str, out: &mut dyn Write) -> io::Result<()> {
    let start = boot.steps.first().map_or(0, |step| step.time_ms);
    let steps = count(boot.steps.len(), "step");
    // A boot has its name from its script: one that asked for none yet has none.
    let id = if boot.id.is_empty() { "without a script".into() } else { clean(&boot.id) };
    writeln!(out, "{indent}boot {id}, {}, {steps}", time(start))?;
    let offsets = boot.steps.iter().map(|step| offset(step.time_ms.saturating_sub(start)));
    let offsets: Vec<String> = offsets.collect();
    let wide = offsets.iter().map(String::len).max().unwrap_or(0);
    let longest = boot.steps.iter().map(|step| clean(&step.step).chars().count()).max();
    let longest = longest.unwrap_or(0);
    for (step, offset) in boot.steps.iter().zip(&offsets) {
        let (name, detail) = (clean(&step.step), clean(&step.detail));
        let line = format!("{indent}  {offset:>wide$}  {name:longest$}  {detail}");
        writeln!(out, "{}", line.trim_end())?;
    }
    Ok(())
}

pub(crate) async fn catalog_status(
    client: &Client,
    s: &mut Surroundings<'_>,
) -> Result<(), Failure> {
    let answer = client.catalog().status(CatalogStatusRequest {}).await;
    let what = "show the catalog's status";
    show_catalog(&answer.map_err(Failure::answered(what))?.into_inner(), s)
}

/// Loads the catalog now. That the newest version was not taken is a failure.
pub(crate) async fn catalog_reload(
    client: &Client,
    ack: bool,
    s: &mut Surroundings<'_>,
) -> Result<(), Failure> {
    // The word is for what waits now, and for nothing that comes meanwhile.
    let id = if ack {
        let status = client.catalog().status(CatalogStatusRequest {}).await;
        status.map_err(Failure::answered("show the catalog's status"))?.into_inner().waiting
    } else {
        String::new()
    };
    let answer = client.catalog().reload(CatalogReloadRequest { ack, id: id.clone() }).await;
    let status = answer.map_err(Failure::answered("reload the catalog"))?.into_inner();
    show_catalog(&status, s)?;
    if ack && id.is_empty() {
        writeln!(s.out, "\nNothing waited for a word.")?;
    }
    if !status.faults.is_empty() {
        return Err(Failure::Catalog { faults: count(status.faults.len(), "fault") });
    }
    // What waited can be taken without its source.
    let taken = !id.is_empty() && status.id == id;
    if !status.look_failed.is_empty() && !taken {
        return Err(Failure::CatalogSource);
    }
    if !status.waiting.is_empty() {
        return Err(Failure::CatalogWaits);
    }
    Ok(())
}

fn show_catalog(status: &CatalogStatus, s: &mut Surroundings<'_>) -> Result<(), Failure> {
    writeln!(s.out, "catalog   {}", or_dash(&status.id))?;
    let (groups, profiles) = (status.groups.to_string(), status.profiles.to_string());
    let since = if status.since_ms > 0 { ago(status.since_ms, (s.now)()) } else { String::new() };
    let looked =
        if status.looked_ms > 0 { ago(status.looked_ms, (s.now)()) } else { String::new() };
    let lines = [
        ("commit", status.commit.as_str()),
        ("signed by", &status.signed_by),
        ("path", &status.path),
        ("ref", &status.r#ref),
        ("remote", &status.remote),
        ("groups", &groups),
        ("profiles", &profiles),
        ("since", &since),
        ("looked", &looked),
    ];
    for (name, value) in lines.into_iter().filter(|(_, value)| !value.is_empty()) {
        writeln!(s.out, "{name:9} {}", clean(value))?;
    }
    for warning in &status.warnings {
        writeln!(s.out, "warning   {}", clean(warning))?;
    }
    if !status.look_failed.is_empty() {
        writeln!(s.out, "\nThe last look at the source failed:\n  {}", clean(&status.look_failed))?;
    }
    if !status.faults.is_empty() {
        writeln!(s.out, "\nThe newest version was not taken:")?;
    }
    for fault in &status.faults {
        writeln!(s.out, "  {}", clean(fault))?;
    }
    if !status.waiting.is_empty() {
        writeln!(s.out, "\nCatalog {} waits for a word:", clean(&status.waiting))?;
        writeln!(s.out, "  {}", clean(&status.waiting_reason))?;
        writeln!(s.out, "  what it changes:  mayuctl plan")?;
        writeln!(s.out, "  take it:          mayuctl catalog reload --ack")?;
    }
    Ok(())
}

/// A point in time, and how long ago that is.
fn ago(ms: i64, now_ms: i64) -> String {
    format!("{} ({} ago)", time(ms), span(ms, now_ms))
}

pub(crate) fn client_version(s: &mut Surroundings<'_>) -> Result<(), Failure> {
    writeln!(s.out, "client {}", env!("CARGO_PKG_VERSION"))?;
    Ok(())
}

pub(crate) async fn server_version(
    client: &Client,
    s: &mut Surroundings<'_>,
) -> Result<(), Failure> {
    let answer = client.server().version(VersionRequest {}).await;
    let answer = answer.map_err(Failure::answered("ask the server for its version"))?;
    writeln!(s.out, "server {}", or_dash(&answer.into_inner().version))?;
    Ok(())
}

pub(crate) fn completions(shell: Shell, s: &mut Surroundings<'_>) -> Result<(), Failure> {
    // Collected first: the generator panics when it cannot write.
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Args::command(), "mayuctl", &mut script);
    s.out.write_all(&script)?;
    Ok(())
}

/// Milliseconds as `+1.250s`.
fn offset(ms: i64) -> String {
    let sign = if ms < 0 { '-' } else { '+' };
    let ms = ms.unsigned_abs();
    format!("{sign}{}.{:03}s", ms / 1000, ms % 1000)
}
