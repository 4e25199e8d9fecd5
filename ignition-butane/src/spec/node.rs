//! A node of the configuration that knows its path and where problems are noted.

use std::cell::{Cell, RefCell};

use serde_json::Value;
use yaml::Severity;

use super::{Problem, Segment};

/// How many bytes are unpacked of what is packed in a config, to see whether it is sound.
const UNPACKED_MAX: u64 = 256 << 20;

/// What was found so far, and by which version of the specification is judged.
#[derive(Debug)]
pub(super) struct Report {
    /// The `x` of `3.x.0`.
    pub(super) minor: u8,
    problems: RefCell<Vec<Problem>>,
    unpack: Cell<u64>,
}

impl Report {
    pub(super) fn new(minor: u8) -> Self {
        Self { minor, problems: RefCell::default(), unpack: Cell::new(UNPACKED_MAX) }
    }

    pub(super) fn into_problems(self) -> Vec<Problem> {
        self.problems.into_inner()
    }
}

#[derive(Debug, Clone, Copy)]
enum Step<'a> {
    Key(&'a str),
    Index(usize),
}

/// A value of the configuration. Getters give nothing where the type is not what is asked for: that was
/// noted by the check of types.
#[derive(Debug, Clone)]
pub(super) struct Node<'a> {
    pub(super) value: &'a Value,
    steps: Vec<Step<'a>>,
    report: &'a Report,
}

impl<'a> Node<'a> {
    pub(super) fn root(value: &'a Value, report: &'a Report) -> Self {
        Self { value, steps: Vec::new(), report }
    }

    fn below(&self, step: Step<'a>, value: &'a Value) -> Self {
        let mut steps = Vec::with_capacity(self.steps.len() + 1);
        steps.extend_from_slice(&self.steps);
        steps.push(step);
        Self { value, steps, report: self.report }
    }

    /// The value of a key, `null` too.
    pub(super) fn entry(&self, key: &'a str) -> Option<Self> {
        self.value.as_object()?.get(key).map(|value| self.below(Step::Key(key), value))
    }

    /// The value of a key; `null` is as good as absent.
    pub(super) fn child(&self, key: &'a str) -> Option<Self> {
        self.entry(key).filter(|node| !node.value.is_null())
    }

    pub(super) fn has(&self, key: &str) -> bool {
        self.value.get(key).is_some_and(|value| !value.is_null())
    }

    /// The elements of this list.
    pub(super) fn elements(&self) -> impl Iterator<Item = Self> {
        let list = self.value.as_array().map_or(&[][..], Vec::as_slice);
        list.iter().enumerate().map(|(at, value)| self.below(Step::Index(at), value))
    }

    /// The elements of the list that is the value of a key; none when it is absent.
    pub(super) fn items(&self, key: &'a str) -> Vec<Self> {
        self.child(key).map_or_else(Vec::new, |list| list.elements().collect())
    }

    pub(super) fn text(&self, key: &str) -> Option<&'a str> {
        self.value.get(key)?.as_str()
    }

    /// Text that is not empty.
    pub(super) fn filled(&self, key: &str) -> Option<&'a str> {
        self.text(key).filter(|text| !text.is_empty())
    }

    pub(super) fn whole(&self, key: &str) -> Option<i64> {
        self.value.get(key)?.as_i64()
    }

    /// Whether a key says `true`.
    pub(super) fn is_on(&self, key: &str) -> bool {
        self.flag(key) == Some(true)
    }

    pub(super) fn flag(&self, key: &str) -> Option<bool> {
        self.value.get(key)?.as_bool()
    }

    /// Whether the configuration's specification is `3.minor.0` or newer.
    pub(super) fn since(&self, minor: u8) -> bool {
        self.report.minor >= minor
    }

    pub(super) fn minor(&self) -> u8 {
        self.report.minor
    }

    /// How many bytes may still be unpacked in this config.
    pub(super) fn may_unpack(&self) -> u64 {
        self.report.unpack.get()
    }

    pub(super) fn unpacked(&self, bytes: u64) {
        self.report.unpack.set(self.may_unpack().saturating_sub(bytes));
    }

    pub(super) fn error(&self, message: impl Into<String>) {
        self.note(None, Severity::Error, message.into());
    }

    pub(super) fn error_at(&self, key: &str, message: impl Into<String>) {
        self.note(Some(key), Severity::Error, message.into());
    }

    pub(super) fn warn_at(&self, key: &str, message: impl Into<String>) {
        self.note(Some(key), Severity::Warning, message.into());
    }

    /// `$.storage.files.0`
    pub(super) fn path(&self) -> String {
        let segments: Vec<Segment> = self.steps.iter().copied().map(Segment::from).collect();
        super::path_text(&segments)
    }

    fn note(&self, key: Option<&str>, severity: Severity, message: String) {
        let last = key.map(Step::Key);
        let path = self.steps.iter().copied().chain(last).map(Segment::from).collect();
        self.report.problems.borrow_mut().push(Problem { path, severity, message });
    }
}

impl From<Step<'_>> for Segment {
    fn from(step: Step<'_>) -> Self {
        match step {
            Step::Key(key) => Self::Key(key.to_owned()),
            Step::Index(at) => Self::Index(at),
        }
    }
}
