use super::fake::Fake;
use super::*;

fn rack() -> Vec<Node> {
    vec![node("node1", "running"), node("node2", "unknown"), node("node3", "retired")]
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
    insta::assert_snapshot!(shown.join("\n"), @r"
    node2 approved, now configured
    exit 0
    node1 held, now running
    exit 0
    node1 held, now running
    exit 0
    node1 released, now running
    exit 0
    node1 to be reinstalled, now configured
    node2 to be reinstalled, now configured
    exit 0
    node1 retired
    exit 0
    ");
    insta::assert_snapshot!(fake.calls().join("\n"), @r#"
    approve node2
    hold node1 because "held by an operator"
    hold node1 because "swap"
    release node1
    reinstall node1
    reinstall node2
    retire node1
    "#);
}

#[tokio::test]
async fn tags_are_set_and_removed_in_one_call() {
    let fake = Fake::with(rack());
    insta::assert_snapshot!(mayuctl(&fake, "tag node1 rack=r1 role=worker").await, @r"
    node1 tagged: rack=r1 role=worker
    exit 0
    ");
    insta::assert_snapshot!(mayuctl(&fake, "tag node1 rack- role=etcd").await, @r"
    node1 tagged: role=etcd
    exit 0
    ");
    insta::assert_snapshot!(mayuctl(&fake, "tag node1 role-").await, @r"
    node1 tagged: -
    exit 0
    ");
    assert_eq!(fake.calls().len(), 3);
}

#[tokio::test]
async fn a_refusal_is_exit_3_and_an_unknown_name_exit_2() {
    let fake = Fake::with(rack());
    insta::assert_snapshot!(mayuctl(&fake, "reinstall node3").await, @r"
    ! mayuctl: cannot reinstall node3: node3 is retired. `mayuctl get nodes -o wide` shows states, reasons and ids.
    exit 3
    ");
    insta::assert_snapshot!(mayuctl(&fake, "reinstall ghost").await, @r"
    ! mayuctl: cannot reinstall ghost: no node is called ghost. `mayuctl get nodes` shows what there is.
    exit 2
    ");
    insta::assert_snapshot!(mayuctl(&fake, "reinstall 0000").await, @r"
    ! mayuctl: cannot reinstall 0000: 0000 fits several nodes: write more of it. `mayuctl get nodes -o wide` shows states, reasons and ids.
    exit 3
    ");
    assert!(fake.calls().is_empty());
}

#[tokio::test]
async fn one_node_that_refuses_keeps_no_other_from_its_step() {
    let fake = Fake::with(rack());
    insta::assert_snapshot!(mayuctl(&fake, "retire node3 node1 ghost").await, @r"
    node1 retired
    ! mayuctl: cannot retire node3: node3 is retired. `mayuctl get nodes -o wide` shows states, reasons and ids.
    ! mayuctl: cannot retire ghost: no node is called ghost. `mayuctl get nodes` shows what there is.
    ! mayuctl: not done for 2 of 3 nodes
    exit 3
    ");
    assert_eq!(fake.calls(), ["retire node1"]);
}

#[tokio::test]
async fn a_selector_shows_what_it_hits_and_asks() {
    let fake = Fake::with(rack()[..2].to_vec());
    let no = Session::answering(&fake, "\n").run("reinstall -l rack=r1").await;
    insta::assert_snapshot!(no, @r"
    ! NAME   STATE    GROUP    PROFILE  ADDRESS     MAC                SERIAL  STEP   AGE
    ! node1  running  default  debian   10.77.0.11  52:54:00:00:00:01  -       claim  5m
    ! node2  unknown  default  debian   10.77.0.12  52:54:00:00:00:02  -       claim  5m
    ! reinstall 2 nodes? [y/N] mayuctl: nothing done: it was not answered with yes
    exit 1
    ");
    let gone = Session::answering(&fake, "").run("reinstall -l rack=r1").await;
    assert!(gone.ends_with("exit 1") && fake.calls().is_empty());
    let yes = Session::answering(&fake, "y\n").run("reinstall -l rack=r1").await;
    assert!(yes.contains("node2 to be reinstalled, now configured"), "{yes}");
    assert_eq!(fake.calls().len(), 2);
}

#[tokio::test]
async fn a_selector_without_a_terminal_needs_yes() {
    let fake = Fake::with(rack()[..2].to_vec());
    insta::assert_snapshot!(mayuctl(&fake, "retire -l rack=r1").await, @r"
    ! mayuctl: `retire -l rack=r1` asks before it acts, and there is no terminal to ask on: see what it hits with `mayuctl get nodes -l rack=r1`, then add --yes
    exit 64
    ");
    assert!(fake.calls().is_empty());
    let yes = mayuctl(&fake, "retire -l rack=r1 --yes").await;
    assert!(yes.ends_with("exit 0"), "{yes}");
    assert_eq!(fake.calls().len(), 2);
}

#[tokio::test]
async fn a_selector_that_hits_nothing_is_exit_2() {
    let fake = Fake::with(rack());
    insta::assert_snapshot!(mayuctl(&fake, "hold -l rack=r9 --yes").await, @r"
    ! mayuctl: no node has the labels rack=r9. `mayuctl get nodes` shows what there is.
    exit 2
    ");
}
