//! How long to wait before the same again. Pure: the caller waits.

use std::time::Duration;

const FIRST: Duration = Duration::from_millis(500);
const LONGEST: Duration = Duration::from_secs(15);

/// How the caller waits: `thread::sleep` on a machine, nothing at all in a test.
pub type Pause<'a> = &'a (dyn Fn(Duration) + Sync);

/// Doubling waits from half a second to fifteen, each shortened by up to a quarter, so that a rack
/// that lost its server does not come back as one.
#[derive(Debug, Clone)]
pub struct Backoff {
    next: Duration,
    waited: Duration,
    noise: u64,
}

impl Backoff {
    /// A fresh one; `seed` tells machines apart (any bytes of a MAC do).
    pub fn new(seed: u64) -> Self {
        Self { next: FIRST, waited: Duration::ZERO, noise: seed | 1 }
    }

    /// The next wait.
    pub fn step(&mut self) -> Duration {
        // xorshift64: enough to spread waits, no source of randomness needed.
        self.noise ^= self.noise << 13;
        self.noise ^= self.noise >> 7;
        self.noise ^= self.noise << 17;
        let quarter = self.next / 4;
        let cut = quarter * u32::try_from(self.noise % 256).unwrap_or(0) / 256;
        let wait = self.next.saturating_sub(cut);
        self.next = (self.next * 2).min(LONGEST);
        self.waited = self.waited.saturating_add(wait);
        wait
    }

    /// Sum of all waits since the start or the last [`Backoff::reset`].
    pub fn waited(&self) -> Duration {
        self.waited
    }

    /// Something worked: short waits again.
    pub fn reset(&mut self) {
        self.next = FIRST;
        self.waited = Duration::ZERO;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_up_to_the_longest_and_stay_there() {
        let mut backoff = Backoff::new(7);
        let waits: Vec<_> = (0..8).map(|_| backoff.step()).collect();
        for (n, wait) in waits.iter().enumerate() {
            let full = (FIRST * 2u32.pow(u32::try_from(n).unwrap())).min(LONGEST);
            assert!(*wait <= full && *wait >= full * 3 / 4, "{n}: {wait:?}");
        }
        assert_eq!(backoff.waited(), waits.iter().sum());
    }

    #[test]
    fn a_success_makes_the_waits_short_again() {
        let mut backoff = Backoff::new(7);
        for _ in 0..8 {
            backoff.step();
        }
        backoff.reset();
        assert!(backoff.step() <= FIRST);
    }

    #[test]
    fn two_machines_do_not_wait_in_step() {
        let waits = |seed| {
            let mut backoff = Backoff::new(seed);
            (0..6).map(|_| backoff.step()).collect::<Vec<_>>()
        };
        assert_ne!(waits(1), waits(0x5254_0012_3456));
    }
}
