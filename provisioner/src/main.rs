//! `provisioner`: see the library's [`provisioner::cli`].

use std::process::ExitCode;

fn main() -> ExitCode {
    provisioner::cli::run(std::env::args_os())
}
