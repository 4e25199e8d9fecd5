//! Our findings beside those of Debian 12's cloud-init (22.4), which the test fetches and unpacks.
//!
//! The files of `corpus/cloud-init/good` are those that we take, those of `bad` the ones that we refuse; `NAME.txt`
//! holds what we say. cloud-init has to agree, or the file is listed in [`OTHERWISE`] with a reason.

#![allow(clippy::panic, clippy::unwrap_used)]

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Where cloud-init's schema does not agree, and why we do not follow it.
const OTHERWISE: [(&str, &str); 9] = [
    ("good/later-than-debian-12", "keys of later versions; we warn, as other systems have those"),
    ("good/mode-without-quotes", "a plain 0644 is a number to the schema, and works all the same"),
    ("good/only-a-header", "nothing to apply is no fault of a file; we warn"),
    ("good/partition-by-number", "cloud-init's documents allow it, its schema cannot be met by it"),
    ("bad/content-that-does-not-decode", "the schema does not look into files"),
    ("bad/given-twice", "its parser takes the last of two equal keys and says nothing"),
    ("bad/hyphens-of-coreos", "22.4 lets any key pass at the top"),
    ("bad/mode-that-is-none", "the schema takes any text for a mode"),
    ("bad/unknown-key-at-the-top", "22.4 lets any key pass at the top"),
];

/// Prints a line of JSON for every file: its name, and the paths of the errors; `null` when it is no map of keys.
const PROGRAM: &str = r#"
import json, sys
out, sys.stdout = sys.stdout, sys.stderr
from cloudinit.config.schema import SchemaValidationError, get_schema, validate_cloudconfig_file
for name in sys.argv[1:]:
    paths = []
    try:
        validate_cloudconfig_file(name, get_schema(), annotate=False)
    except SchemaValidationError as error:
        paths = [str(problem[0]) for problem in error.schema_errors]
    except RuntimeError as error:
        assert "not a YAML dict" in str(error), error
        paths = None
    print(json.dumps([name, paths]), file=out)
"#;

fn corpus(which: &str) -> Vec<PathBuf> {
    let directory =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/corpus/cloud-init").join(which);
    let entries = fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path());
    let mut files: Vec<_> =
        entries.filter(|path| path.extension().is_some_and(|ext| ext == "yaml")).collect();
    files.sort();
    assert!(!files.is_empty());
    files
}

/// `good/NAME`
fn name(path: &Path) -> String {
    let directory = path.parent().and_then(Path::file_name).unwrap();
    Path::new(directory).join(path.file_stem().unwrap()).display().to_string()
}

fn run(command: &mut Command) -> String {
    let output = command.output().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command:?}: {error}");
    String::from_utf8(output.stdout).unwrap()
}

/// cloud-init's modules, fetched once by the sources of this machine and kept below target/.
fn cloud_init() -> PathBuf {
    let cache = Path::new(env!("CARGO_TARGET_TMPDIR"));
    let unpacked = cache.join("cloud-init-22.4");
    if !unpacked.exists() {
        fs::create_dir_all(cache).unwrap();
        let work = tempfile::tempdir_in(cache).unwrap();
        run(Command::new("apt-get").args(["-qq", "download", "cloud-init"]).current_dir(&work));
        let mut files = fs::read_dir(&work).unwrap().map(|entry| entry.unwrap().path());
        let package = files.next().unwrap();
        let version = run(Command::new("dpkg-deb").arg("-f").arg(&package).arg("Version"));
        assert!(version.starts_with("22.4"), "what we know is Debian 12's 22.4, not {version}");
        let tree = work.path().join("tree");
        run(Command::new("dpkg-deb").arg("-x").arg(&package).arg(&tree));
        // Another run may have been faster; its tree is the same.
        let _ = fs::rename(&tree, &unpacked);
    }
    unpacked.join("usr/lib/python3/dist-packages")
}

/// The paths of the errors that cloud-init finds in each file, `write_files.0.path`; `None`: it is no map.
fn theirs(files: &[PathBuf]) -> BTreeMap<PathBuf, Option<Vec<String>>> {
    let mut python = Command::new("/usr/bin/python3");
    python.args(["-c", PROGRAM]).args(files).env("PYTHONPATH", cloud_init());
    python.env("PYTHONDONTWRITEBYTECODE", "1");
    run(&mut python).lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn errors(path: &Path) -> Vec<String> {
    let findings = cloudconfig::check(&fs::read_to_string(path).unwrap()).findings;
    let errors = findings.into_iter().filter(yaml::Finding::is_error);
    errors.map(|finding| finding.path.replace('[', ".").replace(']', "")).collect()
}

#[test]
fn cloud_init_takes_and_refuses_what_we_take_and_refuse() {
    let files = [corpus("good"), corpus("bad")].concat();
    let theirs = theirs(&files);
    assert_eq!(theirs.len(), files.len());
    let mut differing = Vec::new();
    for (path, theirs) in theirs {
        let (name, ours) = (name(&path), errors(&path));
        assert_eq!(ours.is_empty(), name.starts_with("good/"), "{name}: {ours:?}");
        let refused = theirs.as_ref().is_none_or(|paths| !paths.is_empty());
        if refused == ours.is_empty() {
            differing.push(name);
            continue;
        }
        // `format-…` is about the file as a whole; else ours is the same key, or one inside of it.
        for theirs in theirs.unwrap_or_default().iter().filter(|path| !path.starts_with("format-"))
        {
            let inside = |ours: &String| {
                ours == theirs
                    || ours.strip_prefix(theirs).is_some_and(|rest| rest.starts_with('.'))
            };
            assert!(ours.iter().any(inside), "{name}: {theirs} is not among {ours:?}");
        }
    }
    let mut listed = OTHERWISE.map(|(name, _)| name.to_owned());
    listed.sort();
    differing.sort();
    assert_eq!(differing, listed);
}

#[test]
fn every_file_is_reported_as_written_beside_it() {
    for path in [corpus("good"), corpus("bad")].concat() {
        let report = cloudconfig::check(&fs::read_to_string(&path).unwrap());
        let mut lines = vec![format!("{:?}\n", report.world)];
        for yaml::Finding { line, column, path, severity, message } in report.findings {
            lines.push(format!("{line}:{column}: {severity}: {path}: {message}\n"));
        }
        let expected = fs::read_to_string(path.with_extension("txt")).unwrap();
        assert_eq!(lines.concat(), expected, "{}", name(&path));
    }
}
