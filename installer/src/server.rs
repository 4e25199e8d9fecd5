//! The node plane's client: every call of [`api::node`], repeated until it is answered.

use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::Duration;

use api::node::{self, Ack, Refusal, Stage};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::backoff::{Backoff, Pause};
use crate::log::Log;
use crate::progress::Progress;

/// How soon a stage that was entered is told.
const STAGE_LOOK: Duration = Duration::from_millis(250);
/// Longest answer that is read, in bytes: an order with its first-boot files.
const LONGEST_ANSWER: u64 = 16 << 20;

/// The server, as one boot sees it.
#[derive(Debug, Clone)]
pub struct Server {
    http: ureq::Agent,
    base: String,
    token: String,
    seed: u64,
}

/// A call that was not answered with what it asked for.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CallError {
    /// Final for this boot.
    #[error("{path} was refused with status {status}: {error}")]
    Refused {
        /// The call.
        path: &'static str,
        /// HTTP status.
        status: u16,
        /// The server's words.
        error: String,
    },
    /// The same again, later.
    #[error("{path} was not answered: {reason}")]
    Again {
        /// The call.
        path: &'static str,
        /// Why.
        reason: String,
    },
}

impl Server {
    /// `base` without a trailing slash; `seed` spreads the repeats of many machines.
    pub fn new(base: &str, token: &str, seed: u64) -> Self {
        let http = ureq::Agent::config_builder()
            .http_status_as_error(false)
            .timeout_connect(Some(Duration::from_secs(5)))
            .timeout_global(Some(Duration::from_secs(20)))
            .proxy(None)
            .build()
            .into();
        Self { http, base: base.to_owned(), token: token.to_owned(), seed }
    }

    /// One try.
    pub fn call<B, A>(&self, path: &'static str, body: &B) -> Result<A, CallError>
    where
        B: Serialize,
        A: DeserializeOwned,
    {
        let again = |reason: String| CallError::Again { path, reason };
        let body = serde_json::to_vec(body).map_err(|error| again(error.to_string()))?;
        let mut answer = self
            .http
            .post(format!("{}{path}", self.base))
            .header("Authorization", format!("Bearer {}", self.token))
            .header("Content-Type", "application/json")
            .send(&body[..])
            .map_err(|error| again(error.to_string()))?;
        let status = answer.status().as_u16();
        let text = answer
            .body_mut()
            .with_config()
            .limit(LONGEST_ANSWER)
            .read_to_string()
            .map_err(|error| again(error.to_string()))?;
        match status {
            200..=299 => serde_json::from_str(&text)
                .map_err(|error| again(format!("the answer is not understood: {error}"))),
            408 | 429 => Err(again(format!("status {status}"))),
            400..=499 => Err(CallError::Refused {
                path,
                status,
                error: serde_json::from_str(&text).map_or(text, |refusal: Refusal| refusal.error),
            }),
            _ => Err(again(format!("status {status}"))),
        }
    }

    /// Repeats until there is an answer; only a refusal comes back as an error.
    pub fn insist<B, A>(
        &self,
        path: &'static str,
        body: &B,
        pause: Pause<'_>,
        log: &Log,
    ) -> Result<A, CallError>
    where
        B: Serialize,
        A: DeserializeOwned,
    {
        let mut backoff = Backoff::new(self.seed);
        loop {
            match self.call(path, body) {
                Err(CallError::Again { path, reason }) => {
                    let wait = backoff.step();
                    log.line(format!("{path}: {reason}; again in {:.1} s", wait.as_secs_f64()));
                    pause(wait);
                }
                answer => return answer,
            }
        }
    }

    /// Sends `progress` every `interval`, and each stage as it is entered, until `stop` hangs up. Bytes
    /// need not flow for it.
    pub fn heartbeat(&self, progress: &Progress, interval: Duration, stop: &Receiver<()>) {
        let mut due = Duration::ZERO;
        loop {
            let mut entered = progress.take_entered();
            // The last is the present stage: told with its measure.
            let changed = entered.pop().is_some();
            let beat = (changed || due.is_zero()).then(|| progress.snapshot());
            for report in entered.into_iter().map(begun).chain(beat) {
                if let Err(refused @ CallError::Refused { .. }) =
                    self.call::<_, Ack>("/v1/node/progress", &report)
                {
                    progress.refuse(refused.to_string());
                    return;
                }
                due = interval;
            }
            let pause = due.min(STAGE_LOOK);
            if stop.recv_timeout(pause) != Err(RecvTimeoutError::Timeout) {
                return;
            }
            due = due.saturating_sub(pause);
        }
    }

    /// Sends the log as it grows until `stop` hangs up.
    pub fn ship(&self, log: &Log, interval: Duration, stop: &Receiver<()>) {
        loop {
            // A refusal of the log says nothing about the installation: keep the lines and go on.
            self.ship_once(log);
            if stop.recv_timeout(interval) != Err(RecvTimeoutError::Timeout) {
                return;
            }
        }
    }

    /// Sends what is pending; stops at the first batch that is not acknowledged.
    pub fn ship_once(&self, log: &Log) -> bool {
        while let Some(lines) = log.pending() {
            match self.call::<_, Ack>("/v1/node/log", &lines) {
                Ok(_) => log.acknowledge(&lines),
                Err(_) => return false,
            }
        }
        true
    }
}

fn begun(stage: Stage) -> node::Progress {
    node::Progress { stage, done_bytes: 0, total_bytes: 0, message: String::new() }
}

#[cfg(test)]
mod tests;
