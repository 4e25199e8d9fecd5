//! `eq`, `ne`, `lt`, `le`, `gt`, `ge` with Go's rules on what compares with what.

use std::cmp::Ordering;

use super::{Failure, Function};
use crate::value::Val;

pub(crate) fn compare(function: Function, arguments: &[Val<'_>]) -> Result<bool, Failure> {
    let (Some(left), Some(rest)) = (arguments.first(), arguments.get(1..)) else {
        return Err(format!("`{}` takes arguments", function.name()).into());
    };
    if matches!(function, Function::Eq | Function::Ne) {
        for right in rest {
            if equal(function, left, right)? {
                return Ok(function == Function::Eq);
            }
        }
        return Ok(function == Function::Ne);
    }
    let right = rest.first().unwrap_or(&Val::Nil);
    let order = order(function, left, right)?;
    // Without an order (NaN) Go's `gt` and `ge` are the opposites of `le` and `lt`.
    Ok(match function {
        Function::Lt => order == Some(Ordering::Less),
        Function::Le => matches!(order, Some(Ordering::Less | Ordering::Equal)),
        Function::Gt => !matches!(order, Some(Ordering::Less | Ordering::Equal)),
        _ => order != Some(Ordering::Less),
    })
}

/// Ints and bytes compare with each other, and nothing else with what is not of its own type.
fn integer(val: &Val<'_>) -> Option<i64> {
    match val {
        Val::Int(number) => Some(*number),
        Val::Byte(byte) => Some(i64::from(*byte)),
        _ => None,
    }
}

#[expect(clippy::float_cmp, reason = "Go compares them exactly")]
fn equal(function: Function, left: &Val<'_>, right: &Val<'_>) -> Result<bool, Failure> {
    if let (Some(left), Some(right)) = (integer(left), integer(right)) {
        return Ok(left == right);
    }
    if let (Some(left), Some(right)) = (left.as_str(), right.as_str()) {
        return Ok(left == right);
    }
    match (left, right) {
        (Val::Nil, Val::Nil) => Ok(true),
        (Val::Nil, _) | (_, Val::Nil) => Ok(false),
        (Val::Bool(left), Val::Bool(right)) => Ok(left == right),
        (Val::Float(left), Val::Float(right)) => Ok(left == right),
        _ => Err(mismatch(function, left, right)),
    }
}

fn order(function: Function, left: &Val<'_>, right: &Val<'_>) -> Result<Option<Ordering>, Failure> {
    if let (Some(left), Some(right)) = (integer(left), integer(right)) {
        return Ok(Some(left.cmp(&right)));
    }
    if let (Some(left), Some(right)) = (left.as_str(), right.as_str()) {
        return Ok(Some(left.cmp(right)));
    }
    match (left, right) {
        (Val::Float(left), Val::Float(right)) => Ok(left.partial_cmp(right)),
        _ => Err(mismatch(function, left, right)),
    }
}

fn mismatch(function: Function, left: &Val<'_>, right: &Val<'_>) -> Failure {
    let hint = match (left, right) {
        (Val::Float(_), Val::Int(_)) | (Val::Int(_), Val::Float(_)) => {
            "; write the literal as a float: `3.0`"
        }
        _ => "",
    };
    format!("`{}` cannot compare {} with {}{hint}", function.name(), left.kind(), right.kind())
        .into()
}
