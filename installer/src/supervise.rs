//! PID 1: mounts, starts the worker, waits for it, restarts the machine.
//!
//! The work is done by a second process, because a PID 1 that panics, runs out of memory or hits a
//! signal takes the kernel with it. Whatever happens to the worker, this one is left to say so on the
//! console and to the server, and to restart the machine so that the server's policy decides.

use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::{Command, ExitCode, ExitStatus};
use std::thread::sleep;
use std::time::Duration;

use api::node::{Ack, Failed, Stage};
use nix::mount::{MsFlags, mount};
use nix::sys::reboot::{RebootMode, reboot};

use crate::kargs;
use crate::server::{CallError, Server};

/// First argument of the second process.
pub const WORKER: &str = "--worker";

/// Where the worker's panic hook leaves its last words.
pub const LAST_WORDS: &str = "/run/installer.panic";

/// Where the worker notes the stage it is in, so that its death can be told with a place.
pub const STAGE: &str = "/run/installer.stage";

/// Exit codes of the worker. Any other means that it did not end by itself.
pub(crate) mod exit {
    pub(crate) const REBOOT: u8 = 0;
    pub(crate) const POWEROFF: u8 = 10;
    pub(crate) const REFUSED: u8 = 11;
    pub(crate) const FAILED: u8 = 12;
}

const AFTER_REFUSAL: Duration = Duration::from_secs(10);
const AFTER_FAILURE: Duration = Duration::from_secs(30);
/// Tries to report a worker that died; then the server's own time limit has to notice.
const LAST_REPORTS: u32 = 20;

/// PID 1. Comes back only if the kernel will not restart the machine.
pub fn run() -> ExitCode {
    prepare();
    let (wait, how) = match Command::new("/proc/self/exe").arg(WORKER).status() {
        Ok(status) => follow(status),
        Err(error) => {
            say(&format!("the worker cannot be started: {error}"));
            (AFTER_FAILURE, RebootMode::RB_AUTOBOOT)
        }
    };
    sleep(wait);
    nix::unistd::sync();
    let refused = reboot(how).err();
    say(&format!("the machine cannot be restarted ({refused:?}): switch it off and on"));
    // An init that returns is a kernel panic: better a machine that says what it waits for.
    loop {
        sleep(Duration::from_hours(1));
    }
}

/// For somebody who runs the file by hand.
pub fn usage() -> ExitCode {
    say(
        "this is /init of an initramfs made by `provisioner installer-image`; it only runs as PID 1",
    );
    ExitCode::from(64)
}

/// Mounts what the worker reads. What is mounted already stays.
fn prepare() {
    let none = None::<&str>;
    for (kind, at) in [("proc", "/proc"), ("sysfs", "/sys"), ("devtmpfs", "/dev")] {
        let made = fs::create_dir_all(at);
        if let Err(error) = mount(Some(kind), at, Some(kind), MsFlags::MS_NOSUID, none)
            && error != nix::errno::Errno::EBUSY
        {
            say(&format!("cannot mount {at}: {error} ({made:?})"));
        }
    }
    // The root is a RAM file system: a directory will do.
    if let Err(error) = fs::create_dir_all("/run") {
        say(&format!("cannot make /run: {error}"));
    }
}

fn follow(status: ExitStatus) -> (Duration, RebootMode) {
    match status.code().and_then(|code| u8::try_from(code).ok()) {
        Some(exit::REBOOT) => (Duration::ZERO, RebootMode::RB_AUTOBOOT),
        Some(exit::POWEROFF) => (Duration::ZERO, RebootMode::RB_POWER_OFF),
        Some(exit::REFUSED) => (AFTER_REFUSAL, RebootMode::RB_AUTOBOOT),
        Some(exit::FAILED) => (AFTER_FAILURE, RebootMode::RB_AUTOBOOT),
        _ => {
            let words = fs::read_to_string(LAST_WORDS)
                .unwrap_or_else(|_| "it left no word; was the memory too small?".to_owned());
            let reason = format!("the installer died ({status}): {words}");
            say(&reason);
            report(reason);
            (AFTER_FAILURE, RebootMode::RB_AUTOBOOT)
        }
    }
}

/// The worker's death, told to the server: the network that it set up is still there.
fn report(reason: String) {
    let cmdline = fs::read_to_string("/proc/cmdline").unwrap_or_default();
    let Ok(kargs) = kargs::parse(&cmdline) else {
        return;
    };
    let server = Server::new(&kargs.url, &kargs.token, kargs.mac.seed());
    let failed = Failed { stage: stage_of(Path::new(STAGE)), reason, retryable: true };
    for _ in 0..LAST_REPORTS {
        match server.call::<_, Ack>("/v1/node/failed", &failed) {
            Err(CallError::Again { .. }) => sleep(Duration::from_secs(3)),
            Ok(_) | Err(CallError::Refused { .. }) => return,
        }
    }
}

fn stage_of(file: &Path) -> Stage {
    let text = fs::read_to_string(file).unwrap_or_default();
    serde_json::from_str(&text).unwrap_or(Stage::Disk)
}

fn say(line: &str) {
    // Standard error is /dev/console; nothing can be done when it is gone.
    let _ = writeln!(std::io::stderr(), "installer: {line}");
}

#[cfg(test)]
mod tests {
    use std::os::unix::process::ExitStatusExt;

    use super::*;
    use crate::progress::Progress;

    #[test]
    fn each_way_in_which_the_worker_ends_has_its_wait_and_its_restart() {
        for (code, wait, how) in [
            (exit::REBOOT, Duration::ZERO, RebootMode::RB_AUTOBOOT),
            (exit::POWEROFF, Duration::ZERO, RebootMode::RB_POWER_OFF),
            (exit::REFUSED, AFTER_REFUSAL, RebootMode::RB_AUTOBOOT),
            (exit::FAILED, AFTER_FAILURE, RebootMode::RB_AUTOBOOT),
        ] {
            let status = ExitStatus::from_raw(i32::from(code) << 8);
            assert_eq!(follow(status), (wait, how), "{code}");
        }
    }

    #[test]
    fn a_worker_that_was_killed_restarts_the_machine_after_a_while() {
        // Killed by signal 9; this test's machine has no server to tell.
        let killed = ExitStatus::from_raw(9);
        assert_eq!(follow(killed), (AFTER_FAILURE, RebootMode::RB_AUTOBOOT));
    }

    #[test]
    fn the_stage_that_the_worker_noted_is_the_one_that_is_told() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("stage");
        assert_eq!(stage_of(&file), Stage::Disk);
        Progress::noted_in(&file).enter(Stage::Verify, 0, "");
        assert_eq!(stage_of(&file), Stage::Verify);
    }
}
