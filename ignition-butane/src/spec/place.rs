//! Where the values of a JSON text stand, in one pass over it.
//!
//! serde_json tells no positions, and asking the YAML reader for each place anew is slow for a large config
//! with many faults, and knows no `\/` and no surrogate pairs.

use std::collections::HashMap;
use std::iter::Peekable;
use std::str::CharIndices;

use super::Segment;

/// Line and column in characters, both from 1.
pub(super) type Place = (usize, usize);

/// A value and what is below it.
#[derive(Debug, Default)]
pub(super) struct Placed {
    at: Place,
    /// The last of each key, as that is the one that counts for readers of JSON.
    keys: HashMap<String, (Place, Placed)>,
    items: Vec<Placed>,
}

/// A key that was given before in the same object.
#[derive(Debug)]
pub(super) struct Twice {
    pub(super) path: Vec<Segment>,
    pub(super) first: Place,
    pub(super) again: Place,
}

impl Placed {
    /// The place of the last key of a path, or of the element; of what is nearest when it is not there.
    pub(super) fn find(&self, path: &[Segment]) -> Place {
        let mut node = self;
        let mut at = self.at;
        for segment in path {
            let next = match segment {
                Segment::Key(key) => node.keys.get(key).map(|(at, placed)| (*at, placed)),
                Segment::Index(index) => node.items.get(*index).map(|placed| (placed.at, placed)),
            };
            let Some((place, placed)) = next else { break };
            (at, node) = (place, placed);
        }
        at
    }
}

/// Reads a text that serde_json has read before: so it is JSON, and no deeper than its limit of 128.
pub(super) fn read(text: &str) -> (Placed, Vec<Twice>) {
    let chars = text.char_indices().peekable();
    let mut reader = Reader { text, chars, at: (1, 1), path: Vec::new(), twice: Vec::new() };
    let root = reader.value();
    (root, reader.twice)
}

struct Reader<'t> {
    text: &'t str,
    chars: Peekable<CharIndices<'t>>,
    at: Place,
    path: Vec<Segment>,
    twice: Vec<Twice>,
}

impl Reader<'_> {
    fn peek(&mut self) -> Option<char> {
        self.chars.peek().map(|(_, c)| *c)
    }

    fn next(&mut self) -> Option<char> {
        let (_, c) = self.chars.next()?;
        self.at = if c == '\n' { (self.at.0 + 1, 1) } else { (self.at.0, self.at.1 + 1) };
        Some(c)
    }

    fn skip(&mut self, what: impl Fn(char) -> bool) {
        while self.peek().is_some_and(&what) {
            self.next();
        }
    }

    /// Goes to the next value, key or closing bracket.
    fn gap(&mut self) {
        self.skip(|c| c.is_ascii_whitespace() || c == ',' || c == ':');
    }

    fn value(&mut self) -> Placed {
        self.gap();
        let mut placed = Placed { at: self.at, ..Placed::default() };
        match self.peek() {
            Some('{') => self.object(&mut placed),
            Some('[') => self.array(&mut placed),
            Some('"') => drop(self.string()),
            _ => self.skip(|c| c.is_ascii_alphanumeric() || matches!(c, '+' | '-' | '.')),
        }
        placed
    }

    fn object(&mut self, placed: &mut Placed) {
        self.next();
        loop {
            self.gap();
            if self.peek() != Some('"') {
                self.next();
                return;
            }
            let again = self.at;
            let key = self.string();
            self.path.push(Segment::Key(key.clone()));
            if let Some((first, _)) = placed.keys.get(&key) {
                let (path, first) = (self.path.clone(), *first);
                self.twice.push(Twice { path, first, again });
            }
            let value = self.value();
            self.path.pop();
            placed.keys.insert(key, (again, value));
        }
    }

    fn array(&mut self, placed: &mut Placed) {
        self.next();
        loop {
            self.gap();
            if matches!(self.peek(), Some(']') | None) {
                self.next();
                return;
            }
            self.path.push(Segment::Index(placed.items.len()));
            let value = self.value();
            self.path.pop();
            placed.items.push(value);
        }
    }

    fn string(&mut self) -> String {
        let start = self.byte();
        self.next();
        while let Some(c) = self.next() {
            match c {
                '"' => break,
                '\\' => drop(self.next()),
                _ => {}
            }
        }
        let end = self.byte();
        let quoted = self.text.get(start..end).unwrap_or_default();
        serde_json::from_str(quoted).unwrap_or_default()
    }

    fn byte(&mut self) -> usize {
        self.chars.peek().map_or(self.text.len(), |(at, _)| *at)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(key: &str) -> Segment {
        Segment::Key(key.to_owned())
    }

    #[test]
    fn a_key_is_found_where_it_stands_and_an_element_where_it_begins() {
        let text = "{\n\t\"a\\/b\": [1, {\"\\ud83d\\ude00\": \"ä\", \"c\": null}],\n  \"d\": {}}";
        let (placed, twice) = read(text);
        assert!(twice.is_empty());
        assert_eq!(placed.find(&[]), (1, 1));
        assert_eq!(placed.find(&[key("a/b")]), (2, 2));
        assert_eq!(placed.find(&[key("a/b"), Segment::Index(0)]), (2, 11));
        assert_eq!(placed.find(&[key("a/b"), Segment::Index(1), key("😀")]), (2, 15));
        assert_eq!(placed.find(&[key("a/b"), Segment::Index(1), key("c")]), (2, 36));
        assert_eq!(placed.find(&[key("d")]), (3, 3));
        assert_eq!(placed.find(&[key("d"), key("none")]), (3, 3));
    }

    #[test]
    fn a_repeated_key_is_told_with_both_its_places() {
        let (_, twice) = read("{\"a\": {\"b\": 1,\n \"b\": 2}}");
        assert_eq!(twice.len(), 1);
        assert_eq!(twice[0].path, [key("a"), key("b")]);
        assert_eq!((twice[0].first, twice[0].again), ((1, 8), (2, 2)));
    }
}
