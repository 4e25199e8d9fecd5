//! Go's quoting of strings and characters: `strconv.Quote` and `QuoteRune`.

use std::fmt::Write as _;

/// `text` within `quote`s, escaped; `ascii` escapes everything beyond ASCII too.
pub(crate) fn quote(text: &str, quote: char, ascii: bool) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    out.push(quote);
    for c in text.chars() {
        match c {
            '\u{7}' => out.push_str("\\a"),
            '\u{8}' => out.push_str("\\b"),
            '\u{c}' => out.push_str("\\f"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\u{b}' => out.push_str("\\v"),
            c if c == quote || c == '\\' => {
                out.push('\\');
                out.push(c);
            }
            c if is_printable(c) && (c.is_ascii() || !ascii) => out.push(c),
            c => escape(&mut out, u32::from(c)),
        }
    }
    out.push(quote);
    out
}

fn escape(out: &mut String, code: u32) {
    // Writing to a String does not fail.
    let _ = match code {
        0..0x80 => write!(out, "\\x{code:02x}"),
        0x80..0x1_0000 => write!(out, "\\u{code:04x}"),
        _ => write!(out, "\\U{code:08x}"),
    };
}

/// Go's `unicode.IsPrint`: letters, marks, numbers, punctuation, symbols, and the ASCII space.
pub(crate) fn is_printable(c: char) -> bool {
    if c.is_ascii() {
        return matches!(c, ' '..='~');
    }
    // Behind another character a mark stands as it is, so only what cannot be printed is escaped.
    let text: String = ['x', c].iter().collect();
    text.escape_debug().nth(1) == Some(c)
}
