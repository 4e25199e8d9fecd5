//! Answers.

use bytes::Bytes;
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, Full};
use hyper::StatusCode;
use hyper::header::{CONTENT_LENGTH, CONTENT_TYPE, HeaderValue};

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

/// The one 404 that there is, matchbox's.
pub(super) fn not_found() -> Response {
    text(StatusCode::NOT_FOUND, "404 page not found\n")
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
