//! The recorder: the single writer of nodes, leases and the way to the history.
//!
//! Everybody else sends it what happened and reads the [`Directory`]. It works through all that waits,
//! makes it durable with one commit, shows it to readers, and only then answers: whoever holds an
//! answer holds something that survives a power cut.
//!
//! Steps of boots are the exception: nothing is decided from them, and machines that ask again and again
//! change nothing else. They are written with the next change that has to be, or within a tick.

mod requests;
mod words;
mod world;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tokio::sync::{broadcast, mpsc, oneshot};

pub use requests::{AddressAsk, Given, Note, RecordError, Request, Selected, Sighting, Word};

use crate::domain::address::AddressBook;
use crate::domain::machine::NodeId;
use crate::domain::node::{Millis, Node};
use crate::domain::timeline::Timeline;
use crate::server::directory::Directory;
use crate::server::store::{Change, Store, StoreError, Transition};
use world::{Answer, Batch, World, steps};

/// Requests that may wait before senders have to.
const QUEUE: usize = 4096;
/// Requests that become durable together at most.
const BATCH: usize = 512;
/// Nodes whose steps may wait to be written.
const MOST_UNWRITTEN: usize = 4096;

/// The way to the recorder, and what it published.
#[derive(Debug, Clone)]
pub struct Recorder {
    queue: mpsc::Sender<Request>,
    directory: Arc<Directory>,
    changes: broadcast::Sender<Arc<Node>>,
    durable: Arc<AtomicBool>,
}

/// What the recorder runs with.
#[derive(Debug)]
pub struct Parts<S> {
    /// Where things become durable.
    pub store: S,
    /// Subnets and what they may give.
    pub addresses: Policy,
    /// Number of the newest transition that the history has: a store that was lost must not begin anew.
    pub last_transition: u64,
    /// Where transitions go once they are durable.
    pub history: std::sync::mpsc::Sender<Transition>,
    /// The clock.
    pub clock: fn() -> Millis,
}

/// What the configuration says about newcomers.
#[derive(Debug)]
pub struct Policy {
    /// Subnets to serve.
    pub subnets: Vec<crate::domain::address::subnet::Subnet>,
    /// Whether this server speaks for its networks (DHCPNAK to strangers).
    pub authoritative: bool,
    /// Whether a node is wanted at first sight.
    pub enrol_at_once: bool,
}

impl Recorder {
    /// Loads the store and starts the recorder's thread. It ends, with all that waited written, on
    /// [`Recorder::stop`] or when the last `Recorder` is dropped.
    pub fn spawn<S: Store>(
        mut parts: Parts<S>,
    ) -> Result<(Self, std::thread::JoinHandle<()>), StoreError> {
        let mut snapshot = parts.store.load()?;
        snapshot.last_transition = snapshot.last_transition.max(parts.last_transition);
        let (queue, requests) = mpsc::channel(QUEUE);
        let recorder = Self {
            queue,
            directory: Arc::new(Directory::default()),
            changes: broadcast::channel(QUEUE).0,
            durable: Arc::new(AtomicBool::new(true)),
        };
        for left in &snapshot.outbox {
            // One that is not taken stays in the store's outbox.
            let _ = parts.history.send(left.clone());
        }
        let book = AddressBook::new(parts.addresses.subnets, snapshot.leases.iter().cloned());
        let world = World::new(
            snapshot,
            book,
            (parts.addresses.authoritative, parts.addresses.enrol_at_once),
            (parts.clock)(),
        );
        world.publish_all(&recorder.directory);
        let shell = Shell {
            world,
            store: parts.store,
            history: parts.history,
            clock: parts.clock,
            directory: Arc::clone(&recorder.directory),
            changes: recorder.changes.clone(),
            durable: Arc::clone(&recorder.durable),
            unwritten: BTreeMap::new(),
        };
        let thread = std::thread::Builder::new()
            .name("recorder".to_owned())
            .spawn(move || shell.run(requests))
            .map_err(|source| StoreError::Failed { verb: "start", source: source.into() })?;
        Ok((recorder, thread))
    }

    /// What became durable so far.
    pub fn directory(&self) -> &Arc<Directory> {
        &self.directory
    }

    /// Every change of a node from now on. A reader that falls far behind is told so.
    pub fn watch(&self) -> broadcast::Receiver<Arc<Node>> {
        self.changes.subscribe()
    }

    /// Whether the last commit worked.
    pub fn is_durable(&self) -> bool {
        self.durable.load(Ordering::Relaxed)
    }

    /// A machine was seen at one of the doors. Answers with its node.
    pub async fn sight(&self, sighting: Sighting) -> Result<Arc<Node>, RecordError> {
        self.ask(|reply| Request::Sight(Box::new(sighting), reply)).await
    }

    /// Evidence from a machine, or an operator's word, about a node.
    pub async fn tell(&self, node: NodeId, word: Word) -> Result<Arc<Node>, RecordError> {
        self.ask(|reply| Request::Tell(node, Box::new(word), reply)).await
    }

    /// A DHCP client's wish.
    pub async fn address(&self, ask: AddressAsk) -> Result<Given, RecordError> {
        self.ask(|reply| Request::Address(ask, reply)).await
    }

    /// A step of a boot, for the timeline. Nobody waits for it; under overload it may be dropped.
    pub fn note(&self, note: Note) {
        if self.queue.try_send(Request::Note(note)).is_err() {
            tracing::warn!("the recorder is behind; a boot step was not noted");
        }
    }

    /// Time has passed: deadlines are looked at. `catalog`: id of the one in force. `false` when the recorder has
    /// ended.
    pub async fn tick(&self, catalog: String) -> bool {
        self.queue.send(Request::Tick(catalog)).await.is_ok()
    }

    /// Ends the recorder once all that waits is written, whoever still holds a handle.
    pub async fn stop(&self) {
        // It may have ended already.
        let _ = self.queue.send(Request::Stop).await;
    }

    /// A sender that does not keep the recorder alive, for the history's thread.
    pub fn weak(&self) -> mpsc::WeakSender<Request> {
        self.queue.downgrade()
    }

    async fn ask<T>(
        &self,
        request: impl FnOnce(oneshot::Sender<Result<T, RecordError>>) -> Request,
    ) -> Result<T, RecordError> {
        let (reply, answer) = oneshot::channel();
        self.queue.send(request(reply)).await.map_err(|_| RecordError::Stopped)?;
        answer.await.map_err(|_| RecordError::Stopped)?
    }
}

struct Shell<S> {
    world: World,
    store: S,
    history: std::sync::mpsc::Sender<Transition>,
    clock: fn() -> Millis,
    directory: Arc<Directory>,
    changes: broadcast::Sender<Arc<Node>>,
    durable: Arc<AtomicBool>,
    /// Steps that readers see and the store has not.
    unwritten: BTreeMap<NodeId, Timeline>,
}

impl<S: Store> Shell<S> {
    fn run(mut self, mut requests: mpsc::Receiver<Request>) {
        let mut open = true;
        while open && let Some(first) = requests.blocking_recv() {
            let now = (self.clock)();
            let mut batch = Batch::default();
            let mut answers = Vec::new();
            let mut next = Some(first);
            let mut due = false;
            while let Some(request) = next {
                open &= !matches!(request, Request::Stop);
                due |= matches!(request, Request::Tick(_) | Request::Stop);
                answers.push(self.world.apply(request, now, &mut batch));
                next = if answers.len() < BATCH { requests.try_recv().ok() } else { None };
            }
            self.finish(batch, answers, due);
        }
        self.finish(Batch::default(), Vec::new(), true);
    }

    /// `due`: steps wait no longer.
    fn finish(&mut self, mut batch: Batch, answers: Vec<Answer>, due: bool) {
        // While the store cannot be written, steps are tried at once: so it is known when it can.
        let may_wait = !due && self.is_room_for_steps() && self.durable.load(Ordering::Relaxed);
        let nothing = batch.changes.is_empty();
        let result = if nothing && !due {
            Ok(())
        } else if batch.has_only_steps() && may_wait {
            self.unwritten.extend(steps(batch.changes.iter().cloned()));
            Ok(())
        } else {
            self.commit(&mut batch)
        };
        match result {
            Ok(()) => {
                self.publish(batch);
                for answer in answers {
                    answer(None);
                }
            }
            Err(error) => {
                self.durable.store(false, Ordering::Relaxed);
                let text = chain(&error);
                tracing::error!(
                    error = text,
                    "nothing of this batch is durable, so nobody was answered as if it were"
                );
                self.world.roll_back(&batch, &self.directory);
                for answer in answers {
                    answer(if nothing { None } else { Some(&text) });
                }
            }
        }
    }

    fn is_room_for_steps(&self) -> bool {
        self.unwritten.len() < MOST_UNWRITTEN
    }

    /// Makes a batch durable, and before it the steps that wait: those of the batch are newer.
    fn commit(&mut self, batch: &mut Batch) -> Result<(), StoreError> {
        if batch.changes.is_empty() && self.unwritten.is_empty() {
            return Ok(());
        }
        let waiting = std::mem::take(&mut self.unwritten).into_iter();
        let waiting = waiting.map(|(id, timeline)| Change::Timeline(id, timeline));
        let mut all: Vec<Change> = waiting.collect();
        let waited = all.len();
        all.append(&mut batch.changes);
        let result = self.store.commit(&all);
        batch.changes = all.split_off(waited);
        if result.is_ok() {
            self.durable.store(true, Ordering::Relaxed);
        } else {
            self.unwritten = steps(all).collect();
        }
        result
    }

    fn publish(&self, batch: Batch) {
        for change in batch.changes {
            match change {
                Change::Node(node) => {
                    self.directory.write(|nodes| nodes.put(Arc::clone(&node)));
                    // Nobody watching is fine.
                    let _ = self.changes.send(node);
                }
                Change::Timeline(id, timeline) => {
                    self.directory.write(|nodes| nodes.put_timeline(id, timeline));
                }
                Change::Lease(lease) => self.directory.put_lease(lease.address, Some(lease)),
                Change::LeaseGone(address) => self.directory.put_lease(address, None),
                Change::Transition(transition) => {
                    tracing::info!(
                        node.id = %transition.node.id,
                        actor = transition.actor,
                        cause = transition.cause,
                        "{}",
                        transition.subject
                    );
                    // One that is not taken stays in the store's outbox.
                    let _ = self.history.send(transition);
                }
                Change::HistoryHas(_) => {}
            }
        }
    }
}

/// An error with all its causes in one line.
pub fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text.push_str(": ");
        text.push_str(&cause.to_string());
        source = cause.source();
    }
    text
}
