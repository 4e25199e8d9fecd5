use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use super::super::source::{LoadError, unchanged};
use super::super::{Look, Serving, since_recorded};
use super::gate::{OTHER, guarded, nodes};
use super::lab::{Lab, PLAIN, acknowledge, git, id, poll, write};
use crate::domain::node::Node;
use crate::domain::plan::Gate;
use crate::server::catalog_dir;

const WORK: &str = "{path: work, git: {ref: main}, gate: {moves: 2}}";
const DIRECTORY: &str = "{path: work, gate: {moves: 2}}";

/// As the daemon starts.
fn start(lab: &Lab, catalog: &str) -> Serving {
    let serving = guarded(lab.serve(catalog), 3);
    serving.look(&Look::Here);
    serving
}

#[test]
fn a_restart_takes_neither_a_directory_that_waits_nor_a_faulty_one() {
    let lab = Lab::new();
    let before = id(&start(&lab, DIRECTORY));
    write(&lab.work(), &OTHER);
    let serving = start(&lab, DIRECTORY);
    assert_eq!(id(&serving), before);
    assert!(serving.standing().waiting.unwrap().1.contains("3 of 3 nodes"));
    write(&lab.work(), &[("groups/bad.yaml", "x: y\n")]);
    let serving = start(&lab, DIRECTORY);
    assert_eq!(id(&serving), before);
    assert!(serving.standing().faults[0].starts_with("groups/bad.yaml:1:1"));
    fs::remove_file(lab.work().join("groups/bad.yaml")).unwrap();
    assert!(poll(&serving).contains(" waits: "));
    acknowledge(&serving);
    assert_eq!(id(&start(&lab, DIRECTORY)), id(&serving));
    assert_ne!(id(&serving), before);
}

#[test]
fn a_restart_takes_what_few_nodes_feel_at_once() {
    let lab = Lab::new();
    let before = id(&start(&lab, DIRECTORY));
    write(&lab.work(), &[("groups/b.yaml", "profile: local\nselector: {rack: b}\n")]);
    let serving = start(&lab, DIRECTORY);
    assert_ne!(id(&serving), before);
    assert_eq!(serving.current().groups().len(), 2);
}

#[test]
fn a_commit_that_is_gone_from_the_repository_serves_on_and_the_newest_waits() {
    let lab = Lab::new();
    let before = id(&start(&lab, WORK));
    fs::remove_dir_all(lab.work()).unwrap();
    fs::create_dir(lab.work()).unwrap();
    git(&lab.work(), &["init", "-q"]);
    write(&lab.work(), &PLAIN);
    let next = lab.commit(&OTHER, "Begin anew");
    let serving = start(&lab, WORK);
    assert_eq!(id(&serving), before);
    assert_eq!(serving.standing().commit, "Begin (Op)");
    assert_eq!(serving.standing().waiting.unwrap().0, next);
    fs::rename(lab.work(), lab.path("gone")).unwrap();
    let serving = start(&lab, WORK);
    assert_eq!(id(&serving), before);
    assert!(serving.standing().look_failed.is_some());
}

#[test]
fn a_source_that_is_new_has_to_be_there_and_is_held_against_what_served() {
    let lab = Lab::new();
    let before = id(&start(&lab, WORK));
    assert!(lab.try_serve("{path: nowhere}").unwrap_err().contains("holds no catalog"));
    write(&lab.path("b"), &PLAIN);
    write(&lab.path("b"), &OTHER);
    let serving = start(&lab, "{path: b, gate: {moves: 2}}");
    assert_eq!(id(&serving), before);
    assert!(serving.standing().waiting.is_some());
    // The same commit, and another folder of it.
    let folder = PLAIN.map(|(path, text)| (format!("sub/{path}"), text));
    let folder: Vec<(&str, &str)> =
        folder.iter().map(|(path, text)| (path.as_str(), *text)).collect();
    lab.commit(&folder, "Add a site");
    lab.commit(&[("sub/groups/b.yaml", "profile: local\nselector: {rack: b}\n")], "Add rack b");
    assert_eq!(start(&lab, WORK).current().groups().len(), 1);
    let sub = "{path: work, git: {directory: sub}}";
    assert_eq!(start(&lab, sub).current().groups().len(), 2);
}

/// Nodes that had a profile.
fn recorded(profile: &str) -> Vec<Arc<Node>> {
    let known = nodes(3).into_iter().map(|node| {
        let mut node = Node::clone(&node);
        node.status.profile = Some(profile.to_owned());
        Arc::new(node)
    });
    known.collect()
}

#[test]
fn without_what_served_the_newest_is_held_against_what_the_nodes_had() {
    let lab = Lab::new();
    id(&start(&lab, DIRECTORY));
    let file = lab.data().join("catalog-serving");
    let whole = fs::read(&file).unwrap();
    assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    let mut flipped = whole.clone();
    flipped[40] ^= 1;
    for nonsense in [&b""[..], b"x\n", &whole[..whole.len() - 1], &flipped] {
        fs::write(&file, nonsense).unwrap();
        let serving = lab.serve(DIRECTORY);
        let judge = |nodes: &[Arc<Node>]| {
            serving
                .judge_without_past(|newest| since_recorded(newest, nodes).gate(&Gate { moves: 2 }))
        };
        let why = judge(&recorded("other")).unwrap_err();
        assert!(why.contains("catalog-serving cannot be read") && why.contains("3 of 3"), "{why}");
        assert!(why.contains("Bring ") && why.contains("or remove it"), "{why}");
        assert_eq!(fs::read(&file).unwrap(), nonsense, "nothing is written before it is judged");
        judge(&recorded("local")).unwrap();
        assert_eq!(fs::read(&file).unwrap(), whole);
    }
    fs::remove_file(&file).unwrap();
    lab.serve(DIRECTORY).judge_without_past(|_| unreachable!()).unwrap();
}

#[test]
fn all_files_are_kept_as_they_are() {
    let lab = Lab::new();
    let work = lab.work();
    write(&work, &[("files/a/run.sh", "#!/bin/sh\n"), ("templates/ä.yaml", "a: b\n")]);
    fs::write(work.join("files/bytes"), [0, 255, 254]).unwrap();
    fs::set_permissions(work.join("files/a/run.sh"), fs::Permissions::from_mode(0o755)).unwrap();
    symlink("/nowhere", work.join("files/link")).unwrap();
    let before = id(&lab.serve(DIRECTORY));
    let bytes = fs::read(lab.data().join("catalog-serving")).unwrap();
    let (label, files) = super::super::kept::decode(&bytes).unwrap();
    let read = catalog_dir::read(&work).unwrap();
    assert_eq!((files.sources, files.local), (read.sources, read.local));
    assert_eq!(label.id, before);
}

#[test]
fn what_cannot_be_kept_is_told_and_kept_later() {
    let lab = Lab::new();
    let scratch = lab.data().join("catalog-serving.new");
    fs::create_dir_all(&scratch).unwrap();
    let serving = lab.serve(DIRECTORY);
    let warnings = serving.standing().warnings;
    assert!(warnings[0].contains("a restart would begin with an older catalog"), "{warnings:?}");
    fs::remove_dir(&scratch).unwrap();
    assert_eq!(poll(&serving), "");
    assert!(serving.standing().warnings.is_empty());
    assert!(lab.data().join("catalog-serving").is_file());
}

#[test]
fn a_directory_that_changes_while_it_is_read_is_dropped() {
    let lab = Lab::new();
    let work = lab.work();
    let before = catalog_dir::fingerprint(&work);
    let read = || {
        let files = catalog_dir::read(&work);
        write(&work, &OTHER);
        files
    };
    let half = unchanged(before, read, || catalog_dir::fingerprint(&work));
    assert!(matches!(half, Err(LoadError::Changed)));
    let before = catalog_dir::fingerprint(&work);
    let whole = unchanged(before, || catalog_dir::read(&work), || catalog_dir::fingerprint(&work));
    assert!(whole.unwrap().is_ok());
}

#[test]
fn a_directory_is_taken_when_two_polls_in_a_row_see_the_same() {
    let lab = Lab::new();
    let serving = lab.serve(DIRECTORY);
    let before = id(&serving);
    for n in 0..3 {
        write(&lab.work(), &[("groups/default.yaml", &format!("profile: local\n# {n}\n"))]);
        serving.look(&Look::Poll);
        assert_eq!(id(&serving), before, "somebody still writes");
    }
    serving.look(&Look::Poll);
    assert_ne!(id(&serving), before);
}

#[test]
fn a_panic_while_looking_is_told_and_the_next_look_tries_again() {
    let lab = Lab::new();
    let serving = lab.serve(WORK);
    let panics = AtomicBool::new(true);
    serving.guard(Box::new(move |_, _| {
        assert!(!panics.swap(false, Ordering::Relaxed), "a fault in the program");
        None
    }));
    let next = lab.commit(&OTHER, "Move all");
    assert!(poll(&serving).contains("a fault in the program"));
    assert_eq!(poll(&serving), "");
    assert_eq!(id(&serving), next);
}

#[test]
fn what_could_not_be_read_is_read_again_without_a_change() {
    let lab = Lab::new();
    let serving = lab.serve(WORK);
    let next = lab.commit(&OTHER, "Move all");
    let blob = git(&lab.work(), &["rev-parse", "HEAD:profiles/other.yaml"]);
    let object = lab.work().join(format!(".git/objects/{}/{}", &blob[..2], &blob[2..]));
    let aside = lab.path("aside");
    fs::rename(&object, &aside).unwrap();
    assert!(poll(&serving).contains("cannot be read"));
    fs::rename(&aside, &object).unwrap();
    assert_eq!(poll(&serving), "");
    assert_eq!(id(&serving), next);
}
