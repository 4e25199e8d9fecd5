//! `wait`: until nodes are in a state. A provisioner that is restarted meanwhile is waited for, too.

mod waiting;

use api::v1::node_change::Kind;

use crate::Surroundings;
use crate::command::WaitRequest;
use crate::failure::{Exit, Failure};
use crate::nodes;
use crate::server::Client;
use waiting::Waiting;

/// Waits, and says what for; when the time is over, says where each node is.
pub(crate) async fn wait(
    client: &Client,
    request: WaitRequest,
    s: &mut Surroundings<'_>,
) -> Result<(), Failure> {
    let limit = request.limit;
    let mut waiting = Waiting::new(request);
    writeln!(
        s.err,
        "waiting up to {} for {}",
        humantime::format_duration(limit),
        waiting.purpose()
    )?;
    let done = tokio::time::timeout(limit, until_done(client, &mut waiting, s)).await;
    if let Ok(done) = done {
        return done;
    }
    waiting.overview(s.err)?;
    Err(Failure::TimedOut(format!(
        "after {} not all there: {}",
        humantime::format_duration(limit),
        waiting.purpose()
    )))
}

async fn until_done(
    client: &Client,
    waiting: &mut Waiting,
    s: &mut Surroundings<'_>,
) -> Result<(), Failure> {
    let mut told = false;
    loop {
        match follow(client, waiting, s).await {
            Err(failure) if failure.exit() == Exit::Unreachable => {
                if !told {
                    writeln!(s.err, "lost the provisioner at {}: trying again", client.address())?;
                    told = true;
                }
                tokio::time::sleep(s.retry).await;
            }
            done => return done,
        }
    }
}

/// One watch from its beginning: all nodes, then the changes.
async fn follow(
    client: &Client,
    waiting: &mut Waiting,
    s: &mut Surroundings<'_>,
) -> Result<(), Failure> {
    waiting.begin();
    let mut stream = nodes::changes(client, waiting.selector()).await?;
    while let Some(change) = stream.message().await.map_err(Failure::answered("watch the nodes"))? {
        let kind = change.kind();
        let new_names = match (kind, change.node) {
            (Kind::Synced, _) => waiting.synced(),
            (Kind::Removed, Some(node)) => waiting.removed(&node.id),
            (_, Some(node)) => waiting.seen(node),
            (_, None) => false,
        };
        if new_names {
            look_up(client, waiting).await?;
        }
        for line in waiting.news() {
            writeln!(s.out, "{line}")?;
        }
        s.out.flush()?;
        if waiting.is_done() {
            return Ok(());
        }
    }
    Err(Failure::WatchEnded { server: client.address().clone() })
}

/// Asks whose names they are; a name that is nobody's yet may become somebody's.
async fn look_up(client: &Client, waiting: &mut Waiting) -> Result<(), Failure> {
    for name in waiting.unresolved() {
        match nodes::one(client, &name).await {
            Ok(node) => waiting.resolved(&name, &node.id),
            Err(failure) if failure.exit() == Exit::NotFound => {}
            Err(failure) => return Err(failure),
        }
    }
    Ok(())
}
