//! Reading a map key by key, noting everything that does not fit and going on.

use std::collections::BTreeMap;

use serde_json::Map as JsonMap;

use super::document::{Entry, Item, Spot, Value};
use super::fault::{Faults, did_you_mean};

/// Metadata as users nest it.
pub type Metadata = JsonMap<String, serde_json::Value>;

/// What templates find at their root beside metadata.
const RESERVED: [&str; 7] =
    ["node", "group", "profile", "metadata", "request", "server", "secrets"];

/// A map whose keys are known beforehand. Unknown and repeated keys are noted when it is opened.
pub(super) struct Fields<'a> {
    entries: BTreeMap<&'a str, &'a Entry>,
    pub(super) spot: Spot,
    pub(super) faults: &'a Faults<'a>,
}

/// The keys of a map: those that mean something, and those of later versions, refused by name.
pub(super) struct Keys {
    /// What the map is, for messages: `a group`.
    pub(super) what: &'static str,
    pub(super) known: &'static [&'static str],
    pub(super) later: &'static [&'static str],
}

impl<'a> Fields<'a> {
    /// `None`, with a fault, when it is no map.
    pub(super) fn open(
        item: &'a Item,
        key: &str,
        keys: &Keys,
        faults: &'a Faults<'a>,
    ) -> Option<Self> {
        let Value::Map(entries) = &item.value else {
            let what = keys.what;
            let message = match &item.value {
                Value::Null => format!("{what} is a map of keys, and here is nothing"),
                other => format!("{what} is a map of keys, not {}", other.kind()),
            };
            faults.add(item.spot, key, message);
            return None;
        };
        let entries = unique(entries, faults);
        for (name, entry) in &entries {
            if !keys.known.contains(name) {
                unknown(name, entry, keys, faults);
            }
        }
        let spot = item.spot;
        Some(Self { entries, spot, faults })
    }

    /// The value of a key; `null` is as good as absent.
    pub(super) fn get(&self, key: &str) -> Option<&'a Item> {
        let item = &self.entries.get(key)?.item;
        (!matches!(item.value, Value::Null)).then_some(item)
    }

    /// Where a key stands, or the map when it is absent.
    pub(super) fn spot_of(&self, key: &str) -> Spot {
        self.entries.get(key).map_or(self.spot, |entry| entry.key_spot)
    }

    pub(super) fn text(&self, key: &str) -> Option<&'a str> {
        text(self.get(key)?, key, self.faults)
    }

    /// Text that is not empty. matchbox writes unused names as `""`.
    pub(super) fn name(&self, key: &str) -> Option<&'a str> {
        self.text(key).filter(|text| !text.is_empty())
    }

    pub(super) fn boolean(&self, key: &str) -> Option<bool> {
        let item = self.get(key)?;
        match item.value {
            Value::Bool(value) => Some(value),
            _ => self.wrong(item, key, "true or false"),
        }
    }

    pub(super) fn integer(&self, key: &str) -> Option<i64> {
        let item = self.get(key)?;
        match &item.value {
            Value::Number(number) if number.is_i64() => number.as_i64(),
            _ => self.wrong(item, key, "a whole number"),
        }
    }

    /// A list of texts; empty when absent.
    pub(super) fn texts(&self, key: &str) -> Vec<String> {
        self.get(key).map_or_else(Vec::new, |item| texts(item, key, self.faults))
    }

    /// Text that `parse` understands.
    pub(super) fn parsed<T>(
        &self,
        key: &str,
        parse: impl FnOnce(&str) -> Result<T, String>,
    ) -> Option<T> {
        let text = self.text(key)?;
        let spot = self.get(key).map_or(self.spot, |item| item.spot);
        parse(text).map_err(|message| self.faults.add(spot, key, message)).ok()
    }

    /// One word of a table; `later`: words that mean something to later versions only.
    pub(super) fn word<T: Copy>(
        &self,
        key: &str,
        table: &[(&str, T)],
        later: &[&str],
    ) -> Option<T> {
        let item = self.get(key)?;
        let word = text(item, key, self.faults)?;
        let found = table.iter().find(|(name, _)| *name == word);
        if later.contains(&word) {
            let message = format!("this version cannot do {word:?} yet");
            self.faults.add(item.spot, key, message);
        } else if found.is_none() {
            let names: Vec<_> = table.iter().map(|(name, _)| *name).collect();
            let hint = did_you_mean(word, names.iter().copied());
            let message = format!("{word:?} is not one of: {}", names.join(", "));
            self.faults.add_with_hint(item.spot, key, message, hint);
        }
        found.map(|(_, value)| *value)
    }

    /// A free map, as JSON; empty when absent. Its keys lie at the root of templates too, so those that mean
    /// something there are taken.
    pub(super) fn metadata(&self, key: &str) -> Metadata {
        let Some(item) = self.get(key) else {
            return Metadata::new();
        };
        if let Value::Map(entries) = &item.value {
            for entry in entries.iter().filter(|entry| RESERVED.contains(&entry.key.as_str())) {
                let message = "templates know something else by this name; choose another";
                self.faults.add(entry.key_spot, &entry.key, message);
            }
        }
        match json(item, self.faults) {
            serde_json::Value::Object(map) => map,
            _ => self.wrong(item, key, "a map").unwrap_or_default(),
        }
    }

    /// A map of texts; empty when absent.
    pub(super) fn text_map(&self, key: &str) -> BTreeMap<String, String> {
        let Some(item) = self.get(key) else {
            return BTreeMap::new();
        };
        let Value::Map(entries) = &item.value else {
            return self.wrong(item, key, "a map").unwrap_or_default();
        };
        let pairs = unique(entries, self.faults).into_iter();
        pairs
            .filter_map(|(name, entry)| {
                let value = text(&entry.item, &format!("{key}.{name}"), self.faults)?;
                Some((name.to_owned(), value.to_owned()))
            })
            .collect()
    }

    fn wrong<T>(&self, item: &Item, key: &str, wanted: &str) -> Option<T> {
        wrong(item, key, wanted, self.faults);
        None
    }
}

/// The entries by key; repeated ones are noted, the first one stays.
pub(super) fn unique<'a>(
    entries: &'a [Entry],
    faults: &Faults<'_>,
) -> BTreeMap<&'a str, &'a Entry> {
    let mut out: BTreeMap<&str, &Entry> = BTreeMap::new();
    for entry in entries {
        if let Some(first) = out.get(entry.key.as_str()) {
            let place = faults.place(first.key_spot);
            let message = format!("this key was given before, at {place}; only one can count");
            faults.add(entry.key_spot, &entry.key, message);
        } else {
            out.insert(&entry.key, entry);
        }
    }
    out
}

/// Text, or a fault. Numbers and booleans are not taken for text: YAML reads `010` and `no` its own way.
pub(super) fn text<'a>(item: &'a Item, key: &str, faults: &Faults<'_>) -> Option<&'a str> {
    match &item.value {
        Value::Text(text) => Some(text),
        Value::Number(_) | Value::Bool(_) => {
            let message = format!("text is wanted here, not {}", item.value.kind());
            let hint = Some("put it in quotes".to_owned());
            faults.add_with_hint(item.spot, key, message, hint);
            None
        }
        _ => {
            wrong(item, key, "text", faults);
            None
        }
    }
}

/// A list of texts; what is none is noted and left out.
pub(super) fn texts(item: &Item, key: &str, faults: &Faults<'_>) -> Vec<String> {
    let Value::List(items) = &item.value else {
        wrong(item, key, "a list", faults);
        return Vec::new();
    };
    let texts = items.iter().filter_map(|item| text(item, key, faults));
    texts.map(str::to_owned).collect()
}

pub(super) fn wrong(item: &Item, key: &str, wanted: &str, faults: &Faults<'_>) {
    let kind = item.value.kind();
    faults.add(item.spot, key, format!("{wanted} is wanted here, not {kind}"));
}

/// Any tree as JSON.
fn json(item: &Item, faults: &Faults<'_>) -> serde_json::Value {
    match &item.value {
        Value::Null => serde_json::Value::Null,
        Value::Bool(value) => (*value).into(),
        Value::Number(number) => number.clone().into(),
        Value::Text(text) => text.clone().into(),
        Value::List(items) => items.iter().map(|item| json(item, faults)).collect(),
        Value::Map(entries) => unique(entries, faults)
            .into_iter()
            .map(|(key, entry)| (key.to_owned(), json(&entry.item, faults)))
            .collect::<Metadata>()
            .into(),
    }
}

fn unknown(name: &str, entry: &Entry, keys: &Keys, faults: &Faults<'_>) {
    if keys.later.contains(&name) {
        let message = format!("this version does not understand `{name}` in {}", keys.what);
        let hint = Some("leave it out".to_owned());
        return faults.add_with_hint(entry.key_spot, name, message, hint);
    }
    let near = did_you_mean(name, keys.known.iter().copied());
    let hint = near.or_else(|| Some(format!("known are: {}", keys.known.join(", "))));
    let message = format!("{} has no such key", keys.what);
    faults.add_with_hint(entry.key_spot, name, message, hint);
}
