//! What users nest as they like, for their templates.

use yaml::{Map, is_json};

use crate::domain::render::HELPERS;

/// Metadata as users nest it.
pub type Metadata = serde_json::Map<String, serde_json::Value>;

/// What templates find at their root beside metadata.
const RESERVED: [&str; 7] =
    ["node", "group", "profile", "metadata", "request", "server", "secrets"];

/// `metadata`; empty when absent. Its keys lie at the root of templates too, so those that mean something
/// there are taken.
pub(super) fn read(fields: &Map<'_>, file: &str) -> Metadata {
    let entries = fields.get("metadata").and_then(|field| field.entries("a map"));
    let mut out = Metadata::new();
    for (key, field) in entries.unwrap_or_default() {
        // matchbox's own files are for Go's templates, which look for metadata first.
        let taken = RESERVED.contains(&key) || HELPERS.contains(&key);
        if taken && !is_json(file) {
            let message = "templates know something else by this name; choose another";
            field.fault_at_key::<()>(message, None);
        }
        out.insert(key.to_owned(), field.json());
    }
    out
}
