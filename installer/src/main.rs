//! `/init` of the installer's initramfs; see the library for the whole story.

use std::process::ExitCode;

fn main() -> ExitCode {
    if std::process::id() == 1 {
        return installer::supervise::run();
    }
    let mut arguments = std::env::args();
    if arguments.next().is_some_and(|own| own.ends_with("modprobe")) {
        return installer::modules::load::modprobe(arguments);
    }
    if arguments.next().as_deref() == Some(installer::supervise::WORKER) {
        return installer::worker::run();
    }
    installer::supervise::usage()
}
