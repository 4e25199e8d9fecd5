//! Programs run for their effect: silent when they succeed, quoted when they fail.

use std::process::{Command, Stdio};

use anyhow::{Context, bail};

/// How much of a failed program's output goes into the message, in lines.
const TAIL: usize = 12;

/// Runs `command` to its end without input.
///
/// # Errors
/// When it cannot be started or does not exit with 0: the message holds the last lines that it wrote.
pub(crate) fn run(command: &mut Command) -> anyhow::Result<()> {
    let name = command.get_program().to_string_lossy().into_owned();
    let output = command.stdin(Stdio::null()).env("LC_ALL", "C").output().with_context(|| {
        format!("cannot run {name}: is its package installed? See xtask/packages.txt")
    })?;
    if output.status.success() {
        return Ok(());
    }
    let said = [output.stdout, output.stderr].concat();
    let said = String::from_utf8_lossy(&said);
    bail!("{name} failed ({}):\n{}", output.status, tail(&said));
}

/// The last lines of `text`.
fn tail(text: &str) -> String {
    let lines: Vec<&str> = text.lines().collect();
    let from = lines.len().saturating_sub(TAIL);
    lines.get(from..).unwrap_or_default().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_quotes_the_last_words() {
        let mut command = Command::new("sh");
        command.args(["-c", "seq 100; echo the cause >&2; exit 3"]);
        let error = run(&mut command).unwrap_err().to_string();
        assert!(error.contains("exit status: 3"), "{error}");
        assert!(error.ends_with("the cause"), "{error}");
        assert!(!error.contains("\n50\n"), "{error}");
    }

    #[test]
    fn a_missing_program_names_the_package_list() {
        let error = run(&mut Command::new("no-such-program-here")).unwrap_err().to_string();
        assert!(
            error.contains("no-such-program-here") && error.contains("packages.txt"),
            "{error}"
        );
    }
}
