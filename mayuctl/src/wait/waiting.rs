//! What `wait` knows: pure, fed with changes.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, Write};

use api::v1::Node;

use crate::command::{Target, WaitRequest};
use crate::view::node::{name, step};
use crate::view::table::{Cell, Table};
use crate::view::text::{clean, or_dash};
use crate::words::{NodeState, Selector};

#[cfg(test)]
mod tests;

/// Nodes as they were last seen, and which of them count.
pub(super) struct Waiting {
    goal: NodeState,
    target: Target,
    nodes: BTreeMap<String, Node>,
    /// Typed names and the ids of the nodes they turned out to mean.
    ids: BTreeMap<String, Option<String>>,
    /// What was last said of each node.
    said: BTreeMap<String, String>,
    synced: bool,
}

impl Waiting {
    pub(super) fn new(request: WaitRequest) -> Self {
        let ids = match &request.target {
            Target::Names(names) => names.iter().map(|name| (name.clone(), None)).collect(),
            Target::All | Target::Selector(_) => BTreeMap::new(),
        };
        Self {
            goal: request.goal,
            target: request.target,
            nodes: BTreeMap::new(),
            ids,
            said: BTreeMap::new(),
            synced: false,
        }
    }

    /// What is waited for, in words.
    pub(super) fn purpose(&self) -> String {
        let who = match &self.target {
            Target::All => "every node".into(),
            Target::Selector(selector) => format!("every node with {selector}"),
            Target::Names(names) => clean(&names.join(", ")).into_owned(),
        };
        format!("{who} to be {}", self.goal.as_str())
    }

    pub(super) fn selector(&self) -> Option<&Selector> {
        match &self.target {
            Target::Selector(selector) => Some(selector),
            Target::All | Target::Names(_) => None,
        }
    }

    /// A watch begins: what an earlier one told may be outdated.
    pub(super) fn begin(&mut self) {
        self.nodes.clear();
        self.ids.values_mut().for_each(|id| *id = None);
        self.synced = false;
    }

    /// All nodes there are were seen. True when names are to be looked up.
    pub(super) fn synced(&mut self) -> bool {
        self.synced = true;
        !self.unresolved().is_empty()
    }

    /// A node as it is now. True when names are to be looked up.
    pub(super) fn seen(&mut self, node: Node) -> bool {
        let before = self.nodes.get(&node.id);
        let same_names = before.is_some_and(|before| same_names(before, &node));
        self.nodes.insert(node.id.clone(), node);
        self.synced && !same_names && !self.unresolved().is_empty()
    }

    /// A node that is no more. False: nobody gets a name by that.
    pub(super) fn removed(&mut self, id: &str) -> bool {
        self.nodes.remove(id);
        self.said.remove(id);
        for known in self.ids.values_mut() {
            known.take_if(|known| known == id);
        }
        false
    }

    pub(super) fn unresolved(&self) -> Vec<String> {
        let open = self.ids.iter().filter(|(_, id)| id.is_none());
        open.map(|(name, _)| name.clone()).collect()
    }

    pub(super) fn resolved(&mut self, name: &str, id: &str) {
        self.ids.insert(name.to_owned(), Some(id.to_owned()));
    }

    /// What has to be said now: nodes that got there, and nodes that failed.
    pub(super) fn news(&mut self) -> Vec<String> {
        if !self.synced {
            return Vec::new();
        }
        let mut lines = Vec::new();
        let mut said = std::mem::take(&mut self.said);
        for node in self.targets() {
            let there = node.state == self.goal.as_str();
            let before = said.insert(node.id.clone(), node.state.clone());
            if before.as_ref() == Some(&node.state) || !(there || node.state == "failed") {
                continue;
            }
            lines.push(match node.reason.as_str() {
                reason if !there && !reason.is_empty() => {
                    format!("{} failed: {}", name(node), clean(reason))
                }
                _ => format!("{} {}", name(node), clean(&node.state)),
            });
        }
        self.said = said;
        lines
    }

    /// Whether every node that counts is there; none at all is not enough.
    pub(super) fn is_done(&self) -> bool {
        let targets = self.targets();
        self.synced
            && self.unresolved().is_empty()
            && self.ids.values().flatten().all(|id| self.nodes.contains_key(id))
            && !targets.is_empty()
            && targets.iter().all(|node| node.state == self.goal.as_str())
    }

    /// Where each node is that counts, and which of the names nobody has.
    pub(super) fn overview(&self, out: &mut dyn Write) -> io::Result<()> {
        let mut rows: Vec<Vec<Cell>> = Vec::new();
        for node in self.targets() {
            let reason = or_dash(&node.reason);
            rows.push(vec![
                name(node).into(),
                or_dash(&node.state).into(),
                step(node).into(),
                reason.into(),
            ]);
        }
        for name in self.unresolved() {
            let reason = "no such node was seen";
            rows.push(vec![clean(&name).into(), "-".into(), "-".into(), reason.into()]);
        }
        if rows.is_empty() {
            return writeln!(out, "no such node was seen");
        }
        Table::new(&["NAME", "STATE", "STEP", "REASON"], false).write(out, &rows)
    }

    /// The nodes that count, each once however many names it was given.
    fn targets(&self) -> Vec<&Node> {
        if !matches!(self.target, Target::Names(_)) {
            return self.nodes.values().collect();
        }
        let ids: BTreeSet<&String> = self.ids.values().flatten().collect();
        ids.into_iter().filter_map(|id| self.nodes.get(id)).collect()
    }
}

/// Whether every name that fitted the one fits the other.
fn same_names(a: &Node, b: &Node) -> bool {
    (&a.hostname, &a.serial, &a.macs) == (&b.hostname, &b.serial, &b.macs)
}
