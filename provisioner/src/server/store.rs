//! The store: what must survive. A handful of domain verbs; every backend passes one contract battery.

pub mod memory;
pub mod redb;

use std::net::Ipv4Addr;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::domain::address::Lease;
use crate::domain::machine::NodeId;
use crate::domain::node::{BootId, Millis, Node};
use crate::domain::timeline::Timeline;

/// Everything a store holds, read at the start.
#[derive(Debug, Default)]
pub struct Snapshot {
    /// All nodes.
    pub nodes: Vec<Node>,
    /// All leases.
    pub leases: Vec<Lease>,
    /// Timelines of nodes that have one.
    pub timelines: Vec<(NodeId, Timeline)>,
    /// Transitions that the history has not taken yet, oldest first.
    pub outbox: Vec<Transition>,
    /// Number of the last transition ever written; 0 when there is none.
    pub last_transition: u64,
}

/// One step in a node's life, on its way to the history.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Transition {
    /// Grows by one with each transition; never used twice.
    pub number: u64,
    /// When it happened.
    pub time: Millis,
    /// One line: `rack1-node07: installing → installed`.
    pub subject: String,
    /// Who did it: `operator root`, `node`, `timer`.
    pub actor: String,
    /// Why.
    pub cause: String,
    /// Boot session that it belongs to.
    pub boot: Option<BootId>,
    /// Catalog that was in force.
    pub catalog: String,
    /// The node as it became.
    pub node: Arc<Node>,
}

/// One change among those that become durable together.
#[derive(Debug, Clone)]
pub enum Change {
    /// A node as it is now.
    Node(Arc<Node>),
    /// A lease as it is now.
    Lease(Lease),
    /// A lease that is no more.
    LeaseGone(Ipv4Addr),
    /// A node's boots as they are now.
    Timeline(NodeId, Timeline),
    /// A transition that the history shall take.
    Transition(Transition),
    /// The history has every transition up to this number.
    HistoryHas(u64),
}

/// What can go wrong with a store. The store is as it was before.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The file cannot be opened or is held by another process.
    #[error("cannot open the store {path}; is another provisioner running on this data directory?")]
    Open {
        /// File or directory.
        path: String,
        /// What the backend said.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// A newer program wrote it.
    #[error(
        "the store {path} has schema {found}, this program knows {known}; use the newer program"
    )]
    Newer {
        /// File or directory.
        path: String,
        /// Schema found.
        found: u64,
        /// Newest schema known.
        known: u64,
    },
    /// A record that cannot be read.
    #[error(
        "{table} record {key} in the store is not readable; bring the data directory back from a copy (docs/operating.md)"
    )]
    Corrupt {
        /// Table.
        table: &'static str,
        /// Key of the record.
        key: String,
        /// What the decoder said.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// Reading or writing failed: disk full, I/O error.
    #[error("the store could not {verb}; nothing of this batch was kept")]
    Failed {
        /// What was tried.
        verb: &'static str,
        /// What the backend said.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
}

/// Keeps nodes, leases and the way to the history. One writer: the recorder.
pub trait Store: Send + 'static {
    /// Reads everything.
    fn load(&mut self) -> Result<Snapshot, StoreError>;

    /// Makes all changes durable together, or none. When it returns, they survive a power cut.
    fn commit(&mut self, changes: &[Change]) -> Result<(), StoreError>;
}

#[cfg(test)]
mod contract;
