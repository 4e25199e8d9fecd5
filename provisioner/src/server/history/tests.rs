use std::process::Command;
use std::sync::Arc;

use super::*;
use crate::domain::machine::{Claims, Mac};
use crate::domain::node::{BootId, Node, State};

pub(super) fn repository() -> (tempfile::TempDir, PathBuf) {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join(DIRECTORY);
    (directory, path)
}

fn node(id: u16) -> Node {
    let [high, low] = id.to_be_bytes();
    let claims = Claims::new().with_mac(Some(Mac::new([2, 0, 0, 0, high, low])));
    let name = NodeId::choose(&claims).unwrap();
    Node::first_seen(name, claims.aliases(), true, Millis(1_795_254_558_000))
}

pub(super) fn transition(number: u64, id: u16) -> Transition {
    let mut node = node(id);
    node.status.reason = format!("because of {number}");
    let time = Millis(1_795_254_558_000 + number * 1000);
    Transition {
        number,
        time,
        subject: format!("node{id}: configured → installing"),
        actor: "node".to_owned(),
        cause: "claim".to_owned(),
        boot: Some(BootId::mint(time, 7)),
        catalog: "shipped-1".to_owned(),
        node: Arc::new(node),
    }
}

pub(super) fn git(path: &Path, arguments: &[&str]) -> String {
    let output = Command::new("git")
        .arg("-C")
        .arg(path)
        .args(arguments)
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .output()
        .unwrap();
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "git {arguments:?}: {error}");
    assert_eq!(error, "", "git {arguments:?}");
    String::from_utf8(output.stdout).unwrap()
}

fn is_sound(path: &Path) {
    git(path, &["fsck", "--full", "--strict", "--no-dangling", "--no-progress"]);
}

#[test]
fn a_transition_is_a_commit_that_git_shows_in_words() {
    let (_directory, path) = repository();
    let mut history = History::open(&path).unwrap();
    history.append(&[transition(1, 1)]).unwrap();
    is_sound(&path);
    let shown = git(&path, &["log", "--format=%an <%ae>%n%cn <%ce>%n%ad%n%B", "--date=iso-strict"]);
    assert_eq!(
        shown.trim_end(),
        "node <node@provisioner>\n\
         provisioner <provisioner@provisioner>\n\
         2026-11-21T09:49:19+00:00\n\
         node1: configured → installing\n\n\
         Actor: node\n\
         Cause: claim\n\
         Boot: 1a1fd82a11800000007\n\
         Catalog: shipped-1\n\
         Node: mac-02-00-00-00-00-01\n\
         Transition: 1"
    );
    assert_eq!(git(&path, &["show", "HEAD:catalog"]), "shipped-1\n");
    let file = git(&path, &["show", "HEAD:nodes/mac-02-00-00-00-00-01.yaml"]);
    insta::assert_snapshot!(file);
}

#[test]
fn many_batches_over_many_nodes_are_sound_and_each_file_has_its_own_log() {
    let (_directory, path) = repository();
    let mut history = History::open(&path).unwrap();
    let all: Vec<Transition> =
        (1..=700).map(|n| transition(n, u16::try_from(n * 37 % 150).unwrap())).collect();
    for batch in [&all[..1], &all[1..2], &all[2..500], &all[500..]] {
        history.append(batch).unwrap();
    }
    is_sound(&path);
    assert_eq!(git(&path, &["rev-list", "--count", "main"]).trim(), "700");
    let files = git(&path, &["ls-tree", "--name-only", "main", "nodes/"]);
    assert_eq!(files.lines().count(), 150);
    let of_one: Vec<&Transition> = all.iter().filter(|t| t.node.id == node(3).id).collect();
    let file = format!("nodes/{}.yaml", node(3).id);
    let log = git(
        &path,
        &["log", "--format=%(trailers:key=Transition,valueonly,separator=)", "--", &file],
    );
    let numbers: Vec<u64> = log.lines().map(|n| n.parse().unwrap()).collect();
    assert!(numbers.iter().rev().copied().eq(of_one.iter().map(|t| t.number)));
    let newest = git(&path, &["show", &format!("main:{file}")]);
    assert!(newest.contains(&of_one.last().unwrap().node.status.reason));
    assert!(std::fs::read_dir(path.join("objects/pack")).unwrap().count() >= 8);
}

#[test]
fn what_the_branch_has_is_skipped_also_after_reopening() {
    let (_directory, path) = repository();
    let mut history = History::open(&path).unwrap();
    assert_eq!(history.last_number().unwrap(), 0);
    let all: Vec<Transition> = (1..=6).map(|n| transition(n, 1)).collect();
    history.append(&all[..4]).unwrap();
    let before = git(&path, &["rev-parse", "main~0"]);
    history.append(&all[..4]).unwrap();
    assert_eq!(git(&path, &["rev-parse", "main"]), before);
    drop(history);
    let mut history = History::open(&path).unwrap();
    assert_eq!(history.last_number().unwrap(), 4);
    history.append(&all).unwrap();
    assert_eq!(git(&path, &["rev-list", "--count", "main"]).trim(), "6");
    assert_eq!(history.last_number().unwrap(), 6);
    is_sound(&path);
}

#[test]
fn the_same_transitions_make_the_same_commits_however_they_are_batched() {
    let all: Vec<Transition> = (1..=20).map(|n| transition(n, 3)).collect();
    let tip = |size: usize| {
        let (_directory, path) = repository();
        let mut history = History::open(&path).unwrap();
        for batch in all.chunks(size) {
            history.append(batch).unwrap();
        }
        git(&path, &["rev-parse", "main"])
    };
    assert_eq!(tip(1), tip(20));
    assert_eq!(tip(7), tip(20));
}

#[test]
fn a_transition_that_changes_no_file_is_a_commit_too() {
    let (_directory, path) = repository();
    let mut history = History::open(&path).unwrap();
    let first = transition(1, 1);
    let mut second = transition(2, 1);
    second.node = Arc::clone(&first.node);
    history.append(&[first, second]).unwrap();
    assert_eq!(git(&path, &["rev-list", "--count", "main"]).trim(), "2");
    is_sound(&path);
}

#[test]
fn what_changes_without_meaning_is_left_out_of_the_file() {
    let mut before = node(1);
    before.status.state = State::Running;
    let mut after = before.clone();
    after.status.last_seen = Millis(99);
    after.status.deadline = Some(Millis(100));
    after.revision += 1;
    assert_eq!(record::yaml(&before).unwrap(), record::yaml(&after).unwrap());
}

#[test]
fn no_value_can_forge_a_trailer_a_header_or_an_author() {
    let (_directory, path) = repository();
    let mut history = History::open(&path).unwrap();
    let mut evil = transition(1, 1);
    evil.subject = "x\n\nTransition: 999\nparent dead\0beef".to_owned();
    evil.actor = "operator <root@localhost> 0 +0000\nauthor y".to_owned();
    evil.cause = "a\r\nTransition: 998\u{2028}Actor: z\u{85}q".to_owned();
    evil.catalog = "c\n\n\nTransition: 997".to_owned();
    history.append(&[evil, transition(2, 1)]).unwrap();
    is_sound(&path);
    let entries = history.log(&node(1).id, 10).unwrap();
    assert_eq!(entries.len(), 2);
    assert_eq!(entries[1].subject, "x Transition: 999 parent dead beef");
    assert_eq!(entries[1].actor, "operator <root@localhost> 0 +0000 author y");
    assert_eq!(entries[1].cause, "a Transition: 998 Actor: z q");
    drop(history);
    assert_eq!(History::open(&path).unwrap().last_number().unwrap(), 2);
    let authors = git(&path, &["log", "--format=%an <%ae>", "main~1"]);
    assert_eq!(authors.trim(), "operator root@localhost 0 +0000 author y <y@provisioner>");
}

#[test]
fn the_log_of_a_node_is_newest_first_and_its_own() {
    let (_directory, path) = repository();
    let mut history = History::open(&path).unwrap();
    let all: Vec<Transition> = (1..=9).map(|n| transition(n, u16::from(n % 3 == 0))).collect();
    history.append(&all).unwrap();
    let reader = History::read(&path).unwrap();
    let log = reader.log(&node(1).id, 2).unwrap();
    let times: Vec<u64> = log.iter().map(|entry| entry.time.0).collect();
    assert_eq!(times, [all[8].time.0, all[5].time.0]);
    assert_eq!(log[0].actor, "node");
    assert_eq!(log[0].commit, git(&path, &["rev-parse", "main"]).trim());
    assert_eq!(reader.log(&node(7).id, 9).unwrap(), []);
}

#[test]
fn leftovers_of_a_killed_process_do_not_block_the_next_start() {
    let (_directory, path) = repository();
    let mut history = History::open(&path).unwrap();
    history.append(&[transition(1, 1)]).unwrap();
    drop(history);
    std::fs::write(path.join("refs/heads/main.lock"), "").unwrap();
    std::fs::write(path.join("objects/pack/tmp_pack_provisioner"), "PACK").unwrap();
    std::fs::write(path.join("objects/pack/pack-00.pack"), "PACK\0\0").unwrap();
    let mut history = History::open(&path).unwrap();
    history.append(&[transition(2, 1)]).unwrap();
    assert_eq!(git(&path, &["rev-list", "--count", "main"]).trim(), "2");
    assert!(!path.join("objects/pack/tmp_pack_provisioner").exists());
}

#[test]
fn another_git_at_work_is_named_and_nothing_is_lost() {
    let (_directory, path) = repository();
    let mut history = History::open(&path).unwrap();
    history.append(&[transition(1, 1)]).unwrap();
    let lock = path.join("refs/heads/main.lock");
    std::fs::write(&lock, "").unwrap();
    let error = history.append(&[transition(2, 1)]).unwrap_err();
    assert!(matches!(error, HistoryError::Locked { .. }));
    assert!(error.to_string().contains("refs/heads/main.lock is there"));
    std::fs::remove_file(&lock).unwrap();
    history.append(&[transition(2, 1)]).unwrap();
    assert_eq!(git(&path, &["rev-list", "--count", "main"]).trim(), "2");
    is_sound(&path);
}

#[test]
fn a_garbage_collection_and_a_foreign_commit_are_taken_as_they_come() {
    let (_directory, path) = repository();
    let mut history = History::open(&path).unwrap();
    for n in 1..=5 {
        history.append(&[transition(n, 1)]).unwrap();
    }
    git(&path, &["gc", "--quiet", "--prune=now"]);
    history.append(&[transition(6, 1)]).unwrap();
    let tree = git(&path, &["rev-parse", "main^{tree}"]);
    let identity = ["-c", "user.name=Ann", "-c", "user.email=ann@example.org"];
    let commit = ["commit-tree", "-p", "main", "-m", "a note by hand", tree.trim()];
    let note = git(&path, &[&identity[..], &commit[..]].concat());
    git(&path, &["update-ref", "refs/heads/main", note.trim()]);
    assert_eq!(history.last_number().unwrap(), 6);
    history.append(&[transition(6, 1), transition(7, 2)]).unwrap();
    is_sound(&path);
    let subjects = git(&path, &["log", "--format=%s", "-3"]);
    assert_eq!(
        subjects,
        "node2: configured → installing\na note by hand\nnode1: configured → installing\n"
    );
}

#[test]
fn a_clone_has_a_file_for_each_node() {
    let (directory, path) = repository();
    let mut history = History::open(&path).unwrap();
    history.append(&[transition(1, 1), transition(2, 2)]).unwrap();
    git(&path, &["clone", "--quiet", ".", "../clone"]);
    let files = std::fs::read_dir(directory.path().join("clone/nodes")).unwrap();
    assert_eq!(files.count(), 2);
}

#[test]
fn a_disk_that_cannot_be_written_leaves_the_branch_and_heals() {
    let (_directory, path) = repository();
    let mut history = History::open(&path).unwrap();
    history.append(&[transition(1, 1)]).unwrap();
    let packs = path.join("objects/pack");
    let aside = path.join("objects/aside");
    std::fs::rename(&packs, &aside).unwrap();
    std::fs::write(&packs, "no directory").unwrap();
    let error = history.append(&[transition(2, 1)]).unwrap_err();
    assert!(!error.to_string().is_empty());
    std::fs::remove_file(&packs).unwrap();
    std::fs::rename(&aside, &packs).unwrap();
    history.append(&[transition(2, 1), transition(3, 2)]).unwrap();
    assert_eq!(git(&path, &["rev-list", "--count", "main"]).trim(), "3");
    is_sound(&path);
}
