//! A YAML or JSON file as a tree that remembers where each node stands.
//!
//! Derived deserializers stop at the first fault of a file and let a repeated key of a map win in
//! silence. This tree keeps every entry, so that the readers above can report all faults at once.

use std::cell::Cell;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, EnumAccess, Error, MapAccess, SeqAccess, Visitor};
use serde_json::Number;

use super::SourceFile;
use super::fault::{Fault, Faults};

/// A node's place: file by index, node by its number in reading order. Turned into line and column
/// only when there is a fault to report.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Spot {
    pub(super) file: usize,
    pub(super) node: usize,
}

/// A node of the tree.
#[derive(Debug, Clone)]
pub(super) struct Item {
    pub(super) spot: Spot,
    pub(super) value: Value,
}

#[derive(Debug, Clone)]
pub(super) enum Value {
    Null,
    Bool(bool),
    Number(Number),
    Text(String),
    List(Vec<Item>),
    Map(Vec<Entry>),
}

impl Value {
    /// The kind, for people.
    pub(super) fn kind(&self) -> &'static str {
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
pub(super) struct Entry {
    pub(super) key: String,
    pub(super) key_spot: Spot,
    pub(super) item: Item,
}

/// Reads file number `index`; a syntax error is noted and gives `None`.
pub(super) fn parse(index: usize, file: &SourceFile, faults: &Faults<'_>) -> Option<Item> {
    let counter = Cell::new(0);
    let builder = Builder { file: index, counter: &counter, target: None };
    let (message, line, column) = if is_json(&file.path) {
        let mut json = serde_json::Deserializer::from_str(&file.text);
        let tree = builder.deserialize(&mut json);
        match tree.and_then(|tree| json.end().map(|()| tree)) {
            Ok(tree) => return Some(tree),
            Err(error) => (error.to_string(), error.line(), error.column()),
        }
    } else {
        match builder.deserialize(serde_yaml::Deserializer::from_str(&file.text)) {
            Ok(tree) => return Some(tree),
            Err(error) => {
                let (line, column) =
                    error.location().map_or((1, 1), |place| (place.line(), place.column()));
                (error.to_string(), line, column)
            }
        }
    };
    faults.push(Fault {
        line: line.max(1),
        column: column.max(1),
        ..Fault::of_file(&*file.path, plain(&message, line, column))
    });
    None
}

/// Line and column of a node, from 1. The parser only tells positions with errors: so the node is asked
/// for by an error. JSON is read as YAML here, which it is but for rare escapes; then 1:1.
pub(super) fn locate(text: &str, node: usize) -> (usize, usize) {
    let counter = Cell::new(0);
    let builder = Builder { file: 0, counter: &counter, target: Some(node) };
    let error = builder.deserialize(serde_yaml::Deserializer::from_str(text)).err();
    error.and_then(|error| error.location()).map_or((1, 1), |place| (place.line(), place.column()))
}

pub(super) fn is_json(path: &str) -> bool {
    std::path::Path::new(path).extension().is_some_and(|ext| ext.eq_ignore_ascii_case("json"))
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
}

impl Builder<'_> {
    fn item<E: Error>(self, value: Value) -> Result<Item, E> {
        let spot = self.enter()?;
        Ok(Item { spot, value })
    }

    fn enter<E: Error>(self) -> Result<Spot, E> {
        let node = self.counter.get();
        if self.target == Some(node) {
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
        self.item(Value::Number(value.into()))
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<Item, E> {
        self.item(Value::Number(value.into()))
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<Item, E> {
        match Number::from_f64(value) {
            Some(number) => self.item(Value::Number(number)),
            None => Err(E::custom(format!("{value} is no number that can be kept"))),
        }
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

#[cfg(test)]
mod tests {
    use super::*;

    fn spots(item: &Item, out: &mut Vec<usize>) {
        out.push(item.spot.node);
        match &item.value {
            Value::List(items) => items.iter().for_each(|item| spots(item, out)),
            Value::Map(entries) => {
                for entry in entries {
                    out.push(entry.key_spot.node);
                    spots(&entry.item, out);
                }
            }
            _ => {}
        }
    }

    fn tree(path: &str, text: &str) -> Item {
        let file = SourceFile { path: path.into(), text: text.into() };
        let files = [file];
        let faults = Faults::new(&files);
        let item = parse(0, &files[0], &faults);
        assert_eq!(faults.finish(), []);
        item.unwrap()
    }

    #[test]
    fn every_node_is_found_again_where_it_stands() {
        let text = "a: 1\nb:\n  - x\n  - {c: y}\n";
        let mut all = Vec::new();
        spots(&tree("groups/x.yaml", text), &mut all);
        let places: Vec<_> = all.iter().map(|node| locate(text, *node)).collect();
        assert_eq!(
            places,
            [(1, 1), (1, 1), (1, 4), (2, 1), (3, 3), (3, 5), (4, 5), (4, 6), (4, 9)]
        );
    }

    #[test]
    fn a_place_in_tab_indented_json_is_found() {
        let text = "{\n\t\"id\": \"x\",\n\t\"profile\": \"y\"\n}";
        let mut all = Vec::new();
        spots(&tree("groups/x.json", text), &mut all);
        assert_eq!(locate(text, all[3]), (3, 2));
    }

    #[test]
    fn repeated_keys_are_kept_for_the_readers_to_see() {
        let Value::Map(entries) = tree("groups/x.yaml", "a: 1\na: 2\n").value else {
            panic!("no map")
        };
        assert_eq!(entries.len(), 2);
    }
}
