//! The config as a tree, before and after the translation: every node knows what in the Butane config it
//! came from.

use std::collections::BTreeMap;

use super::path::{Path, Segment, snake};

/// The fields of a map, by Butane's names before the translation and by Ignition's after it.
pub(super) type Fields = BTreeMap<&'static str, Node>;

/// A value and where it came from.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Node {
    pub(super) value: Value,
    pub(super) origin: Origin,
}

/// What a node is.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Value {
    Bool(bool),
    Int(i64),
    Text(String),
    List(Vec<Node>),
    Map(Fields),
}

/// What in the Butane config something came from.
#[derive(Debug, Clone, PartialEq, Default)]
pub(super) struct Origin {
    pub(super) path: Path,
    /// Everything below came from there too: it was made, not translated.
    whole: bool,
}

impl Origin {
    /// One node that is translated.
    pub(super) fn one(path: Path) -> Self {
        Self { path, whole: false }
    }

    /// Something made, with all that is below.
    pub(super) fn whole(path: Path) -> Self {
        Self { path, whole: true }
    }
}

impl Node {
    pub(super) fn new(value: impl Into<Value>, origin: &Origin) -> Self {
        Self { value: value.into(), origin: origin.clone() }
    }

    pub(super) fn text(&self) -> Option<&str> {
        match &self.value {
            Value::Text(text) => Some(text),
            _ => None,
        }
    }

    pub(super) fn int(&self) -> Option<i64> {
        match self.value {
            Value::Int(int) => Some(int),
            _ => None,
        }
    }

    pub(super) fn is_true(&self) -> bool {
        self.value == Value::Bool(true)
    }

    pub(super) fn list(&self) -> &[Self] {
        match &self.value {
            Value::List(list) => list,
            _ => &[],
        }
    }

    pub(super) fn fields(&self) -> Option<&Fields> {
        match &self.value {
            Value::Map(fields) => Some(fields),
            _ => None,
        }
    }

    /// The field of a map.
    pub(super) fn get(&self, key: &str) -> Option<&Self> {
        self.fields()?.get(key)
    }

    /// The field below fields.
    pub(super) fn at(&self, keys: &[&str]) -> Option<&Self> {
        keys.iter().try_fold(self, |node, key| node.get(key))
    }

    /// The elements of a list below fields; none when it is absent.
    pub(super) fn list_at(&self, keys: &[&str]) -> &[Self] {
        self.at(keys).map_or(&[], Self::list)
    }

    /// The text of a field.
    pub(super) fn text_at(&self, key: &str) -> Option<&str> {
        self.get(key)?.text()
    }

    /// The text of a field that is not empty.
    pub(super) fn words_at(&self, key: &str) -> Option<&str> {
        self.text_at(key).filter(|text| !text.is_empty())
    }

    /// Whether a field is there and true.
    pub(super) fn is_true_at(&self, keys: &[&str]) -> bool {
        self.at(keys).is_some_and(Self::is_true)
    }

    /// Whether nothing is in it: Go's `omitempty`, as Butane's library stretches it over maps. Scalars are
    /// pointers in Go or were left out by the translation: those that are there count.
    pub(super) fn is_empty(&self) -> bool {
        match &self.value {
            Value::Map(fields) => fields.values().all(Self::is_empty),
            Value::List(nodes) => nodes.is_empty(),
            _ => false,
        }
    }

    /// The fields of a map, for writing.
    pub(super) fn fields_mut(&mut self) -> Option<&mut Fields> {
        match &mut self.value {
            Value::Map(fields) => Some(fields),
            _ => None,
        }
    }

    /// The list at a field of a map, for writing; made if it is not there.
    pub(super) fn list_mut(&mut self, key: &'static str) -> Option<&mut Vec<Self>> {
        let origin = Origin::one(self.origin.path.to(key));
        let fields = self.fields_mut()?;
        let node = fields.entry(key).or_insert_with(|| Self::new(Vec::new(), &origin));
        match &mut node.value {
            Value::List(list) => Some(list),
            _ => None,
        }
    }

    /// The map at a field of a map, for writing; made if it is not there.
    pub(super) fn map_mut(&mut self, key: &'static str) -> Option<&mut Self> {
        let origin = Origin::one(self.origin.path.to(key));
        let fields = self.fields_mut()?;
        Some(fields.entry(key).or_insert_with(|| Self::new(Fields::new(), &origin)))
    }

    /// Puts a field into a map.
    pub(super) fn set(&mut self, key: &'static str, node: Self) {
        if let Some(fields) = self.fields_mut() {
            fields.insert(key, node);
        }
    }

    /// Where in the Butane config that stands which is at `path` here; where it should, when it is not there.
    pub(super) fn source_of(&self, path: &[Segment]) -> Path {
        let Some((first, rest)) = path.split_first() else {
            return self.origin.path.clone();
        };
        let below = match (&self.value, first) {
            (Value::Map(fields), Segment::Key(key)) => fields.get(key.as_ref()),
            (Value::List(list), Segment::Index(index)) => list.get(*index),
            _ => None,
        };
        match below {
            Some(node) => node.source_of(rest),
            None if self.origin.whole => self.origin.path.clone(),
            None => path.iter().fold(self.origin.path.clone(), |path, segment| match segment {
                Segment::Key(key) => path.to(snake(key)),
                Segment::Index(index) => path.to(*index),
            }),
        }
    }
}

impl From<bool> for Value {
    fn from(value: bool) -> Self {
        Self::Bool(value)
    }
}

impl From<i64> for Value {
    fn from(value: i64) -> Self {
        Self::Int(value)
    }
}

impl From<&str> for Value {
    fn from(value: &str) -> Self {
        Self::Text(value.to_owned())
    }
}

impl From<String> for Value {
    fn from(value: String) -> Self {
        Self::Text(value)
    }
}

impl From<Vec<Node>> for Value {
    fn from(value: Vec<Node>) -> Self {
        Self::List(value)
    }
}

impl From<Fields> for Value {
    fn from(value: Fields) -> Self {
        Self::Map(value)
    }
}
