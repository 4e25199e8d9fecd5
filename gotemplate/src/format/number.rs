//! Integers under the verbs of `printf`.

use super::quote::quote;
use super::{Printer, Spec};
use crate::value::Val;

impl Printer {
    pub(super) fn integer(
        &mut self,
        val: &Val<'_>,
        number: i64,
        spec: &Spec,
    ) -> Result<(), String> {
        let magnitude = number.unsigned_abs();
        let digits = match spec.verb {
            'v' | 'd' => magnitude.to_string(),
            'b' => format!("{magnitude:b}"),
            'o' | 'O' => format!("{magnitude:o}"),
            'x' => format!("{magnitude:x}"),
            'X' => format!("{magnitude:X}"),
            'c' => {
                self.pad(character(number).encode_utf8(&mut [0; 4]), spec);
                return Ok(());
            }
            'q' => {
                let text = quote(character(number).encode_utf8(&mut [0; 4]), '\'', spec.plus);
                self.pad(&text, spec);
                return Ok(());
            }
            'U' => {
                let least = spec.precision.unwrap_or(4).max(4);
                // A negative number stands for its two's complement.
                let code = number.cast_unsigned();
                self.pad(&format!("U+{code:0least$X}"), &Spec { zero: false, ..*spec });
                return Ok(());
            }
            _ => return self.bad_verb(val, spec),
        };
        self.signed(number < 0, &digits, spec);
        Ok(())
    }

    fn signed(&mut self, negative: bool, digits: &str, spec: &Spec) {
        let padding = Spec { zero: false, ..*spec };
        if spec.precision == Some(0) && digits == "0" {
            self.pad("", &padding);
            return;
        }
        let sign = match (negative, spec.plus, spec.space) {
            (true, ..) => "-",
            (_, true, _) => "+",
            (.., true) => " ",
            _ => "",
        };
        let zeros = spec.zero && !spec.minus;
        let least = match spec.precision {
            Some(precision) => precision,
            None if zeros => spec.width.saturating_sub(sign.len()),
            None => 0,
        };
        let prefix = if spec.verb == 'O' { "0o" } else { "" };
        self.pad(&format!("{sign}{prefix}{digits:0>least$}"), &padding);
    }
}

/// The character of that number, or the one that stands for none.
fn character(number: i64) -> char {
    u32::try_from(number).ok().and_then(char::from_u32).unwrap_or('\u{fffd}')
}
