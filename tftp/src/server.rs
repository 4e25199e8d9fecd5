//! The socket, the limits and the end of the service.

use std::io;
use std::net::{SocketAddr, UdpSocket};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use async_tftp::server::{TftpServer, TftpServerBuilder};
use tokio::sync::Semaphore;

use crate::event::Event;
use crate::handler::Door;
use crate::source::Source;

/// What one client and all together may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// The largest block, in bytes: larger wishes (RFC 2348) get this one. 1468 is what an Ethernet
    /// frame holds.
    pub block_size: u16,
    /// The largest window, in blocks (RFC 7440).
    pub window_size: u16,
    /// How long to wait for an acknowledgement before repeating, unless the client says (RFC 2349).
    pub timeout: Duration,
    /// How often a window is repeated before the client is given up.
    pub retries: u32,
    /// Transfers at a time; further requests are refused.
    pub sessions: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            block_size: 1468,
            window_size: 64,
            timeout: Duration::from_secs(1),
            retries: 10,
            sessions: 512,
        }
    }
}

/// Why the server cannot listen.
#[derive(Debug, thiserror::Error)]
#[error("cannot listen for TFTP on UDP {address}")]
pub struct BindError {
    /// The address asked for.
    pub address: SocketAddr,
    /// What the operating system says.
    pub source: io::Error,
}

/// Why serving ended by itself.
#[derive(Debug, thiserror::Error)]
#[error("the TFTP socket failed: {0}")]
pub struct ServeError(String);

/// A TFTP server that listens.
pub struct Server<S: Source> {
    inner: TftpServer<Door<S>>,
    address: SocketAddr,
    stopping: Arc<AtomicBool>,
    sessions: Arc<Semaphore>,
    limits: Limits,
}

impl<S: Source> Server<S> {
    /// Listens on `address`, usually port 69. `observer` is told of every step; it is called in the
    /// middle of the service and must not block.
    ///
    /// # Errors
    /// If the address cannot be listened on.
    pub async fn bind(
        address: SocketAddr,
        source: Arc<S>,
        observer: impl Fn(Event) + Send + Sync + 'static,
        limits: Limits,
    ) -> Result<Self, BindError> {
        let failed = |source| BindError { address, source };
        let socket = UdpSocket::bind(address).map_err(failed)?;
        let bound = socket.local_addr().map_err(failed)?;
        let stopping = Arc::new(AtomicBool::new(false));
        let sessions = Arc::new(Semaphore::new(limits.sessions));
        let door = Door {
            source,
            observer: Arc::new(observer),
            sessions: Arc::clone(&sessions),
            stopping: Arc::clone(&stopping),
            gives_up_after: shortest_silence(limits),
        };
        let inner = TftpServerBuilder::with_handler(door)
            .std_socket(socket)
            .map_err(|error| failed(io::Error::other(error)))?
            .block_size_limit(limits.block_size)
            .window_size_limit(limits.window_size)
            .timeout(limits.timeout)
            .max_send_retries(limits.retries)
            .build()
            .await
            .map_err(|error| failed(io::Error::other(error)))?;
        Ok(Self { inner, address: bound, stopping, sessions, limits })
    }

    /// The address listened on.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Serves until `stop` completes; then refuses new requests, lets the transfers that run go on
    /// for at most `grace`, and returns. Wants a tokio runtime.
    ///
    /// # Errors
    /// If the socket fails.
    pub async fn serve(
        self,
        stop: impl Future<Output = ()>,
        grace: Duration,
    ) -> Result<(), ServeError> {
        let Self { inner, stopping, sessions, limits, .. } = self;
        let stopped = async move {
            stop.await;
            stopping.store(true, Ordering::Relaxed);
            let all = u32::try_from(limits.sessions).unwrap_or(u32::MAX);
            // All permits back means that no transfer runs.
            drop(tokio::time::timeout(grace, sessions.acquire_many(all)).await);
        };
        tokio::select! {
            result = inner.serve() => result.map_err(|error| ServeError(error.to_string())),
            () = stopped => Ok(()),
        }
    }
}

impl<S: Source> std::fmt::Debug for Server<S> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut debug = f.debug_struct("Server");
        debug.field("address", &self.address).field("limits", &self.limits).finish_non_exhaustive()
    }
}

/// The least time from a packet to giving its client up. A client may choose a timeout of its own,
/// but none under a second.
fn shortest_silence(limits: Limits) -> Duration {
    limits.timeout.min(Duration::from_secs(1)).saturating_mul(limits.retries.saturating_add(1))
}
