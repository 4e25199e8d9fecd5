//! Files, directories and links.

use std::collections::{HashMap, HashSet};

use super::names::{Names, check_path, clean, parents};
use super::node::Node;
use super::resource;

const MODE_MAX: i64 = 0o7777;
const MODE_SPECIAL: i64 = 0o7000;

/// Checks `storage.files`, `storage.directories` and `storage.links`.
pub(super) fn check(storage: &Node<'_>) {
    let directories = storage.items("directories");
    let files = storage.items("files");
    let links = storage.items("links");
    let mut names = Names::default();
    for node in directories.iter().chain(&files).chain(&links) {
        check_path(node, "path");
        check_owner(node, "user");
        check_owner(node, "group");
        if let Some(path) = node.filled("path") {
            names.add(path, node, Some("path"));
        }
    }
    for node in directories.iter().chain(&files) {
        check_mode(node);
    }
    files.iter().for_each(check_file);
    let directory_paths = directories.iter().filter_map(|node| node.filled("path")).collect();
    for link in &links {
        check_link(link, &directory_paths);
    }
    check_parents(&[&directories, &files, &links], &files, &links);
}

fn check_owner(node: &Node<'_>, key: &str) {
    let Some(owner) = node.value.get(key) else { return };
    let id = owner.get("id").and_then(serde_json::Value::as_i64);
    let name = owner.get("name").and_then(serde_json::Value::as_str).unwrap_or_default();
    if id.is_some() && !name.is_empty() {
        node.error_at(key, "give the id or the name, not both");
    }
    if id.is_some_and(|id| u32::try_from(id).is_err()) {
        node.error_at(key, "the id is out of range: 0 to 4294967295");
    }
}

fn check_mode(node: &Node<'_>) {
    let Some(mode) = node.whole("mode") else { return };
    if !(0..=MODE_MAX).contains(&mode) {
        let message = format!(
            "{mode} is no file mode: in JSON it is decimal, from 0 to {MODE_MAX} (octal 7777); 0644 is 420"
        );
        return node.error_at("mode", message);
    }
    if mode & MODE_SPECIAL != 0 && !node.since(4) {
        let message = format!(
            "mode {mode} (octal {mode:o}) has the setuid, setgid or sticky bit, which Ignition supports from \
             version 3.4.0 on; if octal {mode} was meant, JSON wants it in decimal"
        );
        node.warn_at("mode", message);
    }
}

fn check_file(file: &Node<'_>) {
    let contents = file.child("contents");
    if let Some(contents) = &contents {
        resource::check(contents);
    }
    file.items("append").iter().for_each(resource::check);
    if file.is_on("overwrite") && !contents.is_some_and(|contents| contents.has("source")) {
        file.error_at(
            "overwrite",
            "to overwrite a file its contents need a source; \"\" empties it",
        );
    }
}

fn check_link(link: &Node<'_>, directories: &HashSet<&str>) {
    let Some(target) = link.filled("target") else {
        if link.value.is_object() {
            link.error_at("target", "the target of the link is missing");
        }
        return;
    };
    if !link.is_on("hard") {
        return;
    }
    let path = link.text("path").unwrap_or_default();
    let target =
        if target.starts_with('/') { clean(target) } else { clean(&format!("{path}/{target}")) };
    if directories.contains(target.as_str()) {
        link.error_at(
            "target",
            format!("{target:?} is a directory, and a hard link cannot lead to one"),
        );
    }
    for (owner, key) in ["user", "group"].iter().flat_map(|o| [(*o, "id"), (*o, "name")]) {
        if let Some(owner) = link.child(owner).filter(|owner| owner.has(key)) {
            owner.warn_at(key, "a hard link has the owner of its target; this is ignored");
        }
    }
}

/// Nothing can be below a file; and what is below a link would land elsewhere.
fn check_parents(all: &[&Vec<Node<'_>>], files: &[Node<'_>], links: &[Node<'_>]) {
    let named = |nodes: &[Node<'_>], kind| {
        let paths = nodes.iter().filter_map(|node| Some((node.filled("path")?.to_owned(), kind)));
        paths.collect::<Vec<_>>()
    };
    let no_directory: HashMap<String, &str> =
        named(files, "a file").into_iter().chain(named(links, "a link")).collect();
    for node in all.iter().copied().flatten() {
        let Some(path) = node.filled("path") else { continue };
        let above = parents(path).find_map(|above| Some((above, no_directory.get(above)?)));
        if let Some((above, kind)) = above {
            node.error_at(
                "path",
                format!("{above:?}, which it is below, is {kind} in this config"),
            );
        }
    }
}
