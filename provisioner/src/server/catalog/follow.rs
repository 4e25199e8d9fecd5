//! Looking again and again.

use std::sync::{Arc, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::oneshot;
use tokio_util::sync::CancellationToken;

use super::source::{From, Source};
use super::{Look, Serving};

/// Longest time between two looks at a remote that does not answer.
const MAX_WAIT: Duration = Duration::from_mins(10);

/// Looks that somebody waits for. One thread carries all of them out.
#[derive(Debug, Default)]
pub(super) struct Asked {
    runs: bool,
    pending: Vec<(Look, Vec<oneshot::Sender<()>>)>,
}

impl Asked {
    /// Joins a look that is not begun yet, if there is one that does as well. `true`: nobody works yet.
    fn add(&mut self, how: Look, tell: oneshot::Sender<()>) -> bool {
        let as_well = |(other, _): &&mut (Look, _)| *other == how || how == Look::Poll;
        match self.pending.iter_mut().find(as_well) {
            Some((_, waiting)) => waiting.push(tell),
            None => self.pending.push((how, vec![tell])),
        }
        !std::mem::replace(&mut self.runs, true)
    }

    fn next(&mut self) -> Option<(Look, Vec<oneshot::Sender<()>>)> {
        self.runs = !self.pending.is_empty();
        self.runs.then(|| self.pending.remove(0))
    }
}

impl Serving {
    /// Looks now, on a thread of its own: neither packets nor the end of the daemon wait for it.
    pub async fn reload(self: &Arc<Self>, how: Look) {
        let (tell, told) = oneshot::channel();
        if self.asked().add(how, tell) {
            let serving = Arc::clone(self);
            let run = move || serving.look_as_asked();
            let spawned = std::thread::Builder::new().name("catalog".to_owned()).spawn(run);
            if let Err(error) = spawned {
                tracing::error!("no thread to look at the catalog: {error}");
                // Nobody looks: who waits is told so, and the next one tries again.
                *self.asked() = Asked::default();
            }
        }
        if told.await.is_err() {
            tracing::error!("the catalog could not be looked at; what serves goes on");
        }
    }

    fn look_as_asked(&self) {
        loop {
            let Some((how, waiting)) = self.asked().next() else { return };
            self.look(&how);
            for tell in waiting {
                // Whoever asked may be gone.
                let _ = tell.send(());
            }
        }
    }

    fn asked(&self) -> MutexGuard<'_, Asked> {
        self.asked.lock().unwrap_or_else(PoisonError::into_inner)
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
    fn looks_that_wait_are_joined_and_one_thread_carries_them_out() {
        let mut asked = Asked::default();
        let mut ask = |how: Look| asked.add(how, oneshot::channel().0);
        assert!(ask(Look::Again), "the first one begins a thread");
        for how in [Look::Again, Look::Poll, Look::Again, Look::Acknowledge("x".into())] {
            assert!(!ask(how));
        }
        let (first, waiting) = asked.next().unwrap();
        assert_eq!((first, waiting.len()), (Look::Again, 4));
        // What was begun may have seen too little for who asks now.
        assert!(!asked.add(Look::Again, oneshot::channel().0));
        assert_eq!(asked.next().unwrap().0, Look::Acknowledge("x".into()));
        assert_eq!(asked.next().unwrap().1.len(), 1);
        assert!(asked.next().is_none());
        assert!(asked.add(Look::Poll, oneshot::channel().0), "and then another one");
    }

    #[test]
    fn a_remote_that_does_not_answer_is_asked_less_and_less_often() {
        let poll = Duration::from_secs(30);
        let waits: Vec<u64> = (0..7).map(|failures| wait(poll, failures).as_secs()).collect();
        assert_eq!(waits, [30, 60, 120, 240, 480, 600, 600]);
        assert_eq!(wait(Duration::from_hours(1), 9), Duration::from_hours(1));
        assert_eq!(wait(poll, u32::MAX), MAX_WAIT);
    }
}
