//! `index` and `slice`.

use super::Failure;
use crate::value::Val;

/// One step of `index`; `child` makes a value of what is in the data.
pub(crate) fn index<'a>(
    item: &Val<'a>,
    key: &Val<'_>,
    child: impl Fn(&'a serde_json::Value) -> Val<'a>,
) -> Result<Val<'a>, Failure> {
    match item {
        Val::Map(map, strings) => {
            let Some(name) = key.as_str() else {
                let message = format!("`index` of a map takes a string as key, not {}", key.kind());
                return Err(message.into());
            };
            Ok(map.get(name).map_or(if *strings { Val::Str("") } else { Val::Nil }, child))
        }
        Val::List(items) => {
            let at = position(key, "index", items.len())?;
            items.get(at).map(child).ok_or_else(|| outside("index", at, items.len()))
        }
        Val::Str(_) | Val::Made(_) => {
            let bytes = item.as_str().unwrap_or_default().as_bytes();
            let at = position(key, "index", bytes.len())?;
            let byte = bytes.get(at).copied();
            byte.map(Val::Byte).ok_or_else(|| outside("index", at, bytes.len()))
        }
        Val::Nil => Err("`index` of null or of what is not there".to_owned().into()),
        other => Err(format!("`index` of {} is not defined", other.kind()).into()),
    }
}

/// `slice x i j k`. Behind a list's end there is nothing here, where Go may find spare room.
pub(crate) fn slice<'a>(item: &Val<'a>, bounds: &[Val<'_>]) -> Result<Val<'a>, Failure> {
    let length = match item {
        Val::Str(text) => text.len(),
        Val::Made(text) => text.len(),
        Val::List(items) => items.len(),
        other => return Err(format!("`slice` of {} is not defined", other.kind()).into()),
    };
    if bounds.len() > 2 && !matches!(item, Val::List(_)) {
        return Err("`slice` of a string takes two bounds at most".to_owned().into());
    }
    let mut found = [0, length, length];
    for (slot, bound) in found.iter_mut().zip(bounds) {
        *slot = position(bound, "slice", length)?;
    }
    let [from, to, cap] = found;
    if from > to || to > cap {
        return Err(format!("`slice` from {from} to {to} (of {cap}) goes backwards").into());
    }
    let broken = || format!("`slice` from {from} to {to} cuts a character in two");
    match item {
        Val::Str(text) => Ok(Val::Str(text.get(from..to).ok_or_else(broken)?)),
        Val::Made(text) => Ok(Val::made(text.get(from..to).ok_or_else(broken)?.to_owned())),
        Val::List(items) => Ok(Val::List(items.get(from..to).unwrap_or_default())),
        _ => Ok(Val::Nil),
    }
}

fn position(key: &Val<'_>, function: &str, length: usize) -> Result<usize, Failure> {
    let number = match key {
        Val::Int(number) => *number,
        Val::Byte(byte) => i64::from(*byte),
        other => {
            return Err(
                format!("`{function}` takes an int as position, not {}", other.kind()).into()
            );
        }
    };
    usize::try_from(number)
        .ok()
        .filter(|at| *at <= length)
        .ok_or_else(|| outside(function, number, length))
}

fn outside(function: &str, at: impl std::fmt::Display, length: usize) -> Failure {
    format!("`{function}` at {at} is outside of what has {length} elements").into()
}
