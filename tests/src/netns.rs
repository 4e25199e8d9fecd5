//! A wire of one's own: a network namespace with a bridge `br0` (10.77.0.1/24) and one tap per machine.
//!
//! Every interface lives inside the namespace, so only the namespace's name has to be unique: it is
//! `lab-PID-N` of the process that made it. `/run/provisioner-lab/NAME/` holds the lab's sockets and a lock
//! that lives as long as that process; what is left of a process that was killed is swept by the next lab.

use std::fs::{self, File};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result, anyhow, bail};
use nix::sched::{CloneFlags, setns};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

/// Address of the bridge: the provisioner's.
pub const ADDRESS: &str = "10.77.0.1";
/// The bridge.
pub const BRIDGE: &str = "br0";

const RUN: &str = "/run/provisioner-lab";
const LOCK: &str = "lock";
const KEPT: &str = "kept";

/// A namespace. Dropping it ends every process in it and removes it.
#[derive(Debug)]
pub struct Netns {
    name: String,
    run: PathBuf,
    /// Locked while this process lives.
    _lock: File,
    keep: bool,
}

impl Netns {
    /// Makes a namespace with its bridge, after sweeping what killed labs have left behind.
    ///
    /// # Errors
    /// When not run by root, or when `ip` fails.
    pub fn create() -> Result<Self> {
        if !nix::unistd::geteuid().is_root() {
            bail!("the lab makes network namespaces and taps: run it as root");
        }
        sweep()?;
        let name = format!("lab-{}-{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
        let run = Path::new(RUN).join(&name);
        fs::create_dir_all(&run).with_context(|| format!("cannot make {}", run.display()))?;
        let lock = locked(&run)?;
        let netns = Self { name, run, _lock: lock, keep: false };
        ip(&["netns", "add", &netns.name])?;
        netns.ip(&["link", "set", "lo", "up"])?;
        netns.ip(&[
            "link",
            "add",
            BRIDGE,
            "type",
            "bridge",
            "stp_state",
            "0",
            "forward_delay",
            "0",
        ])?;
        netns.ip(&["addr", "add", &format!("{ADDRESS}/24"), "dev", BRIDGE])?;
        netns.ip(&["link", "set", BRIDGE, "up"])?;
        Ok(netns)
    }

    /// Its name: `ip netns exec NAME …` looks inside.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Directory for sockets: short enough for a socket's address.
    pub fn run_dir(&self) -> &Path {
        &self.run
    }

    /// Leaves everything up when this is dropped.
    ///
    /// # Errors
    /// When the mark that keeps the sweep away cannot be written.
    pub fn keep(&mut self) -> Result<()> {
        fs::write(self.run.join(KEPT), "").context("cannot mark the lab as kept")?;
        self.keep = true;
        Ok(())
    }

    /// Adds a tap to the bridge.
    ///
    /// # Errors
    /// When `ip` fails.
    pub fn add_tap(&self, tap: &str) -> Result<()> {
        self.ip(&["tuntap", "add", tap, "mode", "tap"])?;
        self.ip(&["link", "set", tap, "master", BRIDGE, "up"])
    }

    /// A command inside the namespace, in a process group of its own (Ctrl-C is for the lab to handle).
    pub fn command(&self, program: &Path) -> Command {
        let mut command = Command::new("ip");
        command.args(["netns", "exec", &self.name]).arg(program);
        command.stdin(Stdio::null()).process_group(0);
        command
    }

    /// Runs `task` on a thread of its own inside the namespace: sockets that it opens belong to it.
    ///
    /// # Errors
    /// When the namespace cannot be entered, or what `task` fails with.
    pub fn inside<T: Send>(&self, task: impl FnOnce() -> Result<T> + Send) -> Result<T> {
        let enter = self.entrance()?;
        thread::scope(|scope| {
            let worker = scope.spawn(move || {
                setns(&enter, CloneFlags::CLONE_NEWNET).context("cannot enter the namespace")?;
                task()
            });
            worker.join().map_err(|_| anyhow!("a task inside the namespace panicked"))?
        })
    }

    /// The open namespace, for `setns`.
    ///
    /// # Errors
    /// When it is gone.
    pub fn entrance(&self) -> Result<File> {
        let path = Path::new("/run/netns").join(&self.name);
        File::open(&path).with_context(|| format!("cannot open {}", path.display()))
    }

    fn ip(&self, args: &[&str]) -> Result<()> {
        let mut all = vec!["-n", &self.name];
        all.extend(args);
        ip(&all)
    }
}

impl Drop for Netns {
    fn drop(&mut self) {
        if !self.keep {
            remove(&self.name);
        }
    }
}

/// Takes down the labs of processes that are gone (a SIGKILL, a crash), but none that was kept on purpose.
///
/// # Errors
/// When the directory of labs cannot be read.
pub fn sweep() -> Result<()> {
    for name in names()? {
        let run = Path::new(RUN).join(&name);
        let orphan = match File::open(run.join(LOCK)) {
            Ok(lock) => lock.try_lock().is_ok(),
            // Just being made, or being removed.
            Err(_) => false,
        };
        if orphan && !run.join(KEPT).exists() {
            remove(&name);
        }
    }
    Ok(())
}

/// Takes down the labs that were kept: all, or the one of this name. Gives their names.
///
/// # Errors
/// When the directory of labs cannot be read.
pub fn stop_kept(only: Option<&str>) -> Result<Vec<String>> {
    let mut stopped = Vec::new();
    for name in names()? {
        let kept = Path::new(RUN).join(&name).join(KEPT).exists();
        if kept && only.is_none_or(|only| only == name) {
            remove(&name);
            stopped.push(name);
        }
    }
    Ok(stopped)
}

/// Locked before it gets its name, so that no sweep sees it unlocked.
fn locked(run: &Path) -> Result<File> {
    let new = run.join("lock.new");
    let lock = File::create(&new).context("cannot make the lab's lock")?;
    lock.try_lock().context("cannot lock the lab's lock")?;
    fs::rename(new, run.join(LOCK)).context("cannot place the lab's lock")?;
    Ok(lock)
}

static COUNT: AtomicU32 = AtomicU32::new(0);

fn names() -> Result<Vec<String>> {
    let entries = match fs::read_dir(RUN) {
        Ok(entries) => entries,
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(e) => return Err(e).with_context(|| format!("cannot read {RUN}")),
    };
    let mut names = Vec::new();
    for entry in entries {
        names.push(entry?.file_name().to_string_lossy().into_owned());
    }
    Ok(names)
}

/// Best effort: it runs on the way out, where nobody can act on an error.
fn remove(name: &str) {
    for _ in 0..20 {
        let pids = pids(name);
        if pids.is_empty() {
            break;
        }
        for pid in pids {
            let _ = kill(pid, Signal::SIGKILL);
        }
        thread::sleep(Duration::from_millis(50));
    }
    let _ = ip(&["netns", "del", name]);
    let _ = fs::remove_dir_all(Path::new(RUN).join(name));
}

/// Processes inside the namespace; none when it is not there.
fn pids(name: &str) -> Vec<Pid> {
    let output = Command::new("ip").args(["netns", "pids", name]).stdin(Stdio::null()).output();
    let Ok(output) = output else {
        return Vec::new();
    };
    let me = i32::try_from(std::process::id()).unwrap_or_default();
    String::from_utf8_lossy(&output.stdout)
        .lines()
        .filter_map(|line| line.trim().parse().ok())
        // A thread of ours may still be inside.
        .filter(|&pid| pid != me)
        .map(Pid::from_raw)
        .collect()
}

fn ip(args: &[&str]) -> Result<()> {
    let output = Command::new("ip")
        .args(args)
        .stdin(Stdio::null())
        .output()
        .context("cannot run `ip`: is iproute2 installed?")?;
    if !output.status.success() {
        bail!("`ip {}`: {}", args.join(" "), String::from_utf8_lossy(&output.stderr).trim());
    }
    Ok(())
}
