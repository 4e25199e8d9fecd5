//! What a plain word means in YAML 1.1, which both programs read: `off` is false, `0644` is 420.
//!
//! The parser here reads YAML 1.2, where these are text.

/// What a value is to one of the programs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Is {
    Null,
    Bool(bool),
    /// `None`: too large to matter.
    Int(Option<i64>),
    Float,
    /// cloud-init's parser makes an object of it, which no key takes.
    Date,
    Text,
    List,
    Map,
}

/// Whose reading.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reader {
    /// go-yaml v1, of coreos-cloudinit.
    Go,
    /// `PyYAML`, of cloud-init.
    Python,
}

const YES: [&str; 6] = ["yes", "Yes", "YES", "on", "On", "ON"];
const NO: [&str; 6] = ["no", "No", "NO", "off", "Off", "OFF"];

/// What a plain word that YAML 1.2 takes for text is; `None` when it is text in YAML 1.1 as well.
pub(crate) fn resolve(word: &str, reader: Reader) -> Option<Is> {
    if YES.contains(&word) {
        return Some(Is::Bool(true));
    }
    if NO.contains(&word) {
        return Some(Is::Bool(false));
    }
    match (reader, word) {
        (Reader::Go, "y" | "Y") => return Some(Is::Bool(true)),
        (Reader::Go, "n" | "N") => return Some(Is::Bool(false)),
        _ => {}
    }
    let digits = word.strip_prefix(['-', '+']).unwrap_or(word);
    if !digits.starts_with(|c: char| c.is_ascii_digit()) {
        return None;
    }
    match reader {
        Reader::Go => number(digits).or_else(|| go_float(digits)),
        Reader::Python if is_date(word) => Some(Is::Date),
        Reader::Python => {
            number(digits).or_else(|| sexagesimal(digits)).or_else(|| python_float(digits))
        }
    }
}

/// Octal, binary, hexadecimal, and numbers with underscores.
fn number(digits: &str) -> Option<Is> {
    let plain = digits.replace('_', "");
    let (radix, body) = match plain.strip_prefix('0') {
        None => (10, plain.as_str()),
        Some("") => (10, "0"),
        Some(rest) => match rest.split_at_checked(1) {
            Some(("x" | "X", hex)) => (16, hex),
            Some(("b" | "B", bits)) => (2, bits),
            _ => (8, rest),
        },
    };
    let fits = !body.is_empty() && body.chars().all(|c| c.is_digit(radix));
    fits.then(|| Is::Int(i64::from_str_radix(body, radix).ok()))
}

/// `08` and `1_0.5`.
fn go_float(digits: &str) -> Option<Is> {
    digits.replace('_', "").parse::<f64>().ok().map(|_| Is::Float)
}

/// `1_0.5` and `190:20:30.15`; not `08`, which is text there.
fn python_float(digits: &str) -> Option<Is> {
    let (whole, fraction) = digits.split_once('.')?;
    let is = |text: &str, more: &str| text.chars().all(|c| c.is_ascii_digit() || more.contains(c));
    (is(whole, "_:") && is(fraction, "_")).then_some(Is::Float)
}

/// `12:30:00` is a number of seconds.
fn sexagesimal(digits: &str) -> Option<Is> {
    let mut parts = digits.split(':');
    let first = parts.next()?;
    let mut total: i64 = first.replace('_', "").parse().ok()?;
    let rest: Vec<&str> = parts.collect();
    if rest.is_empty() || first.starts_with('0') {
        return None;
    }
    for part in rest {
        let value: i64 = part.parse().ok().filter(|value| (0..60).contains(value))?;
        total = total.checked_mul(60)?.checked_add(value)?;
    }
    Some(Is::Int(Some(total)))
}

/// `2032-09-01`, with or without a time behind it.
fn is_date(word: &str) -> bool {
    let (date, time) = word.split_at_checked(10).unwrap_or((word, ""));
    let shape: String = date.chars().map(|c| if c.is_ascii_digit() { '9' } else { c }).collect();
    let follows = time.strip_prefix(['T', 't', ' ', '\t']);
    shape == "9999-99-99" && (time.is_empty() || follows.is_some_and(|time| time.contains(':')))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn yaml_1_1_has_more_booleans() {
        assert_eq!(resolve("off", Reader::Python), Some(Is::Bool(false)));
        assert_eq!(resolve("Yes", Reader::Go), Some(Is::Bool(true)));
        assert_eq!(resolve("y", Reader::Go), Some(Is::Bool(true)));
        assert_eq!(resolve("y", Reader::Python), None);
        assert_eq!(resolve("oFF", Reader::Python), None);
    }

    #[test]
    fn yaml_1_1_has_more_numbers() {
        for reader in [Reader::Go, Reader::Python] {
            assert_eq!(resolve("0644", reader), Some(Is::Int(Some(0o644))));
            assert_eq!(resolve("0b11", reader), Some(Is::Int(Some(3))));
            assert_eq!(resolve("1_000", reader), Some(Is::Int(Some(1000))));
            assert_eq!(resolve("1.2.3.4", reader), None);
            assert_eq!(resolve("12a", reader), None);
        }
        assert_eq!(resolve("08", Reader::Go), Some(Is::Float));
        assert_eq!(resolve("08", Reader::Python), None);
        assert_eq!(resolve("12:30:00", Reader::Python), Some(Is::Int(Some(45_000))));
        assert_eq!(resolve("12:30:00", Reader::Go), None);
        assert_eq!(resolve("12:99", Reader::Python), None);
        assert_eq!(resolve("2032-09-01", Reader::Python), Some(Is::Date));
        assert_eq!(resolve("2032-09-01", Reader::Go), None);
    }
}
