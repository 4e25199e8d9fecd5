//! The architecture's invariants that can be seen in the sources, so that they stay true.
//!
//! The others are tests of behaviour where they belong: that GET changes nothing, that all planes answer from
//! one selection, that every name which DHCP hands out resolves, in `provisioner`; that a bad catalog never
//! goes live and an unknown machine gets its own disk, in the end-to-end tests too.

#![expect(clippy::unwrap_used, clippy::panic, reason = "all of this is a test, helpers too")]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

const CRATES: [&str; 13] = [
    "api",
    "cloudconfig",
    "dhcp",
    "gotemplate",
    "ignition-butane",
    "installer",
    "mayuctl",
    "provisioner",
    "signing",
    "tests",
    "tftp",
    "xtask",
    "yaml",
];

/// Cores: no clock, no random source, no socket, no file, no runtime.
const PURE: [&str; 7] = [
    "provisioner/src/domain",
    "cloudconfig/src",
    "dhcp/src",
    "gotemplate/src",
    "ignition-butane/src",
    "tftp/src",
    "yaml/src",
];
/// The I/O of those crates, each in its one place.
const IO: [&str; 3] = ["dhcp/src/socket", "tftp/src/server", "tftp/src/handler"];
const IMPURE: [&str; 17] = [
    "tokio",
    "async_tftp",
    "socket2",
    "std::fs",
    "std::env",
    "std::process",
    "std::thread",
    "OpenOptions",
    "UdpSocket",
    "TcpStream",
    "TcpListener",
    "SystemTime",
    "Instant",
    "getrandom",
    "rand",
    "redb",
    "git2",
];

/// Which of our crates each of our crates may use.
const MAY_USE: [(&str, &[&str]); 13] = [
    ("api", &[]),
    ("cloudconfig", &["yaml"]),
    ("dhcp", &[]),
    ("gotemplate", &[]),
    ("ignition-butane", &["yaml"]),
    ("installer", &["api"]),
    ("mayuctl", &["api"]),
    (
        "provisioner",
        &["api", "cloudconfig", "dhcp", "gotemplate", "ignition-butane", "signing", "tftp", "yaml"],
    ),
    ("signing", &[]),
    ("tests", &[]),
    ("tftp", &[]),
    ("xtask", &[]),
    ("yaml", &[]),
];

#[test]
fn cores_name_no_clock_no_random_source_no_socket_no_file_and_no_runtime() {
    for file in PURE.iter().flat_map(|dir| sources(dir)) {
        if IO.iter().any(|io| file.name.starts_with(io)) {
            continue;
        }
        for word in IMPURE {
            assert_eq!(file.line_with(word), None, "{} names `{word}`", file.name);
        }
    }
}

#[test]
fn the_domain_knows_nothing_of_the_server_around_it() {
    for file in sources("provisioner/src/domain") {
        for word in ["server", "tonic", "hyper", "dhcp::", "tftp::"] {
            let line = file
                .line_with(&format!("crate::{word}"))
                .or_else(|| if word == "server" { None } else { file.line_with(word) });
            assert_eq!(line, None, "{} names `{word}`", file.name);
        }
    }
}

#[test]
fn crates_depend_on_each_other_in_one_direction_only() {
    for (name, allowed) in MAY_USE {
        let used = ours(&manifest(name));
        let surplus: Vec<_> = used.iter().filter(|u| !allowed.contains(&u.as_str())).collect();
        assert!(surplus.is_empty(), "{name} depends on {surplus:?}");
    }
}

#[test]
fn only_the_recorder_commits_to_the_store() {
    let stores = ["provisioner/src/server/store", "provisioner/src/server/history"];
    for file in sources("provisioner/src") {
        let exempt = stores.iter().any(|dir| file.name.starts_with(dir))
            || file.name == "provisioner/src/server/recorder.rs";
        if !exempt {
            assert_eq!(file.line_with(".commit("), None, "{} commits", file.name);
        }
    }
}

#[test]
fn only_the_operator_plane_and_the_recorder_name_what_an_operator_may_ask_for() {
    for file in sources("provisioner/src/server") {
        let plane = file.name.trim_start_matches("provisioner/src/server/");
        if !plane.starts_with("grpc") && !plane.starts_with("recorder") {
            assert_eq!(file.line_with("Steer"), None, "{} steers nodes", file.name);
        }
    }
}

#[test]
fn the_daemons_main_is_thin() {
    let main = read("provisioner/src/main.rs");
    assert!(main.lines().count() <= 40, "move it into the library");
}

#[test]
fn no_source_file_is_longer_than_600_lines() {
    for file in CRATES.iter().flat_map(|dir| sources(&format!("{dir}/src"))) {
        let lines = file.code.lines().count();
        assert!(lines <= 600, "{} has {lines} lines: split it", file.name);
    }
}

#[test]
fn every_crate_takes_the_workspaces_lints() {
    for name in CRATES {
        let text = read(&format!("{name}/Cargo.toml"));
        assert!(text.contains("[lints]\nworkspace = true"), "{name} has lints of its own");
    }
    let members = read("Cargo.toml");
    let members =
        members.split_once("members = [").unwrap().1.split_once(']').unwrap().0.to_owned();
    for name in CRATES {
        assert!(members.contains(&format!("\"{name}\"")), "{name} is no member");
    }
    assert_eq!(members.matches('"').count(), 2 * CRATES.len(), "a crate that tidy does not know");
}

#[test]
fn no_test_is_switched_off_and_nothing_is_left_for_later() {
    // Put together here, so that this file does not find itself.
    let marks = [["#[ign", "ore"], ["TO", "DO"], ["FIX", "ME"], ["XX", "X"]].map(|m| m.concat());
    for file in CRATES.iter().flat_map(|dir| all_files(dir)) {
        let text = fs::read_to_string(root().join(&file)).unwrap();
        for mark in &marks {
            assert!(!text.contains(mark.as_str()), "{file} contains `{mark}`");
        }
    }
}

#[test]
fn debian_packages_are_sorted_and_named_once() {
    let text = read("xtask/packages.txt");
    let names: Vec<_> = text.lines().filter(|line| !line.starts_with('#')).collect();
    assert!(names.is_sorted_by(|a, b| a < b), "{names:?}");
    assert!(names.iter().all(|name| name.trim() == *name && !name.is_empty()), "{names:?}");
}

#[test]
fn decisions_are_numbered_without_gaps() {
    let mut names: Vec<String> = fs::read_dir(root().join("docs/adr"))
        .expect("docs/adr")
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    assert!(!names.is_empty());
    for (number, name) in (1..).zip(&names) {
        let title = name.strip_prefix(&format!("{number:04}-"));
        let title = title.and_then(|rest| rest.strip_suffix(".md"));
        let good = title.is_some_and(|title| {
            !title.is_empty()
                && title.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-')
        });
        assert!(good, "docs/adr/{name}: wanted {number:04}-some-title.md");
    }
}

#[test]
fn ci_does_what_a_person_does() {
    let script = read(".ci/run");
    assert_eq!(script.lines().last(), Some("exec cargo xtask test"));
}

/// The rules above see what they are to see.
#[test]
fn a_word_is_found_in_code_but_not_in_comments_tests_or_longer_words() {
    let file = Source::of("x.rs", "/// tokio\nfn a() { Tokio::b(); mytokio(); }\nuse tokio::c;\n");
    assert_eq!(file.line_with("tokio").as_deref(), Some("use tokio::c;"));
    let tested = Source::of("x.rs", "fn a() {}\n#[cfg(test)]\nmod tests { use std::fs; }\n");
    assert_eq!(tested.line_with("std::fs"), None);
    let manifest =
        "[dependencies]\ndhcp.workspace = true\nserde = \"1\"\n[dev-dependencies]\ntftp = {}\n";
    assert_eq!(ours(manifest), ["dhcp", "tftp"]);
}

/// A source file without comments and without its tests.
struct Source {
    name: String,
    code: String,
}

impl Source {
    fn of(name: &str, text: &str) -> Self {
        // By the house's order tests are last.
        let code = text.split("#[cfg(test)]\nmod ").next().unwrap_or(text);
        let code = code.lines().filter(|line| !line.trim_start().starts_with("//"));
        Self { name: name.to_owned(), code: code.collect::<Vec<_>>().join("\n") }
    }

    /// The first line of code in which `word` stands by itself.
    fn line_with(&self, word: &str) -> Option<String> {
        let line = self.code.lines().find(|line| stands_alone(line, word))?;
        Some(line.trim().to_owned())
    }
}

fn stands_alone(line: &str, word: &str) -> bool {
    let part = |c: Option<char>| c.is_some_and(|c| c.is_alphanumeric() || c == '_');
    line.match_indices(word).any(|(at, _)| {
        let before = line[..at].chars().next_back();
        let after = line[at + word.len()..].chars().next();
        let starts = !word.starts_with(char::is_alphanumeric) || !part(before);
        let ends = !word.ends_with(char::is_alphanumeric) || !part(after);
        starts && ends
    })
}

/// The sources below (or beside, for `foo.rs` of `foo/`) a directory, tests left out.
fn sources(dir: &str) -> Vec<Source> {
    let mut files = all_files(dir);
    let beside = format!("{dir}.rs");
    if root().join(&beside).is_file() {
        files.push(beside);
    }
    let test = |file: &str| {
        let inner = file.split("/src/").nth(1).unwrap_or(file);
        inner.ends_with("tests.rs") || inner.contains("tests/") || inner.ends_with("contract.rs")
    };
    let kept = files.iter().filter(|file| !test(file));
    kept.map(|file| Source::of(file, &read(file))).collect()
}

/// Rust files below a directory, as paths from the workspace's root.
fn all_files(dir: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut left = vec![root().join(dir)];
    while let Some(dir) = left.pop() {
        for entry in fs::read_dir(&dir).unwrap_or_else(|e| panic!("{}: {e}", dir.display())) {
            let path = entry.unwrap().path();
            if path.is_dir() {
                left.push(path);
            } else if path.extension().is_some_and(|e| e == "rs") {
                let name = path.strip_prefix(root()).unwrap().to_str().unwrap();
                found.push(name.to_owned());
            }
        }
    }
    found.sort();
    found
}

fn manifest(name: &str) -> String {
    read(&format!("{name}/Cargo.toml"))
}

/// Our own crates among a manifest's dependencies, of all kinds.
fn ours(manifest: &str) -> Vec<String> {
    let mut used = BTreeSet::new();
    let mut inside = false;
    for line in manifest.lines() {
        if line.starts_with('[') {
            inside = line.contains("dependencies");
            continue;
        }
        let name = line.split(['.', '=', ' ']).next().unwrap_or("");
        if inside && CRATES.contains(&name) {
            used.insert(name.to_owned());
        }
    }
    used.into_iter().collect()
}

fn read(name: &str) -> String {
    fs::read_to_string(root().join(name)).unwrap_or_else(|e| panic!("{name}: {e}"))
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}
