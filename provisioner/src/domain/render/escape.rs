//! Values into languages: each function makes any text harmless in one of them.

use std::fmt::Write as _;

use serde_json::Value;

use super::refused;

/// A scalar of YAML 1.1 and 1.2, in block and flow context, alone or in the middle of a plain scalar.
///
/// Text that is plain to every reader stays as it is; all other becomes a double-quoted string in which
/// whatever means something to YAML is a `\u` escape, so that not even a template that puts it in the
/// middle of a plain scalar lets it begin a key, a comment or a line. What a plain value means is YAML's
/// to say (`true`, `12`); `{{quote x}}` makes it text.
pub(super) fn yaml(text: &str) -> String {
    if is_plain_yaml(text) {
        return text.to_owned();
    }
    let mut out = String::from("\"");
    for c in text.chars() {
        match c {
            'a'..='z' | 'A'..='Z' | '0'..='9' | ' ' | '.' | '_' | '-' | '/' | '@' | '+' | '=' => {
                out.push(c);
            }
            _ => push_unicode_escape(&mut out, c),
        }
    }
    out.push('"');
    out
}

fn is_plain_yaml(text: &str) -> bool {
    let first = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '/');
    let inner = |c: char| c.is_ascii_alphanumeric() || "_/.@+=-: #~()".contains(c);
    let last = |c: char| c.is_ascii_alphanumeric() || "_/.@+=-~()".contains(c);
    text.starts_with(first)
        && text.ends_with(last)
        && text.chars().all(inner)
        && !text.contains(": ")
        && !text.contains(" #")
        && !text.starts_with("---")
}

/// YAML knows `\u` with four hex digits and `\U` with eight, but no surrogates; JSON has none of these templates.
fn push_unicode_escape(out: &mut String, c: char) {
    let code = u32::from(c);
    // Writing to a String cannot fail.
    let _ = if code > 0xffff { write!(out, "\\U{code:08x}") } else { write!(out, "\\u{code:04x}") };
}

/// The inside of a JSON string, harmless outside of one too: nothing in it can end a string or a value.
pub(super) fn json_inside(text: &str) -> String {
    let mut out = String::new();
    for c in text.chars() {
        if c.is_control()
            || matches!(c, '"' | '\\' | ',' | ':' | '{' | '}' | '[' | ']' | '\u{2028}' | '\u{2029}')
        {
            let _ = write!(out, "\\u{:04x}", u32::from(c));
        } else {
            out.push(c);
        }
    }
    out
}

/// One plain word of a POSIX shell, in quotes or not; all else is refused.
pub(super) fn shell(text: &str) -> String {
    let ok = !text.is_empty() && is_one_word(text);
    if ok { text.to_owned() } else { refused::mark(text) }
}

/// Any text as one word of a POSIX shell (XCU 2.2.2), where no quotes are open. NUL cannot be in one and is left
/// out.
pub(super) fn shell_quoted(text: &str) -> String {
    format!("'{}'", text.replace('\0', "").replace('\'', r"'\''"))
}

/// Letters, digits and signs that mean nothing to any shell.
pub(super) fn is_one_word(text: &str) -> bool {
    text.bytes().all(|b| b.is_ascii_alphanumeric() || b"._-/:@+=,%".contains(&b))
}

/// JSON that is YAML as well, wherever it stands: in its strings whatever means something to YAML, in quotes of
/// either kind or outside of them, is a `\u` escape.
pub(super) fn json_in_yaml(value: &Value) -> String {
    let mut out = String::new();
    push_json(&mut out, value);
    out
}

fn push_json(out: &mut String, value: &Value) {
    match value {
        Value::String(text) => push_json_text(out, text),
        Value::Array(list) => {
            let mut before = '[';
            for item in list {
                out.push(before);
                push_json(out, item);
                before = ',';
            }
            out.push_str(if list.is_empty() { "[]" } else { "]" });
        }
        Value::Object(map) => {
            let mut before = '{';
            for (key, item) in map {
                out.push(before);
                push_json_text(out, key);
                out.push(':');
                push_json(out, item);
                before = ',';
            }
            out.push_str(if map.is_empty() { "{}" } else { "}" });
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => out.push_str(&value.to_string()),
    }
}

fn push_json_text(out: &mut String, text: &str) {
    out.push('"');
    for c in text.chars() {
        match c {
            _ if c.is_ascii_alphanumeric() || " ._-/@+=~()".contains(c) => out.push(c),
            // JSON has no escape for what lies beyond U+FFFF that YAML understands as well.
            '\0'..='\u{a0}' | '\u{2028}' | '\u{2029}' | '\u{feff}' => push_unicode_escape(out, c),
            _ => out.push(c),
        }
    }
    out.push('"');
}

/// One word of iPXE: a line is split at blanks before its variables are expanded, and nothing quotes. Values
/// that are an operator, a comment, a variable or more than one word are refused.
pub(super) fn ipxe(text: &str) -> String {
    let operator = !text.is_empty() && text.chars().all(|c| "|&;".contains(c));
    let word = text.bytes().all(|b| b.is_ascii_graphic() && !b"$\\".contains(&b));
    if word && !operator && !text.starts_with('#') { text.to_owned() } else { refused::mark(text) }
}

/// One word of GRUB's script, in quotes or not (GRUB manual, "Quoting"): what means something in either is
/// refused.
pub(super) fn grub(text: &str) -> String {
    let word = text.bytes().all(|b| b.is_ascii_alphanumeric() || b"._-/:@+=,%~".contains(&b));
    if word { text.to_owned() } else { refused::mark(text) }
}

/// A string of GRUB's script in double quotes, which holds any line.
pub(super) fn grub_quoted(text: &str) -> String {
    if text.chars().any(char::is_control) {
        return refused::mark(text);
    }
    let mut out = String::from("\"");
    for c in text.chars() {
        if matches!(c, '"' | '\\' | '$') {
            out.push('\\');
        }
        out.push(c);
    }
    out.push('"');
    out
}

/// Text of a language that nobody here knows: it keeps to its line.
pub(super) fn plain(text: &str) -> String {
    if text.chars().any(|c| c.is_control() && c != '\t') || text.contains(['\u{2028}', '\u{2029}'])
    {
        refused::mark(text)
    } else {
        text.to_owned()
    }
}
