//! What readers see: every node as it last became durable. Written only by the recorder.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::net::Ipv4Addr;
use std::sync::{Arc, PoisonError, RwLock};

use crate::domain::address::Lease;
use crate::domain::machine::{Alias, Claims, Mac, NodeId};
use crate::domain::node::{Node, State};
use crate::domain::timeline::Timeline;

/// Nodes and the ways to find them. Used twice: by the recorder as its own working copy, and inside
/// [`Directory`] as what readers see.
#[derive(Debug, Default)]
pub struct Nodes {
    by_id: BTreeMap<NodeId, Arc<Node>>,
    by_alias: HashMap<Alias, NodeId>,
    by_address: HashMap<Ipv4Addr, NodeId>,
    timelines: HashMap<NodeId, Timeline>,
    members: HashMap<String, u32>,
}

/// Who the machine with certain claims is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Resolved {
    /// This node.
    Known(Arc<Node>),
    /// Nobody yet; it would be called this.
    New(NodeId),
    /// Its claims belong to several nodes.
    Ambiguous(Vec<NodeId>),
    /// It claims nothing that can be believed.
    Nameless,
}

impl Nodes {
    /// Who has these claims.
    pub fn resolve(&self, claims: &Claims) -> Resolved {
        let aliases = claims.aliases();
        let mut owners: BTreeSet<&NodeId> =
            aliases.iter().filter_map(|alias| self.by_alias.get(alias)).collect();
        if owners.iter().any(|id| self.is_live(id)) {
            // The machine has names of a node that is gone: they are free.
            owners.retain(|id| self.is_live(id));
        }
        let mut owners = owners.into_iter();
        match (owners.next(), owners.next()) {
            (Some(id), None) => self.known(id, claims),
            (Some(first), Some(second)) => {
                let all = [first, second].into_iter().chain(owners).cloned().collect();
                Resolved::Ambiguous(all)
            }
            (None, _) => NodeId::choose(claims).map_or(Resolved::Nameless, Resolved::New),
        }
    }

    /// The owner of the names, unless the machine says that it is another one: then both are named.
    fn known(&self, id: &NodeId, claims: &Claims) -> Resolved {
        let Some(node) = self.get(id) else { return Resolved::Nameless };
        if !claims.contradict(&node.aliases) {
            return Resolved::Known(node);
        }
        match NodeId::choose(claims) {
            // Given up, so its names are free for whoever comes.
            Some(new) if !self.is_live(id) && new != *id => Resolved::New(new),
            new => Resolved::Ambiguous(std::iter::once(id.clone()).chain(new).collect()),
        }
    }

    /// One node.
    pub fn get(&self, id: &NodeId) -> Option<Arc<Node>> {
        self.by_id.get(id).cloned()
    }

    /// All nodes by id.
    pub fn iter(&self) -> impl Iterator<Item = &Arc<Node>> {
        self.by_id.values()
    }

    /// The node at an address.
    pub fn at(&self, address: Ipv4Addr) -> Option<Arc<Node>> {
        self.get(self.by_address.get(&address)?)
    }

    /// How many live nodes belong to a group of the catalog.
    pub fn members(&self, group: &str) -> u32 {
        self.members.get(group).copied().unwrap_or(0)
    }

    fn is_live(&self, id: &NodeId) -> bool {
        self.by_id.get(id).is_some_and(|node| node.status.state != State::Retired)
    }

    /// Whose name this alias is.
    pub fn owner(&self, alias: &Alias) -> Option<&NodeId> {
        self.by_alias.get(alias)
    }

    /// The boots of a node.
    pub fn timeline(&self, id: &NodeId) -> Timeline {
        self.timelines.get(id).cloned().unwrap_or_default()
    }

    /// Puts a node as it is now.
    pub fn put(&mut self, node: Arc<Node>) {
        self.remove(&node.id);
        for alias in &node.aliases {
            // A retired node keeps only the names that nobody else has.
            let taken = self.by_alias.get(alias).is_some_and(|owner| self.is_live(owner));
            if !(node.status.state == State::Retired && taken) {
                self.by_alias.insert(alias.clone(), node.id.clone());
            }
        }
        if let Some(address) = node.status.address {
            self.by_address.insert(address, node.id.clone());
        }
        if let Some(group) = group_of(&node) {
            *self.members.entry(group.to_owned()).or_default() += 1;
        }
        self.by_id.insert(node.id.clone(), node);
    }

    /// Puts the boots of a node as they are now.
    pub fn put_timeline(&mut self, id: NodeId, timeline: Timeline) {
        self.timelines.insert(id, timeline);
    }

    /// Forgets a node, not its timeline.
    pub fn remove(&mut self, id: &NodeId) {
        let Some(old) = self.by_id.remove(id) else {
            return;
        };
        for alias in &old.aliases {
            if self.by_alias.get(alias) == Some(id) {
                self.by_alias.remove(alias);
            }
        }
        if let Some(address) = old.status.address
            && self.by_address.get(&address) == Some(id)
        {
            self.by_address.remove(&address);
        }
        if let Some(count) = group_of(&old).and_then(|group| self.members.get_mut(group)) {
            *count = count.saturating_sub(1);
        }
    }
}

/// The group whose quota a node uses up. What is retired uses none.
fn group_of(node: &Node) -> Option<&str> {
    node.status.group.as_deref().filter(|_| node.status.state != State::Retired)
}

/// What readers see.
#[derive(Debug, Default)]
pub struct Directory {
    /// A plain lock: it is held for look-ups and single puts only, never over I/O.
    nodes: RwLock<Nodes>,
    leases: RwLock<BTreeMap<Ipv4Addr, Lease>>,
}

/// Why a name does not stand for one node.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NameError {
    /// Nothing has that name.
    #[error("no node is called {0:?}")]
    NotFound(String),
    /// Several have it.
    #[error("{name:?} fits {}; write more of it", .fits.join(", "))]
    Ambiguous {
        /// What was asked for.
        name: String,
        /// The ids that fit.
        fits: Vec<String>,
    },
}

impl Directory {
    /// Looks something up.
    pub fn read<T>(&self, look: impl FnOnce(&Nodes) -> T) -> T {
        look(&self.nodes.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Writes what became durable. For the recorder only.
    pub(super) fn write<T>(&self, put: impl FnOnce(&mut Nodes) -> T) -> T {
        put(&mut self.nodes.write().unwrap_or_else(PoisonError::into_inner))
    }

    /// All nodes by id.
    pub fn all(&self) -> Vec<Arc<Node>> {
        self.read(|nodes| nodes.iter().cloned().collect())
    }

    /// One node.
    pub fn get(&self, id: &NodeId) -> Option<Arc<Node>> {
        self.read(|nodes| nodes.get(id))
    }

    /// The address that a MAC has leased.
    pub fn lease_of(&self, mac: Mac) -> Option<Lease> {
        let leases = self.leases.read().unwrap_or_else(PoisonError::into_inner);
        leases.values().find(|lease| lease.mac == mac && !lease.declined).cloned()
    }

    /// Writes a lease that became durable, or its end. For the recorder only.
    pub(super) fn put_lease(&self, address: Ipv4Addr, lease: Option<Lease>) {
        let mut leases = self.leases.write().unwrap_or_else(PoisonError::into_inner);
        match lease {
            Some(lease) => leases.insert(address, lease),
            None => leases.remove(&address),
        };
    }

    /// The node that an operator means: host name, id, unique prefix of an id, serial, or MAC.
    pub fn find(&self, name: &str) -> Result<Arc<Node>, NameError> {
        self.read(|nodes| find(nodes, name))
    }
}

fn find(nodes: &Nodes, name: &str) -> Result<Arc<Node>, NameError> {
    let exact = name.parse().ok().and_then(|id| nodes.get(&id));
    let by_mac = || {
        let mac = name.parse::<Mac>().ok()?;
        nodes.get(nodes.owner(&Alias::Mac(mac))?)
    };
    let by_serial = || nodes.get(nodes.owner(&Alias::Serial(name.to_owned()))?);
    if let Some(node) = exact.or_else(by_mac).or_else(by_serial) {
        return Ok(node);
    }
    let fits: Vec<&Arc<Node>> = nodes.iter().filter(|node| node.hostname() == name).collect();
    let fits = if fits.is_empty() && !name.is_empty() {
        nodes.iter().filter(|node| node.id.as_str().starts_with(name)).collect()
    } else {
        fits
    };
    match fits.as_slice() {
        [] => Err(NameError::NotFound(name.to_owned())),
        [node] => Ok(Arc::clone(node)),
        several => Err(NameError::Ambiguous {
            name: name.to_owned(),
            fits: several.iter().map(|node| node.id.to_string()).collect(),
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::node::Millis;

    fn node(uuid: &str, serial: &str, mac: &str) -> Arc<Node> {
        let claims = claims(uuid, serial, mac);
        let id = NodeId::choose(&claims).unwrap();
        Arc::new(Node::first_seen(id, claims.aliases(), true, Millis(1)))
    }

    fn claims(uuid: &str, serial: &str, mac: &str) -> Claims {
        Claims::new()
            .with_uuid(uuid.parse().ok())
            .with_serial(Some(serial))
            .with_mac(mac.parse().ok())
    }

    const A: &str = "4c4c4544-0051-3610-8052-b4c04f4a3132";
    const B: &str = "4c4c4544-0051-3610-8052-b4c04f4a3199";

    fn two() -> Directory {
        let directory = Directory::default();
        directory.write(|nodes| {
            nodes.put(node(A, "SN1", "52:54:00:00:00:01"));
            nodes.put(node(B, "SN2", "52:54:00:00:00:02"));
        });
        directory
    }

    #[test]
    fn operators_find_a_node_by_every_name_it_has() {
        let directory = two();
        for name in [A, "sn1", "SN1", "52-54-00-00-00-01", "525400000001", &A[..35]] {
            assert_eq!(directory.find(name).map(|n| n.id.to_string()).as_deref(), Ok(A), "{name}");
        }
        assert!(matches!(directory.find("4c4c"), Err(NameError::Ambiguous { .. })));
        assert!(matches!(directory.find("zz"), Err(NameError::NotFound(_))));
        assert!(matches!(directory.find(""), Err(NameError::NotFound(_))));
    }

    #[test]
    fn a_machine_is_the_same_node_by_any_of_its_names() {
        let directory = two();
        let resolve = |c: &Claims| directory.read(|nodes| nodes.resolve(c));
        for known in [claims(A, "", ""), claims("", "SN1", ""), claims("", "", "52:54:00:00:00:01")]
        {
            assert!(matches!(resolve(&known), Resolved::Known(node) if node.id.as_str() == A));
        }
        assert!(matches!(resolve(&claims("", "SN3", "")), Resolved::New(_)));
        assert_eq!(resolve(&Claims::new()), Resolved::Nameless);
    }

    #[test]
    fn claims_of_two_nodes_are_ambiguous_and_never_guessed() {
        let mixed = claims(A, "", "52:54:00:00:00:02");
        assert!(
            matches!(two().read(|nodes| nodes.resolve(&mixed)), Resolved::Ambiguous(ids) if ids.len() == 2)
        );
    }

    #[test]
    fn retiring_a_node_frees_its_names() {
        let directory = two();
        directory.write(|nodes| {
            let mut gone = Node::clone(&nodes.get(&B.parse().unwrap()).unwrap());
            gone.status.state = State::Retired;
            nodes.put(Arc::new(gone));
        });
        let mixed = claims(A, "", "52:54:00:00:00:02");
        let resolved = directory.read(|nodes| nodes.resolve(&mixed));
        assert!(matches!(resolved, Resolved::Known(node) if node.id.as_str() == A));
        let alone = claims("", "SN2", "");
        let resolved = directory.read(|nodes| nodes.resolve(&alone));
        assert!(
            matches!(resolved, Resolved::Known(node) if node.id.as_str() == B),
            "it is still known"
        );
    }

    #[test]
    fn a_card_that_moved_to_another_machine_does_not_make_it_the_same_node() {
        let other = claims("4c4c4544-0051-3610-8052-b4c04f4a3177", "", "52:54:00:00:00:01");
        let directory = two();
        let resolve = |c: &Claims| directory.read(|nodes| nodes.resolve(c));
        assert!(matches!(resolve(&other), Resolved::Ambiguous(ids) if ids.len() == 2));
        let serial = claims("", "SN9", "52:54:00:00:00:01");
        assert!(matches!(resolve(&serial), Resolved::Ambiguous(_)));
        directory.write(|nodes| {
            let mut gone = Node::clone(&nodes.get(&A.parse().unwrap()).unwrap());
            gone.status.state = State::Retired;
            nodes.put(Arc::new(gone));
        });
        assert!(matches!(directory.read(|nodes| nodes.resolve(&other)), Resolved::New(_)));
    }

    #[test]
    fn a_uuid_in_the_other_byte_order_is_the_same_machine() {
        let swapped = A.parse::<crate::domain::machine::Uuid>().unwrap().swapped();
        let claims = claims(&swapped.to_string(), "SN1", "52:54:00:00:00:01");
        let resolved = two().read(|nodes| nodes.resolve(&claims));
        assert!(matches!(resolved, Resolved::Known(node) if node.id.as_str() == A));
    }
}
