//! `storage.trees`: files and links below a directory, into the configuration.

use std::collections::BTreeMap;

use super::build::{Builder, embed};
use super::node::{Fields, Node, Origin};
use crate::Local;

const EXISTS: &str = "matching filesystem node has existing contents or different type";

/// What is where already: the list, and the index in it.
type Nodes = BTreeMap<String, Vec<(&'static str, usize)>>;

impl Builder<'_, '_, '_> {
    /// Puts every tree of `config` into `built`.
    pub(super) fn trees(&mut self, config: &Node, built: &mut Node) {
        let trees = config.list_at(&["storage", "trees"]);
        if trees.is_empty() {
            return;
        }
        let Some(storage) = built.map_mut("storage") else {
            return;
        };
        let mut nodes = nodes(storage);
        for tree in trees {
            let origin = Origin::whole(tree.origin.path.clone());
            let entries = match self.files.tree(tree.text_at("local").unwrap_or_default()) {
                Ok(entries) => entries,
                Err(message) => {
                    self.report.error(&origin.path, message);
                    continue;
                }
            };
            let base = tree.words_at("path").unwrap_or("/");
            for (name, entry) in entries {
                let path = join(base, &name);
                if put(storage, &mut nodes, path, entry, &origin).is_none() {
                    self.report.error(&origin.path, EXISTS);
                }
            }
        }
    }
}

fn nodes(storage: &Node) -> Nodes {
    let mut nodes = Nodes::new();
    for list in ["files", "directories", "links"] {
        for (index, node) in storage.list_at(&[list]).iter().enumerate() {
            let path = node.text_at("path").unwrap_or_default().to_owned();
            let known = nodes.entry(path).or_default();
            known.retain(|(of, _)| *of != list);
            known.push((list, index));
        }
    }
    nodes
}

/// `None`: something else is there.
fn put(
    storage: &mut Node,
    nodes: &mut Nodes,
    path: String,
    entry: &Local,
    origin: &Origin,
) -> Option<()> {
    let list = match entry {
        Local::File { .. } => "files",
        Local::Link(_) => "links",
    };
    let of_list = storage.list_mut(list)?;
    let known = nodes.entry(path.clone()).or_default();
    let index = match known.iter().find(|(of, _)| *of == list) {
        Some((_, index)) => *index,
        None if known.is_empty() => {
            let fields = Fields::from([("path", Node::new(path, origin))]);
            of_list.push(Node::new(fields, origin));
            known.push((list, of_list.len() - 1));
            of_list.len() - 1
        }
        None => return None,
    };
    let node = of_list.get_mut(index)?;
    match entry {
        Local::Link(target) => {
            if node.words_at("target").is_some() {
                return None;
            }
            node.set("target", Node::new(target.as_str(), origin));
        }
        Local::File { bytes, executable } => {
            let contents = node.get("contents");
            if contents.is_some_and(|contents| contents.words_at("source").is_some()) {
                return None;
            }
            if contents.is_none() {
                node.set("contents", Node::new(Fields::new(), origin));
            }
            embed(node.map_mut("contents")?, bytes, origin);
            if node.get("mode").is_none() {
                let mode: i64 = if *executable { 0o755 } else { 0o644 };
                node.set("mode", Node::new(mode, origin));
            }
        }
    }
    Some(())
}

/// Go's `path.Join`: `..` and doubled slashes are taken away.
fn join(base: &str, name: &str) -> String {
    let joined = format!("{base}/{name}");
    let is_absolute = joined.starts_with('/');
    let mut parts: Vec<&str> = Vec::new();
    for part in joined.split('/') {
        match part {
            "" | "." => {}
            ".." if parts.last().is_some_and(|last| *last != "..") => drop(parts.pop()),
            ".." if is_absolute => {}
            part => parts.push(part),
        }
    }
    let path = parts.join("/");
    match (is_absolute, path.is_empty()) {
        (true, _) => format!("/{path}"),
        (false, true) => ".".to_owned(),
        (false, false) => path,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_joined_as_go_joins_them() {
        assert_eq!(join("/", "a/b"), "/a/b");
        assert_eq!(join("/etc//x/", "."), "/etc/x");
        assert_eq!(join("/a/../..", "b"), "/b");
        assert_eq!(join("a/../../b", "c"), "../b/c");
        assert_eq!(join("a/..", "."), ".");
    }
}
