//! Strict reading of one YAML file: every fault at once, each with its place.
//!
//! Derived deserializers stop at the first fault and let a repeated key win in silence. Here the file
//! becomes a tree whose nodes are numbered in reading order; the parser tells positions only with errors,
//! so a node's place is asked for by parsing again with an error at that node.

mod tree;

use std::cell::{Cell, RefCell};
use std::fmt;

use serde::de::DeserializeSeed;

use tree::{Builder, Entry, Value};

pub(super) use tree::Item;

/// One thing that is wrong with the configuration.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Fault {
    /// File as it was named.
    pub file: String,
    /// Line, from 1; 0 for the file as a whole.
    pub line: usize,
    /// Column, from 1.
    pub column: usize,
    /// The key, from the top: `dhcp.subnets[0].router`.
    pub key: String,
    /// What is wrong, and what to do about it.
    pub message: String,
}

impl Fault {
    /// A fault without a place in a file.
    pub(super) fn of_file(file: &str, message: String) -> Self {
        Self { file: file.to_owned(), line: 0, column: 0, key: String::new(), message }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.file)?;
        if self.line > 0 {
            write!(f, ":{}:{}", self.line, self.column)?;
        }
        if !self.key.is_empty() {
            write!(f, ": {}", self.key)?;
        }
        write!(f, ": {}", self.message)
    }
}

/// A file that is being read, and the faults found so far.
pub(super) struct Source<'a> {
    file: &'a str,
    text: &'a str,
    faults: RefCell<Vec<Fault>>,
}

impl<'a> Source<'a> {
    pub(super) fn new(file: &'a str, text: &'a str) -> Self {
        let faults = RefCell::default();
        Self { file, text, faults }
    }

    /// The tree; `None`, with a fault, when it is no YAML.
    pub(super) fn tree(&self) -> Option<Item> {
        let error = match self.parse(None) {
            Ok(item) => return Some(item),
            Err(error) => error,
        };
        let (line, column) = place(&error);
        let message = error.to_string();
        let cut = message.rfind(" at line ").unwrap_or(message.len());
        self.push(Fault {
            file: self.file.to_owned(),
            line,
            column,
            key: String::new(),
            message: message.get(..cut).unwrap_or(&message).to_owned(),
        });
        None
    }

    /// All faults in the order of their places, each once.
    pub(super) fn finish(self) -> Vec<Fault> {
        let mut faults = self.faults.into_inner();
        faults.sort();
        faults.dedup();
        faults
    }

    fn parse(&self, target: Option<usize>) -> Result<Item, serde_yaml::Error> {
        let counter = &Cell::new(0);
        Builder { counter, target }.deserialize(serde_yaml::Deserializer::from_str(self.text))
    }

    fn fault(&self, node: usize, key: &str, message: impl Into<String>) {
        let (line, column) = self.locate(node);
        self.push(Fault {
            file: self.file.to_owned(),
            line,
            column,
            key: key.to_owned(),
            message: message.into(),
        });
    }

    fn locate(&self, node: usize) -> (usize, usize) {
        self.parse(Some(node)).err().map_or((1, 1), |error| place(&error))
    }

    fn push(&self, fault: Fault) {
        self.faults.borrow_mut().push(fault);
    }
}

fn place(error: &serde_yaml::Error) -> (usize, usize) {
    let place = error.location();
    place.map_or((1, 1), |place| (place.line(), place.column()))
}

/// A value at its place.
#[derive(Clone)]
pub(super) struct Field<'a> {
    item: &'a Item,
    path: String,
    source: &'a Source<'a>,
}

impl<'a> Field<'a> {
    pub(super) fn root(item: &'a Item, source: &'a Source<'a>) -> Self {
        let path = String::new();
        Self { item, path, source }
    }

    /// Notes a fault here. Gives `None`, so that a reader can end with it.
    pub(super) fn fault<T>(&self, message: impl Into<String>) -> Option<T> {
        self.source.fault(self.item.node, &self.path, message);
        None
    }

    /// `line 7`: for faults elsewhere that point here.
    pub(super) fn line(&self) -> String {
        format!("line {}", self.source.locate(self.item.node).0)
    }

    pub(super) fn text(&self) -> Option<&'a str> {
        match &self.item.value {
            Value::Text(text) if text.is_empty() => self.fault("must not be empty"),
            Value::Text(text) => Some(text),
            Value::Bool(_) | Value::Scalar(_) => {
                let kind = self.item.value.kind();
                self.fault(format!("text is wanted here, not {kind}; put it in quotes"))
            }
            _ => self.wrong("text"),
        }
    }

    pub(super) fn boolean(&self) -> Option<bool> {
        match self.item.value {
            Value::Bool(value) => Some(value),
            _ => self.wrong("true or false"),
        }
    }

    /// Text that `parse` understands.
    pub(super) fn parsed<T>(&self, parse: impl FnOnce(&str) -> Result<T, String>) -> Option<T> {
        parse(self.text()?).map_or_else(|message| self.fault(message), Some)
    }

    /// One word of a table.
    pub(super) fn word<T: Copy>(&self, table: &[(&str, T)]) -> Option<T> {
        let word = self.text()?;
        let found = table.iter().find(|(name, _)| *name == word);
        if let Some((_, value)) = found {
            return Some(*value);
        }
        let names: Vec<&str> = table.iter().map(|(name, _)| *name).collect();
        let hint = did_you_mean(word, &names);
        self.fault(format!("{word:?} is not one of {}{hint}", names.join(", ")))
    }

    /// The elements of a list; what does not fit is left out, with a fault.
    pub(super) fn list(&self) -> Vec<Self> {
        let Value::List(items) = &self.item.value else {
            self.wrong::<()>("a list");
            return Vec::new();
        };
        let element =
            |(at, item)| Self { item, path: format!("{}[{at}]", self.path), source: self.source };
        items.iter().enumerate().map(element).collect()
    }

    /// A map with these keys; others, and repeated ones, are faults.
    pub(super) fn section(&self, known: &[&str]) -> Option<Section<'a>> {
        let entries = match &self.item.value {
            Value::Map(entries) => entries.as_slice(),
            Value::Null => &[],
            _ => return self.wrong("a map of keys"),
        };
        let section = Section { entries, field: self.clone() };
        section.check_keys(known);
        Some(section)
    }

    fn is_null(&self) -> bool {
        matches!(self.item.value, Value::Null)
    }

    fn wrong<T>(&self, wanted: &str) -> Option<T> {
        let kind = self.item.value.kind();
        self.fault(format!("{wanted} is wanted here, not {kind}"))
    }
}

/// A map whose keys are known beforehand.
#[derive(Clone)]
pub(super) struct Section<'a> {
    entries: &'a [Entry],
    field: Field<'a>,
}

impl<'a> Section<'a> {
    /// The value of a key; `null` is as good as absent.
    pub(super) fn get(&self, key: &str) -> Option<Field<'a>> {
        let entry = self.entries.iter().find(|entry| entry.key == key)?;
        let field = self.at(key, &entry.item);
        (!field.is_null()).then_some(field)
    }

    /// The value of a key that must be there.
    pub(super) fn require(&self, key: &str) -> Option<Field<'a>> {
        self.get(key).or_else(|| self.field.fault(format!("`{key}` is missing")))
    }

    /// The elements of a list; none when it is absent.
    pub(super) fn list(&self, key: &str) -> Vec<Field<'a>> {
        self.get(key).map_or_else(Vec::new, |field| field.list())
    }

    /// Refuses what a later version will understand: never ignored in silence.
    pub(super) fn not_yet(&self, key: &str) {
        if let Some(field) = self.get(key) {
            field.fault::<()>("not available in this version; leave it out");
        }
    }

    fn check_keys(&self, known: &[&str]) {
        let mut seen: Vec<&Entry> = Vec::new();
        for entry in self.entries {
            let source = self.field.source;
            let path = self.at(&entry.key, &entry.item).path;
            if let Some(first) = seen.iter().find(|first| first.key == entry.key) {
                let (line, _) = source.locate(first.node);
                let message = format!("given twice, first in line {line}; only one can count");
                source.fault(entry.node, &path, message);
            } else if !known.contains(&entry.key.as_str()) {
                let hint = did_you_mean(&entry.key, known);
                let message = format!("no such key{hint}; known here: {}", known.join(", "));
                source.fault(entry.node, &path, message);
            }
            seen.push(entry);
        }
    }

    fn at(&self, key: &str, item: &'a Item) -> Field<'a> {
        let dot = if self.field.path.is_empty() { "" } else { "." };
        Field { item, path: format!("{}{dot}{key}", self.field.path), source: self.field.source }
    }
}

/// `; did you mean …?` when a known name is near enough to be what was meant.
fn did_you_mean(word: &str, known: &[&str]) -> String {
    let limit = (word.chars().count() / 3).max(1);
    known
        .iter()
        .map(|name| (distance(word, name), name))
        .filter(|(distance, _)| *distance <= limit)
        .min()
        .map_or_else(String::new, |(_, name)| format!("; did you mean `{name}`?"))
}

/// Levenshtein's edit distance, case ignored.
fn distance(a: &str, b: &str) -> usize {
    let (a, b) = (a.to_lowercase(), b.to_lowercase());
    let mut row: Vec<usize> = (0..=b.chars().count()).collect();
    for (above, x) in a.chars().enumerate() {
        let mut diagonal = above;
        let mut left = above + 1;
        if let Some(first) = row.first_mut() {
            *first = left;
        }
        for (y, cell) in b.chars().zip(row.iter_mut().skip(1)) {
            let replaced = diagonal + usize::from(x != y);
            diagonal = *cell;
            left = replaced.min(diagonal + 1).min(left + 1);
            *cell = left;
        }
    }
    row.last().copied().unwrap_or(0)
}
