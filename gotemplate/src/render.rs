//! Renders a parsed template: the walk over its nodes.

mod eval;
mod trace;

use serde_json::{Map, Value};

use crate::ast::{Action, Document, Node, Pipe};
use crate::functions::Failure;
use crate::place::locate;
use crate::value::{Tagged, Val, sorted};
use crate::{Insertion, RenderFault, Rendered, format};

/// Bytes of text that a template may render to.
const OUTPUT: usize = 16 << 20;
/// Nodes, expressions and iterations of one rendering.
const STEPS: usize = 1_000_000;
/// Bytes that the functions of one rendering may make and look through.
const WORK: usize = 64 << 20;
/// Nodes and pipelines within each other, over all templates that call each other.
const DEPTH: usize = 250;

pub(crate) fn render(
    document: &Document,
    root: &Value,
    tainted: &[&str],
) -> Result<Rendered, RenderFault> {
    let mut run = Run {
        document,
        root,
        tainted,
        query: strings_of_request(root),
        variables: Vec::new(),
        frame: 0,
        out: Rendered::default(),
        steps: STEPS,
        work: WORK,
        depth: 0,
    };
    let dot = run.child(root);
    let dot = run.tagged(dot, false);
    run.variables.push(dot.clone());
    run.list(&document.body, &dot)?;
    Ok(run.out)
}

/// matchbox's `request.query`, which is a `map[string]string` there.
fn strings_of_request(root: &Value) -> Option<&Map<String, Value>> {
    let query = root.get("request")?.get("query")?.as_object()?;
    query.values().all(Value::is_string).then_some(query)
}

/// Where the walk goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Flow {
    On,
    Break,
    Continue,
}

struct Run<'a> {
    document: &'a Document,
    root: &'a Value,
    tainted: &'a [&'a str],
    query: Option<&'a Map<String, Value>>,
    /// All variables; those of the template that runs begin at `frame`, with `$`.
    variables: Vec<Tagged<'a>>,
    frame: usize,
    out: Rendered,
    /// What is left of [`STEPS`], [`WORK`].
    steps: usize,
    work: usize,
    depth: usize,
}

impl<'a> Run<'a> {
    fn fault(&self, at: usize, failure: Failure) -> RenderFault {
        let (line, column) = locate(&self.document.text, at);
        RenderFault { line, column, message: failure.message, missing: failure.missing }
    }

    fn step(&mut self, at: usize, count: usize) -> Result<(), RenderFault> {
        let Some(left) = self.steps.checked_sub(count) else {
            let message = format!("the template takes more than {STEPS} steps");
            return Err(self.fault(at, message.into()));
        };
        self.steps = left;
        Ok(())
    }

    fn spend(&mut self, at: usize, bytes: usize) -> Result<(), RenderFault> {
        let Some(left) = self.work.checked_sub(bytes) else {
            let message = format!("the template's functions handle more than {WORK} bytes");
            return Err(self.fault(at, message.into()));
        };
        self.work = left;
        Ok(())
    }

    fn enter(&mut self, at: usize) -> Result<(), RenderFault> {
        self.depth += 1;
        if self.depth > DEPTH {
            let message = format!("templates and blocks are nested deeper than {DEPTH} levels");
            return Err(self.fault(at, message.into()));
        }
        Ok(())
    }

    fn list(&mut self, nodes: &'a [Node], dot: &Tagged<'a>) -> Result<Flow, RenderFault> {
        for node in nodes {
            match self.node(node, dot)? {
                Flow::On => {}
                other => return Ok(other),
            }
        }
        Ok(Flow::On)
    }

    /// A list with its own variables.
    fn body(
        &mut self,
        at: usize,
        nodes: &'a [Node],
        dot: &Tagged<'a>,
    ) -> Result<Flow, RenderFault> {
        let mark = self.variables.len();
        self.enter(at)?;
        let flow = self.list(nodes, dot)?;
        self.depth -= 1;
        self.variables.truncate(mark);
        Ok(flow)
    }

    fn node(&mut self, node: &'a Node, dot: &Tagged<'a>) -> Result<Flow, RenderFault> {
        match node {
            Node::Text(text) => {
                if text.len() > OUTPUT - self.out.text.len() {
                    return Err(self.too_long(0));
                }
                self.out.text.push_str(text);
                self.out.skeleton.push_str(text);
            }
            Node::Action(action) => self.action(action, dot)?,
            Node::Choice { with, branches, otherwise } => {
                return self.choice(*with, branches, otherwise, dot);
            }
            Node::Range { pipe, body, otherwise } => {
                let mark = self.variables.len();
                let flow = self.range(pipe, body, otherwise, dot)?;
                self.variables.truncate(mark);
                return Ok(flow);
            }
            Node::Template { at, index, pipe } => self.template(*at, *index, pipe.as_ref(), dot)?,
            Node::Break => return Ok(Flow::Break),
            Node::Continue => return Ok(Flow::Continue),
        }
        Ok(Flow::On)
    }

    fn too_long(&self, at: usize) -> RenderFault {
        self.fault(at, format!("the text gets longer than {OUTPUT} bytes").into())
    }

    fn action(&mut self, action: &'a Action, dot: &Tagged<'a>) -> Result<(), RenderFault> {
        let at = action.pipe.at;
        let found = self.pipe(&action.pipe, dot)?;
        if !action.pipe.variables.is_empty() {
            return Ok(());
        }
        let value = format::display(&found.val, OUTPUT - self.out.text.len());
        let value = value.map_err(|_| self.too_long(at))?;
        self.spend(at, value.len() + action.source.len())?;
        let begin = self.out.text.len();
        self.out.text.push_str(&value);
        if !value.is_empty() {
            self.out.skeleton.push('x');
        }
        self.out.insertions.push(Insertion {
            line: action.line,
            column: action.column,
            path: action.source.clone(),
            at: begin,
            value,
            tainted: found.tainted,
        });
        Ok(())
    }

    fn choice(
        &mut self,
        with: bool,
        branches: &'a [(Pipe, Vec<Node>)],
        otherwise: &'a [Node],
        dot: &Tagged<'a>,
    ) -> Result<Flow, RenderFault> {
        let mark = self.variables.len();
        let mut flow = None;
        for (pipe, body) in branches {
            let found = self.pipe(pipe, dot)?;
            if found.val.is_true() {
                flow = Some(self.body(pipe.at, body, if with { &found } else { dot })?);
                break;
            }
        }
        let at = branches.first().map_or(0, |(pipe, _)| pipe.at);
        let flow = match flow {
            Some(flow) => flow,
            None => self.body(at, otherwise, dot)?,
        };
        self.variables.truncate(mark);
        Ok(flow)
    }

    fn range(
        &mut self,
        pipe: &'a Pipe,
        body: &'a [Node],
        otherwise: &'a [Node],
        dot: &Tagged<'a>,
    ) -> Result<Flow, RenderFault> {
        let over = self.pipe(pipe, dot)?;
        let count = match &over.val {
            Val::Nil => 0,
            Val::List(items) => items.len(),
            Val::Map(map, _) => map.len(),
            Val::Int(_) | Val::Byte(_) if pipe.variables.len() > 1 => {
                let message = "`range` over a number gives one variable, not two".to_owned();
                return Err(self.fault(pipe.at, message.into()));
            }
            Val::Int(number) => usize::try_from(*number).unwrap_or(0),
            Val::Byte(byte) => usize::from(*byte),
            other => {
                let message = format!("`range` cannot go over {}", other.kind());
                return Err(self.fault(pipe.at, message.into()));
            }
        };
        if count == 0 {
            return self.body(pipe.at, otherwise, dot);
        }
        let entries = match &over.val {
            Val::Map(map, _) => {
                self.step(pipe.at, count)?;
                sorted(map)
            }
            _ => Vec::new(),
        };
        for position in 0..count {
            self.step(pipe.at, 1)?;
            let (key, element) = self.element(&over, &entries, position);
            self.assign_iteration(pipe, key, &element);
            if self.body(pipe.at, body, &element)? == Flow::Break {
                break;
            }
        }
        Ok(Flow::On)
    }

    /// Index or key, and element, of one iteration.
    fn element(
        &self,
        over: &Tagged<'a>,
        entries: &[(&'a str, &'a Value)],
        position: usize,
    ) -> (Tagged<'a>, Tagged<'a>) {
        let number = i64::try_from(position).unwrap_or(i64::MAX);
        let part = |val| Tagged { val, tainted: over.tainted };
        match &over.val {
            Val::List(items) => {
                let element = items.get(position).map_or(Val::Nil, |item| self.child(item));
                (part(Val::Int(number)), part(element))
            }
            Val::Byte(_) => {
                (part(Val::Nil), part(Val::Byte(u8::try_from(position).unwrap_or(u8::MAX))))
            }
            Val::Map(..) => match entries.get(position) {
                Some((key, item)) => {
                    let tainted = self.inherits(over, key);
                    (
                        Tagged { val: Val::Str(key), tainted },
                        Tagged { val: self.child(item), tainted },
                    )
                }
                None => (part(Val::Nil), part(Val::Nil)),
            },
            _ => (part(Val::Nil), part(Val::Int(number))),
        }
    }

    fn assign_iteration(&mut self, pipe: &Pipe, key: Tagged<'a>, element: &Tagged<'a>) {
        match pipe.variables.as_slice() {
            [slot] => self.set(*slot, element.clone()),
            [first, second] => {
                self.set(*first, key);
                self.set(*second, element.clone());
            }
            _ => {}
        }
    }

    fn set(&mut self, slot: usize, value: Tagged<'a>) {
        if let Some(variable) = self.variables.get_mut(self.frame + slot) {
            *variable = value;
        }
    }

    fn template(
        &mut self,
        at: usize,
        index: usize,
        pipe: Option<&'a Pipe>,
        dot: &Tagged<'a>,
    ) -> Result<(), RenderFault> {
        self.step(at, 1)?;
        let dot = match pipe {
            Some(pipe) => self.pipe(pipe, dot)?,
            None => Tagged { val: Val::Nil, tainted: false },
        };
        let frame = std::mem::replace(&mut self.frame, self.variables.len());
        self.variables.push(dot.clone());
        let body = self.document.defined.get(index).map(Vec::as_slice).unwrap_or_default();
        self.body(at, body, &dot)?;
        self.variables.truncate(self.frame);
        self.frame = frame;
        Ok(())
    }

    fn is_root(&self, val: &Val<'_>) -> bool {
        match (val, self.root) {
            (Val::Map(map, _), Value::Object(root)) => std::ptr::eq(*map, root),
            _ => false,
        }
    }
}
