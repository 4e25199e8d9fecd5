//! Merging two Ignition configs as Ignition does it: Butane puts what it makes itself below what was given.

use std::collections::{BTreeMap, BTreeSet};

use super::node::{Fields, Node, Value};
use super::shape::{CONFIG, Field, Kind, Shape};
use super::version::Version;

/// Lists by the word that they share their keys under, and key; then the list's field and the index in it.
type Index = BTreeMap<(&'static str, String), (&'static str, usize)>;

/// `child` over `parent`.
pub(super) fn configs(parent: Node, child: Node, version: &Version) -> Node {
    maps(parent, child, &CONFIG, version)
}

fn maps(parent: Node, child: Node, shape: &'static Shape, version: &Version) -> Node {
    let (mut parent, mut child, origin) = match (parent.value, child.value) {
        (Value::Map(parent), Value::Map(fields)) => (parent, fields, child.origin),
        (_, value) => return Node { value, origin: child.origin },
    };
    let index = index(&child, shape);
    let mut merged = Fields::new();
    for field in shape.fields.iter().filter(|field| !field.json.is_empty()) {
        let both = (parent.remove(field.json), child.remove(field.json));
        let node = match both {
            (None, child) => child,
            (Some(_), child) if is_value(field, version) => child,
            (Some(Node { value: Value::List(of_parent), origin }), child) => {
                let of_child = child.as_ref().map_or(&[][..], Node::list);
                let merged = lists(of_parent, of_child, field, &index, version);
                let origin = child.as_ref().map_or(origin, |child| child.origin.clone());
                Some(Node { value: Value::List(merged), origin })
            }
            (Some(parent), None) => Some(parent),
            (Some(parent), Some(child)) => match shape.below(field.json) {
                Some(below) => Some(maps(parent, child, below, version)),
                None => Some(child),
            },
        };
        if let Some(node) = node {
            merged.insert(field.json, node);
        }
    }
    Node { value: Value::Map(merged), origin }
}

/// No pointer in Go, so the child's always counts, even when it is empty.
fn is_value(field: &Field, version: &Version) -> bool {
    field.plain || (field.is_required_in(version) && matches!(field.kind, Kind::Text(_)))
}

fn lists(
    parent: Vec<Node>,
    child: &[Node],
    field: &'static Field,
    index: &Index,
    version: &Version,
) -> Vec<Node> {
    if field.keeps_doubles {
        return parent.into_iter().chain(child.iter().cloned()).collect();
    }
    let mut merged = Vec::new();
    let mut seen = BTreeSet::new();
    for node in parent {
        let key = key(&node, field);
        match index.get(&(family(field), key.clone())) {
            None => merged.push(node),
            Some((list, at)) if *list == field.json => {
                let over = child.get(*at).cloned();
                merged.extend(over.map(|over| match field.kind {
                    Kind::Maps(shape) => maps(node, over, shape, version),
                    _ => over,
                }));
            }
            // In the child it is in another list: a link instead of a file.
            Some(_) => {}
        }
        seen.insert(key);
    }
    merged.extend(child.iter().filter(|node| !seen.contains(&key(node, field))).cloned());
    merged
}

/// Where the child has which key; the last one counts.
fn index(child: &Fields, shape: &'static Shape) -> Index {
    let mut index = Index::new();
    for field in shape.fields.iter().filter(|field| !field.keeps_doubles) {
        let nodes = child.get(field.json).map_or(&[][..], Node::list);
        for (at, node) in nodes.iter().enumerate() {
            index.insert((family(field), key(node, field)), (field.json, at));
        }
    }
    index
}

fn family(field: &Field) -> &'static str {
    if field.family.is_empty() { field.json } else { field.family }
}

fn key(node: &Node, field: &Field) -> String {
    match (&node.value, field.kind) {
        (Value::Map(fields), Kind::Maps(shape)) => shape.key_of(fields),
        (Value::Text(text), _) => text.clone(),
        _ => String::new(),
    }
}
