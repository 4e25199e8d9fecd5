//! The state machine: one node, one event, one outcome. Total: what is not allowed is refused with a reason.

use std::collections::BTreeMap;

use api::node::{Disk, Inventory, Stage};
use serde::{Deserialize, Serialize};

use super::{BootId, Millis, Node, State, stage_name};

/// An installation under way, or the last one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attempt {
    /// Boot session that carries it out.
    pub boot: BootId,
    /// Generation that it installs.
    pub generation: u64,
    /// When it was claimed.
    pub claimed: Millis,
    /// Where it is.
    pub stage: Stage,
    /// Bytes done in this stage.
    pub done_bytes: u64,
    /// Bytes to do in this stage; 0 when not known.
    pub total_bytes: u64,
    /// The disk it wrote, once reported.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub disk: Option<Disk>,
    /// The profile's limits when it was claimed.
    pub limits: Limits,
    /// The agent itself said that it failed: nothing more is to come from this boot.
    #[serde(default)]
    pub ended: bool,
}

/// A profile's limits on an installation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Limits {
    /// Silence of the installer that counts as failure, seconds.
    pub heartbeat_seconds: u32,
    /// Time from `installed` to the first phone-home, seconds; 0: the system is not expected to.
    pub first_boot_seconds: u32,
    /// Installations of one generation before an operator has to look.
    pub tries: u32,
}

/// The catalog's `limits` when a profile says nothing.
impl Default for Limits {
    fn default() -> Self {
        Self { heartbeat_seconds: 60, first_boot_seconds: 900, tries: 3 }
    }
}

/// What an operator may ask for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Steer {
    /// Let an unknown node in.
    Approve,
    /// Let nothing happen to it, for this reason.
    Hold(String),
    /// End a hold.
    Release,
    /// One more installation.
    Reinstall,
    /// Give it up.
    Retire,
    /// Set and remove tags.
    Tag {
        /// Keys and values to set.
        set: BTreeMap<String, String>,
        /// Keys to remove.
        remove: Vec<String>,
    },
}

/// What happened. Evidence from the machine names its boot session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// The installer asks for its order.
    Claimed {
        /// Its boot session.
        boot: BootId,
        /// Generation that its script was made for.
        generation: u64,
        /// What it found.
        inventory: Inventory,
        /// The profile's limits.
        limits: Limits,
    },
    /// A sign of life with a measure.
    Progress {
        /// Its boot session.
        boot: BootId,
        /// Where it is.
        stage: Stage,
        /// Bytes done in this stage.
        done_bytes: u64,
        /// Bytes to do in this stage.
        total_bytes: u64,
    },
    /// The image is on the disk and was read back.
    Installed {
        /// Its boot session.
        boot: BootId,
        /// The disk that was written.
        disk: Disk,
    },
    /// The installation did not work.
    Failed {
        /// Its boot session.
        boot: BootId,
        /// Where.
        stage: Stage,
        /// Why.
        reason: String,
        /// Whether the next try may work.
        retryable: bool,
    },
    /// The installed system phoned home with a token of this boot session's installation.
    PhonedHome {
        /// Boot session that installed it.
        boot: BootId,
        /// Versions that it reports.
        versions: BTreeMap<String, String>,
    },
    /// Time has passed.
    Tick,
    /// An operator's word.
    Steer(Steer),
}

/// What came of an event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// The node moved from one state to another, or its spec changed: worth a commit in the history.
    Transition(Box<Node>),
    /// Something was noted that the history need not hold.
    Noted(Box<Node>),
    /// Said before; nothing to change.
    Repeated,
}

/// Why an event was not allowed. Final for its sender.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Refused(pub String);

/// Carries out one event.
pub fn step(node: &Node, event: Event, now: Millis) -> Result<Outcome, Refused> {
    match event {
        Event::Claimed { boot, generation, inventory, limits } => {
            claimed(node, Claim { boot, generation, inventory, limits }, now)
        }
        Event::Progress { boot, stage, done_bytes, total_bytes } => {
            progress(node, &boot, (stage, done_bytes, total_bytes), now)
        }
        Event::Installed { boot, disk } => installed(node, &boot, disk, now),
        Event::Failed { boot, stage, reason, retryable } => {
            failed(node, &boot, State::Failed { stage, retryable }, &reason, now)
        }
        Event::PhonedHome { boot, versions } => phoned_home(node, &boot, versions, now),
        Event::Tick => Ok(tick(node, now)),
        Event::Steer(steer) => steered(node, steer, now),
    }
}

struct Claim {
    boot: BootId,
    generation: u64,
    inventory: Inventory,
    limits: Limits,
}

fn claimed(node: &Node, claim: Claim, now: Millis) -> Result<Outcome, Refused> {
    let status = &node.status;
    let current = status.attempt.as_ref();
    if status.state == State::Installing && current.is_some_and(|a| a.boot == claim.boot) {
        return Ok(Outcome::Repeated);
    }
    may_install(node, claim.limits)?;
    if claim.generation != node.spec.generation {
        return refuse(format!(
            "generation {} was ordered by this boot, but {} is wanted now; boot again",
            claim.generation, node.spec.generation
        ));
    }
    if let Some(newer) = current.filter(|a| a.boot >= claim.boot) {
        return refuse(format!("boot {} is newer than this boot {}", newer.boot, claim.boot));
    }
    let reason = format!("boot {} claimed generation {}", claim.boot, claim.generation);
    let mut next = moved(node, State::Installing, reason, now);
    next.status.tries += 1;
    next.status.installs += 1;
    next.status.inventory = Some(claim.inventory);
    next.status.deadline = Some(now.plus_seconds(claim.limits.heartbeat_seconds));
    next.status.attempt = Some(Attempt {
        boot: claim.boot,
        generation: claim.generation,
        claimed: now,
        stage: Stage::Disk,
        done_bytes: 0,
        total_bytes: 0,
        disk: None,
        limits: claim.limits,
        ended: false,
    });
    Ok(Outcome::Transition(Box::new(next)))
}

/// Whether the next net boot of this node may install it. The one place that says so: the boot script
/// and the claim both ask here.
pub(in crate::domain) fn may_install(node: &Node, limits: Limits) -> Result<(), Refused> {
    let status = &node.status;
    if let Some(hold) = &node.spec.hold {
        return refuse(format!("held by an operator: {hold}"));
    }
    let tries_left = status.tries < limits.tries;
    match status.state {
        State::Configured => Ok(()),
        // The agent of an earlier boot is gone: this machine has started again.
        State::Installing | State::Failed { retryable: true, .. } if tries_left => Ok(()),
        State::Installing | State::Failed { retryable: true, .. } => refuse(format!(
            "{} of {} tries of generation {} did not end well; last: {}. \
             Look at `mayuctl boots`, then `mayuctl reinstall`",
            status.tries, limits.tries, node.spec.generation, status.reason
        )),
        State::Failed { retryable: false, .. } => {
            refuse(format!("failed: {}. Mend it, then `mayuctl reinstall`", status.reason))
        }
        State::Unknown => refuse("not approved; `mayuctl approve` lets it in"),
        State::Installed | State::Running => refuse(format!(
            "generation {} is installed; `mayuctl reinstall` asks for one more",
            status.installed_generation
        )),
        State::Retired => refuse("retired"),
    }
}

fn progress(
    node: &Node,
    boot: &BootId,
    (stage, done_bytes, total_bytes): (Stage, u64, u64),
    now: Millis,
) -> Result<Outcome, Refused> {
    let attempt = current_attempt(node, boot)?;
    let back = node.status.state != State::Installing;
    let mut next = node.clone();
    if back {
        next = moved(node, State::Installing, format!("boot {boot} is alive after all"), now);
    }
    next.status.last_seen = now;
    next.status.deadline = Some(now.plus_seconds(attempt.limits.heartbeat_seconds));
    next.status.attempt = Some(Attempt { stage, done_bytes, total_bytes, ..attempt.clone() });
    let next = Box::new(next);
    Ok(if back { Outcome::Transition(next) } else { Outcome::Noted(next) })
}

fn installed(node: &Node, boot: &BootId, disk: Disk, now: Millis) -> Result<Outcome, Refused> {
    let done = matches!(node.status.state, State::Installed | State::Running);
    if done && node.status.installed_by.as_ref() == Some(boot) {
        return Ok(Outcome::Repeated);
    }
    let attempt = current_attempt(node, boot)?.clone();
    let reason = format!("boot {boot} wrote and verified generation {}", attempt.generation);
    let mut next = moved(node, State::Installed, reason, now);
    next.status.installed_generation = attempt.generation;
    next.status.installed_by = Some(boot.clone());
    let first_boot = attempt.limits.first_boot_seconds;
    next.status.deadline = (first_boot > 0).then(|| now.plus_seconds(first_boot));
    next.status.attempt = Some(Attempt { stage: Stage::Finish, disk: Some(disk), ..attempt });
    Ok(Outcome::Transition(Box::new(next)))
}

fn failed(
    node: &Node,
    boot: &BootId,
    state: State,
    reason: &str,
    now: Millis,
) -> Result<Outcome, Refused> {
    let attempt = node.status.attempt.as_ref();
    if node.status.state == state && attempt.is_some_and(|a| a.boot == *boot && a.ended) {
        return Ok(Outcome::Repeated);
    }
    let ended = Attempt { ended: true, ..current_attempt(node, boot)?.clone() };
    let mut next = moved(node, state, reason.to_owned(), now);
    next.status.deadline = None;
    next.status.attempt = Some(ended);
    Ok(Outcome::Transition(Box::new(next)))
}

fn phoned_home(
    node: &Node,
    boot: &BootId,
    versions: BTreeMap<String, String>,
    now: Millis,
) -> Result<Outcome, Refused> {
    let status = &node.status;
    if status.installed_by.as_ref() != Some(boot) {
        return refuse(format!(
            "the system that boot {boot} installed is not the wanted one any more"
        ));
    }
    let note = |mut next: Node| {
        next.status.last_seen = now;
        next.status.versions = versions;
        Box::new(next)
    };
    match status.state {
        // Late is better than never: the evidence says that it runs.
        State::Installed | State::Failed { stage: Stage::FirstBoot, .. } => {
            Ok(Outcome::Transition(note(running(node, now))))
        }
        // It was known to run; or the installer's report was lost with the machine's reboot; or a reinstall is wanted while
        // the old system still runs: it is alive, and that changes nothing.
        _ => Ok(Outcome::Noted(note(node.clone()))),
    }
}

fn running(node: &Node, now: Millis) -> Node {
    let mut next = moved(node, State::Running, "phoned home".to_owned(), now);
    next.status.deadline = None;
    next
}

fn tick(node: &Node, now: Millis) -> Outcome {
    if node.status.deadline.is_none_or(|deadline| now < deadline) {
        return Outcome::Repeated;
    }
    let (stage, reason) = match (node.status.state, &node.status.attempt) {
        (State::Installing, Some(attempt)) => (
            attempt.stage,
            format!(
                "no sign of life from the installer for {} s in stage {}; look at the machine's console",
                attempt.limits.heartbeat_seconds,
                stage_name(attempt.stage)
            ),
        ),
        (State::Installed, _) => (
            Stage::FirstBoot,
            "installed, but the system did not phone home in time; look at the machine's console"
                .to_owned(),
        ),
        _ => return Outcome::Repeated,
    };
    // A disk that was written well is not written again because its first boot is late.
    let retryable = stage != Stage::FirstBoot;
    let mut next = moved(node, State::Failed { stage, retryable }, reason, now);
    next.status.last_seen = node.status.last_seen;
    next.status.deadline = None;
    Outcome::Transition(Box::new(next))
}

fn steered(node: &Node, steer: Steer, now: Millis) -> Result<Outcome, Refused> {
    let state = node.status.state;
    let mut next = node.clone();
    match steer {
        Steer::Approve if state == State::Unknown => {
            next = moved(node, State::Configured, "approved".to_owned(), now);
        }
        Steer::Approve => {
            return refuse(format!("only an unknown node can be approved; it is {state}"));
        }
        Steer::Hold(reason) => next.spec.hold = Some(reason),
        Steer::Release if node.spec.hold.is_none() => return refuse("it is not held"),
        Steer::Release => next.spec.hold = None,
        Steer::Reinstall => match state {
            State::Running | State::Installed | State::Failed { .. } => {
                next = moved(node, State::Configured, "reinstall asked for".to_owned(), now);
                next.spec.generation += 1;
                next.status.tries = 0;
                next.status.deadline = None;
            }
            State::Configured => return refuse("it waits for its next net boot already"),
            _ => return refuse(format!("a node that is {state} cannot be reinstalled")),
        },
        Steer::Retire if state == State::Retired => return Ok(Outcome::Repeated),
        Steer::Retire => {
            next = moved(node, State::Retired, "retired by an operator".to_owned(), now);
            next.status.deadline = None;
            next.status.address = None;
        }
        Steer::Tag { set, remove } => {
            next.spec.tags.extend(set);
            for key in remove {
                next.spec.tags.remove(&key);
            }
            if next.spec.tags == node.spec.tags {
                return Ok(Outcome::Repeated);
            }
        }
    }
    // An operator's word is no sight of the machine.
    next.status.last_seen = node.status.last_seen;
    Ok(Outcome::Transition(Box::new(next)))
}

fn current_attempt<'a>(node: &'a Node, boot: &BootId) -> Result<&'a Attempt, Refused> {
    let attempt = node.status.attempt.as_ref();
    match (node.status.state, attempt) {
        (State::Installing, Some(attempt)) if attempt.boot == *boot => Ok(attempt),
        (State::Installing, Some(attempt)) => {
            refuse(format!("boot {} has taken over from this boot {boot}", attempt.boot))
        }
        // Declared dead too early: it lives, so it may end well. Only its own boot may say so.
        (State::Failed { stage, retryable: true }, Some(attempt))
            if attempt.boot == *boot && stage != Stage::FirstBoot && !attempt.ended =>
        {
            Ok(attempt)
        }
        (state, _) => refuse(format!("the node is {state}, not installing, for boot {boot}")),
    }
}

fn moved(node: &Node, state: State, reason: String, now: Millis) -> Node {
    let mut next = node.clone();
    next.status.state = state;
    next.status.reason = reason;
    next.status.since = now;
    next.status.last_seen = now;
    next
}

fn refuse<T>(reason: impl Into<String>) -> Result<T, Refused> {
    Err(Refused(reason.into()))
}
