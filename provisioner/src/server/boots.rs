//! Boot sessions: each keeps the catalog that it began with, so that its script, its configuration and its
//! order come from one snapshot even if git moves in between.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};

use crate::domain::catalog::{Catalog, Group, Selection};
use crate::domain::machine::NodeId;
use crate::domain::node::{BootId, Millis};

/// Sessions kept. Ids begin with the time, so the oldest go first.
const KEPT: usize = 8192;
/// Sessions kept of one node: one that starts again and again takes no room from others.
const KEPT_OF_A_NODE: usize = 4;
/// How long a boot's documents come from the catalog that its script came from.
const A_BOOT_LASTS_MS: u64 = 3_600_000;

/// What a session began with.
#[derive(Debug, Clone)]
pub struct Pinned {
    /// The catalog.
    pub catalog: Arc<Catalog>,
    /// The profile's name.
    pub profile: String,
    /// The group's place in the catalog.
    group: usize,
}

impl Pinned {
    /// A selection of this catalog.
    pub fn new(catalog: &Arc<Catalog>, selection: Selection<'_>) -> Self {
        Self {
            catalog: Arc::clone(catalog),
            profile: selection.profile.name.clone(),
            group: place(catalog.groups(), selection.group),
        }
    }

    /// Group and profile in that catalog.
    pub fn selection(&self) -> Option<Selection<'_>> {
        let group = self.catalog.groups().get(self.group)?;
        Some(Selection { group, profile: self.catalog.profile(&self.profile)? })
    }
}

/// Where an element of a slice lies. One that is not of it lies behind its end.
fn place(groups: &[Group], group: &Group) -> usize {
    let start = groups.as_ptr().addr();
    let bytes = std::ptr::from_ref(group).addr().wrapping_sub(start);
    let place = bytes / size_of::<Group>();
    if groups.get(place).is_some_and(|found| std::ptr::eq(found, group)) {
        place
    } else {
        groups.len()
    }
}

/// All sessions of this run of the daemon. After a restart a claim is ordered from the catalog in force.
#[derive(Debug, Default)]
pub struct Boots(Mutex<Sessions>);

#[derive(Debug, Default)]
struct Sessions {
    by_node: HashMap<NodeId, VecDeque<(BootId, Pinned)>>,
    ages: BTreeMap<BootId, NodeId>,
    /// Nodes whose newest script began nothing.
    over: std::collections::BTreeSet<NodeId>,
}

impl Boots {
    /// Keeps what a node's newest session began with.
    pub fn pin(&self, node: &NodeId, boot: BootId, pinned: Pinned) {
        let now = boot.minted_at().unwrap_or(Millis(0));
        let mut sessions = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        sessions.over.remove(node);
        let of_node = sessions.by_node.entry(node.clone()).or_default();
        of_node.push_back((boot.clone(), pinned));
        let oldest = (of_node.len() > KEPT_OF_A_NODE).then(|| of_node.pop_front()).flatten();
        sessions.ages.insert(boot, node.clone());
        if let Some((oldest, _)) = oldest {
            sessions.ages.remove(&oldest);
        }
        // A session holds a whole catalog, so it goes when nothing is answered from it any more.
        while let Some((oldest, node)) = sessions.ages.first_key_value()
            && (sessions.ages.len() > KEPT || is_over(oldest, now))
        {
            let (oldest, node) = (oldest.clone(), node.clone());
            sessions.ages.remove(&oldest);
            sessions.forget(&node, &oldest);
        }
    }

    /// The node's newest script began nothing: what it asks for next is answered from the catalog in force.
    pub fn end(&self, node: &NodeId) {
        let mut sessions = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if sessions.by_node.contains_key(node) {
            sessions.over.insert(node.clone());
        }
    }

    /// What a session of a node began with.
    pub fn get(&self, node: &NodeId, boot: &BootId) -> Option<Pinned> {
        let sessions = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mut of_node = sessions.by_node.get(node)?.iter();
        of_node.find(|(id, _)| id == boot).map(|(_, pinned)| pinned.clone())
    }

    /// What the node's boot under way began with: its newest, unless that is long ago.
    pub fn newest(&self, node: &NodeId, now: Millis) -> Option<Pinned> {
        let sessions = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (boot, pinned) = sessions.by_node.get(node)?.back()?;
        let fresh = now.since(boot.minted_at()?) <= A_BOOT_LASTS_MS;
        (fresh && !sessions.over.contains(node)).then(|| pinned.clone())
    }
}

/// Whether neither documents nor a first claim can be asked for any more.
fn is_over(boot: &BootId, now: Millis) -> bool {
    boot.minted_at().is_none_or(|minted| now.since(minted) > 2 * A_BOOT_LASTS_MS)
}

impl Sessions {
    fn forget(&mut self, node: &NodeId, boot: &BootId) {
        let Some(of_node) = self.by_node.get_mut(node) else { return };
        of_node.retain(|(id, _)| id != boot);
        if of_node.is_empty() {
            self.by_node.remove(node);
            self.over.remove(node);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::catalog::{CatalogId, SourceFile};
    use crate::domain::labels::{Labels, Trust};

    fn catalog() -> Arc<Catalog> {
        let file = |path: &str, text: &str| SourceFile { path: path.into(), text: text.into() };
        let files = vec![
            file("profiles/p.yaml", "name: p\n"),
            file("groups/a.yaml", "name: a\nprofile: p\nselector: {k: a}\n"),
            file("groups/b.yaml", "name: b\nprofile: p\nselector: {k: b}\n"),
        ];
        Arc::new(Catalog::build(CatalogId::new("c"), &files.into()).unwrap())
    }

    fn pinned(catalog: &Arc<Catalog>, k: &str) -> Pinned {
        let mut labels = Labels::new();
        labels.insert("k", k, Trust::Claimed);
        Pinned::new(catalog, catalog.select(&labels).unwrap())
    }

    fn boot(number: u64) -> BootId {
        BootId::mint(Millis(number), 0)
    }

    #[test]
    fn a_session_keeps_its_group() {
        let catalog = catalog();
        for name in ["a", "b"] {
            let pinned = pinned(&catalog, name);
            assert_eq!(pinned.selection().map(|s| s.group.name.as_str()), Some(name));
        }
        let strange = catalog.groups()[0].clone();
        assert_eq!(place(catalog.groups(), &strange), 2, "another's group is none of these");
    }

    #[test]
    fn a_node_that_starts_again_and_again_takes_no_room_from_others() {
        let (boots, catalog) = (Boots::default(), catalog());
        let (quiet, loud) = (NodeId::nobody(), "loud".parse().unwrap());
        boots.pin(&quiet, boot(0), pinned(&catalog, "a"));
        for number in 1..=2 * KEPT as u64 {
            boots.pin(&loud, boot(number), pinned(&catalog, "b"));
        }
        assert!(boots.get(&quiet, &boot(0)).is_some());
        assert!(boots.get(&loud, &boot(2 * KEPT as u64)).is_some());
        assert!(boots.get(&loud, &boot(1)).is_none());
        assert_eq!(boots.0.lock().unwrap().ages.len(), 1 + KEPT_OF_A_NODE);
    }

    #[test]
    fn a_catalog_is_not_held_by_a_boot_of_long_ago() {
        let (boots, catalog) = (Boots::default(), catalog());
        let other = "other".parse().unwrap();
        boots.pin(&NodeId::nobody(), boot(1000), pinned(&catalog, "a"));
        let held = Arc::strong_count(&catalog);
        boots.pin(&other, boot(1001 + 2 * A_BOOT_LASTS_MS), pinned(&catalog, "b"));
        assert_eq!(Arc::strong_count(&catalog), held, "one came, one went");
        assert!(boots.get(&NodeId::nobody(), &boot(1000)).is_none());
    }

    #[test]
    fn a_boot_ends_with_the_next_script_or_after_an_hour() {
        let (boots, catalog) = (Boots::default(), catalog());
        let node = NodeId::nobody();
        boots.pin(&node, boot(1000), pinned(&catalog, "a"));
        assert!(boots.newest(&node, Millis(1000 + A_BOOT_LASTS_MS)).is_some());
        assert!(boots.newest(&node, Millis(1001 + A_BOOT_LASTS_MS)).is_none());
        boots.end(&node);
        assert!(boots.newest(&node, Millis(1000)).is_none());
        assert!(boots.get(&node, &boot(1000)).is_some(), "its claim is still ordered from there");
    }
}
