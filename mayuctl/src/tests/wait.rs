use std::sync::Arc;

use tokio::runtime::Runtime;
use tonic::Status;

use super::fake::{Event, Fake, State};
use super::*;

#[tokio::test]
async fn waiting_ends_when_every_node_is_there() {
    let nodes = vec![node("node1", "running"), node("node2", "configured")];
    let script = vec![
        changed(failed("node2", "wrong hash; tried again at its next boot")),
        changed(installing("node2")),
        changed(node("node2", "running")),
    ];
    let fake = Fake::watched(nodes, vec![script]);
    insta::assert_snapshot!(mayuctl(&fake, "wait --for state=running").await, @r"
    node1 running
    node2 failed: wrong hash; tried again at its next boot
    node2 running
    ! waiting up to 10m for every node to be running
    exit 0
    ");
}

#[tokio::test]
async fn a_name_that_nobody_has_yet_is_waited_for() {
    let script = vec![
        changed(node("node1", "running")),
        changed(node("node2", "unknown")),
        changed(node("node2", "running")),
    ];
    let fake = Fake::watched(Vec::new(), vec![script]);
    insta::assert_snapshot!(mayuctl(&fake, "wait --for state=running node2 --timeout 1h").await, @r"
    node2 running
    ! waiting up to 1h for node2 to be running
    exit 0
    ");
}

#[tokio::test]
async fn a_selector_counts_only_the_nodes_it_means() {
    let mut other = node("node2", "failed");
    other.labels.clear();
    let fake = Fake::with(vec![node("node1", "installed"), other]);
    insta::assert_snapshot!(mayuctl(&fake, "wait --for state=installed -l rack=r1").await, @r"
    node1 installed
    ! waiting up to 10m for every node with rack=r1 to be installed
    exit 0
    ");
}

#[tokio::test]
async fn a_provisioner_that_is_restarted_meanwhile_is_waited_for() {
    let stops = Event::Breaks(Status::unavailable("the provisioner is stopping"));
    let scripts = vec![
        vec![changed(installing("node1")), stops],
        vec![Event::Ends],
        vec![changed(node("node1", "running"))],
    ];
    let fake = Fake::watched(vec![node("node1", "configured")], scripts);
    insta::assert_snapshot!(mayuctl(&fake, "wait --for state=running node1").await, @r"
    node1 running
    ! waiting up to 10m for node1 to be running
    ! lost the provisioner at unix:SOCKET: trying again
    exit 0
    ");
}

#[tokio::test]
async fn a_name_that_fits_several_nodes_is_refused_at_once() {
    let fake = Fake::with(vec![node("node1", "running"), node("node2", "running")]);
    insta::assert_snapshot!(mayuctl(&fake, "wait --for state=running 0000").await, @r"
    ! waiting up to 10m for 0000 to be running
    ! mayuctl: cannot get node 0000: 0000 fits several nodes: write more of it. `mayuctl get nodes -o wide` shows states, reasons and ids.
    exit 3
    ");
}

#[tokio::test]
async fn when_the_time_is_over_it_says_who_is_missing() {
    let fake = Fake::with(Vec::new());
    let line = "wait --for state=running ghost --timeout 10ms";
    insta::assert_snapshot!(mayuctl(&fake, line).await, @r"
    ! waiting up to 10ms for ghost to be running
    ! NAME   STATE  STEP  REASON
    ! ghost  -      -     no such node was seen
    ! mayuctl: after 10ms not all there: ghost to be running
    exit 1
    ");
}

#[tokio::test]
async fn a_provisioner_that_is_killed_and_started_again_is_waited_for() {
    let dir = Arc::new(tempfile::tempdir().unwrap());
    let state = |node| State { nodes: vec![node], ..State::default() };
    let killed = Runtime::new().unwrap();
    let guard = killed.enter();
    let first = Fake::serve_in(dir.clone(), state(installing("node1")));
    drop(guard);
    let session = Session::of(&first);
    let waiting = session.run("wait --for state=running node1");
    let restart = async {
        first.watched_by_somebody().await;
        // Every connection is cut off in the middle.
        killed.shutdown_background();
        Fake::serve_in(dir, state(node("node1", "running")))
    };
    let (shown, _second) = tokio::join!(waiting, restart);
    insta::assert_snapshot!(shown, @r"
    node1 running
    ! waiting up to 10m for node1 to be running
    ! lost the provisioner at unix:SOCKET: trying again
    exit 0
    ");
}
