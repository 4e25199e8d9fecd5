//! The HTTP boot plane and node plane (port 8080): what firmware, loaders, installers and installed
//! systems ask for. Reading never changes what is wanted.

mod assets;
mod boot;
mod documents;
mod machine;
mod node;
mod reply;
mod signed;
mod target;

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{HeaderMap, Method, Request, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

pub use machine::Asked;
pub use reply::{Body, Page, Response};

use super::app::App;

/// Time that a client has to send a request's head.
const HEAD_TIMEOUT: Duration = Duration::from_secs(30);
/// Bytes of a query: what firmware says of itself has some hundreds.
const LONGEST_QUERY: usize = 8 << 10;
/// Connections at a time; more wait to be accepted.
const CONNECTIONS: usize = 8192;
/// Time that transfers have to end when the daemon stops.
const DRAIN: Duration = Duration::from_secs(5);

/// Serves until `stop`; then lets transfers under way end, for a few seconds.
pub async fn serve(listener: TcpListener, app: Arc<App>, stop: CancellationToken) {
    let connections = TaskTracker::new();
    let cut = CancellationToken::new();
    let room = Arc::new(Semaphore::new(CONNECTIONS));
    loop {
        let accepted = tokio::select! {
            () = stop.cancelled() => break,
            accepted = accept(&listener, &room) => accepted,
        };
        match accepted {
            Ok((stream, peer, place)) => {
                let serving = connection(stream, peer, Arc::clone(&app), stop.clone());
                let serving = cut.clone().run_until_cancelled_owned(serving);
                connections.spawn(async move {
                    serving.await;
                    drop(place);
                });
            }
            Err(error) => {
                // Out of file descriptors, mostly: others end meanwhile.
                tracing::warn!(%error, "an HTTP connection could not be accepted");
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        }
    }
    connections.close();
    if tokio::time::timeout(DRAIN, connections.wait()).await.is_err() {
        cut.cancel();
        connections.wait().await;
        tracing::warn!("HTTP transfers were cut off: they did not end in {} s", DRAIN.as_secs());
    }
}

async fn accept(
    listener: &TcpListener,
    room: &Arc<Semaphore>,
) -> io::Result<(TcpStream, SocketAddr, OwnedSemaphorePermit)> {
    let place = Arc::clone(room).acquire_owned().await.map_err(io::Error::other)?;
    let (stream, peer) = listener.accept().await?;
    Ok((stream, peer, place))
}

async fn connection(stream: TcpStream, peer: SocketAddr, app: Arc<App>, stop: CancellationToken) {
    let Ok(local) = stream.local_addr() else {
        return;
    };
    let service = service_fn(move |request| {
        let app = Arc::clone(&app);
        async move { Ok::<_, std::convert::Infallible>(answer(&app, request, peer, local).await) }
    });
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new()).header_read_timeout(HEAD_TIMEOUT);
    // GRUB 2.06 knows a length only by the very letters of `Content-Length: `.
    http.title_case_headers(true);
    let connection = http.serve_connection(TokioIo::new(stream), service);
    tokio::pin!(connection);
    let result = tokio::select! {
        result = connection.as_mut() => result,
        () = stop.cancelled() => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = result {
        tracing::debug!(%peer, %error, "an HTTP connection ended early");
    }
}

async fn answer(
    app: &App,
    request: Request<Incoming>,
    peer: SocketAddr,
    local: SocketAddr,
) -> Response {
    let method = request.method().clone();
    let path = request.uri().path().to_owned();
    let response = route(app, request, peer, local).await;
    let status = response.status();
    app.metrics.count("provisioner_http_requests_total", &format!("code=\"{}\"", status.as_u16()));
    if status.is_client_error() || status.is_server_error() {
        tracing::info!(%peer, %method, path, status = status.as_u16(), "HTTP {method} {path} from {peer}: {status}");
    } else {
        tracing::debug!(%peer, %method, path, status = status.as_u16(), "HTTP {method} {path} from {peer}: {status}");
    }
    if method == Method::HEAD { reply::without_body(response) } else { response }
}

async fn route(
    app: &App,
    request: Request<Incoming>,
    peer: SocketAddr,
    local: SocketAddr,
) -> Response {
    let reads = matches!(*request.method(), Method::GET | Method::HEAD);
    let path = request.uri().path().to_owned();
    let query = request.uri().query().unwrap_or_default();
    if query.len() > LONGEST_QUERY {
        return reply::text(StatusCode::URI_TOO_LONG, "the query is longer than 8 KiB\n");
    }
    let question = Asked::new(&path, query, peer, app.server_url(local));
    if let Some(call) = path.strip_prefix("/v1/node/") {
        return if request.method() == Method::POST {
            node::call(app, call, request, &question).await
        } else {
            reply::text(StatusCode::METHOD_NOT_ALLOWED, "POST only\n")
        };
    }
    if !reads {
        return reply::text(StatusCode::METHOD_NOT_ALLOWED, "GET and HEAD only\n");
    }
    let clean = target::cleaned(&path);
    let clean = if clean == "/assets" { "/assets/".into() } else { clean };
    if clean != path {
        let query = request.uri().query().map(|query| format!("?{query}")).unwrap_or_default();
        return reply::moved(&format!("{clean}{query}"));
    }
    if let Some(target) = target::target(&path) {
        let (asked, target) = question.of(target);
        let head = request.method() == Method::HEAD;
        return signed::answer(app, &asked, &target, request.headers(), head).await;
    }
    match path.as_str() {
        "/" => reply::text(StatusCode::OK, "matchbox\n"),
        "/healthz" => reply::text(StatusCode::OK, "ok\n"),
        "/readyz" => ready(app),
        "/metrics" => reply::text(StatusCode::OK, app.metrics_text()),
        other => file(app, other, request.headers(), &question).await,
    }
}

async fn file(app: &App, path: &str, headers: &HeaderMap, asked: &Asked) -> Response {
    if let Some(name) = path.strip_prefix("/assets/") {
        assets::file(app, name, headers, asked).await
    } else if let Some(name) = path.strip_prefix("/loaders/") {
        assets::loader(app, name, asked)
    } else {
        reply::not_found()
    }
}

fn ready(app: &App) -> Response {
    match app.unready() {
        None => reply::text(StatusCode::OK, "ready\n"),
        Some(why) => reply::text(StatusCode::SERVICE_UNAVAILABLE, format!("{why}\n")),
    }
}
