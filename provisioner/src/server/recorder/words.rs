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

/// The boot steps that an event is evidence of. Who is installed has written and verified, whatever report
/// of it was lost.
pub(super) fn reached_by(event: &Event) -> Vec<(Step, String)> {
    use api::node::Stage;
    let plain = |step| (step, String::new());
    match event {
        Event::Claimed { generation, .. } => {
            vec![(Step::Claimed, format!("generation {generation}"))]
        }
        Event::Progress { stage: Stage::Write, .. } => vec![plain(Step::Writing)],
        Event::Progress { stage: Stage::Configure, .. } => vec![plain(Step::Verified)],
        Event::Installed { disk, .. } => {
            let installed = (Step::Installed, format!("on {}", disk.name));
            vec![plain(Step::Writing), plain(Step::Verified), installed]
        }
        Event::Failed { stage, reason, .. } => {
            let stage = crate::domain::node::stage_name(*stage);
            vec![(Step::Failed, format!("{stage}: {reason}"))]
        }
        Event::PhonedHome { .. } => vec![plain(Step::Running)],
        Event::Progress { .. } | Event::Tick | Event::Steer(_) => Vec::new(),
    }
}
