//! Logs that installers send: one file for each boot, `DATA/logs/NODE/BOOT.log`.

use std::collections::HashMap;
use std::fs::OpenOptions;
use std::io::{self, Write};
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};

use crate::domain::machine::NodeId;
use crate::domain::node::BootId;

/// Lines kept of one boot; a looping agent must not fill the disk.
const KEPT_LINES: u64 = 20_000;
/// Bytes kept of one line.
const LINE_BYTES: usize = 2_000;

/// Where the logs go.
#[derive(Debug)]
pub struct Logs {
    directory: PathBuf,
    /// Number of the next line of each boot that was heard of in this run.
    next: Mutex<HashMap<BootId, u64>>,
}

impl Logs {
    /// Logs below a directory.
    pub fn new(directory: PathBuf) -> Self {
        Self { directory, next: Mutex::default() }
    }

    /// Adds lines; those that are known already are left out. Blocks on the disk.
    pub fn add(
        &self,
        node: &NodeId,
        boot: &BootId,
        first: u64,
        lines: &[String],
    ) -> io::Result<()> {
        let directory = self.directory.join(node.as_str());
        std::fs::create_dir_all(&directory)?;
        let path = directory.join(format!("{boot}.log"));
        let mut all = self.next.lock().unwrap_or_else(PoisonError::into_inner);
        let next = match all.get(boot) {
            Some(next) => *next,
            None => count_lines(&path)?,
        };
        let mut file = OpenOptions::new().create(true).append(true).open(path)?;
        let mut text = String::new();
        let mut number = first;
        for line in lines {
            if number >= next && number < KEPT_LINES {
                text.extend(line.chars().filter(|c| !c.is_control()).take(LINE_BYTES));
                text.push('\n');
            }
            number += 1;
        }
        file.write_all(text.as_bytes())?;
        all.insert(boot.clone(), next.max(number));
        Ok(())
    }
}

fn count_lines(path: &std::path::Path) -> io::Result<u64> {
    match std::fs::read(path) {
        Ok(bytes) => Ok(bytes.split_inclusive(|byte| *byte == b'\n').count() as u64),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(0),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::node::Millis;

    #[test]
    fn lines_that_are_sent_twice_are_written_once_even_after_a_restart() {
        let dir = tempfile::tempdir().unwrap();
        let node: NodeId = "n1".parse().unwrap();
        let boot = BootId::mint(Millis(1), 1);
        let lines = |texts: &[&str]| texts.iter().map(|t| (*t).to_owned()).collect::<Vec<_>>();
        Logs::new(dir.path().into()).add(&node, &boot, 0, &lines(&["a", "b"])).unwrap();
        let logs = Logs::new(dir.path().into());
        logs.add(&node, &boot, 1, &lines(&["b", "c\u{1b}[2J"])).unwrap();
        logs.add(&node, &boot, 3, &lines(&["d"])).unwrap();
        let text = std::fs::read_to_string(dir.path().join(format!("n1/{boot}.log"))).unwrap();
        assert_eq!(text, "a\nb\nc[2J\nd\n");
    }
}
