//! A cloud-config that was read: its tree, its text, and what is found in it.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;

use yaml::{Entry, Faults, Finding, Item, Severity, Spot, Value};

use crate::scalar::{self, Is, Reader};

/// Places cost a pass over the text each: bytes that may be passed over, so that no text takes long.
const BYTES: usize = 4 << 20;
/// How many findings are shown.
pub(crate) const FINDINGS: usize = 100;

/// One document.
pub(crate) struct Doc<'a> {
    faults: &'a Faults<'a>,
    text: &'a str,
    lines: Vec<&'a str>,
    places: Cell<usize>,
    words: RefCell<HashMap<String, Quotes>>,
    found: RefCell<Vec<Found>>,
}

/// Whether a word stands in quotes, in all of the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Quotes {
    Never,
    Always,
    Sometimes,
}

impl Quotes {
    fn of(word: &str, text: &str) -> Self {
        let around = |quote: char| text.matches(&format!("{quote}{word}{quote}")).count();
        // A tag and a block without its last line break make text of a word without quotes.
        let otherwise = ["!", "|-", ">-"].iter().any(|sign| text.contains(sign));
        match around('\'') + around('"') {
            0 if otherwise => Self::Sometimes,
            0 => Self::Never,
            quoted if quoted == text.matches(word).count() => Self::Always,
            _ => Self::Sometimes,
        }
    }
}

/// Something found, its place not yet looked up.
#[derive(Debug, Clone)]
pub(crate) struct Found {
    pub(crate) spot: Spot,
    pub(crate) path: String,
    pub(crate) severity: Severity,
    pub(crate) message: String,
}

impl<'a> Doc<'a> {
    pub(crate) fn new(text: &'a str, faults: &'a Faults<'a>) -> Self {
        let lines = text.split('\n').collect();
        let places = Cell::new((BYTES / text.len().max(1)).clamp(10, 500));
        Self { faults, text, lines, places, words: RefCell::default(), found: RefCell::default() }
    }

    pub(crate) fn error(&self, spot: Spot, path: &str, message: impl Into<String>) {
        self.add(spot, path, Severity::Error, message);
    }

    pub(crate) fn warning(&self, spot: Spot, path: &str, message: impl Into<String>) {
        self.add(spot, path, Severity::Warning, message);
    }

    pub(crate) fn add(
        &self,
        spot: Spot,
        path: &str,
        severity: Severity,
        message: impl Into<String>,
    ) {
        let (path, message) = (path.to_owned(), message.into());
        self.push(Found { spot, path, severity, message });
    }

    pub(crate) fn push(&self, found: Found) {
        self.found.borrow_mut().push(found);
    }

    /// Everything that was found until now.
    pub(crate) fn each(&self, see: impl FnMut(&Found)) {
        self.found.borrow().iter().for_each(see);
    }

    /// Whether more was found than will be shown: no advice is worth its while then.
    pub(crate) fn is_crowded(&self) -> bool {
        self.found.borrow().len() > FINDINGS
    }

    /// Line of a place, from 1; 0 when too many were asked for.
    pub(crate) fn line(&self, spot: Spot) -> usize {
        let Some(left) = self.places.get().checked_sub(1) else { return 0 };
        self.places.set(left);
        self.faults.locate(spot).1
    }

    /// All that was found, in the order of lines; of a great many the first.
    pub(crate) fn finish(self) -> Vec<Finding> {
        let mut found = self.found.into_inner();
        found.sort_by_key(|found| found.spot);
        let most = (BYTES / self.text.len().max(1)).clamp(10, FINDINGS);
        let more = found.len().saturating_sub(most);
        let mut findings: Vec<Finding> = Vec::new();
        for Found { spot, path, severity, message } in found.into_iter().take(most) {
            let (_, line, column) = self.faults.locate(spot);
            findings.push(Finding { line, column, path, severity, message });
        }
        findings.sort_by_key(|finding| (finding.line, finding.column));
        findings.dedup();
        if let Some(Finding { line, column, .. }) = findings.last().filter(|_| more > 0) {
            let (line, column, path) = (*line, *column, String::new());
            let message = format!("{more} more faults are not shown");
            findings.push(Finding { line, column, path, severity: Severity::Error, message });
        }
        findings
    }

    /// The text from a place to the end of its line; `None` when too many were asked for.
    fn source(&self, spot: Spot) -> Option<&'a str> {
        self.places.set(self.places.get().checked_sub(1)?);
        let (_, line, column) = self.faults.locate(spot);
        let line = *self.lines.get(line.checked_sub(1)?)?;
        let mut rest = line.char_indices().map(|(at, _)| at);
        line.get(rest.nth(column.checked_sub(1)?)?..)
    }

    /// Whether text stands without quotes, so that YAML 1.1 may see more in it than text.
    fn is_plain(&self, word: &str, spot: Spot) -> bool {
        let mut words = self.words.borrow_mut();
        let quotes = words.entry(word.to_owned()).or_insert_with(|| Quotes::of(word, self.text));
        if *quotes != Quotes::Sometimes {
            return *quotes == Quotes::Never;
        }
        let source = self.source(spot).unwrap_or_default();
        let source = match source.strip_prefix('&') {
            Some(anchor) => anchor.split_once(' ').map_or("", |(_, rest)| rest.trim_start()),
            None => source,
        };
        !source.starts_with(['"', '\'', '|', '>', '!'])
    }

    /// Whether it is YAML's base64 of bytes.
    pub(crate) fn is_binary(&self, spot: Spot) -> bool {
        self.source(spot).is_some_and(|source| source.starts_with("!!binary"))
    }

    /// A scalar as it was written.
    pub(crate) fn written(&self, item: &Item) -> String {
        match &item.value {
            Value::Text(text) => text.clone(),
            Value::Number(Ok(_) | Err(_)) | Value::Bool(_) => {
                let source = self.source(item.spot).unwrap_or_default();
                let end = source.find(|c: char| c.is_whitespace() || ",]}".contains(c));
                source.get(..end.unwrap_or(source.len())).unwrap_or_default().to_owned()
            }
            _ => String::new(),
        }
    }

    /// What a value is to one of the programs.
    pub(crate) fn is(&self, item: &Item, reader: Reader) -> Is {
        match &item.value {
            Value::Null => Is::Null,
            Value::Bool(value) => Is::Bool(*value),
            Value::Number(Ok(number)) if number.is_f64() => Is::Float,
            Value::Number(Ok(number)) => Is::Int(number.as_i64()),
            Value::Number(Err(_)) => Is::Float,
            Value::Text(text) => scalar::resolve(text, reader)
                .filter(|_| self.is_plain(text, item.spot))
                .unwrap_or(Is::Text),
            Value::List(_) => Is::List,
            Value::Map(_) => Is::Map,
        }
    }
}

/// The entries of a map with those that `<<` merges into it; of a key that is there twice the first. None of
/// anything else.
pub(crate) fn entries(item: &Item) -> Vec<&Entry> {
    let Value::Map(all) = &item.value else { return Vec::new() };
    let mut seen = std::collections::HashSet::new();
    let own = all.iter().filter(|entry| entry.key != "<<");
    let mut out: Vec<&Entry> = own.filter(|entry| seen.insert(entry.key.as_str())).collect();
    for merge in all.iter().filter(|entry| entry.key == "<<") {
        let maps = match &merge.item.value {
            Value::List(maps) => maps.as_slice(),
            _ => std::slice::from_ref(&merge.item),
        };
        let merged = maps.iter().flat_map(entries);
        out.extend(merged.filter(|entry| seen.insert(entry.key.as_str())));
    }
    out
}

/// The value of a key of a map.
pub(crate) fn child<'i>(item: &'i Item, key: &str) -> Option<&'i Entry> {
    entries(item).into_iter().find(|entry| entry.key == key)
}

/// The elements of a list; none of anything else.
pub(crate) fn elements(item: &Item) -> &[Item] {
    match &item.value {
        Value::List(items) => items,
        _ => &[],
    }
}

/// The path of a key.
pub(crate) fn below(path: &str, key: &str) -> String {
    if path.is_empty() { key.to_owned() } else { format!("{path}.{key}") }
}

/// A value in a few characters, written as Python shows it.
pub(crate) fn shown(item: &Item, is: Is) -> String {
    let whole = match (&item.value, is) {
        (_, Is::Null) => "None".to_owned(),
        (_, Is::Bool(true)) => "True".to_owned(),
        (_, Is::Bool(false)) => "False".to_owned(),
        (_, Is::Int(Some(number))) => number.to_string(),
        (Value::Number(Ok(number)), _) => number.to_string(),
        (Value::Number(Err(number)), _) => number.to_string(),
        (Value::Text(text), _) => format!("'{}'", text.chars().take(60).collect::<String>()),
        (Value::List(items), _) if items.is_empty() => "[]".to_owned(),
        (Value::List(items), _) => format!("[…] ({} elements)", items.len()),
        (Value::Map(entries), _) if entries.is_empty() => "{}".to_owned(),
        (Value::Map(entries), _) => {
            let keys: Vec<_> = entries.iter().take(4).map(|entry| entry.key.as_str()).collect();
            format!("{{{}: …}}", keys.join(", "))
        }
        _ => "this".to_owned(),
    };
    whole.escape_debug().to_string().replace("\\'", "'").replace("\\\"", "\"")
}
