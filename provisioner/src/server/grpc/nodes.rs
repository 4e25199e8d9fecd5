//! `provisioner.v1.Nodes`.

use std::collections::HashMap;
use std::pin::Pin;
use std::sync::Arc;

use api::v1;
use api::v1::node_change::Kind;
use tokio::sync::broadcast::error::RecvError;
use tokio::sync::mpsc;
use tokio_stream::Stream;
use tokio_stream::wrappers::ReceiverStream;
use tokio_util::sync::CancellationToken;
use tonic::{Request, Response, Status};

use super::{actor, convert, find, status};
use crate::domain::node::{Event, Node, Steer};
use crate::server::app::App;
use crate::server::recorder::Word;

/// Changes that a slow watcher may have waiting.
const WATCH_QUEUE: usize = 256;

#[derive(Debug)]
pub(super) struct Nodes {
    pub(super) app: Arc<App>,
    pub(super) stop: CancellationToken,
}

impl Nodes {
    async fn steer(
        &self,
        name: &str,
        steer: Steer,
        actor: String,
    ) -> Result<Response<v1::Node>, Status> {
        let node = find(&self.app, name)?;
        let word = Word {
            event: Event::Steer(steer),
            actor,
            boot: None,
            catalog: self.app.catalog.current().id().to_string(),
        };
        let node = self.app.recorder.tell(node.id.clone(), word).await.map_err(|e| status(&e))?;
        Ok(Response::new(shown(&self.app, &node)))
    }
}

#[tonic::async_trait]
impl v1::nodes_server::Nodes for Nodes {
    type WatchStream = Pin<Box<dyn Stream<Item = Result<v1::NodeChange, Status>> + Send>>;

    async fn list(
        &self,
        request: Request<v1::ListNodesRequest>,
    ) -> Result<Response<v1::ListNodesResponse>, Status> {
        let labels = request.into_inner().labels;
        let mut nodes: Vec<v1::Node> = matching(&self.app, &labels);
        nodes.sort_by(|a, b| (&a.hostname, &a.id).cmp(&(&b.hostname, &b.id)));
        Ok(Response::new(v1::ListNodesResponse { nodes }))
    }

    async fn get(&self, request: Request<v1::NodeName>) -> Result<Response<v1::Node>, Status> {
        let node = find(&self.app, &request.into_inner().name)?;
        Ok(Response::new(shown(&self.app, &node)))
    }

    async fn watch(
        &self,
        request: Request<v1::ListNodesRequest>,
    ) -> Result<Response<Self::WatchStream>, Status> {
        let labels = request.into_inner().labels;
        let (queue, changes) = mpsc::channel(WATCH_QUEUE);
        let watching = watch(Arc::clone(&self.app), labels, queue);
        tokio::spawn(self.stop.clone().run_until_cancelled_owned(watching));
        Ok(Response::new(Box::pin(ReceiverStream::new(changes))))
    }

    async fn tag(&self, request: Request<v1::TagRequest>) -> Result<Response<v1::Node>, Status> {
        let actor = actor(&request);
        let v1::TagRequest { name, set, remove } = request.into_inner();
        if let Some(key) =
            set.keys().find(|key| key.is_empty() || key.contains(char::is_whitespace))
        {
            return Err(Status::invalid_argument(format!("{key:?} cannot be a tag's key")));
        }
        let steer = Steer::Tag { set: set.into_iter().collect(), remove };
        self.steer(&name, steer, actor).await
    }

    async fn approve(&self, request: Request<v1::NodeName>) -> Result<Response<v1::Node>, Status> {
        let actor = actor(&request);
        self.steer(&request.into_inner().name, Steer::Approve, actor).await
    }

    async fn hold(&self, request: Request<v1::HoldRequest>) -> Result<Response<v1::Node>, Status> {
        let actor = actor(&request);
        let v1::HoldRequest { name, reason } = request.into_inner();
        let reason = if reason.is_empty() { "no reason given".to_owned() } else { reason };
        self.steer(&name, Steer::Hold(reason), actor).await
    }

    async fn release(&self, request: Request<v1::NodeName>) -> Result<Response<v1::Node>, Status> {
        let actor = actor(&request);
        self.steer(&request.into_inner().name, Steer::Release, actor).await
    }

    async fn reinstall(
        &self,
        request: Request<v1::NodeName>,
    ) -> Result<Response<v1::Node>, Status> {
        let actor = actor(&request);
        self.steer(&request.into_inner().name, Steer::Reinstall, actor).await
    }

    async fn retire(&self, request: Request<v1::NodeName>) -> Result<Response<v1::Node>, Status> {
        let actor = actor(&request);
        self.steer(&request.into_inner().name, Steer::Retire, actor).await
    }
}

fn shown(app: &App, node: &Node) -> v1::Node {
    let timeline = app.recorder.directory().read(|nodes| nodes.timeline(&node.id));
    convert::node(node, &timeline)
}

fn matching(app: &App, labels: &HashMap<String, String>) -> Vec<v1::Node> {
    let nodes = app.recorder.directory().all();
    nodes.iter().filter(|node| matches(node, labels)).map(|node| shown(app, node)).collect()
}

fn matches(node: &Node, wanted: &HashMap<String, String>) -> bool {
    if wanted.is_empty() {
        return true;
    }
    let labels = node.labels();
    wanted.iter().all(|(key, value)| match key.as_str() {
        "state" => node.status.state.name() == value,
        "group" => node.status.group.as_deref() == Some(value),
        "profile" => node.status.profile.as_deref() == Some(value),
        _ => labels.get(key) == Some(value),
    })
}

type Queue = mpsc::Sender<Result<v1::NodeChange, Status>>;

/// Sends what is, then what changes, until the watcher goes or the daemon stops.
async fn watch(app: Arc<App>, labels: HashMap<String, String>, queue: Queue) {
    // Before the first look, so that nothing between the two is missed.
    let mut changes = app.recorder.watch();
    if send_all(&app, &labels, &queue, Kind::Existing).await.is_err() {
        return;
    }
    let synced = v1::NodeChange { kind: Kind::Synced.into(), node: None };
    if queue.send(Ok(synced)).await.is_err() {
        return;
    }
    loop {
        let change = tokio::select! {
            change = changes.recv() => change,
            () = queue.closed() => return,
        };
        let sent = match change {
            Ok(node) if matches(&node, &labels) => {
                let node = Some(shown(&app, &node));
                let change = v1::NodeChange { kind: Kind::Changed.into(), node };
                queue.send(Ok(change)).await.map_err(drop)
            }
            Ok(_) => Ok(()),
            // It fell behind: everything as it is now says all that it missed.
            Err(RecvError::Lagged(_)) => send_all(&app, &labels, &queue, Kind::Changed).await,
            Err(RecvError::Closed) => return,
        };
        if sent.is_err() {
            return;
        }
    }
}

async fn send_all(
    app: &App,
    labels: &HashMap<String, String>,
    queue: &Queue,
    kind: Kind,
) -> Result<(), ()> {
    for node in matching(app, labels) {
        let change = v1::NodeChange { kind: kind.into(), node: Some(node) };
        queue.send(Ok(change)).await.map_err(drop)?;
    }
    Ok(())
}
