//! Every node before and after, side by side.

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::domain::boot;
use crate::domain::catalog::{Catalog, Profile, Selection};
use crate::domain::machine::NodeId;
use crate::domain::node::Node;
use crate::domain::render::What;

use super::diff::Diffs;
use super::moves::{Moves, between, install_of};
use super::places::{Place, places};
use super::summary::Tally;
use super::words;

/// What machines would be told: made by whoever knows the server's address and networks.
pub trait Preview {
    /// A document as the node would get it at its next boot; `None` when there is none for it: one that no
    /// group wants gets boot scripts only. The error is one line.
    fn document(
        &self,
        catalog: &Catalog,
        selection: Option<Selection<'_>>,
        node: &Node,
        what: &What,
    ) -> Result<Option<Arc<str>>, String>;

    /// What its next net boot would do.
    fn boots(&self, node: &Node, profile: Option<&Profile>) -> boot::Plan;
}

/// How much is asked for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Wanted {
    /// Make the unified diff, too.
    pub diff: bool,
}

/// What would change.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Plan {
    /// Live nodes that were compared.
    pub compared: usize,
    /// Those that something changes for, by name.
    pub nodes: Vec<NodePlan>,
    /// What the gate looks at.
    pub moves: Moves,
    /// One line that sums it up.
    pub summary: String,
    /// Unified diff of all documents that change; the same change of several nodes is there once.
    pub diff: String,
}

/// What would change for one node.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NodePlan {
    /// Its id.
    pub id: NodeId,
    /// Its host name.
    pub name: String,
    /// What, in a fixed order.
    pub changes: Vec<Change>,
    /// What its next net boot would do now.
    pub boots_before: String,
    /// What it would do then.
    pub boots_after: String,
}

/// One thing that changes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// `group`, `profile`, `kernel args`, `image`, `disk`, `install`, or a document's name.
    pub what: String,
    /// What it is.
    pub before: String,
    /// What it would be.
    pub after: String,
}

/// Compares two catalogs for every live node. A change of the catalog never reinstalls: what is installed
/// stays until an operator asks, so only nodes that wait for an installation get another image or disk.
pub fn plan<'n>(
    old: &Catalog,
    new: &Catalog,
    nodes: impl IntoIterator<Item = &'n Node>,
    preview: &impl Preview,
    wanted: Wanted,
) -> Plan {
    let nodes: Vec<&Node> = nodes.into_iter().collect();
    let before = places(old, nodes.iter().copied());
    if std::ptr::eq(old, new) {
        let (compared, summary) = (before.len(), Tally::default().line(before.len(), 0));
        let moves = Moves { compared, ..Moves::default() };
        return Plan { compared, moves, summary, ..Plan::default() };
    }
    let after = places(new, nodes);
    let mut diffs = Diffs::new(wanted.diff);
    let mut tally = Tally::default();
    let mut changed = Vec::new();
    for (before, after) in before.iter().zip(&after) {
        let boots = [before, after].map(|place| preview.boots(place.node, profile(place)));
        let mut changes = facts(before, after);
        documents((old, before), (new, after), preview, &mut diffs, &mut changes);
        let [boots_before, boots_after] = boots.each_ref().map(boot::Plan::to_string);
        if changes.is_empty() && boots_before == boots_after {
            continue;
        }
        tally.note(before, after, &changes, &boots);
        let node = before.node;
        let (id, name) = (node.id.clone(), node.hostname());
        changed.push(NodePlan { id, name, changes, boots_before, boots_after });
    }
    changed.sort_by(|a, b| (&a.name, &a.id).cmp(&(&b.name, &b.id)));
    Plan {
        compared: before.len(),
        summary: tally.line(before.len(), changed.len()),
        nodes: changed,
        moves: between(&before, &after),
        diff: diffs.text(old.id(), new.id()),
    }
}

fn profile<'c>(place: &Place<'_, 'c>) -> Option<&'c Profile> {
    place.selection.map(|selection| selection.profile)
}

/// An aspect of a profile in words; `None` when it has none.
type Words = fn(&Profile) -> Option<String>;

/// What changes beside documents.
fn facts(before: &Place<'_, '_>, after: &Place<'_, '_>) -> Vec<Change> {
    let group = |place: &Place<'_, '_>| {
        place.selection.map_or("none".to_owned(), |selection| selection.group.name.clone())
    };
    let mut changes = Vec::new();
    let mut note = |what: &str, before: String, after: String| {
        if before != after {
            changes.push(Change { what: what.to_owned(), before, after });
        }
    };
    note("group", group(before), group(after));
    let (before, after) = (profile(before), profile(after));
    let of = |words: Words| {
        let text = |profile: Option<&Profile>| {
            profile.and_then(words).unwrap_or_else(|| "none".to_owned())
        };
        (text(before), text(after))
    };
    let aspects: [(&str, Words); 5] = [
        ("profile", |profile| Some(profile.name.clone())),
        ("kernel args", |profile| {
            (!profile.boot_args.is_empty()).then(|| profile.boot_args.join(" "))
        }),
        ("image", words::boots),
        ("disk", |profile| install_of(profile).map(|install| words::disk(&install.disk))),
        ("install", |profile| install_of(profile).map(words::manner)),
    ];
    for (what, words) in aspects {
        let (before, after) = of(words);
        note(what, before, after);
    }
    changes
}

fn documents(
    (old, before): (&Catalog, &Place<'_, '_>),
    (new, after): (&Catalog, &Place<'_, '_>),
    preview: &impl Preview,
    diffs: &mut Diffs,
    changes: &mut Vec<Change>,
) {
    let node = before.node;
    let text = |catalog: &Catalog, place: &Place<'_, '_>, what: &What| {
        preview.document(catalog, place.selection, node, what).transpose()
    };
    for what in names(profile(before), profile(after)) {
        let (before, after) = (text(old, before, &what), text(new, after, &what));
        if before != after {
            changes.push(diffs.note(&node.hostname(), &what, &before, &after));
        }
    }
}

/// The documents that either profile may have.
fn names(before: Option<&Profile>, after: Option<&Profile>) -> Vec<What> {
    let profiles = || before.into_iter().chain(after);
    let generic: BTreeSet<&String> =
        profiles().flat_map(|profile| profile.generic.keys()).collect();
    let fixed = [What::Ipxe, What::Grub, What::Ignition, What::Cloud, What::Metadata];
    fixed.into_iter().chain(generic.into_iter().map(|name| What::Generic(name.clone()))).collect()
}
