//! The load: keep-alive connections on one thread, each asking again as soon as it is answered.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::random::Random;

/// Time for one answer; matchbox needs seconds where it has thousands of groups.
const PATIENCE: Duration = Duration::from_mins(1);

/// What to ask, how often.
#[derive(Debug, Clone)]
pub(super) struct Load {
    pub(super) server: SocketAddr,
    /// Targets: `/ipxe?mac=…`.
    pub(super) targets: Arc<Vec<String>>,
    pub(super) connections: usize,
    pub(super) seed: u64,
    pub(super) how: How,
}

/// In which order, and until when.
#[derive(Debug, Clone, Copy)]
pub(super) enum How {
    /// Each target once.
    Once,
    /// Any target, until this time has passed; `pause`: between answer and next question of a connection.
    Random { length: Duration, pause: Duration },
}

/// What came of it.
#[derive(Debug, Default)]
pub(super) struct Outcome {
    /// When each question began, and the microseconds until its last byte.
    pub(super) answers: Vec<(Instant, u32)>,
    /// Answers that were none, or not 200.
    pub(super) errors: usize,
    pub(super) first_error: Option<String>,
    pub(super) elapsed: Duration,
}

impl Load {
    /// Runs it on a thread of its own runtime; blocks.
    pub(super) fn run(&self) -> Result<Outcome> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        runtime.block_on(self.all())
    }

    async fn all(&self) -> Result<Outcome> {
        let began = Instant::now();
        let next = Arc::new(AtomicUsize::new(0));
        let mut tasks = tokio::task::JoinSet::new();
        for number in 0..self.connections {
            tasks.spawn(one(self.clone(), Arc::clone(&next), number as u64, began));
        }
        let mut sum = Outcome::default();
        while let Some(outcome) = tasks.join_next().await {
            let outcome = outcome.context("a connection's task ended early")?;
            sum.answers.extend(outcome.answers);
            sum.errors += outcome.errors;
            sum.first_error = sum.first_error.or(outcome.first_error);
        }
        sum.elapsed = began.elapsed();
        Ok(sum)
    }
}

async fn one(load: Load, next: Arc<AtomicUsize>, number: u64, began: Instant) -> Outcome {
    let mut random = Random::new(load.seed ^ (number << 32));
    let mut outcome = Outcome::default();
    let mut connection = None;
    loop {
        let target = match load.how {
            How::Once => load.targets.get(next.fetch_add(1, Ordering::Relaxed)),
            How::Random { length, .. } if began.elapsed() >= length => None,
            How::Random { .. } => load.targets.get(random.below(load.targets.len())),
        };
        let Some(target) = target else { return outcome };
        let start = Instant::now();
        let asked = tokio::time::timeout(PATIENCE, asked(&mut connection, load.server, target));
        let wrong = match asked.await {
            Ok(Ok(answer)) if answer.status == 200 => {
                let micros = u32::try_from(start.elapsed().as_micros()).unwrap_or(u32::MAX);
                outcome.answers.push((start, micros));
                None
            }
            Ok(Ok(answer)) => Some(format!("{target}: status {}", answer.status)),
            Ok(Err(error)) => Some(format!("{target}: {error:#}")),
            Err(_) => Some(format!("{target}: no answer within {} s", PATIENCE.as_secs())),
        };
        if let Some(wrong) = wrong {
            connection = None;
            outcome.errors += 1;
            outcome.first_error.get_or_insert(wrong);
        }
        if let How::Random { pause, .. } = load.how
            && !pause.is_zero()
        {
            tokio::time::sleep(pause).await;
        }
    }
}

async fn asked(
    connection: &mut Option<Connection>,
    server: SocketAddr,
    target: &str,
) -> Result<Answer> {
    let connection = match connection {
        Some(connection) => connection,
        None => connection.insert(Connection::to(server).await?),
    };
    connection.get(target).await
}

/// One question on a connection of its own.
pub(super) fn get(server: SocketAddr, target: &str) -> Result<Answer> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let one = async { Connection::to(server).await?.get(target).await };
    runtime.block_on(async { tokio::time::timeout(PATIENCE, one).await })?
}

/// A keep-alive connection.
#[derive(Debug)]
pub(super) struct Connection {
    stream: TcpStream,
    bytes: Vec<u8>,
}

/// An answer.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(super) struct Answer {
    pub(super) status: u16,
    /// Id of the catalog that it came from, where the server says so.
    pub(super) catalog: String,
    pub(super) body: String,
}

impl Connection {
    pub(super) async fn to(server: SocketAddr) -> Result<Self> {
        let stream = TcpStream::connect(server).await?;
        stream.set_nodelay(true)?;
        Ok(Self { stream, bytes: Vec::with_capacity(8192) })
    }

    pub(super) async fn get(&mut self, target: &str) -> Result<Answer> {
        self.bytes.clear();
        self.bytes.extend_from_slice(b"GET ");
        self.bytes.extend_from_slice(target.as_bytes());
        self.bytes.extend_from_slice(b" HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n");
        self.stream.write_all(&self.bytes).await?;
        self.bytes.clear();
        let mut head = None;
        loop {
            if self.stream.read_buf(&mut self.bytes).await? == 0 {
                bail!("the server hung up");
            }
            if head.is_none() {
                head = head_of(&self.bytes)?;
            }
            if let Some((answer, body, end)) = &head
                && self.bytes.len() >= *end
            {
                let body = self.bytes.get(*body..*end).unwrap_or_default();
                let body = String::from_utf8_lossy(body).into_owned();
                return Ok(Answer { body, ..answer.clone() });
            }
        }
    }
}

/// Status and catalog, and where the body begins and ends; `None` until the head is whole.
fn head_of(bytes: &[u8]) -> Result<Option<(Answer, usize, usize)>> {
    let Some(end) = bytes.windows(4).position(|four| four == b"\r\n\r\n") else {
        return Ok(None);
    };
    let head = std::str::from_utf8(bytes.get(..end).unwrap_or_default())?;
    let mut answer = Answer::default();
    let status = head.split(' ').nth(1).and_then(|status| status.parse().ok());
    answer.status = status.context("no HTTP status")?;
    let mut length = None;
    for (key, value) in head.lines().filter_map(|line| line.split_once(": ")) {
        if key.eq_ignore_ascii_case("content-length") {
            length = Some(value.parse::<usize>()?);
        } else if key.eq_ignore_ascii_case("provisioner-catalog") {
            value.clone_into(&mut answer.catalog);
        }
    }
    let length = length.context("an answer without Content-Length; make its body shorter")?;
    Ok(Some((answer, end + 4, end + 4 + length)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_head_says_status_catalog_and_where_its_body_ends() {
        let text = b"HTTP/1.1 404 Not Found\r\nContent-length: 3\r\nProvisioner-Catalog: dir-1\r\n\r\nno\n";
        let (answer, body, end) = head_of(text).unwrap().unwrap();
        assert_eq!((answer.status, answer.catalog.as_str()), (404, "dir-1"));
        assert_eq!(&text[body..end], b"no\n");
        assert_eq!(head_of(&text[..20]).unwrap(), None);
        assert!(head_of(b"HTTP/1.1 200 OK\r\n\r\n").is_err());
    }
}
