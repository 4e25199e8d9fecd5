//! A YAML or JSON file as a tree that keeps every entry and remembers where each node stands.

use std::cell::Cell;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, EnumAccess, Error, MapAccess, SeqAccess, Visitor};
use serde_json::Number;

use super::{Fault, SourceFile};

/// A node's place: file by index, node by its number in reading order. Turned into line and column
/// only when there is a fault to report.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Spot {
    pub(super) file: usize,
    pub(super) node: usize,
}

/// A node of the tree.
#[derive(Debug, Clone)]
pub struct Item {
    /// Where it stands.
    pub spot: Spot,
    /// What it is.
    pub value: Value,
}

/// What a node is.
#[derive(Debug, Clone)]
pub enum Value {
    /// Nothing.
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// A number; infinite ones and `.nan` have no place in JSON.
    Number(Result<Number, f64>),
    /// Text.
    Text(String),
    /// A list.
    List(Vec<Item>),
    /// A map, in the file's order; keys may repeat.
    Map(Vec<Entry>),
}

impl Value {
    /// The kind, for people.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Null => "nothing",
            Self::Bool(_) => "true or false",
            Self::Number(_) => "a number",
            Self::Text(_) => "text",
            Self::List(_) => "a list",
            Self::Map(_) => "a map",
        }
    }
}

/// One `key: value` of a map, in the file's order. Keys may repeat.
#[derive(Debug, Clone)]
pub struct Entry {
    /// The key.
    pub key: String,
    /// Where the key stands.
    pub key_spot: Spot,
    /// The value.
    pub item: Item,
}

/// Reads file number `index`.
pub(super) fn parse(index: usize, file: &SourceFile, as_json: bool) -> Result<Item, Fault> {
    let counter = Cell::new(0);
    let hit = Cell::new(false);
    let builder = Builder { file: index, counter: &counter, target: None, hit: &hit };
    let (message, line, column) = if as_json {
        let mut json = serde_json::Deserializer::from_str(&file.text);
        let tree = builder.deserialize(&mut json);
        match tree.and_then(|tree| json.end().map(|()| tree)) {
            Ok(tree) => return Ok(tree),
            Err(error) => (error.to_string(), error.line(), error.column()),
        }
    } else {
        match builder.deserialize(serde_yaml::Deserializer::from_str(&file.text)) {
            Ok(tree) => return Ok(tree),
            Err(error) => {
                let (line, column) = place(&error);
                (error.to_string(), line, column)
            }
        }
    };
    Err(Fault {
        line: line.max(1),
        column: column.max(1),
        ..Fault::of_file(&*file.path, plain(&message, line, column))
    })
}

/// Bytes of a file that are read first when a node is looked for.
const BEGIN: usize = 1 << 13;

/// Line and column of a node, from 1. The parser only tells positions with errors: so the node is asked
/// for by an error. JSON is read as YAML here, which it is but for rare escapes; then 1:1.
///
/// The parser scans all that it is given before it tells the first node, and most faults of a long file
/// that are told are in its begin: so that is tried alone first.
pub(super) fn locate(text: &str, node: usize) -> (usize, usize) {
    let mut length = BEGIN;
    while length < text.len() {
        let begin = text.get(..text.floor_char_boundary(length)).unwrap_or(text);
        let begin = begin.rfind('\n').and_then(|end| begin.get(..=end)).unwrap_or(begin);
        if let Some(place) = locate_in(begin, node).filter(|(line, _)| ends_later(begin, *line)) {
            return place;
        }
        length = length.saturating_mul(4);
    }
    locate_in(text, node).unwrap_or((1, 1))
}

/// Whether the text goes on behind a line, so that the line was read as it is in the whole file.
fn ends_later(text: &str, line: usize) -> bool {
    text.lines().nth(line).is_some()
}

/// The place of a node; `None` when the text has an end or a syntax error before it.
fn locate_in(text: &str, node: usize) -> Option<(usize, usize)> {
    let (counter, hit) = (Cell::new(0), Cell::new(false));
    let builder = Builder { file: 0, counter: &counter, target: Some(node), hit: &hit };
    let error = builder.deserialize(serde_yaml::Deserializer::from_str(text)).err()?;
    hit.get().then(|| place(&error))
}

fn place(error: &serde_yaml::Error) -> (usize, usize) {
    error.location().map_or((1, 1), |place| (place.line(), place.column()))
}

/// The parser's message without the position, which a [`Fault`] shows in front.
fn plain(message: &str, line: usize, column: usize) -> String {
    if message.contains("more than one document") {
        return "the file holds more than one YAML document; only one can count".to_owned();
    }
    message.replacen(&format!(" at line {line} column {column}"), "", 1)
}

#[derive(Clone, Copy)]
struct Builder<'c> {
    file: usize,
    counter: &'c Cell<usize>,
    target: Option<usize>,
    /// Whether the target was found.
    hit: &'c Cell<bool>,
}

impl Builder<'_> {
    fn item<E: Error>(self, value: Value) -> Result<Item, E> {
        let spot = self.enter()?;
        Ok(Item { spot, value })
    }

    fn enter<E: Error>(self) -> Result<Spot, E> {
        let node = self.counter.get();
        if self.target == Some(node) {
            self.hit.set(true);
            return Err(E::custom("here"));
        }
        self.counter.set(node + 1);
        let file = self.file;
        Ok(Spot { file, node })
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
        f.write_str("text, a number, true or false, a list or a map")
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

    fn visit_i64<E: Error>(self, value: i64) -> Result<Item, E> {
        self.item(Value::Number(Ok(value.into())))
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<Item, E> {
        self.item(Value::Number(Ok(value.into())))
    }

    fn visit_i128<E: Error>(self, _: i128) -> Result<Item, E> {
        Err(E::custom("the number has too many digits; if it is text, put it in quotes"))
    }

    fn visit_u128<E: Error>(self, _: u128) -> Result<Item, E> {
        Err(E::custom("the number has too many digits; if it is text, put it in quotes"))
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<Item, E> {
        self.item(Value::Number(Number::from_f64(value).ok_or(value)))
    }

    fn visit_str<E: Error>(self, value: &str) -> Result<Item, E> {
        self.item(Value::Text(value.to_owned()))
    }

    fn visit_enum<A: EnumAccess<'de>>(self, _: A) -> Result<Item, A::Error> {
        Err(A::Error::custom("tags such as `!x` mean nothing here"))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Item, A::Error> {
        let spot = self.enter()?;
        let mut items = Vec::new();
        while let Some(item) = seq.next_element_seed(self)? {
            items.push(item);
        }
        let value = Value::List(items);
        Ok(Item { spot, value })
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Item, A::Error> {
        let spot = self.enter()?;
        let mut entries = Vec::new();
        while let Some(key) = map.next_key_seed(self)? {
            let Value::Text(name) = key.value else {
                let kind = key.value.kind();
                return Err(A::Error::custom(format!(
                    "a key is {kind}; keys are text: put it in quotes"
                )));
            };
            entries.push(Entry { key: name, key_spot: key.spot, item: map.next_value_seed(self)? });
        }
        let value = Value::Map(entries);
        Ok(Item { spot, value })
    }
}
