//! Which group each node belongs to, with the room that groups have.

use std::collections::HashMap;

use crate::domain::catalog::{Catalog, Selection};
use crate::domain::node::{Node, State};

/// A live node and where it belongs.
#[derive(Debug, Clone, Copy)]
pub struct Place<'n, 'c> {
    /// The node.
    pub node: &'n Node,
    /// Its group and profile; `None` when no group wants it or those that do are full.
    pub selection: Option<Selection<'c>>,
}

/// Where every live node belongs once all of them have asked, in the order of their ids. Members keep their
/// room; who comes later finds what is left. Real nodes ask in any order: of several that want the last room
/// of a group this names the first by id. Retired nodes are left out.
pub fn places<'n, 'c>(
    catalog: &'c Catalog,
    nodes: impl IntoIterator<Item = &'n Node>,
) -> Vec<Place<'n, 'c>> {
    let mut live: Vec<&Node> =
        nodes.into_iter().filter(|node| node.status.state != State::Retired).collect();
    live.sort_by(|a, b| a.id.cmp(&b.id));
    let mut members: HashMap<&str, u32> = HashMap::new();
    for group in live.iter().filter_map(|node| node.status.group.as_deref()) {
        *members.entry(group).or_default() += 1;
    }
    let place = |node: &'n Node| {
        let member_of = node.status.group.as_deref();
        let count = |group: &str| members.get(group).copied().unwrap_or(0);
        let selection = catalog.select_member(&node.labels(), member_of, count);
        let now = selection.map(|selection| selection.group.name.as_str());
        if now != member_of {
            if let Some(left) = member_of.and_then(|group| members.get_mut(group)) {
                *left = left.saturating_sub(1);
            }
            if let Some(joined) = now {
                *members.entry(joined).or_default() += 1;
            }
        }
        Place { node, selection }
    };
    live.into_iter().map(place).collect()
}
