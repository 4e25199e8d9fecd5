//! Files: the asset store, with ranges so that a broken transfer goes on where it broke, and the loaders.

use std::io::SeekFrom;
use std::path::{Component, Path, PathBuf};
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::UNIX_EPOCH;

use bytes::Bytes;
use futures_util::Stream;
use http_body_util::{BodyExt, StreamBody};
use hyper::body::Frame;
use hyper::header::{
    ACCEPT_RANGES, CONTENT_LENGTH, CONTENT_RANGE, CONTENT_TYPE, ETAG, HeaderMap, HeaderValue,
    IF_RANGE, RANGE,
};
use hyper::{Response, StatusCode};
use tokio::fs::File;
use tokio::io::{AsyncReadExt, AsyncSeekExt};
use tokio_util::io::ReaderStream;

use super::reply::{self, Body};
use super::target::split_form;
use super::{Asked, Response as Answer, signed};
use crate::domain::timeline::Step;
use crate::server::app::App;
use crate::server::order;

/// Bytes read from a file at once.
const CHUNK: usize = 256 << 10;

/// A boot loader.
pub(super) fn loader(app: &App, name: &str, asked: &Asked) -> Answer {
    let Some(bytes) = app.loaders.get(name) else {
        return reply::not_found();
    };
    app.note_at(asked.address(), Step::Loader, format!("{name} by HTTP"));
    let mut response = Response::new(reply::full(bytes));
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/efi"));
    response
}

/// A file of the asset store.
pub(super) async fn file(app: &App, name: &str, headers: &HeaderMap, asked: &Asked) -> Answer {
    let Some(path) = confined(&app.assets, name).await else {
        // A signature that lies beside its file is served as it is; others are made.
        let (of, form) = split_form(name);
        let Some(form) = form else { return reply::not_found() };
        return match confined(&app.assets, of).await {
            Some(path) => signed::asset(app, &path, form).await,
            None => reply::not_found(),
        };
    };
    match open(&path, headers).await {
        Ok(Opened::Part { file, range, size, tag }) => {
            let done = done_note(app, &path, range.end == size, asked);
            part(file, range, size, &tag, done).await
        }
        Ok(Opened::Unsatisfiable { size }) => {
            let mut response = reply::text(StatusCode::RANGE_NOT_SATISFIABLE, "no such range\n");
            if let Ok(value) = HeaderValue::from_str(&format!("bytes */{size}")) {
                response.headers_mut().insert(CONTENT_RANGE, value);
            }
            response
        }
        Ok(Opened::NotAFile) => reply::not_found(),
        Err(error) => {
            tracing::warn!(path = %path.display(), %error, "an asset could not be read");
            reply::text(StatusCode::INTERNAL_SERVER_ERROR, "the asset could not be read\n")
        }
    }
}

/// The file's real path, if it lies inside the asset store: no `..`, no link that leads out.
async fn confined(assets: &Path, name: &str) -> Option<PathBuf> {
    let name = percent_encoding::percent_decode_str(name).decode_utf8().ok()?;
    let relative = Path::new(name.as_ref());
    let plain = relative.components().all(|part| matches!(part, Component::Normal(_)));
    if !plain || name.is_empty() || name.contains(['\0', '\\']) {
        return None;
    }
    let root = tokio::fs::canonicalize(assets).await.ok()?;
    let path = tokio::fs::canonicalize(root.join(relative)).await.ok()?;
    path.starts_with(&root).then_some(path)
}

enum Opened {
    Part { file: File, range: std::ops::Range<u64>, size: u64, tag: String },
    Unsatisfiable { size: u64 },
    NotAFile,
}

async fn open(path: &Path, headers: &HeaderMap) -> std::io::Result<Opened> {
    let file = File::open(path).await?;
    let facts = file.metadata().await?;
    if !facts.is_file() {
        return Ok(Opened::NotAFile);
    }
    let size = facts.len();
    let changed = facts.modified().ok().and_then(|time| time.duration_since(UNIX_EPOCH).ok());
    let tag = format!("\"{size:x}-{:x}\"", changed.unwrap_or_default().as_nanos());
    let text = |name| headers.get(name).and_then(|value: &HeaderValue| value.to_str().ok());
    let same = text(IF_RANGE).is_none_or(|wanted| wanted == tag);
    let wanted = text(RANGE).filter(|_| same).and_then(|range| parse_range(range, size));
    Ok(match wanted {
        None => Opened::Part { file, range: 0..size, size, tag },
        Some(range) if range.start < range.end => Opened::Part { file, range, size, tag },
        Some(_) => Opened::Unsatisfiable { size },
    })
}

/// One range of RFC 9110 section 14.1.2. `None` for what may be ignored: several ranges, other units.
/// An empty range cannot be satisfied.
pub(super) fn parse_range(text: &str, size: u64) -> Option<std::ops::Range<u64>> {
    let (first, last) = text.strip_prefix("bytes=")?.split_once('-')?;
    if first.is_empty() {
        let suffix: u64 = last.trim().parse().ok()?;
        return Some(size.saturating_sub(suffix)..size);
    }
    let first: u64 = first.trim().parse().ok()?;
    let end =
        if last.is_empty() { size } else { last.trim().parse::<u64>().ok()?.checked_add(1)? };
    Some(first..end.min(size))
}

async fn part(
    mut file: File,
    range: std::ops::Range<u64>,
    size: u64,
    tag: &str,
    done: impl FnOnce() + Send + 'static,
) -> Answer {
    if let Err(error) = file.seek(SeekFrom::Start(range.start)).await {
        tracing::warn!(%error, "an asset could not be read");
        return reply::text(StatusCode::INTERNAL_SERVER_ERROR, "the asset could not be read\n");
    }
    let length = range.end - range.start;
    let stream = ReaderStream::with_capacity(file.take(length), CHUNK);
    let body = StreamBody::new(Told { stream, left: length, done: Some(done) });
    let mut response = Response::new(BodyExt::boxed_unsync(body) as Body);
    let headers = response.headers_mut();
    headers.insert(CONTENT_LENGTH, HeaderValue::from(length));
    headers.insert(ACCEPT_RANGES, HeaderValue::from_static("bytes"));
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/octet-stream"));
    if let Ok(tag) = HeaderValue::from_str(tag) {
        headers.insert(ETAG, tag);
    }
    if length != size {
        let text = format!("bytes {}-{}/{size}", range.start, range.end.saturating_sub(1));
        if let Ok(value) = HeaderValue::from_str(&text) {
            headers.insert(CONTENT_RANGE, value);
        }
        *response.status_mut() = StatusCode::PARTIAL_CONTENT;
    }
    response
}

/// What to note when a file was sent to its last byte.
fn done_note(
    app: &App,
    path: &Path,
    to_the_end: bool,
    asked: &Asked,
) -> impl FnOnce() + Send + use<> {
    let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let [kernel, initrd] = order::INSTALLER_FILES;
    let step =
        if name == kernel { Some(Step::Kernel) } else { (name == initrd).then_some(Step::Initrd) };
    let (recorder, address) = (app.recorder.clone(), asked.address());
    move || {
        if let Some(step) = step.filter(|_| to_the_end) {
            crate::server::app::note_at(&recorder, address, step, String::new());
        }
    }
}

pin_project_lite::pin_project! {
    /// A file on its way out that tells when its last byte was taken.
    struct Told<S, F> {
        #[pin]
        stream: S,
        left: u64,
        done: Option<F>,
    }
}

impl<S, F> Stream for Told<S, F>
where
    S: Stream<Item = std::io::Result<Bytes>>,
    F: FnOnce(),
{
    type Item = std::io::Result<Frame<Bytes>>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = self.project();
        match this.stream.poll_next(cx) {
            Poll::Ready(Some(Ok(bytes))) => {
                *this.left = this.left.saturating_sub(bytes.len() as u64);
                if *this.left == 0
                    && let Some(done) = this.done.take()
                {
                    done();
                }
                Poll::Ready(Some(Ok(Frame::data(bytes))))
            }
            // A file that shrank while it was sent: break the connection rather than pad it.
            Poll::Ready(None) if *this.left > 0 => {
                Poll::Ready(Some(Err(std::io::ErrorKind::UnexpectedEof.into())))
            }
            Poll::Ready(other) => Poll::Ready(other.map(|result| result.map(Frame::data))),
            Poll::Pending => Poll::Pending,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_are_read_as_rfc_9110_writes_them() {
        for (text, range) in [
            ("bytes=0-99", Some(0..100)),
            ("bytes=900-", Some(900..1000)),
            ("bytes=-100", Some(900..1000)),
            ("bytes=990-2000", Some(990..1000)),
            ("bytes=1000-", Some(1000..1000)),
            ("bytes=1-2,4-5", None),
            ("lines=1-2", None),
            ("bytes=x-", None),
            ("bytes=0-18446744073709551615", None),
        ] {
            assert_eq!(parse_range(text, 1000), range, "{text}");
        }
    }

    #[tokio::test]
    async fn no_path_leads_out_of_the_asset_store() {
        let dir = tempfile::tempdir().unwrap();
        let assets = dir.path().join("assets");
        std::fs::create_dir_all(assets.join("sub")).unwrap();
        std::fs::write(dir.path().join("secret"), "x").unwrap();
        std::fs::write(assets.join("sub/ok"), "x").unwrap();
        std::os::unix::fs::symlink(dir.path().join("secret"), assets.join("link")).unwrap();
        assert!(confined(&assets, "sub/ok").await.is_some());
        for name in [
            "../secret",
            "%2e%2e/secret",
            "sub/../../secret",
            "/etc/passwd",
            "link",
            "",
            "a%00b",
            "..\\x",
        ] {
            assert_eq!(confined(&assets, name).await, None, "{name}");
        }
    }
}
