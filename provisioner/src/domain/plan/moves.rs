//! The moves that deserve a look before they happen, and the gate that asks for one.

use crate::domain::catalog::{Catalog, Install, Profile};
use crate::domain::machine::NodeId;
use crate::domain::node::Node;

use super::places::{Place, places};
use super::words::{self, count};

/// Nodes that a sentence names before it only counts.
const NAMED: usize = 3;

/// What a change of the catalog would move.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Moves {
    /// Live nodes that were compared.
    pub compared: usize,
    /// They get another profile, or a first one.
    pub profile: Vec<Moved>,
    /// Another disk would be written: the rule changes, or the profile that they have begins to install.
    pub disk: Vec<Moved>,
    /// No group wants them any more.
    pub unmatched: Vec<Moved>,
}

/// One node that something changes for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Moved {
    /// Its id.
    pub id: NodeId,
    /// Its host name.
    pub name: String,
    /// What it has.
    pub before: String,
    /// What it would have.
    pub after: String,
}

/// How much may move without a word.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Gate {
    /// Most nodes that may get another profile.
    pub moves: usize,
}

/// Compares where every live node belongs in two catalogs.
pub fn moves<'n>(old: &Catalog, new: &Catalog, nodes: impl IntoIterator<Item = &'n Node>) -> Moves {
    let nodes: Vec<&Node> = nodes.into_iter().collect();
    let before = places(old, nodes.iter().copied());
    let after = places(new, nodes);
    between(&before, &after)
}

/// The same of places that were worked out before: both of the same nodes.
pub(super) fn between(before: &[Place<'_, '_>], after: &[Place<'_, '_>]) -> Moves {
    let mut moves = Moves { compared: before.len(), ..Moves::default() };
    for (before, after) in before.iter().zip(after) {
        moves.note(before.node, profile(before), profile(after));
    }
    moves
}

fn profile<'c>(place: &Place<'_, 'c>) -> Option<&'c Profile> {
    place.selection.map(|selection| selection.profile)
}

/// What a profile installs. One that is live or holds installs nothing.
pub(super) fn install_of(profile: &Profile) -> Option<&Install> {
    profile.install.as_ref().filter(|_| !profile.live && profile.hold.is_none())
}

impl Moves {
    fn note(&mut self, node: &Node, before: Option<&Profile>, after: Option<&Profile>) {
        let moved = |before: String, after: String| Moved {
            id: node.id.clone(),
            name: node.hostname(),
            before,
            after,
        };
        let name = |profile: Option<&Profile>| {
            profile.map_or_else(|| "no profile".to_owned(), |profile| profile.name.clone())
        };
        match (before, after) {
            (Some(_), None) => self.unmatched.push(moved(name(before), "no group".to_owned())),
            _ if name(before) != name(after) => self.profile.push(moved(name(before), name(after))),
            _ => {}
        }
        let (Some(before), Some(after)) = (before, after) else { return };
        let disk = |install: &Install| words::disk(&install.disk);
        match (install_of(before), install_of(after)) {
            (Some(old), Some(new)) if old.disk != new.disk => {
                self.disk.push(moved(disk(old), disk(new)));
            }
            (None, Some(new)) if before.name == after.name => {
                self.disk.push(moved("no installation".to_owned(), disk(new)));
            }
            _ => {}
        }
    }

    /// Why this change waits for a word; `None` when it goes live at once.
    pub fn gate(&self, gate: &Gate) -> Option<String> {
        let all = self.compared;
        let mut reasons = Vec::new();
        if !self.unmatched.is_empty() {
            let nodes = count(self.unmatched.len(), "node");
            reasons.push(format!("{nodes} would match no group ({})", listed(&self.unmatched)));
        }
        if !self.disk.is_empty() {
            let nodes = count(self.disk.len(), "node");
            reasons
                .push(format!("the install disk of {nodes} would change ({})", listed(&self.disk)));
        }
        if self.profile.len() > gate.moves {
            reasons.push(format!(
                "{} of {all} nodes would get another profile ({}); up to {} may without a word",
                self.profile.len(),
                listed(&self.profile),
                gate.moves
            ));
        }
        (!reasons.is_empty()).then(|| reasons.join("; "))
    }
}

/// `a: x -> y, b: x -> y and 7 more`.
fn listed(moved: &[Moved]) -> String {
    let named = moved.iter().take(NAMED);
    let named = named.map(|moved| format!("{}: {} → {}", moved.name, moved.before, moved.after));
    let named: Vec<String> = named.collect();
    match moved.len().saturating_sub(NAMED) {
        0 => named.join(", "),
        more => format!("{} and {more} more", named.join(", ")),
    }
}
