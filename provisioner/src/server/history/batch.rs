//! The objects of a batch of transitions: file, folder, root and commit of each.

use super::pack::{Id, Kind, Pack, id_of};
use super::tree::{Mode, Tree};
use super::{message, record};
use crate::server::store::Transition;

/// Trees in a row that are written as a difference to the one before; then one in full. Bounds what
/// git has to unpack to read one of them.
const LONGEST_CHAIN: u32 = 100;

/// What the branch points to, in memory. Thrown away when a batch fails.
#[derive(Debug, Clone, Default)]
pub(super) struct Tip {
    pub(super) commit: Option<Id>,
    pub(super) root: Tree,
    pub(super) nodes: Tree,
    pub(super) last_number: u64,
}

/// The objects of transitions that become durable together.
pub(super) struct Batch {
    pub(super) pack: Pack,
    chain: u32,
}

impl Batch {
    /// Nothing yet.
    pub(super) fn new() -> Self {
        Self { pack: Pack::new(), chain: 0 }
    }

    /// Adds a transition's commit on top of `tip`, which becomes that commit.
    pub(super) fn add(
        &mut self,
        tip: &mut Tip,
        transition: &Transition,
    ) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
        let file = format!("{}.yaml", transition.node.id);
        let yaml = record::yaml(&transition.node)?;
        let blob = self.pack.add(Kind::Blob, yaml.as_bytes());
        let nodes = self.nodes(tip, &file, blob);
        let catalog = format!("{}\n", transition.catalog);
        let catalog = self.pack.add(Kind::Blob, catalog.as_bytes());
        tip.root.set(Mode::Folder, "nodes", nodes);
        tip.root.set(Mode::File, "catalog", catalog);
        let root = self.pack.add(Kind::Tree, tip.root.raw());
        let commit = message::commit(transition, &root, tip.commit.as_ref());
        tip.commit = Some(self.pack.add(Kind::Commit, commit.as_bytes()));
        tip.last_number = transition.number;
        Ok(())
    }

    /// The list of all nodes with one file changed: as a difference where the one before is in this pack.
    fn nodes(&mut self, tip: &mut Tip, file: &str, blob: Id) -> Id {
        let (base, base_len) =
            (tip.root.get(Mode::Folder, "nodes").unwrap_or_default(), tip.nodes.raw().len());
        let Some(splice) = tip.nodes.set(Mode::File, file, blob) else {
            return base;
        };
        let id = id_of(Kind::Tree, tip.nodes.raw());
        self.chain += 1;
        let as_delta = self.chain < LONGEST_CHAIN;
        if !(as_delta && self.pack.add_delta(id, (&base, base_len), &splice)) {
            self.pack.add_known(id, Kind::Tree, tip.nodes.raw());
            self.chain = 0;
        }
        id
    }
}
