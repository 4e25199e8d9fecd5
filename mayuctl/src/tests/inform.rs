use api::v1::{Boot, BootStep, CatalogStatus, HistoryEntry};
use tokio::net::UnixListener;

use super::fake::{Fake, State};
use super::*;

pub(super) fn boots() -> Vec<Boot> {
    let step = |offset: i64, step: &str, detail: &str| BootStep {
        time_ms: NOW_MS - 100_000 + offset,
        step: step.into(),
        detail: detail.into(),
    };
    vec![
        Boot { id: "b1".into(), steps: vec![step(-600_000, "dhcp", "10.77.0.11")] },
        Boot {
            id: "b2".into(),
            steps: vec![
                step(0, "dhcp", "10.77.0.11, UEFI x86-64"),
                step(1_250, "loader", "snponly.efi, 287 kB"),
                step(12_003, "claim", ""),
            ],
        },
    ]
}

fn entry(commit: &str, subject: &str, cause: &str) -> HistoryEntry {
    HistoryEntry {
        commit: commit.into(),
        time_ms: NOW_MS,
        subject: subject.into(),
        actor: "node".into(),
        cause: cause.into(),
    }
}

fn server() -> Fake {
    Fake::serve(State {
        nodes: vec![node("node1", "running"), node("node2", "failed")],
        boots: boots(),
        history: vec![
            entry("0123456789abcdef", "node1: configured → installing", "claim"),
            entry("fedcba9876543210", "node1: unknown → configured", ""),
        ],
        catalog: CatalogStatus {
            id: "sha256:77aa".into(),
            path: "/etc/provisioner/catalog".into(),
            groups: 3,
            profiles: 2,
            ..CatalogStatus::default()
        },
        ..State::default()
    })
}

#[tokio::test]
async fn boots_are_shown_step_by_step_with_offsets() {
    let fake = server();
    insta::assert_snapshot!(mayuctl(&fake, "boots node1").await, @r"
    boot b1, 2026-01-02T02:52:25Z, 1 step
      +0.000s  dhcp  10.77.0.11
    boot b2, 2026-01-02T03:02:25Z, 3 steps
       +0.000s  dhcp    10.77.0.11, UEFI x86-64
       +1.250s  loader  snponly.efi, 287 kB
      +12.003s  claim
    exit 0
    ");
    insta::assert_snapshot!(mayuctl(&fake, "boots node1 -o json").await, @r#"
    [
      {
        "id": "b1",
        "steps": [
          {
            "time_ms": 1767322345000,
            "step": "dhcp",
            "detail": "10.77.0.11"
          }
        ]
      },
      {
        "id": "b2",
        "steps": [
          {
            "time_ms": 1767322945000,
            "step": "dhcp",
            "detail": "10.77.0.11, UEFI x86-64"
          },
          {
            "time_ms": 1767322946250,
            "step": "loader",
            "detail": "snponly.efi, 287 kB"
          },
          {
            "time_ms": 1767322957003,
            "step": "claim",
            "detail": ""
          }
        ]
      }
    ]
    exit 0
    "#);
}

#[tokio::test]
async fn history_is_a_table_or_json() {
    let fake = server();
    insta::assert_snapshot!(mayuctl(&fake, "history node1").await, @r"
    TIME                  COMMIT      ACTOR  SUBJECT                         CAUSE
    2026-01-02T03:04:05Z  0123456789  node   node1: configured → installing  claim
    2026-01-02T03:04:05Z  fedcba9876  node   node1: unknown → configured     -
    exit 0
    ");
    insta::assert_snapshot!(mayuctl(&fake, "history node1 -o json").await, @r#"
    [
      {
        "commit": "0123456789abcdef",
        "time_ms": 1767323045000,
        "subject": "node1: configured → installing",
        "actor": "node",
        "cause": "claim"
      },
      {
        "commit": "fedcba9876543210",
        "time_ms": 1767323045000,
        "subject": "node1: unknown → configured",
        "actor": "node",
        "cause": ""
      }
    ]
    exit 0
    "#);
}

#[tokio::test]
async fn explain_takes_a_node_or_a_mac_or_labels() {
    let fake = server();
    insta::assert_snapshot!(mayuctl(&fake, "explain node1").await, @r"
    default: every label of its selector is there
    rack9: rack is r1, not r9
    exit 0
    ");
    mayuctl(&fake, "explain --mac 52-54-00-00-00-0A").await;
    mayuctl(&fake, "explain --label rack=r1 role=worker --mac 525400000001").await;
    mayuctl(&fake, "explain --label rack=r1,role=worker --all").await;
    mayuctl(&fake, "explain --label zone=a,b,rack=r1 --mac 525400000001").await;
    insta::assert_snapshot!(fake.calls().join("\n"), @r#"
    explain "node1" 
    explain "" mac=52:54:00:00:00:0a
    explain "" mac=52:54:00:00:00:01,rack=r1,role=worker
    explain "" rack=r1,role=worker all
    explain "" mac=52:54:00:00:00:01,rack=r1,zone=a,b
    "#);
    insta::assert_snapshot!(mayuctl(&fake, "explain ghost").await, @r"
    ! mayuctl: cannot explain ghost: no node is called ghost. `mayuctl get nodes` shows what there is.
    exit 2
    ");
}

#[tokio::test]
async fn the_catalog_is_shown_and_its_faults_fail_a_reload() {
    let fake = server();
    insta::assert_snapshot!(mayuctl(&fake, "catalog status").await, @r"
    catalog   sha256:77aa
    path      /etc/provisioner/catalog
    groups    3
    profiles  2
    exit 0
    ");
    insta::assert_snapshot!(mayuctl(&fake, "catalog reload").await, @r"
    catalog   sha256:77aa
    path      /etc/provisioner/catalog
    groups    3
    profiles  2
    exit 0
    ");
    assert_eq!(fake.calls(), ["reload"]);
    let fault = "groups/a.yaml:3:1: unknown key `selektor`, did you mean `selector`?";
    let catalog = CatalogStatus { faults: vec![fault.into()], ..CatalogStatus::default() };
    let fake = Fake::serve(State { catalog, ..State::default() });
    insta::assert_snapshot!(mayuctl(&fake, "catalog reload").await, @r"
    catalog   -
    groups    0
    profiles  0

    The newest version was not taken:
      groups/a.yaml:3:1: unknown key `selektor`, did you mean `selector`?
    ! mayuctl: the catalog was not taken, 1 fault: the last good one goes on being served. Mend them, then `mayuctl catalog reload`.
    exit 1
    ");
    assert!(mayuctl(&fake, "catalog status").await.ends_with("exit 0"));
}

#[tokio::test]
async fn a_catalog_that_waits_is_shown_with_the_command_that_takes_it() {
    let catalog = CatalogStatus {
        id: "1111111111111111111111111111111111111111".into(),
        commit: "Add rack b (Alice)".into(),
        signed_by: "alice@example.org".into(),
        r#ref: "main".into(),
        remote: "https://git.example.org/catalog.git".into(),
        path: "https://git.example.org/catalog.git".into(),
        since_ms: NOW_MS - 86_400_000,
        looked_ms: NOW_MS - 12_000,
        waiting: "2222222222222222222222222222222222222222".into(),
        waiting_reason: "12 of 40 nodes would get another profile".into(),
        warnings: vec!["the history was rewritten".into()],
        ..CatalogStatus::default()
    };
    let fake = Fake::serve(State { catalog: catalog.clone(), ..State::default() });
    insta::assert_snapshot!(mayuctl(&fake, "catalog status").await, @r"
    catalog   1111111111111111111111111111111111111111
    commit    Add rack b (Alice)
    signed by alice@example.org
    path      https://git.example.org/catalog.git
    ref       main
    remote    https://git.example.org/catalog.git
    groups    0
    profiles  0
    since     2026-01-01T03:04:05Z (24h ago)
    looked    2026-01-02T03:03:53Z (12s ago)
    warning   the history was rewritten

    Catalog 2222222222222222222222222222222222222222 waits for a word:
      12 of 40 nodes would get another profile
      what it changes:  mayuctl plan
      take it:          mayuctl catalog reload --ack
    exit 0
    ");
    assert!(mayuctl(&fake, "catalog reload").await.ends_with("exit 1"));
    assert!(mayuctl(&fake, "catalog reload --ack").await.ends_with("exit 1"));
    let word = format!("reload ack {:?}", "2".repeat(40));
    assert_eq!(fake.calls(), ["reload", &word], "the word is for what the status named");
    let look_failed = "main cannot be fetched from https://git.example.org: timed out".into();
    let catalog = CatalogStatus { look_failed, waiting: String::new(), ..catalog };
    let fake = Fake::serve(State { catalog, ..State::default() });
    insta::assert_snapshot!(mayuctl(&fake, "catalog reload").await, @r"
    catalog   1111111111111111111111111111111111111111
    commit    Add rack b (Alice)
    signed by alice@example.org
    path      https://git.example.org/catalog.git
    ref       main
    remote    https://git.example.org/catalog.git
    groups    0
    profiles  0
    since     2026-01-01T03:04:05Z (24h ago)
    looked    2026-01-02T03:03:53Z (12s ago)
    warning   the history was rewritten

    The last look at the source failed:
      main cannot be fetched from https://git.example.org: timed out
    ! mayuctl: the catalog's source cannot be read: what was served goes on being served
    exit 1
    ");
}

#[tokio::test]
async fn versions_of_both_sides_are_shown() {
    insta::assert_snapshot!(mayuctl(&server(), "version").await, @r"
    client 0.1.0
    server 0.1.0-test
    exit 0
    ");
    let nowhere = Session::at("unix:/nonexistent/socket");
    insta::assert_snapshot!(nowhere.run("version").await, @r"
    client 0.1.0
    ! mayuctl: cannot reach the provisioner at unix:SOCKET: No such file or directory. Is it running? `provisioner serve` makes this socket; --server or MAYUCTL_SERVER name another one.
    exit 4
    ");
    insta::assert_snapshot!(nowhere.run("version --client").await, @r"
    client 0.1.0
    exit 0
    ");
}

#[tokio::test]
async fn completions_need_no_server() {
    for shell in ["bash", "zsh", "fish"] {
        let script = Session::at("unix:/nonexistent").run(&format!("completions {shell}")).await;
        assert!(script.contains("reinstall") && script.ends_with("exit 0"), "{shell}");
    }
}

#[tokio::test]
async fn a_server_that_is_not_there_is_told_with_the_way_out() {
    let dir = tempfile::tempdir().unwrap();
    let socket = dir.path().join("left-over");
    drop(UnixListener::bind(&socket).unwrap());
    let session = Session::at(&format!("unix:{}", socket.display()));
    insta::assert_snapshot!(session.run("get nodes").await, @r"
    ! mayuctl: cannot reach the provisioner at unix:SOCKET: Connection refused. Nobody listens there any more: start `provisioner serve` again.
    exit 4
    ");
    let session = Session::at(&format!("unix:{}", dir.path().join("none").display()));
    insta::assert_snapshot!(session.run("get nodes").await, @r"
    ! mayuctl: cannot reach the provisioner at unix:SOCKET: No such file or directory. Is it running? `provisioner serve` makes this socket; --server or MAYUCTL_SERVER name another one.
    exit 4
    ");
}

#[tokio::test]
async fn a_server_that_breaks_off_counts_as_not_reachable() {
    let dir = tempfile::tempdir().unwrap();
    let socket = dir.path().join("s");
    let listener = UnixListener::bind(&socket).unwrap();
    tokio::spawn(async move {
        while let Ok((connection, _)) = listener.accept().await {
            connection.readable().await.unwrap();
        }
    });
    let shown = Session::at(&format!("unix:{}", socket.display())).run("get nodes").await;
    insta::assert_snapshot!(shown, @r"
    ! mayuctl: cannot list the nodes: the connection broke off. Is it still running?
    exit 4
    ");
}

#[tokio::test]
async fn wrong_usage_is_exit_64_and_help_is_none() {
    let fake = server();
    for line in [
        "",
        "frobnicate",
        "get leases",
        "get nodes -o xml",
        "get nodes node1 -l rack=r1",
        "get groups -l rack=r1",
        "render node1",
        "render node1 sideways",
        "plan a...b",
        "plan a b",
        "get nodes -l rack",
        "tag node1",
        "approve",
        "approve node1 -l rack=r1",
        "explain",
        "explain node1 --mac 525400000001",
        "explain --mac 5254",
        "wait node1",
        "wait --for state=up",
        "wait --for state=running --timeout 10",
        "--server https://10.77.0.1:8443 get nodes",
        "--server /run/provisioner.sock get nodes",
        "--server= get nodes",
    ] {
        let shown = mayuctl(&fake, line).await;
        assert!(shown.ends_with("exit 64") && shown.starts_with("! "), "{line}: {shown}");
    }
    for line in ["--help", "get nodes --help", "--version", "help wait"] {
        let shown = mayuctl(&fake, line).await;
        assert!(shown.ends_with("exit 0") && !shown.contains("! "), "{line}: {shown}");
    }
}

#[tokio::test]
async fn the_server_on_the_command_line_goes_before_the_one_of_the_environment() {
    let fake = server();
    let elsewhere = Session::at("unix:/nonexistent/socket");
    let line = format!("get nodes -o name --server {}", fake.address());
    assert!(elsewhere.run(&line).await.ends_with("exit 0"));
}

#[tokio::test]
async fn an_address_that_is_wrong_in_the_environment_is_told_as_such() {
    let shown = Session::at("/run/p.sock").run("get nodes").await;
    assert!(shown.starts_with("! mayuctl: MAYUCTL_SERVER `"), "{shown}");
    assert!(shown.ends_with("exit 64"), "{shown}");
}
