//! Places in a template's text, for people.

/// Line and column, both from 1, of the byte `offset` of `text`; the column counts characters.
pub(crate) fn locate(text: &str, offset: usize) -> (usize, usize) {
    let before = text.get(..offset).unwrap_or(text);
    let line = before.bytes().filter(|byte| *byte == b'\n').count() + 1;
    let start = before.rfind('\n').map_or(0, |newline| newline + 1);
    let column = before.get(start..).map_or(0, |line| line.chars().count()) + 1;
    (line, column)
}

/// Finds places in the order of the text without beginning anew each time.
#[derive(Debug, Default)]
pub(crate) struct Cursor {
    offset: usize,
    /// Lines and characters of the last line before `offset`.
    lines: usize,
    characters: usize,
}

impl Cursor {
    /// As [`locate`]; `offset` may not be before the one of the last call.
    pub(crate) fn locate(&mut self, text: &str, offset: usize) -> (usize, usize) {
        for c in text.get(self.offset..offset).unwrap_or_default().chars() {
            if c == '\n' {
                self.lines += 1;
                self.characters = 0;
            } else {
                self.characters += 1;
            }
        }
        self.offset = self.offset.max(offset);
        (self.lines + 1, self.characters + 1)
    }
}

/// At most about 100 characters of `source`, for messages and paths.
pub(crate) fn excerpt(source: &str) -> String {
    let source = source.trim();
    match source.char_indices().nth(100) {
        None => source.to_owned(),
        Some((end, _)) => format!("{}…", source.get(..end).unwrap_or_default()),
    }
}
