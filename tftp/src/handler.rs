//! The door between async-tftp and a source.

use std::io;
use std::net::SocketAddr;
use std::path::Path;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use async_tftp::packet::Error as PacketError;
use async_tftp::server::Handler;
use bytes::{Buf, Bytes};
use futures_io::{AsyncRead, AsyncWrite};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::JoinHandle;
use tokio::time::Instant;

use crate::event::{Event, What};
use crate::name::normalise;
use crate::source::{Refused, Source};

/// How long all other clients wait for one slow open.
const PATIENCE: Duration = Duration::from_millis(100);

pub(crate) type Observer = Arc<dyn Fn(Event) + Send + Sync>;

pub(crate) struct Door<S> {
    pub(crate) source: Arc<S>,
    pub(crate) observer: Observer,
    pub(crate) sessions: Arc<Semaphore>,
    pub(crate) stopping: Arc<AtomicBool>,
    /// The least time that async-tftp takes to give a silent client up.
    pub(crate) gives_up_after: Duration,
}

impl<S: Source> Handler for Door<S> {
    type Reader = Transfer;
    type Writer = Never;

    async fn read_req_open(
        &mut self,
        client: &SocketAddr,
        path: &Path,
    ) -> Result<(Transfer, Option<u64>), PacketError> {
        let asked = path.to_string_lossy();
        let name = normalise(&asked);
        let log = Log {
            observer: Arc::clone(&self.observer),
            client: *client,
            name: name.clone().unwrap_or_else(|| asked.escape_default().to_string()),
        };
        log.event(What::Requested);
        match self.open(&log, name).await {
            Ok(opened) => Ok(opened),
            Err(refused) => {
                log.refused(&refused);
                Err(packet_error(&refused))
            }
        }
    }

    async fn write_req_open(
        &mut self,
        client: &SocketAddr,
        path: &Path,
        _size: Option<u64>,
    ) -> Result<Never, PacketError> {
        let name = path.to_string_lossy().escape_default().to_string();
        tracing::info!(tftp.client = %client, tftp.name = name, "refused {client} to write {name}");
        (self.observer)(Event { client: *client, name, what: What::WriteRefused });
        Err(PacketError::PermissionDenied)
    }
}

impl<S: Source> Door<S> {
    async fn open(
        &self,
        log: &Log,
        name: Option<String>,
    ) -> Result<(Transfer, Option<u64>), Refused> {
        let name = name.ok_or(Refused::NotFound)?;
        if self.stopping.load(Ordering::Relaxed) {
            return Err(Refused::Unavailable("server is stopping".into()));
        }
        let session = Arc::clone(&self.sessions)
            .try_acquire_owned()
            .map_err(|_| Refused::Unavailable("too many transfers, try again".into()))?;
        let (source, client) = (Arc::clone(&self.source), log.client);
        // Its own task: a panic in there must not end the service.
        let mut opening = tokio::spawn(async move { source.open(client, &name).await });
        let content = match tokio::time::timeout(PATIENCE, &mut opening).await {
            Ok(opened) => Content::Here(opened.unwrap_or_else(|_| Err(broken()))?),
            Err(_elapsed) => Content::Opening(opening),
        };
        let size = match &content {
            Content::Here(bytes) => Some(bytes.len() as u64),
            Content::Opening(_) => None,
        };
        let began = Instant::now();
        let transfer = Transfer {
            log: log.clone(),
            content,
            taken: 0,
            began,
            ended: None,
            gives_up_after: self.gives_up_after,
            refused: false,
            _session: session,
        };
        Ok((transfer, size))
    }
}

/// What is read by async-tftp block by block, and dropped by it at the end.
pub(crate) struct Transfer {
    log: Log,
    content: Content,
    taken: u64,
    began: Instant,
    /// When the end was read: the last block is on its way, not yet acknowledged.
    ended: Option<Instant>,
    gives_up_after: Duration,
    refused: bool,
    _session: OwnedSemaphorePermit,
}

enum Content {
    Here(Bytes),
    Opening(JoinHandle<Result<Bytes, Refused>>),
}

impl AsyncRead for Transfer {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut [u8],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let bytes = match ready!(this.poll_content(cx)) {
            Ok(bytes) => bytes,
            Err(refused) => return Poll::Ready(Err(io_error(&refused))),
        };
        let length = buffer.len().min(bytes.len());
        if let Some(target) = buffer.get_mut(..length) {
            bytes.copy_to_slice(target);
        }
        this.taken += length as u64;
        if length == 0 && !buffer.is_empty() {
            this.ended.get_or_insert_with(Instant::now);
        }
        Poll::Ready(Ok(length))
    }
}

impl Transfer {
    fn poll_content(&mut self, cx: &mut Context<'_>) -> Poll<Result<&mut Bytes, Refused>> {
        if let Content::Opening(opening) = &mut self.content {
            let opened = ready!(Pin::new(opening).poll(cx)).unwrap_or_else(|_| Err(broken()));
            match opened {
                Ok(bytes) => self.content = Content::Here(bytes),
                Err(refused) => {
                    self.refused = true;
                    self.log.refused(&refused);
                    return Poll::Ready(Err(refused));
                }
            }
        }
        match &mut self.content {
            Content::Here(bytes) => Poll::Ready(Ok(bytes)),
            Content::Opening(_) => Poll::Pending,
        }
    }
}

impl Drop for Transfer {
    fn drop(&mut self) {
        if let Content::Opening(opening) = &self.content {
            opening.abort();
        }
        if self.refused {
            return;
        }
        let now = Instant::now();
        let (bytes, duration) = (self.taken, now - self.began);
        let acknowledged = self.ended.is_some_and(|ended| now - ended < self.gives_up_after);
        let Log { client, name, .. } = &self.log;
        if acknowledged {
            tracing::debug!(tftp.client = %client, tftp.name = name, bytes, "sent {name} to {client}");
            self.log.event(What::Sent { bytes, duration });
        } else {
            tracing::debug!(
                tftp.client = %client, tftp.name = name, bytes,
                "{client} gave up {name} after at most {bytes} bytes",
            );
            self.log.event(What::Abandoned { bytes, duration });
        }
    }
}

/// Whose request it is, for whoever wants to know.
#[derive(Clone)]
struct Log {
    observer: Observer,
    client: SocketAddr,
    name: String,
}

impl Log {
    fn event(&self, what: What) {
        (self.observer)(Event { client: self.client, name: self.name.clone(), what });
    }

    fn refused(&self, refused: &Refused) {
        let Self { client, name, .. } = self;
        tracing::info!(tftp.client = %client, tftp.name = name, "refused {client} {name}: {refused}");
        self.event(What::Refused(refused.clone()));
    }
}

fn broken() -> Refused {
    Refused::Unavailable("internal error, see the server's log".into())
}

fn packet_error(refused: &Refused) -> PacketError {
    match refused {
        Refused::NotFound => PacketError::FileNotFound,
        Refused::NotAllowed => PacketError::PermissionDenied,
        Refused::Unavailable(why) => PacketError::Msg(why.clone()),
    }
}

/// async-tftp makes codes 1 and 2 of these kinds; of any other, code 0 and no text of ours.
fn io_error(refused: &Refused) -> io::Error {
    match refused {
        Refused::NotFound => io::ErrorKind::NotFound.into(),
        Refused::NotAllowed => io::ErrorKind::PermissionDenied.into(),
        Refused::Unavailable(_) => io::Error::other(refused.to_string()),
    }
}

/// Nothing is ever written: there is no value of this type.
pub(crate) enum Never {}

impl AsyncWrite for Never {
    fn poll_write(self: Pin<&mut Self>, _: &mut Context<'_>, _: &[u8]) -> Poll<io::Result<usize>> {
        match *self {}
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        match *self {}
    }

    fn poll_close(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        match *self {}
    }
}
