//! The work of one boot, from drivers to the last report.

use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::ExitCode;
use std::sync::mpsc::channel;
use std::thread::{self, sleep};
use std::time::{Duration, Instant};

use api::node::{Ack, After, Claim, Disk, InstallOrder, Installed, Stage};

use crate::choose::{Candidate, choose};
use crate::fetch::Context;
use crate::install::{self, Done};
use crate::inventory::{self, disks};
use crate::kargs::{self, Kargs};
use crate::log::Log;
use crate::modules::load::Coldplug;
use crate::network;
use crate::progress::Progress;
use crate::scratch::RamDisk;
use crate::server::{CallError, Server};
use crate::stop::Stop;
use crate::supervise::{LAST_WORDS, STAGE, exit};
use crate::target::Target;

/// The machine's own root.
const ROOT: &str = "/";
/// Between looks at `/sys` while something has yet to turn up.
const LOOK: Duration = Duration::from_millis(200);
/// How long the set of devices must stay the same: SCSI and USB buses are searched in the background.
const SETTLED: Duration = Duration::from_millis(600);
/// How long a disk that the order means may take to turn up after the claim (a large SAS fabric).
const DISK_PATIENCE: Duration = Duration::from_secs(45);
/// How long a carrier is waited for before the claim is tried all the same.
const CARRIER_PATIENCE: Duration = Duration::from_mins(1);
/// How long the boot interface may take to turn up.
const INTERFACE_PATIENCE: Duration = Duration::from_mins(5);
const LOG_INTERVAL: Duration = Duration::from_secs(2);
/// Somebody watches: a silent bar for a whole heartbeat looks like a hang.
const PROGRESS_INTERVAL: Duration = Duration::from_secs(3);

/// The worker's life. Its exit code tells PID 1 what to do with the machine.
pub fn run() -> ExitCode {
    std::panic::set_hook(Box::new(|panic| {
        let _ = fs::write(LAST_WORDS, panic.to_string());
        let _ = writeln!(std::io::stderr(), "installer: {panic}");
    }));
    let log = Log::console();
    ExitCode::from(match work(&log) {
        Ok(After::Reboot) => exit::REBOOT,
        Ok(After::Poweroff) => exit::POWEROFF,
        Err(Stop::Refused(reason)) => {
            log.line(format!("{reason}; restarting in 10 s"));
            exit::REFUSED
        }
        Err(Stop::Failed { reason, .. }) => {
            log.line(format!("{reason}; restarting in 30 s"));
            exit::FAILED
        }
    })
}

fn work(log: &Log) -> Result<After, Stop> {
    let early = |reason: String| Stop::lasting(Stage::Disk, reason);
    let cmdline = fs::read_to_string("/proc/cmdline").unwrap_or_default();
    let kargs = kargs::parse(&cmdline).map_err(|error| early(error.to_string()))?;
    let mut drivers = Coldplug::new(log);
    connect(&kargs, &mut drivers, log)?;
    let found = settle(&mut drivers, log);
    let server = Server::new(&kargs.url, &kargs.token, kargs.mac.seed());
    let claim = Claim { inventory: inventory::look(Path::new(ROOT), &found) };
    let uptime = inventory::read("/proc/uptime");
    let uptime = uptime.split(' ').next().unwrap_or_default();
    log.line(format!("claiming at {}, {uptime} s after the kernel's start", kargs.url));
    let order: InstallOrder =
        server.insist("/v1/node/claim", &claim, &sleep, log).map_err(|error| refused(&error))?;
    log.line(format!(
        "claimed: {} ({}), generation {}, boot {}",
        order.hostname, order.node, order.generation, order.boot
    ));
    report_while(&server, &order, &mut drivers, log, kargs.mac.seed())
}

/// Does the order with the heartbeat and the log running beside it.
fn report_while(
    server: &Server,
    order: &InstallOrder,
    drivers: &mut Coldplug,
    log: &Log,
    seed: u64,
) -> Result<After, Stop> {
    let progress = Progress::noted_in(STAGE);
    let allowed = Duration::from_secs((u64::from(order.heartbeat_seconds) / 3).max(1));
    let interval = allowed.min(PROGRESS_INTERVAL);
    let outcome = thread::scope(|scope| {
        // Dropping the sending ends, in whatever way the work ends, ends the two threads.
        let ((end_beat, beat), (end_ship, ship)) = (channel(), channel());
        scope.spawn({
            let progress = &progress;
            move || server.heartbeat(progress, interval, &beat)
        });
        scope.spawn(move || server.ship(log, LOG_INTERVAL, &ship));
        let outcome = carry_out(server, order, drivers, &progress, log, seed);
        drop((end_beat, end_ship));
        outcome
    });
    // Best effort, bounded by the client's own time limit.
    server.ship_once(log);
    outcome
}

fn carry_out(
    server: &Server,
    order: &InstallOrder,
    drivers: &mut Coldplug,
    progress: &Progress,
    log: &Log,
    seed: u64,
) -> Result<After, Stop> {
    let claimed = Instant::now();
    let context = Context { pause: &sleep, log, progress, scratch: &RamDisk, seed };
    let outcome = pick(order, drivers, context).and_then(|disk| {
        let target = open(&disk)?;
        let done = install::install(order, &target, context)?;
        Ok((disk, done))
    });
    match outcome {
        Ok((disk, done)) => {
            let report = installed(disk, done, claimed.elapsed());
            let rate = report.image_bytes / report.took_ms.max(1) / 1000;
            log.line(format!("installed in {} ms, {rate} MB/s", report.took_ms));
            let ack: Ack = server
                .insist("/v1/node/installed", &report, &sleep, log)
                .map_err(|error| refused(&error))?;
            log.line(format!("acknowledged: the node is {}", ack.state));
            Ok(order.after)
        }
        Err(stop) => {
            log.line(stop.to_string());
            if let Some(failed) = stop.report() {
                let ack: Ack = server
                    .insist("/v1/node/failed", &failed, &sleep, log)
                    .map_err(|error| refused(&error))?;
                log.line(format!("failure acknowledged: the node is {}", ack.state));
            }
            Err(stop)
        }
    }
}

fn installed(disk: Disk, done: Done, took: Duration) -> Installed {
    Installed {
        disk,
        sha256: done.sha256,
        image_bytes: done.image_bytes,
        took_ms: u64::try_from(took.as_millis()).unwrap_or(u64::MAX),
    }
}

fn refused(error: &CallError) -> Stop {
    Stop::Refused(error.to_string())
}

/// Drivers until the boot interface is there, then the interface until it carries.
fn connect(kargs: &Kargs, drivers: &mut Coldplug, log: &Log) -> Result<(), Stop> {
    let root = Path::new(ROOT);
    let started = Instant::now();
    let mut looks = 0;
    let name = loop {
        drivers.run(log);
        if let Some(name) = network::find(root, kargs.mac) {
            break name;
        }
        if looks % 50 == 0 {
            log.line(format!("waiting for the interface {}: is its driver on board?", kargs.mac));
        }
        // No interface, no server to tell: starting again is all that is left.
        if started.elapsed() > INTERFACE_PATIENCE {
            let reason = format!("no interface has the MAC {}: its driver is missing", kargs.mac);
            return Err(Stop::retryable(Stage::Disk, reason));
        }
        looks += 1;
        sleep(LOOK);
    };
    network::configure(&name, kargs).map_err(|error| {
        Stop::retryable(Stage::Disk, format!("interface {name} cannot be configured: {error}"))
    })?;
    let started = Instant::now();
    while !network::carrier(root, &name) {
        if started.elapsed() > CARRIER_PATIENCE {
            log.line(format!("{name} has no carrier: is the cable in? trying all the same"));
            break;
        }
        sleep(LOOK);
    }
    log.line(format!("{name} is up with {}/{}", kargs.address, kargs.prefix));
    Ok(())
}

/// Waits until no more disks and no more devices turn up.
fn settle(drivers: &mut Coldplug, log: &Log) -> Vec<Candidate> {
    let root = Path::new(ROOT);
    let mut found = disks::find(root);
    let mut since = Instant::now();
    while since.elapsed() < SETTLED {
        sleep(LOOK);
        let loaded = drivers.run(log);
        let now = disks::find(root);
        if loaded > 0 || now != found {
            since = Instant::now();
        }
        found = now;
    }
    for disk in found.iter().map(|found| &found.disk) {
        log.line(format!(
            "disk {}: {} bytes, serial {:?}, {}, {}",
            disk.name, disk.size_bytes, disk.serial, disk.transport, disk.path
        ));
    }
    found
}

/// The disk that the rule means. One that is not there yet may still turn up.
fn pick(order: &InstallOrder, drivers: &mut Coldplug, context: Context<'_>) -> Result<Disk, Stop> {
    let started = Instant::now();
    let mut told = false;
    loop {
        context.progress.check()?;
        drivers.run(context.log);
        match choose(&order.disk, &disks::find(Path::new(ROOT))) {
            Ok(disk) => {
                context.log.line(format!("chosen: {}, {} bytes", disk.name, disk.size_bytes));
                return Ok(disk.clone());
            }
            Err(refused) if refused.may_change() && started.elapsed() < DISK_PATIENCE => {
                if !std::mem::replace(&mut told, true) {
                    context.log.line(format!("{refused}; waiting for more disks"));
                }
                sleep(LOOK);
            }
            Err(refused) => return Err(Stop::lasting(Stage::Disk, refused.to_string())),
        }
    }
}

fn open(disk: &Disk) -> Result<Target, Stop> {
    let path = Path::new("/dev").join(&disk.name);
    let sector = disks::sector_bytes(Path::new(ROOT), &disk.name);
    Target::open(&path, sector).map_err(|error| {
        let reason = format!("{} cannot be opened for writing: {error}", path.display());
        Stop::lasting(Stage::Disk, reason)
    })
}
