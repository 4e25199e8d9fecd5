//! QEMU's monitor: one command per connection (QEMU Machine Protocol, JSON lines).

use std::io::{BufRead, BufReader, Write};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use serde_json::{Value, json};

/// Carries out a command without arguments.
///
/// # Errors
/// When QEMU is not there, does not answer within five seconds, or refuses.
pub(super) fn execute(socket: &Path, command: &str) -> Result<()> {
    let stream = UnixStream::connect(socket)
        .with_context(|| format!("no QEMU answers at {}", socket.display()))?;
    stream.set_read_timeout(Some(Duration::from_secs(5)))?;
    let mut lines = BufReader::new(stream.try_clone()?);
    let mut out = stream;
    for step in ["qmp_capabilities", command] {
        writeln!(out, "{}", json!({ "execute": step }))?;
        answer(&mut lines).with_context(|| format!("QEMU, asked to {step}"))?;
    }
    Ok(())
}

/// Skips the greeting and events.
fn answer(lines: &mut impl BufRead) -> Result<()> {
    loop {
        let mut line = String::new();
        if lines.read_line(&mut line)? == 0 {
            bail!("closed the connection");
        }
        let said: Value = serde_json::from_str(&line).context("said what is not JSON")?;
        if said.get("return").is_some() {
            return Ok(());
        }
        if let Some(error) = said.get("error") {
            bail!("refused: {error}");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_found_behind_greeting_and_events() {
        let said = b"{\"QMP\":{}}\n{\"event\":\"RESET\"}\n{\"return\":{}}\n";
        assert!(answer(&mut said.as_slice()).is_ok());
    }

    #[test]
    fn a_refusal_carries_qemus_words() {
        let said = b"{\"error\":{\"desc\":\"no such command\"}}\n";
        let error = answer(&mut said.as_slice()).unwrap_err();
        assert!(error.to_string().contains("no such command"));
    }
}
