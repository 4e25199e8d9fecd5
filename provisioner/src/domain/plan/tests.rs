use std::fmt::Write as _;

use super::*;
use crate::domain::catalog::{Catalog, CatalogId, Fault, SourceFile};
use crate::domain::labels::Trust;
use crate::domain::machine::{Claims, NodeId};
use crate::domain::node::{Millis, Node, State};

mod compare;
mod gate;

pub(crate) const PROFILES: [(&str, &str); 4] = [
    ("profiles/local.yaml", "name: local"),
    ("profiles/live.yaml", "boot: {kernel: /k, initrd: [/i], args: [quiet]}"),
    ("profiles/debian.yaml", "install: {image: debian-12, disk: {choose: smallest}}"),
    ("profiles/flatcar.yaml", "install: {image: flatcar, disk: {path: /dev/sda}}"),
];

/// The profiles and these files; a file of the same path replaces a profile.
pub(crate) fn catalog(files: &[(&str, &str)]) -> Catalog {
    let kept = PROFILES.iter().filter(|(path, _)| files.iter().all(|(own, _)| own != path));
    let all = kept
        .chain(files)
        .map(|(path, text)| SourceFile { path: (*path).to_owned(), text: (*text).to_owned() });
    let built = Catalog::build(CatalogId::new("test"), &all.collect::<Vec<_>>().into());
    built.unwrap_or_else(|faults| {
        let text = faults.iter().fold(String::new(), |mut text, fault: &Fault| {
            writeln!(text, "{fault}").unwrap();
            text
        });
        panic!("{text}")
    })
}

/// A node called `n7` with MAC …:07 that claims these labels.
pub(crate) fn node(number: u8, labels: &[(&str, &str)]) -> Node {
    let serial = format!("n{number}");
    let claims = Claims::new().with_serial(Some(&serial));
    let id = NodeId::choose(&claims).unwrap();
    let mut node = Node::first_seen(id, claims.aliases(), true, Millis(1));
    for (key, value) in labels {
        node.status.labels.insert(*key, *value, Trust::Claimed);
    }
    node
}

pub(crate) fn member_of(group: &str, mut node: Node) -> Node {
    node.status.group = Some(group.to_owned());
    node
}

pub(crate) fn retired(mut node: Node) -> Node {
    node.status.state = State::Retired;
    node
}
