use std::sync::Arc;

use super::super::{Look, Serving};
use super::lab::{Lab, PLAIN, acknowledge, git, id, lines, poll, write};
use crate::domain::machine::{Claims, NodeId};
use crate::domain::node::{Millis, Node};
use crate::domain::plan::moves;

const WORK: &str = "{path: work, git: {ref: main}, gate: {moves: 2}}";
pub(super) const OTHER: [(&str, &str); 2] =
    [("profiles/other.yaml", "name: other\n"), ("groups/default.yaml", "profile: other\n")];

/// Nodes that nothing is known of but their MACs.
pub(super) fn nodes(count: u8) -> Vec<Arc<Node>> {
    let node = |n: u8| {
        let claims = Claims::new().with_mac(format!("52:54:00:00:00:{n:02x}").parse().ok());
        let id = NodeId::choose(&claims).unwrap();
        Arc::new(Node::first_seen(id, claims.aliases(), true, Millis(1)))
    };
    (1..=count).map(node).collect()
}

pub(super) fn guarded(serving: Serving, known: u8) -> Serving {
    let (known, gate) = (nodes(known), serving.gate());
    serving.guard(Box::new(move |old, new| {
        moves(old, new, known.iter().map(Arc::as_ref)).gate(&gate)
    }));
    serving
}

#[test]
fn a_commit_that_moves_too_many_nodes_waits_for_a_word() {
    let lab = Lab::new();
    let serving = guarded(lab.serve(WORK), 3);
    let before = id(&serving);
    let next = lab.commit(&OTHER, "Move all");
    let told = poll(&serving);
    assert!(told.starts_with(&format!("{next} waits: ")), "{told}");
    assert!(told.contains("3 of 3 nodes"), "{told}");
    assert_eq!(id(&serving), before);
    assert_eq!(serving.newest().id().as_str(), next, "it can be looked at");
    serving.look(&Look::Again);
    assert_eq!(id(&serving), before, "asking again is no word");
    acknowledge(&serving);
    assert_eq!(id(&serving), next);
    assert_eq!(poll(&serving), "");
}

#[test]
fn as_many_as_are_fine_go_at_once() {
    let lab = Lab::new();
    let serving = guarded(lab.serve(WORK), 2);
    let next = lab.commit(&OTHER, "Move all");
    assert_eq!(poll(&serving), "");
    assert_eq!(id(&serving), next);
}

#[test]
fn a_commit_that_says_ack_goes_live() {
    let lab = Lab::new();
    let serving = guarded(lab.serve(WORK), 3);
    let before = id(&serving);
    for message in ["Ack: no trailer, a subject", "Move\n\nAck: inside of the text\n\nand more"] {
        lab.commit(&OTHER, message);
        assert!(poll(&serving).contains(" waits: "), "{message}");
        assert_eq!(id(&serving), before);
    }
    let next = lab.commit(&[], "Move all\n\nAs planned.\n\nAck: op");
    assert_eq!(poll(&serving), "");
    assert_eq!(id(&serving), next);
}

#[test]
fn nodes_that_would_match_nothing_wait_for_a_word_whatever_their_number() {
    let lab = Lab::new();
    let serving = guarded(lab.serve(WORK), 1);
    let before = id(&serving);
    lab.commit(&[("groups/default.yaml", "profile: local\nselector: {rack: r1}\n")], "Narrow it");
    assert!(poll(&serving).contains(" waits: "));
    assert_eq!(id(&serving), before);
    git(&lab.work(), &["revert", "--no-edit", "HEAD"]);
    assert_eq!(poll(&serving), "", "what is as before need not wait");
    assert_eq!(id(&serving), lab.head());
}

#[test]
fn a_restart_is_no_way_around_the_gate() {
    let lab = Lab::new();
    let before = id(&guarded(lab.serve(WORK), 3));
    let next = lab.commit(&OTHER, "Move all");
    let serving = guarded(lab.serve(WORK), 3);
    serving.look(&Look::Here);
    assert_eq!(id(&serving), before);
    assert_eq!(serving.standing().waiting.unwrap().0, next);
    acknowledge(&serving);
    assert_eq!(id(&lab.serve(WORK)), next, "what was taken stays taken");
}

#[test]
fn a_word_is_for_what_was_seen_and_not_for_what_came_since() {
    let lab = Lab::new();
    let serving = guarded(lab.serve(WORK), 3);
    let before = id(&serving);
    let seen = lab.commit(&OTHER, "Move all");
    poll(&serving);
    let since = lab.commit(&[("groups/default.yaml", "profile: other\n# newer\n")], "Go on");
    serving.look(&Look::Acknowledge(seen.clone()));
    assert_eq!(id(&serving), before);
    let (waits, why) = serving.standing().waiting.unwrap();
    assert_eq!(waits, since);
    assert!(why.contains(&seen) && why.contains("ask again"), "{why}");
    acknowledge(&serving);
    assert_eq!(id(&serving), since);
}

#[test]
fn a_directory_has_the_same_gate_while_serving() {
    let lab = Lab::new();
    let directory = "{path: work, gate: {moves: 2}}";
    let serving = guarded(lab.serve(directory), 3);
    let before = id(&serving);
    write(&lab.work(), &OTHER);
    assert!(poll(&serving).contains(" waits: "));
    assert_eq!(id(&serving), before);
    write(&lab.work(), &[("groups/bad.yaml", "x: y\n")]);
    assert!(poll(&serving).contains("groups/bad.yaml:1:1"));
    assert!(serving.standing().waiting.is_none());
    std::fs::remove_file(lab.work().join("groups/bad.yaml")).unwrap();
    assert!(poll(&serving).contains(" waits: "));
    acknowledge(&serving);
    assert_ne!(id(&serving), before);
    let check = Serving::newest_of(&lab.settings(directory), &lab.data());
    assert!(check.map_err(|faults| lines(&faults)).is_ok());
}

#[test]
fn a_word_without_what_it_is_for_takes_nothing() {
    let lab = Lab::new();
    let serving = guarded(lab.serve(WORK), 3);
    let before = id(&serving);
    let next = lab.commit(&OTHER, "Move all");
    acknowledge(&serving);
    assert_eq!(id(&serving), before, "nobody had seen it");
    assert_eq!(serving.standing().waiting.unwrap().0, next);
}

#[test]
fn what_waits_is_judged_again_when_the_nodes_change() {
    use std::sync::atomic::{AtomicBool, Ordering};
    let lab = Lab::new();
    let serving = lab.serve(WORK);
    let many = Arc::new(AtomicBool::new(true));
    let asked = Arc::clone(&many);
    serving.guard(Box::new(move |_, _| asked.load(Ordering::Relaxed).then(|| "many".to_owned())));
    let next = lab.commit(&OTHER, "Move all");
    assert!(poll(&serving).ends_with(" waits: many"));
    assert!(poll(&serving).ends_with(" waits: many"));
    many.store(false, Ordering::Relaxed);
    assert_eq!(poll(&serving), "");
    assert_eq!(id(&serving), next);
}

#[test]
fn an_old_commit_that_said_ack_is_no_word_when_the_ref_goes_back_to_it() {
    let lab = Lab::new();
    lab.commit(&OTHER, "Move all\n\nAck: op");
    let old = lab.head();
    let serving = guarded(lab.serve(WORK), 3);
    let back = [PLAIN[1], ("x", "x")];
    let new = lab.commit(&back, "Move back\n\nAck: op");
    assert_eq!(poll(&serving), "");
    assert_eq!(id(&serving), new);
    git(&lab.work(), &["reset", "-q", "--hard", &old]);
    assert!(poll(&serving).starts_with(&format!("{old} waits: ")));
    assert_eq!(id(&serving), new);
}

#[test]
fn what_waits_can_be_taken_while_its_remote_is_gone() {
    let lab = Lab::new();
    let serving = guarded(lab.serve("{git: {remote: work}, gate: {moves: 2}}"), 3);
    let next = lab.commit(&OTHER, "Move all");
    assert!(poll(&serving).contains(" waits: "));
    std::fs::rename(lab.work(), lab.path("gone")).unwrap();
    assert!(poll(&serving).contains("cannot be fetched"));
    acknowledge(&serving);
    assert_eq!(id(&serving), next);
    assert!(serving.standing().look_failed.is_some());
}
