//! Looking again and again.

use std::sync::Arc;
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use super::source::{From, Source};
use super::{Look, Serving};

/// Longest time between two looks at a remote that does not answer.
const MAX_WAIT: Duration = Duration::from_mins(10);

impl Serving {
    /// Looks now, on a thread of its own: neither packets nor the end of the daemon wait for it.
    pub async fn reload(self: &Arc<Self>, how: Look) {
        let (tell, told) = tokio::sync::oneshot::channel();
        let serving = Arc::clone(self);
        let run = move || {
            serving.look(how);
            // Whoever asked may be gone.
            let _ = tell.send(());
        };
        let spawned = std::thread::Builder::new().name("catalog".to_owned()).spawn(run);
        if let Err(error) = spawned {
            tracing::error!("no thread to look at the catalog: {error}");
        } else if told.await.is_err() {
            tracing::error!(
                "the catalog could not be looked at: a fault in the program; what serves goes on"
            );
        }
    }

    fn has_failed(&self) -> bool {
        self.read().look_failed.is_some()
    }
}

/// Follows the source until `stop`.
pub async fn follow(serving: Arc<Serving>, stop: CancellationToken) {
    if matches!(serving.source, Source::Shipped) {
        return stop.cancelled().await;
    }
    let remote =
        serving.source.commits().is_some_and(|commits| matches!(commits.from, From::Remote { .. }));
    let mut failures = 0;
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            () = serving.reload(Look::Poll) => {}
        }
        failures = if remote && serving.has_failed() { failures + 1 } else { 0 };
        let wait = wait(serving.poll, failures);
        if tokio::time::timeout(wait, stop.cancelled()).await.is_ok() {
            return;
        }
    }
}

/// Doubles with every failure in a row; never shorter than what is configured.
fn wait(poll: Duration, failures: u32) -> Duration {
    let longest = MAX_WAIT.max(poll);
    poll.saturating_mul(2_u32.saturating_pow(failures.min(16))).min(longest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_remote_that_does_not_answer_is_asked_less_and_less_often() {
        let poll = Duration::from_secs(30);
        let waits: Vec<u64> = (0..7).map(|failures| wait(poll, failures).as_secs()).collect();
        assert_eq!(waits, [30, 60, 120, 240, 480, 600, 600]);
        assert_eq!(wait(Duration::from_hours(1), 9), Duration::from_hours(1));
        assert_eq!(wait(poll, u32::MAX), MAX_WAIT);
    }
}
