//! Strict reading of what people write in YAML or JSON: every fault at once, each with its place.
//!
//! Derived deserializers stop at the first fault of a file and let a repeated key of a map win in silence.
//! Here a file becomes a tree that keeps every entry and remembers where each node stands; readers walk it
//! by [`Field`] and [`Map`], note what does not fit in [`Faults`], and go on.

mod dialect;
mod fault;
mod field;
mod finding;
mod map;
mod tree;
mod units;

pub use dialect::Dialect;
pub use fault::{Fault, Faults, did_you_mean};
pub use field::Field;
pub use finding::{Finding, Severity};
pub use map::{Keys, Map};
pub use tree::{Entry, Item, Spot, Value};
pub use units::{bytes, seconds};

use std::path::Path;

/// A file that was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourceFile {
    /// Its name; in a catalog the path relative to it, with `/`: `groups/x.yaml`.
    pub path: String,
    /// What is in it.
    pub text: String,
}

/// Whether a file's name says that it is JSON.
pub fn is_json(path: &str) -> bool {
    Path::new(path).extension().is_some_and(|ext| ext.eq_ignore_ascii_case("json"))
}

#[cfg(test)]
mod tests;
