//! What the settings and the catalog do not have in common: how faults name keys, and a few words.

use super::{Keys, Value, did_you_mean};

/// Whose file it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dialect {
    /// `provisioner.yaml`: faults name keys by their path from the top; always YAML; a map that is empty may
    /// be left out; text is never empty.
    Settings,
    /// Groups and profiles: faults name the key alone and say what its map is; JSON by the file's name;
    /// text may be empty, as matchbox writes what is not used.
    Catalog,
}

impl Dialect {
    pub(super) fn child(self, parent: &str, key: &str) -> String {
        match self {
            Self::Settings if !parent.is_empty() => format!("{parent}.{key}"),
            _ => key.to_owned(),
        }
    }

    pub(super) fn element(self, parent: &str, at: usize) -> String {
        match self {
            Self::Settings => format!("{parent}[{at}]"),
            Self::Catalog => parent.to_owned(),
        }
    }

    pub(super) fn knows_empty_text(self) -> bool {
        self == Self::Catalog
    }

    pub(super) fn knows_empty_map(self) -> bool {
        self == Self::Settings
    }

    /// `file` and `line`: where the key was given first.
    pub(super) fn twice(self, file: &str, line: usize) -> String {
        match self {
            Self::Settings => format!("given twice, first in line {line}; only one can count"),
            Self::Catalog => {
                format!("this key was given before, at {file}:{line}; only one can count")
            }
        }
    }

    pub(super) fn no_map(self, what: &str, found: &Value) -> String {
        let kind = found.kind();
        match (self, found) {
            (Self::Settings, _) => format!("a map of keys is wanted here, not {kind}"),
            (_, Value::Null) => format!("{what} is a map of keys, and here is {kind}"),
            _ => format!("{what} is a map of keys, not {kind}"),
        }
    }

    /// Message and hint.
    pub(super) fn unknown(self, key: &str, keys: &Keys<'_>) -> (String, String) {
        let near = did_you_mean(key, keys.known.iter().copied());
        let known = keys.known.join(", ");
        match self {
            Self::Settings => {
                let near = near.map_or_else(String::new, |near| format!("{near}; "));
                ("no such key".to_owned(), format!("{near}known here: {known}"))
            }
            Self::Catalog => {
                let hint = near.unwrap_or_else(|| format!("known are: {known}"));
                (format!("{} has no such key", keys.what), hint)
            }
        }
    }

    pub(super) fn not_one_of(self, word: &str, names: &str) -> String {
        let colon = if self == Self::Catalog { ":" } else { "" };
        format!("{word:?} is not one of{colon} {names}")
    }
}
