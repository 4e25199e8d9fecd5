//! Waiting that always ends: by success, by a limit, or by Ctrl-C.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};

/// Asks `poll` again and again until it gives a value.
///
/// # Errors
/// When `poll` fails, when `limit` has passed (the message says `what` was waited for), or on Ctrl-C.
pub fn until<T>(
    what: &str,
    limit: Duration,
    mut poll: impl FnMut() -> Result<Option<T>>,
) -> Result<T> {
    let start = Instant::now();
    loop {
        interrupted()?;
        if let Some(value) = poll()? {
            return Ok(value);
        }
        if start.elapsed() >= limit {
            bail!("waited {} s in vain for: {what}", limit.as_secs());
        }
        thread::sleep(Duration::from_millis(500));
    }
}

/// Lets `how_long` pass: the length of an outage that a test makes, never a way to wait for something.
///
/// # Errors
/// On Ctrl-C.
pub fn pass(how_long: Duration) -> Result<()> {
    let end = Instant::now() + how_long;
    while Instant::now() < end {
        interrupted()?;
        thread::sleep(Duration::from_millis(100));
    }
    Ok(())
}

/// Makes Ctrl-C, SIGTERM and SIGHUP end every wait of this process with an error instead of ending the
/// process, so that labs are taken down on the way out. A second signal ends the process at once.
///
/// # Errors
/// When the handlers cannot be set.
pub fn arm() -> Result<()> {
    if FLAG.get().is_some() {
        return Ok(());
    }
    let flag = Arc::clone(FLAG.get_or_init(Arc::default));
    for signal in [SIGINT, SIGTERM, SIGHUP] {
        signal_hook::flag::register_conditional_shutdown(signal, 130, Arc::clone(&flag))
            .context("cannot set a signal handler")?;
        signal_hook::flag::register(signal, Arc::clone(&flag))
            .context("cannot set a signal handler")?;
    }
    Ok(())
}

/// Fails once a signal has come.
///
/// # Errors
/// After a signal, when [`arm`] was called before.
pub fn interrupted() -> Result<()> {
    if FLAG.get().is_some_and(|flag| flag.load(Ordering::Relaxed)) {
        bail!("interrupted");
    }
    Ok(())
}

static FLAG: OnceLock<Arc<AtomicBool>> = OnceLock::new();

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_limit_that_passes_names_what_was_waited_for() {
        let error = until::<()>("rain", Duration::ZERO, || Ok(None)).unwrap_err();
        assert!(error.to_string().contains("rain"), "{error}");
    }

    #[test]
    fn a_value_ends_the_wait() {
        let mut left = 2;
        let got = until("two more", Duration::from_mins(1), || {
            left -= 1;
            Ok((left == 0).then_some("there"))
        });
        assert_eq!(got.unwrap(), "there");
    }
}
