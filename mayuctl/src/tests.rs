//! The whole client against a server in the same process, on a real unix socket.

mod describe;
mod fake;
mod get;
mod inform;
mod plan;
mod steps;
mod wait;

use std::ffi::OsString;
use std::io::{self, Write};
use std::time::Duration;

use api::v1::{Label, Node};
use fake::Fake;

use crate::{Exit, Surroundings, run};

/// 2026-01-02T03:04:05Z.
const NOW_MS: i64 = 1_767_323_045_000;

/// How a command ended and what it wrote, ready for a snapshot.
async fn mayuctl(fake: &Fake, line: &str) -> String {
    Session::of(fake).run(line).await
}

/// Somebody at a terminal, or a script.
struct Session {
    server: String,
    input: &'static str,
    interactive: bool,
    colour: bool,
}

impl Session {
    fn of(fake: &Fake) -> Self {
        Self::at(&fake.address())
    }

    fn at(server: &str) -> Self {
        Self { server: server.to_owned(), input: "", interactive: false, colour: false }
    }

    fn answering(fake: &Fake, input: &'static str) -> Self {
        Self { input, interactive: true, ..Self::of(fake) }
    }

    async fn run(&self, line: &str) -> String {
        let (mut out, mut err) = (Vec::new(), Vec::new());
        let exit = self.run_into(line, &mut out, &mut err).await;
        let (out, err) = (String::from_utf8(out).unwrap(), String::from_utf8(err).unwrap());
        let mut text = out;
        for line in err.lines() {
            text.extend(["! ", line, "\n"]);
        }
        let text = text.replace(&self.server, "unix:SOCKET");
        format!("{text}exit {}", exit as u8)
    }

    async fn run_into(&self, line: &str, out: &mut dyn Write, err: &mut dyn Write) -> Exit {
        let words = ["mayuctl"].into_iter().chain(line.split_whitespace());
        let mut surroundings = Surroundings {
            out,
            err,
            input: &mut self.input.as_bytes(),
            interactive: self.interactive,
            colour: self.colour,
            server: Some(self.server.clone()),
            now: || NOW_MS,
            retry: Duration::ZERO,
        };
        run(words.map(OsString::from), &mut surroundings).await
    }
}

/// A reader that went away.
struct Closed;

impl Write for Closed {
    fn write(&mut self, _: &[u8]) -> io::Result<usize> {
        Err(io::ErrorKind::BrokenPipe.into())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn node(name: &str, state: &str) -> Node {
    let number = name.trim_start_matches("node");
    Node {
        id: format!("00000000-0000-4000-8000-00000000000{number}"),
        hostname: name.into(),
        state: state.into(),
        group: "default".into(),
        profile: "debian".into(),
        macs: vec![format!("52:54:00:00:00:0{number}")],
        address: format!("10.77.0.1{number}"),
        arch: "x86_64".into(),
        firmware: "uefi".into(),
        generation: 1,
        first_seen_ms: NOW_MS - 300_000,
        last_seen_ms: NOW_MS - 2_000,
        since_ms: NOW_MS - 60_000,
        last_step: "claim".into(),
        labels: vec![label("rack", "r1", "operator"), label("mac", "52:54:00", "observed")],
        ..Node::default()
    }
}

fn label(key: &str, value: &str, trust: &str) -> Label {
    Label { key: key.into(), value: value.into(), trust: trust.into() }
}

fn installing(name: &str) -> Node {
    Node {
        stage: "write".into(),
        done_bytes: 42 << 20,
        total_bytes: 100 << 20,
        tries: 1,
        installs: 1,
        ..node(name, "installing")
    }
}

fn failed(name: &str, reason: &str) -> Node {
    Node { reason: reason.into(), ..node(name, "failed") }
}

fn changed(node: Node) -> fake::Event {
    fake::Event::Changed(Box::new(node))
}
