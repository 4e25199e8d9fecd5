//! One look at the source: what is newer is loaded, held against the gate, and taken, or told.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, PoisonError};

use git2::Oid;

use crate::domain::catalog::{Catalog, CatalogId, Fault};
use crate::server::catalog_dir::is_unreadable;
use crate::server::clock;

use super::source::{Candidate, LoadError, Mark};
use super::{Serving, Unkept, Waiting};

/// How hard to look.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Look {
    /// At what is on this host already, and only if it changed.
    Here,
    /// At the source, and load it only if it changed.
    Poll,
    /// At the source, and load it again.
    Again,
    /// As [`Look::Again`], and take the catalog with this id although the gate would stop it.
    Acknowledge(String),
}

/// What was tried last.
#[derive(Debug, Default)]
pub(super) struct Tried {
    pub(super) mark: Option<Mark>,
    /// What the last poll saw: a directory is loaded when two polls in a row see the same.
    pub(super) seen: Option<Mark>,
    /// What serves, and the keys that it was held against.
    pub(super) verified: Option<(CatalogId, u64)>,
}

impl Serving {
    /// Looks for a newer version, and takes it if it may be taken. Blocks while it does; nothing else waits.
    pub fn look(&self, how: &Look) {
        let mut tried = self.tried.lock().unwrap_or_else(PoisonError::into_inner);
        let looked = catch_unwind(AssertUnwindSafe(|| {
            self.keep_what_is_not_kept();
            if let Some(mark) = self.mark(how) {
                self.take(mark, how, &mut tried);
            }
            self.verify_serving(&mut tried, how);
        }));
        if looked.is_err() {
            *tried = Tried::default();
            self.look_failed(
                "the catalog could not be looked at: a fault in the program; the log has more"
                    .to_owned(),
            );
        }
    }

    fn mark(&self, how: &Look) -> Option<Mark> {
        match self.source.newest(*how != Look::Here) {
            Ok(mark) => {
                self.look_went_well();
                Some(mark)
            }
            Err(why) => {
                self.look_failed(why);
                // What waits is on this host already: no remote is needed to take it.
                let waits = self.read().waiting.as_ref().map(|waits| waits.catalog.id().clone())?;
                self.source.newest(false).ok().filter(|mark| mark.is(waits.as_str()))
            }
        }
    }

    fn take(&self, mark: Mark, how: &Look, tried: &mut Tried) {
        let again = matches!(how, Look::Again | Look::Acknowledge(_));
        if !again && tried.mark == Some(mark) {
            if self.nothing_to_take() {
                return;
            }
        } else if *how == Look::Poll && mark.may_be_half_written() && tried.seen != Some(mark) {
            tried.seen = Some(mark);
            return;
        }
        tried.mark = Some(mark);
        let (current, ours) = (self.current(), self.is_ours());
        if ours && mark.is(current.id().as_str()) {
            return self.settle();
        }
        match self.source.load(mark, Some(current.id().as_str())) {
            Ok(candidate) if ours && candidate.catalog.id() == current.id() => self.settle(),
            Ok(candidate) => self.admit(candidate, how),
            Err(LoadError::Changed) => {
                tried.mark = None;
                if *how != Look::Poll {
                    let shown = self.path();
                    self.look_failed(format!(
                        "{shown} was changed while it was read; it is read again"
                    ));
                }
            }
            Err(LoadError::Faults(faults)) => {
                if faults.iter().any(is_unreadable) {
                    tried.mark = None;
                }
                self.refuse(&faults);
            }
        }
    }

    /// Nodes change: what waits is judged anew. `false`: something waited, and need not any more.
    fn nothing_to_take(&self) -> bool {
        let waits = {
            let state = self.read();
            let waiting = state.waiting.as_ref();
            waiting.map(|waiting| (Arc::clone(&waiting.catalog), waiting.stray.clone()))
        };
        let Some((catalog, stray)) = waits else { return true };
        let Some(reason) = self.reasons(&catalog, stray.as_deref()) else { return false };
        if let Some(waiting) = &mut self.write().waiting {
            waiting.reason = reason;
        }
        true
    }

    /// Whether what serves came from the source that is followed now.
    fn is_ours(&self) -> bool {
        self.read().source == self.source.key()
    }

    /// What serves is the newest.
    fn settle(&self) {
        let mut state = self.write();
        if !state.faults.is_empty() || state.waiting.is_some() {
            tracing::info!("the catalog is as it serves again");
        }
        state.faults.clear();
        state.waiting = None;
    }

    fn refuse(&self, faults: &[Fault]) {
        let faults: Vec<String> = faults.iter().map(ToString::to_string).collect();
        let mut state = self.write();
        if state.faults != faults {
            for fault in &faults {
                tracing::error!("{fault}");
            }
            let id = state.current.id();
            tracing::error!("the catalog has faults, so {id} goes on serving");
        }
        state.faults = faults;
        // What waited is not the newest any more: a word for it would be one for something else.
        state.waiting = None;
    }

    /// Why a catalog has to wait; `None`: it need not.
    fn reasons(&self, catalog: &Catalog, stray: Option<&str>) -> Option<String> {
        let moved = self.guard.get().and_then(|guard| guard(&self.current(), catalog));
        let reasons: Vec<String> = stray.map(str::to_owned).into_iter().chain(moved).collect();
        (!reasons.is_empty()).then(|| reasons.join("; "))
    }

    /// Lets a new catalog in, or lets it wait for a word.
    fn admit(&self, candidate: Candidate, how: &Look) {
        let stopped = self.reasons(&candidate.catalog, candidate.stray.as_deref());
        let Some(reason) = stopped else { return self.accept(candidate) };
        let id = candidate.catalog.id();
        if candidate.acknowledged {
            tracing::warn!("catalog {id} is taken, as its commit says Ack: {reason}");
            return self.accept(candidate);
        }
        let mut remark = None;
        if let Look::Acknowledge(word) = how {
            if word == id.as_str() {
                tracing::warn!("catalog {id} is taken, as an operator said --ack: {reason}");
                return self.accept(candidate);
            }
            remark = Some(format!("what was asked for is {word}, and this is newer: ask again"));
        }
        let mut state = self.write();
        if state.waiting.as_ref().is_none_or(|waiting| waiting.catalog.id() != id) {
            tracing::warn!(
                "catalog {id} waits, and {} goes on serving: {reason}; see `mayuctl plan`, and take it with \
                 `mayuctl catalog reload --ack`",
                state.current.id()
            );
        }
        state.faults.clear();
        let (catalog, stray) = (Arc::new(candidate.catalog), candidate.stray);
        state.waiting = Some(Waiting { catalog, reason, stray, remark });
    }

    fn accept(&self, candidate: Candidate) {
        let Candidate { catalog, files, about, .. } = candidate;
        if let Some(rewound) = &about.rewound {
            tracing::warn!("{rewound}");
        }
        tracing::info!(catalog.id = catalog.id().as_str(), "catalog {} serves", catalog.id());
        let label = self.source.label(catalog.id(), &about);
        *self.unkept() = Some(Unkept { label, files });
        // First of all: what serves is what a restart begins with.
        self.keep_what_is_not_kept();
        let mut state = self.write();
        state.current = Arc::new(catalog);
        state.about = about;
        state.source = self.source.key();
        state.since = clock::now();
        state.faults.clear();
        state.distrusted = None;
        state.waiting = None;
    }

    /// Writes what serves, if that failed before or was not tried yet.
    pub(super) fn keep_what_is_not_kept(&self) {
        let Some(keep) = &self.keep else { return };
        let mut unkept = self.unkept();
        let Some(Unkept { label, files }) = &*unkept else { return };
        match keep.write(label, files) {
            Ok(()) => {
                *unkept = None;
                self.write().not_kept = None;
            }
            Err(why) => {
                let mut state = self.write();
                if state.not_kept.as_ref() != Some(&why) {
                    tracing::error!("{why}");
                }
                state.not_kept = Some(why);
            }
        }
    }

    /// A key that is taken away makes what serves untrusted: that is told, and what serves goes on.
    fn verify_serving(&self, tried: &mut Tried, how: &Look) {
        let Some(commits) = self.source.commits().filter(|commits| commits.verify.is_some()) else {
            return;
        };
        let current = self.current();
        let now = Some((current.id().clone(), commits.keys()));
        if tried.verified == now && !matches!(how, Look::Again | Look::Acknowledge(_)) {
            return;
        }
        let id = current.id();
        let signer = Oid::from_str(id.as_str())
            .map_err(|_| "is no commit that anybody signed".to_owned())
            .and_then(|id| commits.signer(id));
        let mut state = self.write();
        match signer {
            Ok(signer) => {
                state.about.signed_by = signer;
                state.distrusted = None;
            }
            Err(why) => {
                let why = format!(
                    "commit {id}: {why} (it serves, as it was trusted when it went live, until a trusted one comes)"
                );
                if state.distrusted.as_ref() != Some(&why) {
                    tracing::error!("{why}");
                }
                state.distrusted = Some(why);
            }
        }
        tried.verified = now;
    }

    fn look_failed(&self, why: String) {
        let mut state = self.write();
        state.looked = clock::now();
        if state.look_failed.as_ref() != Some(&why) {
            tracing::warn!("{why}; {} goes on serving", state.current.id());
        }
        state.look_failed = Some(why);
    }

    fn look_went_well(&self) {
        let mut state = self.write();
        state.looked = clock::now();
        if state.look_failed.take().is_some() {
            tracing::info!("the catalog's source can be read again");
        }
    }
}
