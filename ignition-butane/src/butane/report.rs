//! What is found while a config is translated, each with its place.

use yaml::{Faults, Finding, Item, Severity, Spot, Value};

use super::path::{Path, Segment};

/// Findings, and the tree that tells where they are.
#[derive(Debug)]
pub(super) struct Report<'a> {
    faults: &'a Faults<'a>,
    root: &'a Item,
    found: Vec<Found>,
    /// Whether there is no use in going on.
    is_blocked: bool,
}

/// To tell a line costs a reading of the whole text, so there is a bound.
const MOST: usize = 100;

/// Something found, at a place whose line is not asked for yet.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Found {
    spot: Spot,
    path: String,
    severity: Severity,
    message: String,
}

impl<'a> Report<'a> {
    pub(super) fn new(faults: &'a Faults<'a>, root: &'a Item) -> Self {
        Self { faults, root, found: Vec::new(), is_blocked: false }
    }

    /// Something that is wrong.
    pub(super) fn error(&mut self, path: &Path, message: impl Into<String>) {
        self.add(Severity::Error, path, self.deepest(path), message.into());
    }

    /// Something that is odd.
    pub(super) fn warn(&mut self, path: &Path, message: impl Into<String>) {
        self.add(Severity::Warning, path, self.deepest(path), message.into());
    }

    /// Something that is as bad as it is said to be.
    pub(super) fn add_at(&mut self, severity: Severity, path: &Path, message: String) {
        self.add(severity, path, self.deepest(path), message);
    }

    /// Something that is wrong, at a place that is known.
    pub(super) fn error_at(&mut self, spot: Spot, path: &Path, message: impl Into<String>) {
        self.add(Severity::Error, path, spot, message.into());
    }

    /// Adds an error and gives all there is.
    pub(super) fn fail(&mut self, path: &Path, message: impl Into<String>) -> Vec<Finding> {
        self.error(path, message);
        self.take()
    }

    /// Something that is wrong at a place that is known, and hides nothing else.
    pub(super) fn typo(&mut self, spot: Spot, path: &Path, message: String) {
        let is_blocked = self.is_blocked;
        self.add(Severity::Error, path, spot, message);
        self.is_blocked = is_blocked;
    }

    pub(super) fn has_errors(&self) -> bool {
        self.found.iter().any(|found| found.severity == Severity::Error)
    }

    /// Whether there is an error that would make others that do not exist.
    pub(super) fn is_blocked(&self) -> bool {
        self.is_blocked
    }

    /// Everything, in the order of lines, each once; of very much the first, and how much more there is.
    pub(super) fn take(&mut self) -> Vec<Finding> {
        let mut found = std::mem::take(&mut self.found);
        found.sort();
        found.dedup();
        let more = found.len().saturating_sub(MOST);
        let has_errors = found.iter().any(|found| found.severity == Severity::Error);
        found.truncate(MOST);
        let mut findings: Vec<Finding> = Vec::new();
        for Found { spot, path, severity, message } in found {
            let (line, column) = self.locate(spot);
            findings.push(Finding { line, column, path, severity, message });
        }
        findings.sort();
        if let Some(last) = findings.last().filter(|_| more > 0) {
            let severity = if has_errors { Severity::Error } else { Severity::Warning };
            let message = format!("and {more} more from here on");
            findings.push(Finding { path: String::new(), severity, message, ..last.clone() });
        }
        findings
    }

    /// Line and column of a place.
    pub(super) fn locate(&self, spot: Spot) -> (usize, usize) {
        let (_, line, column) = self.faults.locate(spot);
        (line, column)
    }

    fn add(&mut self, severity: Severity, path: &Path, spot: Spot, message: String) {
        let path = if path.segments().is_empty() { String::new() } else { path.to_string() };
        self.is_blocked |= severity == Severity::Error;
        self.found.push(Found { spot, path, severity, message });
    }

    /// Where `path` stands, or the deepest part of it that is there.
    fn deepest(&self, path: &Path) -> Spot {
        let mut item = self.root;
        for segment in path.segments() {
            let below = match (&item.value, segment) {
                (Value::Map(entries), Segment::Key(key)) => {
                    entries.iter().find(|entry| entry.key == *key).map(|entry| &entry.item)
                }
                (Value::List(items), Segment::Index(index)) => items.get(*index),
                _ => None,
            };
            match below {
                Some(below) => item = below,
                None => break,
            }
        }
        item.spot
    }
}
