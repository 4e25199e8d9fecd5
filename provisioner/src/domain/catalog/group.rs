//! Groups: which machines, which profile, which metadata.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use crate::domain::labels::Labels;
use crate::domain::machine::{Mac, Uuid};
use yaml::{Field, Keys, Map, Spot, Value, is_json};

use super::{Metadata, metadata};

/// Machines that share a profile and metadata.
#[derive(Debug, Clone)]
pub struct Group {
    /// Its name: `id` (matchbox), else `name`, else the file's name.
    pub name: String,
    /// Name of its profile; the catalog holds it.
    pub profile: String,
    /// All of these must match. None: every machine.
    pub selector: Vec<Selector>,
    /// It has no selector and does not say `every: true`: it must not install.
    pub(super) unbounded: bool,
    /// Higher wins over any number of selectors.
    pub priority: i64,
    /// At most so many live nodes; those that match besides go to the next group. `None`: no limit.
    pub quantity: Option<u32>,
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

const KEYS: Keys<'_> = Keys {
    what: "a group",
    known: &[
        "id", "name", "profile", "selector", "every", "priority", "quantity", "tags", "metadata",
    ],
    later: &["network"],
};

/// Reads `groups/NAME.*`.
pub(super) fn read(field: &Field<'_>, file: &str) -> Option<Group> {
    let fields = field.map(&KEYS)?;
    let id = fields.name("id");
    let title = fields.name("name");
    let profile = fields.name("profile");
    if profile.is_none() && fields.get("profile").is_none_or(|field| is_empty_text(field.value())) {
        fields.fault_at("profile", "a group names its profile");
    }
    Some(Group {
        unbounded: unbounded(field, &fields, file),
        name: id.or(title).unwrap_or_else(|| super::stem(file)).to_owned(),
        selector: selectors(&fields),
        priority: fields.integer("priority").unwrap_or(0),
        quantity: quantity(&fields),
        tags: tags(&fields),
        metadata: metadata::read(&fields, file),
        file: file.to_owned(),
        name_spot: fields.spot_of(if id.is_some() { "id" } else { "name" }),
        selector_spot: fields.spot_of("selector"),
        profile_spot: fields.get("profile").map_or(field.spot(), |profile| profile.spot()),
        profile: profile?.to_owned(),
    })
}

/// Whether a group takes every machine without saying so. A selector whose lines were lost looks like an empty
/// one: in YAML that is a fault. matchbox writes `{}` for none.
fn unbounded(field: &Field<'_>, fields: &Map<'_>, file: &str) -> bool {
    let every = fields.boolean("every").unwrap_or(false);
    if every && fields.has("selector") {
        fields.fault_at("every", "a group takes every machine or has a selector, not both");
    }
    let Value::Map(entries) = field.value() else { return false };
    let entry = entries.iter().find(|entry| entry.key == "selector");
    let empty = match entry.map(|entry| &entry.item.value) {
        None => return !every,
        Some(Value::Null) => true,
        Some(Value::Map(selectors)) => selectors.is_empty(),
        Some(_) => false,
    };
    if empty && !is_json(file) {
        let message = "an empty selector selects every machine; leave the key out to mean that";
        fields.fault_at("selector", message);
        return false;
    }
    empty && !every
}

fn is_empty_text(value: &Value) -> bool {
    matches!(value, Value::Text(text) if text.is_empty())
}

fn quantity(fields: &Map<'_>) -> Option<u32> {
    let quantity = fields.integer("quantity")?;
    let quantity = u32::try_from(quantity).ok().filter(|quantity| *quantity > 0);
    if quantity.is_none() {
        fields.fault_at("quantity", "the number of nodes is at least 1; leave it out for no limit");
    }
    quantity
}

fn tags(fields: &Map<'_>) -> BTreeMap<String, String> {
    let entries = fields.get("tags").and_then(|field| field.entries("a map")).unwrap_or_default();
    let tag = |(key, field): (&str, Field<'_>)| {
        let text = field.named(format!("tags.{key}")).text()?;
        Some((key.to_owned(), text.to_owned()))
    };
    entries.into_iter().filter_map(tag).collect()
}

fn selectors(fields: &Map<'_>) -> Vec<Selector> {
    let entries = fields.get("selector").and_then(|field| field.entries("a map of labels"));
    let entries = entries.unwrap_or_default().into_iter();
    entries.map(|(key, field)| Selector::new(key, values(key, &field))).collect()
}

/// `x`, `[x, y]` or `{in: [x, y]}`.
fn values(key: &str, field: &Field<'_>) -> Vec<String> {
    let list = match field.value() {
        Value::List(_) => field.list(),
        Value::Map(_) => {
            const IN: Keys<'_> = Keys { what: "a selector", known: &["in"], later: &[] };
            let inner = field.map(&IN).and_then(|map| map.get("in"));
            let Some(inner) = inner else {
                return field.fault("a selector's map says `in: [a, b]`").unwrap_or_default();
            };
            inner.named(key).list()
        }
        _ => return value(key, field).into_iter().collect(),
    };
    let values: Vec<String> = list.iter().filter_map(|field| value(key, field)).collect();
    if values.is_empty() {
        field.fault::<()>("a selector without values can match no machine");
    }
    values
}

/// A MAC that is none would never match: found here, not by a machine that gets the wrong profile.
fn value(key: &str, field: &Field<'_>) -> Option<String> {
    let value = field.text()?;
    let is_mac = key.eq_ignore_ascii_case("mac") && !value.is_empty();
    if let (true, Err(error)) = (is_mac, Mac::from_str(value)) {
        field.fault::<()>(error.to_string());
    }
    Some(value.to_owned())
}

impl Group {
    /// A group of no file, for a profile that has none.
    pub(super) fn sample(profile: &str) -> Self {
        let spot = Spot::default();
        Self {
            name: "sample".to_owned(),
            profile: profile.to_owned(),
            selector: Vec::new(),
            unbounded: false,
            priority: 0,
            quantity: None,
            tags: BTreeMap::new(),
            metadata: Metadata::new(),
            file: String::new(),
            name_spot: spot,
            selector_spot: spot,
            profile_spot: spot,
        }
    }
}
