//! Values that cannot stand where a template puts them. An escape function can only give text: so it gives a
//! mark, which is looked for before anything is sent.

use serde_json::Value;

use super::escape;

/// Noncharacters, which no text of a catalog or machine may hold (Unicode 16 section 23.7).
const BEGIN: char = '\u{fdd0}';
const END: char = '\u{fdd1}';

/// Stands for a value that is refused.
pub(super) fn mark(value: &str) -> String {
    format!("{BEGIN}{}{END}", value.replace([BEGIN, END], "?"))
}

/// A value without its mark.
pub(super) fn unmarked(value: &str) -> String {
    value.replace([BEGIN, END], "")
}

/// Marks what a machine says of itself, in keys as in values, where it is more than one plain word: for
/// languages that nobody here knows.
pub(super) fn mark_machine(root: &mut Value) {
    if let Some(request) = root.get_mut("request") {
        mark_words(request);
    }
    let Some(Value::Object(node)) = root.get_mut("node") else { return };
    // Tags are the operator's and the catalog's.
    for (_, value) in node.iter_mut().filter(|(key, _)| *key != "tags") {
        mark_words(value);
    }
}

fn mark_words(value: &mut Value) {
    match value {
        Value::String(text) if !escape::is_one_word(text) => *text = mark(text),
        Value::Array(list) => list.iter_mut().for_each(mark_words),
        Value::Object(map) => {
            let entries = std::mem::take(map).into_iter().map(|(key, mut value)| {
                mark_words(&mut value);
                (if escape::is_one_word(&key) { key } else { mark(&key) }, value)
            });
            *map = entries.collect();
        }
        _ => {}
    }
}

/// The first refused value, with the line that it would stand in.
pub(super) fn first(text: &str) -> Option<(usize, &str)> {
    let (before, rest) = text.split_once(BEGIN)?;
    let value = rest.split(END).next().unwrap_or(rest);
    Some((before.matches('\n').count() + 1, value))
}

/// Whether a template itself has a mark in it.
pub(super) fn is_forged(text: &str) -> bool {
    text.contains([BEGIN, END])
}
