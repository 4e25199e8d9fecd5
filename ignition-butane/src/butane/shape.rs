//! What a Butane config may hold, and how each part of it is written in Ignition: one table for both, for
//! all versions.

mod storage;
mod tables;

pub(super) use tables::{BOOT_DEVICE_LUKS, CONFIG};

use super::node::Fields;
use super::version::Version;

/// A map with known keys. The fields are in the order of Ignition's JSON.
#[derive(Debug)]
pub(super) struct Shape {
    /// Name of Butane's type, which its faults of type show.
    pub(super) name: &'static str,
    /// The same in the first version, when it was another.
    pub(super) first_name: &'static str,
    /// Whether the type belongs to the variant and not to the base that variants share.
    pub(super) of_variant: bool,
    /// The fields.
    pub(super) fields: &'static [Field],
    /// What tells one element of a list from another.
    pub(super) key: Key,
}

/// What two elements of lists have in common that are about one thing.
#[derive(Debug, Clone, Copy)]
pub(super) enum Key {
    /// Nothing: such elements are never merged.
    None,
    /// This field, by its name in Ignition.
    Field(&'static str),
    /// A partition's number, else its label.
    Partition,
}

/// One field of a map.
#[derive(Debug)]
pub(super) struct Field {
    /// Its key in Butane.
    pub(super) yaml: &'static str,
    /// Its key in Ignition; empty: it has none there.
    pub(super) json: &'static str,
    /// What it holds.
    pub(super) kind: Kind,
    /// The versions that have it.
    pub(super) since: Since,
    /// Versions of the base up to this one print it even when it is empty.
    pub(super) required_until: u8,
    /// No pointer in Butane and Ignition: zero and "" are as if absent.
    pub(super) plain: bool,
    /// Lists: equal elements are kept.
    pub(super) keeps_doubles: bool,
    /// Fields with the same word here share their keys: what is named in one is not in the other.
    pub(super) family: &'static str,
}

/// The first version that has a field.
#[derive(Debug, Clone, Copy)]
pub(super) enum Since {
    /// Of the base that variants share.
    Base(u8),
    /// Of the variant fcos.
    Fcos(u64),
}

/// What a field holds.
#[derive(Debug, Clone, Copy)]
pub(super) enum Kind {
    /// `true` or `false`.
    Bool,
    /// A whole number.
    Int,
    /// Text; the name of Butane's type, when it is not `string`.
    Text(&'static str),
    /// Texts; the name of Butane's type of list, when it is not `[]string`.
    Texts(&'static str),
    /// A map.
    Map(&'static Shape),
    /// Maps.
    Maps(&'static Shape),
}

/// Every version.
pub(super) const ALWAYS: u8 = u8::MAX;

impl Since {
    /// Whether any version has it as a key.
    pub(super) fn is_any(self) -> bool {
        !matches!(self, Self::Base(ALWAYS))
    }
}

impl Field {
    const fn new(yaml: &'static str, json: &'static str, kind: Kind, since: u8) -> Self {
        Self {
            yaml,
            json,
            kind,
            since: Since::Base(since),
            required_until: 0,
            plain: false,
            keeps_doubles: false,
            family: "",
        }
    }

    /// One that Ignition does not know.
    const fn added(yaml: &'static str, kind: Kind, since: u8) -> Self {
        Self::new(yaml, "", kind, since)
    }

    /// One that is called the same in both.
    const fn same(name: &'static str, kind: Kind, since: u8) -> Self {
        Self::new(name, name, kind, since)
    }

    const fn required(mut self, until: u8) -> Self {
        self.required_until = until;
        self
    }

    const fn plain(mut self) -> Self {
        self.plain = true;
        self
    }

    const fn keeping_doubles(mut self) -> Self {
        self.keeps_doubles = true;
        self
    }

    const fn in_family(mut self, family: &'static str) -> Self {
        self.family = family;
        self
    }

    const fn of_fcos(mut self, minor: u64) -> Self {
        self.since = Since::Fcos(minor);
        self
    }

    /// Whether a version has it.
    pub(super) fn is_in(&self, version: &Version) -> bool {
        match self.since {
            Since::Base(base) => version.base >= base,
            Since::Fcos(minor) => version.is_fcos_from(minor),
        }
    }

    /// Whether it is printed even when it is empty.
    pub(super) fn is_required_in(&self, version: &Version) -> bool {
        version.base <= self.required_until
    }

    /// In Ignition 3.2 these two were pointers to structs, so `{}` is printed.
    pub(super) fn prints_empty_map(&self, version: &Version) -> bool {
        version.base == 3 && matches!(self.yaml, "clevis" | "custom")
    }
}

impl Shape {
    const fn new(name: &'static str, fields: &'static [Field]) -> Self {
        Self { name, first_name: name, of_variant: false, fields, key: Key::None }
    }

    const fn keyed(mut self, key: &'static str) -> Self {
        self.key = Key::Field(key);
        self
    }

    const fn with_key(mut self, key: Key) -> Self {
        self.key = key;
        self
    }

    const fn first_named(mut self, name: &'static str) -> Self {
        self.first_name = name;
        self
    }

    const fn of_variant(mut self) -> Self {
        self.of_variant = true;
        self
    }

    /// The name of Butane's type: `v0_5.File`.
    pub(super) fn type_name(&self, version: &Version) -> String {
        let name = if version.base == 1 { self.first_name } else { self.name };
        if self.of_variant {
            return format!("v{}_{}.{name}", version.major, version.minor);
        }
        // Up to base 0.3 the pin's struct was called otherwise.
        let name = if version.base == 3 && name == "ClevisCustom" { "Custom" } else { name };
        format!("v0_{}.{name}", version.base)
    }

    /// The field of this name in Butane, when the version has it.
    pub(super) fn field(&self, yaml: &str, version: &Version) -> Option<&'static Field> {
        self.fields.iter().find(|field| field.yaml == yaml && field.is_in(version))
    }

    /// The map that a field holds, or the elements of its list.
    pub(super) fn below(&self, json: &str) -> Option<&'static Self> {
        let field = self.fields.iter().find(|field| field.json == json)?;
        match field.kind {
            Kind::Map(shape) | Kind::Maps(shape) => Some(shape),
            _ => None,
        }
    }

    /// What tells this element of a list from others.
    pub(super) fn key_of(&self, fields: &Fields) -> String {
        let text = |name| fields.get(name).and_then(|node| node.text()).unwrap_or_default();
        match self.key {
            Key::None => String::new(),
            Key::Field(name) => text(name).to_owned(),
            Key::Partition => match fields.get("number").and_then(super::node::Node::int) {
                Some(number) if number != 0 => format!("number:{number}"),
                _ if fields.contains_key("label") => format!("label:{}", text("label")),
                _ => String::new(),
            },
        }
    }
}

impl Kind {
    /// The name of Butane's type.
    pub(super) fn type_name(self, version: &Version) -> String {
        match self {
            Self::Bool => "bool".to_owned(),
            Self::Int => "int".to_owned(),
            Self::Text(name) => text_name(name, version),
            Self::Texts(name) => format!("[]{}", text_name(name, version)),
            Self::Map(shape) => shape.type_name(version),
            Self::Maps(shape) if shape.name == "HTTPHeader" => {
                format!("v0_{}.HTTPHeaders", version.base)
            }
            Self::Maps(shape) => format!("[]{}", shape.type_name(version)),
        }
    }
}

/// Later versions took plain text for some of these.
fn text_name(name: &str, version: &Version) -> String {
    let until = match name {
        "" => 0,
        "FilesystemOption" => 1,
        "LuksOption" | "RaidOption" => 4,
        _ => ALWAYS,
    };
    if version.base <= until { format!("v0_{}.{name}", version.base) } else { "string".to_owned() }
}
