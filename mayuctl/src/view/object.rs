//! A node for programs: the protobuf's field names, plain values, `inventory` parsed.

use std::collections::BTreeMap;

use api::v1::{Boot, BootStep, HistoryEntry, Label, Node};
use serde::Serialize;
use serde_json::Value;

use crate::failure::Failure;

#[derive(Debug, Serialize)]
pub(crate) struct NodeObject<'a> {
    id: &'a str,
    hostname: &'a str,
    state: &'a str,
    reason: &'a str,
    group: &'a str,
    profile: &'a str,
    macs: &'a [String],
    uuid: &'a str,
    serial: &'a str,
    address: &'a str,
    arch: &'a str,
    firmware: &'a str,
    generation: u64,
    installed_generation: u64,
    tries: u32,
    stage: &'a str,
    done_bytes: u64,
    total_bytes: u64,
    labels: Vec<LabelObject<'a>>,
    tags: BTreeMap<&'a str, &'a str>,
    versions: BTreeMap<&'a str, &'a str>,
    first_seen_ms: i64,
    last_seen_ms: i64,
    since_ms: i64,
    hold: &'a str,
    installs: u32,
    revision: u64,
    /// Null before the first inventory.
    inventory: Value,
    last_step: &'a str,
}

#[derive(Debug, Serialize)]
struct LabelObject<'a> {
    key: &'a str,
    value: &'a str,
    trust: &'a str,
}

/// What a watch tells of a node that is gone.
#[derive(Debug, Serialize)]
pub(crate) struct RemovedObject<'a> {
    pub(crate) id: &'a str,
    pub(crate) removed: bool,
}

#[derive(Debug, Serialize)]
pub(crate) struct BootObject<'a> {
    id: &'a str,
    steps: Vec<StepObject<'a>>,
}

#[derive(Debug, Serialize)]
struct StepObject<'a> {
    time_ms: i64,
    step: &'a str,
    detail: &'a str,
}

#[derive(Debug, Serialize)]
pub(crate) struct HistoryObject<'a> {
    commit: &'a str,
    time_ms: i64,
    subject: &'a str,
    actor: &'a str,
    cause: &'a str,
}

impl<'a> From<&'a Node> for NodeObject<'a> {
    fn from(node: &'a Node) -> Self {
        Self {
            id: &node.id,
            hostname: &node.hostname,
            state: &node.state,
            reason: &node.reason,
            group: &node.group,
            profile: &node.profile,
            macs: &node.macs,
            uuid: &node.uuid,
            serial: &node.serial,
            address: &node.address,
            arch: &node.arch,
            firmware: &node.firmware,
            generation: node.generation,
            installed_generation: node.installed_generation,
            tries: node.tries,
            stage: &node.stage,
            done_bytes: node.done_bytes,
            total_bytes: node.total_bytes,
            labels: node.labels.iter().map(LabelObject::from).collect(),
            tags: sorted(&node.tags),
            versions: sorted(&node.versions),
            first_seen_ms: node.first_seen_ms,
            last_seen_ms: node.last_seen_ms,
            since_ms: node.since_ms,
            hold: &node.hold,
            installs: node.installs,
            revision: node.revision,
            inventory: inventory(&node.inventory_json),
            last_step: &node.last_step,
        }
    }
}

impl<'a> From<&'a Label> for LabelObject<'a> {
    fn from(label: &'a Label) -> Self {
        Self { key: &label.key, value: &label.value, trust: &label.trust }
    }
}

impl<'a> From<&'a Boot> for BootObject<'a> {
    fn from(boot: &'a Boot) -> Self {
        Self { id: &boot.id, steps: boot.steps.iter().map(StepObject::from).collect() }
    }
}

impl<'a> From<&'a BootStep> for StepObject<'a> {
    fn from(step: &'a BootStep) -> Self {
        Self { time_ms: step.time_ms, step: &step.step, detail: &step.detail }
    }
}

impl<'a> From<&'a HistoryEntry> for HistoryObject<'a> {
    fn from(entry: &'a HistoryEntry) -> Self {
        Self {
            commit: &entry.commit,
            time_ms: entry.time_ms,
            subject: &entry.subject,
            actor: &entry.actor,
            cause: &entry.cause,
        }
    }
}

/// Indented JSON with a line end.
pub(crate) fn json(value: &impl Serialize) -> Result<String, Failure> {
    match serde_json::to_string_pretty(value) {
        Ok(text) => Ok(text + "\n"),
        Err(error) => Err(Failure::Format { format: "JSON", source: error.into() }),
    }
}

/// JSON on one line.
pub(crate) fn json_line(value: &impl Serialize) -> Result<String, Failure> {
    match serde_json::to_string(value) {
        Ok(text) => Ok(text + "\n"),
        Err(error) => Err(Failure::Format { format: "JSON", source: error.into() }),
    }
}

/// One YAML document.
pub(crate) fn yaml(value: &impl Serialize) -> Result<String, Failure> {
    serde_yaml::to_string(value)
        .map_err(|error| Failure::Format { format: "YAML", source: error.into() })
}

fn sorted(map: &std::collections::HashMap<String, String>) -> BTreeMap<&str, &str> {
    map.iter().map(|(key, value)| (key.as_str(), value.as_str())).collect()
}

/// What cannot be parsed is handed on as the string it is: nothing is lost, nothing made up.
fn inventory(json: &str) -> Value {
    if json.is_empty() {
        return Value::Null;
    }
    serde_json::from_str(json).unwrap_or_else(|_| Value::String(json.to_owned()))
}
