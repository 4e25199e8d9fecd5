//! Go's own functions: names, numbers of arguments, and those without a file of their own.

mod compare;
mod escape;
mod pick;

pub(crate) use compare::compare;
pub(crate) use escape::{html, js, url_query};
pub(crate) use pick::{index, slice};

use crate::value::Val;

/// Why a function did not take its arguments.
#[derive(Debug)]
pub(crate) struct Failure {
    pub(crate) message: String,
    /// The variable that nobody supplied, if that is why.
    pub(crate) missing: Option<String>,
}

impl From<String> for Failure {
    fn from(message: String) -> Self {
        Self { message, missing: None }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Function {
    And,
    Or,
    Not,
    Len,
    Index,
    Slice,
    Eq,
    Ne,
    Lt,
    Le,
    Gt,
    Ge,
    Print,
    Printf,
    Println,
    Html,
    Js,
    UrlQuery,
}

const TABLE: [(&str, Function, usize, usize); 18] = [
    ("and", Function::And, 1, usize::MAX),
    ("or", Function::Or, 1, usize::MAX),
    ("not", Function::Not, 1, 1),
    ("len", Function::Len, 1, 1),
    ("index", Function::Index, 1, usize::MAX),
    ("slice", Function::Slice, 1, 4),
    ("eq", Function::Eq, 2, usize::MAX),
    ("ne", Function::Ne, 2, 2),
    ("lt", Function::Lt, 2, 2),
    ("le", Function::Le, 2, 2),
    ("gt", Function::Gt, 2, 2),
    ("ge", Function::Ge, 2, 2),
    ("print", Function::Print, 0, usize::MAX),
    ("printf", Function::Printf, 1, usize::MAX),
    ("println", Function::Println, 0, usize::MAX),
    ("html", Function::Html, 0, usize::MAX),
    ("js", Function::Js, 0, usize::MAX),
    ("urlquery", Function::UrlQuery, 0, usize::MAX),
];

impl Function {
    /// The function of that name, or why there is none.
    pub(crate) fn named(name: &str) -> Result<Self, String> {
        if let Some((_, function, ..)) = TABLE.iter().find(|(known, ..)| *known == name) {
            return Ok(*function);
        }
        if name == "call" {
            return Err("function \"call\" is not supported: the data of a template holds no \
                        functions"
                .to_owned());
        }
        let known: Vec<_> = TABLE.iter().map(|(known, ..)| *known).collect();
        Err(format!(
            "function \"{name}\" is not defined in matchbox's templates, which have {}; a variable is \
             written with a dot: `.{name}`",
            known.join(", ")
        ))
    }

    pub(crate) fn name(self) -> &'static str {
        TABLE.iter().find(|(_, function, ..)| *function == self).map_or("", |(name, ..)| name)
    }

    /// Refuses a number of arguments that the function never takes.
    pub(crate) fn check_count(self, count: usize) -> Result<(), String> {
        let (least, most) = TABLE
            .iter()
            .find(|(_, function, ..)| *function == self)
            .map_or((0, usize::MAX), |(_, _, least, most)| (*least, *most));
        if (least..=most).contains(&count) {
            return Ok(());
        }
        let wants = match (least, most) {
            (least, most) if least == most => least.to_string(),
            (least, usize::MAX) => format!("{least} or more"),
            (least, most) => format!("{least} to {most}"),
        };
        let noun = if wants == "1" { "argument" } else { "arguments" };
        Err(format!("`{}` takes {wants} {noun} and gets {count}", self.name()))
    }
}

/// `len`: of a string in bytes.
pub(crate) fn len<'a>(val: &Val<'_>) -> Result<Val<'a>, Failure> {
    let length = match val {
        Val::Str(text) => text.len(),
        Val::Made(text) => text.len(),
        Val::List(items) => items.len(),
        Val::Map(map, _) => map.len(),
        other => return Err(format!("`len` of {} is not defined", other.kind()).into()),
    };
    Ok(Val::Int(i64::try_from(length).unwrap_or(i64::MAX)))
}
