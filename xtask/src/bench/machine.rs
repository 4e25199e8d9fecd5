//! What the numbers were measured on.

use std::fs;
use std::hint::black_box;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use super::random::Random;

/// Steps of the fixed loop.
const STEPS: u32 = 300_000_000;

/// Lines about the machine: processor, kernel, load.
pub(super) fn about() -> Vec<String> {
    let cpu = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = cpu.lines().find_map(|line| line.strip_prefix("model name")?.split_once(": "));
    let model = model.map_or("unknown processor", |(_, model)| model);
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let kernel = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    vec![
        format!("machine: {cores} × {model}, Linux {}", kernel.trim()),
        format!("fixed loop, one core: {:.0} million steps of SplitMix64 a second", speed()),
        load(),
    ]
}

/// The load of the last minutes.
pub(super) fn load() -> String {
    let load = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    let three: Vec<&str> = load.split(' ').take(3).collect();
    format!("load (1, 5, 15 min): {}", three.join(", "))
}

/// Millions of steps a second.
fn speed() -> f64 {
    let began = Instant::now();
    let mut random = Random::new(1);
    for _ in 0..STEPS {
        black_box(random.next());
    }
    f64::from(STEPS) / began.elapsed().as_secs_f64() / 1e6
}

/// What a program says of its version.
pub(super) fn version(program: &Path, flag: &str) -> String {
    let told = Command::new(program).arg(flag).output();
    let told = told.map(|told| String::from_utf8_lossy(&told.stdout).trim().to_owned());
    told.unwrap_or_else(|_| "unknown".to_owned())
}

/// The commit that is checked out.
pub(super) fn commit() -> String {
    let told = Command::new("git")
        .args(["describe", "--always", "--dirty"])
        .current_dir(crate::run::root())
        .output();
    let told = told.map(|told| String::from_utf8_lossy(&told.stdout).trim().to_owned());
    told.unwrap_or_else(|_| "unknown".to_owned())
}

/// Processor time that a process has used.
pub(super) fn cpu(pid: u32) -> Duration {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    // Behind the name, which may hold blanks: utime and stime are fields 14 and 15 of proc(5).
    let fields = stat.rsplit_once(')').map_or("", |(_, rest)| rest);
    let ticks = fields.split_whitespace().skip(11).take(2).filter_map(|t| t.parse::<u64>().ok());
    // USER_HZ is 100 on every architecture that this is for.
    Duration::from_millis(ticks.sum::<u64>() * 10)
}

/// Resident memory of a process in kB.
pub(super) fn rss(pid: u32) -> u64 {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    line.and_then(|line| line.split_whitespace().next()?.parse().ok()).unwrap_or_default()
}
