//! Text of values as Go's `fmt` prints them: `%v`, `Sprint`, `Sprintln` and `Sprintf`.

mod float;
mod number;
mod quote;
mod verbs;

pub(crate) use quote::is_printable;
pub(crate) use verbs::{Piece, Spec, pieces};

use std::fmt::Write as _;

use crate::value::{Val, sorted};

/// Values nested deeper than this are not printed.
const DEPTH: usize = 300;

/// A printer with a limit to what it makes.
pub(crate) struct Printer {
    pub(crate) out: String,
    /// Bytes that it may still write.
    left: usize,
    full: bool,
}

impl Printer {
    pub(crate) fn new(limit: usize) -> Self {
        Self { out: String::new(), left: limit, full: false }
    }

    /// What was printed; an error when it was too much.
    pub(crate) fn finish(self) -> Result<String, String> {
        if self.full {
            return Err("the values printed are too large or nested too deeply".to_owned());
        }
        Ok(self.out)
    }

    pub(crate) fn push(&mut self, text: &str) {
        if text.len() > self.left {
            self.full = true;
            self.left = 0;
        } else {
            self.left -= text.len();
            self.out.push_str(text);
        }
    }

    /// `text`, at least as wide as `spec` says.
    pub(crate) fn pad(&mut self, text: &str, spec: &Spec) {
        let room = spec.width.saturating_sub(text.chars().count());
        let fill = if spec.zero && !spec.minus { "0" } else { " " };
        if spec.minus {
            self.push(text);
        }
        for _ in 0..room {
            self.push(fill);
        }
        if !spec.minus {
            self.push(text);
        }
    }

    /// An argument under a verb.
    pub(crate) fn argument(&mut self, val: &Val<'_>, spec: &Spec) -> Result<(), String> {
        match (val, spec.verb) {
            (Val::Nil, 'v' | 'T') => self.pad("<nil>", spec),
            (Val::Nil, verb) => self.push(&format!("%!{verb}(<nil>)")),
            (val, 'T') => {
                let cut = spec.truncate(val.type_name());
                self.pad(cut, spec);
            }
            (val, _) => self.value(val, spec, 0)?,
        }
        Ok(())
    }

    fn value(&mut self, val: &Val<'_>, spec: &Spec, depth: usize) -> Result<(), String> {
        if depth > DEPTH || self.full {
            self.full = true;
            return Ok(());
        }
        match val {
            Val::Nil => self.push("<nil>"),
            Val::Bool(flag) => match spec.verb {
                'v' | 't' => self.pad(if *flag { "true" } else { "false" }, spec),
                _ => self.bad_verb(val, spec)?,
            },
            Val::Int(number) => self.integer(val, *number, spec)?,
            Val::Byte(byte) => self.integer(val, i64::from(*byte), spec)?,
            Val::Float(number) => self.float(val, *number, spec)?,
            Val::Str(text) => self.text(val, text, spec)?,
            Val::Made(text) => self.text(val, text, spec)?,
            Val::List(items) => {
                self.push("[");
                for (position, item) in items.iter().enumerate() {
                    if position > 0 {
                        self.push(" ");
                    }
                    self.value(&Val::of(item), spec, depth + 1)?;
                }
                self.push("]");
            }
            Val::Map(map, _) => {
                self.push("map[");
                for (position, (key, item)) in sorted(map).into_iter().enumerate() {
                    if position > 0 {
                        self.push(" ");
                    }
                    self.value(&Val::Str(key), spec, depth + 1)?;
                    self.push(":");
                    self.value(&Val::of(item), spec, depth + 1)?;
                }
                self.push("]");
            }
        }
        Ok(())
    }

    fn text(&mut self, val: &Val<'_>, text: &str, spec: &Spec) -> Result<(), String> {
        match spec.verb {
            'v' | 's' => self.pad(spec.truncate(text), spec),
            'q' => {
                let quoted = quote::quote(spec.truncate(text), '"', spec.plus);
                self.pad(&quoted, spec);
            }
            'x' | 'X' => self.hex_text(text, spec),
            _ => self.bad_verb(val, spec)?,
        }
        Ok(())
    }

    fn hex_text(&mut self, text: &str, spec: &Spec) {
        let length = spec.precision.unwrap_or(usize::MAX).min(text.len());
        let bytes = text.as_bytes().get(..length).unwrap_or_default();
        let mut hex = String::with_capacity(bytes.len() * 3);
        for (position, byte) in bytes.iter().enumerate() {
            if spec.space && position > 0 {
                hex.push(' ');
            }
            // Writing to a String does not fail.
            let _ = write!(hex, "{byte:02x}");
        }
        if spec.verb == 'X' {
            hex.make_ascii_uppercase();
        }
        self.pad(&hex, spec);
    }

    /// `%!d(string=x)`: what Go prints for a verb that does not fit the value.
    fn bad_verb(&mut self, val: &Val<'_>, spec: &Spec) -> Result<(), String> {
        self.push(&format!("%!{}({}=", spec.verb, val.type_name()));
        self.value(val, &Spec { verb: 'v', ..*spec }, 0)?;
        self.push(")");
        Ok(())
    }
}

/// One value as an action prints it.
pub(crate) fn display(val: &Val<'_>, limit: usize) -> Result<String, String> {
    match val {
        Val::Nil => Ok("<no value>".to_owned()),
        val => sprint(std::slice::from_ref(val), limit),
    }
}

/// `Sprint`: a space between two operands of which neither is a string.
pub(crate) fn sprint(arguments: &[Val<'_>], limit: usize) -> Result<String, String> {
    let mut printer = Printer::new(limit);
    let mut after_other = false;
    for val in arguments {
        let is_text = val.as_str().is_some();
        if after_other && !is_text {
            printer.push(" ");
        }
        after_other = !is_text;
        printer.argument(val, &Spec::plain('v'))?;
    }
    printer.finish()
}

/// `Sprintln`: a space between all operands, and a newline.
pub(crate) fn sprintln(arguments: &[Val<'_>], limit: usize) -> Result<String, String> {
    let mut printer = Printer::new(limit);
    for (position, val) in arguments.iter().enumerate() {
        if position > 0 {
            printer.push(" ");
        }
        printer.argument(val, &Spec::plain('v'))?;
    }
    printer.push("\n");
    printer.finish()
}

/// `Sprintf`.
pub(crate) fn sprintf(format: &str, arguments: &[Val<'_>], limit: usize) -> Result<String, String> {
    let mut printer = Printer::new(limit);
    let mut rest = arguments.iter();
    for piece in pieces(format) {
        match piece? {
            Piece::Literal(text) => printer.push(text),
            Piece::NoVerb => printer.push("%!(NOVERB)"),
            Piece::Verb(spec) => match rest.next() {
                Some(val) => printer.argument(val, &spec)?,
                None => printer.push(&format!("%!{}(MISSING)", spec.verb)),
            },
        }
    }
    let extra = rest.as_slice();
    for (position, val) in extra.iter().enumerate() {
        printer.push(if position == 0 { "%!(EXTRA " } else { ", " });
        if !matches!(val, Val::Nil) {
            printer.push(&format!("{}=", val.type_name()));
        }
        printer.argument(val, &Spec::plain('v'))?;
    }
    if !extra.is_empty() {
        printer.push(")");
    }
    printer.finish()
}
