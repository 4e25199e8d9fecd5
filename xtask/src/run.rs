//! Running other programs, with a word about what and how long.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

use anyhow::{Context, Result, bail};

/// The workspace's root.
pub(crate) fn root() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.parent().unwrap_or(here).to_owned()
}

/// A `cargo` command in the workspace.
pub(crate) fn cargo(args: &[&str]) -> Command {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(cargo);
    command.args(args).current_dir(root());
    command
}

/// Runs `command` as the step `name` and says how long it took.
///
/// # Errors
/// When it cannot be started or does not end with 0.
pub(crate) fn step(name: &str, command: &mut Command) -> Result<()> {
    say(&format!("== {name}"));
    let start = Instant::now();
    let status = command.status().with_context(|| format!("{name}: cannot be started"))?;
    if !status.success() {
        bail!("{name} failed ({status}) after {} s", start.elapsed().as_secs());
    }
    say(&format!("== {name}: {} s", start.elapsed().as_secs()));
    Ok(())
}

/// Removes what failed labs of earlier runs have left to be read. One that is up stays.
pub(crate) fn forget_old_logs() {
    let Ok(runs) = fs::read_dir(root().join(".lab/run")) else {
        return;
    };
    for run in runs.flatten() {
        if !Path::new("/run/netns").join(run.file_name()).exists() {
            // What cannot be removed is in nobody's way.
            let _ = fs::remove_dir_all(run.path());
        }
    }
}

/// A line for people, beside the output of the programs that are run.
pub(crate) fn say(line: &str) {
    // Nobody to tell is no reason to stop.
    let _ = writeln!(std::io::stderr(), "{line}");
}
