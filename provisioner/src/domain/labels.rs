//! Labels: what groups select machines by, each with where it came from.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

/// How far a label can be trusted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Trust {
    /// The machine said so itself (query string, SMBIOS): anyone on the segment can say it.
    Claimed,
    /// The provisioner saw it (lease, relay circuit).
    Observed,
    /// An operator set it.
    Operator,
}

impl fmt::Display for Trust {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Claimed => "claimed",
            Self::Observed => "observed",
            Self::Operator => "operator",
        })
    }
}

/// One label's value and origin.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Label {
    /// The value as it was given; normalised only where it is compared.
    pub value: String,
    /// Where it came from.
    pub trust: Trust,
}

/// All labels of one machine. A label of higher trust replaces one of lower trust, never the reverse.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Labels(BTreeMap<String, Label>);

impl Labels {
    /// No labels.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a label unless one of higher trust is there. An empty value is no label.
    pub fn insert(&mut self, key: impl Into<String>, value: impl Into<String>, trust: Trust) {
        let (key, value) = (key.into(), value.into());
        if value.is_empty() || self.0.get(&key).is_some_and(|old| old.trust > trust) {
            return;
        }
        self.0.insert(key, Label { value, trust });
    }

    /// Value of a label.
    pub fn get(&self, key: &str) -> Option<&str> {
        self.0.get(key).map(|label| label.value.as_str())
    }

    /// All labels in the order of their keys.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Label)> {
        self.0.iter().map(|(key, label)| (key.as_str(), label))
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_an_operator_set_is_not_replaced_by_what_a_machine_claims() {
        let mut labels = Labels::new();
        labels.insert("role", "controller", Trust::Operator);
        labels.insert("role", "evil", Trust::Claimed);
        assert_eq!(labels.get("role"), Some("controller"));
    }
}
