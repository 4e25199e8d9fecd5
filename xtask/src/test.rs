//! Everything that must pass, cheapest first, ending at the first failure.

use std::fs;
use std::process::Command;
use std::thread;
use std::time::Instant;

use anyhow::{Result, bail};

use crate::build::{self, Profile};
use crate::{packages, run};

/// What `cargo xtask test` is asked for.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Options {
    fast: bool,
    profile: Profile,
}

impl Options {
    /// Reads the words behind `test`.
    ///
    /// # Errors
    /// When one of them is not known.
    pub(crate) fn parse(words: &[&str]) -> Result<Self> {
        let mut options = Self { fast: false, profile: Profile::Dev };
        for word in words {
            match *word {
                "--fast" => options.fast = true,
                "--release" => options.profile = Profile::Release,
                _ => bail!("`cargo xtask test` does not know `{word}`: --fast, --release"),
            }
        }
        Ok(options)
    }
}

/// Runs it all.
///
/// # Errors
/// At the first step that fails, with its name.
pub(crate) fn run(options: &Options) -> Result<()> {
    let start = Instant::now();
    packages::install()?;
    run::step("fmt", &mut run::cargo(&["fmt", "--all", "--check"]))?;
    let clippy = ["clippy", "--workspace", "--all-targets", "--all-features", "--quiet"];
    run::step("clippy", run::cargo(&clippy).args(["--", "-D", "warnings"]))?;
    run::step("tests", &mut run::cargo(&["test", "--workspace", "--quiet"]))?;
    let docs = ["doc", "--workspace", "--no-deps", "--quiet"];
    run::step("docs", run::cargo(&docs).env("RUSTDOCFLAGS", "-D warnings"))?;
    if !options.fast {
        end_to_end(options.profile)?;
    }
    run::say(&format!("== all passed in {} s", start.elapsed().as_secs()));
    Ok(())
}

fn end_to_end(profile: Profile) -> Result<()> {
    build::programs(profile)?;
    build::agent()?;
    run::forget_old_logs();
    let bin = build::directory(profile);
    run::step(
        "image",
        Command::new(bin.join("build-image")).arg("--cache").arg(run::root().join(".lab")),
    )?;
    // One feature set for the whole workspace: nothing is built a second time but the tests themselves.
    let args =
        ["test", "--workspace", "--features", "tests/e2e", "--test", "e2e", "--", "--nocapture"];
    run::step(
        "end to end",
        run::cargo(&args)
            .arg(format!("--test-threads={}", labs_at_once()))
            .env("LAB_BIN_DIR", &bin),
    )
}

/// Every emulated machine eats a core while it works and a good GiB of memory; labs wait for each other's
/// firmware more than for the processor, so one more than there are cores.
fn labs_at_once() -> u64 {
    let cores = thread::available_parallelism().map_or(1, |n| n.get() as u64);
    let by_memory = memory_gib() / 5;
    (cores + 1).min(by_memory).max(1)
}

fn memory_gib() -> u64 {
    let info = fs::read_to_string("/proc/meminfo").unwrap_or_default();
    let line = info.lines().find_map(|line| line.strip_prefix("MemAvailable:"));
    let kib: u64 = line.and_then(|l| l.split_whitespace().next()?.parse().ok()).unwrap_or_default();
    kib >> 20
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unknown_word_is_refused() {
        assert!(Options::parse(&["--fats"]).is_err());
        assert_eq!(
            Options::parse(&["--fast"]).unwrap(),
            Options { fast: true, profile: Profile::Dev }
        );
    }
}
