//! The real `provisioner`, run in the lab's namespace.

use std::fs::{self, File};
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::image::run;
use crate::memory::{self, Memory};
use crate::netns::{ADDRESS, Netns};
use crate::wait;

/// Port of the boot plane.
pub const HTTP_PORT: u16 = 8080;

/// The daemon: stopped, started, killed. Dropping it kills it.
#[derive(Debug)]
pub struct Provisioner {
    program: PathBuf,
    config: PathBuf,
    log: PathBuf,
    process: Option<Child>,
    idle_kib: u64,
    peak_kib: u64,
}

impl Provisioner {
    /// One that will run `program serve --config config` and log to `log`. It is not started.
    pub fn new(program: &Path, config: &Path, log: &Path) -> Self {
        Self {
            program: program.to_owned(),
            config: config.to_owned(),
            log: log.to_owned(),
            process: None,
            idle_kib: 0,
            peak_kib: 0,
        }
    }

    /// Makes the keys that sign what machines fetch, an RSA key among them; keeps those that are there.
    ///
    /// # Errors
    /// When `provisioner init` fails; the message has its words.
    pub fn make_keys(&self) -> Result<()> {
        let mut init = Command::new(&self.program);
        run::run(init.args(["init", "--rsa", "--config"]).arg(&self.config))
    }

    /// Starts it without waiting for anything.
    ///
    /// # Errors
    /// When it runs already or cannot be started.
    pub fn spawn(&mut self, netns: &Netns) -> Result<()> {
        if self.process.is_some() {
            bail!("the provisioner runs already");
        }
        let log = File::options()
            .create(true)
            .append(true)
            .open(&self.log)
            .with_context(|| format!("cannot open {}", self.log.display()))?;
        let child = netns
            .command(&self.program)
            .arg("serve")
            .arg("--config")
            .arg(&self.config)
            .stdout(log.try_clone()?)
            .stderr(log)
            .spawn()
            .with_context(|| format!("cannot start {}", self.program.display()))?;
        self.process = Some(child);
        Ok(())
    }

    /// Starts it and waits until it says that it is ready.
    ///
    /// # Errors
    /// When it ends, or is not ready after 30 seconds; the message has the end of its log.
    pub fn start(&mut self, netns: &Netns) -> Result<()> {
        self.spawn(netns)?;
        wait::until("the provisioner to be ready", Duration::from_secs(30), || {
            self.check()?;
            let answer = get(netns, "/readyz");
            Ok(answer.is_ok_and(|a| a.starts_with("HTTP/1.1 200")).then_some(()))
        })
        .with_context(|| format!("end of its log:\n{}", self.log_tail(30)))?;
        if self.idle_kib == 0 {
            self.idle_kib = self.memory().now_kib;
        }
        Ok(())
    }

    /// Kills it with SIGKILL, as a crash would.
    pub fn kill(&mut self) {
        self.sample();
        if let Some(mut child) = self.process.take() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }

    /// Sends SIGTERM and waits for its end.
    ///
    /// # Errors
    /// When it does not run, or has not ended within `limit`.
    pub fn terminate(&mut self, limit: Duration) -> Result<ExitStatus> {
        self.sample();
        let child = self.process.as_ref().context("the provisioner does not run")?;
        let pid = i32::try_from(child.id()).context("a process id too large")?;
        kill(Pid::from_raw(pid), Signal::SIGTERM).context("cannot send SIGTERM")?;
        self.wait_for_end(limit)
    }

    /// Waits until it ends by itself.
    ///
    /// # Errors
    /// When it does not run, or has not ended within `limit`.
    pub fn wait_for_end(&mut self, limit: Duration) -> Result<ExitStatus> {
        let status = wait::until("the provisioner to end", limit, || {
            let child = self.process.as_mut().context("the provisioner does not run")?;
            child.try_wait().context("cannot ask for the provisioner's state")
        })?;
        self.process = None;
        Ok(status)
    }

    /// Fails when it has ended though nobody asked it to.
    ///
    /// # Errors
    /// When it has ended.
    pub fn check(&mut self) -> Result<()> {
        self.sample();
        if let Some(child) = &mut self.process
            && let Some(status) = child.try_wait().context("cannot ask for its state")?
        {
            bail!("the provisioner ended with {status}");
        }
        Ok(())
    }

    /// Its resident memory now; zero when it does not run.
    pub fn memory(&self) -> Memory {
        self.process.as_ref().map(|child| memory::of(child.id())).unwrap_or_default()
    }

    /// Resident memory in KiB: just after it became ready, and at its peak over all starts.
    pub fn idle_and_peak_kib(&mut self) -> (u64, u64) {
        self.sample();
        (self.idle_kib, self.peak_kib)
    }

    /// The last `lines` lines of its log.
    pub fn log_tail(&self, lines: usize) -> String {
        let text = fs::read_to_string(&self.log).unwrap_or_default();
        let all: Vec<&str> = text.lines().collect();
        all.get(all.len().saturating_sub(lines)..).unwrap_or_default().join("\n")
    }

    /// Lets it live on when this is dropped.
    pub fn forget(&mut self) {
        self.process = None;
    }

    fn sample(&mut self) {
        self.peak_kib = self.peak_kib.max(self.memory().peak_kib);
    }
}

impl Drop for Provisioner {
    fn drop(&mut self) {
        self.kill();
    }
}

/// `GET path` on the boot plane: head and body as they came.
///
/// # Errors
/// When nobody answers within five seconds.
pub fn get(netns: &Netns, path: &str) -> Result<String> {
    Ok(String::from_utf8_lossy(&answer(netns, path)?).into_owned())
}

/// The body that `GET path` on the boot plane gives.
///
/// # Errors
/// When nobody answers within five seconds, or not with 200.
pub fn body(netns: &Netns, path: &str) -> Result<Vec<u8>> {
    let answer = answer(netns, path)?;
    let end = answer.windows(4).position(|four| four == b"\r\n\r\n");
    let (head, body) = end.map_or((&*answer, &[][..]), |end| answer.split_at(end + 4));
    if !head.starts_with(b"HTTP/1.1 200 ") {
        bail!("GET {path}: {}", String::from_utf8_lossy(head).trim());
    }
    Ok(body.to_owned())
}

fn answer(netns: &Netns, path: &str) -> Result<Vec<u8>> {
    let limit = Duration::from_secs(5);
    netns.inside(|| {
        let to: SocketAddr = format!("{ADDRESS}:{HTTP_PORT}").parse()?;
        let mut stream = TcpStream::connect_timeout(&to, limit).context("nobody listens")?;
        stream.set_read_timeout(Some(limit))?;
        write!(stream, "GET {path} HTTP/1.1\r\nHost: {to}\r\nConnection: close\r\n\r\n")?;
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer)?;
        Ok(answer)
    })
}
