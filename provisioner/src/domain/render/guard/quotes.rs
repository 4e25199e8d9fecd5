//! Calls that write quotes: where the author's quotes are open already, theirs would close them.

use std::collections::VecDeque;
use std::iter::Peekable;
use std::str::Chars;

use super::{Wrong, all_actions};

/// Refuses these helpers inside of quotes, backquotes, here-documents and comments (POSIX XCU 2.2, 2.7.4; GRUB
/// manual, "Quoting").
pub(in super::super) fn none_inside_of_quotes(text: &str, helpers: &[&str]) -> Result<(), Wrong> {
    let mut scanner = Scanner::default();
    let mut from = 0;
    for found in all_actions(text) {
        scanner.read(text.get(from..found.begin).unwrap_or_default());
        from = found.end;
        let helper = found.called();
        if helpers.contains(&helper)
            && let Some(inside) = scanner.inside()
        {
            let message = format!(
                "`{{{{{helper} x}}}}` writes quotes of its own and stands {inside} here: write it outside, such as \
                 `x={{{{{helper} x}}}}` on a line of its own and \"$x\" here; {{{{x}}}} is one plain word everywhere"
            );
            return Err((found.line, message));
        }
        // What it includes may write quotes as well.
        if found.action().starts_with('>')
            && let Some(inside) = scanner.inside()
        {
            let message = format!("an include stands {inside} here: write it outside");
            return Err((found.line, message));
        }
        scanner.value();
    }
    Ok(())
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Open {
    Single,
    Double,
    Backquote,
    /// `(` or `$(`
    Bracket,
    /// `((`
    Sum,
    /// `${`
    Variable,
}

/// What is open behind some text.
#[derive(Debug, Default)]
struct Scanner {
    open: Vec<Open>,
    comment: bool,
    /// Here-documents that begin behind this line: their last lines.
    coming: VecDeque<String>,
    /// The line so far of the here-document that is open.
    here: Option<String>,
    before: Option<char>,
    /// The word so far.
    word: String,
    /// `case` within brackets: its `)` closes nothing.
    lost: bool,
}

impl Scanner {
    fn inside(&self) -> Option<&'static str> {
        if self.here.is_some() {
            return Some("in a here-document");
        }
        if self.comment {
            return Some("in a comment");
        }
        let inner = self.open.iter().find_map(|open| match open {
            Open::Single | Open::Double => Some("inside of quotes"),
            Open::Backquote => Some("inside of backquotes"),
            Open::Sum | Open::Variable => Some("inside of an expansion"),
            Open::Bracket => None,
        });
        inner.or(self.lost.then_some("behind a `case` within brackets"))
    }

    /// A value stands here.
    fn value(&mut self) {
        self.before = Some('x');
        self.word.push('x');
        if let Some(line) = &mut self.here {
            line.push('\u{fffd}');
        }
    }

    fn read(&mut self, text: &str) {
        let mut chars = text.chars().peekable();
        while let Some(c) = chars.next() {
            if self.here.is_some() {
                self.in_document(c);
            } else if c == '\n' && self.open.last() != Some(&Open::Single) {
                self.line_end();
            } else if !self.comment {
                self.step(c, &mut chars);
            }
            self.before = Some(c);
        }
    }

    fn in_document(&mut self, c: char) {
        let Some(line) = &mut self.here else { return };
        if c != '\n' {
            line.push(c);
            return;
        }
        let ended = self.coming.front().is_some_and(|word| line.trim_start_matches('\t') == word);
        line.clear();
        if ended {
            self.coming.pop_front();
            if self.coming.is_empty() {
                self.here = None;
            }
        }
    }

    fn line_end(&mut self) {
        self.comment = false;
        self.word.clear();
        if !self.coming.is_empty() {
            self.here = Some(String::new());
        }
    }

    fn step(&mut self, c: char, chars: &mut Peekable<Chars<'_>>) {
        let top = self.open.last().copied();
        if top == Some(Open::Single) {
            if c == '\'' {
                self.open.pop();
            }
            return;
        }
        self.note_word(c);
        match c {
            '\\' => {
                chars.next();
            }
            '"' if top == Some(Open::Double) => drop(self.open.pop()),
            '"' => self.open.push(Open::Double),
            '`' => match self.open.iter().rposition(|open| *open == Open::Backquote) {
                Some(at) => self.open.truncate(at),
                None => self.open.push(Open::Backquote),
            },
            '$' if chars.next_if_eq(&'{').is_some() => self.open.push(Open::Variable),
            '$' if chars.next_if_eq(&'(').is_some() => self.bracket(chars),
            '}' if top == Some(Open::Variable) => drop(self.open.pop()),
            _ if top == Some(Open::Double) => {}
            '\'' if self.quotes_single() => self.open.push(Open::Single),
            '(' => self.bracket(chars),
            ')' if top == Some(Open::Bracket) => drop(self.open.pop()),
            ')' if top == Some(Open::Sum) && chars.next_if_eq(&')').is_some() => {
                self.open.pop();
            }
            '#' if top != Some(Open::Variable) => {
                self.comment = self.before.is_none_or(|b| b.is_whitespace() || ";|&(`".contains(b));
            }
            '<' if top != Some(Open::Sum) && chars.next_if_eq(&'<').is_some() => {
                self.document(chars);
            }
            _ => {}
        }
    }

    /// Within `"${x:-…}"` it is a letter.
    fn quotes_single(&self) -> bool {
        let mut outer = self.open.iter().rev();
        !(outer.next() == Some(&Open::Variable) && outer.next() == Some(&Open::Double))
    }

    fn bracket(&mut self, chars: &mut Peekable<Chars<'_>>) {
        let sum = chars.next_if_eq(&'(').is_some();
        self.open.push(if sum { Open::Sum } else { Open::Bracket });
    }

    fn note_word(&mut self, c: char) {
        if c.is_alphanumeric() || c == '_' {
            self.word.push(c);
            return;
        }
        self.lost |= self.word == "case" && self.open.contains(&Open::Bracket);
        self.word.clear();
    }

    /// Behind `<<`.
    fn document(&mut self, chars: &mut Peekable<Chars<'_>>) {
        if chars.next_if_eq(&'<').is_some() {
            return;
        }
        chars.next_if_eq(&'-');
        while chars.next_if(|c| *c == ' ' || *c == '\t').is_some() {}
        let mut word = String::new();
        while let Some(c) = chars.next_if(|c| !c.is_whitespace() && !";|&()<>".contains(*c)) {
            if !"'\"\\".contains(c) {
                word.push(c);
            }
        }
        self.coming.push_back(word);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(text: &str) -> Result<(), Wrong> {
        none_inside_of_quotes(text, &["quote", "json"])
    }

    #[test]
    fn quotes_stand_where_none_are_open() {
        for right in [
            "x={{quote x}}\ny=\"$x\" {{json y}}",
            "# don't\nx={{quote x}}",
            "cat <<'EOF'\n\"it's\nEOF\nx={{quote x}}",
            "cat <<-EOF\n\t'\n\tEOF\nx={{quote x}}",
            "y=\"$(a \"$b\" | c)\" && x={{quote x}}",
            "a=\"${b:-it's}\"; $(echo {{quote x}})",
            "n=$((1 << 2)); x={{quote x}}",
            "echo \\' \\\" $# {{quote x}}",
            "case $a in 2) x={{quote x}} ;; esac",
            "echo '{{x}}' \"{{lower (quote x)}}\"",
        ] {
            assert_eq!(told(right), Ok(()), "{right}");
        }
    }

    #[test]
    fn a_call_that_writes_quotes_is_refused_where_it_would_close_the_author_s() {
        for wrong in [
            "echo '{{quote x}}'",
            "echo \"{{quote x}}\"",
            "echo \"a $(b \"{{quote x}}\")\"",
            "echo \"$(case a in a) echo \"{{quote x}}\";; esac)\"",
            "echo `{{quote x}}`",
            "# {{quote x}}",
            "cat <<EOF\n{{quote x}}\nEOF\n",
            "echo \"${a:-{{json x}}}\"",
            "echo '\n{{#quote x}}{{/quote}}'",
            "echo '{{ (quote x) }}'",
            "echo '{{[quote] x}}'",
            "echo '{{> generic/other.sh}}'",
        ] {
            assert!(told(wrong).is_err(), "{wrong}");
        }
        let (line, why) = told("a\necho '{{quote x}}'").unwrap_err();
        assert!(line == 2 && why.contains("inside of quotes"), "{why}");
    }
}
