use std::net::Ipv4Addr;
use std::sync::atomic::{AtomicU64, Ordering};

use api::node::{Disk, Inventory, Stage};

use super::*;
use crate::domain::address::Ask;
use crate::domain::address::subnet::Subnet;
use crate::domain::labels::{Labels, Trust};
use crate::domain::machine::{Claims, Mac};
use crate::domain::node::{BootId, Event, Limits, State, Steer};
use crate::domain::timeline::Step;
use crate::server::history::{History, worker};
use crate::server::store::memory::MemoryStore;

/// One clock for all tests of this module: each looks only at times far apart.
static NOW: AtomicU64 = AtomicU64::new(1_700_000_000_000);

fn clock() -> Millis {
    Millis(NOW.load(Ordering::Relaxed))
}

struct Rig {
    recorder: Recorder,
    thread: std::thread::JoinHandle<()>,
    history: std::thread::JoinHandle<()>,
    dir: tempfile::TempDir,
    store: MemoryStore,
}

fn rig() -> Rig {
    rig_with(MemoryStore::new(), tempfile::tempdir().unwrap())
}

fn rig_with(store: MemoryStore, dir: tempfile::TempDir) -> Rig {
    let mut history = History::open(&dir.path().join("history")).unwrap();
    let last_transition = history.last_number().unwrap();
    let (sender, receiver) = std::sync::mpsc::channel();
    let history = worker::spawn(history, receiver, |_| ()).unwrap().thread;
    let subnet = Subnet {
        cidr: "10.77.0.0/24".parse().unwrap(),
        router: None,
        dns: vec![],
        ntp: vec![],
        domain: None,
        pools: vec![Ipv4Addr::new(10, 77, 0, 100)..=Ipv4Addr::new(10, 77, 0, 110)],
        lease_seconds: 3600,
        reservations: vec![],
        relays: vec![],
    };
    let addresses = Policy { subnets: vec![subnet], authoritative: true, enrol_at_once: true };
    let parts = Parts { last_transition, store: store.clone(), addresses, history: sender, clock };
    let (recorder, thread) = Recorder::spawn(parts).unwrap();
    Rig { recorder, thread, history, dir, store }
}

impl Rig {
    /// Stops it as the daemon does, and starts it anew on what became durable.
    fn again(self) -> Self {
        let (store, dir) = self.stop();
        rig_with(store, dir)
    }

    fn stop(self) -> (MemoryStore, tempfile::TempDir) {
        drop(self.recorder);
        self.thread.join().unwrap();
        self.history.join().unwrap();
        (self.store, self.dir)
    }

    async fn see(&self, serial: &str, mac: &str) -> Result<Arc<Node>, RecordError> {
        let sighting = Sighting {
            claims: claims(serial, mac),
            step: Some((Step::Ipxe, String::new())),
            ..Sighting::default()
        };
        self.recorder.sight(sighting).await
    }

    async fn tell(&self, node: &Node, event: Event) -> Result<Arc<Node>, RecordError> {
        let word = Word { event, actor: "node".into(), boot: None, catalog: "c1".into() };
        self.recorder.tell(node.id.clone(), word).await
    }
}

fn claims(serial: &str, mac: &str) -> Claims {
    Claims::new().with_serial(Some(serial)).with_mac(mac.parse().ok())
}

const MAC: &str = "52:54:00:00:00:01";
const LINK: Ipv4Addr = Ipv4Addr::new(10, 77, 0, 1);

fn boot(n: u32) -> BootId {
    BootId::mint(Millis(1), n)
}

fn claim(n: u32) -> Event {
    Event::Claimed {
        boot: boot(n),
        generation: 1,
        inventory: Inventory::default(),
        limits: Limits::default(),
    }
}

#[tokio::test]
async fn what_was_answered_survives_a_restart() {
    let rig = rig();
    let node = rig.see("SN1", MAC).await.unwrap();
    rig.tell(&node, claim(1)).await.unwrap();
    let installed = Event::Installed { boot: boot(1), disk: Disk::default() };
    rig.tell(&node, installed).await.unwrap();
    let rig = rig.again();
    let node = rig.recorder.directory().find("SN1").unwrap();
    assert_eq!((node.status.state, node.status.installs), (State::Installed, 1));
    let steps = rig.recorder.directory().read(|nodes| nodes.timeline(&node.id));
    let names: Vec<_> = steps.boots().flat_map(|b| &b.steps).map(|s| s.step.name()).collect();
    assert_eq!(names, ["ipxe", "claimed", "writing", "verified", "installed"]);
}

#[tokio::test]
async fn every_transition_becomes_one_commit_with_its_subject() {
    let rig = rig();
    let node = rig.see("SN1", MAC).await.unwrap();
    rig.tell(&node, claim(1)).await.unwrap();
    rig.see("SN1", MAC).await.unwrap();
    let id = node.id.clone();
    let (_, dir) = rig.stop();
    let log = History::read(&dir.path().join("history")).unwrap().log(&id, 10).unwrap();
    let subjects: Vec<&str> = log.iter().map(|entry| entry.subject.as_str()).collect();
    assert_eq!(subjects, ["sn1: configured → installing", "sn1: first seen → configured"]);
}

#[tokio::test]
async fn nothing_is_answered_as_done_that_is_not_durable() {
    let rig = rig();
    let node = rig.see("SN1", MAC).await.unwrap();
    rig.store.fail_next_commit();
    let error = rig.tell(&node, claim(1)).await.unwrap_err();
    assert!(matches!(error, RecordError::NotDurable(_)), "{error}");
    assert!(!rig.recorder.is_durable());
    let seen = rig.recorder.directory().get(&node.id).unwrap();
    assert_eq!(seen.status.state, State::Configured, "readers see only what is durable");
    rig.tell(&node, claim(1)).await.expect("the same again works once the store does");
    assert!(rig.recorder.is_durable());
}

#[tokio::test]
async fn no_lease_is_acknowledged_that_is_not_durable() {
    let rig = rig();
    let mac: Mac = MAC.parse().unwrap();
    let Given::Offer(address) =
        rig.recorder.address(AddressAsk::Offer { mac, wish: None, link: LINK }).await.unwrap()
    else {
        panic!("no offer")
    };
    let bind = || AddressAsk::Bind {
        mac,
        ask: Ask::Selecting(address),
        link: LINK,
        hostname: String::new(),
    };
    rig.store.fail_next_commit();
    assert!(matches!(rig.recorder.address(bind()).await, Err(RecordError::NotDurable(_))));
    assert!(rig.recorder.directory().lease_of(mac).is_none());
    let Given::Lease(lease) = rig.recorder.address(bind()).await.unwrap() else {
        panic!("no lease")
    };
    let rig = rig.again();
    assert_eq!(rig.recorder.directory().lease_of(mac), Some(lease));
}

#[tokio::test]
async fn a_lease_gives_its_node_an_address_and_retiring_takes_it_back() {
    let rig = rig();
    let node = rig.see("SN1", MAC).await.unwrap();
    let mac: Mac = MAC.parse().unwrap();
    let Given::Offer(address) =
        rig.recorder.address(AddressAsk::Offer { mac, wish: None, link: LINK }).await.unwrap()
    else {
        panic!("no offer")
    };
    let ask = Ask::Selecting(address);
    let bind = AddressAsk::Bind { mac, ask, link: LINK, hostname: String::new() };
    rig.recorder.address(bind).await.unwrap();
    let at = rig.recorder.directory().read(|nodes| nodes.at(address)).unwrap();
    assert_eq!(at.id, node.id);
    rig.tell(&node, Event::Steer(Steer::Retire)).await.unwrap();
    assert!(rig.recorder.directory().lease_of(mac).is_none());
    assert!(rig.recorder.directory().read(|nodes| nodes.at(address)).is_none());
}

#[tokio::test]
async fn a_machine_that_claims_names_of_two_nodes_is_nobody() {
    let rig = rig();
    rig.see("SN1", MAC).await.unwrap();
    rig.see("SN2", "52:54:00:00:00:02").await.unwrap();
    let error = rig.see("SN1", "52:54:00:00:00:02").await.unwrap_err();
    assert!(matches!(error, RecordError::Ambiguous(ids) if ids.len() == 2));
}

#[tokio::test]
async fn a_restart_in_the_middle_of_an_installation_counts_silence_anew() {
    let rig = rig();
    let node = rig.see("SN1", MAC).await.unwrap();
    rig.tell(&node, claim(1)).await.unwrap();
    NOW.fetch_add(600_000, Ordering::Relaxed);
    let rig = rig.again();
    rig.recorder.tick("c1".to_owned()).await;
    let progress =
        Event::Progress { boot: boot(1), stage: Stage::Write, done_bytes: 5, total_bytes: 9 };
    let node = rig.tell(&node, progress).await.unwrap();
    assert_eq!(node.status.state, State::Installing, "{}", node.status.reason);
}

#[tokio::test]
async fn what_fails_by_silence_is_recorded_with_the_catalog_in_force() {
    let rig = rig();
    let node = rig.see("SN1", MAC).await.unwrap();
    let limits = Limits { heartbeat_seconds: 0, ..Limits::default() };
    let inventory = Inventory::default();
    let claim = Event::Claimed { boot: boot(1), generation: 1, inventory, limits };
    rig.tell(&node, claim).await.unwrap();
    rig.recorder.tick("c2".to_owned()).await;
    let (_, dir) = rig.stop();
    let history = git2::Repository::open(dir.path().join("history")).unwrap();
    let head = history.head().unwrap().peel_to_commit().unwrap();
    assert!(head.summary().unwrap().unwrap_or_default().contains("installing → failed"));
    let catalog = history.revparse_single("HEAD:catalog").unwrap().peel_to_blob().unwrap();
    assert_eq!(catalog.content(), b"c2\n");
}

#[tokio::test]
async fn seeing_a_known_machine_again_writes_nothing() {
    let rig = rig();
    let mut sighting = Sighting { claims: claims("SN1", MAC), ..Sighting::default() };
    sighting.labels = Labels::new();
    sighting.labels.insert("serial", "SN1", Trust::Claimed);
    rig.recorder.sight(sighting.clone()).await.unwrap();
    let before = rig.store.commits();
    rig.recorder.sight(sighting).await.unwrap();
    assert_eq!(rig.store.commits(), before);
}

#[tokio::test]
async fn steps_wait_for_the_next_tick_or_change_and_are_seen_at_once() {
    let rig = rig();
    let node = rig.see("SN1", MAC).await.unwrap();
    let step = |step| Sighting {
        claims: claims("SN1", MAC),
        step: Some((step, String::new())),
        ..Sighting::default()
    };
    let before = rig.store.commits();
    rig.recorder.sight(step(Step::Script)).await.unwrap();
    rig.recorder.sight(step(Step::LocalDisk)).await.unwrap();
    assert_eq!(rig.store.commits(), before, "no machine waits for the disk because of a step");
    let steps = || rig.recorder.directory().read(|nodes| nodes.timeline(&node.id));
    assert_eq!(steps().last().unwrap().step, Step::LocalDisk);
    rig.recorder.tick("c1".to_owned()).await;
    // Requests are taken in their order, and this one changes nothing.
    rig.recorder.sight(Sighting { step: None, ..step(Step::Script) }).await.unwrap();
    assert_eq!(rig.store.commits(), before + 1);
    rig.recorder.sight(step(Step::Script)).await.unwrap();
    rig.tell(&node, claim(1)).await.unwrap();
    assert_eq!(rig.store.commits(), before + 2, "with the change, not before it");
    let id = node.id.clone();
    let rig = rig.again();
    let steps = rig.recorder.directory().read(|nodes| nodes.timeline(&id));
    let names: Vec<_> = steps.boots().flat_map(|b| &b.steps).map(|s| s.step.name()).collect();
    assert_eq!(names, ["ipxe", "script", "local-disk", "script", "claimed"]);
}

#[tokio::test]
async fn steps_that_could_not_be_written_are_written_once_the_store_works() {
    let rig = rig();
    let node = rig.see("SN1", MAC).await.unwrap();
    let script = Sighting {
        claims: claims("SN1", MAC),
        step: Some((Step::Script, String::new())),
        ..Sighting::default()
    };
    rig.recorder.sight(script.clone()).await.unwrap();
    rig.store.fail_next_commit();
    rig.recorder.tick("c1".to_owned()).await;
    let again = Sighting { step: None, ..script };
    rig.recorder.sight(again.clone()).await.expect("who changes nothing waits for nothing");
    assert!(!rig.recorder.is_durable());
    rig.recorder.tick("c1".to_owned()).await;
    rig.recorder.sight(again).await.unwrap();
    assert!(rig.recorder.is_durable());
    let id = node.id.clone();
    let rig = rig.again();
    let steps = rig.recorder.directory().read(|nodes| nodes.timeline(&id));
    assert_eq!(steps.last().unwrap().step, Step::Script);
}

#[tokio::test]
async fn a_lost_store_does_not_begin_the_numbers_of_the_history_anew() {
    let rig = rig();
    let node = rig.see("SN1", MAC).await.unwrap();
    let id = node.id.clone();
    let (_, dir) = rig.stop();
    let rig = rig_with(MemoryStore::new(), dir);
    rig.see("SN1", MAC).await.unwrap();
    let (_, dir) = rig.stop();
    let log = History::read(&dir.path().join("history")).unwrap().log(&id, 10).unwrap();
    assert_eq!(log.len(), 2, "{log:?}");
}

#[tokio::test]
async fn a_node_that_no_group_selects_any_more_loses_its_profile() {
    let rig = rig();
    let select =
        |selected| Sighting { claims: claims("SN1", MAC), selected, ..Sighting::default() };
    let group = Selected::Group("lab".into(), "debian-12".into());
    let node = rig.recorder.sight(select(group)).await.unwrap();
    assert_eq!(node.status.profile.as_deref(), Some("debian-12"));
    let node = rig.recorder.sight(select(Selected::NotAsked)).await.unwrap();
    assert_eq!(
        node.status.profile.as_deref(),
        Some("debian-12"),
        "another door takes nothing away"
    );
    let node = rig.recorder.sight(select(Selected::Nothing)).await.unwrap();
    assert_eq!((node.status.group.clone(), node.status.profile.clone()), (None, None));
}

#[tokio::test]
async fn a_group_never_has_more_live_nodes_than_its_quantity() {
    let rig = rig();
    let sight = |serial: &str| Sighting {
        claims: Claims::new().with_serial(Some(serial)),
        selected: Selected::Group("controllers".to_owned(), "p".to_owned()),
        quantity: Some(2),
        ..Sighting::default()
    };
    let many = (0..8).map(|number| rig.recorder.sight(sight(&format!("SN{number}"))));
    let told = futures_util::future::join_all(many).await;
    let members: Vec<_> = told.iter().filter_map(|told| told.as_ref().ok()).collect();
    assert_eq!(members.len(), 2);
    let full = |told: &&Result<_, RecordError>| matches!(told, Err(RecordError::GroupFull(_)));
    assert_eq!(told.iter().filter(full).count(), 6);
    let serial = members[0].serial().unwrap().to_owned();
    assert!(rig.recorder.sight(sight(&serial)).await.is_ok(), "a member has its place");

    let word = Word {
        event: Event::Steer(Steer::Retire),
        actor: "operator root".to_owned(),
        boot: None,
        catalog: String::new(),
    };
    rig.recorder.tell(members[0].id.clone(), word).await.unwrap();
    assert!(rig.recorder.sight(sight("SN99")).await.is_ok(), "a retired node leaves its place");
}
