//! `data:` URLs (RFC 2397), as strict as the parser that Ignition uses.

use base64::alphabet::STANDARD;
use base64::engine::{DecodePaddingMode, Engine, GeneralPurpose, GeneralPurposeConfig};

/// Go's decoder, which Ignition uses, wants padding and ignores bits left over.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new()
        .with_decode_padding_mode(DecodePaddingMode::RequireCanonical)
        .with_decode_allow_trailing_bits(true),
);

const TYPES: [&str; 7] = ["text", "image", "audio", "video", "application", "message", "multipart"];

/// The bytes that a `data:` URL holds, or what is wrong with it.
pub(super) fn decode(url: &str) -> Result<Vec<u8>, String> {
    let rest = url.strip_prefix("data:").ok_or("it has to begin with `data:` in small letters")?;
    let (base64, data) = header(rest)?;
    if base64 {
        if let Some(bad) = data.chars().find(|c| !is_base64(*c)) {
            return Err(format!("{bad:?} cannot be in base64"));
        }
        let text: String = data.chars().filter(|c| *c != '\n').collect();
        return BASE64.decode(text).map_err(|error| format!("the base64 is broken: {error}"));
    }
    if let Some(bad) = data.chars().find(|c| !is_url_char(*c)) {
        return Err(format!("{bad:?} has to be written as {}", escaped(bad)));
    }
    unescape(data)
}

/// Whether the data is in base64, and the data.
fn header(text: &str) -> Result<(bool, &str), String> {
    let (mut rest, mut base64) = (text, false);
    if !rest.starts_with([';', ',']) {
        let end = token_end(rest);
        let (major, after) = rest.split_at(end);
        let Some(after) = after.strip_prefix('/') else {
            return Err("a comma has to stand before the data: `data:,text`".to_owned());
        };
        let private =
            major.len() > 2 && major.get(..2).is_some_and(|x| x.eq_ignore_ascii_case("x-"));
        if !private && !TYPES.iter().any(|known| major.starts_with(known)) {
            return Err(format!("{major:?} is no media type"));
        }
        rest = after.get(token_end(after)..).unwrap_or_default();
    }
    loop {
        if let Some(data) = rest.strip_prefix(',') {
            return Ok((base64, data));
        }
        let Some(parameter) = rest.strip_prefix(';') else {
            return Err("a comma has to stand before the data".to_owned());
        };
        let (name, after) = parameter.split_at(token_end(parameter));
        if let Some(value) = after.strip_prefix('=').filter(|_| !name.is_empty()) {
            rest = parameter_value(value)?;
        } else if name == "base64" && after.starts_with(',') {
            (base64, rest) = (true, after);
        } else {
            return Err(format!(
                "`;{name}` is no parameter; `;base64` stands last, before the comma"
            ));
        }
    }
}

/// What comes after a parameter's value.
fn parameter_value(text: &str) -> Result<&str, String> {
    let Some(quoted) = text.strip_prefix('"') else {
        let (value, rest) = text.split_at(token_end(text));
        if value.is_empty() {
            return Err("a parameter has no value".to_owned());
        }
        return unescape(value).map(|_| rest);
    };
    let mut escaped = false;
    for (at, c) in quoted.char_indices() {
        match c {
            _ if !c.is_ascii() => break,
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '"' => return Ok(quoted.get(at + 1..).unwrap_or_default()),
            _ => {}
        }
    }
    Err("the quotes of a parameter do not end".to_owned())
}

fn token_end(text: &str) -> usize {
    text.find(|c: char| !c.is_ascii_graphic() || "()<>@,;:\\\"/[]?=".contains(c))
        .unwrap_or(text.len())
}

fn is_base64(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '+' | '/' | '=' | '\n')
}

fn is_url_char(c: char) -> bool {
    c.is_ascii_graphic() && !"<>#\"{}|\\^[]`".contains(c)
}

fn escaped(c: char) -> String {
    percent_encoding::utf8_percent_encode(&c.to_string(), percent_encoding::NON_ALPHANUMERIC)
        .to_string()
}

fn unescape(text: &str) -> Result<Vec<u8>, String> {
    let bytes = text.as_bytes();
    let whole = bytes.iter().enumerate().filter(|(_, b)| **b == b'%').all(|(at, _)| {
        bytes.get(at + 1..at + 3).is_some_and(|two| two.iter().all(u8::is_ascii_hexdigit))
    });
    if !whole {
        return Err("a `%` has to be followed by two hex digits; write %25 for itself".to_owned());
    }
    Ok(percent_encoding::percent_decode_str(text).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_forms_that_ignition_takes_are_decoded() {
        for (url, bytes) in [
            ("data:,", &b""[..]),
            ("data:,a%20b%0A", b"a b\n"),
            ("data:;base64,aGk=", b"hi"),
            ("data:;base64,aG\nk=", b"hi"),
            ("data:text/plain,x?y&z", b"x?y&z"),
            ("data:text/plain;charset=utf-8;base64,aGk=", b"hi"),
            ("data:x-mine/thing;a=\"q;\\\"\",1", b"1"),
            ("data:application/octet-stream;base64,", b""),
        ] {
            assert_eq!(decode(url).as_deref(), Ok(bytes), "{url}");
        }
    }

    #[test]
    fn the_forms_that_ignition_refuses_are_refused() {
        for url in [
            "DATA:,x",
            "data:",
            "data:x",
            "data:foo/bar,x",
            "data:text,x",
            "data:;,x",
            "data:;base64;a=b,x",
            "data:;base32,x",
            "data:;base64,aGk",
            "data:;base64,a b=",
            "data:;base64,%61",
            "data:,a b",
            "data:,50%",
            "data:,%zz",
            "data:,ä",
            "data:;a=,x",
            "data:;a=\"x,y",
            "data:text/plain",
            "data:;=x,",
        ] {
            assert!(decode(url).is_err(), "{url}");
        }
    }
}
