use api::v1::Node;
use tonic::Status;

use super::fake::{Event, Fake};
use super::*;

pub(super) const DISK: &str = r#"{"arch":"x86_64","manufacturer":"QEMU","product":"Q35","cpus":2,
    "memory_bytes":2147483648,"nics":[{"name":"eth0","mac":"52:54:00:00:00:01","driver":"virtio_net","carrier":true}],
    "disks":[{"name":"vda","size_bytes":10737418240,"serial":"S1","transport":"virtio","path":"pci-0000:00:04.0"}]}"#;

pub(super) fn rack() -> Vec<Node> {
    vec![
        node("node1", "running"),
        installing("node2"),
        failed("node3", "two disks fit the rule"),
        Node { id: "525400000004".into(), state: "unknown".into(), ..Node::default() },
    ]
}

#[tokio::test]
async fn nodes_are_shown_in_aligned_columns() {
    let fake = Fake::with(rack());
    insta::assert_snapshot!(mayuctl(&fake, "get nodes").await, @r"
    NAME          STATE       GROUP    PROFILE  ADDRESS     MAC                SERIAL  STEP       AGE
    node1         running     default  debian   10.77.0.11  52:54:00:00:00:01  -       claim      5m
    node2         installing  default  debian   10.77.0.12  52:54:00:00:00:02  -       write 42%  5m
    node3         failed      default  debian   10.77.0.13  52:54:00:00:00:03  -       claim      5m
    525400000004  unknown     -        -        -           -                  -       -          -
    exit 0
    ");
    insta::assert_snapshot!(mayuctl(&fake, "get nodes -o wide").await, @r"
    NAME          STATE       GROUP    PROFILE  ADDRESS     MAC                SERIAL  STEP       AGE  ID                                    ARCH    FIRMWARE  GENERATION  TRIES  INSTALLS  REASON
    node1         running     default  debian   10.77.0.11  52:54:00:00:00:01  -       claim      5m   00000000-0000-4000-8000-000000000001  x86_64  uefi      0/1         0      0         -
    node2         installing  default  debian   10.77.0.12  52:54:00:00:00:02  -       write 42%  5m   00000000-0000-4000-8000-000000000002  x86_64  uefi      0/1         1      1         -
    node3         failed      default  debian   10.77.0.13  52:54:00:00:00:03  -       claim      5m   00000000-0000-4000-8000-000000000003  x86_64  uefi      0/1         0      0         two disks fit the rule
    525400000004  unknown     -        -        -           -                  -       -          -    525400000004                          -       -         0/0         0      0         -
    exit 0
    ");
}

#[tokio::test]
async fn list_is_get_nodes() {
    let fake = Fake::with(rack());
    assert_eq!(mayuctl(&fake, "list").await, mayuctl(&fake, "get nodes").await);
    insta::assert_snapshot!(mayuctl(&fake, "list -o name").await, @r"
    node1
    node2
    node3
    525400000004
    exit 0
    ");
}

#[tokio::test]
async fn a_name_or_a_selector_shows_only_what_it_means() {
    let mut nodes = rack();
    nodes[1].labels[0].value = "r2".into();
    let fake = Fake::with(nodes);
    insta::assert_snapshot!(mayuctl(&fake, "get nodes 52:54:00:00:00:01").await, @r"
    NAME   STATE    GROUP    PROFILE  ADDRESS     MAC                SERIAL  STEP   AGE
    node1  running  default  debian   10.77.0.11  52:54:00:00:00:01  -       claim  5m
    exit 0
    ");
    insta::assert_snapshot!(mayuctl(&fake, "get nodes -l rack=r2 -o name").await, @r"
    node2
    exit 0
    ");
    insta::assert_snapshot!(mayuctl(&fake, "get nodes -l rack=r9").await, @r"
    ! no nodes
    exit 0
    ");
}

#[tokio::test]
async fn json_has_the_fields_of_the_contract_with_plain_values() {
    let fake = Fake::with(vec![Node {
        inventory_json: DISK.into(),
        tags: [("b".into(), "2".into()), ("a".into(), "1".into())].into(),
        ..node("node1", "running")
    }]);
    insta::assert_snapshot!(mayuctl(&fake, "get nodes -o json").await, @r#"
    [
      {
        "id": "00000000-0000-4000-8000-000000000001",
        "hostname": "node1",
        "state": "running",
        "reason": "",
        "group": "default",
        "profile": "debian",
        "macs": [
          "52:54:00:00:00:01"
        ],
        "uuid": "",
        "serial": "",
        "address": "10.77.0.11",
        "arch": "x86_64",
        "firmware": "uefi",
        "generation": 1,
        "installed_generation": 0,
        "tries": 0,
        "stage": "",
        "done_bytes": 0,
        "total_bytes": 0,
        "labels": [
          {
            "key": "rack",
            "value": "r1",
            "trust": "operator"
          },
          {
            "key": "mac",
            "value": "52:54:00",
            "trust": "observed"
          }
        ],
        "tags": {
          "a": "1",
          "b": "2"
        },
        "versions": {},
        "first_seen_ms": 1767322745000,
        "last_seen_ms": 1767323043000,
        "since_ms": 1767322985000,
        "hold": "",
        "installs": 0,
        "revision": 0,
        "inventory": {
          "arch": "x86_64",
          "cpus": 2,
          "disks": [
            {
              "name": "vda",
              "path": "pci-0000:00:04.0",
              "serial": "S1",
              "size_bytes": 10737418240,
              "transport": "virtio"
            }
          ],
          "manufacturer": "QEMU",
          "memory_bytes": 2147483648,
          "nics": [
            {
              "carrier": true,
              "driver": "virtio_net",
              "mac": "52:54:00:00:00:01",
              "name": "eth0"
            }
          ],
          "product": "Q35"
        },
        "last_step": "claim"
      }
    ]
    exit 0
    "#);
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
    let odd = Node { inventory_json: "{odd".into(), ..node("node1", "running") };
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
            changed(installing("node1")),
            changed(node("node5", "unknown")),
            Event::Removed("00000000-0000-4000-8000-000000000002"),
            Event::Ends,
        ]
    };
    let nodes = vec![node("node2", "configured"), node("node1", "configured")];
    let fake = Fake::watched(nodes.clone(), vec![script()]);
    insta::assert_snapshot!(mayuctl(&fake, "get nodes -w").await, @r"
    NAME   STATE       GROUP    PROFILE  ADDRESS     MAC                SERIAL  STEP   AGE
    node1  configured  default  debian   10.77.0.11  52:54:00:00:00:01  -       claim  5m
    node2  configured  default  debian   10.77.0.12  52:54:00:00:00:02  -       claim  5m
    node1  installing  default  debian   10.77.0.11  52:54:00:00:00:01  -       write 42%  5m
    node5  unknown     default  debian   10.77.0.15  52:54:00:00:00:05  -       claim      5m
    node2  removed     default  debian   10.77.0.12  52:54:00:00:00:02  -       claim      5m
    ! mayuctl: lost the provisioner at unix:SOCKET: it ended the watch. Is it still running? Start the command again.
    exit 4
    ");
    let fake = Fake::watched(nodes.clone(), vec![script()]);
    insta::assert_snapshot!(mayuctl(&fake, "get nodes node1 -w").await, @r"
    NAME   STATE       GROUP    PROFILE  ADDRESS     MAC                SERIAL  STEP   AGE
    node1  configured  default  debian   10.77.0.11  52:54:00:00:00:01  -       claim  5m
    node1  installing  default  debian   10.77.0.11  52:54:00:00:00:01  -       write 42%  5m
    ! mayuctl: lost the provisioner at unix:SOCKET: it ended the watch. Is it still running? Start the command again.
    exit 4
    ");
    let fake = Fake::watched(nodes, vec![script()]);
    let json = mayuctl(&fake, "get nodes -w -o json").await;
    let states: Vec<_> = json
        .lines()
        .filter_map(|line| serde_json::from_str::<serde_json::Value>(line).ok())
        .map(|node| format!("{} {} {}", node["hostname"], node["state"], node["removed"]))
        .collect();
    insta::assert_snapshot!(states.join("\n"), @r#"
    "node1" "configured" null
    "node2" "configured" null
    "node1" "installing" null
    "node5" "unknown" null
    null null true
    "#);
}

#[tokio::test]
async fn a_server_that_stops_ends_the_watch_with_exit_4() {
    let breaks = vec![Event::Breaks(Status::unavailable("the provisioner is stopping"))];
    let fake = Fake::watched(Vec::new(), vec![breaks]);
    insta::assert_snapshot!(mayuctl(&fake, "get nodes -w -o name").await, @r"
    ! mayuctl: cannot watch the nodes: the provisioner is stopping. Is it still running?
    exit 4
    ");
}

#[tokio::test]
async fn a_reader_that_went_away_is_no_error() {
    let fake = Fake::watched(rack(), vec![vec![changed(node("node1", "failed"))]]);
    for line in ["get nodes", "get nodes -o json", "get nodes -w", "--help", "completions bash"] {
        let mut err = Vec::new();
        let exit = Session::of(&fake).run_into(line, &mut Closed, &mut err).await;
        assert_eq!((exit, err.len()), (Exit::Done, 0), "{line}");
    }
}

#[tokio::test]
async fn a_terminal_gets_the_state_in_colour() {
    let fake = Fake::with(vec![node("node1", "running"), failed("node2", "")]);
    let session = Session { colour: true, ..Session::of(&fake) };
    let shown = session.run("get nodes").await.replace('\x1b', "ESC");
    insta::assert_snapshot!(shown, @r"
    NAME   STATE    GROUP    PROFILE  ADDRESS     MAC                SERIAL  STEP   AGE
    node1  ESC[32mrunningESC[0m  default  debian   10.77.0.11  52:54:00:00:00:01  -       claim  5m
    node2  ESC[31mfailedESC[0m   default  debian   10.77.0.12  52:54:00:00:00:02  -       claim  5m
    exit 0
    ");
}

#[tokio::test]
async fn what_a_machine_claims_cannot_drive_the_terminal() {
    let evil = Node { serial: "\x1b]0;owned\x07".into(), ..node("node1", "running") };
    let fake = Fake::with(vec![evil]);
    for line in ["get nodes", "describe node node1", "get nodes -o json", "get nodes -o yaml"] {
        let shown = mayuctl(&fake, line).await;
        assert!(!shown.contains('\x1b') && shown.contains("owned"), "{shown}");
    }
}

#[tokio::test]
async fn a_fleet_that_is_larger_than_one_usual_answer_is_shown_whole() {
    let machine = |n: u32| Node {
        id: format!("{n:012x}"),
        inventory_json: format!("{DISK}{}", " ".repeat(2_000)),
        ..Node::default()
    };
    let fake = Fake::with((0..3_000).map(machine).collect());
    let shown = mayuctl(&fake, "get nodes -o name").await;
    assert_eq!(shown.lines().count(), 3_001);
}
