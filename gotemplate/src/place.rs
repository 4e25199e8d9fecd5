//! Places in a template's text, for people.

/// Line and column, both from 1, of the byte `offset` of `text`; the column counts characters.
pub(crate) fn locate(text: &str, offset: usize) -> (usize, usize) {
    let before = text.get(..offset).unwrap_or(text);
    let line = before.bytes().filter(|byte| *byte == b'\n').count() + 1;
    let start = before.rfind('\n').map_or(0, |newline| newline + 1);
    let column = before.get(start..).map_or(0, |line| line.chars().count()) + 1;
    (line, column)
}

/// At most about 100 characters of `source`, for messages and paths.
pub(crate) fn excerpt(source: &str) -> String {
    let source = source.trim();
    match source.char_indices().nth(100) {
        None => source.to_owned(),
        Some((end, _)) => format!("{}…", source.get(..end).unwrap_or_default()),
    }
}
