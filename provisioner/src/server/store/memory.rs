//! A store in memory, for tests: the same contract, and it can be told to fail.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::{Change, Snapshot, Store, StoreError, Transition};
use crate::domain::address::Lease;
use crate::domain::machine::NodeId;
use crate::domain::node::Node;
use crate::domain::timeline::Timeline;

/// Keeps everything in memory. A clone is a second handle on the same content, as a second opening
/// of one file would be.
#[derive(Debug, Clone, Default)]
pub struct MemoryStore(Arc<Mutex<Content>>);

#[derive(Debug, Default)]
struct Content {
    nodes: BTreeMap<NodeId, Arc<Node>>,
    leases: BTreeMap<Ipv4Addr, Lease>,
    timelines: BTreeMap<NodeId, Timeline>,
    outbox: BTreeMap<u64, Transition>,
    last_transition: u64,
    failures_due: u32,
    commits: u64,
}

impl MemoryStore {
    /// An empty store.
    pub fn new() -> Self {
        Self::default()
    }

    /// Lets the next commit fail as a full disk would. Calls add up.
    pub fn fail_next_commit(&self) {
        self.content().failures_due += 1;
    }

    /// Commits that went well so far.
    pub fn commits(&self) -> u64 {
        self.content().commits
    }

    fn content(&self) -> MutexGuard<'_, Content> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Store for MemoryStore {
    fn load(&mut self) -> Result<Snapshot, StoreError> {
        let content = self.content();
        let timelines = content.timelines.iter();
        Ok(Snapshot {
            nodes: content.nodes.values().map(|n| n.as_ref().clone()).collect(),
            leases: content.leases.values().cloned().collect(),
            timelines: timelines.map(|(id, t)| (id.clone(), t.clone())).collect(),
            outbox: content.outbox.values().cloned().collect(),
            last_transition: content.last_transition,
        })
    }

    fn commit(&mut self, changes: &[Change]) -> Result<(), StoreError> {
        let mut content = self.content();
        if content.failures_due > 0 {
            content.failures_due -= 1;
            return Err(StoreError::Failed {
                verb: "be written",
                source: "no space left on device (asked for by a test)".into(),
            });
        }
        for change in changes {
            content.apply(change);
        }
        content.commits += 1;
        Ok(())
    }
}

impl Content {
    fn apply(&mut self, change: &Change) {
        match change {
            Change::Node(node) => {
                self.nodes.insert(node.id.clone(), Arc::clone(node));
            }
            Change::Lease(lease) => {
                self.leases.insert(lease.address, lease.clone());
            }
            Change::LeaseGone(address) => {
                self.leases.remove(address);
            }
            Change::Timeline(id, timeline) => {
                self.timelines.insert(id.clone(), timeline.clone());
            }
            Change::Transition(transition) => {
                self.last_transition = self.last_transition.max(transition.number);
                self.outbox.insert(transition.number, transition.clone());
            }
            Change::HistoryHas(number) => {
                self.outbox.retain(|waiting, _| waiting > number);
            }
        }
    }
}
