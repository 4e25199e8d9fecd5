//! How things stand with the catalog, for people and for metrics.

use std::fmt::Write as _;
use std::sync::Arc;

use crate::domain::catalog::Catalog;
use crate::domain::node::Millis;

use super::Serving;
use super::source::From;

/// What serves, since when, and what is the matter with a newer one.
#[derive(Debug, Clone)]
pub struct Standing {
    /// What serves.
    pub catalog: Arc<Catalog>,
    /// Where it is read from.
    pub path: String,
    /// The ref that is followed; empty: none.
    pub reference: String,
    /// Where that is fetched from; empty: it is local.
    pub remote: String,
    /// Subject and author of the commit that serves; empty: it is none.
    pub commit: String,
    /// Who signed it; empty: that is not demanded.
    pub signed_by: String,
    /// Since when it serves.
    pub since: Millis,
    /// Faults of the newest version when it could not be taken.
    pub faults: Vec<String>,
    /// Id of what waits at the gate, and why.
    pub waiting: Option<(String, String)>,
    /// When the source was looked at last.
    pub looked: Millis,
    /// Why that failed.
    pub look_failed: Option<String>,
    /// Odd things about what serves.
    pub warnings: Vec<String>,
}

impl Serving {
    /// Where it is read from.
    pub fn path(&self) -> String {
        self.source.shown()
    }

    /// How things stand.
    pub fn standing(&self) -> Standing {
        let commits = self.source.commits();
        let remote = commits.and_then(|commits| match &commits.from {
            From::Remote { remote, .. } => Some(remote.shown()),
            From::Local { .. } => None,
        });
        let state = self.read();
        let waiting = state.waiting.as_ref();
        Standing {
            catalog: Arc::clone(&state.current),
            path: self.path(),
            reference: commits.map(|commits| commits.reference.clone()).unwrap_or_default(),
            remote: remote.unwrap_or_default(),
            commit: state.about.commit.clone(),
            signed_by: state.about.signed_by.clone(),
            since: state.since,
            faults: state.distrusted.iter().chain(&state.faults).cloned().collect(),
            waiting: waiting.map(|waiting| {
                let remark = waiting.remark.as_ref().map(|remark| format!(" ({remark})"));
                let reason = format!("{}{}", waiting.reason, remark.unwrap_or_default());
                (waiting.catalog.id().to_string(), reason)
            }),
            looked: state.looked,
            look_failed: state.look_failed.clone(),
            warnings: {
                let odd = state.current.warnings().iter().map(ToString::to_string);
                state.not_kept.iter().chain(&state.about.rewound).cloned().chain(odd).collect()
            },
        }
    }

    /// Gauges as text.
    pub fn metrics_text(&self) -> String {
        let state = self.read();
        let gauges = [
            ("provisioner_catalog_faults", state.distrusted.iter().chain(&state.faults).count()),
            ("provisioner_catalog_waiting", usize::from(state.waiting.is_some())),
            ("provisioner_catalog_look_failed", usize::from(state.look_failed.is_some())),
            ("provisioner_catalog_fetches_hanging", self.source.hanging()),
        ];
        let mut text = String::new();
        for (name, value) in gauges {
            // Writing to a string cannot fail.
            let _ = writeln!(text, "# TYPE {name} gauge\n{name} {value}");
        }
        text
    }
}
