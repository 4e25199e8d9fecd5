//! The states of a node. mayu's words, plus `failed` and `retired`.

use std::fmt;

use api::node::Stage;
use serde::{Deserialize, Serialize};

/// Where a node stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum State {
    /// Seen, but nobody approved it. Gets its local disk.
    Unknown,
    /// Known and wanted: its next net boot installs it.
    Configured,
    /// The installer claimed the wanted generation.
    Installing,
    /// The image is on the disk and was read back; the system has not phoned home yet.
    Installed,
    /// The installed system phoned home.
    Running,
    /// It did not work.
    Failed {
        /// Where it failed.
        stage: Stage,
        /// Whether a next boot may try again, while tries are left.
        retryable: bool,
    },
    /// Given up by an operator. Gets only its local disk.
    Retired,
}

impl State {
    /// The state's name as users see it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Unknown => "unknown",
            Self::Configured => "configured",
            Self::Installing => "installing",
            Self::Installed => "installed",
            Self::Running => "running",
            Self::Failed { .. } => "failed",
            Self::Retired => "retired",
        }
    }
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
