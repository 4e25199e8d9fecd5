//! Nodes as the history has them, for whoever has a clone of it and no store: the inverse of `record`.
//!
//! What the history leaves out comes back empty: last contact, deadlines, bytes done, revisions. Keys that
//! this version does not know are passed over, so that a newer history can be read.

use std::collections::{BTreeMap, BTreeSet};
use std::net::Ipv4Addr;
use std::path::Path;

use api::node::{Disk, Inventory, Stage};
use git2::{ErrorCode, Repository};
use serde::Deserialize;

use crate::domain::labels::Labels;
use crate::domain::machine::{Alias, Mac, NodeId, Uuid};
use crate::domain::node::{Attempt, BootId, Limits, Millis, Node, Spec, State, Status};

/// Largest record, in bytes: an inventory of thousands of disks.
const MAX_RECORD: usize = 4 << 20;

/// Why a clone's nodes cannot be read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReadError {
    /// Not a repository, or not one that git trusts.
    #[error("cannot read the history in {path}: {why}")]
    Repository {
        /// Where.
        path: String,
        /// What git said, and what to do.
        why: String,
    },
    /// A record is not what `provisioner` writes.
    #[error("{file} of the history is no node: {why}")]
    Record {
        /// The file.
        file: String,
        /// What is wrong with it.
        why: String,
    },
}

/// All nodes at the `HEAD` of a repository, bare or with a work tree, by id.
pub fn nodes(path: &Path) -> Result<Vec<Node>, ReadError> {
    let fail = |error: &git2::Error| ReadError::Repository {
        path: path.display().to_string(),
        why: advice(path, error),
    };
    let repository = Repository::open(path).map_err(|error| fail(&error))?;
    let top =
        repository.head().and_then(|head| head.peel_to_tree()).map_err(|error| fail(&error))?;
    let Some(entry) = top.get_name("nodes") else {
        return Ok(Vec::new());
    };
    let folder = entry.to_object(&repository).and_then(|object| object.peel_to_tree());
    let mut nodes = Vec::new();
    for entry in &folder.map_err(|error| fail(&error))? {
        let file = format!("nodes/{}", String::from_utf8_lossy(entry.name_bytes()));
        let blob = entry.to_object(&repository).and_then(|object| object.peel_to_blob());
        let blob = blob.map_err(|error| fail(&error))?;
        let node = record(blob.content()).map_err(|why| ReadError::Record { file, why })?;
        nodes.push(node);
    }
    Ok(nodes)
}

fn advice(path: &Path, error: &git2::Error) -> String {
    let path = path.display();
    match error.code() {
        ErrorCode::NotFound => {
            "it is no git repository; `git clone` the server's DATA_DIR/history and name the clone"
                .to_owned()
        }
        ErrorCode::UnbornBranch => "it has no commits yet".to_owned(),
        ErrorCode::Owner => format!(
            "it belongs to another user; allow it with \
             `git config --global --add safe.directory {path}`"
        ),
        _ => error.message().to_owned(),
    }
}

#[derive(Deserialize)]
struct Record {
    id: String,
    #[serde(default)]
    aliases: Aliases,
    spec: Spec,
    status: StatusRecord,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Aliases {
    uuid: Vec<String>,
    serial: Vec<String>,
    mac: Vec<Mac>,
}

#[derive(Deserialize)]
struct StatusRecord {
    state: String,
    failed: Option<Failure>,
    reason: String,
    since: String,
    first_seen: String,
    group: Option<String>,
    profile: Option<String>,
    #[serde(default)]
    labels: Labels,
    boot_mac: Option<Mac>,
    address: Option<Ipv4Addr>,
    #[serde(default)]
    arch: String,
    #[serde(default)]
    firmware: String,
    installed_generation: u64,
    installed_by: Option<BootId>,
    tries: u32,
    installs: u32,
    attempt: Option<AttemptRecord>,
    inventory: Option<Inventory>,
    #[serde(default)]
    versions: BTreeMap<String, String>,
}

#[derive(Deserialize)]
struct Failure {
    stage: Stage,
    retryable: bool,
}

#[derive(Deserialize)]
struct AttemptRecord {
    boot: BootId,
    generation: u64,
    claimed: String,
    stage: Stage,
    disk: Option<Disk>,
    limits: Limits,
    ended: bool,
}

fn record(bytes: &[u8]) -> Result<Node, String> {
    if bytes.len() > MAX_RECORD {
        return Err(format!("it has {} bytes; a record has at most {MAX_RECORD}", bytes.len()));
    }
    let record: Record = serde_yaml::from_slice(bytes).map_err(|error| error.to_string())?;
    Ok(Node {
        id: record.id.parse::<NodeId>().map_err(|error| error.to_string())?,
        aliases: aliases(record.aliases)?,
        spec: record.spec,
        status: status(record.status)?,
        revision: 0,
    })
}

fn aliases(names: Aliases) -> Result<BTreeSet<Alias>, String> {
    let uuid = |text: String| text.parse::<Uuid>().map(Alias::Uuid).map_err(|e| e.to_string());
    let others = names.serial.into_iter().map(Alias::Serial);
    let others = others.chain(names.mac.into_iter().map(Alias::Mac));
    names.uuid.into_iter().map(uuid).chain(others.map(Ok)).collect()
}

fn status(record: StatusRecord) -> Result<Status, String> {
    let since = millis(&record.since)?;
    Ok(Status {
        state: state(&record.state, record.failed)?,
        reason: record.reason,
        since,
        first_seen: millis(&record.first_seen)?,
        last_seen: since,
        group: record.group,
        profile: record.profile,
        labels: record.labels,
        boot_mac: record.boot_mac,
        address: record.address,
        arch: record.arch,
        firmware: record.firmware,
        installed_generation: record.installed_generation,
        installed_by: record.installed_by,
        tries: record.tries,
        installs: record.installs,
        attempt: record.attempt.map(attempt).transpose()?,
        inventory: record.inventory,
        versions: record.versions,
        deadline: None,
    })
}

fn state(name: &str, failed: Option<Failure>) -> Result<State, String> {
    let plain = [
        State::Unknown,
        State::Configured,
        State::Installing,
        State::Installed,
        State::Running,
        State::Retired,
    ];
    if let ("failed", Some(Failure { stage, retryable })) = (name, failed) {
        return Ok(State::Failed { stage, retryable });
    }
    let found = plain.into_iter().find(|state| state.name() == name);
    found.ok_or_else(|| format!("there is no state {name:?}"))
}

fn attempt(record: AttemptRecord) -> Result<Attempt, String> {
    Ok(Attempt {
        boot: record.boot,
        generation: record.generation,
        claimed: millis(&record.claimed)?,
        stage: record.stage,
        done_bytes: 0,
        total_bytes: 0,
        disk: record.disk,
        limits: record.limits,
        ended: record.ended,
    })
}

/// `2026-11-21T09:49:18.000Z` and nothing else.
fn millis(text: &str) -> Result<Millis, String> {
    let fail = || format!("{text:?} is no time such as 2026-11-21T09:49:18.000Z");
    let number = |from: usize, to: usize| {
        let digits = text.get(from..to).filter(|d| d.bytes().all(|b| b.is_ascii_digit()));
        digits.and_then(|digits| digits.parse::<u64>().ok()).ok_or_else(fail)
    };
    let marks = [(4, "-"), (7, "-"), (10, "T"), (13, ":"), (16, ":"), (19, "."), (23, "Z")];
    if text.len() != 24 || marks.iter().any(|(at, mark)| text.get(*at..at + 1) != Some(mark)) {
        return Err(fail());
    }
    let (year, month, day) = (number(0, 4)?, number(5, 7)?, number(8, 10)?);
    if !(1970..=9999).contains(&year) || !(1..=12).contains(&month) || !(1..=31).contains(&day) {
        return Err(fail());
    }
    let seconds = days(year, month, day) * 86_400 + number(11, 13)? * 3600 + number(14, 16)? * 60;
    Ok(Millis((seconds + number(17, 19)?) * 1000 + number(20, 23)?))
}

/// Days since 1970-01-01, with years that begin on 1 March: the inverse of `record::civil`.
fn days(year: u64, month: u64, day: u64) -> u64 {
    let year = year - u64::from(month <= 2);
    let (era, year_of_era) = (year / 400, year % 400);
    let march_month = if month > 2 { month - 3 } else { month + 9 };
    let day_of_year = (153 * march_month + 2) / 5 + day - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    (era * 146_097 + day_of_era).saturating_sub(719_468)
}

#[cfg(test)]
mod tests;
