//! The client of the provisioner's operator plane, as a library: [`run`] is the whole program, with
//! everything it takes from outside in [`Surroundings`].
//!
//! `args` is what was typed, `command` what it means; one module per family of commands does the
//! work over gRPC; `view` turns answers into text.

mod args;
mod command;
mod describe;
mod failure;
mod inform;
mod nodes;
mod parts;
mod plan;
mod server;
mod steps;
mod view;
mod wait;
mod words;

#[cfg(test)]
mod tests;

use std::ffi::OsString;
use std::fmt;
use std::io::{BufRead, Write};
use std::time::Duration;

use clap::Parser;

use args::Args;
use command::Command;
pub use failure::Exit;
use failure::Failure;
use server::{Client, ServerAddress};

/// What the program takes from outside.
pub struct Surroundings<'a> {
    /// Standard output: answers.
    pub out: &'a mut dyn Write,
    /// Standard error: questions, what is going on, errors.
    pub err: &'a mut dyn Write,
    /// Standard input: answers to questions.
    pub input: &'a mut dyn BufRead,
    /// Whether a person can be asked.
    pub interactive: bool,
    /// Whether `out` understands colour and wants it.
    pub colour: bool,
    /// `MAYUCTL_SERVER`.
    pub server: Option<String>,
    /// Unix time in milliseconds.
    pub now: fn() -> i64,
    /// Pause before a lost connection is tried again.
    pub retry: Duration,
}

impl fmt::Debug for Surroundings<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Surroundings")
            .field("interactive", &self.interactive)
            .field("colour", &self.colour)
            .field("server", &self.server)
            .field("retry", &self.retry)
            .finish_non_exhaustive()
    }
}

/// Runs one command line (the program's name first) and says how it ended. Errors are reported on
/// `err`; a reader of `out` that went away is none.
pub async fn run(
    argv: impl IntoIterator<Item = OsString>,
    surroundings: &mut Surroundings<'_>,
) -> Exit {
    let done = match Args::try_parse_from(argv) {
        Ok(args) => execute(args, surroundings).await,
        Err(error) => return parsed_not(&error, surroundings),
    };
    match done.and_then(|()| Ok(surroundings.out.flush()?)) {
        Ok(()) => Exit::Done,
        Err(failure) => {
            failure.report(surroundings.err);
            failure.exit()
        }
    }
}

/// `--help` and `--version` are answers; everything else that clap refuses is wrong usage.
fn parsed_not(error: &clap::Error, surroundings: &mut Surroundings<'_>) -> Exit {
    let text = error.render().to_string();
    // Nobody is left to tell when this cannot be written.
    if error.use_stderr() {
        let _ = surroundings.err.write_all(text.as_bytes());
        Exit::Usage
    } else {
        let _ = surroundings.out.write_all(text.as_bytes());
        Exit::Done
    }
}

async fn execute(args: Args, s: &mut Surroundings<'_>) -> Result<(), Failure> {
    let typed = args.server;
    let command = Command::try_from(args.verb)?;
    if let Command::Completions(shell) = command {
        return inform::completions(shell, s);
    }
    if let Command::Version { client_only: true } = command {
        return inform::client_version(s);
    }
    if let Command::Step(request) = &command {
        request.may_be_asked(s.interactive)?;
    }
    let address = address(typed.as_deref(), s.server.as_deref())?;
    if let Command::Version { .. } = command {
        inform::client_version(s)?;
    }
    let client = Client::connect(address).await?;
    match command {
        Command::Get(request) => nodes::get(&client, request, s).await,
        Command::Describe(name) => describe::node(&client, &name, s).await,
        Command::Tag { name, change } => steps::tag(&client, &name, change, s).await,
        Command::Step(request) => steps::step(&client, request, s).await,
        Command::Groups { name, output } => parts::groups(&client, name, output, s).await,
        Command::Profiles { name, output } => parts::profiles(&client, name, output, s).await,
        Command::Explain(request) => plan::explain(&client, request, s).await,
        Command::Render { name, what, at } => plan::render(&client, name, what, at, s).await,
        Command::Plan(request) => plan::plan(&client, request, s).await,
        Command::History { name, json } => inform::history(&client, &name, json, s).await,
        Command::Boots { name, json } => inform::boots(&client, &name, json, s).await,
        Command::Wait(request) => wait::wait(&client, request, s).await,
        Command::CatalogStatus => inform::catalog_status(&client, s).await,
        Command::CatalogReload { ack } => inform::catalog_reload(&client, ack, s).await,
        Command::Version { .. } => inform::server_version(&client, s).await,
        Command::Completions(_) => Ok(()),
    }
}

/// An empty variable of the environment is an unset one; an empty `--server` is a mistake.
fn address(typed: Option<&str>, environment: Option<&str>) -> Result<ServerAddress, Failure> {
    match (typed, environment) {
        (Some(typed), _) => ServerAddress::parse("--server", typed),
        (None, Some("") | None) => Ok(ServerAddress::default()),
        (None, Some(set)) => ServerAddress::parse("MAYUCTL_SERVER", set),
    }
}
