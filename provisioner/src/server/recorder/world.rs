//! The recorder's working copy: applies requests in memory and gathers what has to become durable.

use std::net::Ipv4Addr;
use std::sync::Arc;

use super::requests::{AddressAsk, Given, RecordError, Reply, Request, Selected, Sighting, Word};
use super::words::{Said, cause_of, reached_by, subject};
use crate::domain::address::{self, AddressBook, Lease};
use crate::domain::machine::{Claims, NodeId};
use crate::domain::node::{BootId, Event, Millis, Node, Outcome, State, Steer, step};
use crate::domain::timeline::{Reached, Step, Timeline};
use crate::server::directory::{Directory, Nodes, Resolved};
use crate::server::store::{Change, Snapshot, Transition};

/// An answer that waits for the commit; told why when the commit failed.
pub(super) type Answer = Box<dyn FnOnce(Option<&str>) + Send>;

/// What becomes durable together, and how the book of addresses was before.
#[derive(Debug, Default)]
pub(super) struct Batch {
    pub(super) changes: Vec<Change>,
    leases_before: Vec<(Ipv4Addr, Option<Lease>)>,
}

impl Batch {
    /// Whether nobody is promised anything that has to survive.
    pub(super) fn has_only_steps(&self) -> bool {
        self.changes.iter().all(|change| matches!(change, Change::Timeline(..)))
    }
}

/// The steps among changes, the newest of a node last.
pub(super) fn steps(
    changes: impl IntoIterator<Item = Change>,
) -> impl Iterator<Item = (NodeId, Timeline)> {
    changes.into_iter().filter_map(|change| match change {
        Change::Timeline(id, timeline) => Some((id, timeline)),
        _ => None,
    })
}

pub(super) struct World {
    nodes: Nodes,
    book: AddressBook,
    authoritative: bool,
    enrol_at_once: bool,
    transitions: u64,
}

impl World {
    pub(super) fn new(
        snapshot: Snapshot,
        book: AddressBook,
        (authoritative, enrol_at_once): (bool, bool),
        now: Millis,
    ) -> Self {
        let mut nodes = Nodes::default();
        for mut node in snapshot.nodes {
            // Nobody could be heard while the daemon was down: silence counts from now on.
            if let (Some(deadline), Some(attempt)) =
                (&mut node.status.deadline, &node.status.attempt)
                && node.status.state == State::Installing
            {
                *deadline = (*deadline).max(now.plus_seconds(attempt.limits.heartbeat_seconds));
            }
            nodes.put(Arc::new(node));
        }
        for (id, timeline) in snapshot.timelines {
            nodes.put_timeline(id, timeline);
        }
        Self { nodes, book, authoritative, enrol_at_once, transitions: snapshot.last_transition }
    }

    pub(super) fn publish_all(&self, directory: &Directory) {
        directory.write(|published| {
            for node in self.nodes.iter() {
                published.put(Arc::clone(node));
                published.put_timeline(node.id.clone(), self.nodes.timeline(&node.id));
            }
        });
        for lease in self.book.leases() {
            directory.put_lease(lease.address, Some(lease.clone()));
        }
    }

    pub(super) fn apply(&mut self, request: Request, now: Millis, batch: &mut Batch) -> Answer {
        match request {
            Request::Sight(sighting, reply) => answer(reply, self.sight(*sighting, now, batch)),
            Request::Tell(id, word, reply) => answer(reply, self.tell(&id, &word, now, batch)),
            Request::Address(ask, reply) => answer(reply, self.address(ask, now, batch)),
            Request::Note(note) => {
                self.note(&note.node, note.boot.as_ref(), (note.step, note.detail), now, batch);
                Box::new(|_| ())
            }
            Request::Stop => Box::new(|_| ()),
            Request::Tick(catalog) => {
                self.tick(&catalog, now, batch);
                Box::new(|_| ())
            }
            Request::HistoryHas(number) => {
                batch.changes.push(Change::HistoryHas(number));
                Box::new(|_| ())
            }
        }
    }

    /// Takes back what the batch did to the working copy: readers' copy is what is durable.
    pub(super) fn roll_back(&mut self, batch: &Batch, durable: &Directory) {
        for change in batch.changes.iter().rev() {
            match change {
                Change::Node(node) => {
                    self.nodes.remove(&node.id);
                    if let Some(before) = durable.get(&node.id) {
                        self.nodes.put(before);
                    }
                }
                Change::Timeline(id, _) => {
                    let before = durable.read(|nodes| nodes.timeline(id));
                    self.nodes.put_timeline(id.clone(), before);
                }
                Change::Transition(_) => self.transitions -= 1,
                Change::Lease(_) | Change::LeaseGone(_) | Change::HistoryHas(_) => {}
            }
        }
        for (address, before) in batch.leases_before.iter().rev() {
            self.book.remove(*address);
            if let Some(lease) = before {
                self.book.put(lease.clone());
            }
        }
    }

    fn sight(
        &mut self,
        sighting: Sighting,
        now: Millis,
        batch: &mut Batch,
    ) -> Result<Arc<Node>, RecordError> {
        let (old, is_new) = match self.nodes.resolve(&sighting.claims) {
            Resolved::Known(node) => (node, false),
            Resolved::New(id) => {
                let aliases = sighting.claims.aliases();
                (Arc::new(Node::first_seen(id, aliases, self.enrol_at_once, now)), true)
            }
            Resolved::Ambiguous(ids) => return Err(RecordError::Ambiguous(ids)),
            Resolved::Nameless => return Err(RecordError::Nameless),
        };
        self.has_room(&old, &sighting)?;
        let mut next = Node::clone(&old);
        seen(&mut next, &sighting);
        next.status.address = self.address_of(&sighting.claims).or(next.status.address);
        let subject = if is_new {
            Some(format!("{}: first seen → {}", next.hostname(), next.status.state))
        } else if next.status.profile == old.status.profile {
            None
        } else {
            let name =
                |profile: &Option<String>| profile.clone().unwrap_or("no profile".to_owned());
            Some(format!(
                "{}: {} → {}",
                next.hostname(),
                name(&old.status.profile),
                name(&next.status.profile)
            ))
        };
        let changed = is_new || next != *old;
        next.status.last_seen = now;
        let word = Said {
            actor: "node",
            cause: sighting.step.as_ref().map_or("seen", |(step, _)| step.name()),
            boot: sighting.boot.as_ref(),
            catalog: &sighting.catalog,
        };
        let node =
            if changed { self.put(next, subject, &word, now, batch) } else { Arc::new(next) };
        if !changed {
            self.nodes.put(Arc::clone(&node));
        }
        if let Some(reached) = sighting.step {
            self.begin(&node.id, sighting.boot.as_ref(), reached, now, batch);
        }
        Ok(node)
    }

    /// Decided here, where there is no other machine at the same time.
    fn has_room(&self, node: &Node, sighting: &Sighting) -> Result<(), RecordError> {
        let (Selected::Group(group, _), Some(quantity)) = (&sighting.selected, sighting.quantity)
        else {
            return Ok(());
        };
        let is_member = node.status.group.as_deref() == Some(group);
        if is_member || self.nodes.members(group) < quantity {
            Ok(())
        } else {
            Err(RecordError::GroupFull(group.clone()))
        }
    }

    fn tell(
        &mut self,
        id: &NodeId,
        word: &Word,
        now: Millis,
        batch: &mut Batch,
    ) -> Result<Arc<Node>, RecordError> {
        let old = self.nodes.get(id).ok_or_else(|| RecordError::NoNode(id.clone()))?;
        let reached = reached_by(&word.event);
        let said = Said {
            actor: &word.actor,
            cause: cause_of(&word.event),
            boot: word.boot.as_ref(),
            catalog: &word.catalog,
        };
        let subject = |next: &Node| subject(&old, next, &word.event);
        let retired = matches!(word.event, Event::Steer(Steer::Retire));
        let node = match step(&old, word.event.clone(), now)? {
            Outcome::Repeated => return Ok(old),
            Outcome::Noted(next) => self.put(*next, None, &said, now, batch),
            Outcome::Transition(next) => {
                let subject = subject(&next);
                self.put(*next, Some(subject), &said, now, batch)
            }
        };
        if retired {
            self.free_addresses(&node, batch);
        }
        for reached in reached {
            // A system that runs was started by the newest boot, not by the one that installed it.
            let boot = word.boot.as_ref().filter(|_| reached.0 != Step::Running);
            self.note(id, boot, reached, now, batch);
        }
        Ok(node)
    }

    fn tick(&mut self, catalog: &str, now: Millis, batch: &mut Batch) {
        let overdue: Vec<NodeId> = self
            .nodes
            .iter()
            .filter(|node| node.status.deadline.is_some_and(|deadline| deadline <= now))
            .map(|node| node.id.clone())
            .collect();
        for id in overdue {
            let word = Word {
                event: Event::Tick,
                actor: "timer".to_owned(),
                boot: None,
                catalog: catalog.to_owned(),
            };
            if let Ok(node) = self.tell(&id, &word, now, batch) {
                let reached = (Step::Failed, node.status.reason.clone());
                self.note(&id, None, reached, now, batch);
            }
        }
    }

    fn put(
        &mut self,
        mut next: Node,
        subject: Option<String>,
        said: &Said<'_>,
        now: Millis,
        batch: &mut Batch,
    ) -> Arc<Node> {
        next.revision += 1;
        let node = Arc::new(next);
        self.nodes.put(Arc::clone(&node));
        batch.changes.push(Change::Node(Arc::clone(&node)));
        if let Some(subject) = subject {
            self.transitions += 1;
            batch.changes.push(Change::Transition(Transition {
                number: self.transitions,
                time: now,
                subject,
                actor: said.actor.to_owned(),
                cause: said.cause.to_owned(),
                boot: said.boot.cloned(),
                catalog: said.catalog.to_owned(),
                node: Arc::clone(&node),
            }));
        }
        node
    }

    fn begin(
        &mut self,
        id: &NodeId,
        boot: Option<&BootId>,
        reached: (Step, String),
        now: Millis,
        batch: &mut Batch,
    ) {
        let mut timeline = self.nodes.timeline(id);
        let (step, detail) = reached;
        let noted = timeline.note(None, Reached { time: now, step, detail });
        if let Some(boot) = boot {
            timeline.name_boot(boot.clone());
        }
        if noted || boot.is_some() {
            self.nodes.put_timeline(id.clone(), timeline.clone());
            batch.changes.push(Change::Timeline(id.clone(), timeline));
        }
    }

    fn note(
        &mut self,
        id: &NodeId,
        boot: Option<&BootId>,
        (step, detail): (Step, String),
        now: Millis,
        batch: &mut Batch,
    ) {
        if self.nodes.get(id).is_none() {
            return;
        }
        let mut timeline = self.nodes.timeline(id);
        if timeline.note(boot, Reached { time: now, step, detail }) {
            self.nodes.put_timeline(id.clone(), timeline.clone());
            batch.changes.push(Change::Timeline(id.clone(), timeline));
        }
    }

    fn address(
        &mut self,
        ask: AddressAsk,
        now: Millis,
        batch: &mut Batch,
    ) -> Result<Given, RecordError> {
        match ask {
            AddressAsk::Offer { mac, wish, link } => match self.book.offer(mac, wish, link, now) {
                Some(address) => Ok(Given::Offer(address?)),
                None => Ok(Given::Nothing(format!("no subnet of dhcp.subnets holds {link}"))),
            },
            AddressAsk::Bind { mac, ask, link, hostname } => {
                match self.book.request(mac, ask, link, now, self.authoritative) {
                    address::Answer::Ack(lease) => {
                        let lease = Lease { hostname, ..lease };
                        self.put_lease(lease.clone(), batch);
                        self.moved_to(&lease, batch);
                        Ok(Given::Lease(lease))
                    }
                    address::Answer::Nak(reason) => Ok(Given::Nak(reason)),
                    address::Answer::Silent(reason) => Ok(Given::Nothing(reason)),
                }
            }
            AddressAsk::Release { mac, address } => {
                if self.book.held(mac, address).is_some() {
                    self.remove_lease(address, batch);
                }
                Ok(Given::Nothing(format!("{address} was given back")))
            }
            AddressAsk::Decline { mac, address } => {
                if let Some(lease) = self.book.declined(mac, address, now) {
                    self.put_lease(lease, batch);
                }
                Ok(Given::Nothing(format!("{mac} found {address} in use by somebody else")))
            }
        }
    }

    /// The node that boots from this MAC lives there now.
    fn moved_to(&mut self, lease: &Lease, batch: &mut Batch) {
        let claims = Claims::new().with_mac(Some(lease.mac));
        let Resolved::Known(node) = self.nodes.resolve(&claims) else {
            return;
        };
        let boots_from = node.status.boot_mac.is_none_or(|mac| mac == lease.mac);
        if boots_from
            && node.status.address != Some(lease.address)
            && node.status.state != State::Retired
        {
            let mut next = Node::clone(&node);
            next.status.address = Some(lease.address);
            next.revision += 1;
            let node = Arc::new(next);
            self.nodes.put(Arc::clone(&node));
            batch.changes.push(Change::Node(node));
        }
    }

    fn address_of(&self, claims: &Claims) -> Option<Ipv4Addr> {
        let mac = claims.mac()?;
        self.book.leases_of(mac).max_by_key(|lease| lease.expires).map(|lease| lease.address)
    }

    fn free_addresses(&mut self, node: &Node, batch: &mut Batch) {
        let held: Vec<Ipv4Addr> = node
            .macs()
            .flat_map(|mac| self.book.leases_of(mac))
            .map(|lease| lease.address)
            .collect();
        for address in held {
            self.remove_lease(address, batch);
        }
    }

    fn put_lease(&mut self, lease: Lease, batch: &mut Batch) {
        let before = self.book.put(lease.clone());
        batch.leases_before.push((lease.address, before));
        batch.changes.push(Change::Lease(lease));
    }

    fn remove_lease(&mut self, address: Ipv4Addr, batch: &mut Batch) {
        let before = self.book.remove(address);
        batch.leases_before.push((address, before));
        batch.changes.push(Change::LeaseGone(address));
    }
}

fn answer<T: Send + 'static>(reply: Reply<T>, result: Result<T, RecordError>) -> Answer {
    Box::new(move |failed| {
        let result = match failed {
            Some(why) => Err(RecordError::NotDurable(why.to_owned())),
            None => result,
        };
        // Who asked may have gone away.
        let _ = reply.send(result);
    })
}

/// Writes down what a sighting tells. A door that does not tell something takes nothing away.
fn seen(node: &mut Node, sighting: &Sighting) {
    node.aliases.extend(sighting.claims.aliases());
    let status = &mut node.status;
    status.boot_mac = sighting.claims.mac().or(status.boot_mac);
    if !sighting.labels.is_empty() {
        status.labels = sighting.labels.clone();
    }
    if !sighting.arch.is_empty() {
        status.arch.clone_from(&sighting.arch);
    }
    if !sighting.firmware.is_empty() {
        status.firmware.clone_from(&sighting.firmware);
    }
    let selected = match &sighting.selected {
        Selected::NotAsked => return,
        Selected::Nothing => None,
        Selected::Group(group, profile) => Some((group.clone(), profile.clone())),
    };
    (status.group, status.profile) = selected.unzip();
}
