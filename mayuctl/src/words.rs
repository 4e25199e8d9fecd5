//! The small languages of the command line: selectors, tags, durations, MACs, goals.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use crate::failure::Failure;

#[cfg(test)]
mod tests;

/// Labels that all have to be equal: `k=v,k=v`. Never empty, so that it never hits everything by
/// accident.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Selector(BTreeMap<String, String>);

impl Selector {
    /// Of pairs of which each is one label, commas and all; `whose`: what a mistake is told about.
    pub(crate) fn of_pairs<'t>(
        pairs: impl IntoIterator<Item = &'t str>,
        whose: &str,
    ) -> Result<Self, Failure> {
        let mut labels = BTreeMap::new();
        for pair in pairs {
            let (key, value) = parse_pair(pair)
                .map_err(|why| usage(format!("{whose}: {why}, as in rack=r1,role=worker")))?;
            if labels.insert(key.clone(), value).is_some() {
                return Err(usage(format!(
                    "{whose}: `{key}` is there twice, and a label has one value"
                )));
            }
        }
        Ok(Self(labels))
    }

    pub(crate) fn labels(&self) -> std::collections::HashMap<String, String> {
        self.0.clone().into_iter().collect()
    }
}

impl FromStr for Selector {
    type Err = Failure;

    fn from_str(typed: &str) -> Result<Self, Failure> {
        Self::of_pairs(typed.split(','), &format!("selector `{typed}`"))
    }
}

impl fmt::Display for Selector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (n, (key, value)) in self.0.iter().enumerate() {
            let comma = if n == 0 { "" } else { "," };
            write!(f, "{comma}{key}={value}")?;
        }
        Ok(())
    }
}

/// Tags to set (`k=v`) and to remove (`k-`).
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct TagChange {
    pub(crate) set: BTreeMap<String, String>,
    pub(crate) remove: BTreeSet<String>,
}

impl TagChange {
    pub(crate) fn parse(typed: &[String]) -> Result<Self, Failure> {
        let mut change = Self::default();
        for word in typed {
            let (key, value) = parse_tag(word).map_err(|why| {
                usage(format!("tag `{word}`: {why}; set with k=v, remove with k-"))
            })?;
            let again = change.set.contains_key(&key) || change.remove.contains(&key);
            if again {
                return Err(usage(format!(
                    "tag `{key}` is there twice: say once what it shall be"
                )));
            }
            match value {
                Some(value) => drop(change.set.insert(key, value)),
                None => drop(change.remove.insert(key)),
            }
        }
        Ok(change)
    }
}

/// A node's state, in mayu's words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct NodeState(&'static str);

impl NodeState {
    const ALL: [&'static str; 7] =
        ["unknown", "configured", "installing", "installed", "running", "failed", "retired"];

    pub(crate) fn as_str(self) -> &'static str {
        self.0
    }
}

/// What `wait --for` waits for: `state=STATE`.
pub(crate) fn parse_goal(typed: &str) -> Result<NodeState, Failure> {
    let state = typed.strip_prefix("state=").unwrap_or_default();
    match NodeState::ALL.into_iter().find(|known| *known == state) {
        Some(known) => Ok(NodeState(known)),
        None => Err(usage(format!(
            "--for `{typed}`: write state=STATE with one of {}",
            NodeState::ALL.join(", ")
        ))),
    }
}

/// A duration above zero with its unit: `90s`, `10m`, `1h 30m`.
pub(crate) fn parse_time_limit(typed: &str) -> Result<Duration, Failure> {
    match humantime::parse_duration(typed) {
        Ok(limit) if !limit.is_zero() => Ok(limit),
        Ok(_) => Err(usage(format!("--timeout `{typed}`: has to be longer than nothing"))),
        Err(why) => Err(usage(format!("--timeout `{typed}`: {why}; write it as 90s, 10m or 1h"))),
    }
}

/// A MAC in any common spelling, as lower case with colons.
pub(crate) fn parse_mac(typed: &str) -> Result<String, Failure> {
    let digits: String = typed.chars().filter(|c| !matches!(c, ':' | '-' | '.')).collect();
    if digits.len() != 12 || !digits.chars().all(|c| c.is_ascii_hexdigit()) {
        return Err(usage(format!(
            "`{typed}` is no MAC: write twelve hex digits, as in 52:54:00:00:00:01"
        )));
    }
    let mut mac = String::new();
    for (n, digit) in digits.to_ascii_lowercase().chars().enumerate() {
        if n > 0 && n % 2 == 0 {
            mac.push(':');
        }
        mac.push(digit);
    }
    Ok(mac)
}

/// A name that could be one: which node it is, the server knows.
pub(crate) fn node_name(typed: String) -> Result<String, Failure> {
    if typed.trim().is_empty() {
        return Err(usage("a node's name is empty: is a variable unset?".into()));
    }
    Ok(typed)
}

fn parse_pair(pair: &str) -> Result<(String, String), String> {
    let Some((key, value)) = pair.split_once('=') else {
        return Err(format!("`{pair}` is not key=value"));
    };
    Ok((parse_key(key)?, value.to_owned()))
}

fn parse_tag(word: &str) -> Result<(String, Option<String>), String> {
    if let Some((key, value)) = word.split_once('=') {
        return Ok((parse_key(key)?, Some(value.to_owned())));
    }
    match word.strip_suffix('-') {
        Some(key) => Ok((parse_key(key)?, None)),
        None => Err("neither sets nor removes".into()),
    }
}

fn parse_key(key: &str) -> Result<String, String> {
    let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-' | '/');
    if key.is_empty() {
        return Err("a key is missing".into());
    }
    match key.chars().find(|c| !allowed(*c)) {
        Some(c) => Err(format!("{c:?} cannot be part of a key")),
        None => Ok(key.to_owned()),
    }
}

fn usage(text: String) -> Failure {
    Failure::Usage(text)
}
