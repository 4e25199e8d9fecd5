//! A map whose keys are known beforehand.

use std::collections::BTreeMap;

use super::{Entry, Field, Spot, Value};

/// The keys of a map: those that mean something, and those of later versions, refused by name.
#[derive(Debug, Clone, Copy)]
pub struct Keys<'k> {
    /// What the map is, for messages: `a group`.
    pub what: &'k str,
    /// Keys that mean something.
    pub known: &'k [&'k str],
    /// Keys that mean something to later versions.
    pub later: &'k [&'k str],
}

impl<'k> Keys<'k> {
    /// These keys and no others, of a map that its path names.
    pub fn of(known: &'k [&'k str]) -> Self {
        Self { what: "", known, later: &[] }
    }
}

/// A map whose keys are known beforehand. Unknown and repeated keys are noted when it is opened.
#[derive(Debug, Clone)]
pub struct Map<'a> {
    entries: BTreeMap<&'a str, &'a Entry>,
    field: Field<'a>,
}

impl<'a> Map<'a> {
    pub(super) fn open(field: Field<'a>, keys: &Keys<'_>) -> Option<Self> {
        let dialect = field.faults.dialect;
        let entries = match field.value() {
            Value::Map(entries) => entries.as_slice(),
            Value::Null if dialect.knows_empty_map() => &[],
            other => return field.fault(dialect.no_map(keys.what, other)),
        };
        let entries = field.unique(entries);
        // In the order of the file: of very many faults the first ones are told.
        let mut in_order: Vec<_> = entries.iter().collect();
        in_order.sort_by_key(|(_, entry)| entry.key_spot);
        for (key, entry) in in_order {
            if keys.later.contains(key) {
                let message = format!("this version does not understand `{key}` in {}", keys.what);
                let hint = Some("leave it out".to_owned());
                field.child(key, entry).fault_at_key::<()>(message, hint);
            } else if !keys.known.contains(key) {
                let (message, hint) = dialect.unknown(key, keys);
                field.child(key, entry).fault_at_key::<()>(message, Some(hint));
            }
        }
        Some(Self { entries, field })
    }

    /// The value of a key; `null` is as good as absent.
    pub fn get(&self, key: &str) -> Option<Field<'a>> {
        let entry = self.entries.get(key)?;
        let given = !matches!(entry.item.value, Value::Null);
        given.then(|| self.field.child(key, entry))
    }

    /// Whether a key has a value.
    pub fn has(&self, key: &str) -> bool {
        self.get(key).is_some()
    }

    /// The value of a key that must be there.
    pub fn require(&self, key: &str) -> Option<Field<'a>> {
        self.get(key).or_else(|| self.fault(format!("`{key}` is missing")))
    }

    /// Text.
    pub fn text(&self, key: &str) -> Option<&'a str> {
        self.get(key)?.text()
    }

    /// Text that is not empty. matchbox writes unused names as `""`.
    pub fn name(&self, key: &str) -> Option<&'a str> {
        self.text(key).filter(|text| !text.is_empty())
    }

    /// `true` or `false`.
    pub fn boolean(&self, key: &str) -> Option<bool> {
        self.get(key)?.boolean()
    }

    /// A whole number.
    pub fn integer(&self, key: &str) -> Option<i64> {
        self.get(key)?.integer()
    }

    /// Text that `parse` understands.
    pub fn parsed<T>(&self, key: &str, parse: impl FnOnce(&str) -> Result<T, String>) -> Option<T> {
        self.get(key)?.parsed(parse)
    }

    /// One word of a table; `later`: words that mean something to later versions only.
    pub fn word<T: Copy>(&self, key: &str, table: &[(&str, T)], later: &[&str]) -> Option<T> {
        self.get(key)?.word(table, later)
    }

    /// The elements of a list; none when it is absent.
    pub fn list(&self, key: &str) -> Vec<Field<'a>> {
        self.get(key).map_or_else(Vec::new, |field| field.list())
    }

    /// A list of texts; empty when absent.
    pub fn texts(&self, key: &str) -> Vec<String> {
        self.get(key).map_or_else(Vec::new, |field| field.texts())
    }

    /// Where a key stands, or the map when it is absent.
    pub fn spot_of(&self, key: &str) -> Spot {
        self.entries.get(key).map_or(self.field.spot(), |entry| entry.key_spot)
    }

    /// Notes a fault of the map as a whole.
    pub fn fault<T>(&self, message: impl Into<String>) -> Option<T> {
        self.field.fault(message)
    }

    /// Notes a fault of a key, where it stands or should.
    pub fn fault_at(&self, key: &str, message: impl Into<String>) {
        self.fault_with_hint_at(key, message, None);
    }

    /// Notes a fault of a key and what to do about it.
    pub fn fault_with_hint_at(&self, key: &str, message: impl Into<String>, hint: Option<String>) {
        let name = self.field.child_name(key);
        self.field.faults.add_with_hint(self.spot_of(key), &name, message, hint);
    }
}
