//! The operator plane: gRPC on a unix socket that only root may open.

mod catalog;
mod convert;
mod listing;
mod nodes;
mod past;
mod plan;

use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use api::v1::boots_server::BootsServer;
use api::v1::catalog_server::CatalogServer;
use api::v1::history_server::HistoryServer;
use api::v1::nodes_server::NodesServer;
use api::v1::server_server::ServerServer;
use tokio::net::UnixListener;
use tokio_stream::wrappers::UnixListenerStream;
use tokio_util::sync::CancellationToken;
use tonic::transport::Server;
use tonic::transport::server::UdsConnectInfo;
use tonic::{Request, Status};

use super::app::App;
use super::recorder::RecordError;

/// Time that calls have to end when the daemon stops.
const DRAIN: Duration = Duration::from_secs(2);

/// Why the operator's socket is not there.
#[derive(Debug, thiserror::Error)]
#[error(
    "cannot listen on the operator socket {path}; set operator.socket to a place that can be written"
)]
pub struct SocketError {
    path: PathBuf,
    #[source]
    source: io::Error,
}

/// Opens the socket, for its owner only. A socket that a killed daemon left behind is replaced.
pub fn bind(path: &Path) -> Result<UnixListener, SocketError> {
    let fail = |source| SocketError { path: path.to_owned(), source };
    if let Some(parent) = path.parent() {
        std::fs::create_dir_all(parent).map_err(fail)?;
    }
    match std::os::unix::net::UnixStream::connect(path) {
        Ok(_) => return Err(fail(io::ErrorKind::AddrInUse.into())),
        Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => {
            std::fs::remove_file(path).map_err(fail)?;
        }
        Err(_) => {}
    }
    let listener = UnixListener::bind(path).map_err(fail)?;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600)).map_err(fail)?;
    Ok(listener)
}

/// Serves until `stop`.
pub async fn serve(
    listener: UnixListener,
    app: Arc<App>,
    history: PathBuf,
    stop: CancellationToken,
) -> Result<(), tonic::transport::Error> {
    let given_up = {
        let stop = stop.clone();
        async move {
            stop.cancelled().await;
            // A watcher that does not read any more must not keep the daemon.
            tokio::time::sleep(DRAIN).await;
        }
    };
    let past = past::Past { app: Arc::clone(&app), history };
    let serving = Server::builder()
        .add_service(NodesServer::new(nodes::Nodes { app: Arc::clone(&app), stop: stop.clone() }))
        .add_service(CatalogServer::new(catalog::Catalog { app }))
        .add_service(HistoryServer::new(past.clone()))
        .add_service(BootsServer::new(past.clone()))
        .add_service(ServerServer::new(past))
        .serve_with_incoming_shutdown(UnixListenerStream::new(listener), stop.cancelled_owned());
    tokio::select! {
        ended = serving => ended,
        () = given_up => Ok(()),
    }
}

/// Who calls: the user at the other end of the socket.
fn actor<T>(request: &Request<T>) -> String {
    let uid = request
        .extensions()
        .get::<UdsConnectInfo>()
        .and_then(|info| info.peer_cred.as_ref())
        .map(tokio::net::unix::UCred::uid);
    let Some(uid) = uid else {
        return "operator".to_owned();
    };
    let user = nix::unistd::User::from_uid(nix::unistd::Uid::from_raw(uid)).ok().flatten();
    user.map_or_else(|| format!("operator uid {uid}"), |user| format!("operator {}", user.name))
}

fn status(error: &RecordError) -> Status {
    let text = error.to_string();
    match error {
        RecordError::Refused(_) | RecordError::Ambiguous(_) | RecordError::Nameless => {
            Status::failed_precondition(text)
        }
        RecordError::NoNode(_) => Status::not_found(text),
        RecordError::NoAddress(_) | RecordError::GroupFull(_) => Status::resource_exhausted(text),
        RecordError::NotDurable(_) | RecordError::Stopped => Status::unavailable(text),
    }
}

fn find(app: &App, name: &str) -> Result<Arc<crate::domain::node::Node>, Status> {
    use super::directory::NameError;
    app.recorder.directory().find(name).map_err(|error| match error {
        NameError::NotFound(_) => Status::not_found(error.to_string()),
        NameError::Ambiguous { .. } => Status::failed_precondition(error.to_string()),
    })
}
