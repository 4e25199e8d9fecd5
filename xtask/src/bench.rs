//! `cargo xtask bench catalog`: what a machine waits for, and what an operator waits for, with few and with
//! many groups. Numbers are told, never judged: they depend on the machine.

mod catalogs;
mod cells;
mod load;
mod machine;
mod random;
mod reload;
mod servers;
mod sums;

use std::fs;
use std::io::Write;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, bail};

use crate::build::{self, Profile};
use crate::run;

/// Seed of every choice.
const SEED: u64 = 0x0070_726f_7669_7369;
/// Connections that ask at the same time.
const CONNECTIONS: usize = 16;

/// What is asked for on the command line.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Options {
    seconds: u64,
    runs: usize,
    groups: Vec<usize>,
    /// Groups of the catalog that is changed; it has a tenth as many templates.
    reload_groups: usize,
    requests: bool,
    reload: bool,
    build: bool,
}

impl Options {
    fn parse(words: &[&str]) -> Result<Self> {
        let mut options = Self {
            seconds: 5,
            runs: 3,
            groups: vec![1, 100, 1000, 100_000],
            reload_groups: 10_000,
            requests: true,
            reload: true,
            build: true,
        };
        let mut words = words.iter();
        while let Some(word) = words.next() {
            let mut value = || words.next().with_context(|| format!("`{word}` wants a value"));
            match *word {
                "--no-build" => options.build = false,
                "--seconds" => options.seconds = value()?.parse::<u64>()?.max(1),
                "--runs" => options.runs = value()?.parse::<usize>()?.max(1),
                "--groups" => {
                    let numbers: Result<Vec<usize>, _> =
                        value()?.split(',').map(str::parse).collect();
                    options.groups = numbers.context("--groups wants numbers: 1,100,1000")?;
                    if options.groups.contains(&0) {
                        bail!("--groups: a catalog without groups selects no machine");
                    }
                }
                "--reload-groups" => options.reload_groups = value()?.parse::<usize>()?.max(20),
                "--only" => match *value()? {
                    "requests" => options.reload = false,
                    "reload" => options.requests = false,
                    other => bail!("--only knows requests and reload, not `{other}`"),
                },
                _ => bail!(
                    "`cargo xtask bench catalog` does not know `{word}`: --seconds, --runs, --groups, --reload-groups, --only, --no-build"
                ),
            }
        }
        Ok(options)
    }

    fn length(&self) -> Duration {
        Duration::from_secs(self.seconds)
    }
}

/// Builds release programs and measures. The measuring program itself is a release build too: a slow
/// generator would measure itself.
///
/// # Errors
/// When something cannot be built, started or asked.
pub(crate) fn catalog(words: &[&str]) -> Result<()> {
    let options = Options::parse(words)?;
    if options.build {
        let packages =
            ["build", "--release", "--package", "provisioner", "--package", "xtask", "--bins"];
        run::step("build", &mut run::cargo(&packages))?;
        let program = build::directory(Profile::Release).join("xtask");
        let error =
            Command::new(&program).args(["bench", "catalog"]).args(words).arg("--no-build").exec();
        return Err(error).with_context(|| format!("cannot run {}", program.display()));
    }
    let scratch = Scratch::new()?;
    let mut out = std::io::stdout();
    let mut tell = |line: &str| -> Result<()> {
        writeln!(out, "{line}")?;
        Ok(out.flush()?)
    };
    for line in head(&options) {
        tell(&line)?;
    }
    if options.requests {
        cells::measure(&options, &scratch.0, &mut tell)?;
    }
    if options.reload {
        reload::measure(&options, &scratch.0, &mut tell)?;
    }
    tell(&format!("- at the end, {}", machine::load()))
}

fn head(options: &Options) -> Vec<String> {
    let ours = machine::version(&servers::provisioner(), "--version");
    let theirs = servers::matchbox().map_or_else(
        || "no matchbox on the PATH: no ratios".to_owned(),
        |program| format!("matchbox {}", machine::version(&program, "-version")),
    );
    let mut lines = vec!["### Catalog".to_owned(), String::new()];
    lines.extend(machine::about().into_iter().map(|line| format!("- {line}")));
    lines.push(format!(
        "- {ours} at {}; {theirs}; release builds, default log level",
        machine::commit()
    ));
    lines.push(format!(
        "- {CONNECTIONS} keep-alive connections from one thread on the same machine, {} runs of {} s each; the \
         median, and the least and the most in brackets",
        options.runs, options.seconds
    ));
    lines.push(String::new());
    lines
}

/// A directory that goes when the bench ends.
#[derive(Debug)]
struct Scratch(PathBuf);

impl Scratch {
    fn new() -> Result<Self> {
        let name = format!("provisioner-bench-{}", std::process::id());
        let path = std::env::temp_dir().join(name);
        fs::create_dir(&path).with_context(|| format!("cannot make {}", path.display()))?;
        Ok(Self(path))
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // What cannot be removed is in nobody's way.
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// Removes what an earlier part has left.
fn forget(path: &Path) -> Result<()> {
    fs::remove_dir_all(path).with_context(|| format!("cannot remove {}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unknown_word_and_a_catalog_without_groups_are_refused() {
        assert!(Options::parse(&["--run"]).is_err());
        assert!(Options::parse(&["--runs"]).is_err());
        assert!(Options::parse(&["--groups", "1,0"]).is_err());
        let options = Options::parse(&["--groups", "1,10", "--only", "reload"]).unwrap();
        assert_eq!((options.groups, options.requests, options.reload), (vec![1, 10], false, true));
    }
}
