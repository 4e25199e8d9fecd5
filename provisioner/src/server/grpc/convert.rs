//! Domain types in the words of the operator plane.

use api::v1;

use crate::domain::node::{Millis, Node, State, stage_name};
use crate::domain::timeline::{Boot, Timeline};

/// A node and the last step of its boot.
pub(super) fn node(node: &Node, timeline: &Timeline) -> v1::Node {
    let status = &node.status;
    let attempt = status.attempt.as_ref().filter(|_| status.state == State::Installing);
    let inventory =
        status.inventory.as_ref().and_then(|inventory| serde_json::to_string(inventory).ok());
    v1::Node {
        id: node.id.to_string(),
        hostname: node.hostname(),
        state: status.state.name().to_owned(),
        reason: status.reason.clone(),
        group: status.group.clone().unwrap_or_default(),
        profile: status.profile.clone().unwrap_or_default(),
        macs: node.macs().map(|mac| mac.to_string()).collect(),
        uuid: node.uuid().unwrap_or_default(),
        serial: node.serial().unwrap_or_default().to_owned(),
        address: status.address.map(|address| address.to_string()).unwrap_or_default(),
        arch: status.arch.clone(),
        firmware: status.firmware.clone(),
        generation: node.spec.generation,
        installed_generation: status.installed_generation,
        tries: status.tries,
        stage: attempt.map(|attempt| stage_name(attempt.stage).to_owned()).unwrap_or_default(),
        done_bytes: attempt.map(|attempt| attempt.done_bytes).unwrap_or_default(),
        total_bytes: attempt.map(|attempt| attempt.total_bytes).unwrap_or_default(),
        labels: labels(node),
        tags: node.spec.tags.clone().into_iter().collect(),
        versions: status.versions.clone().into_iter().collect(),
        first_seen_ms: millis(status.first_seen),
        last_seen_ms: millis(status.last_seen),
        since_ms: millis(status.since),
        hold: node.spec.hold.clone().unwrap_or_default(),
        installs: status.installs,
        revision: node.revision,
        inventory_json: inventory.unwrap_or_default(),
        last_step: timeline
            .last()
            .map(|reached| reached.step.name().to_owned())
            .unwrap_or_default(),
    }
}

/// A boot with its steps.
pub(super) fn boot(boot: &Boot) -> v1::Boot {
    v1::Boot {
        id: boot.id.as_ref().map(ToString::to_string).unwrap_or_default(),
        steps: boot
            .steps
            .iter()
            .map(|reached| v1::BootStep {
                time_ms: millis(reached.time),
                step: reached.step.name().to_owned(),
                detail: reached.detail.clone(),
            })
            .collect(),
    }
}

/// Milliseconds as protobuf's signed numbers.
pub(super) fn millis(time: Millis) -> i64 {
    i64::try_from(time.0).unwrap_or(i64::MAX)
}

fn labels(node: &Node) -> Vec<v1::Label> {
    node.labels()
        .iter()
        .map(|(key, label)| v1::Label {
            key: key.to_owned(),
            value: label.value.clone(),
            trust: label.trust.to_string(),
        })
        .collect()
}
