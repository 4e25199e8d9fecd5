//! A provisioner of a few nodes in memory.

use std::collections::{HashMap, VecDeque};
use std::pin::Pin;
use std::sync::{Arc, Mutex};

use api::v1::boots_server::{Boots, BootsServer};
use api::v1::catalog_server::{Catalog, CatalogServer};
use api::v1::history_server::{History, HistoryServer};
use api::v1::node_change::Kind;
use api::v1::nodes_server::{Nodes, NodesServer};
use api::v1::server_server::{Server, ServerServer};
use api::v1::*;
use tempfile::TempDir;
use tokio::net::UnixListener;
use tokio::sync::Notify;
use tokio_stream::wrappers::UnixListenerStream;
use tokio_stream::{Stream, StreamExt as _};
use tonic::{Request, Response, Status};

type Answer<T> = Result<Response<T>, Status>;

/// What happens after a watch has begun.
pub(super) enum Event {
    Changed(Box<Node>),
    Removed(&'static str),
    Ends,
    Breaks(Status),
}

#[derive(Default)]
pub(super) struct State {
    pub(super) nodes: Vec<Node>,
    pub(super) boots: Vec<Boot>,
    pub(super) history: Vec<HistoryEntry>,
    pub(super) catalog: CatalogStatus,
    pub(super) groups: Vec<Group>,
    pub(super) profiles: Vec<Profile>,
    pub(super) plan: PlanResponse,
    /// One script for each watch to come; without one a watch stays silent.
    pub(super) scripts: VecDeque<Vec<Event>>,
    /// Every call that changes or explains something, in words.
    pub(super) calls: Vec<String>,
}

#[derive(Clone)]
pub(super) struct Fake {
    state: Arc<Mutex<State>>,
    dir: Arc<TempDir>,
    watched: Arc<Notify>,
}

impl Fake {
    /// Serves until the test's runtime ends.
    pub(super) fn serve(state: State) -> Self {
        Self::serve_in(Arc::new(tempfile::tempdir().unwrap()), state)
    }

    /// The same in a directory that an earlier server may have left behind.
    pub(super) fn serve_in(dir: Arc<TempDir>, state: State) -> Self {
        let socket = dir.path().join("s");
        let _ = std::fs::remove_file(&socket);
        let listener = UnixListener::bind(socket).unwrap();
        let fake =
            Self { state: Arc::new(Mutex::new(state)), dir, watched: Arc::new(Notify::new()) };
        let server = tonic::transport::Server::builder()
            .add_service(NodesServer::new(fake.clone()))
            .add_service(CatalogServer::new(fake.clone()))
            .add_service(HistoryServer::new(fake.clone()))
            .add_service(BootsServer::new(fake.clone()))
            .add_service(ServerServer::new(fake.clone()))
            .serve_with_incoming(UnixListenerStream::new(listener));
        tokio::spawn(server);
        fake
    }

    pub(super) fn with(nodes: Vec<Node>) -> Self {
        Self::serve(State { nodes, ..State::default() })
    }

    pub(super) fn watched(nodes: Vec<Node>, scripts: Vec<Vec<Event>>) -> Self {
        Self::serve(State { nodes, scripts: scripts.into(), ..State::default() })
    }

    pub(super) fn address(&self) -> String {
        format!("unix:{}", self.dir.path().join("s").display())
    }

    /// Until somebody watches.
    pub(super) async fn watched_by_somebody(&self) {
        self.watched.notified().await;
    }

    pub(super) fn calls(&self) -> Vec<String> {
        self.state.lock().unwrap().calls.clone()
    }

    fn find(&self, name: &str) -> Result<Node, Status> {
        let state = self.state.lock().unwrap();
        let mut hits = state.nodes.iter().filter(|node| {
            node.hostname == name
                || node.id.starts_with(name)
                || node.macs.iter().any(|m| m == name)
        });
        match (hits.next(), hits.next()) {
            (Some(node), None) => Ok(node.clone()),
            (Some(_), Some(_)) => Err(Status::failed_precondition(format!(
                "{name} fits several nodes: write more of it"
            ))),
            (None, _) => Err(Status::not_found(format!("no node is called {name}"))),
        }
    }

    /// Carries out a step the way a provisioner answers it; a retired node takes none.
    fn step(&self, call: String, name: &str, change: impl FnOnce(&mut Node)) -> Answer<Node> {
        let mut node = self.find(name)?;
        if node.state == "retired" {
            return Err(Status::failed_precondition(format!("{} is retired", node.hostname)));
        }
        change(&mut node);
        let mut state = self.state.lock().unwrap();
        state.calls.push(call);
        let place = state.nodes.iter_mut().find(|known| known.id == node.id).unwrap();
        *place = node.clone();
        Ok(Response::new(node))
    }

    fn matching(&self, labels: &HashMap<String, String>) -> Vec<Node> {
        let has = |node: &Node, key: &str, value: &str| {
            node.labels.iter().any(|label| label.key == key && label.value == value)
        };
        let mut nodes = self.state.lock().unwrap().nodes.clone();
        nodes.retain(|node| labels.iter().all(|(key, value)| has(node, key, value)));
        nodes
    }
}

#[tonic::async_trait]
impl Nodes for Fake {
    type WatchStream = Pin<Box<dyn Stream<Item = Result<NodeChange, Status>> + Send>>;

    async fn list(&self, request: Request<ListNodesRequest>) -> Answer<ListNodesResponse> {
        let nodes = self.matching(&request.get_ref().labels);
        Ok(Response::new(ListNodesResponse { nodes }))
    }

    async fn get(&self, request: Request<NodeName>) -> Answer<Node> {
        Ok(Response::new(self.find(&request.get_ref().name)?))
    }

    async fn watch(&self, request: Request<ListNodesRequest>) -> Answer<Self::WatchStream> {
        let existing = self.matching(&request.get_ref().labels);
        let mut events: Vec<_> =
            existing.into_iter().map(|node| Ok(change(Kind::Existing, node))).collect();
        events.push(Ok(change(Kind::Synced, Node::default())));
        let mut state = self.state.lock().unwrap();
        let script = state.scripts.pop_front();
        let mut ends = false;
        for event in script.unwrap_or_default() {
            match event {
                Event::Changed(node) => {
                    state.nodes.retain(|known| known.id != node.id);
                    state.nodes.push(Node::clone(&node));
                    events.push(Ok(change(Kind::Changed, *node)));
                }
                Event::Removed(id) => {
                    state.nodes.retain(|known| known.id != id);
                    let gone = Node { id: id.into(), ..Node::default() };
                    events.push(Ok(change(Kind::Removed, gone)));
                }
                Event::Ends => ends = true,
                Event::Breaks(status) => events.push(Err(status)),
            }
        }
        self.watched.notify_one();
        let events = tokio_stream::iter(events);
        Ok(Response::new(if ends {
            Box::pin(events)
        } else {
            Box::pin(events.chain(tokio_stream::pending()))
        }))
    }

    async fn tag(&self, request: Request<TagRequest>) -> Answer<Node> {
        let request = request.into_inner();
        self.step(format!("tag {}", request.name), &request.name, |node| {
            node.tags.extend(request.set);
            node.tags.retain(|key, _| !request.remove.contains(key));
        })
    }

    async fn approve(&self, request: Request<NodeName>) -> Answer<Node> {
        let name = request.into_inner().name;
        self.step(format!("approve {name}"), &name, |node| {
            node.state = "configured".into();
        })
    }

    async fn hold(&self, request: Request<HoldRequest>) -> Answer<Node> {
        let request = request.into_inner();
        let call = format!("hold {} because {:?}", request.name, request.reason);
        self.step(call, &request.name, |node| node.hold = request.reason)
    }

    async fn release(&self, request: Request<NodeName>) -> Answer<Node> {
        let name = request.into_inner().name;
        self.step(format!("release {name}"), &name, |node| node.hold.clear())
    }

    async fn reinstall(&self, request: Request<NodeName>) -> Answer<Node> {
        let name = request.into_inner().name;
        self.step(format!("reinstall {name}"), &name, |node| {
            node.state = "configured".into();
            node.generation += 1;
        })
    }

    async fn retire(&self, request: Request<NodeName>) -> Answer<Node> {
        let name = request.into_inner().name;
        self.step(format!("retire {name}"), &name, |node| {
            node.state = "retired".into();
        })
    }
}

#[tonic::async_trait]
impl Catalog for Fake {
    async fn status(&self, _: Request<CatalogStatusRequest>) -> Answer<CatalogStatus> {
        Ok(Response::new(self.state.lock().unwrap().catalog.clone()))
    }

    async fn reload(&self, request: Request<CatalogReloadRequest>) -> Answer<CatalogStatus> {
        let CatalogReloadRequest { ack, id } = request.into_inner();
        let mut state = self.state.lock().unwrap();
        state.calls.push(if ack { format!("reload ack {id:?}") } else { "reload".into() });
        Ok(Response::new(state.catalog.clone()))
    }

    async fn explain(&self, request: Request<ExplainRequest>) -> Answer<Explanation> {
        let request = request.into_inner();
        let mut labels: Vec<_> = request.labels.iter().map(|(k, v)| format!("{k}={v}")).collect();
        labels.sort();
        let all = if request.all { " all" } else { "" };
        let call = format!("explain {:?} {}{all}", request.name, labels.join(","));
        self.state.lock().unwrap().calls.push(call);
        if !request.name.is_empty() {
            self.find(&request.name)?;
        }
        Ok(Response::new(Explanation {
            text: "default: every label of its selector is there\nrack9: rack is r1, not r9\n"
                .into(),
            group: "default".into(),
            profile: "debian".into(),
            plan: "installer: generation 1 is wanted and not installed".into(),
            labels: vec![Label {
                key: "rack".into(),
                value: "r1".into(),
                trust: "operator".into(),
            }],
            ..Explanation::default()
        }))
    }

    async fn groups(&self, _: Request<ListGroupsRequest>) -> Answer<ListGroupsResponse> {
        let groups = self.state.lock().unwrap().groups.clone();
        Ok(Response::new(ListGroupsResponse { groups }))
    }

    async fn profiles(&self, _: Request<ListProfilesRequest>) -> Answer<ListProfilesResponse> {
        let profiles = self.state.lock().unwrap().profiles.clone();
        Ok(Response::new(ListProfilesResponse { profiles }))
    }

    async fn render(&self, request: Request<RenderRequest>) -> Answer<RenderResponse> {
        let RenderRequest { name, what, at } = request.into_inner();
        self.find(&name)?;
        self.state.lock().unwrap().calls.push(format!("render {name} {what} {at:?}"));
        match what.as_str() {
            "ipxe" => Ok(Response::new(RenderResponse {
                body: b"#!ipxe\n\xff\x1b[2J".to_vec(),
                catalog: String::new(),
            })),
            "cloud" => Err(Status::aborted("templates/cloud/x.yaml:3: there is no metadata.x")),
            "ignition" => Err(Status::not_found("profile debian has no ignition; it has cloud")),
            _ => Err(Status::invalid_argument(format!("{what:?} is no document"))),
        }
    }

    async fn plan(&self, request: Request<PlanRequest>) -> Answer<PlanResponse> {
        let PlanRequest { from, to, diff } = request.into_inner();
        let mut state = self.state.lock().unwrap();
        state.calls.push(format!("plan {from:?} {to:?} diff={diff}"));
        if from == "revision" {
            return Err(Status::failed_precondition("the catalog is in no git repository"));
        }
        Ok(Response::new(state.plan.clone()))
    }
}

#[tonic::async_trait]
impl History for Fake {
    async fn log(&self, request: Request<NodeName>) -> Answer<HistoryLog> {
        self.find(&request.get_ref().name)?;
        let entries = self.state.lock().unwrap().history.clone();
        Ok(Response::new(HistoryLog { entries }))
    }
}

#[tonic::async_trait]
impl Boots for Fake {
    async fn list(&self, request: Request<NodeName>) -> Answer<BootLog> {
        let node = self.find(&request.get_ref().name)?.id;
        let boots = self.state.lock().unwrap().boots.clone();
        Ok(Response::new(BootLog { node, boots }))
    }
}

#[tonic::async_trait]
impl Server for Fake {
    async fn version(&self, _: Request<VersionRequest>) -> Answer<VersionResponse> {
        Ok(Response::new(VersionResponse { version: "0.1.0-test".into() }))
    }
}

fn change(kind: Kind, node: Node) -> NodeChange {
    NodeChange { kind: kind.into(), node: Some(node) }
}
