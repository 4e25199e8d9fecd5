//! YAML as a tree of numbered nodes that keeps repeated keys.

use std::cell::Cell;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};

/// A node of the tree.
pub(in crate::config) struct Item {
    pub(super) node: usize,
    pub(super) value: Value,
}

pub(super) enum Value {
    Null,
    Bool(bool),
    Text(String),
    /// A scalar that nothing in this file wants, by its kind.
    Scalar(&'static str),
    List(Vec<Item>),
    Map(Vec<Entry>),
}

pub(super) struct Entry {
    pub(super) key: String,
    pub(super) node: usize,
    pub(super) item: Item,
}

impl Value {
    /// The kind, for people.
    pub(super) fn kind(&self) -> &'static str {
        match self {
            Self::Null => "nothing",
            Self::Bool(_) => "true or false",
            Self::Text(_) => "text",
            Self::Scalar(kind) => kind,
            Self::List(_) => "a list",
            Self::Map(_) => "a map",
        }
    }
}

/// Builds the tree; fails at node `target`, so that the parser tells where that is.
#[derive(Clone, Copy)]
pub(super) struct Builder<'c> {
    pub(super) counter: &'c Cell<usize>,
    pub(super) target: Option<usize>,
}

impl Builder<'_> {
    fn item<E: Error>(self, value: Value) -> Result<Item, E> {
        let node = self.enter()?;
        Ok(Item { node, value })
    }

    fn enter<E: Error>(self) -> Result<usize, E> {
        let node = self.counter.get();
        self.counter.set(node + 1);
        if self.target == Some(node) {
            return Err(E::custom("here"));
        }
        Ok(node)
    }
}

impl<'de> DeserializeSeed<'de> for Builder<'_> {
    type Value = Item;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Item, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Builder<'_> {
    type Value = Item;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("text, a number, true or false, a list or a map (no !tags)")
    }

    fn visit_unit<E: Error>(self) -> Result<Item, E> {
        self.item(Value::Null)
    }

    fn visit_none<E: Error>(self) -> Result<Item, E> {
        self.item(Value::Null)
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<Item, E> {
        self.item(Value::Bool(value))
    }

    fn visit_i64<E: Error>(self, _: i64) -> Result<Item, E> {
        self.item(Value::Scalar("a number"))
    }

    fn visit_u64<E: Error>(self, _: u64) -> Result<Item, E> {
        self.item(Value::Scalar("a number"))
    }

    fn visit_f64<E: Error>(self, _: f64) -> Result<Item, E> {
        self.item(Value::Scalar("a number"))
    }

    fn visit_str<E: Error>(self, value: &str) -> Result<Item, E> {
        self.item(Value::Text(value.to_owned()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Item, A::Error> {
        let node = self.enter()?;
        let mut items = Vec::new();
        while let Some(item) = seq.next_element_seed(self)? {
            items.push(item);
        }
        let value = Value::List(items);
        Ok(Item { node, value })
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Item, A::Error> {
        let node = self.enter()?;
        let mut entries = Vec::new();
        while let Some(key) = map.next_key_seed(self)? {
            let Value::Text(name) = key.value else {
                let kind = key.value.kind();
                let message = format!("a key is {kind}; keys are text: put it in quotes");
                return Err(A::Error::custom(message));
            };
            entries.push(Entry { key: name, node: key.node, item: map.next_value_seed(self)? });
        }
        let value = Value::Map(entries);
        Ok(Item { node, value })
    }
}
