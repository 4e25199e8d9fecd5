//! What can be said to the recorder.

use std::net::Ipv4Addr;
use std::sync::Arc;

use tokio::sync::oneshot;

use crate::domain::address::{Ask, Lease, NoAddress};
use crate::domain::labels::Labels;
use crate::domain::machine::{Claims, Mac, NodeId};
use crate::domain::node::{BootId, Event, Node, Refused};
use crate::domain::timeline::Step;

/// One request and whom to answer.
#[derive(Debug)]
pub enum Request {
    /// See [`super::Recorder::sight`].
    Sight(Box<Sighting>, Reply<Arc<Node>>),
    /// See [`super::Recorder::tell`].
    Tell(NodeId, Box<Word>, Reply<Arc<Node>>),
    /// See [`super::Recorder::address`].
    Address(AddressAsk, Reply<Given>),
    /// See [`super::Recorder::note`].
    Note(Note),
    /// See [`super::Recorder::tick`].
    Tick(String),
    /// The history has every transition up to this number.
    HistoryHas(u64),
    /// See [`super::Recorder::stop`].
    Stop,
}

/// Whom to answer.
pub(super) type Reply<T> = oneshot::Sender<Result<T, RecordError>>;

/// A machine at one of the doors: what it says, and what was seen of it.
#[derive(Debug, Clone, Default)]
pub struct Sighting {
    /// By which names.
    pub claims: Claims,
    /// Labels that it claims; empty leaves what was claimed before.
    pub labels: Labels,
    /// `x86_64`, `arm64`; empty when this door does not tell.
    pub arch: String,
    /// `bios` or `uefi`; empty when this door does not tell.
    pub firmware: String,
    /// What the catalog has for it.
    pub selected: Selected,
    /// How many live nodes the selected group may have; `None`: any number.
    pub quantity: Option<u32>,
    /// Id of the catalog in force.
    pub catalog: String,
    /// The step of its boot that this is.
    pub step: Option<(Step, String)>,
    /// The boot session that the step begins.
    pub boot: Option<BootId>,
}

/// What the catalog has for a machine.
#[derive(Debug, Clone, Default)]
pub enum Selected {
    /// This door does not ask.
    #[default]
    NotAsked,
    /// No group selects it.
    Nothing,
    /// This group, and the profile that it names.
    Group(String, String),
}

/// Something that a node, an operator or a timer has to say about a node.
#[derive(Debug, Clone)]
pub struct Word {
    /// What.
    pub event: Event,
    /// Who: `node`, `operator root`, `timer`.
    pub actor: String,
    /// Boot session that it belongs to.
    pub boot: Option<BootId>,
    /// Id of the catalog in force.
    pub catalog: String,
}

/// A step of a boot.
#[derive(Debug, Clone)]
pub struct Note {
    /// Whose.
    pub node: NodeId,
    /// Boot session, when it is known.
    pub boot: Option<BootId>,
    /// Which.
    pub step: Step,
    /// In words.
    pub detail: String,
}

/// A DHCP client's wish.
#[derive(Debug, Clone)]
pub enum AddressAsk {
    /// DHCPDISCOVER: an address to offer.
    Offer {
        /// The client.
        mac: Mac,
        /// Address that it would like (option 50).
        wish: Option<Ipv4Addr>,
        /// Relay or interface address that it was heard by.
        link: Ipv4Addr,
    },
    /// DHCPREQUEST.
    Bind {
        /// The client.
        mac: Mac,
        /// What for.
        ask: Ask,
        /// Relay or interface address that it was heard by.
        link: Ipv4Addr,
        /// Host name that it sent.
        hostname: String,
    },
    /// DHCPRELEASE.
    Release {
        /// The client.
        mac: Mac,
        /// The address that it gives back.
        address: Ipv4Addr,
    },
    /// DHCPDECLINE.
    Decline {
        /// The client.
        mac: Mac,
        /// The address that it found in use.
        address: Ipv4Addr,
    },
}

/// What a DHCP client is given.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Given {
    /// An address to offer.
    Offer(Ipv4Addr),
    /// A lease, durable.
    Lease(Lease),
    /// A refusal to send, for this reason.
    Nak(String),
    /// Nothing to send, for this reason.
    Nothing(String),
}

/// Why the recorder did not do it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RecordError {
    /// The state machine does not allow it.
    #[error(transparent)]
    Refused(#[from] Refused),
    /// There is no such node.
    #[error("node {0} is not known")]
    NoNode(NodeId),
    /// The machine claims names of several nodes.
    #[error(
        "this machine claims names of {}; retire the one that is gone with `mayuctl retire`",
        .0.iter().map(NodeId::as_str).collect::<Vec<_>>().join(" and ")
    )]
    Ambiguous(Vec<NodeId>),
    /// The machine says nothing by which it could be known.
    #[error("this machine gave no usable UUID, serial or MAC")]
    Nameless,
    /// The selected group has as many live nodes as it may have: select again.
    #[error("group {0} is full")]
    GroupFull(String),
    /// There is no address.
    #[error(transparent)]
    NoAddress(#[from] NoAddress),
    /// It could not be made durable; it did not happen.
    #[error("not recorded, so it did not happen: {0}")]
    NotDurable(String),
    /// The daemon is about to end.
    #[error("the provisioner is stopping; try again")]
    Stopped,
}
