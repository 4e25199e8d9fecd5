use proptest::prelude::*;
use yaml::{Finding, Severity};

use super::*;

fn findings(text: &str) -> Vec<Finding> {
    check(&format!("#cloud-config\n{text}")).findings
}

fn messages(text: &str) -> Vec<String> {
    findings(text).into_iter().map(|finding| finding.message).collect()
}

#[test]
fn the_first_line_says_what_it_is() {
    assert_eq!(kind("#cloud-config"), Kind::CloudConfig);
    assert_eq!(kind("#cloud-config \t\r\nhostname: a\n"), Kind::CloudConfig);
    assert_eq!(kind("#!/bin/sh\n"), Kind::Script);
    for other in ["", "\n#cloud-config\n", " #cloud-config", "#cloud-configs", "{\"ignition\": {}}"]
    {
        assert_eq!(kind(other), Kind::Other, "{other:?}");
        let report = check(other);
        let [Finding { line: 1, severity: Severity::Error, message, .. }] = &*report.findings
        else {
            panic!("{report:?}");
        };
        assert!(message.starts_with("must be \"#cloud-config\" or begin with \"#!\""), "{message}");
    }
    assert_eq!(check("#!/bin/sh\n").findings, []);
}

#[test]
fn the_world_is_told_by_keys_that_only_one_knows() {
    let world = |text: &str| check(&format!("#cloud-config\n{text}")).world;
    assert_eq!(world("hostname: a\nusers: [{name: a}]\n"), World::Both);
    assert_eq!(world("hostname: a\ncoreos: {}\n"), World::CoreOs);
    assert_eq!(world("coreos: {}\nruncmd: [ls]\n"), World::CoreOs);
    assert_eq!(world("users: [{name: a, coreos_ssh_import_url: x}]\n"), World::CoreOs);
    assert_eq!(world("ssh-authorized-keys: [a]\n"), World::CoreOs);
    assert_eq!(world("users: [default]\n"), World::CloudInit);
    assert_eq!(world("users: [{name: a, groups: 'a, b'}]\n"), World::CloudInit);
    assert_eq!(world("users: [{name: a, sudo: null}]\n"), World::CloudInit);
    assert_eq!(world("frobnicate: 1\n"), World::Both);
}

#[test]
fn a_path_and_a_place_lead_to_the_value() {
    let text = "coreos:\n  units:\n    - name: a.service\n      command: strat\n";
    let [finding] = &*findings(text) else { panic!() };
    let expected = Finding {
        line: 5,
        column: 7,
        path: "coreos.units[0].command".to_owned(),
        severity: Severity::Error,
        message: "invalid value strat; did you mean `start`?".to_owned(),
    };
    assert_eq!(*finding, expected);
}

#[test]
fn a_file_for_both_is_checked_for_both_and_reported_once() {
    let messages = messages("hostname: a\nwrite_files:\n  - path: /a\n    mode: 0644\n");
    assert_eq!(messages, ["unrecognized key \"mode\""]);
    let found = findings("users: core\n");
    assert_eq!(found, [], "cloud-init takes a text for users");
    let found = findings("ssh_authorized_keys: a\n");
    let severities: Vec<_> = found.iter().map(|finding| finding.severity).collect();
    assert_eq!(
        severities,
        [Severity::Warning, Severity::Error],
        "CoreOS goes on, cloud-init does not"
    );
}

#[test]
fn a_module_of_cloud_init_s_that_is_not_known_here_is_no_error() {
    let found = findings("hostname: a\nsite_module: {a: 1}\n");
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].severity, Severity::Warning);
}

#[test]
fn a_typo_is_met_by_names_of_both_worlds() {
    assert_eq!(
        messages("hostname: a\nruncmdd: [ls]\n"),
        ["unrecognized key \"runcmdd\"; did you mean `runcmd`?"]
    );
}

#[test]
fn a_mode_means_the_same_to_both_only_in_octal() {
    let file =
        |mode: &str| messages(&format!("write_files:\n  - path: /a\n    permissions: {mode}\n"));
    assert_eq!(file("'0644'"), [""; 0]);
    assert_eq!(file("0644"), ["420 is not of type 'string'; it works, but write '0644' in quotes"]);
    let decimal = "644 is not of type 'string'; to cloud-init it is a decimal number, write '0644'";
    assert_eq!(file("644"), [decimal]);
}

#[test]
fn a_file_under_usr_is_an_error_on_coreos_alone() {
    let file = "write_files: [{path: /usr/local/bin/a, content: a}]\n";
    let severity = |more: &str| {
        let found = findings(&format!("{file}{more}"));
        found.iter().map(|finding| finding.severity).collect::<Vec<_>>()
    };
    assert_eq!(severity("coreos: {}\n"), [Severity::Error]);
    assert_eq!(severity(""), [Severity::Warning]);
    assert_eq!(severity("runcmd: [ls]\n"), []);
}

#[test]
fn quotes_make_text_of_what_is_none_without() {
    let zone = |value: &str| {
        messages(&format!("final_message: {value}\nruncmd: ['on', \"0644\", 'a no b']\n"))
    };
    let wrong = "not of type 'string'; put it in quotes";
    assert_eq!(zone("off"), [format!("False is {wrong}")]);
    assert_eq!(zone("on"), [format!("True is {wrong}")]);
    assert_eq!(zone("0644"), [format!("420 is {wrong}")]);
    assert_eq!(zone("&a on"), [format!("True is {wrong}")]);
    for text in ["'off'", "\"on\"", "'0644'", "&a 'on'", "!!str 0644", "!!str on", "a b"] {
        assert_eq!(zone(text), [""; 0], "{text}");
    }
    assert_eq!(messages("final_message: |-\n  off\n"), [""; 0]);
    assert_eq!(messages("final_message: !!str off\n"), [""; 0]);
}

#[test]
fn of_very_many_faults_the_first_are_shown() {
    let keys: Vec<_> = (0..300).map(|number| format!("key{number}x: 1\n")).collect();
    let found = findings(&keys.concat());
    assert_eq!(found.len(), 101);
    assert_eq!(found[0].line, 2);
    assert_eq!(found[100].message, "200 more faults are not shown");
}

/// Pieces that lead deep into the tables.
const PIECES: [&str; 40] = [
    "coreos:",
    "users:",
    "write_files:",
    "units:",
    "- ",
    "  ",
    "    ",
    "\n",
    "name: ",
    "command: ",
    "content: ",
    "encoding: b64",
    "permissions: 0644",
    "drop-ins:",
    "etcd2:",
    "&a ",
    "*a",
    "<<: ",
    "[",
    "]",
    "{",
    "}",
    ",",
    ": ",
    "'",
    "\"",
    "|",
    "!!binary ",
    "!x ",
    "null",
    "0644",
    "1_0:30",
    "2032-09-01",
    "off",
    "é",
    "chpasswd:",
    "apt:",
    "sources:",
    "~",
    "#",
];

proptest! {
    #[test]
    fn no_text_makes_it_panic(text in "\\PC{0,200}", begun in any::<bool>()) {
        let text = if begun { format!("#cloud-config\n{text}") } else { text };
        let report = check(&text);
        prop_assert!(report.findings.iter().all(|finding| finding.line >= 1 && finding.column >= 1));
    }

    #[test]
    fn no_text_of_its_own_words_makes_it_panic(pieces in prop::collection::vec(0..PIECES.len(), 0..40)) {
        let text: String = pieces.iter().map(|piece| PIECES[*piece]).collect();
        let found = findings(&text);
        prop_assert!(found.is_sorted_by_key(|finding| (finding.line, finding.column)));
    }
}
