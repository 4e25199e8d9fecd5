//! A node as a row.

use std::borrow::Cow;

use api::v1::Node;

use super::table::{Cell, Colour};
use super::text::{clean, or_dash, percent, span};

pub(crate) const HEADER: [&str; 9] =
    ["NAME", "STATE", "GROUP", "PROFILE", "ADDRESS", "MAC", "SERIAL", "STEP", "AGE"];
pub(crate) const WIDE_HEADER: [&str; 16] = [
    "NAME",
    "STATE",
    "GROUP",
    "PROFILE",
    "ADDRESS",
    "MAC",
    "SERIAL",
    "STEP",
    "AGE",
    "ID",
    "ARCH",
    "FIRMWARE",
    "GENERATION",
    "TRIES",
    "INSTALLS",
    "REASON",
];

/// Its host name, or its id as long as it has none.
pub(crate) fn name(node: &Node) -> Cow<'_, str> {
    clean(if node.hostname.is_empty() { &node.id } else { &node.hostname })
}

/// Cells for [`HEADER`], or for [`WIDE_HEADER`].
pub(crate) fn row(node: &Node, wide: bool, now_ms: i64) -> Vec<Cell> {
    let mac = node.macs.first().map_or("", String::as_str);
    let mut cells = vec![
        name(node).into(),
        Cell::coloured(or_dash(&node.state), colour(&node.state)),
        or_dash(&node.group).into(),
        or_dash(&node.profile).into(),
        or_dash(&node.address).into(),
        or_dash(mac).into(),
        or_dash(&node.serial).into(),
        step(node).into(),
        age(node, now_ms).into(),
    ];
    if wide {
        cells.extend([
            or_dash(&node.id).into(),
            or_dash(&node.arch).into(),
            or_dash(&node.firmware).into(),
            format!("{}/{}", node.installed_generation, node.generation).into(),
            node.tries.to_string().into(),
            node.installs.to_string().into(),
            or_dash(&node.reason).into(),
        ]);
    }
    cells
}

/// The stage with its percentage while it is being installed, else the last step of its boot.
pub(crate) fn step(node: &Node) -> String {
    if node.state != "installing" || node.stage.is_empty() {
        return or_dash(&node.last_step).into_owned();
    }
    match percent(node.done_bytes, node.total_bytes) {
        Some(percent) => format!("{} {percent}%", clean(&node.stage)),
        None => clean(&node.stage).into_owned(),
    }
}

fn age(node: &Node, now_ms: i64) -> String {
    match node.first_seen_ms {
        0 => "-".into(),
        first => span(first, now_ms),
    }
}

fn colour(state: &str) -> Option<Colour> {
    match state {
        "running" => Some(Colour::Good),
        "installing" | "installed" => Some(Colour::Busy),
        "failed" => Some(Colour::Bad),
        _ => None,
    }
}
