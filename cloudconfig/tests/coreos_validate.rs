//! Our findings beside those of `coreos-cloudinit -validate`.
//!
//! `corpus/coreos/NAME.txt` is what v1.14.0 printed for `NAME.yaml`, in the order of lines. Where we say something
//! else, `NAME.ours.txt` holds that, and why in its first line. What our messages say behind `; ` is advice that
//! it does not give, and is left out here.

#![allow(clippy::unwrap_used)]

use std::fs;
use std::path::{Path, PathBuf};

fn corpus() -> Vec<PathBuf> {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/corpus/coreos");
    let entries = fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path());
    let mut files: Vec<_> =
        entries.filter(|path| path.extension().is_some_and(|ext| ext == "yaml")).collect();
    files.sort();
    assert!(files.len() >= 40, "{} files", files.len());
    files
}

fn sorted(text: &str) -> Vec<String> {
    let mut lines: Vec<_> = text.lines().map(str::to_owned).collect();
    lines.sort();
    lines
}

fn ours(path: &Path) -> Vec<String> {
    let text = fs::read_to_string(path).unwrap();
    let mut lines = Vec::new();
    for finding in cloudconfig::check(&text).findings {
        let words = finding.message.split("; ").next().unwrap();
        lines.push(format!("line {}: {}: {words}", finding.line, finding.severity));
    }
    lines.sort();
    lines
}

#[test]
fn every_line_is_what_coreos_cloudinit_says_or_listed_with_a_reason() {
    for path in corpus() {
        let theirs = sorted(&fs::read_to_string(path.with_extension("txt")).unwrap());
        let listed = path.with_extension("ours.txt");
        let expected = if listed.exists() {
            let text = fs::read_to_string(&listed).unwrap();
            let (reason, lines) = text.split_once('\n').unwrap();
            assert!(reason.starts_with("# "), "{}: no reason", listed.display());
            let lines = sorted(lines);
            assert_ne!(lines, theirs, "{}: there is no difference", listed.display());
            lines
        } else {
            theirs
        };
        assert_eq!(ours(&path), expected, "{}", path.display());
    }
}
