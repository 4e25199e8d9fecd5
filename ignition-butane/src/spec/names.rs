//! Paths, and names that may be used once only.

use std::collections::HashMap;

use super::node::Node;

/// Bytes that Linux takes for a path, without the NUL.
const PATH_MAX: usize = 4095;

/// The path that is the value of a key, if there is one.
pub(super) fn check_path(node: &Node<'_>, key: &str) {
    let Some(path) = node.text(key) else { return };
    if path.is_empty() {
        node.error_at(key, "the path is empty");
    } else if path.len() > PATH_MAX {
        let message = format!("a path has {PATH_MAX} bytes at most, and this has {}", path.len());
        node.error_at(key, message);
    } else if path.contains('\0') {
        node.error_at(key, "a path cannot hold a NUL character");
    } else if !path.starts_with('/') {
        node.error_at(key, format!("{path:?} is not absolute: it has to begin with /"));
    } else {
        let clean = clean(path);
        if clean != path {
            node.error_at(key, format!("write {clean:?}: Ignition refuses {path:?}"));
        }
    }
}

/// The same, but text that is empty is as good as absent.
pub(super) fn check_path_if_filled(node: &Node<'_>, key: &str) {
    if node.filled(key).is_some() {
        check_path(node, key);
    }
}

/// An absolute path without `.`, `..`, and slashes too many.
pub(super) fn clean(path: &str) -> String {
    let mut parts = Vec::new();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => drop(parts.pop()),
            part => parts.push(part),
        }
    }
    format!("/{}", parts.join("/"))
}

/// Directories that a path is in, the nearest first; not `/`. Of a path that is too long none.
pub(super) fn parents(path: &str) -> impl Iterator<Item = &str> {
    let path = if path.len() > PATH_MAX { "" } else { path };
    let above = path.rmatch_indices('/').map(|(at, _)| path.get(..at).unwrap_or_default());
    above.filter(|above| !above.is_empty())
}

/// Names that were given, each with where it was given first.
#[derive(Debug, Default)]
pub(super) struct Names {
    first: HashMap<String, String>,
}

impl Names {
    /// Notes it when a name is not new. `key`: where the name stands in the node; of a node that is the
    /// name itself `None`.
    pub(super) fn add(&mut self, name: impl Into<String>, node: &Node<'_>, key: Option<&str>) {
        let name = name.into();
        let place = node.path();
        if let Some(first) = self.first.get(&name) {
            let message = format!("{name:?} was given before, at {first}; only one can count");
            match key {
                Some(key) => node.error_at(key, message),
                None => node.error(message),
            }
        } else {
            self.first.insert(name, place);
        }
    }
}

/// Notes texts that are twice in a list.
pub(super) fn check_once(lists: &[Vec<Node<'_>>]) {
    let mut names = Names::default();
    for node in lists.iter().flatten() {
        if let Some(text) = node.value.as_str() {
            names.add(text, node, None);
        }
    }
}

/// Notes objects of a list that have the same name.
pub(super) fn check_keyed(nodes: &[Node<'_>], key: &str) {
    let mut names = Names::default();
    for node in nodes {
        if let Some(name) = node.text(key) {
            names.add(name, node, Some(key));
        }
    }
}
