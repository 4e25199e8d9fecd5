//! `provisioner.v1.History`, `Boots` and `Server`: what was, and who we are.

use std::path::PathBuf;
use std::sync::Arc;

use api::v1;
use tonic::{Request, Response, Status};

use super::{convert, find};
use crate::server::app::App;
use crate::server::history::History;
use crate::server::recorder::chain;

/// Entries of a node's past that are shown.
const ENTRIES: usize = 1000;

#[derive(Debug, Clone)]
pub(super) struct Past {
    pub(super) app: Arc<App>,
    pub(super) history: PathBuf,
}

#[tonic::async_trait]
impl v1::history_server::History for Past {
    async fn log(
        &self,
        request: Request<v1::NodeName>,
    ) -> Result<Response<v1::HistoryLog>, Status> {
        let node = find(&self.app, &request.into_inner().name)?;
        let path = self.history.clone();
        let read = move || History::read(&path)?.log(&node.id, ENTRIES);
        let entries =
            tokio::task::block_in_place(read).map_err(|error| Status::internal(chain(&error)))?;
        let entries = entries
            .into_iter()
            .map(|entry| v1::HistoryEntry {
                commit: entry.commit,
                time_ms: convert::millis(entry.time),
                subject: entry.subject,
                actor: entry.actor,
                cause: entry.cause,
            })
            .collect();
        Ok(Response::new(v1::HistoryLog { entries }))
    }
}

#[tonic::async_trait]
impl v1::boots_server::Boots for Past {
    async fn list(&self, request: Request<v1::NodeName>) -> Result<Response<v1::BootLog>, Status> {
        let node = find(&self.app, &request.into_inner().name)?;
        let timeline = self.app.recorder.directory().read(|nodes| nodes.timeline(&node.id));
        let boots = timeline.boots().map(convert::boot).collect();
        Ok(Response::new(v1::BootLog { node: node.id.to_string(), boots }))
    }
}

#[tonic::async_trait]
impl v1::server_server::Server for Past {
    async fn version(
        &self,
        _: Request<v1::VersionRequest>,
    ) -> Result<Response<v1::VersionResponse>, Status> {
        Ok(Response::new(v1::VersionResponse { version: env!("CARGO_PKG_VERSION").to_owned() }))
    }
}
