//! The catalog in force: checked whole before it serves, followed for changes, and never replaced by a
//! faulty one.

use std::path::PathBuf;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use crate::domain::catalog::{Catalog, Fault};
use crate::server::catalog_dir;

/// How often the directory is looked at.
const POLL: Duration = Duration::from_secs(1);

/// The catalog in force, and what is wrong with a newer one.
#[derive(Debug)]
pub struct Serving {
    /// `None`: the catalog that came with the program.
    path: Option<PathBuf>,
    state: RwLock<State>,
}

#[derive(Debug)]
struct State {
    current: Arc<Catalog>,
    faults: Vec<String>,
}

impl Serving {
    /// Loads a directory, or what came with the program.
    pub fn load(path: Option<PathBuf>) -> Result<Self, Vec<Fault>> {
        let catalog = match &path {
            Some(path) => catalog_dir::load(path)?,
            None => catalog_dir::shipped()?,
        };
        let state = RwLock::new(State { current: Arc::new(catalog), faults: Vec::new() });
        Ok(Self { path, state })
    }

    /// What serves now. Keep it for the length of one question.
    pub fn current(&self) -> Arc<Catalog> {
        Arc::clone(&self.state.read().unwrap_or_else(PoisonError::into_inner).current)
    }

    /// Faults of the newest version when it could not be taken.
    pub fn faults(&self) -> Vec<String> {
        self.state.read().unwrap_or_else(PoisonError::into_inner).faults.clone()
    }

    /// Where it is read from.
    pub fn path(&self) -> String {
        self.path.as_ref().map_or_else(|| "shipped".to_owned(), |path| path.display().to_string())
    }

    /// Reads the directory again. A faulty one changes nothing but the list of faults.
    pub fn reload(&self) {
        let Some(path) = &self.path else { return };
        let loaded = catalog_dir::load(path);
        let mut state = self.state.write().unwrap_or_else(PoisonError::into_inner);
        match loaded {
            Ok(catalog) => {
                if catalog.id() != state.current.id() {
                    tracing::info!(
                        catalog.id = catalog.id().as_str(),
                        "catalog {} serves",
                        catalog.id()
                    );
                    state.current = Arc::new(catalog);
                } else if !state.faults.is_empty() {
                    tracing::info!("the catalog is as it serves again");
                }
                state.faults.clear();
            }
            Err(faults) => {
                let faults: Vec<String> = faults.iter().map(ToString::to_string).collect();
                if state.faults != faults {
                    for fault in &faults {
                        tracing::error!("{fault}");
                    }
                    let id = state.current.id();
                    tracing::error!("the catalog has faults, so {id} goes on serving");
                }
                state.faults = faults;
            }
        }
    }
}

/// Follows the directory until `stop`.
pub async fn follow(serving: Arc<Serving>, stop: CancellationToken) {
    let Some(path) = serving.path.clone() else {
        return stop.cancelled().await;
    };
    let look = move || catalog_dir::fingerprint(&path);
    let mut seen = look();
    while tokio::time::timeout(POLL, stop.cancelled()).await.is_err() {
        let now = look();
        if now != seen {
            seen = now;
            let serving = Arc::clone(&serving);
            // Reading and compiling hundreds of files must not hold up packets.
            let reloaded = tokio::task::spawn_blocking(move || serving.reload()).await;
            if let Err(error) = reloaded {
                tracing::error!(%error, "the catalog could not be reloaded");
            }
        }
    }
}
