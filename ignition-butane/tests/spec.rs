//! The checker of raw Ignition against a corpus of our own, whose verdicts by Ignition itself are recorded,
//! and against Debian's ignition-validate.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test's helpers fail the test")]

use std::path::{Path, PathBuf};
use std::process::Command;

use ignition_butane::spec::{check, check_text};
use ignition_config::Config;
use proptest::prelude::*;
use serde_json::Value;
use yaml::{Finding, Severity};

/// The newest `x` of `3.x.0` that Debian 12's Ignition (2.14.0) knows.
const DEBIAN_KNOWS: u64 = 3;

fn corpus(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/corpus").join(name)
}

/// Name and text of the configs of a directory, sorted.
fn configs(directory: &str) -> Vec<(PathBuf, String)> {
    let Ok(entries) = std::fs::read_dir(corpus(directory)) else { return Vec::new() };
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    paths.retain(|path| path.extension().is_some_and(|extension| extension == "ign"));
    paths.sort();
    paths.into_iter().map(|path| (path.clone(), std::fs::read_to_string(path).unwrap())).collect()
}

fn good() -> Vec<(PathBuf, String)> {
    let good = configs("ign");
    assert!(!good.is_empty());
    good
}

fn line(finding: &Finding) -> String {
    let Finding { line, column, path, severity, message } = finding;
    let severity = if *severity == Severity::Warning { "warning: " } else { "" };
    format!("{line}:{column}: {path}: {severity}{message}")
}

#[test]
fn every_good_config_is_accepted_without_a_warning() {
    for (path, text) in good() {
        let checked = check_text(&text).unwrap_or_else(|found| panic!("{path:?}: {found:#?}"));
        assert_eq!(checked.warnings, [], "{path:?}");
        let name = path.file_name().unwrap().to_str().unwrap();
        assert!(name.starts_with(checked.version.strip_suffix(".0").unwrap()), "{name}");
    }
}

#[test]
fn every_bad_config_gets_the_findings_that_stand_beside_it() {
    let bad = configs("bad-ign");
    assert!(bad.len() > 200);
    for (path, text) in bad {
        let expected = std::fs::read_to_string(path.with_extension("txt")).unwrap();
        let expected: Vec<&str> = expected.lines().filter(|line| !line.starts_with('#')).collect();
        let found = match check_text(&text) {
            Ok(checked) => checked.warnings,
            Err(found) => {
                assert!(found.iter().any(Finding::is_error), "{path:?}");
                found
            }
        };
        assert!(!found.is_empty(), "{path:?}");
        assert_eq!(found.iter().map(line).collect::<Vec<_>>(), expected, "{path:?}");
    }
}

#[test]
fn what_ignition_refuses_is_refused_and_stricter_is_only_what_says_why() {
    for (path, text) in configs("bad-ign") {
        let notes = std::fs::read_to_string(path.with_extension("txt")).unwrap();
        let refused = check_text(&text).is_err();
        let stricter = notes.lines().any(|line| line.starts_with("# Stricter here: "));
        if notes.starts_with("# Ignition 2.20.0 refuses it:\n") {
            assert!(refused && !stricter, "{path:?}");
        } else {
            assert!(notes.starts_with("# Ignition 2.20.0 takes it"), "{path:?}");
            assert!(!refused || stricter, "{path:?}");
        }
    }
}

#[test]
fn debians_ignition_validate_accepts_every_good_config_that_it_knows() {
    let mut accepted = 0;
    for (path, text) in good().into_iter().chain(configs("butane")) {
        let config: Value = serde_json::from_str(&text).unwrap();
        let version = config.pointer("/ignition/version").unwrap().as_str().unwrap();
        let minor: u64 = version.split('.').nth(1).unwrap().parse().unwrap();
        if minor > DEBIAN_KNOWS {
            continue;
        }
        let run = Command::new("ignition-validate").arg(&path).output();
        let output = run.expect("ignition-validate of Debian's package `ignition`");
        let said =
            String::from_utf8_lossy(&output.stderr) + String::from_utf8_lossy(&output.stdout);
        assert!(output.status.success(), "{path:?}: {said}");
        accepted += 1;
    }
    assert!(accepted >= 8, "only {accepted} configs were shown to it");
}

/// The crate's structs are made from Ignition's JSON schemas: what it calls unused we call unknown.
#[test]
fn the_crate_ignition_config_knows_the_same_keys() {
    for (path, text) in good() {
        let (_, unused) = Config::parse_str(&text).unwrap();
        assert!(unused.is_empty(), "{path:?}: {unused:?}");
    }
    let mut unknown = 0;
    for (path, text) in configs("bad-ign") {
        let Ok((_, unused)) = Config::parse_str(&text) else { continue };
        let ours = check_text(&text).err().unwrap_or_default();
        let ours: Vec<&str> = ours
            .iter()
            .filter(|finding| finding.message.contains("Ignition would ignore it"))
            .map(|finding| finding.path.as_str())
            .collect();
        let theirs: Vec<String> =
            unused.iter().map(|key| key.to_string().replace("unused key: ", "")).collect();
        for key in &theirs {
            assert!(ours.contains(&key.as_str()), "{path:?}: {key} of {ours:?}");
        }
        assert_eq!(ours.len(), theirs.len(), "{path:?}");
        unknown += theirs.len();
    }
    assert!(unknown > 10);
}

/// The text of a value with the keys of every object in another order.
fn reversed(value: &Value) -> String {
    match value {
        Value::Object(map) => {
            let entries = map.iter().rev();
            let entries =
                entries.map(|(key, value)| format!("{}: {}", Value::from(&**key), reversed(value)));
            format!("{{{}}}", entries.collect::<Vec<_>>().join(", "))
        }
        Value::Array(list) => {
            format!("[{}]", list.iter().map(reversed).collect::<Vec<_>>().join(", "))
        }
        other => other.to_string(),
    }
}

#[test]
fn a_config_means_the_same_whatever_the_order_of_its_keys() {
    for (path, text) in good().into_iter().chain(configs("bad-ign")) {
        let Ok(config) = serde_json::from_str::<Value>(&text) else { continue };
        let turned = reversed(&config);
        let again: Value = serde_json::from_str(&turned).unwrap();
        let sorted = |config: &Value| {
            let mut found: Vec<String> = check(config).iter().map(ToString::to_string).collect();
            found.sort();
            found
        };
        assert_eq!(sorted(&config), sorted(&again), "{path:?}");
        let found = check_text(&turned).map_or_else(|found| found, |checked| checked.warnings);
        assert_eq!(found.len(), sorted(&config).len(), "{path:?}");
    }
}

fn json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        "(data:|s3://|arn:|http://|/)?[a-z/:%;,=@?\\[\\]\"\n#ä]{0,12}".prop_map(Value::from),
        "\\PC{0,8}".prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 48, 6, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::vec(("[a-zA-Z]{1,6}", inner), 0..4)
                .prop_map(|entries| entries.into_iter().collect()),
        ]
    })
}

/// A good config with one value replaced.
fn nearly_good() -> impl Strategy<Value = Value> {
    let good: Vec<Value> =
        good().iter().map(|(_, text)| serde_json::from_str(text).unwrap()).collect();
    (prop::sample::select(good), any::<prop::sample::Index>(), json()).prop_map(
        |(mut config, index, other)| {
            let mut pointers = Vec::new();
            walk(&config, String::new(), &mut pointers);
            *config.pointer_mut(&pointers[index.index(pointers.len())]).unwrap() = other;
            config
        },
    )
}

fn walk(value: &Value, pointer: String, found: &mut Vec<String>) {
    match value {
        Value::Object(map) => {
            map.iter().for_each(|(key, value)| walk(value, format!("{pointer}/{key}"), found));
        }
        Value::Array(list) => {
            let items = list.iter().enumerate();
            items.for_each(|(at, value)| walk(value, format!("{pointer}/{at}"), found));
        }
        _ => {}
    }
    found.push(pointer);
}

proptest! {
    #[test]
    fn no_text_makes_it_panic(text in "\\PC*|[\\[\\]{}\",:0-9a-z \n\\\\]*") {
        if let Err(found) = check_text(&text) {
            prop_assert!(found.iter().any(Finding::is_error));
        }
    }

    #[test]
    fn no_json_makes_it_panic(config in json()) {
        let found = check(&config);
        prop_assert!(found.iter().any(|problem| problem.severity == Severity::Error));
    }

    #[test]
    fn a_good_config_with_any_value_replaced_is_judged_and_placed(config in nearly_good()) {
        let text = serde_json::to_string_pretty(&config).unwrap();
        let lines = text.lines().count();
        let found = check_text(&text).map_or_else(|found| found, |checked| checked.warnings);
        for finding in &found {
            prop_assert!((1..=lines).contains(&finding.line), "{finding:?}");
        }
        prop_assert_eq!(found.iter().any(Finding::is_error),
            check(&config).iter().any(|problem| problem.severity == Severity::Error));
    }

    #[test]
    fn any_unit_and_any_source_is_judged(contents in "(\\[Unit\\]\n)?[\\[\\]=#;\\\\ \nA-c]{0,60}", source in "\\PC{0,30}") {
        let config = serde_json::json!({
            "ignition": {"version": "3.5.0"},
            "systemd": {"units": [{"name": "x.service", "contents": contents}]},
            "storage": {"files": [{"path": "/x", "contents": {"source": source}}]},
        });
        for problem in check(&config) {
            let path = problem.path();
            prop_assert!(path.ends_with(".contents") || path.ends_with(".source"), "{}", path);
        }
    }
}
