//! The part of Go's `text/template` that matchbox's templates are written in.
//!
//! matchbox renders with `missingkey=error` and no functions but Go's own. A template is parsed once and
//! refused, with its place, where it holds anything that this crate does not do exactly as Go does; what
//! it accepts it renders as Go renders it. The language is that of <https://pkg.go.dev/text/template>, the
//! data is JSON as `encoding/json` decodes it into a `map[string]interface{}`: every number is a float64.
//!
//! Stricter than Go on purpose, always with a fault and never with other text:
//! what can only fail when reached fails at [`Template::parse`] (an undefined template or variable, wrong
//! numbers of arguments, arguments to a field, `nil` alone); a `|` with nothing behind it; complex numbers,
//! `call`, declarations inside parentheses; `printf` with `#`, `*`, `[n]`, unknown verbs, or `%x` and `%b` of
//! a float64; `slice` beyond the end of a list; and text that would not be UTF-8.
//!
//! Limits, each with a fault of its own: 16 MiB of template and of text, 1,000,000 steps and 64 MiB handled by
//! functions in one rendering, 100 levels of nesting in the source and 250 while rendering, 1000 variables in
//! one scope.

mod ast;
mod format;
mod functions;
mod lexer;
mod literal;
mod parser;
mod place;
mod render;
mod value;

use std::sync::Arc;

use crate::ast::Document;

/// A parsed template. Cloning it is cheap.
#[derive(Debug, Clone)]
pub struct Template {
    document: Arc<Document>,
}

/// Why a text is not a template that this crate renders.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{line}:{column}: {message}")]
pub struct ParseFault {
    /// Line of the text, from 1.
    pub line: usize,
    /// Column in characters, from 1.
    pub column: usize,
    /// What is wrong, and what is allowed instead.
    pub message: String,
}

/// Why a template could not be rendered with this data.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{line}:{column}: {message}")]
pub struct RenderFault {
    /// Line of the template, from 1.
    pub line: usize,
    /// Column in characters, from 1.
    pub column: usize,
    /// What is wrong.
    pub message: String,
    /// The variable that nobody supplied, dotted from the root where it is known: `request.query.mac`.
    pub missing: Option<String>,
}

/// What a template rendered to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Rendered {
    /// The text.
    pub text: String,
    /// The text with every inserted value replaced by the letter `x`, an empty value by nothing. Control flow
    /// is that of the real values, so both texts have the same structure unless a value changed it.
    pub skeleton: String,
    /// Every value that was inserted, in the order of the text.
    pub insertions: Vec<Insertion>,
}

/// One value that a template inserted into its text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Insertion {
    /// Line of the template, from 1.
    pub line: usize,
    /// Column in characters, from 1, of the expression.
    pub column: usize,
    /// The expression's source, for a field its path: `.request.query.mac`. Long ones are cut.
    pub path: String,
    /// Where it begins in the text, in bytes.
    pub at: usize,
    /// The text that was inserted.
    pub value: String,
    /// Whether it derives from a key of the root that comes from outside.
    pub tainted: bool,
}

impl Rendered {
    /// The text with another word in the place of each value but the empty ones: `word` is told which value
    /// it is, from 0.
    pub fn skeleton_with(&self, word: impl Fn(usize) -> String) -> String {
        let mut out = String::new();
        let mut from = 0;
        for (number, found) in self.insertions.iter().enumerate() {
            out.push_str(self.text.get(from..found.at).unwrap_or_default());
            if !found.value.is_empty() {
                out.push_str(&word(number));
            }
            from = found.at + found.value.len();
        }
        out.push_str(self.text.get(from..).unwrap_or_default());
        out
    }
}

impl Template {
    /// Parses `text`; everything that is not supported is refused by name.
    pub fn parse(text: &str) -> Result<Self, ParseFault> {
        Ok(Self { document: Arc::new(parser::parse(text)?) })
    }

    /// Whether the text holds no action and no comment at all: it renders to itself.
    pub fn is_verbatim(&self) -> bool {
        self.document.verbatim
    }

    /// Renders with `root` as dot and as `$`.
    ///
    /// `request.query` is a map of strings to Go, as in matchbox, when all its values are strings: `index`
    /// gives the empty string for a key that it lacks, where other maps give `<no value>`.
    pub fn render(&self, root: &serde_json::Value) -> Result<Rendered, RenderFault> {
        self.render_tainted(root, &[])
    }

    /// Renders as [`Template::render`] does and marks what derives from the values under the keys `tainted`
    /// of the root: through fields, variables, `with`, `range`, `template` and every function that took one.
    /// What a condition on such a value chooses is not marked.
    pub fn render_tainted(
        &self,
        root: &serde_json::Value,
        tainted: &[&str],
    ) -> Result<Rendered, RenderFault> {
        render::render(&self.document, root, tainted)
    }
}

#[cfg(test)]
mod tests;
