use std::sync::Arc;

use super::*;
use crate::domain::labels::Trust;
use crate::domain::machine::Claims;
use crate::server::history::tests::{git, repository, transition};
use crate::server::history::{History, record};

/// A node with something in every field that the history keeps.
fn full(state: State) -> Node {
    let mac = Mac::new([2, 0, 0, 0, 0, 9]);
    let claims = Claims::new().with_mac(Some(mac)).with_serial(Some("SN: \"1\" #x"));
    let mut node = Node::first_seen(
        NodeId::choose(&claims).unwrap(),
        claims.aliases(),
        true,
        Millis(951_782_399_999),
    );
    node.aliases.insert(Alias::Uuid("4c4c4544-0051-3610-8052-b4c04f4a3132".parse().unwrap()));
    node.revision = 0;
    node.spec.hostname = Some("yes".to_owned());
    node.spec.tags.insert("rack".to_owned(), "0x10".to_owned());
    node.spec.hold = Some("waits: for\na fan".to_owned());
    let boot = BootId::mint(Millis(1_709_164_800_001), 7);
    let status = &mut node.status;
    status.state = state;
    status.group = Some("null".to_owned());
    status.profile = Some("debian-12".to_owned());
    status.labels.insert("rack", "r1", Trust::Observed);
    status.boot_mac = Some(mac);
    status.address = Some(Ipv4Addr::new(10, 77, 0, 11));
    status.arch = "x86_64".to_owned();
    status.firmware = "uefi".to_owned();
    status.installed_generation = 3;
    status.installed_by = Some(boot.clone());
    (status.tries, status.installs) = (1, 4);
    status.attempt = Some(Attempt {
        boot,
        generation: 4,
        claimed: Millis(1_795_254_558_000),
        stage: Stage::Write,
        done_bytes: 0,
        total_bytes: 0,
        disk: Some(serde_json::from_str(r#"{"name": "vda", "size_bytes": 5}"#).unwrap()),
        limits: Limits::default(),
        ended: true,
    });
    status.inventory = Some(serde_json::from_str(r#"{"cpus": 2, "arch": "x86_64"}"#).unwrap());
    status.versions.insert("kernel".to_owned(), "6.1".to_owned());
    node
}

#[test]
fn what_the_history_writes_is_read_back_whole() {
    let failed = State::Failed { stage: Stage::FirstBoot, retryable: true };
    for state in [
        State::Unknown,
        State::Configured,
        State::Installing,
        State::Installed,
        State::Running,
        failed,
        State::Retired,
    ] {
        let node = full(state);
        let text = record::yaml(&node).unwrap();
        assert_eq!(record(text.as_bytes()).unwrap(), node, "{text}");
    }
}

#[test]
fn a_clone_has_the_nodes_of_the_repository() {
    let (directory, path) = repository();
    let mut history = History::open(&path).unwrap();
    let mut last = transition(3, 1);
    last.node = Arc::new(full(State::Running));
    history.append(&[transition(1, 1), transition(2, 2), last]).unwrap();
    let clone = directory.path().join("clone");
    let (from, to) = (path.to_str().unwrap(), clone.to_str().unwrap());
    git(&path, &["clone", "--quiet", from, to]);
    for place in [&path, &clone] {
        let found = nodes(place).unwrap();
        let names: Vec<_> = found.iter().map(|node| node.id.as_str()).collect();
        assert_eq!(
            names,
            ["mac-02-00-00-00-00-01", "mac-02-00-00-00-00-02", "sn-sn-3a-20-221-22-20-23x"]
        );
        assert_eq!(found[2], full(State::Running));
    }
}

#[test]
fn what_is_no_history_says_so() {
    let directory = tempfile::tempdir().unwrap();
    let error = nodes(directory.path()).unwrap_err().to_string();
    assert!(error.contains("is no git repository; `git clone`"), "{error}");
    let error = record(b"id: ../x\nspec: {}\nstatus: {}").unwrap_err();
    assert!(error.contains("state"), "{error}");
}

#[test]
fn every_day_of_the_calendar_is_read_as_it_was_written() {
    for day in 0..80_000_u64 {
        let time = Millis(day * 86_400_000 + day % 86_400_000);
        assert_eq!(millis(&record::rfc3339(time)).unwrap(), time);
    }
    for odd in ["", "2026-13-01T00:00:00.000Z", "2026-11-21 09:49:18.000Z", "2026-11-21T09:49:18Z"]
    {
        assert!(millis(odd).is_err(), "{odd}");
    }
}
