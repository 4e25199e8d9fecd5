//! Where the installation is, shared between the thread that works and the one that reports.

use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use api::node::{self, Stage};

use crate::stop::Stop;

/// The shared state. Writers set it as they go; the heartbeat sends a copy.
#[derive(Debug)]
pub struct Progress {
    stage: Mutex<(Stage, String)>,
    done: AtomicU64,
    total: AtomicU64,
    entered: Mutex<Vec<Stage>>,
    refused: Mutex<Option<String>>,
    note: Option<PathBuf>,
}

impl Default for Progress {
    fn default() -> Self {
        Self {
            stage: Mutex::new((Stage::Disk, String::new())),
            done: AtomicU64::new(0),
            total: AtomicU64::new(0),
            entered: Mutex::default(),
            refused: Mutex::new(None),
            note: None,
        }
    }
}

impl Progress {
    /// One that also writes each stage to a file, for whoever outlives this process.
    pub fn noted_in(file: impl Into<PathBuf>) -> Self {
        Self { note: Some(file.into()), ..Self::default() }
    }

    /// Enters a stage with `total` bytes to do; 0 when not known.
    pub fn enter(&self, stage: Stage, total: u64, message: impl Into<String>) {
        if let Some(file) = &self.note {
            // Only makes a later message more exact.
            let _ = std::fs::write(file, serde_json::to_vec(&stage).unwrap_or_default());
        }
        *lock(&self.stage) = (stage, message.into());
        lock(&self.entered).push(stage);
        self.done.store(0, Ordering::Relaxed);
        self.total.store(total, Ordering::Relaxed);
    }

    /// Stages entered since this was last asked, oldest first: short ones are evidence too.
    pub fn take_entered(&self) -> Vec<Stage> {
        std::mem::take(&mut *lock(&self.entered))
    }

    /// Bytes done in this stage.
    pub fn done(&self, bytes: u64) {
        self.done.store(bytes, Ordering::Relaxed);
    }

    /// Bytes to do in this stage, once known.
    pub fn total(&self, bytes: u64) {
        self.total.store(bytes, Ordering::Relaxed);
    }

    /// The present stage.
    pub fn stage(&self) -> Stage {
        lock(&self.stage).0
    }

    /// A copy, as the server wants it.
    pub fn snapshot(&self) -> node::Progress {
        let (stage, message) = lock(&self.stage).clone();
        node::Progress {
            stage,
            done_bytes: self.done.load(Ordering::Relaxed),
            total_bytes: self.total.load(Ordering::Relaxed),
            message,
        }
    }

    /// The heartbeat heard that this boot has been overtaken.
    pub fn refuse(&self, reason: String) {
        lock(&self.refused).get_or_insert(reason);
    }

    /// Asked for by every loop that writes: an overtaken boot must not touch the disk any more.
    pub fn check(&self) -> Result<(), Stop> {
        match lock(&self.refused).clone() {
            Some(reason) => Err(Stop::Refused(reason)),
            None => Ok(()),
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
