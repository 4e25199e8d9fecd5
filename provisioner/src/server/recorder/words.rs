//! How steps are told: to the history, and on the timeline.

use crate::domain::node::{BootId, Event, Node, Steer};
use crate::domain::timeline::Step;

/// Who said something, why, and in which boot: what the history's trailers hold.
pub(super) struct Said<'a> {
    pub(super) actor: &'a str,
    pub(super) cause: &'a str,
    pub(super) boot: Option<&'a BootId>,
    pub(super) catalog: &'a str,
}

pub(super) fn subject(old: &Node, next: &Node, event: &Event) -> String {
    let name = next.hostname();
    if old.status.state != next.status.state {
        return format!("{name}: {} → {}", old.status.state, next.status.state);
    }
    match event {
        Event::Claimed { boot, .. } => format!("{name}: installing again, boot {boot}"),
        Event::Steer(Steer::Hold(reason)) => format!("{name}: held: {reason}"),
        Event::Steer(Steer::Release) => format!("{name}: released"),
        Event::Steer(Steer::Tag { .. }) => format!("{name}: tags changed"),
        _ => format!("{name}: {}", next.status.reason),
    }
}

pub(super) fn cause_of(event: &Event) -> &'static str {
    match event {
        Event::Claimed { .. } => "claimed",
        Event::Progress { .. } => "progress",
        Event::Installed { .. } => "installed",
        Event::Failed { .. } => "failed",
        Event::PhonedHome { .. } => "phoned home",
        Event::Tick => "no sign of life in time",
        Event::Steer(steer) => match steer {
            Steer::Approve => "approve",
            Steer::Hold(_) => "hold",
            Steer::Release => "release",
            Steer::Reinstall => "reinstall",
            Steer::Retire => "retire",
            Steer::Tag { .. } => "tag",
        },
    }
}

/// The boot step that an event is evidence of.
pub(super) fn reached_by(event: &Event) -> Option<(Step, String)> {
    use api::node::Stage;
    match event {
        Event::Claimed { generation, .. } => {
            Some((Step::Claimed, format!("generation {generation}")))
        }
        Event::Progress { stage: Stage::Write, .. } => Some((Step::Writing, String::new())),
        Event::Progress { stage: Stage::Configure, .. } => Some((Step::Verified, String::new())),
        Event::Installed { disk, .. } => Some((Step::Installed, format!("on {}", disk.name))),
        Event::Failed { stage, reason, .. } => {
            let stage = crate::domain::node::stage_name(*stage);
            Some((Step::Failed, format!("{stage}: {reason}")))
        }
        Event::PhonedHome { .. } => Some((Step::Running, String::new())),
        Event::Progress { .. } | Event::Tick | Event::Steer(_) => None,
    }
}
