//! `mayuctl`: steers the provisioner from a terminal. Everything but the process's edges is in the library.
use std::io::{self, IsTerminal, Write};
use std::process::ExitCode;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use mayuctl::{Exit, Surroundings};

fn main() -> ExitCode {
    let (mut out, mut err) = (io::stdout().lock(), io::stderr().lock());
    let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            let _ = writeln!(err, "mayuctl: cannot start: {error}");
            return Exit::Failed.into();
        }
    };
    let mut surroundings = Surroundings {
        interactive: io::stdin().is_terminal() && err.is_terminal(),
        colour: out.is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|v| v.is_empty()),
        out: &mut out,
        err: &mut err,
        input: &mut io::stdin().lock(),
        server: std::env::var_os("MAYUCTL_SERVER").map(|v| v.to_string_lossy().into_owned()),
        now: || now_ms(SystemTime::now()),
        retry: Duration::from_secs(1),
    };
    let exit = runtime.block_on(mayuctl::run(std::env::args_os(), &mut surroundings));
    exit.into()
}

fn now_ms(now: SystemTime) -> i64 {
    let since = now.duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}
