//! The contract that every backend keeps: one battery, run on each.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;
use std::sync::Arc;

use proptest::prelude::*;

use super::memory::MemoryStore;
use super::redb::{FILE_NAME, RedbStore};
use super::{Change, Snapshot, Store, Transition};
use crate::domain::address::Lease;
use crate::domain::machine::{Claims, Mac, NodeId};
use crate::domain::node::{Millis, Node};
use crate::domain::timeline::{Reached, Step, Timeline};

/// A backend under test: a store that can be closed and opened again.
pub(super) trait Bench {
    type Backend: Store;
    fn open(&self) -> Self::Backend;
}

struct Memory(MemoryStore);

impl Bench for Memory {
    type Backend = MemoryStore;
    fn open(&self) -> MemoryStore {
        self.0.clone()
    }
}

struct Redb(tempfile::TempDir);

impl Bench for Redb {
    type Backend = RedbStore;
    fn open(&self) -> RedbStore {
        RedbStore::open(&self.0.path().join(FILE_NAME)).unwrap()
    }
}

fn memory() -> Memory {
    Memory(MemoryStore::new())
}

fn redb() -> Redb {
    Redb(tempfile::tempdir().unwrap())
}

macro_rules! battery {
    ($($name:ident),+ $(,)?) => {
        mod in_memory {
            $(#[test] fn $name() { super::$name(&super::memory()); })+
        }
        mod in_redb {
            $(#[test] fn $name() { super::$name(&super::redb()); })+
        }
    };
}

battery!(
    a_new_store_is_empty,
    what_was_committed_is_there_after_reopening,
    the_outbox_keeps_its_order_and_is_emptied_up_to_a_number,
    the_last_transition_survives_an_empty_outbox,
    a_lease_that_is_gone_stays_gone,
    later_changes_of_one_batch_win,
    an_empty_batch_is_a_commit,
);

fn a_new_store_is_empty(bench: &impl Bench) {
    let snapshot = bench.open().load().unwrap();
    assert_eq!(view(snapshot), View::default());
}

fn what_was_committed_is_there_after_reopening(bench: &impl Bench) {
    let node = node(7, 1);
    let mut timeline = Timeline::default();
    let reached = Reached {
        time: Millis(5),
        step: Step::Dhcp,
        detail: "snponly.efi — \u{1f980} \"quoted\"\n".to_owned(),
    };
    timeline.note(None, reached);
    let mut store = bench.open();
    store
        .commit(&[
            Change::Node(Arc::clone(&node)),
            Change::Lease(lease(3, 9)),
            Change::Timeline(node.id.clone(), timeline.clone()),
            Change::Transition(transition(1, 7)),
        ])
        .unwrap();
    drop(store);
    let snapshot = bench.open().load().unwrap();
    assert_eq!(snapshot.nodes, [node.as_ref().clone()]);
    assert_eq!(snapshot.leases, [lease(3, 9)]);
    assert_eq!(snapshot.timelines, [(node.id.clone(), timeline)]);
    assert_eq!(snapshot.outbox, [transition(1, 7)]);
    assert_eq!(snapshot.last_transition, 1);
}

fn the_outbox_keeps_its_order_and_is_emptied_up_to_a_number(bench: &impl Bench) {
    let mut store = bench.open();
    let batch: Vec<Change> =
        [300, 2, 256, 1, 255].map(|number| Change::Transition(transition(number, 1))).into();
    store.commit(&batch).unwrap();
    assert_eq!(numbers(&mut store), [1, 2, 255, 256, 300]);
    store.commit(&[Change::HistoryHas(255)]).unwrap();
    assert_eq!(numbers(&mut store), [256, 300]);
    store.commit(&[Change::HistoryHas(255)]).unwrap();
    assert_eq!(numbers(&mut store), [256, 300], "saying it twice is harmless");
}

fn the_last_transition_survives_an_empty_outbox(bench: &impl Bench) {
    let mut store = bench.open();
    store
        .commit(&[
            Change::Transition(transition(41, 1)),
            Change::Transition(transition(42, 1)),
            Change::HistoryHas(42),
        ])
        .unwrap();
    drop(store);
    let snapshot = bench.open().load().unwrap();
    assert_eq!(snapshot.outbox, []);
    assert_eq!(snapshot.last_transition, 42);
}

fn a_lease_that_is_gone_stays_gone(bench: &impl Bench) {
    let mut store = bench.open();
    store.commit(&[Change::Lease(lease(1, 1)), Change::Lease(lease(2, 2))]).unwrap();
    store.commit(&[Change::LeaseGone(lease(1, 1).address)]).unwrap();
    drop(store);
    assert_eq!(bench.open().load().unwrap().leases, [lease(2, 2)]);
}

fn later_changes_of_one_batch_win(bench: &impl Bench) {
    let mut store = bench.open();
    store
        .commit(&[
            Change::Node(node(1, 1)),
            Change::Node(node(1, 2)),
            Change::Lease(lease(1, 1)),
            Change::LeaseGone(lease(1, 1).address),
        ])
        .unwrap();
    let snapshot = store.load().unwrap();
    assert_eq!(snapshot.nodes, [node(1, 2).as_ref().clone()]);
    assert_eq!(snapshot.leases, []);
}

fn an_empty_batch_is_a_commit(bench: &impl Bench) {
    bench.open().commit(&[]).unwrap();
    assert_eq!(view(bench.open().load().unwrap()), View::default());
}

#[test]
fn a_failed_commit_of_the_memory_store_leaves_nothing_behind() {
    let handle = MemoryStore::new();
    let mut store = handle.clone();
    handle.fail_next_commit();
    let error = store.commit(&[Change::Node(node(1, 1))]).unwrap_err();
    assert_eq!(error.to_string(), "the store could not be written; nothing of this batch was kept");
    assert_eq!(view(store.load().unwrap()), View::default());
    store.commit(&[Change::Node(node(1, 1))]).unwrap();
    assert_eq!(handle.commits(), 1);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn any_run_of_batches_and_reopenings_equals_the_model(
        batches in prop::collection::vec((prop::collection::vec(any_change(), 0..12), any::<bool>()), 1..10)
    ) {
        equals_the_model(&memory(), &batches);
        equals_the_model(&redb(), &batches);
    }
}

fn equals_the_model(bench: &impl Bench, batches: &[(Vec<Change>, bool)]) {
    let mut model = View::default();
    let mut store = bench.open();
    for (batch, reopen) in batches {
        store.commit(batch).unwrap();
        for change in batch {
            model.apply(change);
        }
        if *reopen {
            drop(store);
            store = bench.open();
        }
        assert_eq!(view(store.load().unwrap()), model);
    }
}

/// What a store should hold, as plain maps.
#[derive(Debug, Default, PartialEq)]
pub(super) struct View {
    nodes: BTreeMap<String, Node>,
    leases: BTreeMap<Ipv4Addr, Lease>,
    timelines: BTreeMap<String, Timeline>,
    outbox: BTreeMap<u64, Transition>,
    last_transition: u64,
}

impl View {
    pub(super) fn apply(&mut self, change: &Change) {
        match change.clone() {
            Change::Node(node) => {
                let id = node.id.to_string();
                self.nodes.insert(id, node.as_ref().clone());
            }
            Change::Lease(lease) => {
                self.leases.insert(lease.address, lease);
            }
            Change::LeaseGone(address) => {
                self.leases.remove(&address);
            }
            Change::Timeline(id, timeline) => {
                self.timelines.insert(id.to_string(), timeline);
            }
            Change::Transition(transition) => {
                self.last_transition = self.last_transition.max(transition.number);
                self.outbox.insert(transition.number, transition);
            }
            Change::HistoryHas(number) => self.outbox.retain(|n, _| *n > number),
        }
    }
}

pub(super) fn view(snapshot: Snapshot) -> View {
    let named = |(id, timeline): (NodeId, Timeline)| (id.to_string(), timeline);
    View {
        nodes: (snapshot.nodes.into_iter()).map(|node| (node.id.to_string(), node)).collect(),
        leases: (snapshot.leases.into_iter()).map(|lease| (lease.address, lease)).collect(),
        timelines: snapshot.timelines.into_iter().map(named).collect(),
        outbox: (snapshot.outbox.into_iter())
            .map(|transition| (transition.number, transition))
            .collect(),
        last_transition: snapshot.last_transition,
    }
}

fn any_change() -> impl Strategy<Value = Change> {
    let small = 0_u8..6;
    prop_oneof![
        (small.clone(), 0_u64..9).prop_map(|(id, revision)| Change::Node(node(id, revision))),
        (small.clone(), any::<u8>()).prop_map(|(at, mac)| Change::Lease(lease(at, mac))),
        small.clone().prop_map(|at| Change::LeaseGone(lease(at, 0).address)),
        (small.clone(), 0_u64..9).prop_map(|(id, time)| {
            let mut timeline = Timeline::default();
            let (step, detail) = (Step::Ipxe, String::new());
            timeline.note(None, Reached { time: Millis(time), step, detail });
            Change::Timeline(node(id, 0).id.clone(), timeline)
        }),
        (0_u64..40, small).prop_map(|(number, id)| Change::Transition(transition(number, id))),
        (0_u64..40).prop_map(Change::HistoryHas),
    ]
}

pub(super) fn node(id: u8, revision: u64) -> Arc<Node> {
    let claims = Claims::new().with_mac(Some(Mac::new([2, 0, 0, 0, 0, id])));
    let name = NodeId::choose(&claims).unwrap();
    let mut node = Node::first_seen(name, claims.aliases(), true, Millis(1000));
    node.revision = revision;
    Arc::new(node)
}

pub(super) fn lease(at: u8, mac: u8) -> Lease {
    Lease {
        address: Ipv4Addr::new(10, 77, 0, at),
        mac: Mac::new([2, 0, 0, 0, 0, mac]),
        expires: Millis(3_600_000),
        hostname: "node1".to_owned(),
        declined: mac == 0,
    }
}

pub(super) fn transition(number: u64, id: u8) -> Transition {
    Transition {
        number,
        time: Millis(number),
        subject: "node1: configured → installing".to_owned(),
        actor: "node".to_owned(),
        cause: "claim".to_owned(),
        boot: None,
        catalog: "shipped".to_owned(),
        node: node(id, number),
    }
}

fn numbers(store: &mut impl Store) -> Vec<u64> {
    let outbox = store.load().unwrap().outbox;
    outbox.iter().map(|transition| transition.number).collect()
}
