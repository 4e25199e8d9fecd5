//! `get nodes`: once, or as long as somebody looks.

use std::collections::BTreeMap;
use std::io::Write;

use api::v1::node_change::Kind;
use api::v1::{ListNodesRequest, Node, NodeChange, NodeName};
use tonic::Streaming;

use crate::Surroundings;
use crate::args::Output;
use crate::command::{GetRequest, Target};
use crate::failure::Failure;
use crate::server::Client;
use crate::view::node::{HEADER, WIDE_HEADER, name, row};
use crate::view::object::{NodeObject, RemovedObject, json, json_line, yaml};
use crate::view::table::Table;
use crate::words::Selector;

/// Shows the nodes, and with `watch` each change until the server ends.
pub(crate) async fn get(
    client: &Client,
    request: GetRequest,
    s: &mut Surroundings<'_>,
) -> Result<(), Failure> {
    if request.watch {
        return watch(client, request, s).await;
    }
    let nodes = match request.target {
        Target::All => list(client, None).await?,
        Target::Selector(selector) => list(client, Some(&selector)).await?,
        Target::Names(names) => {
            let mut nodes = Vec::new();
            for name in names {
                nodes.push(one(client, &name).await?);
            }
            nodes
        }
    };
    show(&nodes, request.output, s)
}

/// The node of that name.
pub(crate) async fn one(client: &Client, name: &str) -> Result<Node, Failure> {
    let wanted = NodeName { name: name.to_owned() };
    let answer = client.nodes().get(wanted).await;
    Ok(answer.map_err(Failure::answered(format!("get node {name}")))?.into_inner())
}

/// The nodes with these labels, or all.
pub(crate) async fn list(
    client: &Client,
    selector: Option<&Selector>,
) -> Result<Vec<Node>, Failure> {
    let answer = client.nodes().list(request_for(selector)).await;
    Ok(answer.map_err(Failure::answered("list the nodes"))?.into_inner().nodes)
}

/// The nodes with these labels, or all, and what becomes of them.
pub(crate) async fn changes(
    client: &Client,
    selector: Option<&Selector>,
) -> Result<Streaming<NodeChange>, Failure> {
    let answer = client.nodes().watch(request_for(selector)).await;
    Ok(answer.map_err(Failure::answered("watch the nodes"))?.into_inner())
}

/// Nodes as a table.
pub(crate) fn table(
    nodes: &[Node],
    wide: bool,
    colour: bool,
    now_ms: i64,
) -> (Table, Vec<Vec<crate::view::table::Cell>>) {
    let header: &[&'static str] = if wide { &WIDE_HEADER } else { &HEADER };
    let rows = nodes.iter().map(|node| row(node, wide, now_ms)).collect();
    (Table::new(header, colour), rows)
}

fn request_for(selector: Option<&Selector>) -> ListNodesRequest {
    ListNodesRequest { labels: selector.map(Selector::labels).unwrap_or_default() }
}

fn show(nodes: &[Node], output: Output, s: &mut Surroundings<'_>) -> Result<(), Failure> {
    let objects = || nodes.iter().map(NodeObject::from).collect::<Vec<_>>();
    match output {
        Output::Table | Output::Wide => {
            if nodes.is_empty() {
                writeln!(s.err, "no nodes")?;
                return Ok(());
            }
            let (mut table, rows) = table(nodes, output == Output::Wide, s.colour, (s.now)());
            table.write(s.out, &rows)?;
        }
        Output::Json => s.out.write_all(json(&objects())?.as_bytes())?,
        Output::Yaml => s.out.write_all(yaml(&objects())?.as_bytes())?,
        Output::Name => {
            for node in nodes {
                writeln!(s.out, "{}", name(node))?;
            }
        }
    }
    Ok(())
}

async fn watch(
    client: &Client,
    request: GetRequest,
    s: &mut Surroundings<'_>,
) -> Result<(), Failure> {
    let (selector, only) = match &request.target {
        Target::All => (None, None),
        Target::Selector(selector) => (Some(selector), None),
        Target::Names(names) => match names.first() {
            Some(name) => (None, Some(one(client, name).await?.id)),
            None => (None, None),
        },
    };
    let mut stream = changes(client, selector).await?;
    let mut screen = Screen::new(request.output, s.colour);
    while let Some(change) = stream.message().await.map_err(Failure::answered("watch the nodes"))? {
        let kind = change.kind();
        let node = change.node.unwrap_or_default();
        if kind == Kind::Synced || only.as_ref().is_none_or(|id| *id == node.id) {
            screen.take(kind, node, (s.now)(), s.out)?;
            s.out.flush()?;
        }
    }
    Err(Failure::WatchEnded { server: client.address().clone() })
}

/// What a watch has shown so far.
struct Screen {
    output: Output,
    table: Table,
    known: BTreeMap<String, Node>,
    synced: bool,
}

impl Screen {
    fn new(output: Output, colour: bool) -> Self {
        let (table, _) = table(&[], output == Output::Wide, colour, 0);
        Self { output, table, known: BTreeMap::new(), synced: false }
    }

    fn take(
        &mut self,
        kind: Kind,
        node: Node,
        now_ms: i64,
        out: &mut dyn Write,
    ) -> Result<(), Failure> {
        match kind {
            Kind::Synced => self.first(now_ms, out),
            Kind::Removed => self.removed(&node.id, now_ms, out),
            Kind::Existing | Kind::Changed | Kind::Unspecified => {
                // Before all are there the columns' widths are not known.
                if self.synced {
                    self.line(&node, now_ms, out)?;
                }
                self.known.insert(node.id.clone(), node);
                Ok(())
            }
        }
    }

    fn first(&mut self, now_ms: i64, out: &mut dyn Write) -> Result<(), Failure> {
        self.synced = true;
        let mut nodes: Vec<Node> = self.known.values().cloned().collect();
        nodes.sort_by(|a, b| name(a).cmp(&name(b)));
        if self.is_table() {
            let wide = self.output == Output::Wide;
            let rows: Vec<_> = nodes.iter().map(|node| row(node, wide, now_ms)).collect();
            return Ok(self.table.write(out, &rows)?);
        }
        nodes.iter().try_for_each(|node| self.line(node, now_ms, out))
    }

    fn line(&mut self, node: &Node, now_ms: i64, out: &mut dyn Write) -> Result<(), Failure> {
        match self.output {
            Output::Table | Output::Wide => {
                let row = row(node, self.output == Output::Wide, now_ms);
                self.table.append(out, &row)?;
            }
            Output::Json => out.write_all(json_line(&NodeObject::from(node))?.as_bytes())?,
            Output::Yaml => write!(out, "---\n{}", yaml(&NodeObject::from(node))?)?,
            Output::Name => writeln!(out, "{}", name(node))?,
        }
        Ok(())
    }

    fn removed(&mut self, id: &str, now_ms: i64, out: &mut dyn Write) -> Result<(), Failure> {
        let Some(mut node) = self.known.remove(id) else {
            return Ok(());
        };
        let gone = RemovedObject { id, removed: true };
        match self.output {
            Output::Json => out.write_all(json_line(&gone)?.as_bytes())?,
            Output::Yaml => write!(out, "---\n{}", yaml(&gone)?)?,
            Output::Table | Output::Wide | Output::Name => {
                "removed".clone_into(&mut node.state);
                self.line(&node, now_ms, out)?;
            }
        }
        Ok(())
    }

    fn is_table(&self) -> bool {
        matches!(self.output, Output::Table | Output::Wide)
    }
}
