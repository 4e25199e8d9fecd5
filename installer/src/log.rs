//! The agent's log: every line goes to the console at once, and to the server when it can.

use std::collections::VecDeque;
use std::io::Write;
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

use api::node::LogLines;

/// Lines kept for a server that does not answer; the oldest go first.
const KEPT: usize = 4000;
/// Lines in one call.
const BATCH: usize = 200;

/// A log that any thread may write to.
#[derive(Debug)]
pub struct Log {
    lines: Mutex<Buffer>,
    started: Instant,
    quiet: bool,
}

impl Log {
    /// One that also writes to standard error, which is the console for an init.
    pub fn console() -> Self {
        Self::new(false)
    }

    /// One that only remembers.
    pub fn quiet() -> Self {
        Self::new(true)
    }

    fn new(quiet: bool) -> Self {
        Self { lines: Mutex::new(Buffer::default()), started: Instant::now(), quiet }
    }

    /// Adds lines: each line end in `text` begins a new one.
    pub fn line(&self, text: impl AsRef<str>) {
        let seconds = self.started.elapsed().as_secs_f64();
        for line in text.as_ref().lines() {
            let line = format!("[{seconds:8.3}] {line}");
            if !self.quiet {
                // A console that cannot be written to must not stop an installation.
                let _ = writeln!(std::io::stderr(), "installer: {line}");
            }
            self.buffer().push(line);
        }
    }

    /// What the server has not acknowledged yet, at most one batch; none when it knows all.
    pub fn pending(&self) -> Option<LogLines> {
        self.buffer().pending()
    }

    /// The server has `lines` now.
    pub fn acknowledge(&self, lines: &LogLines) {
        self.buffer().acknowledge(lines);
    }

    fn buffer(&self) -> std::sync::MutexGuard<'_, Buffer> {
        self.lines.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Numbered lines. Pure.
#[derive(Debug, Default)]
struct Buffer {
    first: u64,
    lines: VecDeque<String>,
}

impl Buffer {
    fn push(&mut self, line: String) {
        if self.lines.len() == KEPT {
            self.lines.pop_front();
            self.first += 1;
        }
        self.lines.push_back(line);
    }

    fn pending(&self) -> Option<LogLines> {
        let lines: Vec<_> = self.lines.iter().take(BATCH).cloned().collect();
        (!lines.is_empty()).then_some(LogLines { first: self.first, lines })
    }

    fn acknowledge(&mut self, sent: &LogLines) {
        let end = sent.first + sent.lines.len() as u64;
        while self.first < end && self.lines.pop_front().is_some() {
            self.first += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(lines: Option<LogLines>) -> Vec<String> {
        let lines = lines.map(|lines| lines.lines).unwrap_or_default();
        lines.iter().map(|line| line.split_once("] ").unwrap().1.to_owned()).collect()
    }

    #[test]
    fn lines_are_pending_until_acknowledged_and_keep_their_numbers() {
        let log = Log::quiet();
        log.line("one\ntwo");
        let sent = log.pending().unwrap();
        assert_eq!((sent.first, sent.lines.len()), (0, 2));
        log.line("three");
        log.acknowledge(&sent);
        assert_eq!(log.pending().unwrap().first, 2);
        assert_eq!(texts(log.pending()), ["three"]);
    }

    #[test]
    fn an_acknowledgement_that_comes_twice_loses_nothing() {
        let log = Log::quiet();
        log.line("one");
        let sent = log.pending().unwrap();
        log.acknowledge(&sent);
        log.line("two");
        log.acknowledge(&sent);
        assert_eq!(texts(log.pending()), ["two"]);
    }

    #[test]
    fn a_silent_server_costs_the_oldest_lines_only() {
        let log = Log::quiet();
        (0..KEPT + 3).for_each(|n| log.line(n.to_string()));
        let pending = log.pending().unwrap();
        assert_eq!((pending.first, pending.lines.len()), (3, BATCH));
    }
}
