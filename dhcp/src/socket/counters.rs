//! What happened on the sockets, by numbers that only grow.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use crate::wire::Malformed;

/// Counts since the listener was bound.
#[derive(Debug, Default)]
pub struct Counters {
    received: AtomicU64,
    receive_failed: AtomicU64,
    sent: AtomicU64,
    send_failed: AtomicU64,
    malformed: [AtomicU64; Malformed::REASONS.len()],
}

impl Counters {
    /// Well-formed requests.
    pub fn requests(&self) -> u64 {
        self.received.load(Relaxed)
    }

    /// Faults of the operating system in receiving.
    pub fn receive_faults(&self) -> u64 {
        self.receive_failed.load(Relaxed)
    }

    /// Replies handed to the network.
    pub fn replies(&self) -> u64 {
        self.sent.load(Relaxed)
    }

    /// Replies that the network refused.
    pub fn send_faults(&self) -> u64 {
        self.send_failed.load(Relaxed)
    }

    /// Packets dropped, by the name of the reason: all of [`Malformed::REASONS`], zeros too.
    pub fn dropped(&self) -> impl Iterator<Item = (&'static str, u64)> {
        Malformed::REASONS.into_iter().zip(&self.malformed).map(|(r, n)| (r, n.load(Relaxed)))
    }

    pub(super) fn received(&self) {
        self.received.fetch_add(1, Relaxed);
    }

    pub(super) fn receive_failed(&self) {
        self.receive_failed.fetch_add(1, Relaxed);
    }

    pub(super) fn sent(&self, ok: bool) {
        let counter = if ok { &self.sent } else { &self.send_failed };
        counter.fetch_add(1, Relaxed);
    }

    pub(super) fn malformed(&self, malformed: &Malformed) {
        let reason = malformed.reason();
        let counters = Malformed::REASONS.into_iter().zip(&self.malformed);
        for (_, counter) in counters.filter(|(name, _)| *name == reason) {
            counter.fetch_add(1, Relaxed);
        }
    }
}
