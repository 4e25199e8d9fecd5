//! Boot sessions: each keeps the catalog that it began with, so that its script, its configuration and its
//! order come from one snapshot even if git moves in between.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use crate::domain::catalog::{Catalog, Selection};
use crate::domain::node::BootId;

/// Sessions kept. Ids begin with the time, so the oldest go first.
const KEPT: usize = 8192;

/// What a session began with.
#[derive(Debug, Clone)]
pub struct Pinned {
    /// The catalog.
    pub catalog: Arc<Catalog>,
    /// The profile's name.
    pub profile: String,
    /// The group's name.
    pub group: String,
}

impl Pinned {
    /// Group and profile in that catalog.
    pub fn selection(&self) -> Option<Selection<'_>> {
        let group = self.catalog.groups().iter().find(|group| group.name == self.group)?;
        Some(Selection { group, profile: self.catalog.profile(&self.profile)? })
    }
}

/// All sessions of this run of the daemon. After a restart a claim is ordered from the catalog in force.
#[derive(Debug, Default)]
pub struct Boots(Mutex<BTreeMap<BootId, Pinned>>);

impl Boots {
    /// Keeps what a session began with.
    pub fn pin(&self, boot: BootId, pinned: Pinned) {
        let mut boots = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        boots.insert(boot, pinned);
        if boots.len() > KEPT {
            boots.pop_first();
        }
    }

    /// What a session began with.
    pub fn get(&self, boot: &BootId) -> Option<Pinned> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get(boot).cloned()
    }
}
