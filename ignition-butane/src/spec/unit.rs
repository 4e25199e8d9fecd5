//! systemd units, read the way Ignition reads them (go-systemd's `unit.Deserialize`).
//!
//! The grammar is odd in places: text before the first section is skipped, and how long a line may be
//! depends on how the reader's buffer stands. A config that this refuses does not boot, so it is followed.

/// What go-systemd takes to be systemd's longest line, in bytes.
const LINE_MAX: usize = 2048;
/// The buffer of Go's `bufio.Reader`.
const BUFFER: usize = 4096;

/// What is wrong with a unit.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Broken {
    /// From 1.
    pub(super) line: usize,
    pub(super) message: String,
}

/// The section of each option of a unit, in order.
pub(super) fn sections(text: &str) -> Result<Vec<String>, Broken> {
    let mut reader = Reader { text, at: 0, filled: 0, line_end: 0 };
    let mut start = 0;
    read(&mut reader, &mut start).map_err(|message| {
        let line = text.get(..start).unwrap_or_default().matches('\n').count() + 1;
        Broken { line, message }
    })
}

enum State {
    /// Before the first section.
    Before,
    SectionName,
    SectionEnd(String),
    Comment(Option<String>),
    Inside(String),
    OptionName(String),
    OptionValue(String),
}

/// `start`: where the thing began that was read last.
fn read(reader: &mut Reader<'_>, start: &mut usize) -> Result<Vec<String>, String> {
    let mut found = Vec::new();
    let mut state = State::Before;
    loop {
        *start = reader.at;
        reader.check_line()?;
        state = match state {
            State::Before => match reader.next() {
                None => return Ok(found),
                Some('[') => State::SectionName,
                Some('#' | ';') => State::Comment(None),
                Some(_) => State::Before,
            },
            State::SectionName => {
                let name = reader.until(b']').strip_suffix(']');
                State::SectionEnd(name.ok_or("a section's `]` is missing")?.to_owned())
            }
            State::SectionEnd(name) => match reader.line().0.trim() {
                "" => State::Inside(name),
                more => return Err(format!("{more:?} stands behind the section {name:?}")),
            },
            State::Comment(section) => {
                while {
                    let (line, _) = reader.line();
                    line.strip_suffix(' ').unwrap_or(line).ends_with('\\')
                } {}
                section.map_or(State::Before, State::Inside)
            }
            State::Inside(section) => match reader.peek() {
                None => return Ok(found),
                Some(c) => inside(reader, section, c),
            },
            State::OptionName(section) => {
                option_name(reader)?;
                found.push(section.clone());
                State::OptionValue(section)
            }
            State::OptionValue(section) => match reader.line() {
                (line, _) if !line.trim().is_empty() && line.ends_with('\\') => {
                    State::OptionValue(section)
                }
                _ => State::Inside(section),
            },
        };
    }
}

fn inside(reader: &mut Reader<'_>, section: String, c: char) -> State {
    match c {
        _ if c.is_whitespace() => {
            reader.next();
            State::Inside(section)
        }
        '[' => {
            reader.next();
            State::SectionName
        }
        '#' | ';' => {
            reader.next();
            State::Comment(Some(section))
        }
        _ => State::OptionName(section),
    }
}

fn option_name(reader: &mut Reader<'_>) -> Result<(), String> {
    let start = reader.at;
    loop {
        match reader.next() {
            Some('=') => return Ok(()),
            None | Some('\n' | '\r') => {
                let name = reader.text.get(start..reader.at).unwrap_or_default().trim();
                return Err(format!("{name:?} has no `=`: an option is written `Name=value`"));
            }
            Some(_) => {}
        }
    }
}

/// Go's `bufio.Reader`, as far as it shows.
struct Reader<'t> {
    text: &'t str,
    at: usize,
    /// How far the text is in the buffer.
    filled: usize,
    /// Where the next line ends, if not before `at`: looked for once per line.
    line_end: usize,
}

impl<'t> Reader<'t> {
    fn fill(&mut self) {
        self.filled = self.text.len().min(self.at + BUFFER);
    }

    fn check_line(&mut self) -> Result<(), String> {
        if self.filled.saturating_sub(self.at) < LINE_MAX {
            return Ok(());
        }
        if self.line_end < self.at {
            let rest = self.text.as_bytes().get(self.at..).unwrap_or_default();
            let end = rest.iter().position(|b| matches!(b, b'\n' | b'\r'));
            self.line_end = end.map_or(usize::MAX, |end| self.at + end);
        }
        if self.line_end - self.at >= LINE_MAX {
            return Err(format!("a line is longer than {LINE_MAX} bytes"));
        }
        Ok(())
    }

    fn peek(&mut self) -> Option<char> {
        let c = self.text.get(self.at..)?.chars().next()?;
        if self.filled < self.at + c.len_utf8() {
            self.fill();
        }
        Some(c)
    }

    fn next(&mut self) -> Option<char> {
        let c = self.peek()?;
        self.at += c.len_utf8();
        Some(c)
    }

    /// The text up to and with a delimiter, or to the end.
    fn until(&mut self, delimiter: u8) -> &'t str {
        let rest = self.text.get(self.at..).unwrap_or_default();
        let len = rest.bytes().position(|b| b == delimiter).map_or(rest.len(), |at| at + 1);
        let end = self.at + len;
        while self.filled < end {
            if self.filled - self.at.min(self.filled) >= BUFFER {
                self.at = self.filled;
            }
            self.fill();
        }
        self.at = end;
        rest.get(..len).unwrap_or_default()
    }

    /// A line without its end, and whether the text ended.
    fn line(&mut self) -> (&'t str, bool) {
        let line = self.until(b'\n');
        match line.strip_suffix('\n') {
            Some(line) => (line, false),
            None => (line.strip_suffix('\r').unwrap_or(line), true),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line_of(text: &str) -> usize {
        sections(text).unwrap_err().line
    }

    #[test]
    fn each_option_is_listed_with_its_section() {
        let text = "skipped\n# comment \\\n more\n[Unit]\r\nA=b\n C = d \\\n e\n\n;x\n[Install]\n[Service]\nE=";
        assert_eq!(sections(text), Ok(vec!["Unit".into(), "Unit".into(), "Service".into()]));
        assert_eq!(sections(""), Ok(vec![]));
    }

    #[test]
    fn the_line_that_is_broken_is_told() {
        assert_eq!(line_of("[Unit]\nA=b\nDescription\nC=d\n"), 3);
        assert_eq!(line_of("[Unit]\nA=b\nDesc"), 3);
        assert_eq!(line_of("\n[Unit\nA=b\n"), 2);
        assert_eq!(line_of("[Unit]\n[Service] x\n"), 2);
        assert_eq!(line_of(&format!("[Unit]\nA=b\nC={}\n", "d".repeat(3000))), 3);
    }

    /// Where the line stands in the buffer of 4096 bytes decides; seen with Ignition 2.20.0.
    #[test]
    fn a_line_too_long_is_seen_only_when_enough_of_it_is_in_the_buffer() {
        let behind =
            |before: usize| format!("[Unit]\n#{}\nC={}\n", "x".repeat(before), "d".repeat(2100));
        assert!(sections(&behind(1000)).is_err());
        assert!(sections(&behind(2030)).is_err());
        assert!(sections(&behind(2040)).is_ok());
    }
}
