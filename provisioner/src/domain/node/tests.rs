use api::node::{Disk, Inventory};
use proptest::prelude::*;

use super::*;
use crate::domain::machine::Claims;

const NOW: Millis = Millis(1_700_000_000_000);

fn fresh() -> Node {
    let claims = Claims::new().with_serial(Some("SN1")).with_mac("52:54:00:00:00:01".parse().ok());
    let id = NodeId::choose(&claims).unwrap();
    Node::first_seen(id, claims.aliases(), true, NOW)
}

fn boot(n: u64) -> BootId {
    BootId::mint(Millis(NOW.0 + n), 7)
}

fn claim(n: u64) -> Event {
    claim_of(n, 1)
}

fn claim_of(n: u64, generation: u64) -> Event {
    Event::Claimed {
        boot: boot(n),
        generation,
        inventory: Inventory::default(),
        limits: Limits::default(),
    }
}

fn installed(n: u64) -> Event {
    Event::Installed { boot: boot(n), disk: Disk::default() }
}

fn home(n: u64) -> Event {
    Event::PhonedHome { boot: boot(n), versions: BTreeMap::new() }
}

fn fails(n: u64, retryable: bool) -> Event {
    Event::Failed { boot: boot(n), stage: Stage::Write, reason: "disk full".into(), retryable }
}

fn progress(n: u64) -> Event {
    Event::Progress { boot: boot(n), stage: Stage::Write, done_bytes: 1, total_bytes: 2 }
}

/// Carries out events; a refusal or repetition leaves the node as it is.
fn after(events: impl IntoIterator<Item = Event>) -> Node {
    events.into_iter().fold(fresh(), |node, event| next(&node, event, NOW))
}

fn next(node: &Node, event: Event, now: Millis) -> Node {
    match step(node, event, now) {
        Ok(Outcome::Transition(next) | Outcome::Noted(next)) => *next,
        Ok(Outcome::Repeated) | Err(_) => node.clone(),
    }
}

fn refusal(node: &Node, event: Event) -> String {
    step(node, event, NOW).expect_err("was allowed").0
}

#[test]
fn a_blank_machine_becomes_a_running_node() {
    let states: Vec<&str> = [
        vec![],
        vec![claim(1)],
        vec![claim(1), installed(1)],
        vec![claim(1), installed(1), home(1)],
    ]
    .into_iter()
    .map(|events| after(events).status.state.name())
    .collect();
    assert_eq!(states, ["configured", "installing", "installed", "running"]);
}

#[test]
fn saying_it_again_changes_nothing() {
    let node =
        after([claim(1), claim(1), claim(1), installed(1), installed(1), home(1), installed(1)]);
    assert_eq!(
        (node.status.state, node.status.installs, node.status.tries),
        (State::Running, 1, 1)
    );
}

#[test]
fn a_machine_switched_off_in_the_middle_installs_at_its_next_boot() {
    let node = after([claim(1), progress(1), claim(2), installed(2), home(2)]);
    assert_eq!((node.status.state, node.status.installs), (State::Running, 2));
}

#[test]
fn a_report_from_an_older_boot_changes_nothing() {
    let node = after([claim(1), claim(2)]);
    assert!(refusal(&node, installed(1)).contains("has taken over"));
    assert!(refusal(&node, fails(1, true)).contains("has taken over"));
    assert!(refusal(&node, claim(1)).contains("is newer than"));
}

#[test]
fn a_failure_is_tried_again_until_the_limit() {
    let mut node = fresh();
    for n in 1..=3 {
        node = next(&node, claim(n), NOW);
        node = next(&node, fails(n, true), NOW);
    }
    assert_eq!((node.status.state.name(), node.status.tries), ("failed", 3));
    assert!(refusal(&node, claim(4)).contains("3 of 3 tries"));
    let again = next(&node, Event::Steer(Steer::Reinstall), NOW);
    assert_eq!(
        (again.status.state, again.spec.generation, again.status.tries),
        (State::Configured, 2, 0)
    );
}

#[test]
fn what_cannot_work_the_second_time_is_not_tried_again() {
    assert!(refusal(&after([claim(1), fails(1, false)]), claim(2)).contains("mayuctl reinstall"));
}

#[test]
fn a_reinstall_makes_exactly_one_new_installation() {
    let ran = after([claim(1), installed(1), home(1)]);
    assert!(refusal(&ran, claim(2)).contains("generation 1 is installed"));
    let asked = next(&ran, Event::Steer(Steer::Reinstall), NOW);
    assert!(refusal(&asked, Event::Steer(Steer::Reinstall)).contains("already"));
    assert!(refusal(&asked, claim_of(2, 1)).contains("generation 1 was ordered"));
    let alive = next(&asked, home(1), NOW);
    assert_eq!(alive.status.state, State::Configured, "the old system's word changes nothing");
    let done =
        [claim_of(3, 2), installed(3), home(3)].into_iter().fold(alive, |n, e| next(&n, e, NOW));
    assert_eq!(
        (done.status.state, done.status.installs, done.status.installed_generation),
        (State::Running, 2, 2)
    );
    assert!(refusal(&done, claim_of(4, 2)).contains("is installed"));
    assert!(refusal(&done, home(1)).contains("not the wanted one"));
}

#[test]
fn silence_becomes_a_failure_with_its_stage() {
    let node = after([claim(1), progress(1)]);
    let early = next(&node, Event::Tick, NOW.plus_seconds(59));
    assert_eq!(early.status.state, State::Installing);
    let late = next(&node, Event::Tick, NOW.plus_seconds(60));
    assert_eq!(late.status.state, State::Failed { stage: Stage::Write, retryable: true });
    assert!(late.status.reason.contains("60 s in stage write"), "{}", late.status.reason);
    let back = next(&late, progress(1), NOW.plus_seconds(61));
    assert_eq!(
        (back.status.state, back.status.tries),
        (State::Installing, 1),
        "it lives after all"
    );
}

#[test]
fn a_system_that_never_phones_home_is_a_failure_that_late_news_heals() {
    let node = after([claim(1), installed(1)]);
    let late = next(&node, Event::Tick, NOW.plus_seconds(900));
    assert_eq!(late.status.state, State::Failed { stage: Stage::FirstBoot, retryable: false });
    assert_eq!(next(&late, home(1), NOW).status.state, State::Running);
}

#[test]
fn a_system_that_brings_its_own_configuration_is_not_expected_to_phone_home() {
    let limits = Limits { first_boot_seconds: 0, ..Limits::default() };
    let inventory = Inventory::default();
    let claim = Event::Claimed { boot: boot(1), generation: 1, inventory, limits };
    let node = after([claim, installed(1)]);
    let later = next(&node, Event::Tick, NOW.plus_seconds(1_000_000));
    assert_eq!(later.status.state, State::Installed);
}

#[test]
fn the_agents_own_word_replaces_the_timers() {
    let node = after([claim(1), progress(1)]);
    let silent = next(&node, Event::Tick, NOW.plus_seconds(60));
    let told = next(&silent, fails(1, true), NOW.plus_seconds(70));
    assert_eq!(told.status.reason, "disk full");
}

#[test]
fn an_agent_that_said_it_failed_does_not_come_back_by_a_late_heartbeat() {
    let node = after([claim(1), fails(1, true)]);
    assert!(refusal(&node, progress(1)).contains("not installing"));
}

#[test]
fn held_and_retired_nodes_are_not_installed() {
    let held = after([Event::Steer(Steer::Hold("bad fan".into()))]);
    assert!(refusal(&held, claim(1)).contains("bad fan"));
    let retired = after([Event::Steer(Steer::Retire)]);
    assert!(refusal(&retired, claim(1)).contains("retired"));
}

#[test]
fn an_unknown_node_waits_for_approval() {
    let claims = Claims::new().with_serial(Some("SN1"));
    let node = Node::first_seen(NodeId::choose(&claims).unwrap(), claims.aliases(), false, NOW);
    assert!(refusal(&node, claim(1)).contains("mayuctl approve"));
    assert_eq!(next(&node, Event::Steer(Steer::Approve), NOW).status.state, State::Configured);
}

#[test]
fn tags_are_labels_that_outrank_claims() {
    let mut node = after([Event::Steer(Steer::Tag {
        set: [("role".into(), "db".into())].into(),
        remove: vec![],
    })]);
    node.status.labels.insert("role", "evil", Trust::Claimed);
    assert_eq!(node.labels().get("role"), Some("db"));
}

#[test]
fn a_hostname_is_always_a_dns_label() {
    let mut node = fresh();
    assert_eq!(node.hostname(), "sn1");
    node.aliases =
        [Alias::Serial("--".into()), Alias::Mac("52:54:00:00:00:01".parse().unwrap())].into();
    assert_eq!(node.hostname(), "node-525400000001");
}

fn any_event() -> impl Strategy<Value = Event> {
    (0_u64..4, 0..8).prop_map(|(n, kind)| match kind {
        0 | 1 => claim(n),
        2 => progress(n),
        3 => installed(n),
        4 => fails(n, true),
        5 => fails(n, false),
        6 => home(n),
        _ => Event::Tick,
    })
}

proptest! {
    /// Whatever is lost, repeated, reordered or late: one generation is never installed twice.
    #[test]
    fn no_interleaving_installs_a_generation_that_is_installed(events in prop::collection::vec(any_event(), 0..40)) {
        let mut node = fresh();
        let mut now = NOW;
        for event in events {
            now = now.plus_seconds(20);
            let before = node.clone();
            node = next(&node, event, now);
            let started = node.status.installs > before.status.installs;
            prop_assert!(!(started && before.status.installed_generation == before.spec.generation));
            prop_assert!(node.status.tries <= Limits::default().tries);
            prop_assert!(node.status.installed_generation >= before.status.installed_generation);
        }
    }

    /// An installation that goes on undisturbed to its end wins, whatever came before it.
    #[test]
    fn the_newest_boot_can_always_finish(events in prop::collection::vec(any_event(), 0..4)) {
        let node = after(events);
        let claimed = next(&node, claim(9), NOW);
        if claimed.status.attempt.as_ref().is_some_and(|a| a.boot == boot(9)) {
            let done = next(&next(&claimed, installed(9), NOW), home(9), NOW);
            prop_assert_eq!(done.status.state, State::Running);
        }
    }
}
