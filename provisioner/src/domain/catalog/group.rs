//! Groups: which machines, which profile, which metadata.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use crate::domain::labels::Labels;
use crate::domain::machine::{Mac, Uuid};

use super::document::{Item, Spot, Value};
use super::fault::Faults;
use super::fields::{Fields, Keys, Metadata, text, texts, unique, wrong};

/// Machines that share a profile and metadata.
#[derive(Debug, Clone)]
pub struct Group {
    /// Its name: `id` (matchbox), else `name`, else the file's name.
    pub name: String,
    /// Name of its profile; the catalog holds it.
    pub profile: String,
    /// All of these must match. None: every machine.
    pub selector: Vec<Selector>,
    /// Higher wins over any number of selectors.
    pub priority: i64,
    /// Tags that its machines get.
    pub tags: BTreeMap<String, String>,
    /// Metadata for templates; over the profile's.
    pub metadata: Metadata,
    /// Its file, relative to the catalog.
    pub file: String,
    pub(super) name_spot: Spot,
    pub(super) selector_spot: Spot,
    pub(super) profile_spot: Spot,
}

/// One condition on a label.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Selector {
    /// The label's key.
    pub key: String,
    /// Any of these values, as they were written.
    pub values: Vec<String>,
    normal: Vec<String>,
}

impl Selector {
    fn new(key: &str, values: Vec<String>) -> Self {
        let mut normal: Vec<String> =
            values.iter().map(|value| normalise(key, value).into_owned()).collect();
        normal.sort();
        normal.dedup();
        let key = key.to_owned();
        Self { key, values, normal }
    }

    /// The values in the spelling in which they are compared.
    pub(super) fn normalised(&self) -> &[String] {
        &self.normal
    }

    /// Whether a machine with these labels passes. A label that is missing is as good as an empty one, as
    /// in matchbox: only a selector that says `""` passes then.
    pub fn matches(&self, labels: &Labels) -> bool {
        let found = normalise(&self.key, labels.get(&self.key).unwrap_or(""));
        self.normal.iter().any(|wanted| *wanted == found)
    }
}

/// `key=value`, as matchbox orders them.
impl fmt::Display for Selector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}={}", self.key, self.normal.join("|"))
    }
}

impl Group {
    /// Whether every selector passes.
    pub fn matches(&self, labels: &Labels) -> bool {
        self.selector.iter().all(|selector| selector.matches(labels))
    }

    /// The sorted `key=value` list joined by `,`: matchbox's second criterion, and the group's identity
    /// among groups of one priority.
    pub fn selector_string(&self) -> String {
        let mut all: Vec<String> = self.selector.iter().map(Selector::to_string).collect();
        all.sort();
        all.join(",")
    }
}

/// The spelling in which values are compared. What was written is what is shown.
pub(super) fn normalise<'v>(key: &str, value: &'v str) -> Cow<'v, str> {
    let lower = |value: &str| value.to_lowercase();
    match key.to_ascii_lowercase().as_str() {
        "mac" => Mac::from_str(value).map_or_else(|_| lower(value), |mac| mac.to_string()).into(),
        "uuid" => Uuid::from_str(value).map_or_else(|_| lower(value), |id| id.to_string()).into(),
        "hostname" => lower(value.trim_end_matches('.')).into(),
        _ => value.into(),
    }
}

const KEYS: Keys = Keys {
    what: "a group",
    known: &["id", "name", "profile", "selector", "priority", "tags", "metadata"],
    later: &["quantity", "network"],
};

/// Reads `groups/NAME.*`.
pub(super) fn read(item: &Item, file: &str, faults: &Faults<'_>) -> Option<Group> {
    let fields = Fields::open(item, "", &KEYS, faults)?;
    let id = fields.name("id");
    let title = fields.name("name");
    let profile = fields.name("profile");
    if profile.is_none() && fields.get("profile").is_none_or(|item| is_empty_text(&item.value)) {
        faults.add(fields.spot_of("profile"), "profile", "a group names its profile");
    }
    Some(Group {
        name: id.or(title).unwrap_or_else(|| super::stem(file)).to_owned(),
        selector: fields.get("selector").map(|item| selectors(item, faults)).unwrap_or_default(),
        priority: fields.integer("priority").unwrap_or(0),
        tags: fields.text_map("tags"),
        metadata: fields.metadata("metadata"),
        file: file.to_owned(),
        name_spot: fields.spot_of(if id.is_some() { "id" } else { "name" }),
        selector_spot: fields.spot_of("selector"),
        profile_spot: fields.get("profile").map_or(fields.spot, |item| item.spot),
        profile: profile?.to_owned(),
    })
}

fn is_empty_text(value: &Value) -> bool {
    matches!(value, Value::Text(text) if text.is_empty())
}

fn selectors(item: &Item, faults: &Faults<'_>) -> Vec<Selector> {
    let Value::Map(entries) = &item.value else {
        wrong(item, "selector", "a map of labels", faults);
        return Vec::new();
    };
    let entries = unique(entries, faults).into_iter();
    entries.map(|(key, entry)| Selector::new(key, values(key, &entry.item, faults))).collect()
}

/// `x`, `[x, y]` or `{in: [x, y]}`.
fn values(key: &str, item: &Item, faults: &Faults<'_>) -> Vec<String> {
    let list = match &item.value {
        Value::List(_) => item,
        Value::Map(_) => {
            const IN: Keys = Keys { what: "a selector", known: &["in"], later: &[] };
            let inner = Fields::open(item, key, &IN, faults).and_then(|fields| fields.get("in"));
            let Some(inner) = inner else {
                faults.add(item.spot, key, "a selector's map says `in: [a, b]`");
                return Vec::new();
            };
            inner
        }
        _ => {
            let value = text(item, key, faults);
            return value.map(|value| checked(key, value, item, faults)).into_iter().collect();
        }
    };
    let before = texts(list, key, faults);
    if before.is_empty() {
        faults.add(item.spot, key, "a selector without values can match no machine");
    }
    before.iter().map(|value| checked(key, value, list, faults)).collect()
}

/// A MAC that is none would never match: found here, not by a machine that gets the wrong profile.
fn checked(key: &str, value: &str, item: &Item, faults: &Faults<'_>) -> String {
    let is_mac = key.eq_ignore_ascii_case("mac") && !value.is_empty();
    if let (true, Err(error)) = (is_mac, Mac::from_str(value)) {
        let spot = match &item.value {
            Value::List(items) => items
                .iter()
                .find(|item| matches!(&item.value, Value::Text(text) if text == value))
                .map_or(item.spot, |item| item.spot),
            _ => item.spot,
        };
        faults.add(spot, key, error.to_string());
    }
    value.to_owned()
}

impl Group {
    /// A group of no file, for a profile that has none.
    pub(super) fn sample(profile: &str) -> Self {
        let spot = Spot { file: 0, node: 0 };
        Self {
            name: "sample".to_owned(),
            profile: profile.to_owned(),
            selector: Vec::new(),
            priority: 0,
            tags: BTreeMap::new(),
            metadata: Metadata::new(),
            file: String::new(),
            name_spot: spot,
            selector_spot: spot,
            profile_spot: spot,
        }
    }
}
