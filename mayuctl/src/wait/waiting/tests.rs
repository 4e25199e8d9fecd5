use std::time::Duration;

use super::*;
use crate::words::parse_goal;

fn waiting(target: Target) -> Waiting {
    Waiting::new(WaitRequest {
        goal: parse_goal("state=running").unwrap(),
        target,
        limit: Duration::from_secs(1),
    })
}

fn names(names: &[&str]) -> Target {
    Target::Names(names.iter().map(ToString::to_string).collect())
}

fn node(id: &str, state: &str) -> Node {
    Node { id: id.into(), hostname: format!("host-{id}"), state: state.into(), ..Node::default() }
}

fn failed(id: &str, reason: &str) -> Node {
    Node { reason: reason.into(), ..node(id, "failed") }
}

#[test]
fn nothing_is_done_before_all_nodes_were_seen() {
    let mut waiting = waiting(Target::All);
    waiting.begin();
    waiting.seen(node("a", "running"));
    assert!(!waiting.is_done() && waiting.news().is_empty());
    waiting.seen(node("b", "installing"));
    waiting.synced();
    assert_eq!(waiting.news(), ["host-a running"]);
    assert!(!waiting.is_done());
    waiting.seen(node("b", "running"));
    assert_eq!(waiting.news(), ["host-b running"]);
    assert!(waiting.is_done());
}

#[test]
fn no_nodes_at_all_are_not_what_was_waited_for() {
    let mut waiting = waiting(Target::All);
    waiting.synced();
    assert!(!waiting.is_done());
}

#[test]
fn a_failure_is_told_once_each_time_it_happens() {
    let mut waiting = waiting(Target::All);
    waiting.synced();
    waiting.seen(failed("a", "wrong hash"));
    assert_eq!(waiting.news(), ["host-a failed: wrong hash"]);
    waiting.seen(failed("a", "wrong hash"));
    assert!(waiting.news().is_empty());
    waiting.seen(node("a", "installing"));
    assert!(waiting.news().is_empty());
    waiting.seen(failed("a", "no disk"));
    assert_eq!(waiting.news(), ["host-a failed: no disk"]);
    assert!(!waiting.is_done());
}

#[test]
fn names_are_looked_up_only_when_a_node_may_have_got_one() {
    let mut waiting = waiting(names(&["n1"]));
    assert!(!waiting.seen(node("a", "installing")), "all have to be seen first");
    assert!(waiting.synced());
    assert!(!waiting.seen(node("a", "installed")), "its names are the same");
    assert!(waiting.seen(Node { hostname: "n1".into(), ..node("a", "installed") }));
    waiting.resolved("n1", "a");
    assert!(!waiting.seen(node("b", "unknown")), "there is no name left");
}

#[test]
fn a_named_node_that_is_removed_is_waited_for_again() {
    let mut waiting = waiting(names(&["n1"]));
    waiting.seen(node("a", "running"));
    waiting.synced();
    waiting.resolved("n1", "a");
    assert!(waiting.is_done());
    waiting.removed("a");
    assert!(!waiting.is_done());
    assert_eq!(waiting.unresolved(), ["n1"]);
}

#[test]
fn a_new_watch_begins_without_what_the_old_one_told_and_repeats_no_news() {
    let mut waiting = waiting(Target::All);
    waiting.seen(node("a", "running"));
    waiting.synced();
    assert_eq!(waiting.news(), ["host-a running"]);
    waiting.begin();
    assert!(!waiting.is_done());
    waiting.seen(node("a", "running"));
    waiting.synced();
    assert!(waiting.news().is_empty() && waiting.is_done());
}

#[test]
fn the_overview_shows_where_each_node_is_and_which_names_nobody_has() {
    let mut waiting = waiting(names(&["n1", "n2", "n3"]));
    waiting.seen(Node {
        stage: "write".into(),
        done_bytes: 42,
        total_bytes: 100,
        ..node("a", "installing")
    });
    waiting.seen(failed("b", "two disks fit\x1b[2J"));
    waiting.seen(node("other", "running"));
    waiting.synced();
    waiting.resolved("n1", "a");
    waiting.resolved("n2", "b");
    let mut out = Vec::new();
    waiting.overview(&mut out).unwrap();
    insta::assert_snapshot!(String::from_utf8(out).unwrap(), @r"
    NAME    STATE       STEP       REASON
    host-a  installing  write 42%  -
    host-b  failed      -          two disks fit\u{1b}[2J
    n3      -           -          no such node was seen
    ");
}
