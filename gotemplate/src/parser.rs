//! Reads a template: text, control structures, definitions.

mod pipeline;

use std::collections::HashMap;

use crate::ParseFault;
use crate::ast::{Action, Document, Node, Pipe};
use crate::lexer::{Kind, Token, fault, lex};
use crate::literal;
use crate::place::{Cursor, excerpt};

/// Control structures and parentheses within each other.
const DEPTH: usize = 100;
/// Variables that can be used at one place.
const VARIABLES: usize = 1000;
/// Bytes of a template.
const SIZE: usize = 16 << 20;

pub(crate) fn parse(text: &str) -> Result<Document, ParseFault> {
    if text.len() > SIZE {
        return Err(fault(text, 0, format!("a template may have at most {SIZE} bytes")));
    }
    let (tokens, verbatim) = lex(text)?;
    let mut parser = Parser {
        text,
        tokens,
        next: 0,
        depth: 0,
        ranges: 0,
        variables: vec!["$"],
        names: HashMap::new(),
        defined: Vec::new(),
        uses: Vec::new(),
        cursor: Cursor::default(),
    };
    let (body, _) = parser.list(true)?;
    parser.check_uses()?;
    let defined = parser.defined.into_iter().map(Option::unwrap_or_default).collect();
    Ok(Document { text: text.to_owned(), verbatim, body, defined })
}

/// What ended a list of nodes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stop {
    /// The end of the text.
    Text,
    End,
    /// `else`; what follows in its action is not read yet.
    Else,
}

struct Parser<'t> {
    text: &'t str,
    tokens: Vec<Token<'t>>,
    next: usize,
    depth: usize,
    /// How many `range` bodies the place is in.
    ranges: usize,
    /// The variables that can be used here; the place in it is the slot.
    variables: Vec<&'t str>,
    /// Templates by name: the index into `defined`.
    names: HashMap<String, usize>,
    /// None: named so far, not defined.
    defined: Vec<Option<Vec<Node>>>,
    /// Where a template was called, by index.
    uses: Vec<(usize, usize, String)>,
    /// Where the last action stood.
    cursor: Cursor,
}

impl<'t> Parser<'t> {
    fn peek(&self) -> Token<'t> {
        let end = Token { kind: Kind::End, at: self.text.len(), source: "", spaced: false };
        self.tokens.get(self.next).copied().unwrap_or(end)
    }

    fn take(&mut self) -> Token<'t> {
        let token = self.peek();
        self.next += 1;
        token
    }

    fn take_if(&mut self, kind: Kind) -> Option<Token<'t>> {
        (self.peek().kind == kind).then(|| self.take())
    }

    fn fault<T>(&self, at: usize, message: impl Into<String>) -> Result<T, ParseFault> {
        Err(fault(self.text, at, message))
    }

    fn fault_here_back<T>(&self, message: &str) -> Result<T, ParseFault> {
        let token = self.tokens.get(self.next.saturating_sub(1)).copied();
        self.fault(token.map_or(0, |token| token.at), message)
    }

    fn unexpected<T>(&self, token: Token<'t>, context: &str) -> Result<T, ParseFault> {
        if token.kind == Kind::End {
            return self.fault(
                token.at,
                format!("the text ends within {context}: `{{{{end}}}}` is missing"),
            );
        }
        self.fault(token.at, format!("`{}` is not expected in {context}", excerpt(token.source)))
    }

    fn close(&mut self, context: &str) -> Result<(), ParseFault> {
        let token = self.take();
        if token.kind == Kind::Close { Ok(()) } else { self.unexpected(token, context) }
    }

    fn deeper(&mut self, at: usize) -> Result<(), ParseFault> {
        self.depth += 1;
        if self.depth > DEPTH {
            return self.fault(at, format!("nested deeper than {DEPTH} levels"));
        }
        Ok(())
    }

    /// Nodes up to `end`, `else` or the end of the text.
    fn list(&mut self, top: bool) -> Result<(Vec<Node>, Stop), ParseFault> {
        let mut nodes = Vec::new();
        loop {
            let token = self.take();
            match token.kind {
                Kind::Text => nodes.push(Node::Text(token.source.to_owned())),
                Kind::Open => {
                    let word = self.peek();
                    let keyword = if word.kind == Kind::Word { word.source } else { "" };
                    match keyword {
                        "end" | "else" if top => {
                            let message = format!("`{keyword}` belongs to nothing that is open");
                            return self.fault(word.at, message);
                        }
                        "end" => {
                            self.next += 1;
                            self.close("`end`")?;
                            return Ok((nodes, Stop::End));
                        }
                        "else" => {
                            self.next += 1;
                            return Ok((nodes, Stop::Else));
                        }
                        "define" => self.define(word, top)?,
                        _ => nodes.push(self.action(word, keyword)?),
                    }
                }
                _ => return Ok((nodes, Stop::Text)),
            }
        }
    }

    /// A list that something opened at `at` and `end` or `else` has to close.
    fn body(&mut self, at: usize, what: &str) -> Result<(Vec<Node>, Stop), ParseFault> {
        let mark = self.variables.len();
        let (nodes, stop) = self.list(false)?;
        self.variables.truncate(mark);
        if stop == Stop::Text {
            return self.fault(at, format!("this `{what}` has no `{{{{end}}}}`"));
        }
        Ok((nodes, stop))
    }

    fn action(&mut self, word: Token<'t>, keyword: &str) -> Result<Node, ParseFault> {
        match keyword {
            "if" | "with" => self.choice(keyword == "with"),
            "range" => self.range(),
            "template" => self.template(),
            "block" => self.block(),
            "break" | "continue" => {
                self.next += 1;
                self.close(if keyword == "break" { "`break`" } else { "`continue`" })?;
                if self.ranges == 0 {
                    return self
                        .fault(word.at, format!("`{keyword}` stands outside of any `range`"));
                }
                Ok(if keyword == "break" { Node::Break } else { Node::Continue })
            }
            _ => {
                let pipe = self.pipeline(1, Kind::Close, "an action")?;
                let (line, column) = self.cursor.locate(self.text, word.at);
                let end = self.tokens.get(self.next - 1).map_or(word.at, |token| token.at);
                let source = excerpt(self.text.get(word.at..end).unwrap_or_default());
                Ok(Node::Action(Action { pipe, line, column, source }))
            }
        }
    }

    fn choice(&mut self, with: bool) -> Result<Node, ParseFault> {
        let opening = self.take();
        let mark = self.variables.len();
        self.deeper(opening.at)?;
        let mut branches = Vec::new();
        let mut otherwise = Vec::new();
        loop {
            let pipe = self.pipeline(1, Kind::Close, "a condition")?;
            let (body, stop) = self.body(opening.at, opening.source)?;
            branches.push((pipe, body));
            if stop == Stop::End {
                break;
            }
            let again = self.peek();
            if again.kind == Kind::Word && again.source == opening.source {
                self.next += 1;
                continue;
            }
            otherwise = self.otherwise(opening)?;
            break;
        }
        self.depth -= 1;
        self.variables.truncate(mark);
        Ok(Node::Choice { with, branches, otherwise })
    }

    /// What stands behind a last `else`, up to its `end`.
    fn otherwise(&mut self, opening: Token<'t>) -> Result<Vec<Node>, ParseFault> {
        self.close("`else`")?;
        let (nodes, stop) = self.body(opening.at, opening.source)?;
        if stop == Stop::Else {
            return self.fault_here_back("a second `else`: `end` is expected");
        }
        Ok(nodes)
    }

    fn range(&mut self) -> Result<Node, ParseFault> {
        let opening = self.take();
        let mark = self.variables.len();
        self.deeper(opening.at)?;
        let pipe = self.pipeline(2, Kind::Close, "`range`")?;
        self.ranges += 1;
        let (body, stop) = self.body(opening.at, "range")?;
        self.ranges -= 1;
        let otherwise = if stop == Stop::Else { self.otherwise(opening)? } else { Vec::new() };
        self.depth -= 1;
        self.variables.truncate(mark);
        Ok(Node::Range { pipe, body, otherwise })
    }

    /// The name behind `define`, `template` and `block`.
    fn name(&mut self, context: &str) -> Result<String, ParseFault> {
        let token = self.take();
        let name = match token.kind {
            Kind::Quoted => literal::text(token.source),
            Kind::Raw => Ok(literal::raw(token.source)),
            _ => return self.unexpected(token, context),
        };
        match name {
            Ok(name) if name.is_empty() => self.fault(token.at, "a template needs a name"),
            Ok(name) => Ok(name),
            Err(message) => self.fault(token.at, message),
        }
    }

    fn index(&mut self, name: &str) -> usize {
        let fresh = self.defined.len();
        let index = *self.names.entry(name.to_owned()).or_insert(fresh);
        if index == fresh {
            self.defined.push(None);
        }
        index
    }

    fn template(&mut self) -> Result<Node, ParseFault> {
        let at = self.take().at;
        let name = self.name("`template`")?;
        let index = self.index(&name);
        self.uses.push((at, index, name));
        let pipe = match self.take_if(Kind::Close) {
            Some(_) => None,
            None => Some(self.pipeline(0, Kind::Close, "`template`")?),
        };
        Ok(Node::Template { at, index, pipe })
    }

    fn block(&mut self) -> Result<Node, ParseFault> {
        let opening = self.take();
        let name = self.name("`block`")?;
        let pipe: Pipe = self.pipeline(0, Kind::Close, "`block`")?;
        let index = self.definition(opening, &name)?;
        Ok(Node::Template { at: opening.at, index, pipe: Some(pipe) })
    }

    fn define(&mut self, opening: Token<'t>, top: bool) -> Result<(), ParseFault> {
        if !top {
            return self.fault(opening.at, "`define` can stand only at the top of a template");
        }
        self.next += 1;
        let name = self.name("`define`")?;
        self.close("`define`")?;
        self.definition(opening, &name).map(drop)
    }

    /// The body of a definition, which sees no variable of its surroundings.
    fn definition(&mut self, opening: Token<'t>, name: &str) -> Result<usize, ParseFault> {
        self.deeper(opening.at)?;
        let variables = std::mem::replace(&mut self.variables, vec!["$"]);
        let ranges = std::mem::take(&mut self.ranges);
        let (nodes, stop) = self.body(opening.at, opening.source)?;
        if stop == Stop::Else {
            return self.fault_here_back("`else` belongs to no `if`, `with` or `range`");
        }
        self.variables = variables;
        self.ranges = ranges;
        self.depth -= 1;
        let index = self.index(name);
        let Some(slot) = self.defined.get_mut(index) else { return Ok(index) };
        // As in Go an empty definition gives way, so that a block can be blank.
        match slot {
            Some(old) if !is_empty(old) && !is_empty(&nodes) => {
                self.fault(opening.at, format!("the template {name:?} is defined twice"))
            }
            Some(old) if !is_empty(old) => Ok(index),
            slot => {
                *slot = Some(nodes);
                Ok(index)
            }
        }
    }

    fn check_uses(&self) -> Result<(), ParseFault> {
        for (at, index, name) in &self.uses {
            if !matches!(self.defined.get(*index), Some(Some(_))) {
                return self.fault(*at, format!("the template {name:?} is not defined"));
            }
        }
        Ok(())
    }
}

fn is_empty(nodes: &[Node]) -> bool {
    nodes.iter().all(|node| matches!(node, Node::Text(text) if text.trim().is_empty()))
}
