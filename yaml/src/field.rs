//! One value at its place, and what it can be read as.

use std::collections::BTreeMap;

use super::{Entry, Faults, Item, Keys, Map, Spot, Value, did_you_mean};

/// A value at its place. What it is not is noted, and gives `None`.
#[derive(Debug, Clone)]
pub struct Field<'a> {
    item: &'a Item,
    key: String,
    key_spot: Spot,
    pub(super) faults: &'a Faults<'a>,
}

impl<'a> Field<'a> {
    /// `key`: what faults call it; empty for a whole file.
    pub fn new(item: &'a Item, key: impl Into<String>, faults: &'a Faults<'a>) -> Self {
        let key = key.into();
        Self { item, key, key_spot: item.spot, faults }
    }

    /// The value as it stands in the file.
    pub fn value(&self) -> &'a Value {
        &self.item.value
    }

    /// Where the value stands.
    pub fn spot(&self) -> Spot {
        self.item.spot
    }

    /// The same value, called otherwise in faults.
    #[must_use]
    pub fn named(self, key: impl Into<String>) -> Self {
        Self { key: key.into(), ..self }
    }

    /// `line 7`: for faults elsewhere that point here.
    pub fn line(&self) -> String {
        format!("line {}", self.faults.locate(self.item.spot).1)
    }

    /// Notes a fault here. Gives `None`, so that a reader can end with it.
    pub fn fault<T>(&self, message: impl Into<String>) -> Option<T> {
        self.fault_with_hint(message, None)
    }

    /// Notes a fault here and what to do about it.
    pub fn fault_with_hint<T>(
        &self,
        message: impl Into<String>,
        hint: Option<String>,
    ) -> Option<T> {
        self.faults.add_with_hint(self.item.spot, &self.key, message, hint);
        None
    }

    /// Notes a fault at the key in front of the value.
    pub fn fault_at_key<T>(&self, message: impl Into<String>, hint: Option<String>) -> Option<T> {
        self.faults.add_with_hint(self.key_spot, &self.key, message, hint);
        None
    }

    /// Text. Numbers and booleans are not taken for it: YAML reads `010` and `no` its own way.
    pub fn text(&self) -> Option<&'a str> {
        match self.value() {
            Value::Text(text) if text.is_empty() && !self.faults.dialect.knows_empty_text() => {
                self.fault("must not be empty")
            }
            Value::Text(text) => Some(text),
            Value::Number(_) | Value::Bool(_) => {
                let message = format!("text is wanted here, not {}", self.value().kind());
                self.fault_with_hint(message, Some("put it in quotes".to_owned()))
            }
            _ => self.wrong("text"),
        }
    }

    /// `true` or `false`.
    pub fn boolean(&self) -> Option<bool> {
        match self.value() {
            Value::Bool(value) => Some(*value),
            _ => self.wrong("true or false"),
        }
    }

    /// A whole number.
    pub fn integer(&self) -> Option<i64> {
        match self.value() {
            Value::Number(Ok(number)) if number.is_i64() => number.as_i64(),
            _ => self.wrong("a whole number"),
        }
    }

    /// Text that `parse` understands.
    pub fn parsed<T>(&self, parse: impl FnOnce(&str) -> Result<T, String>) -> Option<T> {
        parse(self.text()?).map_or_else(|message| self.fault(message), Some)
    }

    /// One word of a table; `later`: words that mean something to later versions only.
    pub fn word<T: Copy>(&self, table: &[(&str, T)], later: &[&str]) -> Option<T> {
        let word = self.text()?;
        if let Some((_, value)) = table.iter().find(|(name, _)| *name == word) {
            return Some(*value);
        }
        if later.contains(&word) {
            return self.fault(format!("this version cannot do {word:?} yet"));
        }
        let names: Vec<_> = table.iter().map(|(name, _)| *name).collect();
        let hint = did_you_mean(word, names.iter().copied());
        self.fault_with_hint(self.faults.dialect.not_one_of(word, &names.join(", ")), hint)
    }

    /// The elements of a list; none, with a fault, when it is no list.
    pub fn list(&self) -> Vec<Self> {
        let Value::List(items) = self.value() else {
            return self.wrong("a list").unwrap_or_default();
        };
        let name = |at| self.faults.dialect.element(&self.key, at);
        let elements = items.iter().enumerate();
        elements.map(|(at, item)| Self::new(item, name(at), self.faults)).collect()
    }

    /// A list of texts; what is none is noted and left out.
    pub fn texts(&self) -> Vec<String> {
        self.list().iter().filter_map(Self::text).map(str::to_owned).collect()
    }

    /// A map whose keys are known beforehand; others, and repeated ones, are noted.
    pub fn map(&self, keys: &Keys<'_>) -> Option<Map<'a>> {
        Map::open(self.clone(), keys)
    }

    /// A map of any keys, in their order; `wanted`: what to call it. Repeated keys are noted, the first stays.
    pub fn entries(&self, wanted: &str) -> Option<Vec<(&'a str, Self)>> {
        let Value::Map(entries) = self.value() else {
            return self.wrong(wanted);
        };
        let unique = self.unique(entries).into_iter();
        Some(unique.map(|(key, entry)| (key, self.child(key, entry))).collect())
    }

    /// Any tree as JSON.
    pub fn json(&self) -> serde_json::Value {
        match self.value() {
            Value::Null => serde_json::Value::Null,
            Value::Bool(value) => (*value).into(),
            Value::Number(Ok(number)) => number.clone().into(),
            Value::Number(Err(number)) => {
                self.fault(format!("{number} is no number that can be kept")).unwrap_or_default()
            }
            Value::Text(text) => text.clone().into(),
            Value::List(_) => self.list().iter().map(Self::json).collect(),
            Value::Map(entries) => self
                .unique(entries)
                .into_iter()
                .map(|(key, entry)| (key.to_owned(), self.child(key, entry).json()))
                .collect::<serde_json::Map<_, _>>()
                .into(),
        }
    }

    pub(super) fn child(&self, key: &str, entry: &'a Entry) -> Self {
        let name = self.child_name(key);
        Self { key_spot: entry.key_spot, ..Self::new(&entry.item, name, self.faults) }
    }

    pub(super) fn child_name(&self, key: &str) -> String {
        self.faults.dialect.child(&self.key, key)
    }

    /// The entries by key; repeated ones are noted, the first one stays.
    pub(super) fn unique(&self, entries: &'a [Entry]) -> BTreeMap<&'a str, &'a Entry> {
        let mut out: BTreeMap<&str, &Entry> = BTreeMap::new();
        for entry in entries {
            if let Some(first) = out.get(entry.key.as_str()) {
                let message = if self.faults.is_counted_only(entry.key_spot) {
                    String::new()
                } else {
                    let (file, line, _) = self.faults.locate(first.key_spot);
                    self.faults.dialect.twice(file, line)
                };
                self.child(&entry.key, entry).fault_at_key::<()>(message, None);
            } else {
                out.insert(&entry.key, entry);
            }
        }
        out
    }

    fn wrong<T>(&self, wanted: &str) -> Option<T> {
        self.fault(format!("{wanted} is wanted here, not {}", self.value().kind()))
    }
}
