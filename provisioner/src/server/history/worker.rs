//! The thread that writes the history, off the path of every request.
//!
//! The recorder sends each transition after its store commit. What the history does not have when the
//! process ends is in the store's outbox, and is sent again at the next start.

use std::io;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use super::{History, HistoryError};
use crate::server::store::Transition;

/// Transitions in one batch.
const BATCH: usize = 512;
/// First wait after a failure; doubles up to [`LONGEST_WAIT`].
const FIRST_WAIT: Duration = Duration::from_millis(200);
/// Longest wait between two tries.
const LONGEST_WAIT: Duration = Duration::from_secs(30);
/// Tries that are made for what is left once the channel is closed. What then fails stays in the
/// store's outbox.
const LAST_TRIES: u32 = 3;

/// How the history is doing, for `/metrics`.
#[derive(Debug, Default)]
pub struct HistoryStatus(Mutex<Report>);

/// One look at [`HistoryStatus`].
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Report {
    /// Transitions taken from the channel that are not in git yet.
    pub pending: u64,
    /// Number of the newest transition in git.
    pub written: u64,
    /// Why the last try failed; `None` when it went well.
    pub error: Option<String>,
}

impl HistoryStatus {
    /// How it is now.
    pub fn report(&self) -> Report {
        self.change(|report| report.clone())
    }

    fn change<T>(&self, change: impl FnOnce(&mut Report) -> T) -> T {
        change(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// A running worker.
#[derive(Debug)]
pub struct HistoryWorker {
    /// How it is doing.
    pub status: Arc<HistoryStatus>,
    /// Ends when all senders are gone and what was left is written.
    pub thread: JoinHandle<()>,
}

/// Starts the thread. `on_done(number)` is called on it, after each batch, with the number up to which
/// everything is durable in git. When all senders are gone the thread writes what is left and ends.
///
/// Transitions are to be sent in the order of their numbers: those of [`Snapshot::outbox`] first.
///
/// [`Snapshot::outbox`]: crate::server::store::Snapshot::outbox
pub fn spawn(
    history: History,
    receiver: Receiver<Transition>,
    on_done: impl FnMut(u64) + Send + 'static,
) -> io::Result<HistoryWorker> {
    let status = Arc::new(HistoryStatus::default());
    let worker = Worker {
        history,
        receiver,
        status: Arc::clone(&status),
        on_done: Box::new(on_done),
        waiting: Vec::new(),
        open: true,
    };
    let builder = std::thread::Builder::new().name("history".to_owned());
    let thread = builder.spawn(move || worker.run())?;
    Ok(HistoryWorker { status, thread })
}

struct Worker {
    history: History,
    receiver: Receiver<Transition>,
    status: Arc<HistoryStatus>,
    on_done: Box<dyn FnMut(u64) + Send>,
    waiting: Vec<Transition>,
    open: bool,
}

impl Worker {
    fn run(mut self) {
        let (mut wait, mut failures) = (FIRST_WAIT, 0);
        while self.fill() {
            let count = self.waiting.len().min(BATCH);
            let batch = self.waiting.get(..count).unwrap_or_default();
            match self.history.append(batch) {
                Ok(()) => {
                    self.done(count);
                    (wait, failures) = (FIRST_WAIT, 0);
                }
                Err(error) => {
                    self.failed(&error);
                    failures += 1;
                    if !self.open && failures >= LAST_TRIES {
                        return;
                    }
                    self.pause(wait);
                    wait = (wait * 2).min(LONGEST_WAIT);
                }
            }
        }
    }

    /// Waits for the first transition and takes what else is there. `false`: nothing is left and
    /// nothing will come.
    fn fill(&mut self) -> bool {
        if self.waiting.is_empty() {
            self.waiting.extend(self.receiver.recv().ok());
        }
        self.waiting.extend(self.receiver.try_iter());
        self.count_pending();
        !self.waiting.is_empty()
    }

    fn done(&mut self, count: usize) {
        let written = (self.waiting.drain(..count).next_back()).map_or(0, |last| last.number);
        self.status.change(|report| {
            report.written = written;
            report.error = None;
        });
        self.count_pending();
        (self.on_done)(written);
    }

    fn count_pending(&self) {
        let pending = self.waiting.len() as u64;
        self.status.change(|report| report.pending = pending);
    }

    fn failed(&self, error: &HistoryError) {
        let text = with_sources(error);
        tracing::warn!(error = %text, "the history lags behind; nothing is lost, it is tried again");
        self.status.change(|report| report.error = Some(text));
    }

    /// Waits, but not longer than until the senders are gone: an end shall not be held up.
    fn pause(&mut self, wait: Duration) {
        if !self.open {
            std::thread::sleep(FIRST_WAIT);
            return;
        }
        let until = std::time::Instant::now() + wait;
        loop {
            let left = until.saturating_duration_since(std::time::Instant::now());
            match self.receiver.recv_timeout(left) {
                Ok(transition) => {
                    self.waiting.push(transition);
                    self.count_pending();
                }
                Err(RecvTimeoutError::Timeout) => return,
                Err(RecvTimeoutError::Disconnected) => {
                    self.open = false;
                    return;
                }
            }
        }
    }
}

fn with_sources(error: &(dyn std::error::Error + 'static)) -> String {
    let chain = std::iter::successors(Some(error), |error| error.source());
    let texts: Vec<String> = chain.map(ToString::to_string).collect();
    texts.join(": ")
}

#[cfg(test)]
mod tests;
