//! Our configs through the translation, against what the real `butane` printed for them
//! (`corpus/butane/README.md`).

use std::collections::BTreeSet;
use std::fs;
use std::io::Read;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use flate2::read::GzDecoder;
use ignition::butane::{Translated, translate};
use ignition::{Local, LocalFiles};
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

/// What `butane` said of a config on its standard error.
#[derive(Debug, Default)]
struct Said {
    /// Severity, path, line, column, message.
    found: BTreeSet<(String, String, usize, usize, String)>,
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
fn finding(line: &str) -> (String, String, usize, usize, String) {
    let (severity, rest) = line.split_once(" at ").unwrap();
    let (place, message) = rest.split_once(": ").unwrap();
    let (path, place) = match place.split_once(", line ") {
        Some((path, place)) => (path, place),
        None => ("", place.strip_prefix("line ").unwrap()),
    };
    let (line, column) = place.split_once(" col ").unwrap();
    // The files directory has no name here.
    let message = message.replace("files/", "");
    (severity.into(), path.into(), line.parse().unwrap(), column.parse().unwrap(), message)
}

/// A finding of ours as `butane` says it; `with_place`: whether path and column are compared.
fn ours(finding: &Finding) -> (String, String, usize, usize, String) {
    let is_unused = finding.message.starts_with("unused key ");
    // Only a warning there; the hint behind it is ours.
    let severity = if is_unused { Severity::Warning } else { finding.severity };
    let message = finding.message.split(if is_unused { "; " } else { "\0" }).next().unwrap();
    let is_of_type = message.starts_with("cannot unmarshal") || message.starts_with("mapping key ");
    let (path, column) =
        if is_of_type { (String::new(), 0) } else { (finding.path.clone(), finding.column) };
    (severity.to_string(), path, finding.line, column, message.to_owned())
}

/// Packed contents unpacked: two packers may pack the same differently.
fn unpacked(value: serde_json::Value) -> serde_json::Value {
    use serde_json::Value;
    match value {
        Value::String(text) if text.starts_with("data:;base64,H4sI") => {
            let bytes = STANDARD.decode(text.trim_start_matches("data:;base64,")).unwrap();
            let mut contents = Vec::new();
            GzDecoder::new(bytes.as_slice()).read_to_end(&mut contents).unwrap();
            Value::String(format!("packed:{}", String::from_utf8_lossy(&contents)))
        }
        Value::Array(items) => items.into_iter().map(unpacked).collect(),
        Value::Object(fields) => {
            fields.into_iter().map(|(key, value)| (key, unpacked(value))).collect()
        }
        other => other,
    }
}

fn compare(name: &str, files: &LocalFiles) -> Result<(), String> {
    let read = |ending: &str| fs::read_to_string(corpus().join(format!("{name}.{ending}"))).ok();
    let result = translate(&read("bu").unwrap(), files);
    let said = said(&read("err").unwrap_or_default());
    let expected = read("ign");
    let findings = match &result {
        Ok(Translated { warnings, .. }) => warnings,
        Err(findings) => findings,
    };
    let found: BTreeSet<_> = findings.iter().map(ours).collect();
    let has_unused = findings.iter().any(|finding| finding.message.starts_with("unused key "));
    if !said.found.is_empty() || result.is_ok() {
        if found != said.found {
            return Err(format!("found {found:#?}\nbutane said {:#?}", said.found));
        }
    } else if let Some(end) = &said.end {
        let end = end.trim_start_matches("Error unmarshaling yaml: yaml: ");
        let is_syntax = end.starts_with("line ") || end.contains("unmarshal");
        let message = &findings.first().ok_or("nothing was found")?.message;
        if !is_syntax && !message.starts_with(end) {
            return Err(format!("found {message:?}, butane said {end:?}"));
        }
    }
    match (&result, &expected) {
        (Ok(translated), Some(expected)) => {
            let parse = |text| unpacked(serde_json::from_str(text).unwrap()).to_string();
            // The order of keys and all spelling count, but not how contents are packed.
            let is_same = translated.json == *expected
                || (expected.contains("H4sI")
                    && translated.json.len().abs_diff(expected.len()) < 64
                    && parse(&translated.json) == parse(expected));
            if !is_same {
                return Err(format!("got  {}want {expected}", translated.json));
            }
            Ok(())
        }
        (Err(_), None) => Ok(()),
        (Err(_), Some(_)) if has_unused => Ok(()),
        _ => Err(format!("{result:#?}\nbutane: {expected:?} {said:#?}")),
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
