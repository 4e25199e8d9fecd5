//! The pieces of a `printf` format.

/// One verb with its flags.
#[expect(clippy::struct_excessive_bools, reason = "each is one of Go's flags")]
#[derive(Debug, Clone, Copy)]
pub(crate) struct Spec {
    pub(crate) minus: bool,
    pub(crate) plus: bool,
    pub(crate) space: bool,
    pub(crate) zero: bool,
    pub(crate) width: usize,
    pub(crate) precision: Option<usize>,
    pub(crate) verb: char,
}

/// Wider is not supported: it is a mistake, or an attack.
const WIDEST: usize = 4096;
const VERBS: &str = "vTtdbcoOqxXUsfFeEgG";

impl Spec {
    pub(crate) fn plain(verb: char) -> Self {
        Self {
            minus: false,
            plus: false,
            space: false,
            zero: false,
            width: 0,
            precision: None,
            verb,
        }
    }

    /// At most as many characters as the precision says.
    pub(crate) fn truncate<'t>(&self, text: &'t str) -> &'t str {
        let end = self.precision.and_then(|most| text.char_indices().nth(most));
        end.and_then(|(end, _)| text.get(..end)).unwrap_or(text)
    }
}

#[derive(Debug)]
pub(crate) enum Piece<'f> {
    Literal(&'f str),
    Verb(Spec),
    /// A `%` at the end.
    NoVerb,
}

/// Cuts a format; an error names what is not supported.
pub(crate) fn pieces(format: &str) -> impl Iterator<Item = Result<Piece<'_>, String>> {
    let mut rest = format;
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let Some(directive) = rest.strip_prefix('%') else {
            let end = rest.find('%').unwrap_or(rest.len());
            let (literal, behind) = rest.split_at(end);
            rest = behind;
            return Some(Ok(Piece::Literal(literal)));
        };
        let (piece, length) = match verb(directive) {
            Ok((piece, length)) => (Ok(piece), length),
            Err(message) => (Err(message), directive.len()),
        };
        rest = directive.get(length..).unwrap_or_default();
        Some(piece)
    })
}

fn verb(directive: &str) -> Result<(Piece<'_>, usize), String> {
    let mut spec = Spec::plain('v');
    let mut rest = directive;
    while let Some(flag) = rest.chars().next() {
        match flag {
            '-' => spec.minus = true,
            '+' => spec.plus = true,
            ' ' => spec.space = true,
            '0' => spec.zero = true,
            _ => break,
        }
        rest = rest.get(1..).unwrap_or_default();
    }
    spec.width = digits(&mut rest);
    if let Some(behind) = rest.strip_prefix('.') {
        if behind.is_empty() {
            return Err("`printf`: the verb `%.` is not supported".to_owned());
        }
        rest = behind;
        spec.precision = Some(digits(&mut rest));
    }
    if spec.width > WIDEST || spec.precision.unwrap_or(0) > WIDEST {
        return Err(format!("`printf`: a width or precision over {WIDEST} is not supported"));
    }
    let Some(verb) = rest.chars().next() else { return Ok((Piece::NoVerb, directive.len())) };
    let length = directive.len() - rest.len() + verb.len_utf8();
    let shown = directive.get(..length).unwrap_or_default();
    match verb {
        '%' => return Ok((Piece::Literal("%"), length)),
        '#' | '*' | '[' => {
            return Err(format!("`printf`: `{verb}` in `%{shown}` is not supported"));
        }
        verb if !VERBS.contains(verb) => {
            return Err(format!("`printf`: the verb `%{}` is not supported", verb.escape_debug()));
        }
        _ => {}
    }
    spec.verb = verb;
    if verb == 'v' {
        // To Go `%+v` is about the fields of structs.
        spec.plus = false;
    }
    Ok((Piece::Verb(spec), length))
}

/// Takes a decimal number, 0 if there is none.
fn digits(rest: &mut &str) -> usize {
    let behind = rest.trim_start_matches(|c: char| c.is_ascii_digit());
    let number = rest.get(..rest.len() - behind.len()).unwrap_or_default();
    *rest = behind;
    if number.is_empty() { 0 } else { number.parse().unwrap_or(usize::MAX) }
}
