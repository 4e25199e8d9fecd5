//! Values that cannot stand where a template puts them. An escape function can only give text: so it gives a
//! mark, which is looked for before anything is sent.

/// Noncharacters, which no text of a catalog or machine may hold (Unicode 16 section 23.7).
const BEGIN: char = '\u{fdd0}';
const END: char = '\u{fdd1}';

/// Stands for a value that is refused.
pub(super) fn mark(value: &str) -> String {
    format!("{BEGIN}{}{END}", value.replace([BEGIN, END], "?"))
}

/// The first refused value, with the line that it would stand in.
pub(super) fn first(text: &str) -> Option<(usize, &str)> {
    let (before, rest) = text.split_once(BEGIN)?;
    let value = rest.split(END).next().unwrap_or(rest);
    Some((before.matches('\n').count() + 1, value))
}

/// Whether a template itself has a mark in it.
pub(super) fn is_forged(text: &str) -> bool {
    text.contains([BEGIN, END])
}
