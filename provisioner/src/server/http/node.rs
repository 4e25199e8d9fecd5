//! The node plane: machines report on themselves, each with a token that was made for it alone.

use std::time::Duration;

use api::node::{Ack, Claim, Failed, Installed, LogLines, Progress, Refusal, Running};
use bytes::Bytes;
use http_body_util::{BodyExt, Limited};
use hyper::body::Incoming;
use hyper::header::AUTHORIZATION;
use hyper::{Request, StatusCode};
use serde::de::DeserializeOwned;

use super::Asked;
use super::reply::{self, Response};
use crate::domain::node::{Event, Node};
use crate::server::app::App;
use crate::server::order;
use crate::server::recorder::{RecordError, Word};
use crate::server::token::{Bearer, Kind};

/// Bytes that a report may have.
const LARGEST: usize = 1 << 20;

/// Time that a report may take to come.
const BODY_TIMEOUT: Duration = Duration::from_secs(30);

/// One call of `/v1/node/…`.
pub(super) async fn call(
    app: &App,
    call: &str,
    request: Request<Incoming>,
    asked: &Asked,
) -> Response {
    let kind = if call == "running" { Kind::Node } else { Kind::Boot };
    let bearer = bearer(app, kind, &request);
    // Taken whole even when it is refused: a connection that closes over unread bytes loses the answer, and
    // the machine would ask again for ever. Nothing of it is kept for somebody without a token.
    let body = tokio::time::timeout(BODY_TIMEOUT, taken(request.into_body(), bearer.is_some()));
    let body = match body.await {
        Ok(Ok(body)) => body,
        Ok(Err(error)) => return refuse(StatusCode::UNPROCESSABLE_ENTITY, &error.to_string()),
        Err(_) => return refuse(StatusCode::REQUEST_TIMEOUT, "the report did not come in time"),
    };
    let Some(bearer) = bearer else {
        let why = "this token was not made here for this call; boot again";
        return refuse(StatusCode::UNAUTHORIZED, why);
    };
    let result = match call {
        "claim" => return claim(app, &bearer, &body, asked).await,
        "log" => return log(app, &bearer, &body),
        "progress" => event::<Progress>(&body, |progress| Event::Progress {
            boot: bearer.boot.clone(),
            stage: progress.stage,
            done_bytes: progress.done_bytes,
            total_bytes: progress.total_bytes,
        }),
        "installed" => event::<Installed>(&body, |installed| Event::Installed {
            boot: bearer.boot.clone(),
            disk: installed.disk,
        }),
        "failed" => event::<Failed>(&body, |failed| Event::Failed {
            boot: bearer.boot.clone(),
            stage: failed.stage,
            reason: failed.reason,
            retryable: failed.retryable,
        }),
        "running" => event::<Running>(&body, |running| Event::PhonedHome {
            boot: bearer.boot.clone(),
            versions: running.versions,
        }),
        _ => return reply::not_found(),
    };
    match result {
        Ok(event) => tell(app, &bearer, event).await,
        Err(unread) => unread.refuse(),
    }
}

/// A body's bytes; `keep`: else they are only counted.
async fn taken(
    body: Incoming,
    keep: bool,
) -> Result<Bytes, Box<dyn std::error::Error + Send + Sync>> {
    let mut body = Limited::new(body, LARGEST);
    if keep {
        return Ok(body.collect().await?.to_bytes());
    }
    while let Some(frame) = body.frame().await {
        frame?;
    }
    Ok(Bytes::new())
}

/// The token of the `Authorization` header (RFC 6750 section 2.1).
fn bearer(app: &App, kind: Kind, request: &Request<Incoming>) -> Option<Bearer> {
    let header = request.headers().get(AUTHORIZATION)?.to_str().ok()?;
    app.tokens.verify(kind, header.strip_prefix("Bearer ")?.trim())
}

/// A body that is not what the call takes.
struct Unread(serde_json::Error);

impl Unread {
    fn refuse(&self) -> Response {
        refuse(StatusCode::UNPROCESSABLE_ENTITY, &format!("body: {}", self.0))
    }
}

fn event<T: DeserializeOwned>(body: &[u8], make: impl FnOnce(T) -> Event) -> Result<Event, Unread> {
    parse(body).map(make)
}

fn parse<T: DeserializeOwned>(body: &[u8]) -> Result<T, Unread> {
    serde_json::from_slice(body).map_err(Unread)
}

async fn tell(app: &App, bearer: &Bearer, event: Event) -> Response {
    let word = Word {
        event,
        actor: "node".to_owned(),
        boot: Some(bearer.boot.clone()),
        catalog: app.catalog.current().id().to_string(),
    };
    match app.recorder.tell(bearer.node.clone(), word).await {
        Ok(node) => ack(&node),
        Err(error) => refused(&error),
    }
}

async fn claim(app: &App, bearer: &Bearer, body: &[u8], asked: &Asked) -> Response {
    let claim: Claim = match parse(body) {
        Ok(claim) => claim,
        Err(unread) => return unread.refuse(),
    };
    match order::claim(app, bearer, claim, &asked.server).await {
        Ok(order) => reply::json(StatusCode::OK, &order),
        Err(order::ClaimError::Expired) => {
            refuse(StatusCode::UNAUTHORIZED, "this boot's token has expired; boot again")
        }
        Err(order::ClaimError::Record(error)) => refused(&error),
        Err(order::ClaimError::Order(why)) => refuse(StatusCode::CONFLICT, &why),
    }
}

fn log(app: &App, bearer: &Bearer, body: &[u8]) -> Response {
    let lines: LogLines = match parse(body) {
        Ok(lines) => lines,
        Err(unread) => return unread.refuse(),
    };
    let Some(node) = app.recorder.directory().get(&bearer.node) else {
        return refused(&RecordError::NoNode(bearer.node.clone()));
    };
    let written = tokio::task::block_in_place(|| {
        app.logs.add(&bearer.node, &bearer.boot, lines.first, &lines.lines)
    });
    match written {
        Ok(()) => ack(&node),
        Err(error) => {
            tracing::warn!(node.id = %bearer.node, %error, "a node's log could not be written");
            refuse(StatusCode::SERVICE_UNAVAILABLE, "the log could not be written")
        }
    }
}

fn ack(node: &Node) -> Response {
    reply::json(StatusCode::OK, &Ack { state: node.status.state.name().to_owned() })
}

fn refused(error: &RecordError) -> Response {
    let status = match error {
        RecordError::Refused(_) | RecordError::Ambiguous(_) | RecordError::Nameless => {
            StatusCode::CONFLICT
        }
        RecordError::NoNode(_) => StatusCode::UNAUTHORIZED,
        RecordError::NotDurable(_)
        | RecordError::Stopped
        | RecordError::NoAddress(_)
        | RecordError::GroupFull(_) => StatusCode::SERVICE_UNAVAILABLE,
    };
    refuse(status, &error.to_string())
}

fn refuse(status: StatusCode, error: &str) -> Response {
    tracing::info!(status = status.as_u16(), "refused a node's call: {error}");
    reply::json(status, &Refusal { error: error.to_owned() })
}
