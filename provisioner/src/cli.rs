//! The command line: what was typed, and what it means.

use std::ffi::OsString;
use std::io::{self, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand};
use tracing_subscriber::EnvFilter;

use crate::config::{LogFormat, Overrides, Settings};
use crate::domain::catalog::Fault;
use crate::installer_image::{self, Drivers};
use crate::offline_plan;
use crate::server::catalog::Serving;
use crate::server::daemon::{self, End};

/// Bad configuration or catalog: EX_USAGE of sysexits.h.
const USAGE: u8 = 64;

/// Turns racks of blank machines into running clusters.
#[derive(Debug, Parser)]
#[command(version, about, long_about = None)]
struct Typed {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run the appliance in the foreground.
    Serve(Where),
    /// Load configuration and catalog, render every profile, report every fault; exit 0 or 64.
    Check(Where),
    /// Say what a change of the catalog would change for every node, without a daemon.
    Plan(offline_plan::Typed),
    /// Make the kernel and initramfs that install machines.
    InstallerImage(InstallerImage),
    /// Make the data directory and the keys that sign what machines fetch; keep what is there.
    Init(Init),
}

#[derive(Debug, Args)]
struct Init {
    /// Configuration file; without one, defaults.
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Where everything that must survive is kept.
    #[arg(long, value_name = "DIR")]
    data_dir: Option<PathBuf>,
    /// Make the OpenPGP key RSA 3072 instead of Ed25519: GRUB knows no Ed25519. One key signs all,
    /// so take this when a GRUB with `check_signatures=enforce` is to boot; gpg reads both.
    #[arg(long)]
    rsa: bool,
}

#[derive(Debug, Args)]
struct Where {
    /// Configuration file; without one, defaults.
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// The interface to serve.
    #[arg(long, value_name = "IF")]
    interface: Option<String>,
    /// Where everything that must survive is kept.
    #[arg(long, value_name = "DIR")]
    data_dir: Option<PathBuf>,
    /// Directory with groups, profiles and templates.
    #[arg(long, value_name = "DIR")]
    catalog: Option<PathBuf>,
}

#[derive(Debug, Args)]
struct InstallerImage {
    /// The distribution's kernel.
    #[arg(long, value_name = "FILE")]
    kernel: PathBuf,
    /// Its modules: `/lib/modules/VERSION`, with `modules.dep` (see depmod).
    #[arg(long, value_name = "DIR")]
    modules: PathBuf,
    /// Where `vmlinuz` and `initrd.img` go: `ASSETS/installer/x86_64`.
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    /// The installer's binary, statically linked; default: `installer` beside this program.
    #[arg(long, value_name = "FILE")]
    agent: Option<PathBuf>,
    /// Which drivers go in.
    #[arg(long, value_enum, default_value_t = WhichDrivers::All)]
    drivers: WhichDrivers,
}

#[derive(Debug, Clone, Copy, clap::ValueEnum)]
enum WhichDrivers {
    /// Storage and network of servers and of virtual machines.
    All,
    /// Virtual machines only.
    Virtio,
}

/// Runs what was typed.
pub fn run(argv: impl IntoIterator<Item = OsString>) -> ExitCode {
    let typed = match Typed::try_parse_from(argv) {
        Ok(typed) => typed,
        Err(error) => {
            // A closed terminal is no reason to fail.
            let _ = error.print();
            return if error.use_stderr() { ExitCode::from(USAGE) } else { ExitCode::SUCCESS };
        }
    };
    match typed.command {
        Command::Serve(place) => serve(place),
        Command::Check(place) => check(place),
        Command::Plan(typed) => offline_plan::run(&typed),
        Command::InstallerImage(wanted) => installer_image(wanted),
        Command::Init(wanted) => init(wanted),
    }
}

fn settings(place: Where) -> Result<Settings, ExitCode> {
    let Where { config, interface, data_dir, catalog } = place;
    let overrides = Overrides { interface, data_dir, catalog };
    Settings::load(config.as_deref(), &overrides).map_err(|faults| {
        complain(&faults.to_string());
        ExitCode::from(USAGE)
    })
}

fn serve(place: Where) -> ExitCode {
    let settings = match settings(place) {
        Ok(settings) => settings,
        Err(code) => return code,
    };
    start_log(&settings);
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            complain(&format!("cannot start: {error}"));
            return ExitCode::FAILURE;
        }
    };
    match runtime.block_on(daemon::run(settings)) {
        End::Stopped => ExitCode::SUCCESS,
        End::Catalog(faults) => refuse(&faults),
        End::Failed(error) => {
            complain(&format!("provisioner: {error:#}"));
            ExitCode::FAILURE
        }
    }
}

fn check(place: Where) -> ExitCode {
    let settings = match settings(place) {
        Ok(settings) => settings,
        Err(code) => return code,
    };
    match Serving::newest_of(&settings.catalog, &settings.data_dir) {
        Ok(serving) => {
            let catalog = serving.current();
            for warning in serving.standing().warnings {
                complain(&format!("warning: {warning}"));
            }
            say(&format!(
                "catalog {} from {}: {} groups, {} profiles, no faults",
                catalog.id(),
                serving.path(),
                catalog.groups().len(),
                catalog.profiles().count()
            ));
            ExitCode::SUCCESS
        }
        Err(faults) => refuse(&faults),
    }
}

fn refuse(faults: &[Fault]) -> ExitCode {
    for fault in faults {
        complain(&fault.to_string());
    }
    complain(&format!("the catalog has {} fault(s)", faults.len()));
    ExitCode::from(USAGE)
}

fn installer_image(wanted: InstallerImage) -> ExitCode {
    let InstallerImage { kernel, modules, out, agent, drivers } = wanted;
    let drivers = match drivers {
        WhichDrivers::All => Drivers::All,
        WhichDrivers::Virtio => Drivers::Virtio,
    };
    let options = installer_image::Options { kernel, modules, out, agent, drivers };
    match installer_image::build(&options) {
        Ok(report) => {
            say(&format!(
                "{}: kernel {}, {} modules, initramfs {:.1} MB ({:.1} MB unpacked), kernel {:.1} MB",
                options.out.display(),
                report.release,
                report.modules,
                megabytes(report.initrd_bytes),
                megabytes(report.unpacked_bytes),
                megabytes(report.kernel_bytes)
            ));
            ExitCode::SUCCESS
        }
        Err(error) => {
            complain(&format!("provisioner: {}", crate::server::recorder::chain(&error)));
            ExitCode::FAILURE
        }
    }
}

fn init(wanted: Init) -> ExitCode {
    let Init { config, data_dir, rsa } = wanted;
    let settings = match settings(Where { config, interface: None, data_dir, catalog: None }) {
        Ok(settings) => settings,
        Err(code) => return code,
    };
    let mut done = Vec::new();
    let result = crate::init::init(&settings, rsa, &mut done);
    for line in done {
        say(&line);
    }
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            complain(&format!("provisioner: {error:#}"));
            ExitCode::FAILURE
        }
    }
}

#[expect(clippy::cast_precision_loss, reason = "shown with one digit behind the point")]
fn megabytes(bytes: u64) -> f64 {
    bytes as f64 / 1e6
}

fn start_log(settings: &Settings) {
    let filter = EnvFilter::new(settings.log.level.name());
    let log = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(io::stderr)
        .with_target(false);
    match settings.log.format {
        LogFormat::Text => log.with_ansi(false).init(),
        LogFormat::Json => log.json().init(),
    }
}

fn say(text: &str) {
    // A closed pipe is no reason to fail.
    let _ = writeln!(io::stdout(), "{text}");
}

fn complain(text: &str) {
    let _ = writeln!(io::stderr(), "{text}");
}
