//! `/init` of the installer's initramfs; see the library for the whole story.

use std::process::ExitCode;

fn main() -> ExitCode {
    if std::process::id() == 1 {
        return installer::supervise::run();
    }
    if std::env::args().nth(1).as_deref() == Some(installer::supervise::WORKER) {
        return installer::worker::run();
    }
    installer::supervise::usage()
}
