//! Reads what stands within an action: pipelines, calls, operands.

use super::{Parser, VARIABLES};
use crate::ParseFault;
use crate::ast::{Call, Expr, Pipe};
use crate::format::pieces;
use crate::functions::Function;
use crate::lexer::{Kind, Token};
use crate::literal;
use crate::place::excerpt;

const KEYWORDS: [&str; 10] =
    ["block", "break", "continue", "define", "else", "end", "if", "range", "template", "with"];

impl<'t> Parser<'t> {
    /// A pipeline with at most that many variables, up to and with the token `end`.
    pub(super) fn pipeline(
        &mut self,
        variables: usize,
        end: Kind,
        context: &str,
    ) -> Result<Pipe, ParseFault> {
        let at = self.peek().at;
        let (names, declares) = self.targets(variables, context)?;
        let first = self.command(false, end, context)?;
        let mut stages = Vec::new();
        while self.take_if(Kind::Pipe).is_some() {
            let start = self.peek();
            match self.command(true, end, context)? {
                Expr::Call(call) => stages.push(call),
                _ => {
                    return self.fault(
                        start.at,
                        format!("only a function can stand behind `|`, not `{}`", start.source),
                    );
                }
            }
        }
        let closing = self.take();
        if closing.kind != end {
            return self.unexpected(closing, context);
        }
        let slots = self.slots(&names, declares)?;
        Ok(Pipe { at, variables: slots, declares, first, stages })
    }

    /// `$x :=`, `$x =`, or two of them with a comma.
    fn targets(
        &mut self,
        most: usize,
        context: &str,
    ) -> Result<(Vec<Token<'t>>, bool), ParseFault> {
        let behind = |ahead: usize| self.tokens.get(self.next + ahead).map(|token| token.kind);
        let sets = |kind| matches!(kind, Some(Kind::Declare | Kind::Assign));
        let count = match (self.peek().kind, behind(1)) {
            (Kind::Variable, kind) if sets(kind) => 1,
            (Kind::Variable, Some(Kind::Comma)) => {
                if behind(2) != Some(Kind::Variable) || !sets(behind(3)) {
                    return self.fault(
                        self.peek().at,
                        "write two variables as `{{range $index, $element := …}}`",
                    );
                }
                2
            }
            _ => return Ok((Vec::new(), false)),
        };
        if count > most {
            return self.fault(
                self.peek().at,
                format!(
                    "{context} cannot set {} here",
                    if count == 1 { "a variable" } else { "two variables" }
                ),
            );
        }
        let mut names = vec![self.take()];
        if count == 2 {
            self.next += 1;
            names.push(self.take());
        }
        let declares = self.take().kind == Kind::Declare;
        Ok((names, declares))
    }

    fn slots(&mut self, names: &[Token<'t>], declares: bool) -> Result<Vec<usize>, ParseFault> {
        let mut slots = Vec::with_capacity(names.len());
        for name in names {
            if self.variables.len() >= VARIABLES {
                return self
                    .fault(name.at, format!("more than {VARIABLES} variables in one scope"));
            }
            if declares {
                slots.push(self.variables.len());
                self.variables.push(name.source);
            } else {
                slots.push(self.variable(*name)?);
            }
        }
        Ok(slots)
    }

    fn variable(&self, token: Token<'t>) -> Result<usize, ParseFault> {
        match self.variables.iter().rposition(|name| *name == token.source) {
            Some(slot) => Ok(slot),
            None => self.fault(token.at, format!("the variable {} is not set here", token.source)),
        }
    }

    /// A function with its arguments, or one operand. `piped`: the stage before gives one more argument.
    fn command(&mut self, piped: bool, end: Kind, context: &str) -> Result<Expr, ParseFault> {
        let start = self.peek();
        let mut operands = Vec::new();
        loop {
            let token = self.peek();
            if token.kind == end || token.kind == Kind::Pipe {
                break;
            }
            if !operands.is_empty() && !token.spaced {
                return self.fault(
                    token.at,
                    format!("a space is missing before `{}`", excerpt(token.source)),
                );
            }
            let operand = self.operand(context)?;
            // As an argument a function stands alone: its own arguments need parentheses.
            if let (Expr::Call(call), false) = (&operand, operands.is_empty()) {
                self.check_call(call, false)?;
            }
            operands.push(operand);
        }
        let mut operands = operands.into_iter();
        let Some(first) = operands.next() else {
            return self.fault(start.at, format!("a value is missing in {context}"));
        };
        let arguments: Vec<Expr> = operands.collect();
        match first {
            Expr::Call(call) if call.arguments.is_empty() => {
                let call = Call { arguments, ..call };
                self.check_call(&call, piped)?;
                Ok(Expr::Call(call))
            }
            Expr::Nil => self.fault(start.at, "`nil` is not a value by itself"),
            other if arguments.is_empty() => Ok(other),
            _ => self.fault(
                start.at,
                format!("`{}` is not a function, so nothing can follow it", excerpt(start.source)),
            ),
        }
    }

    fn check_call(&self, call: &Call, piped: bool) -> Result<(), ParseFault> {
        let count = call.arguments.len() + usize::from(piped);
        if let Err(message) = call.function.check_count(count) {
            return self.fault(call.at, message);
        }
        if call.function != Function::Printf {
            return Ok(());
        }
        match call.arguments.first() {
            Some(Expr::Text(format)) => match pieces(format).find_map(Result::err) {
                Some(message) => self.fault(call.at, message),
                None => Ok(()),
            },
            Some(Expr::Nil | Expr::Bool(_) | Expr::Int(_) | Expr::Float(_)) => {
                self.fault(call.at, "`printf` takes a string as its first argument")
            }
            _ => Ok(()),
        }
    }

    /// A term and the fields behind it.
    fn operand(&mut self, context: &str) -> Result<Expr, ParseFault> {
        let token = self.take();
        let base = match token.kind {
            Kind::Field => {
                self.next -= 1;
                return Ok(self.fields(token.at, Expr::Dot));
            }
            _ => self.term(token, context)?,
        };
        let next = self.peek();
        let adjacent = matches!(next.kind, Kind::Field) && !next.spaced;
        match base {
            base if !adjacent => Ok(base),
            Expr::Variable(_) | Expr::Paren(_) => Ok(self.fields(token.at, base)),
            _ => self.fault(next.at, format!("`{}` has no fields", excerpt(token.source))),
        }
    }

    fn fields(&mut self, at: usize, base: Expr) -> Expr {
        let mut names = Vec::new();
        while self.peek().kind == Kind::Field && (names.is_empty() || !self.peek().spaced) {
            names.push(self.take().source.trim_start_matches('.').to_owned());
        }
        Expr::Fields { at, base: Box::new(base), names }
    }

    fn term(&mut self, token: Token<'t>, context: &str) -> Result<Expr, ParseFault> {
        let literal = match token.kind {
            Kind::Dot => Ok(Expr::Dot),
            Kind::Variable => return Ok(Expr::Variable(self.variable(token)?)),
            Kind::Number => literal::number(token.source),
            Kind::Char => literal::character(token.source),
            Kind::Quoted => literal::text(token.source).map(Expr::Text),
            Kind::Raw => Ok(Expr::Text(literal::raw(token.source))),
            Kind::Word => return self.word(token, context),
            Kind::LeftParen => {
                self.deeper(token.at)?;
                let pipe = self.pipeline(0, Kind::RightParen, "parentheses")?;
                self.depth -= 1;
                Ok(Expr::Paren(Box::new(pipe)))
            }
            _ => return self.unexpected(token, context),
        };
        literal.or_else(|message| self.fault(token.at, message))
    }

    fn word(&self, token: Token<'t>, context: &str) -> Result<Expr, ParseFault> {
        match token.source {
            "true" => Ok(Expr::Bool(true)),
            "false" => Ok(Expr::Bool(false)),
            "nil" => Ok(Expr::Nil),
            word if KEYWORDS.contains(&word) => self.unexpected(token, context),
            word => match Function::named(word) {
                Ok(function) => {
                    Ok(Expr::Call(Call { at: token.at, function, arguments: Vec::new() }))
                }
                Err(message) => self.fault(token.at, message),
            },
        }
    }
}
