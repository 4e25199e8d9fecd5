//! Literals as Go reads them: <https://go.dev/ref/spec#String_literals> and below.

use crate::ast::Expr;

/// The text of a `"…"` literal, quotes included in `source`.
pub(crate) fn text(source: &str) -> Result<String, String> {
    let inner = source.get(1..source.len().saturating_sub(1)).unwrap_or_default();
    let mut bytes = Vec::with_capacity(inner.len());
    let mut rest = inner;
    while !rest.is_empty() {
        match take(&mut rest, '"')? {
            Unit::Char(c) => bytes.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes()),
            Unit::Byte(byte) => bytes.push(byte),
        }
    }
    String::from_utf8(bytes).map_err(|_| format!("{source} is not UTF-8, which is not supported"))
}

/// The text of a raw literal, backquotes included in `source`.
pub(crate) fn raw(source: &str) -> String {
    source.trim_matches('`').replace('\r', "")
}

/// The number that a `'…'` literal stands for.
pub(crate) fn character(source: &str) -> Result<Expr, String> {
    let mut rest = source.get(1..source.len().saturating_sub(1)).unwrap_or_default();
    let bad = || format!("{source} is not one character");
    if rest.is_empty() {
        return Err(bad());
    }
    let value = match take(&mut rest, '\'')? {
        Unit::Char(c) => i64::from(u32::from(c)),
        Unit::Byte(byte) => i64::from(byte),
    };
    if rest.is_empty() { Ok(Expr::Int(value)) } else { Err(bad()) }
}

enum Unit {
    Char(char),
    Byte(u8),
}

fn take(rest: &mut &str, quote: char) -> Result<Unit, String> {
    let mut chars = rest.chars();
    let first = chars.next().unwrap_or_default();
    if first != '\\' {
        *rest = chars.as_str();
        return Ok(Unit::Char(first));
    }
    let escape = chars.next().unwrap_or_default();
    let simple = match escape {
        'a' => '\u{7}',
        'b' => '\u{8}',
        'f' => '\u{c}',
        'n' => '\n',
        'r' => '\r',
        't' => '\t',
        'v' => '\u{b}',
        '\\' => '\\',
        c if c == quote => c,
        'x' | 'u' | 'U' | '0'..='7' => return coded(rest, escape),
        _ => return Err(format!("`\\{}` is not an escape", escape.escape_debug())),
    };
    *rest = chars.as_str();
    Ok(Unit::Char(simple))
}

/// `\xHH`, `\uHHHH`, `\UHHHHHHHH` or `\OOO`.
fn coded(rest: &mut &str, escape: char) -> Result<Unit, String> {
    let (skip, length, radix) = match escape {
        'x' => (2, 2, 16),
        'u' => (2, 4, 16),
        'U' => (2, 8, 16),
        _ => (1, 3, 8),
    };
    let bad = || format!("the escape that begins with `\\{escape}` is not complete");
    let digits = rest.get(skip..skip + length).ok_or_else(bad)?;
    if !digits.chars().all(|c| c.is_digit(radix)) {
        return Err(bad());
    }
    let code = u32::from_str_radix(digits, radix).map_err(|_| bad())?;
    let unit = if length > 3 {
        Unit::Char(char::from_u32(code).ok_or_else(|| format!("{digits} is not a character"))?)
    } else {
        Unit::Byte(u8::try_from(code).map_err(|_| format!("\\{digits} is more than one byte"))?)
    };
    *rest = rest.get(skip + length..).unwrap_or_default();
    Ok(unit)
}

/// A number: an int if it looks like one, else a float64, as Go's untyped constants.
pub(crate) fn number(source: &str) -> Result<Expr, String> {
    let (negative, digits) = match source.as_bytes().first() {
        Some(b'-') => (true, source.get(1..).unwrap_or_default()),
        Some(b'+') => (false, source.get(1..).unwrap_or_default()),
        _ => (false, source),
    };
    let bad = || format!("`{source}` is not a number");
    let lower = digits.to_ascii_lowercase();
    let (radix, body) = match lower.get(..2) {
        Some("0x") => (16, lower.get(2..).unwrap_or_default()),
        Some("0b") => (2, lower.get(2..).unwrap_or_default()),
        Some("0o") => (8, lower.get(2..).unwrap_or_default()),
        _ => (10, lower.as_str()),
    };
    let has_point = body.contains('.') || (radix == 10 && body.contains('e')) || body.contains('p');
    if lower.ends_with('i') {
        return Err(format!("`{source}`: complex numbers are not supported"));
    }
    if has_point && (radix != 10 || lower.contains('_')) {
        return Err(format!("`{source}`: write a float in plain decimal"));
    }
    if has_point {
        let plain = digits.bytes().all(|b| b.is_ascii_digit() || b".eE+-".contains(&b));
        let value: f64 = digits.parse().map_err(|_| bad())?;
        if !plain || !value.is_finite() {
            return Err(bad());
        }
        return Ok(Expr::Float(if negative { -value } else { value }));
    }
    integer(negative, radix, body).ok_or_else(bad)
}

fn integer(negative: bool, radix: u32, body: &str) -> Option<Expr> {
    let old_octal = radix == 10 && body.len() > 1 && body.starts_with('0');
    let radix = if old_octal { 8 } else { radix };
    // An underscore stands between digits, or behind a prefix.
    let prefixed = radix != 10;
    let misplaced =
        body.ends_with('_') || body.contains("__") || (body.starts_with('_') && !prefixed);
    let digits: String = body.chars().filter(|c| *c != '_').collect();
    if misplaced || digits.is_empty() || !digits.chars().all(|c| c.is_digit(radix)) {
        return None;
    }
    let magnitude = i128::from_str_radix(&digits, radix).ok()?;
    i64::try_from(if negative { -magnitude } else { magnitude }).ok().map(Expr::Int)
}
