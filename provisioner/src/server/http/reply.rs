//! Answers.

use std::sync::Arc;

use bytes::Bytes;
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, Full};
use hyper::StatusCode;
use hyper::header::{
    ACCEPT_RANGES, CONTENT_LENGTH, CONTENT_RANGE, CONTENT_TYPE, HeaderName, HeaderValue, LOCATION,
    X_CONTENT_TYPE_OPTIONS,
};

use crate::domain::catalog::{CatalogId, Selection};
use crate::server::sign::Form;

/// A body: bytes at hand, or a file as it is read.
pub type Body = UnsyncBoxBody<Bytes, std::io::Error>;
/// An answer.
pub type Response = hyper::Response<Body>;

const TEXT: HeaderValue = HeaderValue::from_static("text/plain; charset=utf-8");
const JSON: HeaderValue = HeaderValue::from_static("application/json");

/// A body of bytes at hand.
pub(super) fn full(bytes: impl Into<Bytes>) -> Body {
    Full::new(bytes.into()).map_err(|never| match never {}).boxed_unsync()
}

/// Text.
pub(super) fn text(status: StatusCode, text: impl Into<Bytes>) -> Response {
    with_type(status, text, TEXT)
}

/// JSON. What cannot be written as JSON does not exist among the API's types; were it so, it is said.
pub(super) fn json(status: StatusCode, value: &impl serde::Serialize) -> Response {
    match serde_json::to_vec(value) {
        Ok(bytes) => with_type(status, bytes, JSON),
        Err(error) => text(StatusCode::INTERNAL_SERVER_ERROR, format!("{error}\n")),
    }
}

/// The 404 of paths that are none, matchbox's.
pub(super) fn not_found() -> Response {
    let mut response = text(StatusCode::NOT_FOUND, "404 page not found\n");
    response.headers_mut().insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    response
}

/// Where the same thing is.
pub(super) fn moved(to: &str) -> Response {
    let Ok(location) = HeaderValue::from_str(to) else {
        return not_found();
    };
    let mut response = text(StatusCode::MOVED_PERMANENTLY, "Moved Permanently\n");
    response.headers_mut().insert(LOCATION, location);
    response
}

/// A signature. An armoured one is text, as matchbox sends it.
pub(super) fn signature(bytes: Bytes, form: Form) -> Response {
    let binary = HeaderValue::from_static(form.content_type());
    with_type(StatusCode::OK, bytes, if form == Form::Asc { TEXT } else { binary })
}

/// The answer to HEAD: the headers of the answer to GET.
pub(super) fn without_body(mut response: Response) -> Response {
    let length = hyper::body::Body::size_hint(response.body()).exact();
    if let Some(length) = length
        && !response.headers().contains_key(CONTENT_LENGTH)
    {
        response.headers_mut().insert(CONTENT_LENGTH, HeaderValue::from(length));
    }
    *response.body_mut() = full(Bytes::new());
    response
}

fn with_type(status: StatusCode, body: impl Into<Bytes>, content_type: HeaderValue) -> Response {
    let mut response = Response::new(full(body));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, content_type);
    response
}

/// A rendered answer as it is kept until its signature is asked for.
#[derive(Debug, Clone)]
pub struct Page {
    status: StatusCode,
    body: Bytes,
    content_type: HeaderValue,
    from: Vec<(HeaderName, HeaderValue)>,
}

/// Rendered text as a body, without a copy.
struct Text(Arc<str>);

impl AsRef<[u8]> for Text {
    fn as_ref(&self) -> &[u8] {
        self.0.as_bytes()
    }
}

impl Page {
    /// Rendered text.
    pub(super) fn text(text: Arc<str>) -> Self {
        Self::new(StatusCode::OK, Bytes::from_owner(Text(text)))
    }

    /// A status with words of our own.
    pub(super) fn said(status: StatusCode, text: String) -> Self {
        Self::new(status, text.into())
    }

    fn new(status: StatusCode, body: Bytes) -> Self {
        Self { status, body, content_type: TEXT, from: Vec::new() }
    }

    /// The same as JSON.
    #[must_use]
    pub(super) fn into_json(self) -> Self {
        Self { content_type: JSON, ..self }
    }

    /// Says which catalog it is from, and which group and profile were selected.
    #[must_use]
    pub(super) fn from(mut self, catalog: &CatalogId, selection: Option<Selection<'_>>) -> Self {
        let group = selection.map(|selection| selection.group.name.as_str());
        let profile = selection.map(|selection| selection.profile.name.as_str());
        for (name, value) in [
            (HeaderName::from_static("provisioner-catalog"), Some(catalog.as_str())),
            (HeaderName::from_static("provisioner-group"), group),
            (HeaderName::from_static("provisioner-profile"), profile),
        ] {
            // A name that no header can hold is left out.
            if let Some(Ok(value)) = value.map(|value| HeaderValue::from_bytes(value.as_bytes())) {
                self.from.push((name, value));
            }
        }
        self
    }

    /// Whether it may be signed: refusals are not.
    pub(super) fn is_ok(&self) -> bool {
        self.status == StatusCode::OK
    }

    /// Its bytes.
    pub(super) fn bytes(&self) -> &Bytes {
        &self.body
    }

    /// All of it.
    pub(super) fn respond(self) -> Response {
        let mut response = with_type(self.status, self.body, self.content_type);
        response.headers_mut().extend(self.from);
        response
    }

    /// All of it, or a range.
    pub(super) fn respond_part(self, range: Option<std::ops::Range<u64>>) -> Response {
        let size = self.body.len();
        let ok = self.is_ok();
        let wanted = range.filter(|_| ok).map(|range| {
            let place = |at: u64| usize::try_from(at).unwrap_or(size).min(size);
            place(range.start)..place(range.end)
        });
        let mut page = self;
        let range = match wanted {
            Some(range) if range.start < range.end => {
                page.body = page.body.slice(range.clone());
                page.status = StatusCode::PARTIAL_CONTENT;
                Some(format!("bytes {}-{}/{size}", range.start, range.end - 1))
            }
            Some(_) => {
                page = Self::said(StatusCode::RANGE_NOT_SATISFIABLE, "no such range\n".to_owned());
                Some(format!("bytes */{size}"))
            }
            None => None,
        };
        let mut response = page.respond();
        if ok {
            response.headers_mut().insert(ACCEPT_RANGES, HeaderValue::from_static("bytes"));
        }
        if let Some(Ok(value)) = range.map(|range| HeaderValue::from_str(&range)) {
            response.headers_mut().insert(CONTENT_RANGE, value);
        }
        response
    }
}
