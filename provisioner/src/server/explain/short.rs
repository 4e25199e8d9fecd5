//! The explanation cut short, for a machine's screen and the body of a refusal.

use crate::domain::catalog::{Catalog, Group, Rule, Selector};
use crate::domain::labels::Labels;
use crate::domain::node::Node;

/// Columns of a line.
const WIDTH: usize = 64;

/// Groups up to which a near miss is looked for: this is asked at every boot of a machine that no group
/// wants, and looking costs a test of each group.
const LOOK: usize = 2000;

/// Three or four lines of at most 64 printable ASCII characters: the node's group and why it was chosen, or
/// what it is and which group comes nearest. `members`: how many live nodes a group has.
pub fn short(catalog: &Catalog, node: &Node, members: impl Fn(&str) -> u32) -> Vec<String> {
    let labels = node.labels();
    let member_of = node.status.group.as_deref();
    let lines = match catalog.select_member(&labels, member_of, members) {
        Some(selection) => chosen(catalog, &labels, selection.group),
        None => nothing(catalog, &labels, &node.hostname()),
    };
    lines.iter().map(|line| fit(line)).collect()
}

fn chosen(catalog: &Catalog, labels: &Labels, group: &Group) -> Vec<String> {
    let by = if group.selector.is_empty() {
        "it takes every machine".to_owned()
    } else {
        let found = |selector: &Selector| {
            format!("{}={}", selector.key, labels.get(&selector.key).unwrap_or_default())
        };
        format!("by {}", group.selector.iter().map(found).collect::<Vec<_>>().join(", "))
    };
    let after = catalog.matching(labels).skip_while(|other| other.name != group.name).nth(1);
    let before = after.map_or_else(
        || "no other group behind it matches".to_owned(),
        |other| format!("before {}: {}", other.name, Rule::between(group, other)),
    );
    vec![format!("group {}, profile {}", group.name, group.profile), by, before]
}

fn nothing(catalog: &Catalog, labels: &Labels, name: &str) -> Vec<String> {
    let full = catalog.matching(labels).next();
    let head = match full {
        Some(group) => format!("group {} is full, and no other selects this machine", group.name),
        None => format!("no group of {} selects this machine", catalog.groups().len()),
    };
    let is: Vec<String> =
        labels.iter().map(|(key, label)| format!("{key}={}", label.value)).collect();
    let mut lines = vec![head, format!("it is {}", is.join(" "))];
    lines.extend(full.is_none().then(|| nearest(catalog, labels)).flatten());
    lines.push(format!("more: mayuctl explain {name}"));
    lines
}

fn nearest(catalog: &Catalog, labels: &Labels) -> Option<String> {
    let groups = catalog.groups().iter().take(LOOK);
    let failed = |group: &&Group| group.selector.iter().filter(|s| !s.matches(labels)).count();
    let group = groups.min_by_key(|group| (failed(group), usize::MAX - group.selector.len()))?;
    let miss = group.selector.iter().find(|selector| !selector.matches(labels))?;
    let wanted = miss.values.first().map(String::as_str).unwrap_or_default();
    Some(format!("nearest: {} wants {}={wanted}", group.name, miss.key))
}

/// Printable ASCII of one line that fits.
fn fit(line: &str) -> String {
    let ascii = |c: char| if c.is_ascii_graphic() || c == ' ' { c } else { '?' };
    let line: String = line.chars().map(ascii).collect();
    match line.get(..WIDTH - 3).filter(|_| line.len() > WIDTH) {
        Some(head) => format!("{head}..."),
        None => line,
    }
}
