//! A node as the history shows it: `nodes/ID.yaml`.
//!
//! What is wanted and what became of it. Secrets never; nor what changes without meaning anything (last
//! contact, deadlines, bytes done, revision), so that `git diff` shows what happened.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;

use api::node::{Disk, Inventory, Stage};
use serde::Serialize;

use crate::domain::labels::Labels;
use crate::domain::machine::{Alias, Mac, NodeId};
use crate::domain::node::{Attempt, BootId, Limits, Millis, Node, Spec, State, Status};

#[derive(Serialize)]
struct Record<'a> {
    id: &'a NodeId,
    aliases: Aliases<'a>,
    spec: SpecRecord<'a>,
    status: StatusRecord<'a>,
}

#[derive(Default, Serialize)]
struct Aliases<'a> {
    #[serde(skip_serializing_if = "Vec::is_empty")]
    uuid: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    serial: Vec<&'a str>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    mac: Vec<Mac>,
}

#[derive(Serialize)]
struct SpecRecord<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    hostname: &'a Option<String>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    tags: &'a BTreeMap<String, String>,
    generation: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    hold: &'a Option<String>,
}

#[derive(Serialize)]
struct StatusRecord<'a> {
    state: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    failed: Option<Failure>,
    reason: &'a str,
    since: String,
    first_seen: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    group: &'a Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    profile: &'a Option<String>,
    #[serde(skip_serializing_if = "Labels::is_empty")]
    labels: &'a Labels,
    #[serde(skip_serializing_if = "Option::is_none")]
    boot_mac: Option<Mac>,
    #[serde(skip_serializing_if = "Option::is_none")]
    address: Option<Ipv4Addr>,
    #[serde(skip_serializing_if = "str::is_empty")]
    arch: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    firmware: &'a str,
    installed_generation: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    installed_by: &'a Option<BootId>,
    tries: u32,
    installs: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    attempt: Option<AttemptRecord<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    inventory: &'a Option<Inventory>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    versions: &'a BTreeMap<String, String>,
}

#[derive(Serialize)]
struct Failure {
    stage: Stage,
    retryable: bool,
}

#[derive(Serialize)]
struct AttemptRecord<'a> {
    boot: &'a BootId,
    generation: u64,
    claimed: String,
    stage: Stage,
    #[serde(skip_serializing_if = "Option::is_none")]
    disk: &'a Option<Disk>,
    limits: Limits,
    ended: bool,
}

/// The node's file.
pub(super) fn yaml(node: &Node) -> Result<String, serde_yaml::Error> {
    serde_yaml::to_string(&Record {
        id: &node.id,
        aliases: aliases(node),
        spec: spec(&node.spec),
        status: status(&node.status),
    })
}

fn aliases(node: &Node) -> Aliases<'_> {
    let mut names = Aliases::default();
    for alias in &node.aliases {
        match alias {
            Alias::Uuid(uuid) => names.uuid.push(uuid.to_string()),
            Alias::Serial(serial) => names.serial.push(serial),
            Alias::Mac(mac) => names.mac.push(*mac),
        }
    }
    names
}

// Each field is named in the patterns below: one that is added must be shown here or left out on purpose.

fn spec(spec: &Spec) -> SpecRecord<'_> {
    let Spec { hostname, tags, generation, hold } = spec;
    SpecRecord { hostname, tags, generation: *generation, hold }
}

fn status(status: &Status) -> StatusRecord<'_> {
    let Status {
        state,
        reason,
        since,
        first_seen,
        last_seen: _,
        group,
        profile,
        labels,
        boot_mac,
        address,
        arch,
        firmware,
        installed_generation,
        installed_by,
        tries,
        installs,
        attempt: last,
        inventory,
        versions,
        deadline: _,
    } = status;
    StatusRecord {
        state: state.name(),
        failed: failure(*state),
        reason,
        since: rfc3339(*since),
        first_seen: rfc3339(*first_seen),
        group,
        profile,
        labels,
        boot_mac: *boot_mac,
        address: *address,
        arch,
        firmware,
        installed_generation: *installed_generation,
        installed_by,
        tries: *tries,
        installs: *installs,
        attempt: last.as_ref().map(attempt),
        inventory,
        versions,
    }
}

fn failure(state: State) -> Option<Failure> {
    match state {
        State::Failed { stage, retryable } => Some(Failure { stage, retryable }),
        _ => None,
    }
}

fn attempt(attempt: &Attempt) -> AttemptRecord<'_> {
    let Attempt {
        boot,
        generation,
        claimed,
        stage,
        done_bytes: _,
        total_bytes: _,
        disk,
        limits,
        ended,
    } = attempt;
    AttemptRecord {
        boot,
        generation: *generation,
        claimed: rfc3339(*claimed),
        stage: *stage,
        disk,
        limits: *limits,
        ended: *ended,
    }
}

/// RFC 3339 in UTC with milliseconds.
pub(super) fn rfc3339(time: Millis) -> String {
    let (seconds, millis) = (time.0 / 1000, time.0 % 1000);
    let (days, second) = (seconds / 86_400, seconds % 86_400);
    let (year, month, day) = civil(days);
    format!(
        "{year:04}-{month:02}-{day:02}T{:02}:{:02}:{:02}.{millis:03}Z",
        second / 3600,
        second / 60 % 60,
        second % 60
    )
}

/// Year, month and day of a day since 1970-01-01: eras of 400 years that begin on 1 March.
fn civil(days: u64) -> (u64, u64, u64) {
    let shifted = days + 719_468;
    let (era, day_of_era) = (shifted / 146_097, shifted % 146_097);
    let year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let march_month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * march_month + 2) / 5 + 1;
    let month = if march_month < 10 { march_month + 3 } else { march_month - 9 };
    let year = era * 400 + year_of_era + u64::from(month <= 2);
    (year, month, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_read_as_rfc_3339() {
        assert_eq!(rfc3339(Millis(0)), "1970-01-01T00:00:00.000Z");
        assert_eq!(rfc3339(Millis(951_782_399_999)), "2000-02-28T23:59:59.999Z");
        assert_eq!(rfc3339(Millis(1_709_164_800_001)), "2024-02-29T00:00:00.001Z");
        assert_eq!(rfc3339(Millis(1_795_254_558_000)), "2026-11-21T09:49:18.000Z");
    }
}
