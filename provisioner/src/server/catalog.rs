//! The catalog in force: checked whole before it serves, followed for changes, and never replaced by a
//! faulty one, by one that nobody trusted signed, or by one that moves more nodes than was said to be fine.

mod accepted;
mod follow;
mod known_hosts;
mod remote;
mod repository;
mod source;
mod standing;
mod tree;
mod trust;

use std::path::Path;
use std::sync::{Arc, Mutex, OnceLock, PoisonError, RwLock};
use std::time::Duration;

use git2::Oid;

use crate::config::CatalogSettings;
use crate::domain::catalog::{Catalog, Fault};
use crate::domain::node::Millis;
use crate::domain::plan::Gate;
use crate::server::clock;

use accepted::Accepted;
pub use follow::follow;
use repository::About;
pub use repository::{RevisionError, load_repository};
use source::{Candidate, Mark, Source};
pub use standing::Standing;

/// Revisions that are kept for whoever compares them.
const CACHED: usize = 4;

/// Says why a new catalog (the second) has to wait for a word; `None`: it need not.
pub type Guard = Box<dyn Fn(&Catalog, &Catalog) -> Option<String> + Send + Sync>;

/// The catalog in force, and what is wrong with a newer one.
pub struct Serving {
    source: Source,
    poll: Duration,
    gate: Gate,
    /// Where it is kept which commit serves. A directory has no past that one could go back to.
    accepted: Option<Accepted>,
    guard: OnceLock<Guard>,
    state: RwLock<State>,
    /// What was tried last. Held over a look: one at a time.
    tried: Mutex<Option<Mark>>,
    revisions: Mutex<Vec<(Oid, Arc<Catalog>)>>,
}

impl std::fmt::Debug for Serving {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Serving").field("source", &self.source).finish_non_exhaustive()
    }
}

#[derive(Debug)]
struct State {
    current: Arc<Catalog>,
    about: About,
    since: Millis,
    faults: Vec<String>,
    waiting: Option<Waiting>,
    looked: Millis,
    look_failed: Option<String>,
}

/// A catalog that waits for a word.
#[derive(Debug)]
struct Waiting {
    catalog: Arc<Catalog>,
    reason: String,
}

/// How hard to look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Look {
    /// At what is on this host already, and only if it changed.
    Here,
    /// At the source, and load it only if it changed.
    Poll,
    /// At the source, and load it again.
    Again,
    /// As [`Look::Again`], and take what waits at the gate.
    Acknowledge,
}

impl Serving {
    /// What the daemon begins with: the commit that it served last, else the newest version.
    pub fn load(settings: &CatalogSettings, data_dir: &Path) -> Result<Self, Vec<Fault>> {
        let source = Source::new(settings, data_dir);
        let accepted = source.commits().map(|_| Accepted::new(data_dir));
        if let (Some(commits), Some(accepted)) = (source.commits(), &accepted)
            && let Some(id) = accepted.read()
        {
            match commits.load(id, None) {
                Ok(candidate) => {
                    return Ok(Self::begin(
                        settings,
                        source,
                        candidate,
                        Some(Accepted::new(data_dir)),
                    ));
                }
                Err(faults) => {
                    for fault in &faults {
                        tracing::warn!("{fault}");
                    }
                    tracing::warn!(
                        "commit {id} served last and cannot any more: the newest is taken"
                    );
                }
            }
        }
        let (mark, candidate) = newest(&source)?;
        let id = candidate.catalog.id().clone();
        let mut serving = Self::begin(settings, source, candidate, accepted);
        // What was read just now need not be read again by the first look.
        serving.tried = Mutex::new(Some(mark));
        serving.remember(id.as_str());
        Ok(serving)
    }

    /// The newest version, whatever the daemon serves, and without a trace: for `provisioner check`.
    pub fn newest_of(settings: &CatalogSettings, data_dir: &Path) -> Result<Self, Vec<Fault>> {
        let source = Source::new(settings, data_dir);
        let mark = source.newest(true).map_err(|why| failed(&source, why))?;
        let candidate = source.load(mark, None)?;
        Ok(Self::begin(settings, source, candidate, None))
    }

    fn begin(
        settings: &CatalogSettings,
        source: Source,
        candidate: Candidate,
        accepted: Option<Accepted>,
    ) -> Self {
        let now = clock::now();
        let state = State {
            current: Arc::new(candidate.catalog),
            about: candidate.about,
            since: now,
            faults: Vec::new(),
            waiting: None,
            looked: now,
            look_failed: None,
        };
        Self {
            source,
            poll: settings.poll,
            gate: Gate { moves: settings.moves },
            accepted,
            guard: OnceLock::new(),
            state: RwLock::new(state),
            tried: Mutex::default(),
            revisions: Mutex::default(),
        }
    }

    /// How much may move without a word.
    pub fn gate(&self) -> Gate {
        self.gate
    }

    /// Who is asked before a new catalog goes live. Once; before that everything goes.
    pub fn guard(&self, guard: Guard) {
        // A second one would be a mistake of the caller, and the first one stays.
        let _ = self.guard.set(guard);
    }

    /// What serves now. Keep it for the length of one question.
    pub fn current(&self) -> Arc<Catalog> {
        Arc::clone(&self.read().current)
    }

    /// The newest that can be loaded, even if it waits at the gate.
    pub fn newest(&self) -> Arc<Catalog> {
        let state = self.read();
        Arc::clone(state.waiting.as_ref().map_or(&state.current, |waiting| &waiting.catalog))
    }

    /// The catalog of any revision of its repository, as git understands revisions.
    pub fn at(&self, revision: &str) -> Result<Arc<Catalog>, RevisionError> {
        for known in [self.current(), self.newest()] {
            if known.id().as_str() == revision {
                return Ok(known);
            }
        }
        let (place, id) = self.source.revision(revision)?;
        let cached = |revisions: &Vec<(Oid, Arc<Catalog>)>| {
            revisions.iter().find(|(other, _)| *other == id).map(|(_, catalog)| Arc::clone(catalog))
        };
        if let Some(catalog) =
            cached(&self.revisions.lock().unwrap_or_else(PoisonError::into_inner))
        {
            return Ok(catalog);
        }
        let commit = place.revision(&id.to_string())?;
        let faulty = |faults| RevisionError::Faults { commit: id.to_string(), faults };
        let catalog = Arc::new(place.load(&commit).map_err(faulty)?);
        let mut revisions = self.revisions.lock().unwrap_or_else(PoisonError::into_inner);
        if revisions.len() >= CACHED {
            revisions.remove(0);
        }
        revisions.push((id, Arc::clone(&catalog)));
        Ok(catalog)
    }

    /// Looks for a newer version, and takes it if it may be taken. Blocks while it does; nothing else waits.
    pub fn look(&self, how: Look) {
        let mut tried = self.tried.lock().unwrap_or_else(PoisonError::into_inner);
        let newest = self.source.newest(how != Look::Here);
        let mark = match newest {
            Ok(mark) => mark,
            Err(why) => return self.look_failed(why),
        };
        self.look_went_well();
        let again = matches!(how, Look::Again | Look::Acknowledge);
        if !again && *tried == Some(mark) {
            return;
        }
        *tried = Some(mark);
        let current = self.current();
        if matches!(mark, Mark::Commit(id, _) if id.to_string() == current.id().as_str()) {
            return self.settle();
        }
        match self.source.load(mark, Some(current.id().as_str())) {
            Ok(candidate) if candidate.catalog.id() == current.id() => self.settle(),
            Ok(candidate) => self.admit(candidate, how == Look::Acknowledge),
            Err(faults) => self.refuse(&faults),
        }
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

    /// Lets a new catalog in, or lets it wait for a word.
    fn admit(&self, candidate: Candidate, word: bool) {
        let stopped = self.guard.get().and_then(|guard| guard(&self.current(), &candidate.catalog));
        let Some(mut reason) = stopped else { return self.accept(candidate) };
        let id = candidate.catalog.id();
        if candidate.acknowledged {
            tracing::warn!("catalog {id} is taken, as its commit says Ack: {reason}");
            return self.accept(candidate);
        }
        let seen = self.read().waiting.as_ref().map(|waiting| waiting.catalog.id().clone());
        if word && seen.as_ref().is_none_or(|seen| seen == id) {
            tracing::warn!("catalog {id} is taken, as an operator said --ack: {reason}");
            return self.accept(candidate);
        }
        let news = seen.as_ref() != Some(id);
        if word && let Some(seen) = seen {
            reason =
                format!("{reason} (what was asked for is {seen}, and this is newer: ask again)");
        }
        if news {
            let serves = self.current();
            tracing::warn!(
                "catalog {id} waits, and {} goes on serving: {reason}; see `mayuctl plan`, and take it with \
                 `mayuctl catalog reload --ack`",
                serves.id()
            );
        }
        let mut state = self.write();
        state.faults.clear();
        state.waiting = Some(Waiting { catalog: Arc::new(candidate.catalog), reason });
    }

    fn accept(&self, candidate: Candidate) {
        let Candidate { catalog, about, .. } = candidate;
        self.remember(catalog.id().as_str());
        if let Some(rewound) = &about.rewound {
            tracing::warn!("{rewound}");
        }
        tracing::info!(catalog.id = catalog.id().as_str(), "catalog {} serves", catalog.id());
        let mut state = self.write();
        state.current = Arc::new(catalog);
        state.about = about;
        state.since = clock::now();
        state.faults.clear();
        state.waiting = None;
    }

    fn remember(&self, id: &str) {
        if let Some(accepted) = &self.accepted
            && let Err(why) = accepted.write(id)
        {
            tracing::error!("{why}");
        }
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

    fn read(&self) -> std::sync::RwLockReadGuard<'_, State> {
        self.state.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> std::sync::RwLockWriteGuard<'_, State> {
        self.state.write().unwrap_or_else(PoisonError::into_inner)
    }
}

fn newest(source: &Source) -> Result<(Mark, Candidate), Vec<Fault>> {
    let mark = source.newest(false).map_err(|why| failed(source, why))?;
    Ok((mark, source.load(mark, None)?))
}

fn failed(source: &Source, why: String) -> Vec<Fault> {
    vec![Fault::without_place(source.shown(), why)]
}

#[cfg(test)]
mod tests;
