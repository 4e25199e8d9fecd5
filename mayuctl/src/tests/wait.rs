use tonic::Status;

use super::fake::{Event, Fake};
use super::*;

#[tokio::test]
async fn waiting_ends_when_every_node_is_there() {
    let nodes = vec![node("node1", "running"), node("node2", "configured")];
    let script = vec![
        Event::Changed(failed("node2", "wrong hash; tried again at its next boot")),
        Event::Changed(installing("node2")),
        Event::Changed(node("node2", "running")),
    ];
    let fake = Fake::watched(nodes, vec![script]);
    insta::assert_snapshot!(mayuctl(&fake, "wait --for state=running").await, @"");
}

#[tokio::test]
async fn a_name_that_nobody_has_yet_is_waited_for() {
    let script = vec![
        Event::Changed(node("node1", "running")),
        Event::Changed(node("node2", "unknown")),
        Event::Changed(node("node2", "running")),
    ];
    let fake = Fake::watched(Vec::new(), vec![script]);
    insta::assert_snapshot!(mayuctl(&fake, "wait --for state=running node2 --timeout 1h").await, @"");
}

#[tokio::test]
async fn a_selector_counts_only_the_nodes_it_means() {
    let mut other = node("node2", "failed");
    other.labels.clear();
    let fake = Fake::with(vec![node("node1", "installed"), other]);
    insta::assert_snapshot!(mayuctl(&fake, "wait --for state=installed -l rack=r1").await, @"");
}

#[tokio::test]
async fn a_provisioner_that_is_restarted_meanwhile_is_waited_for() {
    let stops = Event::Breaks(Status::unavailable("the provisioner is stopping"));
    let scripts = vec![
        vec![Event::Changed(installing("node1")), stops],
        vec![Event::Ends],
        vec![Event::Changed(node("node1", "running"))],
    ];
    let fake = Fake::watched(vec![node("node1", "configured")], scripts);
    insta::assert_snapshot!(mayuctl(&fake, "wait --for state=running node1").await, @"");
}

#[tokio::test]
async fn a_name_that_fits_several_nodes_is_refused_at_once() {
    let fake = Fake::with(vec![node("node1", "running"), node("node2", "running")]);
    insta::assert_snapshot!(mayuctl(&fake, "wait --for state=running 0000").await, @"");
}

#[tokio::test]
async fn when_the_time_is_over_it_says_who_is_missing() {
    let fake = Fake::with(Vec::new());
    let line = "wait --for state=running ghost --timeout 10ms";
    insta::assert_snapshot!(mayuctl(&fake, line).await, @"");
}
