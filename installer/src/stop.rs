//! Why an installation ended early.

use api::node::{Failed, Stage};

/// The two ways in which an installation ends early.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Stop {
    /// The server's final word: nothing is left to report.
    #[error("the server refuses this boot: {0}")]
    Refused(String),
    /// To be reported until acknowledged.
    #[error("failed at stage {stage:?}: {reason}")]
    Failed {
        /// Where.
        stage: Stage,
        /// What happened, and what to do about it.
        reason: String,
        /// Whether the same order may work at the next try.
        retryable: bool,
    },
}

impl Stop {
    /// A failure that the next try may not meet again.
    pub fn retryable(stage: Stage, reason: impl Into<String>) -> Self {
        Self::failed(stage, reason, true)
    }

    /// A failure that stays until somebody changes something.
    pub fn lasting(stage: Stage, reason: impl Into<String>) -> Self {
        Self::failed(stage, reason, false)
    }

    /// A failure.
    pub fn failed(stage: Stage, reason: impl Into<String>, retryable: bool) -> Self {
        let reason = reason.into();
        Self::Failed { stage, reason, retryable }
    }

    /// The report that says it; a refusal has none.
    pub fn report(&self) -> Option<Failed> {
        match self.clone() {
            Self::Refused(_) => None,
            Self::Failed { stage, reason, retryable } => Some(Failed { stage, reason, retryable }),
        }
    }
}
