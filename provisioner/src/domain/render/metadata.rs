//! matchbox's `/metadata`: an environment file.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde_json::Value;

use super::Context;

/// `KEY=value` lines: metadata, selectors over it, the request over both. Nested keys are joined by `_`;
/// lists and nulls have no form here and are left out, as in matchbox. Sorted, so that a signature fits.
///
/// Unlike matchbox a value keeps to its line: control characters become blanks.
pub fn env(context: &Context) -> String {
    let mut lines = BTreeMap::new();
    for (key, value) in &context.metadata {
        flatten(&key.to_uppercase(), value, &mut lines);
    }
    for (key, value) in &context.group.selector {
        flatten(&key.to_uppercase(), value, &mut lines);
    }
    lines.retain(|key, _| !key.starts_with("REQUEST_") && key != "REQUEST");
    for (key, value) in &context.request.query {
        lines.insert(format!("REQUEST_QUERY_{}", key.to_uppercase()), value.clone());
    }
    lines.insert("REQUEST_RAW_QUERY".to_owned(), context.request.raw_query.clone());
    let mut out = String::new();
    for (key, value) in lines {
        let _ = writeln!(out, "{}={}", name(&key), value.replace(char::is_control, " "));
    }
    out
}

/// A key that cannot end its line or its name early.
fn name(key: &str) -> String {
    key.replace(|c: char| c.is_control() || c == '=', "_")
}

fn flatten(key: &str, value: &Value, lines: &mut BTreeMap<String, String>) {
    let text = match value {
        Value::Object(map) => {
            for (inner, value) in map {
                flatten(&format!("{key}_{}", inner.to_uppercase()), value, lines);
            }
            return;
        }
        Value::Array(_) | Value::Null => return,
        Value::Bool(value) => value.to_string(),
        Value::Number(number) => number.as_f64().map(go_float).unwrap_or_default(),
        Value::String(text) => text.clone(),
    };
    lines.insert(key.to_owned(), text);
}

/// Go's `%v` of a float64, which all of matchbox's numbers are: the shortest digits, with an exponent below
/// 1e-4 and from 1e6 on (strconv, format `g`).
fn go_float(number: f64) -> String {
    let scientific = format!("{number:e}");
    let (digits, exponent) = scientific.split_once('e').unwrap_or((&scientific, "0"));
    let exponent: i32 = exponent.parse().unwrap_or(0);
    if (-4..6).contains(&exponent) {
        return number.to_string();
    }
    let sign = if exponent < 0 { '-' } else { '+' };
    format!("{digits}e{sign}{:02}", exponent.abs())
}
