use super::fake::Fake;
use super::*;

fn rack() -> Vec<Node> {
    vec![
        node("node1", "running"),
        node("node2", "unknown"),
        node("node3", "retired"),
    ]
}

#[tokio::test]
async fn each_step_reaches_the_server_and_says_what_became_of_the_node() {
    let fake = Fake::with(rack());
    let mut shown = Vec::new();
    for line in [
        "approve node2",
        "hold node1",
        "hold node1 --reason swap",
        "release node1",
        "reinstall node1 node2",
        "retire node1",
    ] {
        shown.push(mayuctl(&fake, line).await);
    }
    insta::assert_snapshot!(shown.join("\n"), @"");
    insta::assert_snapshot!(fake.calls().join("\n"), @"");
}

#[tokio::test]
async fn tags_are_set_and_removed_in_one_call() {
    let fake = Fake::with(rack());
    insta::assert_snapshot!(mayuctl(&fake, "tag node1 rack=r1 role=worker").await, @"");
    insta::assert_snapshot!(mayuctl(&fake, "tag node1 rack- role=etcd").await, @"");
    insta::assert_snapshot!(mayuctl(&fake, "tag node1 role-").await, @"");
    assert_eq!(fake.calls().len(), 3);
}

#[tokio::test]
async fn a_refusal_is_exit_3_and_an_unknown_name_exit_2() {
    let fake = Fake::with(rack());
    insta::assert_snapshot!(mayuctl(&fake, "reinstall node3").await, @"");
    insta::assert_snapshot!(mayuctl(&fake, "reinstall ghost").await, @"");
    insta::assert_snapshot!(mayuctl(&fake, "reinstall 0000").await, @"");
    assert!(fake.calls().is_empty());
}

#[tokio::test]
async fn one_node_that_refuses_keeps_no_other_from_its_step() {
    let fake = Fake::with(rack());
    insta::assert_snapshot!(mayuctl(&fake, "retire node3 node1 ghost").await, @"");
    assert_eq!(fake.calls(), ["retire node1"]);
}

#[tokio::test]
async fn a_selector_shows_what_it_hits_and_asks() {
    let fake = Fake::with(rack()[..2].to_vec());
    let no = Session::answering(&fake, "\n")
        .run("reinstall -l rack=r1")
        .await;
    insta::assert_snapshot!(no, @"");
    let gone = Session::answering(&fake, "")
        .run("reinstall -l rack=r1")
        .await;
    assert!(gone.ends_with("exit 1") && fake.calls().is_empty());
    let yes = Session::answering(&fake, "y\n")
        .run("reinstall -l rack=r1")
        .await;
    assert!(
        yes.contains("node2 to be reinstalled, now configured"),
        "{yes}"
    );
    assert_eq!(fake.calls().len(), 2);
}

#[tokio::test]
async fn a_selector_without_a_terminal_needs_yes() {
    let fake = Fake::with(rack()[..2].to_vec());
    insta::assert_snapshot!(mayuctl(&fake, "retire -l rack=r1").await, @"");
    assert!(fake.calls().is_empty());
    let yes = mayuctl(&fake, "retire -l rack=r1 --yes").await;
    assert!(yes.ends_with("exit 0"), "{yes}");
    assert_eq!(fake.calls().len(), 2);
}

#[tokio::test]
async fn a_selector_that_hits_nothing_is_exit_2() {
    let fake = Fake::with(rack());
    insta::assert_snapshot!(mayuctl(&fake, "hold -l rack=r9 --yes").await, @"");
}
