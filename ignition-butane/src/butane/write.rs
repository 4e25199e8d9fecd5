//! Ignition's JSON, byte for byte as Butane prints it.

use std::fmt::Write;

use super::node::{Fields, Node, Value};
use super::shape::{CONFIG, Field, Kind, Shape};
use super::version::Version;

/// Compact JSON with one newline behind it.
pub(super) fn json(config: &Node, version: &Version) -> String {
    let mut out = String::new();
    if let Some(fields) = config.fields() {
        map(&mut out, fields, &CONFIG, version);
    }
    out.push('\n');
    out
}

fn map(out: &mut String, fields: &Fields, shape: &Shape, version: &Version) {
    out.push('{');
    let mut first = true;
    for field in shape.fields.iter().filter(|field| !field.json.is_empty()) {
        let node = fields.get(field.json);
        let is_printed = field.is_required_in(version)
            || node.is_some_and(|node| {
                !node.is_empty() || (field.prints_empty_map(version) && node.fields().is_some())
            });
        if !is_printed {
            continue;
        }
        if !first {
            out.push(',');
        }
        first = false;
        text(out, field.json);
        out.push(':');
        match node {
            Some(node) => value(out, node, field, version),
            None => absent(out, field),
        }
    }
    out.push('}');
}

fn value(out: &mut String, node: &Node, field: &Field, version: &Version) {
    match (&node.value, field.kind) {
        (Value::Map(fields), Kind::Map(shape) | Kind::Maps(shape)) => {
            map(out, fields, shape, version);
        }
        (Value::List(nodes), _) => {
            out.push('[');
            for (index, node) in nodes.iter().enumerate() {
                if index > 0 {
                    out.push(',');
                }
                value(out, node, field, version);
            }
            out.push(']');
        }
        (Value::Text(value), _) => text(out, value),
        (Value::Int(value), _) => {
            let _ = write!(out, "{value}");
        }
        (Value::Bool(value), _) => {
            let _ = write!(out, "{value}");
        }
        (Value::Map(_), _) => out.push_str("{}"),
    }
}

/// A field that is printed although nothing was given.
fn absent(out: &mut String, field: &Field) {
    out.push_str(match field.kind {
        Kind::Map(_) => "{}",
        // Not as Go prints it, but Ignition's checks say then what is missing, and it is never served.
        Kind::Maps(_) | Kind::Texts(_) => "[]",
        _ => "\"\"",
    });
}

/// A string as Go escapes it for JSON inside of HTML.
fn text(out: &mut String, text: &str) {
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\u{0}'..='\u{1f}' | '<' | '>' | '&' | '\u{2028}' | '\u{2029}' => {
                let _ = write!(out, "\\u{:04x}", u32::from(c));
            }
            _ => out.push(c),
        }
    }
    out.push('"');
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_escaped_as_go_does_it() {
        let mut out = String::new();
        text(&mut out, "a\"\\\n\r\t\u{1}\u{8}<>&\u{2028}\u{7f}é\u{fffd}");
        assert_eq!(
            out,
            "\"a\\\"\\\\\\n\\r\\t\\u0001\\u0008\\u003c\\u003e\\u0026\\u2028\u{7f}é\u{fffd}\""
        );
    }
}
