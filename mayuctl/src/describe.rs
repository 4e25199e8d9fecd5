//! All there is to know about a node.

use std::collections::HashMap;
use std::io::{self, Write};

use api::node::Inventory;
use api::v1::{BootLog, Label, Node, NodeName};
use tonic::Status;

use crate::Surroundings;
use crate::failure::Failure;
use crate::inform::write_boot;
use crate::nodes;
use crate::server::Client;
use crate::view::node::name;
use crate::view::table::{Cell, Table};
use crate::view::text::{clean, count, or_dash, percent, size, span, time};

/// Shows one node in sections; a section with nothing to show is left out.
pub(crate) async fn node(
    client: &Client,
    typed: &str,
    s: &mut Surroundings<'_>,
) -> Result<(), Failure> {
    let node = nodes::one(client, typed).await?;
    // By id: the name may have become another's in between.
    let boots = client.boots().list(NodeName { name: node.id.clone() }).await;
    identity(&node, s.out)?;
    state(&node, (s.now)(), s.out)?;
    labels(&node.labels, s.out)?;
    pairs("Tags", &node.tags, s.out)?;
    pairs("Versions", &node.versions, s.out)?;
    hardware(&node.inventory_json, s.out)?;
    last_boot(boots.map(tonic::Response::into_inner), s.out)?;
    Ok(())
}

fn identity(node: &Node, out: &mut dyn Write) -> io::Result<()> {
    let machine = [node.arch.as_str(), node.firmware.as_str()];
    let machine: Vec<_> = machine.into_iter().filter(|word| !word.is_empty()).collect();
    fields(
        out,
        &[
            ("Name", name(node).into_owned()),
            ("Id", or_dash(&node.id).into_owned()),
            ("MACs", or_dash(&node.macs.join(" ")).into_owned()),
            ("UUID", or_dash(&node.uuid).into_owned()),
            ("Serial", or_dash(&node.serial).into_owned()),
            ("Address", or_dash(&node.address).into_owned()),
            ("Machine", or_dash(&machine.join(", ")).into_owned()),
            ("Group", or_dash(&node.group).into_owned()),
            ("Profile", or_dash(&node.profile).into_owned()),
            ("First seen", time(node.first_seen_ms)),
            ("Last seen", time(node.last_seen_ms)),
            ("Revision", node.revision.to_string()),
        ],
    )
}

fn state(node: &Node, now_ms: i64, out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "\nState")?;
    let since = match node.since_ms {
        0 => String::new(),
        since => format!(" for {}, since {}", span(since, now_ms), time(since)),
    };
    let mut lines = vec![
        ("  Now", format!("{}{since}", or_dash(&node.state))),
        ("  Why", or_dash(&node.reason).into_owned()),
    ];
    if !node.hold.is_empty() {
        lines.push(("  Held", clean(&node.hold).into_owned()));
    }
    lines.push((
        "  Generation",
        format!("{} wanted, {} installed", node.generation, node.installed_generation),
    ));
    lines.push((
        "  Tries",
        format!("{} of this generation, {} in all", node.tries, count_installs(node.installs)),
    ));
    if !node.stage.is_empty() {
        lines.push(("  Progress", progress(node)));
    }
    if !node.last_step.is_empty() {
        lines.push(("  Last step", clean(&node.last_step).into_owned()));
    }
    fields(out, &lines)
}

fn count_installs(installs: u32) -> String {
    count(usize::try_from(installs).unwrap_or(usize::MAX), "installation")
}

fn progress(node: &Node) -> String {
    let stage = clean(&node.stage);
    match percent(node.done_bytes, node.total_bytes) {
        Some(percent) => {
            let (done, total) = (size(node.done_bytes), size(node.total_bytes));
            format!("{stage}, {done} of {total} ({percent}%)")
        }
        None if node.done_bytes > 0 => format!("{stage}, {}", size(node.done_bytes)),
        None => stage.into_owned(),
    }
}

fn labels(labels: &[Label], out: &mut dyn Write) -> io::Result<()> {
    if labels.is_empty() {
        return Ok(());
    }
    writeln!(out, "\nLabels")?;
    let mut labels: Vec<_> = labels.iter().collect();
    labels.sort_by(|a, b| (&a.key, &a.value).cmp(&(&b.key, &b.value)));
    let rows = labels.into_iter().map(|label| {
        vec![clean(&label.key).into(), or_dash(&label.value).into(), or_dash(&label.trust).into()]
    });
    Table::indented(&["KEY", "VALUE", "TRUST"]).write(out, &rows.collect::<Vec<_>>())
}

fn pairs(title: &str, map: &HashMap<String, String>, out: &mut dyn Write) -> io::Result<()> {
    if map.is_empty() {
        return Ok(());
    }
    writeln!(out, "\n{title}")?;
    let mut pairs: Vec<_> = map.iter().collect();
    pairs.sort();
    for (key, value) in pairs {
        writeln!(out, "  {}={}", clean(key), clean(value))?;
    }
    Ok(())
}

fn hardware(json: &str, out: &mut dyn Write) -> io::Result<()> {
    if json.is_empty() {
        return Ok(());
    }
    writeln!(out, "\nHardware")?;
    let inventory: Inventory = match serde_json::from_str(json) {
        Ok(inventory) => inventory,
        Err(error) => {
            writeln!(out, "  not understood by this client ({error}): {}", clean(json))?;
            return Ok(());
        }
    };
    let model = format!("{} {}", inventory.manufacturer, inventory.product);
    let cpus = usize::try_from(inventory.cpus).unwrap_or(usize::MAX);
    fields(
        out,
        &[
            ("  Model", or_dash(model.trim()).into_owned()),
            ("  CPUs", cpus.to_string()),
            ("  Memory", size(inventory.memory_bytes)),
        ],
    )?;
    disks(&inventory, out)?;
    nics(&inventory, out)
}

fn disks(inventory: &Inventory, out: &mut dyn Write) -> io::Result<()> {
    if inventory.disks.is_empty() {
        return writeln!(out, "  no disks");
    }
    let rows = inventory.disks.iter().map(|disk| -> Vec<Cell> {
        vec![
            or_dash(&disk.name).into(),
            size(disk.size_bytes).into(),
            or_dash(&disk.transport).into(),
            or_dash(&disk.serial).into(),
            or_dash(&disk.wwn).into(),
            or_dash(&disk.path).into(),
            or_dash(&disk.model).into(),
        ]
    });
    Table::indented(&["DISK", "SIZE", "TRANSPORT", "SERIAL", "WWN", "PATH", "MODEL"])
        .write(out, &rows.collect::<Vec<_>>())
}

fn nics(inventory: &Inventory, out: &mut dyn Write) -> io::Result<()> {
    if inventory.nics.is_empty() {
        return writeln!(out, "  no network interfaces");
    }
    let rows = inventory.nics.iter().map(|nic| -> Vec<Cell> {
        vec![
            or_dash(&nic.name).into(),
            or_dash(&nic.mac).into(),
            or_dash(&nic.driver).into(),
            if nic.carrier { "up" } else { "down" }.into(),
        ]
    });
    Table::indented(&["NIC", "MAC", "DRIVER", "CARRIER"]).write(out, &rows.collect::<Vec<_>>())
}

/// The node is known whether its boots are or not: what is missing is said, and is no failure.
fn last_boot(log: Result<BootLog, Status>, out: &mut dyn Write) -> io::Result<()> {
    match log {
        Ok(log) => match log.boots.last() {
            Some(boot) => {
                write!(out, "\nLast boot ({} known)\n", log.boots.len())?;
                write_boot(boot, "  ", out)
            }
            None => Ok(()),
        },
        Err(status) => writeln!(out, "\nLast boot\n  not to be had: {}", clean(status.message())),
    }
}

fn fields(out: &mut dyn Write, fields: &[(&str, String)]) -> io::Result<()> {
    let width = fields.iter().map(|(title, _)| title.len() + 1).max().unwrap_or(0);
    for (title, value) in fields {
        writeln!(out, "{:width$}  {value}", format!("{title}:"))?;
    }
    Ok(())
}
