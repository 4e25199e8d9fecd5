//! Our configs through the translation, against what the real `butane` printed for them
//! (`corpus/butane/README.md`).

#![allow(clippy::unwrap_used, clippy::indexing_slicing, missing_docs)]

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use ignition_butane::butane::{Translated, translate};
use ignition_butane::{Local, LocalFiles};
use yaml::{Finding, Severity};

fn corpus() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/corpus/butane")
}

fn files() -> LocalFiles {
    let mut files = LocalFiles::new();
    collect(&corpus().join("files"), "", &mut files);
    files
}

fn collect(directory: &Path, prefix: &str, files: &mut LocalFiles) {
    for entry in fs::read_dir(directory).unwrap() {
        let entry = entry.unwrap();
        let path = entry.path();
        let name = format!("{prefix}{}", entry.file_name().to_str().unwrap());
        let kind = entry.file_type().unwrap();
        if kind.is_dir() {
            collect(&path, &format!("{name}/"), files);
        } else if kind.is_symlink() {
            let target = fs::read_link(&path).unwrap();
            files.insert(name, Local::Link(target.to_str().unwrap().to_owned()));
        } else {
            let executable = entry.metadata().unwrap().permissions().mode() & 0o111 != 0;
            files.insert(name, Local::File { bytes: fs::read(&path).unwrap().into(), executable });
        }
    }
}

/// Severity, path, line, column, message.
type Found = (String, String, usize, usize, String);

/// What `butane` said of a config on its standard error.
#[derive(Debug, Default)]
struct Said {
    found: BTreeSet<Found>,
    /// What it ended with.
    end: Option<String>,
}

fn said(text: &str) -> Said {
    let mut said = Said::default();
    for line in text.lines() {
        if let Some(end) = line.strip_prefix("Error translating config: ") {
            said.end = Some(end.to_owned());
        } else if let Some(rest) = line.strip_prefix("  line ") {
            // A fault of type: only the line is told.
            let (line, message) = rest.split_once(": ").unwrap();
            let line = line.parse().unwrap();
            said.found.insert(("error".into(), String::new(), line, 0, message.to_owned()));
        } else {
            said.found.insert(finding(line));
        }
    }
    said
}

/// `error at $.storage.files.0.path, line 5 col 7: text`
fn finding(line: &str) -> Found {
    let (severity, rest) = line.split_once(" at ").unwrap();
    let (place, message) = rest.split_once(": ").unwrap();
    let (path, place) = match place.split_once(", line ") {
        Some((path, place)) => (path, place),
        None => ("", place.strip_prefix("line ").unwrap()),
    };
    let (line, column) = place.split_once(" col ").unwrap();
    // The files directory has no name here.
    let message = message.replace("read files:", "read .:").replace("files/", "");
    (severity.into(), path.into(), line.parse().unwrap(), column.parse().unwrap(), message)
}

/// A finding of ours as `butane` says it; `with_place`: whether path and column are compared.
fn ours(finding: &Finding) -> Found {
    let is_unused = finding.message.starts_with("unused key ");
    // Only a warning there; the hint behind it is ours.
    let severity = if is_unused { Severity::Warning } else { finding.severity };
    let is_of_type = finding.message.starts_with("cannot unmarshal")
        || finding.message.starts_with("mapping key ");
    let has_hint = is_unused || finding.message.contains("config.commonFields; ");
    let message = finding.message.split(if has_hint { "; " } else { "\0" }).next().unwrap();
    let (path, column) =
        if is_of_type { (String::new(), 0) } else { (finding.path.clone(), finding.column) };
    (severity.to_string(), path, finding.line, column, message.to_owned())
}

/// What Ignition finds has words of our own: its message does not count.
fn without_words(found: &Found) -> Found {
    const IGNITION: [&str; 3] = ["unit \"", "the unit is enabled", "mode "];
    let (severity, path, line, column, message) = found.clone();
    let is_ignition = IGNITION.iter().any(|start| message.starts_with(start));
    (severity, path, line, column, if is_ignition { "Ignition's".to_owned() } else { message })
}

fn compare_findings(name: &str, findings: &[Finding], said: &Said) -> Result<(), String> {
    let found: BTreeSet<_> = findings.iter().map(ours).collect();
    let lines = |found: &BTreeSet<Found>| -> BTreeSet<usize> {
        found.iter().filter(|found| found.0 == "error").map(|found| found.2).collect()
    };
    let is_same = match said.end.as_deref() {
        // Ignition's checks: each line that it finds something in, and maybe more.
        Some("config generated was invalid") => lines(&said.found).is_subset(&lines(&found)),
        // Nothing of it has a place there.
        Some(end) if said.found.is_empty() => {
            let end = end.trim_start_matches("Error unmarshaling yaml: yaml: ");
            let is_syntax = end.starts_with("line ") || end.contains("unmarshal");
            findings.first().is_some_and(|first| is_syntax || first.message.starts_with(end))
        }
        _ => {
            // That they do not work is said for more versions by newer programs.
            let counts = |found: &&Found| !found.4.contains("setuid") || found.0 == "error";
            // Our reader does not know what was an alias.
            let is_known = |found: &&Found| {
                !(name == "yaml-aliases" && found.4.starts_with("context tree does not match"))
            };
            let theirs = said.found.iter().filter(counts).filter(is_known).map(without_words);
            theirs.collect::<BTreeSet<_>>()
                == found.iter().filter(counts).map(without_words).collect()
        }
    };
    if is_same {
        return Ok(());
    }
    Err(format!("found {found:#?}\nbutane said {said:#?}"))
}

fn compare(name: &str, files: &LocalFiles) -> Result<(), String> {
    let read = |ending: &str| fs::read_to_string(corpus().join(format!("{name}.{ending}"))).ok();
    let result = translate(&read("bu").unwrap(), files);
    let said = said(&read("err").unwrap_or_default());
    let findings = match &result {
        Ok(Translated { warnings, .. }) => warnings,
        Err(findings) => findings,
    };
    compare_findings(name, findings, &said)?;
    let has_unused = findings.iter().any(|finding| finding.message.starts_with("unused key "));
    match (&result, read("ign")) {
        (Ok(translated), Some(expected)) if translated.json == expected => Ok(()),
        (Ok(translated), Some(expected)) => Err(format!("got  {}want {expected}", translated.json)),
        (Err(_), None) => Ok(()),
        (Err(_), Some(_)) if has_unused => Ok(()),
        (_, expected) => Err(format!("{result:#?}\nbutane: {expected:?} {said:#?}")),
    }
}

#[test]
fn every_config_of_the_corpus_becomes_what_butane_makes_of_it() {
    let files = files();
    let mut names: Vec<String> = fs::read_dir(corpus())
        .unwrap()
        .filter_map(|entry| Some(entry.unwrap().file_name().to_str()?.strip_suffix(".bu")?.into()))
        .collect();
    names.sort();
    assert!(names.len() > 100, "the corpus is not there: {names:?}");
    let faults: Vec<_> = names
        .iter()
        .filter_map(|name| Some(format!("== {name}\n{}", compare(name, &files).err()?)))
        .collect();
    assert!(faults.is_empty(), "{} of {}:\n{}", faults.len(), names.len(), faults.join("\n"));
}

fn one_error(config: &str) -> Finding {
    let text = format!("variant: fcos\nversion: 1.6.0\n{config}");
    let findings = translate(&text, &files()).unwrap_err();
    assert_eq!(findings.len(), 1, "{findings:#?}");
    findings.into_iter().next().unwrap()
}

#[test]
fn a_link_out_of_the_files_directory_is_not_followed() {
    // The real program reads what it leads to.
    let found = one_error("storage:\n  files:\n    - path: /a\n      contents: {local: outside}\n");
    assert_eq!(found.message, "local file path traverses outside the files directory");
    assert_eq!((found.path.as_str(), found.line), ("$.storage.files.0.contents.local", 6));
}

#[test]
fn an_unknown_key_is_an_error_with_the_name_that_was_meant() {
    let found = one_error("storage:\n  files:\n    - path: /a\n      contens: {}\n");
    assert_eq!(found.message, "unused key contens; did you mean `contents`?");
    assert_eq!((found.line, found.column), (6, 7));
    assert_eq!(found.path, "$.storage.files.0.contens");
    let text = "variant: fcos\nversion: 1.0.0\nkernel_arguments: {}\n";
    let found = translate(text, &files()).unwrap_err();
    assert_eq!(found[0].message, "unused key kernel_arguments; this version does not have it");
}

#[test]
fn an_unknown_key_hides_no_other_fault() {
    let text = "variant: fcos\nversion: 1.6.0\nstorag: {}\nstorage:\n  files:\n    - path: a\n";
    let lines: Vec<_> =
        translate(text, &files()).unwrap_err().iter().map(|found| found.line).collect();
    assert_eq!(lines, [3, 6]);
}

#[test]
fn a_version_that_is_not_understood_is_refused_by_name() {
    let text = "variant: fcos\nversion: 1.9.0\n";
    let found = translate(text, &files()).unwrap_err();
    assert_eq!(
        found[0].message,
        "No translator exists for variant fcos with version 1.9.0; understood are fcos 1.0.0, 1.1.0, 1.2.0, \
         1.3.0, 1.4.0, 1.5.0, 1.6.0 and flatcar 1.0.0, 1.1.0"
    );
    assert_eq!((found[0].line, found[0].column, found[0].path.as_str()), (2, 10, "$.version"));
    let found = translate("variant: openshift\nversion: 4.14.0\n", &files()).unwrap_err();
    assert!(found[0].message.starts_with("No translator exists for variant openshift"));
    assert_eq!(found[0].path, "$.variant");
}

#[test]
fn an_embedded_config_is_checked_where_it_is_embedded() {
    // The real program shows the lines of the inner config as if they were of the outer one, and does not
    // look at local ones.
    let config = "ignition:\n  config:\n    merge:\n      - inline: 'null'\n";
    let found = one_error(config);
    assert!(found.message.starts_with("config is not valid: $"), "{found:?}");
    assert_eq!((found.line, found.column), (6, 17));
    let found = one_error("ignition:\n  config:\n    replace: {local: motd}\n");
    assert!(found.message.starts_with("config is not valid: expected value"), "{found:?}");
    let later = "variant: fcos\nversion: 1.6.0\nignition:\n  config:\n    merge:\n      \
                 - inline: '{\"ignition\":{\"version\":\"3.9.0\"}}'\n";
    let warnings = translate(later, &files()).unwrap().warnings;
    assert!(warnings[0].message.starts_with("skipping validation"), "{warnings:?}");
}

#[test]
fn local_text_that_is_not_utf8_is_an_error_not_another_text() {
    let found =
        one_error("systemd:\n  units:\n    - name: a.service\n      contents_local: binary.bin\n");
    assert_eq!(found.message, "read binary.bin: no UTF-8 from byte 128 on; it has to be text");
}

#[test]
fn several_documents_or_tags_are_an_error() {
    let two = "variant: fcos\nversion: 1.6.0\n---\nvariant: fcos\nversion: 1.5.0\n";
    assert!(translate(two, &files()).unwrap_err()[0].message.contains("more than one"));
    let tag = "variant: fcos\nversion: 1.6.0\nstorage: !x {}\n";
    assert!(translate(tag, &files()).unwrap_err()[0].message.contains("tags"));
}

#[test]
fn of_very_many_faults_the_first_are_shown_and_the_others_counted() {
    let keys: String = (0..250).map(|at| format!("key{at}: x\n")).collect::<Vec<_>>().concat();
    let found = translate(&format!("variant: fcos\nversion: 1.6.0\n{keys}"), &files()).unwrap_err();
    assert_eq!(found.len(), 101);
    assert_eq!((found[99].line, found[99].message.as_str()), (102, "unused key key99"));
    assert_eq!(found[100].message, "and 150 more from here on");
}
