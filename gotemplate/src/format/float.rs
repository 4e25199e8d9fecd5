//! float64 as Go's `strconv.FormatFloat` writes it.

use super::{Printer, Spec};
use crate::value::Val;

impl Printer {
    pub(super) fn float(&mut self, val: &Val<'_>, number: f64, spec: &Spec) -> Result<(), String> {
        let magnitude = number.abs();
        let text = match spec.verb {
            'v' | 'g' => general(magnitude, spec.precision),
            'G' => general(magnitude, spec.precision).to_uppercase(),
            'e' => exponent(magnitude, spec.precision.unwrap_or(6)),
            'E' => exponent(magnitude, spec.precision.unwrap_or(6)).to_uppercase(),
            'f' | 'F' => format!("{magnitude:.*}", spec.precision.unwrap_or(6)),
            'b' | 'x' | 'X' => {
                return Err(format!(
                    "`printf`: `%{}` of a float64 is not supported, and every number of the data is one",
                    spec.verb
                ));
            }
            _ => return self.bad_verb(val, spec),
        };
        let sign = match (number.is_sign_negative(), spec.plus, spec.space) {
            (true, ..) => "-",
            (_, true, _) => "+",
            (.., true) => " ",
            _ => "",
        };
        let length = sign.len() + text.len();
        if !sign.is_empty() && spec.zero && !spec.minus && spec.width > length {
            // The sign stands before the zeros.
            self.push(sign);
            self.pad(&text, &Spec { width: spec.width - sign.len(), ..*spec });
        } else {
            self.pad(&format!("{sign}{text}"), spec);
        }
        Ok(())
    }
}

/// The digits of a number without trailing zeros, and the power of ten of the first.
fn decimal(magnitude: f64, precision: Option<usize>) -> (String, i32) {
    let text = match precision {
        None => format!("{magnitude:e}"),
        Some(digits) => format!("{magnitude:.*e}", digits.max(1) - 1),
    };
    let (mantissa, power) = text.split_once('e').unwrap_or((&text, "0"));
    let digits = mantissa.replace('.', "");
    let digits = digits.trim_end_matches('0');
    (digits.to_owned(), power.parse().unwrap_or(0))
}

/// `%e` with that many digits behind the point.
fn exponent(magnitude: f64, precision: usize) -> String {
    let text = format!("{magnitude:.precision$e}");
    let (mantissa, power) = text.split_once('e').unwrap_or((&text, "0"));
    scientific(mantissa, power.parse().unwrap_or(0))
}

fn scientific(mantissa: &str, power: i32) -> String {
    let sign = if power < 0 { '-' } else { '+' };
    format!("{mantissa}e{sign}{:02}", power.abs())
}

/// `%g`: the fewest digits that give the number back, or `precision` of them.
fn general(magnitude: f64, precision: Option<usize>) -> String {
    let (digits, power) = decimal(magnitude, precision);
    let count = i32::try_from(digits.len()).unwrap_or(i32::MAX);
    let point = if digits.is_empty() { 0 } else { power + 1 };
    let threshold = match precision {
        None => 6,
        Some(precision) => {
            let precision = i32::try_from(precision.max(1)).unwrap_or(i32::MAX);
            if precision > count && count >= point { count } else { precision }
        }
    };
    if digits.is_empty() {
        return "0".to_owned();
    }
    if power < -4 || power >= threshold {
        let (first, rest) = digits.split_at(1);
        let mantissa = if rest.is_empty() { digits.clone() } else { format!("{first}.{rest}") };
        return scientific(&mantissa, power);
    }
    plain(&digits, point)
}

/// Digits with the point behind the first `point` of them.
fn plain(digits: &str, point: i32) -> String {
    let Ok(point) = usize::try_from(point) else {
        let zeros = usize::try_from(point.unsigned_abs()).unwrap_or(0);
        return format!("0.{}{digits}", "0".repeat(zeros));
    };
    match digits.split_at_checked(point) {
        Some(("", fraction)) => format!("0.{fraction}"),
        Some((whole, "")) => whole.to_owned(),
        Some((whole, fraction)) => format!("{whole}.{fraction}"),
        None => format!("{digits}{}", "0".repeat(point - digits.len())),
    }
}
