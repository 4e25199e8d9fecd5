//! What a template is once it was read.

use crate::functions::Function;

/// A whole template with all that it defines.
#[derive(Debug)]
pub(crate) struct Document {
    /// The source, for the places of faults.
    pub(crate) text: String,
    /// No action and no comment.
    pub(crate) verbatim: bool,
    pub(crate) body: Vec<Node>,
    /// The bodies of `define` and `block`; [`Node::Template`] holds an index into it.
    pub(crate) defined: Vec<Vec<Node>>,
}

#[derive(Debug)]
pub(crate) enum Node {
    Text(String),
    /// A pipeline whose value is printed unless it sets a variable.
    Action(Action),
    /// `if` or `with`, each with its `else if`s.
    Choice {
        with: bool,
        branches: Vec<(Pipe, Vec<Node>)>,
        otherwise: Vec<Node>,
    },
    Range {
        pipe: Pipe,
        body: Vec<Node>,
        otherwise: Vec<Node>,
    },
    Template {
        at: usize,
        index: usize,
        pipe: Option<Pipe>,
    },
    Break,
    Continue,
}

#[derive(Debug)]
pub(crate) struct Action {
    pub(crate) pipe: Pipe,
    pub(crate) line: usize,
    pub(crate) column: usize,
    /// The expression as written.
    pub(crate) source: String,
}

/// `$x := first | stage | stage`
#[derive(Debug)]
pub(crate) struct Pipe {
    pub(crate) at: usize,
    /// Slots of the variables that it sets, counted from `$` of the template that it is in.
    pub(crate) variables: Vec<usize>,
    /// `:=`: the slots are new. Otherwise they are there.
    pub(crate) declares: bool,
    pub(crate) first: Expr,
    pub(crate) stages: Vec<Call>,
}

#[derive(Debug)]
pub(crate) struct Call {
    pub(crate) at: usize,
    pub(crate) function: Function,
    pub(crate) arguments: Vec<Expr>,
}

#[derive(Debug)]
pub(crate) enum Expr {
    Dot,
    Nil,
    Bool(bool),
    Int(i64),
    Float(f64),
    Text(String),
    Variable(usize),
    /// `.a.b`, `$x.a` or `(…).a`
    Fields {
        at: usize,
        base: Box<Expr>,
        names: Vec<String>,
    },
    Call(Call),
    Paren(Box<Pipe>),
}
