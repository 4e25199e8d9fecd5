use std::fs;
use std::io::Read as _;
use std::net::{TcpListener, TcpStream};
use std::os::fd::OwnedFd;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use std::time::Duration;

use super::super::remote::Remote;
use super::super::{Look, Serving};
use super::lab::{Lab, git, id, lines, poll};
use crate::config::{CatalogSettings, GitSettings};

/// A lab whose work tree pushes into `bare.git`, and the settings that follow that.
fn file_lab() -> (Lab, String) {
    let lab = Lab::new();
    git(&lab.path(""), &["clone", "-q", "--bare", "work", "bare.git"]);
    git(&lab.work(), &["remote", "add", "origin", lab.path("bare.git").to_str().unwrap()]);
    let url = format!("file://{}", lab.path("bare.git").display());
    let catalog = format!("{{git: {{remote: \"{url}\"}}}}");
    (lab, catalog)
}

fn push(lab: &Lab) {
    git(&lab.work(), &["push", "-q", "--force", "origin", "main"]);
}

#[test]
fn a_remote_is_mirrored_and_followed() {
    let (lab, catalog) = file_lab();
    let serving = lab.serve(&catalog);
    assert_eq!(id(&serving), lab.head());
    let standing = serving.standing();
    assert_eq!(standing.reference, "main");
    assert!(standing.remote.starts_with("file:///"), "{}", standing.remote);
    let mirror = lab.data().join("catalog.git");
    assert_eq!(git(&mirror, &["rev-parse", "--is-bare-repository"]), "true");
    let next =
        lab.commit(&[("groups/b.yaml", "profile: local\nselector: {rack: b}\n")], "Add rack b");
    push(&lab);
    serving.look(&Look::Here);
    assert_ne!(id(&serving), next, "not fetched yet");
    assert_eq!(poll(&serving), "");
    assert_eq!(id(&serving), next);
    assert_eq!(serving.at("main~1").unwrap().groups().len(), 1);
    assert_eq!(serving.at("HEAD").unwrap().id().as_str(), next);
    git(&lab.work(), &["commit", "-q", "--amend", "-m", "Rewrite"]);
    push(&lab);
    assert_eq!(poll(&serving), "");
    assert_eq!(id(&serving), lab.head(), "rewritten history is followed");
}

#[test]
fn a_remote_that_is_gone_stops_neither_serving_nor_a_restart() {
    let (lab, catalog) = file_lab();
    let serving = lab.serve(&catalog);
    let good = id(&serving);
    fs::rename(lab.path("bare.git"), lab.path("gone.git")).unwrap();
    let told = poll(&serving);
    assert!(told.contains("main cannot be fetched from file://"), "{told}");
    assert_eq!(id(&serving), good);
    assert!(serving.metrics_text().contains("provisioner_catalog_look_failed 1\n"));
    let again = lab.serve(&catalog);
    assert_eq!(id(&again), good);
    fs::rename(lab.path("gone.git"), lab.path("bare.git")).unwrap();
    let next = lab.commit(&[], "Go on");
    push(&lab);
    assert_eq!(poll(&again), "");
    assert_eq!(id(&again), next);
}

#[test]
fn a_remote_that_never_answered_and_a_ref_that_it_does_not_have_are_told_at_start() {
    let (lab, _) = file_lab();
    let error = lab.try_serve("{git: {remote: nowhere.git}}").unwrap_err();
    assert!(
        error.contains("main cannot be fetched from") && error.contains("nowhere.git"),
        "{error}"
    );
    let error = lab.try_serve("{git: {remote: bare.git, ref: live}}").unwrap_err();
    assert!(error.contains("it has no branch or tag `live`"), "{error}");
}

#[test]
fn a_branch_that_vanishes_from_the_remote_is_told_and_the_last_good_one_serves() {
    let (lab, catalog) = file_lab();
    let serving = lab.serve(&catalog);
    let good = id(&serving);
    git(&lab.path("bare.git"), &["update-ref", "-d", "refs/heads/main"]);
    assert!(poll(&serving).contains("it has no branch or tag `main`"));
    assert_eq!(id(&serving), good);
}

#[test]
fn another_remote_is_never_served_from_what_the_first_one_sent() {
    let (lab, catalog) = file_lab();
    let first = id(&lab.serve(&catalog));
    let error = lab.try_serve("{git: {remote: nowhere.git}}").unwrap_err();
    assert!(error.contains("nowhere.git"), "{first}: {error}");
}

#[test]
fn check_fetches_and_leaves_no_word_behind() {
    let (lab, catalog) = file_lab();
    lab.serve(&catalog);
    let accepted = fs::read(lab.data().join("catalog-serving")).unwrap();
    let next = lab.commit(&[], "Go on");
    push(&lab);
    let checked = Serving::newest_of(&lab.settings(&catalog), &lab.data());
    assert_eq!(id(&checked.map_err(|faults| lines(&faults)).unwrap()), next);
    assert_eq!(fs::read(lab.data().join("catalog-serving")).unwrap(), accepted);
}

/// One connection of `git daemon`, as inetd would have it.
fn answer(stream: TcpStream, base: &std::path::Path) {
    let socket = OwnedFd::from(stream);
    let status = Command::new("git")
        .args([
            "-c",
            "safe.directory=*",
            "daemon",
            "--inetd",
            "--export-all",
            "--log-destination=none",
        ])
        .arg(format!("--base-path={}", base.display()))
        .arg(base)
        .env("GIT_CONFIG_COUNT", "1")
        .env("GIT_CONFIG_KEY_0", "safe.directory")
        .env("GIT_CONFIG_VALUE_0", "*")
        .stdin(Stdio::from(socket.try_clone().unwrap()))
        .stdout(Stdio::from(socket))
        .status()
        .unwrap();
    assert!(status.success());
}

#[test]
fn git_daemon_serves_a_catalog_over_the_network() {
    let (lab, _) = file_lab();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let catalog = format!("{{git: {{remote: \"git://127.0.0.1:{port}/bare.git\"}}}}");
    let base = lab.path("");
    // One connection for each look: the first at start.
    let server = std::thread::spawn(move || {
        for _ in 0..2 {
            answer(listener.accept().unwrap().0, &base);
        }
    });
    let serving = lab.serve(&catalog);
    assert_eq!(id(&serving), lab.head());
    let next =
        lab.commit(&[("groups/b.yaml", "profile: local\nselector: {rack: b}\n")], "Add rack b");
    push(&lab);
    assert_eq!(poll(&serving), "");
    assert_eq!(id(&serving), next);
    server.join().unwrap();
    // The listener is gone.
    assert!(poll(&serving).contains("cannot be fetched from git://127.0.0.1"));
    assert_eq!(id(&serving), next);
}

fn impatient(lab: &Lab, url: &str) -> Remote {
    let git = GitSettings {
        reference: "main".into(),
        remote: Some(url.to_owned()),
        directory: String::new(),
        verify: None,
        key: None,
        known_hosts: None,
    };
    let limit = Duration::from_millis(50);
    Remote { limit, first_limit: limit, ..Remote::new(&git, url, &lab.data()) }
}

#[test]
fn a_remote_that_accepts_and_says_nothing_is_given_up() {
    let lab = Lab::new();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let remote = impatient(&lab, &format!("git://{}/c.git", listener.local_addr().unwrap()));
    let told = remote.fetch().unwrap_err();
    assert!(told.contains("did not send main within"), "{told}");
    // What hangs is counted, and ends with the connection.
    let (mut stream, _) = listener.accept().unwrap();
    let mut request = [0; 4];
    stream.read_exact(&mut request).unwrap();
    drop(stream);
    while remote.hanging.load(std::sync::atomic::Ordering::Acquire) > 0 {
        std::thread::yield_now();
    }
    let full = Remote { hanging: Arc::new(AtomicUsize::new(4)), ..remote };
    assert!(full.fetch().unwrap_err().contains("4 earlier fetches"));
}

#[test]
fn a_password_reaches_neither_status_nor_faults() {
    let lab = Lab::new();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let catalog = format!("{{git: {{remote: \"http://me:hunter2@{address}/c.git\"}}}}");
    let error = lab.try_serve(&catalog).unwrap_err();
    assert!(error.contains("***@127.0.0.1") && !error.contains("hunter2"), "{error}");
}

#[test]
fn settings_without_git_are_a_directory_that_is_looked_at_every_second() {
    let settings = CatalogSettings::at(None);
    assert_eq!((settings.poll, settings.moves), (Duration::from_secs(1), 10));
}
