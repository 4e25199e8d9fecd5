//! From YAML to the fields that a version has: wrong types, unknown keys and repeated keys are noted.

mod scalar;

use std::cell::RefCell;
use std::collections::BTreeMap;

use yaml::{Entry, Item, Value, did_you_mean};

use super::node::{Fields, Node, Origin};
use super::path::Path;
use super::report::Report;
use super::shape::{CONFIG, Field, Kind, Shape};
use super::version::Version;

/// Reads one config.
#[derive(Debug)]
pub(super) struct Reader<'r, 'a> {
    text: &'a str,
    version: &'static Version,
    report: &'r mut Report<'a>,
    /// Whether a value could not be read as what it has to be.
    failed: bool,
    /// Digits, and whether they stand in quotes behind a key somewhere in the text.
    quoted: RefCell<BTreeMap<String, bool>>,
}

impl<'r, 'a> Reader<'r, 'a> {
    pub(super) fn new(
        text: &'a str,
        version: &'static Version,
        report: &'r mut Report<'a>,
    ) -> Self {
        Self { text, version, report, failed: false, quoted: RefCell::default() }
    }

    /// The whole config; nothing when a value is of a wrong type, as it would hide what else is wrong.
    pub(super) fn config(mut self, root: &Item) -> Option<Node> {
        let config = self.map(root, &CONFIG, &Path::default());
        config.filter(|_| !self.failed)
    }

    fn map(&mut self, item: &Item, shape: &'static Shape, path: &Path) -> Option<Node> {
        let entries = match &item.value {
            Value::Map(entries) => entries.as_slice(),
            Value::Null => {
                let message = format!(
                    "context tree does not match content tree at {path}. Line and column reporting may be \
                     inconsistent. Unused keys may not be reported"
                );
                self.report.warn(path, message);
                &[]
            }
            _ => return self.wrong(item, Kind::Map(shape), path),
        };
        let mut fields = Fields::new();
        for (index, entry) in entries.iter().enumerate() {
            let before = entries.iter().take(index).find(|before| before.key == entry.key);
            if let Some(before) = before {
                self.twice(entry, before, path);
                continue;
            }
            let Some(field) = shape.field(&entry.key, self.version) else {
                self.unknown(entry, shape, path);
                continue;
            };
            if let Some(node) = self.field(&entry.item, field, &path.to(field.yaml)) {
                fields.insert(field.yaml, node);
            }
        }
        Some(Node::new(fields, &Origin::one(path.clone())))
    }

    /// Nothing for a key without a value: that is as if the key was not there.
    fn field(&mut self, item: &Item, field: &'static Field, path: &Path) -> Option<Node> {
        if matches!(item.value, Value::Null) {
            let is_map = matches!(field.kind, Kind::Map(_));
            if is_map && !field.prints_empty_map(self.version) {
                return self.value(item, field.kind, path);
            }
            return None;
        }
        self.value(item, field.kind, path)
    }

    fn value(&mut self, item: &Item, kind: Kind, path: &Path) -> Option<Node> {
        let origin = Origin::one(path.clone());
        match kind {
            Kind::Map(shape) => self.map(item, shape, path),
            Kind::Maps(shape) => {
                self.list(item, kind, path, |reader, item, path| {
                    // Noted, and left out, as Go does it.
                    let is_something = !matches!(item.value, Value::Null);
                    reader.map(item, shape, path).filter(|_| is_something)
                })
            }
            Kind::Texts(name) => {
                self.list(item, kind, path, |reader, item, path| match item.value {
                    // Left out, as Go does it.
                    Value::Null => None,
                    _ => reader.value(item, Kind::Text(name), path),
                })
            }
            Kind::Bool => match Self::boolean(item) {
                Some(value) => Some(Node::new(value, &origin)),
                None => self.wrong(item, kind, path),
            },
            Kind::Int => match self.integer(item) {
                Some(value) => Some(Node::new(value, &origin)),
                None => self.wrong(item, kind, path),
            },
            Kind::Text(_) => match self.string(item) {
                Some(value) => Some(Node::new(value, &origin)),
                None => self.wrong(item, kind, path),
            },
        }
    }

    fn list(
        &mut self,
        item: &Item,
        kind: Kind,
        path: &Path,
        read: impl Fn(&mut Self, &Item, &Path) -> Option<Node>,
    ) -> Option<Node> {
        let Value::List(items) = &item.value else {
            return self.wrong(item, kind, path);
        };
        let read = |(index, item)| read(self, item, &path.to(index));
        let nodes: Vec<_> = items.iter().enumerate().filter_map(read).collect();
        Some(Node::new(nodes, &Origin::one(path.clone())))
    }

    /// Go's words for a value of a wrong type.
    fn wrong(&mut self, item: &Item, kind: Kind, path: &Path) -> Option<Node> {
        self.failed = true;
        let found = self.described(item);
        let wanted = kind.type_name(self.version);
        let message = format!("cannot unmarshal {found} into {wanted}");
        self.report.error_at(item.spot, path, message);
        None
    }

    fn twice(&mut self, entry: &Entry, before: &Entry, path: &Path) {
        self.failed = true;
        let (line, _) = self.report.locate(before.key_spot);
        let message = format!("mapping key {:?} already defined at line {line}", entry.key);
        self.report.error_at(entry.key_spot, &path.to(entry.key.clone()), message);
    }

    /// Butane only warns of a key that it does not know. A typo must never go live: here it is an error.
    fn unknown(&mut self, entry: &Entry, shape: &'static Shape, path: &Path) {
        let key = &entry.key;
        let later = shape.fields.iter().any(|field| field.yaml == key && field.since.is_any());
        let known = shape.fields.iter().filter(|field| field.is_in(self.version));
        let hint = if later {
            Some("this version does not have it".to_owned())
        } else {
            did_you_mean(key, known.map(|field| field.yaml))
        };
        let hint = hint.map_or_else(String::new, |hint| format!("; {hint}"));
        let message = format!("unused key {key}{hint}");
        self.report.typo(entry.key_spot, &path.to(key.clone()), message);
    }
}
