//! Selectors that fail and look as if something else was meant.

use crate::domain::catalog::Selector;
use crate::domain::catalog::group::normalise;
use crate::domain::labels::Labels;

/// Shortest value of which one slip says anything.
const WORTH: usize = 4;

/// What may have been meant by a selector that does not pass: another spelling of the same value, a value
/// that is one slip of the hand away, or a key that is.
pub(super) fn hint(selector: &Selector, labels: &Labels) -> Option<String> {
    let Some(found) = labels.get(&selector.key) else {
        return key_hint(&selector.key, labels);
    };
    let near = |wanted: &&String| bare(wanted) == bare(found);
    if let Some(wanted) = selector.values.iter().find(near) {
        return Some(format!("{wanted:?} and {found:?} differ in spelling only"));
    }
    let found = normalise(&selector.key, found);
    let is_name = matches!(selector.key.to_ascii_lowercase().as_str(), "mac" | "uuid" | "serial");
    let slip = |wanted: &&String| is_slip(wanted, &found, is_name);
    let wanted = selector.normalised().iter().find(slip)?;
    Some(format!("{wanted:?} is one slip away from {found:?}; is one of them mistyped?"))
}

fn key_hint(key: &str, labels: &Labels) -> Option<String> {
    let near = |other: &&str| bare(other) == bare(key) || is_slip(key, other, true);
    let meant = labels.iter().map(|(other, _)| other).find(near)?;
    Some(format!("there is no label {key:?}, but {meant:?}"))
}

/// Letters and digits only, in lower case.
fn bare(text: &str) -> String {
    text.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

/// One character too many, too few or wrong, or two swapped. Outside of names that are copied by hand a
/// digit in another's place is no slip: `rack12` and `rack13` are two racks.
fn is_slip(a: &str, b: &str, digits_too: bool) -> bool {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    if a.len().min(b.len()) < WORTH {
        return false;
    }
    let start = a.iter().zip(&b).take_while(|(x, y)| x == y).count();
    let (a, b) = (a.get(start..).unwrap_or(&[]), b.get(start..).unwrap_or(&[]));
    let end = a.iter().rev().zip(b.iter().rev()).take_while(|(x, y)| x == y).count();
    let rest = |text: &[char]| text.get(..text.len().saturating_sub(end)).map(<[char]>::to_vec);
    match (rest(a).unwrap_or_default().as_slice(), rest(b).unwrap_or_default().as_slice()) {
        ([x], [y]) => digits_too || !(x.is_ascii_digit() && y.is_ascii_digit()),
        ([x], []) | ([], [x]) => digits_too || !x.is_ascii_digit(),
        ([first, second], swapped @ [_, _]) => *swapped == [*second, *first],
        _ => false,
    }
}
