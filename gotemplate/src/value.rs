//! Values as Go has them while a template runs.

use std::rc::Rc;

use serde_json::{Map, Value};

/// A value, borrowed from the data or from the template where that is possible.
#[derive(Debug, Clone)]
pub(crate) enum Val<'a> {
    /// `nil`, JSON's null, and the value of a key that a map lacks.
    Nil,
    Bool(bool),
    Int(i64),
    /// What `index` gives of a string.
    Byte(u8),
    Float(f64),
    Str(&'a str),
    /// A string that a function made.
    Made(Rc<str>),
    List(&'a [Value]),
    /// A map; `true` when Go has it as `map[string]string`.
    Map(&'a Map<String, Value>, bool),
}

/// A value and whether it derives from one that comes from outside.
#[derive(Debug, Clone)]
pub(crate) struct Tagged<'a> {
    pub(crate) val: Val<'a>,
    pub(crate) tainted: bool,
}

impl<'a> Val<'a> {
    pub(crate) fn of(json: &'a Value) -> Self {
        match json {
            Value::Null => Self::Nil,
            Value::Bool(flag) => Self::Bool(*flag),
            Value::Number(number) => Self::Float(number.as_f64().unwrap_or(f64::NAN)),
            Value::String(text) => Self::Str(text),
            Value::Array(items) => Self::List(items),
            Value::Object(map) => Self::Map(map, false),
        }
    }

    pub(crate) fn made(text: String) -> Self {
        Self::Made(text.into())
    }

    /// As `if` sees it.
    pub(crate) fn is_true(&self) -> bool {
        match self {
            Self::Nil => false,
            Self::Bool(flag) => *flag,
            Self::Int(number) => *number != 0,
            Self::Byte(byte) => *byte != 0,
            Self::Float(number) => *number != 0.0,
            Self::Str(text) => !text.is_empty(),
            Self::Made(text) => !text.is_empty(),
            Self::List(items) => !items.is_empty(),
            Self::Map(map, _) => !map.is_empty(),
        }
    }

    pub(crate) fn as_str(&self) -> Option<&str> {
        match self {
            Self::Str(text) => Some(text),
            Self::Made(text) => Some(text),
            _ => None,
        }
    }

    /// Go's name of its type.
    pub(crate) fn type_name(&self) -> &'static str {
        match self {
            Self::Nil => "<nil>",
            Self::Bool(_) => "bool",
            Self::Int(_) => "int",
            Self::Byte(_) => "uint8",
            Self::Float(_) => "float64",
            Self::Str(_) | Self::Made(_) => "string",
            Self::List(_) => "[]interface {}",
            Self::Map(_, false) => "map[string]interface {}",
            Self::Map(_, true) => "map[string]string",
        }
    }

    /// Its type in words, for messages.
    pub(crate) fn kind(&self) -> &'static str {
        match self {
            Self::Nil => "null",
            Self::Bool(_) => "a boolean",
            Self::Int(_) => "an int",
            Self::Byte(_) => "a byte",
            Self::Float(_) => "a float64 (as every number of the data is)",
            Self::Str(_) | Self::Made(_) => "a string",
            Self::List(_) => "a list",
            Self::Map(..) => "a map",
        }
    }
}

/// The entries of a map in the order of their keys, as Go ranges over and prints them.
pub(crate) fn sorted(map: &Map<String, Value>) -> Vec<(&str, &Value)> {
    let mut entries: Vec<_> = map.iter().map(|(key, value)| (key.as_str(), value)).collect();
    entries.sort_unstable_by_key(|(key, _)| *key);
    entries
}
