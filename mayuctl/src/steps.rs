//! Steps the operator asks for: tags, and approve to retire.

use api::v1::{HoldRequest, Node, NodeName, TagRequest};
use tonic::Status;

use crate::Surroundings;
use crate::command::{Step, StepRequest, StepTarget};
use crate::failure::{Exit, Failure};
use crate::nodes;
use crate::server::Client;
use crate::view::node::name;
use crate::view::text::{count, or_dash};
use crate::words::TagChange;

/// Sets and removes tags of one node.
pub(crate) async fn tag(
    client: &Client,
    node: &str,
    change: TagChange,
    s: &mut Surroundings<'_>,
) -> Result<(), Failure> {
    let request = TagRequest {
        name: node.to_owned(),
        set: change.set.into_iter().collect(),
        remove: change.remove.into_iter().collect(),
    };
    let answer = client.nodes().tag(request).await;
    let node = answer.map_err(Failure::answered(format!("tag {node}")))?.into_inner();
    let mut tags: Vec<_> = node.tags.iter().map(|(key, value)| format!("{key}={value}")).collect();
    tags.sort();
    writeln!(s.out, "{} tagged: {}", name(&node), or_dash(&tags.join(" ")))?;
    Ok(())
}

/// Asks for one step of each node; one that refuses keeps no other from it.
pub(crate) async fn step(
    client: &Client,
    request: StepRequest,
    s: &mut Surroundings<'_>,
) -> Result<(), Failure> {
    let names = match &request.target {
        StepTarget::Names(names) => names.clone(),
        StepTarget::Selector(selector) => {
            let nodes = nodes::list(client, Some(selector)).await?;
            if nodes.is_empty() {
                return Err(Failure::NothingMatches(selector.clone()));
            }
            confirm(&request, &nodes, s)?;
            nodes.into_iter().map(|node| node.id).collect()
        }
    };
    let mut first = None;
    let mut done = 0;
    for name in &names {
        match one_step(client, &request.step, name).await {
            Ok(node) => {
                say_done(&request.step, &node, s)?;
                done += 1;
            }
            Err(failure) if names.len() == 1 => return Err(failure),
            Err(failure) => {
                failure.report(s.err);
                first.get_or_insert(failure.exit());
                // What holds for the connection holds for the nodes that are left.
                if failure.exit() == Exit::Unreachable {
                    break;
                }
            }
        }
    }
    match first {
        Some(exit) => Err(Failure::Some { open: names.len() - done, all: names.len(), exit }),
        None => Ok(()),
    }
}

async fn one_step(client: &Client, step: &Step, name: &str) -> Result<Node, Failure> {
    let mut nodes = client.nodes();
    let node = NodeName { name: name.to_owned() };
    let answer: Result<_, Status> = match step {
        Step::Approve => nodes.approve(node).await,
        Step::Hold { reason } => {
            let hold = HoldRequest { name: node.name, reason: reason.clone() };
            nodes.hold(hold).await
        }
        Step::Release => nodes.release(node).await,
        Step::Reinstall => nodes.reinstall(node).await,
        Step::Retire => nodes.retire(node).await,
    };
    let what = format!("{} {name}", step.verb());
    Ok(answer.map_err(Failure::answered(what))?.into_inner())
}

fn say_done(step: &Step, node: &Node, s: &mut Surroundings<'_>) -> Result<(), Failure> {
    let now = or_dash(&node.state);
    if *step == Step::Retire {
        writeln!(s.out, "{} retired", name(node))?;
    } else {
        writeln!(s.out, "{} {}, now {now}", name(node), step.done())?;
    }
    Ok(())
}

/// Shows what a selector hits, and asks unless that was answered beforehand.
fn confirm(request: &StepRequest, hit: &[Node], s: &mut Surroundings<'_>) -> Result<(), Failure> {
    let (mut table, rows) = nodes::table(hit, false, false, (s.now)());
    table.write(s.err, &rows)?;
    if request.yes {
        return Ok(());
    }
    write!(s.err, "{} {}? [y/N] ", request.step.verb(), count(hit.len(), "node"))?;
    s.err.flush()?;
    let mut answer = String::new();
    // An answer that cannot be read is none.
    s.input.read_line(&mut answer).map_err(|_| Failure::Declined)?;
    match answer.trim().to_ascii_lowercase().as_str() {
        "y" | "yes" => Ok(()),
        _ => Err(Failure::Declined),
    }
}
