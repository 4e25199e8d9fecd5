//! Says which variable nobody supplied. Only a rendering that failed gets here.

use serde_json::{Map, Value};

use super::Run;
use crate::functions::Failure;
use crate::value::Val;

impl<'a> Run<'a> {
    /// `names` lead nowhere from the map `from`.
    pub(super) fn unsupplied(&self, from: &Val<'a>, names: &[&str]) -> Failure {
        let mut path = match from {
            Val::Map(map, _) => path_to(self.root, map).unwrap_or_default(),
            _ => Vec::new(),
        };
        path.extend(names.iter().map(|name| (*name).to_owned()));
        let dotted = path.join(".");
        Failure {
            message: format!(
                "nobody supplies the variable {dotted:?}; `index` asks for one that may be absent"
            ),
            missing: Some(dotted),
        }
    }

    /// `.name` was asked of a null that came from `parent`.
    pub(super) fn in_null(&self, parent: Option<(Val<'a>, &str)>, name: &str) -> Failure {
        match parent {
            Some((from, key)) => self.unsupplied(&from, &[key, name]),
            None => Failure { message: format!("there is no `.{name}` in null"), missing: None },
        }
    }

    /// As [`Self::in_null`], within `index`.
    pub(super) fn in_null_index(&self, parent: Option<(Val<'a>, Val<'a>)>, name: &str) -> Failure {
        match parent {
            Some((from @ Val::Map(..), key)) => {
                let key = key.as_str().unwrap_or_default();
                let names = [key, name];
                self.unsupplied(&from, if name.is_empty() { &names[..1] } else { &names })
            }
            _ => "`index` of null or of what is not there".to_owned().into(),
        }
    }
}

/// The keys and positions that lead from `root` to the very map `wanted`.
fn path_to(root: &Value, wanted: &Map<String, Value>) -> Option<Vec<String>> {
    // Each entry: a value, its parent's place in `seen`, and its name there.
    let mut seen: Vec<(&Value, usize, String)> = vec![(root, 0, String::new())];
    let mut at = 0;
    while let Some((value, ..)) = seen.get(at) {
        match value {
            Value::Object(map) if std::ptr::eq(map, wanted) => return Some(unwind(&seen, at)),
            Value::Object(map) => {
                let inner = map.iter().filter(|(_, item)| item.is_object() || item.is_array());
                seen.extend(inner.map(|(key, item)| (item, at, key.clone())));
            }
            Value::Array(items) => {
                let inner = items
                    .iter()
                    .enumerate()
                    .filter(|(_, item)| item.is_object() || item.is_array());
                seen.extend(inner.map(|(position, item)| (item, at, position.to_string())));
            }
            _ => {}
        }
        at += 1;
    }
    None
}

fn unwind(seen: &[(&Value, usize, String)], mut at: usize) -> Vec<String> {
    let mut path = Vec::new();
    while at != 0 {
        let Some((_, parent, name)) = seen.get(at) else { break };
        path.push(name.clone());
        at = *parent;
    }
    path.reverse();
    path
}
