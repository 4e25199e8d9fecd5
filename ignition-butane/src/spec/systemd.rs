//! Units and drop-ins.

use std::collections::HashMap;

use super::names::check_keyed;
use super::node::Node;
use super::unit;

const EXTENSIONS: [&str; 12] = [
    "service",
    "socket",
    "device",
    "mount",
    "automount",
    "swap",
    "target",
    "path",
    "timer",
    "snapshot",
    "slice",
    "scope",
];

/// Checks `systemd`.
pub(super) fn check(systemd: &Node<'_>) {
    let units = systemd.items("units");
    check_keyed(&units, "name");
    let by_name: HashMap<&str, &Node<'_>> =
        units.iter().filter_map(|unit| Some((unit.text("name")?, unit))).collect();
    for unit in &units {
        check_unit(unit);
        check_template(unit, &by_name);
    }
}

fn check_unit(node: &Node<'_>) {
    if let Some(name) = node.text("name") {
        check_name(node, name);
    }
    let dropins = node.items("dropins");
    check_keyed(&dropins, "name");
    dropins.iter().for_each(check_dropin);
    let Some(contents) = node.text("contents") else { return };
    match unit::sections(contents) {
        Err(broken) => broken_unit(node, &broken),
        Ok(sections) => {
            let install = sections.iter().any(|section| section == "Install");
            if node.is_on("enabled") && !contents.is_empty() && !install {
                let message =
                    "the unit is enabled, which does nothing: it has no [Install] section";
                node.warn_at("contents", message);
            }
        }
    }
}

fn broken_unit(node: &Node<'_>, broken: &unit::Broken) {
    let message = format!("line {} of the unit: {}", broken.line, broken.message);
    node.error_at("contents", message);
}

fn check_name(node: &Node<'_>, name: &str) {
    if name.contains(['/', '\0']) {
        return node.error_at("name", "a unit's name cannot hold a slash");
    }
    let (stem, extension) = name.rsplit_once('.').unwrap_or((name, ""));
    if !EXTENSIONS.contains(&extension) {
        let message = format!("a unit's name ends in one of: .{}", EXTENSIONS.join(", ."));
        node.error_at("name", message);
    } else if stem.is_empty() || stem.starts_with('@') {
        node.error_at("name", "something has to stand before the dot and the @");
    } else if let Some(odd) =
        name.chars().find(|c| !(c.is_ascii_alphanumeric() || ":-_.\\@".contains(*c)))
    {
        let message =
            format!("systemd ignores units with {odd:?} in their names; `systemd-escape` helps");
        node.warn_at("name", message);
    }
}

fn check_dropin(dropin: &Node<'_>) {
    if let Some(name) = dropin.text("name") {
        if name.contains(['/', '\0']) {
            dropin.error_at("name", "a drop-in's name cannot hold a slash");
        } else if name.strip_suffix(".conf").is_none_or(str::is_empty) {
            dropin.error_at("name", "a drop-in's name ends in .conf");
        }
    }
    if let Some(Err(broken)) = dropin.text("contents").map(unit::sections) {
        broken_unit(dropin, &broken);
    }
}

/// An instance that is enabled needs a template with an [Install] section, if the config has the template.
fn check_template(instance: &Node<'_>, units: &HashMap<&str, &Node<'_>>) {
    let Some(name) = instance.text("name").filter(|_| instance.is_on("enabled")) else { return };
    let Some((stem, argument)) =
        name.strip_suffix(".service").and_then(|name| name.split_once('@'))
    else {
        return;
    };
    if stem.is_empty() || argument.is_empty() {
        return;
    }
    let template = format!("{stem}@.service");
    let contents = units.get(template.as_str()).and_then(|unit| unit.filled("contents"));
    if let Some(Ok(sections)) = contents.map(unit::sections)
        && !sections.iter().any(|section| section == "Install")
    {
        let message = format!("enabling it does nothing: {template:?} has no [Install] section");
        instance.warn_at("contents", message);
    }
}

/// What a unit or a drop-in is written to cannot be in `storage`, too.
pub(super) fn check_files(systemd: &Node<'_>, storage: Option<&Node<'_>>) {
    let Some(storage) = storage else { return };
    let mut written = HashMap::new();
    for unit in systemd.items("units") {
        let Some(name) = unit.text("name") else { continue };
        let path = format!("/etc/systemd/system/{name}");
        for dropin in unit.items("dropins") {
            if let (Some(file), Some(_)) = (dropin.text("name"), dropin.filled("contents")) {
                written.insert(format!("{path}.d/{file}"), dropin.path());
            }
        }
        if unit.filled("contents").is_some() {
            written.insert(path, unit.path());
        }
    }
    for list in ["files", "directories", "links"] {
        for node in storage.items(list) {
            if let Some(unit) = node.text("path").and_then(|path| written.get(path)) {
                node.error_at("path", format!("{unit} is written to this path, too"));
            }
        }
    }
}
