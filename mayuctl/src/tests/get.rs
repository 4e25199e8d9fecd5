use api::v1::Node;
use tonic::Status;

use super::fake::{Event, Fake};
use super::*;

const DISK: &str = r#"{"arch":"x86_64","manufacturer":"QEMU","product":"Q35","cpus":2,
    "memory_bytes":2147483648,"nics":[{"name":"eth0","mac":"52:54:00:00:00:01","driver":"virtio_net","carrier":true}],
    "disks":[{"name":"vda","size_bytes":10737418240,"serial":"S1","transport":"virtio","path":"pci-0000:00:04.0"}]}"#;

fn rack() -> Vec<Node> {
    vec![
        node("node1", "running"),
        installing("node2"),
        failed("node3", "two disks fit the rule"),
        Node {
            id: "525400000004".into(),
            state: "unknown".into(),
            ..Node::default()
        },
    ]
}

#[tokio::test]
async fn nodes_are_shown_in_aligned_columns() {
    let fake = Fake::with(rack());
    insta::assert_snapshot!(mayuctl(&fake, "get nodes").await, @"");
    insta::assert_snapshot!(mayuctl(&fake, "get nodes -o wide").await, @"");
}

#[tokio::test]
async fn list_is_get_nodes() {
    let fake = Fake::with(rack());
    assert_eq!(
        mayuctl(&fake, "list").await,
        mayuctl(&fake, "get nodes").await
    );
    insta::assert_snapshot!(mayuctl(&fake, "list -o name").await, @"");
}

#[tokio::test]
async fn a_name_or_a_selector_shows_only_what_it_means() {
    let mut nodes = rack();
    nodes[1].labels[0].value = "r2".into();
    let fake = Fake::with(nodes);
    insta::assert_snapshot!(mayuctl(&fake, "get nodes 52:54:00:00:00:01").await, @"");
    insta::assert_snapshot!(mayuctl(&fake, "get nodes -l rack=r2 -o name").await, @"");
    insta::assert_snapshot!(mayuctl(&fake, "get nodes -l rack=r9").await, @"");
}

#[tokio::test]
async fn json_has_the_fields_of_the_contract_with_plain_values() {
    let full = Node {
        inventory_json: DISK.into(),
        tags: [("b".into(), "2".into()), ("a".into(), "1".into())].into(),
        ..node("node1", "running")
    };
    let fake = Fake::with(vec![full]);
    insta::assert_snapshot!(mayuctl(&fake, "get nodes -o json").await, @"");
}

#[tokio::test]
async fn yaml_says_the_same_as_json() {
    let fake = Fake::with(rack());
    let parse = |text: String| {
        let (text, exit) = text.rsplit_once('\n').unwrap();
        assert_eq!(exit, "exit 0");
        serde_yaml::from_str::<serde_json::Value>(text).unwrap()
    };
    let json = parse(mayuctl(&fake, "get nodes -o json").await);
    let yaml = parse(mayuctl(&fake, "get nodes -o yaml").await);
    assert_eq!(json, yaml);
    assert_eq!(json.as_array().unwrap().len(), 4);
    assert!(json[0]["inventory"].is_null());
}

#[tokio::test]
async fn an_inventory_that_is_no_json_is_handed_on_as_it_is() {
    let odd = Node {
        inventory_json: "{odd".into(),
        ..node("node1", "running")
    };
    let fake = Fake::with(vec![odd]);
    let json = mayuctl(&fake, "get nodes -o json").await;
    assert!(json.contains(r#""inventory": "{odd""#), "{json}");
    let text = mayuctl(&fake, "status node1").await;
    assert!(text.contains("not understood by this client"), "{text}");
}

#[tokio::test]
async fn a_watch_shows_the_nodes_and_then_a_line_for_each_change() {
    let script = || {
        vec![
            Event::Changed(installing("node1")),
            Event::Changed(node("node5", "unknown")),
            Event::Removed("00000000-0000-4000-8000-000000000002"),
            Event::Ends,
        ]
    };
    let nodes = vec![node("node2", "configured"), node("node1", "configured")];
    let fake = Fake::watched(nodes.clone(), vec![script()]);
    insta::assert_snapshot!(mayuctl(&fake, "get nodes -w").await, @"");
    let fake = Fake::watched(nodes.clone(), vec![script()]);
    insta::assert_snapshot!(mayuctl(&fake, "get nodes node1 -w").await, @"");
    let fake = Fake::watched(nodes, vec![script()]);
    let json = mayuctl(&fake, "get nodes -w -o json").await;
    let states: Vec<_> = json
        .lines()
        .filter_map(|line| serde_json::from_str::<serde_json::Value>(line).ok())
        .map(|node| format!("{} {} {}", node["hostname"], node["state"], node["removed"]))
        .collect();
    insta::assert_snapshot!(states.join("\n"), @"");
}

#[tokio::test]
async fn a_server_that_stops_ends_the_watch_with_exit_4() {
    let breaks = vec![Event::Breaks(Status::unavailable(
        "the provisioner is stopping",
    ))];
    let fake = Fake::watched(Vec::new(), vec![breaks]);
    insta::assert_snapshot!(mayuctl(&fake, "get nodes -w -o name").await, @"");
}

#[tokio::test]
async fn a_reader_that_went_away_is_no_error() {
    let fake = Fake::watched(rack(), vec![vec![Event::Changed(node("node1", "failed"))]]);
    for line in [
        "get nodes",
        "get nodes -o json",
        "get nodes -w",
        "--help",
        "completions bash",
    ] {
        let mut err = Vec::new();
        let exit = Session::of(&fake)
            .run_into(line, &mut Closed, &mut err)
            .await;
        assert_eq!((exit, err.len()), (Exit::Done, 0), "{line}");
    }
}

#[tokio::test]
async fn a_terminal_gets_the_state_in_colour() {
    let fake = Fake::with(vec![node("node1", "running"), failed("node2", "")]);
    let session = Session {
        colour: true,
        ..Session::of(&fake)
    };
    let shown = session.run("get nodes").await.replace('\x1b', "ESC");
    insta::assert_snapshot!(shown, @"");
}

#[tokio::test]
async fn what_a_machine_claims_cannot_drive_the_terminal() {
    let evil = Node {
        serial: "\x1b]0;owned\x07".into(),
        ..node("node1", "running")
    };
    let fake = Fake::with(vec![evil]);
    for line in [
        "get nodes",
        "describe node node1",
        "get nodes -o json",
        "get nodes -o yaml",
    ] {
        let shown = mayuctl(&fake, line).await;
        assert!(
            !shown.contains('\x1b') && shown.contains("owned"),
            "{shown}"
        );
    }
}

#[tokio::test]
async fn a_node_is_described_in_sections() {
    let full = Node {
        inventory_json: DISK.into(),
        hold: "disk swap".into(),
        reason: "the installer is writing the image".into(),
        uuid: "00000000-0000-4000-8000-000000000001".into(),
        tags: [("rack".into(), "r1".into())].into(),
        versions: [("kernel".into(), "6.1.0".into())].into(),
        ..installing("node1")
    };
    let fake = Fake::serve(fake::State {
        nodes: vec![full],
        boots: super::inform::boots(),
        ..fake::State::default()
    });
    let described = mayuctl(&fake, "describe node node1").await;
    insta::assert_snapshot!(described, @"");
    assert_eq!(mayuctl(&fake, "status node1").await, described);
}

#[tokio::test]
async fn a_node_seen_for_the_first_time_is_described_without_empty_sections() {
    let fake = Fake::with(rack());
    insta::assert_snapshot!(mayuctl(&fake, "status 525400000004").await, @"");
}
