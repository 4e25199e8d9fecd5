//! What is found while a config is translated, each with its place.

use yaml::{Faults, Finding, Item, Severity, Spot, Value};

use super::path::{Path, Segment};

/// Findings, and the tree that tells where they are.
#[derive(Debug)]
pub(super) struct Report<'a> {
    faults: &'a Faults<'a>,
    root: &'a Item,
    found: Vec<Finding>,
    /// Whether there is no use in going on.
    is_blocked: bool,
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
        self.found.iter().any(Finding::is_error)
    }

    /// Whether there is an error that would make others that do not exist.
    pub(super) fn is_blocked(&self) -> bool {
        self.is_blocked
    }

    /// Everything, in the order of lines, each once.
    pub(super) fn take(&mut self) -> Vec<Finding> {
        let mut found = std::mem::take(&mut self.found);
        found.sort();
        found.dedup();
        found
    }

    /// Line and column of a place.
    pub(super) fn locate(&self, spot: Spot) -> (usize, usize) {
        let (_, line, column) = self.faults.locate(spot);
        (line, column)
    }

    fn add(&mut self, severity: Severity, path: &Path, spot: Spot, message: String) {
        let (line, column) = self.locate(spot);
        let path = if path.segments().is_empty() { String::new() } else { path.to_string() };
        self.is_blocked |= severity == Severity::Error;
        self.found.push(Finding { line, column, path, severity, message });
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
