//! Scalars as Go's YAML reads them into fields of known types, which is not quite how ours does.

use yaml::{Item, Value};

use super::Reader;

impl Reader<'_, '_> {
    /// The words of YAML 1.1 count too, in quotes or not.
    pub(super) fn boolean(item: &Item) -> Option<bool> {
        match &item.value {
            Value::Bool(value) => Some(*value),
            Value::Text(text) => match text.as_str() {
                "y" | "Y" | "yes" | "Yes" | "YES" | "on" | "On" | "ON" => Some(true),
                "n" | "N" | "no" | "No" | "NO" | "off" | "Off" | "OFF" => Some(false),
                _ => None,
            },
            _ => None,
        }
    }

    /// `0644` is octal, and digits may be parted by `_`.
    pub(super) fn integer(&self, item: &Item) -> Option<i64> {
        match &item.value {
            Value::Number(Ok(number)) => {
                number.as_i64().or_else(|| number.as_f64().and_then(whole))
            }
            Value::Text(text) => go_integer(text).filter(|_| !self.is_quoted(item, text)),
            _ => None,
        }
    }

    /// A number or boolean that is wanted as text is what stands in the file.
    pub(super) fn string(&self, item: &Item) -> Option<String> {
        match &item.value {
            Value::Text(text) => Some(text.clone()),
            Value::Bool(_) | Value::Number(_) => Some(self.as_written(item)),
            _ => None,
        }
    }

    /// A value as Go's YAML names it in faults.
    pub(super) fn described(&self, item: &Item) -> String {
        let (tag, text) = match &item.value {
            Value::Map(_) => return "!!map".to_owned(),
            Value::List(_) => return "!!seq".to_owned(),
            Value::Null => ("!!null", String::new()),
            Value::Bool(_) => ("!!bool", self.as_written(item)),
            Value::Number(Ok(number)) if !number.is_f64() => ("!!int", self.as_written(item)),
            Value::Number(_) => ("!!float", self.as_written(item)),
            Value::Text(text) if go_integer(text).is_some() && !self.is_quoted(item, text) => {
                ("!!int", text.clone())
            }
            Value::Text(text) => ("!!str", text.clone()),
        };
        if text.len() > 10 {
            let cut = (0..=7).rev().find(|end| text.is_char_boundary(*end)).unwrap_or(0);
            return format!("{tag} `{}...`", text.get(..cut).unwrap_or_default());
        }
        format!("{tag} `{text}`")
    }

    /// A number or boolean as it stands in the file. To look there costs a reading of the whole file, so it
    /// is only done where the file holds a spelling that is not the plain one.
    fn as_written(&self, item: &Item) -> String {
        let has_any = |words: &[&str]| words.iter().any(|word| self.text.contains(word));
        let (plain, may_differ) = match &item.value {
            Value::Bool(value) => (value.to_string(), has_any(&["True", "TRUE", "False", "FALSE"])),
            Value::Number(Ok(number)) if !number.is_f64() => {
                (number.to_string(), has_any(&["0x", "0o", "0b", "+"]))
            }
            Value::Number(Ok(number)) => (number.to_string(), true),
            Value::Number(Err(number)) => (number.to_string(), true),
            _ => return String::new(),
        };
        if !may_differ {
            return plain;
        }
        let written: String = self.source(item).take_while(|c| is_of_number(*c)).collect();
        if written.is_empty() { plain } else { written }
    }

    /// Looks for the place only when these digits stand in quotes behind some key.
    fn is_quoted(&self, item: &Item, text: &str) -> bool {
        let known = self.quoted.borrow().get(text).copied();
        let somewhere = known.unwrap_or_else(|| {
            let found = ['"', '\''].iter().any(|q| {
                let quoted = format!("{q}{text}{q}");
                let mut places = self.text.match_indices(&quoted);
                places.any(|(at, _)| {
                    self.text.get(..at).is_some_and(|before| before.trim_end().ends_with(':'))
                })
            });
            self.quoted.borrow_mut().insert(text.to_owned(), found);
            found
        });
        somewhere && self.source(item).next().is_some_and(|c| matches!(c, '"' | '\''))
    }

    /// The file from where a value stands.
    fn source(&self, item: &Item) -> impl Iterator<Item = char> {
        let (line, column) = self.report.locate(item.spot);
        let line = self.text.lines().nth(line.saturating_sub(1)).unwrap_or_default();
        line.chars().skip(column.saturating_sub(1))
    }
}

fn is_of_number(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '+' | '-' | '.' | '_')
}

/// A number without a fraction.
fn whole(number: f64) -> Option<i64> {
    // Beyond 2^53 not every whole number is there any more.
    let is_whole = number.fract() == 0.0 && number.abs() <= 9_007_199_254_740_992.0;
    is_whole.then(|| format!("{number:.0}").parse().ok())?
}

/// Whole numbers that our YAML takes for text: with a leading zero (octal, but decimal when there is an 8 or
/// 9 in it) or with `_`.
fn go_integer(text: &str) -> Option<i64> {
    let (sign, digits) = match text.strip_prefix('-') {
        Some(digits) => ("-", digits),
        None => ("", text.strip_prefix('+').unwrap_or(text)),
    };
    let digits = digits.replace('_', "");
    if !text.contains(|c: char| c.is_ascii_digit()) || !digits.bytes().all(|c| c.is_ascii_digit()) {
        return None;
    }
    let is_octal = digits.starts_with('0') && digits.bytes().all(|c| c < b'8');
    let radix = if is_octal { 8 } else { 10 };
    i64::from_str_radix(&format!("{sign}{digits}"), radix).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whole_numbers_are_read_as_go_reads_them() {
        assert_eq!(go_integer("0644"), Some(0o644));
        assert_eq!(go_integer("-010"), Some(-8));
        assert_eq!(go_integer("089"), Some(89));
        assert_eq!(go_integer("1_000"), Some(1000));
        for wrong in ["", "_", "-", "0x", "1.5", "644 ", "a1", "99999999999999999999"] {
            assert_eq!(go_integer(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn a_float_without_a_fraction_is_a_whole_number() {
        assert_eq!(whole(1e3), Some(1000));
        assert_eq!(whole(-2.0), Some(-2));
        for wrong in [1.5, f64::INFINITY, f64::NAN, 1e300] {
            assert_eq!(whole(wrong), None);
        }
    }
}
