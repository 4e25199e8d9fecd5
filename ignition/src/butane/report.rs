//! What is found while a config is translated, each with its place.

use yaml::{Faults, Finding, Item, Severity, Spot, Value};

use super::path::{Path, Segment};

/// Findings, and the tree that tells where they are.
#[derive(Debug)]
pub(super) struct Report<'a> {
    faults: &'a Faults<'a>,
    root: &'a Item,
    found: Vec<Finding>,
}

impl<'a> Report<'a> {
    pub(super) fn new(faults: &'a Faults<'a>, root: &'a Item) -> Self {
        Self { faults, root, found: Vec::new() }
    }

    /// Something that is wrong.
    pub(super) fn error(&mut self, path: &Path, message: impl Into<String>) {
        self.add(Severity::Error, path, self.deepest(path), message.into());
    }

    /// Something that is odd.
    pub(super) fn warn(&mut self, path: &Path, message: impl Into<String>) {
        self.add(Severity::Warning, path, self.deepest(path), message.into());
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

    pub(super) fn has_errors(&self) -> bool {
        self.found.iter().any(Finding::is_error)
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
