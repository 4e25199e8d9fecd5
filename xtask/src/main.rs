//! `cargo xtask lab | test | bench | ci`: the project's own commands. Each does the one thing it says.

mod bench;
mod build;
mod packages;
mod run;
mod test;

use std::io::Write;
use std::os::unix::process::CommandExt;
use std::process::{Command, ExitCode};

use anyhow::{Context, Result, bail};

const USAGE: &str = "\
usage: cargo xtask COMMAND

  lab [--nodes N] [--keep] [--firmware bios,uefi-pxe,uefi-http,uefi-grub] [--stop [NAME]]
        install what is missing, build, and let a rack of blank machines become running
  test [--fast] [--release]
        everything that must pass: fmt, clippy, tests, docs, end to end on real firmware
        --fast leaves the end-to-end tests out, --release runs them with release programs
  bench
        measure what is measured without a rack: sizes of what is shipped
  bench catalog [--seconds N] [--runs N] [--groups N,N,…] [--reload-groups N]
                [--only requests|reload] [--no-build]
        requests per second with few and many groups, beside matchbox where one is on the PATH; reload; memory.
        A table for docs/benchmarks.md goes to the standard output. Times are told, never judged.
  ci    the same as test
";

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    match dispatch(&args) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let _ = writeln!(std::io::stderr(), "xtask: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn dispatch(args: &[String]) -> Result<()> {
    let words: Vec<&str> = args.iter().map(String::as_str).collect();
    match words.as_slice() {
        ["lab", rest @ ..] => lab(rest),
        ["test" | "ci", rest @ ..] => test::run(&test::Options::parse(rest)?),
        ["bench"] => build::sizes(),
        ["bench", "catalog", rest @ ..] => bench::catalog(rest),
        ["help" | "--help" | "-h"] => {
            std::io::stdout().write_all(USAGE.as_bytes())?;
            Ok(())
        }
        _ => bail!("not understood: `{}`\n{USAGE}", words.join(" ")),
    }
}

/// Builds, then becomes the lab, so that Ctrl-C and the exit code are the lab's own.
fn lab(args: &[&str]) -> Result<()> {
    packages::install()?;
    build::programs(build::Profile::Release)?;
    build::agent()?;
    run::forget_old_logs();
    let lab = build::directory(build::Profile::Release).join("lab");
    let error = Command::new(&lab).args(args).exec();
    Err(error).with_context(|| format!("cannot run {}", lab.display()))
}
