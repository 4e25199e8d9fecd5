//! Fetches an image over HTTP, hashes what comes, and goes on after every broken connection where
//! it stopped: the server may be killed and started again in the middle.

use std::io::Read;
use std::time::Duration;

use sha2::{Digest, Sha256};
use ureq::http::{HeaderMap, Response, StatusCode, header};

use crate::backoff::{Backoff, Pause};
use crate::log::Log;
use crate::progress::Progress;
use crate::scratch::Scratch;

/// Waiting time without one new byte after which fetching is given up.
pub const PATIENCE: Duration = Duration::from_mins(10);

const BUFFER: usize = 128 << 10;

/// What a fetch needs besides the image.
#[derive(Clone, Copy)]
pub struct Context<'a> {
    /// How to wait between tries.
    pub pause: Pause<'a>,
    /// Where trouble is told.
    pub log: &'a Log,
    /// Where fetched bytes are counted, and where the end of this boot is heard.
    pub progress: &'a Progress,
    /// Where file systems are changed.
    pub scratch: &'a dyn Scratch,
    /// Tells machines apart.
    pub seed: u64,
}

impl std::fmt::Debug for Context<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Context").finish_non_exhaustive()
    }
}

/// An image that was fetched to its end. Says nothing about whether it is the right one.
#[derive(Debug)]
#[must_use = "the hash is only known here: verify it"]
pub struct Fetched {
    sha256: String,
    bytes: u64,
}

/// Proof that the bytes fetched are the ones that were ordered. Only [`Fetched::verify`] makes it,
/// and the first MiB cannot be released without it.
#[derive(Debug)]
pub struct Verified {
    sha256: String,
}

impl Verified {
    /// SHA-256 of the bytes as fetched, lower-case hex.
    pub fn sha256(&self) -> &str {
        &self.sha256
    }
}

/// Fetching failed.
#[derive(Debug, thiserror::Error)]
pub enum FetchError {
    /// The receiver has gone: its own error tells why.
    #[error("nobody takes the image any more")]
    Abandoned,
    /// The server will not give it.
    #[error("{url} answers with status {status}: is the image in the library?")]
    Gone {
        /// The image's URL.
        url: String,
        /// HTTP status.
        status: u16,
    },
    /// Another image than at the beginning: its size is another.
    #[error("the image at {url} changed while it was being fetched")]
    Changed {
        /// The image's URL.
        url: String,
    },
    /// Too long without a byte.
    #[error("{url}: no new byte for {waited} s of trying, {bytes} bytes had come; last: {reason}")]
    Unreachable {
        /// The image's URL.
        url: String,
        /// Seconds waited since the last byte.
        waited: u64,
        /// Bytes so far.
        bytes: u64,
        /// Last trouble.
        reason: String,
    },
}

/// The bytes are not the ones that were ordered.
#[derive(Debug, thiserror::Error)]
#[error(
    "the image has SHA-256 {got} ({bytes} bytes), the order says {wanted}: correct the image or the order"
)]
pub struct WrongHash {
    got: String,
    wanted: String,
    bytes: u64,
}

impl Fetched {
    /// Compares with the SHA-256 of the order, 64 hex digits of either case.
    pub fn verify(self, wanted: &str) -> Result<Verified, WrongHash> {
        if self.sha256.eq_ignore_ascii_case(wanted) {
            return Ok(Verified { sha256: self.sha256 });
        }
        Err(WrongHash { got: self.sha256, wanted: wanted.to_owned(), bytes: self.bytes })
    }
}

/// Fetches `url` to its end, handing every piece to `take`, which says whether it wants more.
pub fn fetch(
    url: &str,
    context: Context<'_>,
    take: &mut dyn FnMut(Vec<u8>) -> bool,
) -> Result<Fetched, FetchError> {
    let mut transfer = Transfer::new(url, context);
    let mut backoff = Backoff::new(context.seed);
    let mut before = 0;
    loop {
        let reason = match transfer.attempt(take) {
            Ok(()) => return Ok(transfer.finish()),
            Err(Trouble::Final(error)) => return Err(error),
            Err(Trouble::Again(reason)) => reason,
        };
        if context.progress.check().is_err() {
            return Err(FetchError::Abandoned);
        }
        if transfer.offset > before {
            before = transfer.offset;
            backoff.reset();
        }
        if backoff.waited() >= PATIENCE {
            return Err(FetchError::Unreachable {
                url: url.to_owned(),
                waited: backoff.waited().as_secs(),
                bytes: transfer.offset,
                reason,
            });
        }
        let wait = backoff.step();
        context.log.line(format!(
            "image: {reason} at byte {}; going on in {:.1} s",
            transfer.offset,
            wait.as_secs_f64()
        ));
        (context.pause)(wait);
    }
}

enum Trouble {
    Again(String),
    Final(FetchError),
}

/// A transfer across connections.
struct Transfer<'a> {
    url: &'a str,
    http: ureq::Agent,
    context: Context<'a>,
    hash: Sha256,
    offset: u64,
    total: Option<u64>,
    validator: Option<String>,
}

impl<'a> Transfer<'a> {
    fn new(url: &'a str, context: Context<'a>) -> Self {
        let http = ureq::Agent::config_builder()
            .http_status_as_error(false)
            .timeout_connect(Some(Duration::from_secs(5)))
            .timeout_recv_response(Some(Duration::from_secs(30)))
            .timeout_per_read(Some(Duration::from_secs(30)))
            .proxy(None)
            .build()
            .into();
        Self { url, http, context, hash: Sha256::new(), offset: 0, total: None, validator: None }
    }

    fn finish(self) -> Fetched {
        Fetched { sha256: hex::encode(self.hash.finalize()), bytes: self.offset }
    }

    /// One connection. Comes back well only when the image is complete.
    fn attempt(&mut self, take: &mut dyn FnMut(Vec<u8>) -> bool) -> Result<(), Trouble> {
        let mut request = self.http.get(self.url);
        if self.offset > 0 {
            request = request.header(header::RANGE, format!("bytes={}-", self.offset));
            if let Some(validator) = &self.validator {
                request = request.header(header::IF_RANGE, validator);
            }
        }
        let mut answer = request.call().map_err(|error| Trouble::Again(error.to_string()))?;
        let mut skip = self.judge(&answer)?;
        let mut body = answer.body_mut().as_reader();
        let mut buffer = vec![0; BUFFER];
        loop {
            let read = body.read(&mut buffer).map_err(|error| Trouble::Again(error.to_string()))?;
            if read == 0 {
                break;
            }
            let known = usize::try_from(skip).unwrap_or(read).min(read);
            skip -= known as u64;
            let new = buffer.get(known..read).unwrap_or_default();
            if !new.is_empty() && !self.accept(new, take) {
                return Err(Trouble::Final(FetchError::Abandoned));
            }
        }
        match self.total {
            Some(total) if self.offset < total => {
                Err(Trouble::Again(format!("the connection ended before {total} bytes")))
            }
            _ if skip > 0 => Err(Trouble::Final(self.changed())),
            _ => Ok(()),
        }
    }

    fn accept(&mut self, bytes: &[u8], take: &mut dyn FnMut(Vec<u8>) -> bool) -> bool {
        self.hash.update(bytes);
        self.offset += bytes.len() as u64;
        self.context.progress.done(self.offset);
        take(bytes.to_vec())
    }

    /// Whether this answer goes on with the same image; how many of its bytes are known already.
    fn judge<B>(&mut self, answer: &Response<B>) -> Result<u64, Trouble> {
        let headers = answer.headers();
        let status = answer.status();
        let (skip, total) = match status {
            StatusCode::OK => (self.offset, number(headers, header::CONTENT_LENGTH)),
            StatusCode::PARTIAL_CONTENT if self.offset > 0 => {
                let (start, total) = content_range(headers)
                    .ok_or_else(|| Trouble::Again("the answer has no Content-Range".to_owned()))?;
                if start != self.offset {
                    return Err(Trouble::Again(format!("the answer starts at byte {start}")));
                }
                (0, Some(total))
            }
            StatusCode::RANGE_NOT_SATISFIABLE => return Err(Trouble::Final(self.changed())),
            StatusCode::REQUEST_TIMEOUT | StatusCode::TOO_MANY_REQUESTS => {
                return Err(Trouble::Again(format!("status {status}")));
            }
            _ if status.is_client_error() => {
                return Err(Trouble::Final(FetchError::Gone {
                    url: self.url.to_owned(),
                    status: status.as_u16(),
                }));
            }
            _ => return Err(Trouble::Again(format!("status {status}"))),
        };
        self.same_image(total, strong_validator(headers))?;
        Ok(skip)
    }

    /// Remembers size and validator. A new size is another image. A new validator need not be: a
    /// restarted server may have new tags for old bytes. It then sends all of them (`If-Range`), and
    /// the hash decides.
    fn same_image(&mut self, total: Option<u64>, validator: Option<String>) -> Result<(), Trouble> {
        if self.offset > 0 && total.is_some() && self.total.is_some() && self.total != total {
            return Err(Trouble::Final(self.changed()));
        }
        self.total = total.or(self.total);
        self.validator = validator;
        self.context.progress.total(self.total.unwrap_or(0));
        Ok(())
    }

    fn changed(&self) -> FetchError {
        FetchError::Changed { url: self.url.to_owned() }
    }
}

/// Something that `If-Range` takes (RFC 9110, 13.1.5): a strong entity tag, else the date.
fn strong_validator(headers: &HeaderMap) -> Option<String> {
    let text = |name| Some(headers.get(name)?.to_str().ok()?.to_owned());
    text(header::ETAG)
        .filter(|tag: &String| !tag.starts_with("W/"))
        .or_else(|| text(header::LAST_MODIFIED))
}

fn number(headers: &HeaderMap, name: header::HeaderName) -> Option<u64> {
    headers.get(name)?.to_str().ok()?.trim().parse().ok()
}

/// `bytes 5-9/10`: first byte and total (RFC 9110, 14.4).
fn content_range(headers: &HeaderMap) -> Option<(u64, u64)> {
    let text = headers.get(header::CONTENT_RANGE)?.to_str().ok()?;
    let (range, total) = text.strip_prefix("bytes ")?.split_once('/')?;
    Some((range.split_once('-')?.0.parse().ok()?, total.parse().ok()?))
}
