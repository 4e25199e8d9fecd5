//! Evaluates pipelines and expressions.

use serde_json::Value;

use super::{OUTPUT, Run};
use crate::RenderFault;
use crate::ast::{Call, Expr, Pipe};
use crate::format::{display, sprint, sprintf, sprintln};
use crate::functions::{self, Failure, Function};
use crate::value::{Tagged, Val};

impl<'a> Run<'a> {
    /// A value of the data.
    pub(super) fn child(&self, json: &'a Value) -> Val<'a> {
        match (json, self.query) {
            (Value::Object(map), Some(query)) if std::ptr::eq(map, query) => Val::Map(map, true),
            _ => Val::of(json),
        }
    }

    /// The root holds what comes from outside, so it is tainted as a whole too.
    pub(super) fn tagged(&self, val: Val<'a>, tainted: bool) -> Tagged<'a> {
        let holds = match &val {
            Val::Map(map, _) if self.is_root(&val) => {
                self.tainted.iter().any(|key| map.contains_key(*key))
            }
            _ => false,
        };
        Tagged { val, tainted: tainted || holds }
    }

    /// Whether what is under `key` of `of` is tainted: in the root that is told by the key.
    pub(super) fn inherits(&self, of: &Tagged<'a>, key: &str) -> bool {
        if self.is_root(&of.val) { self.tainted.contains(&key) } else { of.tainted }
    }

    pub(super) fn pipe(
        &mut self,
        pipe: &'a Pipe,
        dot: &Tagged<'a>,
    ) -> Result<Tagged<'a>, RenderFault> {
        self.enter(pipe.at)?;
        self.step(pipe.at, 1)?;
        let mut value = self.expr(&pipe.first, pipe.at, dot)?;
        for call in &pipe.stages {
            value = self.call(call, Some(value), dot)?;
        }
        self.depth -= 1;
        for slot in &pipe.variables {
            if pipe.declares {
                self.variables.push(value.clone());
            } else {
                self.set(*slot, value.clone());
            }
        }
        Ok(value)
    }

    fn expr(
        &mut self,
        expr: &'a Expr,
        at: usize,
        dot: &Tagged<'a>,
    ) -> Result<Tagged<'a>, RenderFault> {
        let val = match expr {
            Expr::Dot => return Ok(dot.clone()),
            Expr::Variable(slot) => return Ok(self.variable(*slot)),
            Expr::Paren(pipe) => return self.pipe(pipe, dot),
            Expr::Call(call) => return self.call(call, None, dot),
            Expr::Fields { at, base, names } => return self.fields(*at, base, names, dot),
            Expr::Nil => Val::Nil,
            Expr::Bool(flag) => Val::Bool(*flag),
            Expr::Int(number) => Val::Int(*number),
            Expr::Float(number) => Val::Float(*number),
            Expr::Text(text) => Val::Str(text),
        };
        self.step(at, 1)?;
        Ok(Tagged { val, tainted: false })
    }

    fn variable(&self, slot: usize) -> Tagged<'a> {
        let value = self.variables.get(self.frame + slot);
        value.cloned().unwrap_or(Tagged { val: Val::Nil, tainted: false })
    }

    fn fields(
        &mut self,
        at: usize,
        base: &'a Expr,
        names: &'a [String],
        dot: &Tagged<'a>,
    ) -> Result<Tagged<'a>, RenderFault> {
        self.step(at, names.len())?;
        let mut value = self.expr(base, at, dot)?;
        let mut parent = None;
        for name in names {
            let (val, tainted) = match &value.val {
                Val::Map(map, _) => match map.get(name) {
                    Some(item) => (self.child(item), self.inherits(&value, name)),
                    None => return Err(self.fault(at, self.unsupplied(&value.val, &[name]))),
                },
                Val::Nil => return Err(self.fault(at, self.in_null(parent, name))),
                other => {
                    let message = format!("there is no `.{name}` in {}", other.kind());
                    return Err(self.fault(at, message.into()));
                }
            };
            parent = Some((value.val, name.as_str()));
            value = Tagged { val, tainted };
        }
        Ok(value)
    }

    fn call(
        &mut self,
        call: &'a Call,
        piped: Option<Tagged<'a>>,
        dot: &Tagged<'a>,
    ) -> Result<Tagged<'a>, RenderFault> {
        self.step(call.at, 1 + call.arguments.len())?;
        if matches!(call.function, Function::And | Function::Or) {
            return self.and_or(call, piped, dot);
        }
        let mut values = Vec::with_capacity(call.arguments.len() + 1);
        let mut tainted = false;
        for argument in &call.arguments {
            values.push(self.expr(argument, call.at, dot)?);
        }
        values.extend(piped);
        if call.function == Function::Index {
            return self.index(call.at, values);
        }
        let mut arguments = Vec::with_capacity(values.len());
        for value in values {
            tainted |= value.tainted;
            arguments.push(value.val);
        }
        let looked: usize = arguments.iter().filter_map(Val::as_str).map(str::len).sum();
        self.spend(call.at, looked)?;
        let limit = OUTPUT.min(self.work);
        let val = apply(call.function, &arguments, limit)
            .map_err(|failure| self.fault(call.at, failure))?;
        if let Val::Made(text) = &val {
            self.spend(call.at, text.len())?;
        }
        Ok(Tagged { val, tainted })
    }

    /// The first argument that decides, or the last one. Tainted if one that was looked at is.
    fn and_or(
        &mut self,
        call: &'a Call,
        piped: Option<Tagged<'a>>,
        dot: &Tagged<'a>,
    ) -> Result<Tagged<'a>, RenderFault> {
        let mut last = Tagged { val: Val::Nil, tainted: false };
        for argument in &call.arguments {
            let value = self.expr(argument, call.at, dot)?;
            last = Tagged { val: value.val, tainted: last.tainted | value.tainted };
            if last.val.is_true() == (call.function == Function::Or) {
                return Ok(last);
            }
        }
        if let Some(value) = piped {
            last = Tagged { val: value.val, tainted: last.tainted | value.tainted };
        }
        Ok(last)
    }

    fn index(&mut self, at: usize, values: Vec<Tagged<'a>>) -> Result<Tagged<'a>, RenderFault> {
        let mut values = values.into_iter();
        let mut item = values.next().unwrap_or(Tagged { val: Val::Nil, tainted: false });
        if matches!(item.val, Val::Nil) {
            let message = "`index` of null or of what is not there".to_owned();
            return Err(self.fault(at, message.into()));
        }
        let mut parent = None;
        for key in values {
            let name = key.val.as_str().unwrap_or_default();
            self.spend(at, name.len())?;
            if matches!(item.val, Val::Nil) {
                return Err(self.fault(at, self.in_null_index(parent, name)));
            }
            let found = functions::index(&item.val, &key.val, |json| self.child(json))
                .map_err(|failure| self.fault(at, failure))?;
            let tainted = key.tainted || self.inherits(&item, name);
            parent = Some((item.val, key.val));
            item = Tagged { val: found, tainted };
        }
        Ok(item)
    }
}

/// The functions that only need the values of their arguments.
fn apply<'a>(function: Function, arguments: &[Val<'a>], limit: usize) -> Result<Val<'a>, Failure> {
    let first = arguments.first().unwrap_or(&Val::Nil);
    let rest = arguments.get(1..).unwrap_or_default();
    let text = match function {
        Function::Not => return Ok(Val::Bool(!first.is_true())),
        Function::Len => return functions::len(first),
        Function::Slice => return functions::slice(first, rest),
        Function::Print => sprint(arguments, limit)?,
        Function::Println => sprintln(arguments, limit)?,
        Function::Printf => {
            let Some(format) = first.as_str() else {
                let message = format!("`printf` takes a string first, not {}", first.kind());
                return Err(message.into());
            };
            sprintf(format, rest, limit)?
        }
        Function::Html => functions::html(&joined(arguments, limit)?),
        Function::Js => functions::js(&joined(arguments, limit)?),
        Function::UrlQuery => functions::url_query(&joined(arguments, limit)?),
        _ => return functions::compare(function, arguments).map(Val::Bool),
    };
    Ok(Val::made(text))
}

/// As `print`, but null is what an action prints for it.
fn joined(arguments: &[Val<'_>], limit: usize) -> Result<String, String> {
    let shown: Vec<_> = arguments
        .iter()
        .map(|val| match val {
            Val::Nil => display(val, limit).map(Val::made),
            val => Ok(val.clone()),
        })
        .collect::<Result<_, String>>()?;
    sprint(&shown, limit)
}
