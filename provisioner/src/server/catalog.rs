//! The catalog in force: checked whole before it serves, followed for changes, and never replaced by a
//! faulty one, by one that nobody trusted signed, or by one that moves more nodes than was said to be fine.

mod follow;
mod kept;
mod known_hosts;
mod look;
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
use crate::domain::catalog::{Catalog, Fault, Files};
use crate::domain::node::{Millis, Node, State as NodeState};
use crate::domain::plan::{Gate, Moved, Moves, places};
use crate::server::clock;

pub use follow::follow;
use kept::{Keep, Kept, Label};
pub use look::Look;
use look::Tried;
use repository::About;
pub use repository::{RevisionError, load_repository};
use source::{Candidate, LoadError, Mark, Source};
pub use standing::Standing;

/// Revisions that are kept for whoever compares them.
const CACHED: usize = 4;
/// Times that a directory is read at the start until it does not change meanwhile.
const TRIES: usize = 5;

/// Says why a new catalog (the second) has to wait for a word; `None`: it need not.
pub type Guard = Box<dyn Fn(&Catalog, &Catalog) -> Option<String> + Send + Sync>;

/// The catalog in force, and what is wrong with a newer one.
pub struct Serving {
    source: Source,
    poll: Duration,
    gate: Gate,
    /// Where what serves is kept; `None`: this one only looks.
    keep: Option<Keep>,
    /// Why what served before cannot be read, until the newest is judged without it.
    lost: Mutex<Option<String>>,
    /// What serves and is not in its file yet.
    unkept: Mutex<Option<Unkept>>,
    guard: OnceLock<Guard>,
    state: RwLock<State>,
    /// What was tried last. Held over a look: one at a time.
    tried: Mutex<Tried>,
    /// Looks that were asked for.
    asked: Mutex<follow::Asked>,
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
    /// Where that came from, as [`Source::key`] has it.
    source: String,
    since: Millis,
    faults: Vec<String>,
    /// What is wrong with the signature of what serves.
    distrusted: Option<String>,
    /// Why what serves is not kept.
    not_kept: Option<String>,
    waiting: Option<Waiting>,
    looked: Millis,
    look_failed: Option<String>,
}

/// A catalog that waits for a word.
#[derive(Debug)]
struct Waiting {
    catalog: Arc<Catalog>,
    reason: String,
    /// The part of the reason that does not depend on the nodes.
    stray: Option<String>,
    /// What to say beside.
    remark: Option<String>,
}

/// A catalog that has to be written.
struct Unkept {
    label: Label,
    files: Files,
}

impl Serving {
    /// What the daemon begins with: what served last, if that is kept, else the newest version. The first look
    /// goes on from there.
    pub fn load(settings: &CatalogSettings, data_dir: &Path) -> Result<Self, Vec<Fault>> {
        let source = Source::new(settings, data_dir);
        let keep = Keep::new(data_dir);
        let lost = match keep.read() {
            Ok(Some(kept)) => {
                if kept.label.source != source.key() {
                    // The configuration was changed: what it names has to be there, as at a first start.
                    newest(&source)?;
                }
                tracing::info!("begins with catalog {} as {} has it", kept.label.id, keep.shown());
                return Ok(Self::begin_with(settings, source, kept, keep));
            }
            Ok(None) => None,
            Err(why) => Some(why),
        };
        let (mark, candidate) = newest(&source)?;
        let label = source.label(candidate.catalog.id(), &candidate.about);
        let unkept = Unkept { label, files: candidate.files };
        let mut serving = Self::begin(settings, source, (candidate.catalog, candidate.about));
        // What was read just now need not be read again by the first look.
        serving.tried = Mutex::new(Tried { mark: Some(mark), ..Tried::default() });
        serving.keep = Some(keep);
        serving.unkept = Mutex::new(Some(unkept));
        if lost.is_none() {
            serving.keep_what_is_not_kept();
        }
        serving.lost = Mutex::new(lost);
        Ok(serving)
    }

    fn begin_with(settings: &CatalogSettings, source: Source, kept: Kept, keep: Keep) -> Self {
        let about = kept.about();
        let serving = Self::begin(settings, source, (kept.catalog, about));
        serving.write().source = kept.label.source;
        Self { keep: Some(keep), ..serving }
    }

    /// Without what served before, the newest is held against what the nodes have: `judge` says what it would
    /// move. The error says why the daemon cannot start.
    pub fn judge_without_past(
        &self,
        judge: impl FnOnce(&Catalog) -> Option<String>,
    ) -> Result<(), String> {
        let mut lost = self.lost.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(why) = lost.as_ref() else { return Ok(()) };
        let newest = self.current();
        if let Some(reason) = judge(&newest) {
            let file = self.keep.as_ref().map(Keep::shown).unwrap_or_default();
            return Err(format!(
                "{why}; it holds the catalog that served last, and the newest, {}, cannot take its place without a \
                 word: {reason}. Bring {file} back from a copy; or remove it, and the newest serves, whatever it moves",
                newest.id()
            ));
        }
        tracing::error!(
            "{why}; it held the catalog that served last, and the newest, {}, takes its place",
            newest.id()
        );
        *lost = None;
        self.keep_what_is_not_kept();
        Ok(())
    }

    /// The newest version, whatever the daemon serves, and without a trace: for `provisioner check`.
    pub fn newest_of(settings: &CatalogSettings, data_dir: &Path) -> Result<Self, Vec<Fault>> {
        let source = Source::new(settings, data_dir);
        let (_, candidate) = steady(&source, true)?;
        Ok(Self::begin(settings, source, (candidate.catalog, candidate.about)))
    }

    fn begin(
        settings: &CatalogSettings,
        source: Source,
        (catalog, about): (Catalog, About),
    ) -> Self {
        let now = clock::now();
        let state = State {
            current: Arc::new(catalog),
            about,
            source: source.key(),
            since: now,
            faults: Vec::new(),
            distrusted: None,
            not_kept: None,
            waiting: None,
            looked: now,
            look_failed: None,
        };
        Self {
            source,
            poll: settings.poll,
            gate: Gate { moves: settings.moves },
            keep: None,
            lost: Mutex::default(),
            unkept: Mutex::default(),
            guard: OnceLock::new(),
            state: RwLock::new(state),
            tried: Mutex::default(),
            asked: Mutex::default(),
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

    fn unkept(&self) -> std::sync::MutexGuard<'_, Option<Unkept>> {
        self.unkept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn read(&self) -> std::sync::RwLockReadGuard<'_, State> {
        self.state.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> std::sync::RwLockWriteGuard<'_, State> {
        self.state.write().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What a catalog changes for nodes by what was recorded of them alone: the profile that each had last. Disks
/// are not recorded.
pub fn since_recorded(newest: &Catalog, nodes: &[Arc<Node>]) -> Moves {
    let live = nodes.iter().filter(|node| node.status.state != NodeState::Retired);
    let places = places(newest, live.map(Arc::as_ref));
    let mut moves = Moves { compared: places.len(), ..Moves::default() };
    for place in places {
        let node = place.node;
        let Some(before) = node.status.profile.clone() else { continue };
        let moved = |after: &str| Moved {
            id: node.id.clone(),
            name: node.hostname(),
            before: before.clone(),
            after: after.to_owned(),
        };
        match place.selection.map(|selection| selection.profile.name.as_str()) {
            None => moves.unmatched.push(moved("no group")),
            Some(after) if after != before => moves.profile.push(moved(after)),
            Some(_) => {}
        }
    }
    moves
}

fn newest(source: &Source) -> Result<(Mark, Candidate), Vec<Fault>> {
    steady(source, false)
}

/// The newest version. A directory that is written to right now is read again.
fn steady(source: &Source, fetch: bool) -> Result<(Mark, Candidate), Vec<Fault>> {
    for _ in 0..TRIES {
        let mark = source.newest(fetch).map_err(|why| failed(source, why))?;
        match source.load(mark, None) {
            Ok(candidate) => return Ok((mark, candidate)),
            Err(LoadError::Faults(faults)) => return Err(faults),
            Err(LoadError::Changed) => {}
        }
    }
    Err(failed(source, "is changed all the time while it is read; try again later".to_owned()))
}

fn failed(source: &Source, why: String) -> Vec<Fault> {
    vec![Fault::without_place(source.shown(), why)]
}

#[cfg(test)]
mod tests;
