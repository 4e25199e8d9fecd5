//! The servers that are measured, each a process of its own on loopback.

use std::fs;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use super::load;
use crate::build::{self, Profile};

/// Time until a server answers: 100,000 groups are read first.
const PATIENCE: Duration = Duration::from_mins(5);

/// Which server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Which {
    Provisioner,
    Matchbox,
}

/// A server that runs. It ends with this.
#[derive(Debug)]
pub(super) struct Server {
    process: Child,
    pub(super) address: SocketAddr,
    /// From its start until it answered.
    pub(super) started_in: Duration,
}

/// The provisioner's release binary.
pub(super) fn provisioner() -> PathBuf {
    build::directory(Profile::Release).join("provisioner")
}

/// `matchbox` on the PATH.
pub(super) fn matchbox() -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path).map(|dir| dir.join("matchbox")).find(|file| file.is_file())
}

impl Server {
    /// Starts it on a catalog and waits until it serves. `data`: where the provisioner keeps its state, and
    /// its log.
    pub(super) fn start(which: Which, catalog: &Path, data: &Path) -> Result<Self> {
        fs::create_dir_all(data)?;
        let address = free()?;
        let began = Instant::now();
        let (mut command, ready) = match which {
            Which::Provisioner => {
                let config = data.join("provisioner.yaml");
                fs::write(&config, configuration(address, free()?, catalog, data))?;
                let mut command = Command::new(provisioner());
                command.args(["serve", "--config"]).arg(config);
                (command, "/readyz")
            }
            Which::Matchbox => {
                let mut command = Command::new(matchbox().context("matchbox is gone")?);
                command.arg(format!("-address={address}")).arg("-data-path").arg(catalog);
                command.arg("-assets-path=");
                (command, "/")
            }
        };
        // Both write a line for each request; where the lines go is not what is measured.
        let log = data.join("log");
        let process = command
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(fs::File::create(&log)?)
            .spawn()
            .with_context(|| format!("{which:?} cannot be started"))?;
        let mut server = Self { process, address, started_in: Duration::ZERO };
        while !load::get(address, ready).is_ok_and(|answer| answer.status == 200) {
            if server.process.try_wait()?.is_some() || began.elapsed() > PATIENCE {
                let log = fs::read_to_string(&log).unwrap_or_default();
                bail!("{which:?} does not serve {}:\n{log}", catalog.display());
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        server.started_in = began.elapsed();
        Ok(server)
    }

    pub(super) fn pid(&self) -> u32 {
        self.process.id()
    }

    /// Waits until what was written is in the history too: it works on in the background.
    pub(super) fn settle(&self) -> Result<()> {
        let began = Instant::now();
        while began.elapsed() < PATIENCE {
            let metrics = load::get(self.address, "/metrics")?.body;
            if metrics.lines().any(|line| line == "provisioner_history_pending 0") {
                return Ok(());
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        bail!("the history is not written after {} s", PATIENCE.as_secs())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // Asked to stop, it writes what it has; one that does not is ended.
        let _ = Command::new("kill").arg(self.process.id().to_string()).status();
        let began = Instant::now();
        while began.elapsed() < Duration::from_secs(20) {
            if !matches!(self.process.try_wait(), Ok(None)) {
                return;
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn configuration(http: SocketAddr, tftp: SocketAddr, catalog: &Path, data: &Path) -> String {
    let (catalog, data) = (catalog.display(), data.display());
    format!(
        "data_dir: {data}\nloaders: {{directory: {data}}}\ncatalog: {{path: {catalog}}}\ndhcp: {{mode: \"off\"}}\n\
         http: {{listen: \"{http}\"}}\ntftp: {{listen: \"{tftp}\"}}\noperator: {{socket: {data}/socket}}\n"
    )
}

/// A port that nobody has now.
fn free() -> Result<SocketAddr> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    Ok(listener.local_addr()?)
}
