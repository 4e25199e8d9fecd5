//! Cuts a template into text and the tokens of its actions, and trims as `{{-` and `-}}` ask.

use crate::ParseFault;
use crate::place::locate;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Text,
    Open,
    Close,
    /// `.name`, with the dot
    Field,
    Dot,
    /// `$` or `$name`
    Variable,
    Word,
    Number,
    Char,
    Quoted,
    Raw,
    LeftParen,
    RightParen,
    Pipe,
    Declare,
    Assign,
    Comma,
    End,
}

#[derive(Debug, Clone, Copy)]
pub(crate) struct Token<'t> {
    pub(crate) kind: Kind,
    pub(crate) at: usize,
    pub(crate) source: &'t str,
    /// White space stands before it.
    pub(crate) spaced: bool,
}

/// The tokens of a text, and whether it had neither action nor comment.
pub(crate) fn lex(text: &str) -> Result<(Vec<Token<'_>>, bool), ParseFault> {
    let mut lexer = Lexer { text, at: 0, tokens: Vec::new(), parens: 0 };
    let verbatim = !text.contains("{{");
    lexer.run()?;
    lexer.push(Kind::End, lexer.at, false);
    Ok((lexer.tokens, verbatim))
}

pub(crate) fn fault(text: &str, at: usize, message: impl Into<String>) -> ParseFault {
    let (line, column) = locate(text, at);
    ParseFault { line, column, message: message.into() }
}

fn is_space(c: char) -> bool {
    matches!(c, ' ' | '\t' | '\r' | '\n')
}

fn is_word(c: char) -> bool {
    c == '_' || c.is_alphanumeric()
}

struct Lexer<'t> {
    text: &'t str,
    at: usize,
    tokens: Vec<Token<'t>>,
    parens: usize,
}

impl<'t> Lexer<'t> {
    fn rest(&self) -> &'t str {
        self.text.get(self.at..).unwrap_or_default()
    }

    fn fault<T>(&self, at: usize, message: impl Into<String>) -> Result<T, ParseFault> {
        Err(fault(self.text, at, message))
    }

    fn push(&mut self, kind: Kind, start: usize, spaced: bool) {
        let source = self.text.get(start..self.at).unwrap_or_default();
        self.tokens.push(Token { kind, at: start, source, spaced });
    }

    fn run(&mut self) -> Result<(), ParseFault> {
        let mut start = 0;
        while let Some(found) = self.rest().find("{{") {
            let open = self.at + found;
            let mut inner = open + 2;
            let trims = self.text.get(inner..).is_some_and(left_marker);
            if trims {
                inner += 2;
            }
            let mut literal = self.text.get(start..open).unwrap_or_default();
            if trims {
                literal = literal.trim_end_matches(is_space);
            }
            if !literal.is_empty() {
                let spaced = false;
                self.tokens.push(Token { kind: Kind::Text, at: start, source: literal, spaced });
            }
            self.at = inner;
            if self.rest().starts_with("/*") {
                self.comment(open)?;
            } else {
                let source = self.text.get(open..inner).unwrap_or_default();
                self.tokens.push(Token { kind: Kind::Open, at: open, source, spaced: false });
                self.action(open)?;
            }
            start = self.at;
        }
        self.at = self.text.len();
        if start < self.at {
            self.push(Kind::Text, start, false);
        }
        Ok(())
    }

    fn comment(&mut self, open: usize) -> Result<(), ParseFault> {
        let body = self.rest().get(2..).unwrap_or_default();
        let Some(end) = body.find("*/") else {
            return self.fault(open, "this comment is never closed: `*/}}` is missing");
        };
        self.at += 2 + end + 2;
        match self.close_ahead() {
            Some(trims) => {
                self.skip_close(trims);
                Ok(())
            }
            None => self.fault(
                self.at,
                "a comment has to end with `*/}}` or `*/ -}}`; it cannot share an action with other things",
            ),
        }
    }

    /// Whether the action ends here, and whether it trims.
    fn close_ahead(&self) -> Option<bool> {
        let rest = self.rest();
        if rest.starts_with("}}") {
            return Some(false);
        }
        let marked = rest.strip_prefix(is_space).is_some_and(|rest| rest.starts_with("-}}"));
        marked.then_some(true)
    }

    fn skip_close(&mut self, trims: bool) {
        self.at += if trims { 4 } else { 2 };
        if trims {
            let rest = self.rest();
            self.at += rest.len() - rest.trim_start_matches(is_space).len();
        }
    }

    fn action(&mut self, open: usize) -> Result<(), ParseFault> {
        self.parens = 0;
        loop {
            let mut spaced = false;
            let trims = loop {
                if let Some(trims) = self.close_ahead() {
                    break Some(trims);
                }
                match self.rest().chars().next() {
                    Some(c) if is_space(c) => {
                        spaced = true;
                        self.at += 1;
                    }
                    Some(_) => break None,
                    None => {
                        return self.fault(open, "this action is never closed: `}}` is missing");
                    }
                }
            };
            if let Some(trims) = trims {
                if self.parens > 0 {
                    return self.fault(self.at, "a `(` is not closed before `}}`");
                }
                let source = self.rest().get(..2).unwrap_or_default();
                self.tokens.push(Token { kind: Kind::Close, at: self.at, source, spaced });
                self.skip_close(trims);
                return Ok(());
            }
            self.token(spaced)?;
        }
    }

    fn token(&mut self, spaced: bool) -> Result<(), ParseFault> {
        let start = self.at;
        let mut ahead = self.rest().chars();
        let Some(first) = ahead.next() else { return Ok(()) };
        let second = ahead.next().unwrap_or(' ');
        let kind = match first {
            '(' => Kind::LeftParen,
            ')' => Kind::RightParen,
            '|' => Kind::Pipe,
            ',' => Kind::Comma,
            '=' => Kind::Assign,
            ':' if second == '=' => {
                self.at += 1;
                Kind::Declare
            }
            '"' | '\'' | '`' => {
                self.quoted(first)?;
                self.push(quote_kind(first), start, spaced);
                return Ok(());
            }
            '$' => return self.name(Kind::Variable, 1, spaced),
            '.' if !second.is_ascii_digit() => {
                let kind = if is_word(second) { Kind::Field } else { Kind::Dot };
                return self.name(kind, 1, spaced);
            }
            '.' | '+' | '-' | '0'..='9' => {
                self.number();
                self.push(Kind::Number, start, spaced);
                return Ok(());
            }
            c if is_word(c) => return self.name(Kind::Word, 0, spaced),
            c => {
                return self.fault(start, format!("`{}` has no meaning here", shown(c)));
            }
        };
        self.at += 1;
        match kind {
            Kind::LeftParen => self.parens += 1,
            Kind::RightParen if self.parens == 0 => {
                return self.fault(start, "this `)` closes nothing");
            }
            Kind::RightParen => self.parens -= 1,
            _ => {}
        }
        self.push(kind, start, spaced);
        Ok(())
    }

    fn name(&mut self, kind: Kind, sigil: usize, spaced: bool) -> Result<(), ParseFault> {
        let start = self.at;
        self.at += sigil;
        let rest = self.rest();
        self.at += rest.len() - rest.trim_start_matches(is_word).len();
        let next = self.rest().chars().next().unwrap_or(' ');
        let ends = is_space(next) || matches!(next, '.' | ',' | '|' | ':' | ')' | '(');
        if !ends && !self.rest().starts_with("}}") {
            let name = self.text.get(start..self.at).unwrap_or_default();
            let shown = shown(next);
            return self.fault(
                self.at,
                format!("`{shown}` cannot follow `{name}`; for such a key write `index . \"key\"`"),
            );
        }
        self.push(kind, start, spaced);
        Ok(())
    }

    fn quoted(&mut self, quote: char) -> Result<(), ParseFault> {
        let start = self.at;
        let mut escaped = false;
        for (offset, c) in self.rest().char_indices().skip(1) {
            if quote != '`' && c == '\n' {
                break;
            }
            if escaped {
                escaped = false;
            } else if c == '\\' && quote != '`' {
                escaped = true;
            } else if c == quote {
                self.at += offset + 1;
                return Ok(());
            }
        }
        if quote == '`' {
            return self.fault(start, "the backquote that opens here is not closed");
        }
        self.fault(start, format!("the {quote} that opens here is not closed on its line"))
    }

    /// Takes what may be a number; whether it is one is for the parser.
    fn number(&mut self) {
        let rest = self.rest();
        let unsigned = rest.strip_prefix(['+', '-']).unwrap_or(rest);
        let hex = unsigned.starts_with("0x") || unsigned.starts_with("0X");
        let mut before = ' ';
        let mut length = 0;
        for (offset, c) in rest.char_indices() {
            let exponent =
                if hex { matches!(before, 'p' | 'P') } else { matches!(before, 'e' | 'E') };
            let sign = matches!(c, '+' | '-') && (offset == 0 || exponent);
            if !(sign || c == '.' || is_word(c)) {
                break;
            }
            before = c;
            length = offset + c.len_utf8();
        }
        self.at += length;
    }
}

fn left_marker(rest: &str) -> bool {
    rest.strip_prefix('-').is_some_and(|rest| rest.starts_with(is_space))
}

fn quote_kind(quote: char) -> Kind {
    match quote {
        '"' => Kind::Quoted,
        '`' => Kind::Raw,
        _ => Kind::Char,
    }
}

/// A character as a message shows it.
fn shown(c: char) -> String {
    if c.is_control() { c.escape_unicode().to_string() } else { c.to_string() }
}
