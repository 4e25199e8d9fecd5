//! What is wrong with values that have the right type.

use yaml::{Item, Severity, Spot};

use crate::doc::{Doc, child, elements, entries};

/// Suffixes of the files that systemd and systemd-networkd read.
const SUFFIXES: [&str; 15] = [
    "service",
    "socket",
    "device",
    "mount",
    "automount",
    "swap",
    "target",
    "path",
    "timer",
    "slice",
    "scope",
    "snapshot",
    "network",
    "netdev",
    "link",
];

/// `lone`: whether no other program than coreos-cloudinit is meant.
pub(crate) fn check(doc: &Doc<'_>, root: &Item, lone: bool) {
    let coreos = keyed(root, "coreos");
    if let Some((coreos, _)) = coreos {
        discovery(doc, coreos);
        misplaced_files(doc, coreos);
        for (at, unit) in
            keyed(coreos, "units").map_or(&[][..], |(units, _)| elements(units)).iter().enumerate()
        {
            check_unit(doc, unit, &format!("coreos.units[{at}]"));
        }
    }
    let severity = if lone { Severity::Error } else { Severity::Warning };
    for (at, file) in
        keyed(root, "write_files").map_or(&[][..], |(files, _)| elements(files)).iter().enumerate()
    {
        check_file(doc, file, &format!("write_files[{at}]"), severity);
    }
    for (at, user) in
        keyed(root, "users").map_or(&[][..], |(users, _)| elements(users)).iter().enumerate()
    {
        if lone {
            needs(doc, user, "name", &format!("users[{at}]"));
        }
    }
    if let Some((hosts, spot)) = keyed(root, "manage_etc_hosts") {
        let written = doc.written(hosts);
        if !written.is_empty() && written != "localhost" {
            let message = "CoreOS knows `localhost` here and nothing else";
            doc.add(spot, "manage_etc_hosts", severity, message);
        }
    }
}

/// The value of a key, `-` for `_` allowed, and where the key stands.
fn keyed<'i>(item: &'i Item, key: &str) -> Option<(&'i Item, Spot)> {
    let entry = entries(item).into_iter().find(|entry| entry.key.replace('-', "_") == key)?;
    Some((&entry.item, entry.key_spot))
}

/// Text of a key that is there.
fn text(doc: &Doc<'_>, item: &Item, key: &str) -> Option<(String, Spot)> {
    let (value, spot) = keyed(item, key)?;
    Some((doc.written(value), spot)).filter(|(text, _)| !text.is_empty())
}

fn needs(doc: &Doc<'_>, item: &Item, key: &str, path: &str) {
    if !entries(item).is_empty() && text(doc, item, key).is_none() {
        doc.error(item.spot, path, format!("`{key}` is missing"));
    }
}

fn discovery(doc: &Doc<'_>, coreos: &Item) {
    let Some((etcd, _)) = keyed(coreos, "etcd") else { return };
    let Some((value, spot)) = keyed(etcd, "discovery") else { return };
    let url = doc.written(value);
    let scheme = url.split_once(':').map_or("", |(scheme, _)| scheme);
    let named = scheme.starts_with(|c: char| c.is_ascii_alphabetic())
        && scheme.chars().all(|c| c.is_ascii_alphanumeric() || "+-.".contains(c));
    if !url.starts_with('/') && !named && !matches!(value.value, yaml::Value::Null) {
        let message = "discovery URL is not valid; write http://HOST/TOKEN";
        doc.warning(spot, "coreos.etcd.discovery", message);
    }
}

fn misplaced_files(doc: &Doc<'_>, coreos: &Item) {
    if let Some((_, spot)) = keyed(coreos, "write_files") {
        doc.warning(spot, "coreos.write_files", "write_files doesn't belong under coreos");
    }
}

fn check_unit(doc: &Doc<'_>, unit: &Item, path: &str) {
    needs(doc, unit, "name", path);
    if let Some((name, spot)) = text(doc, unit, "name") {
        let (stem, suffix) = name.rsplit_once('.').unwrap_or((&name, ""));
        let good = |c: char| c.is_ascii_alphanumeric() || ":-_.\\@".contains(c);
        if stem.is_empty() || !name.chars().all(good) || name.len() > 255 {
            let message =
                format!("{name:?} is no name of a unit; letters, digits and `:-_.\\@` make one");
            doc.error(spot, &format!("{path}.name"), message);
        } else if !SUFFIXES.contains(&suffix) {
            let hint = yaml::did_you_mean(suffix, SUFFIXES)
                .unwrap_or_else(|| "it ends in .service, .timer, .network or the like".to_owned());
            let message = format!("{name:?} is no name of a unit; {hint}");
            doc.error(spot, &format!("{path}.name"), message);
        }
    }
    let drop_ins = keyed(unit, "drop_ins").map_or(&[][..], |(list, _)| elements(list));
    for (at, drop_in) in drop_ins.iter().enumerate() {
        let path = format!("{path}.drop-ins[{at}]");
        needs(doc, drop_in, "name", &path);
        let Some((name, spot)) = text(doc, drop_in, "name") else { continue };
        let path = format!("{path}.name");
        if name.contains('/') {
            doc.error(spot, &path, format!("{name:?} is no name of a file; leave the `/` out"));
        } else if name.rsplit_once('.').is_none_or(|(_, suffix)| suffix != "conf") {
            let message = format!("systemd reads drop-ins that end in .conf, and so not {name:?}");
            doc.warning(spot, &path, message);
        }
    }
}

fn check_file(doc: &Doc<'_>, file: &Item, path: &str, read_only: Severity) {
    needs(doc, file, "path", path);
    if let Some((name, spot)) = text(doc, file, "path")
        && directory(&name).first() == Some(&"usr")
    {
        let message = "file cannot be written to a read-only filesystem";
        let message = match read_only {
            Severity::Error => message.to_owned(),
            Severity::Warning => format!("{message}; so it is on CoreOS"),
        };
        doc.add(spot, &format!("{path}.path"), read_only, message);
    }
}

/// The components of the directory of an absolute path, `..` resolved; none of a relative one.
fn directory(path: &str) -> Vec<&str> {
    let Some(path) = path.strip_prefix('/') else { return Vec::new() };
    let (directory, _) = path.rsplit_once('/').unwrap_or(("", path));
    let mut out = Vec::new();
    for part in directory.split('/') {
        match part {
            "" | "." => {}
            ".." => drop(out.pop()),
            name => out.push(name),
        }
    }
    out
}

/// Content that cannot be decoded. Only coreos-cloudinit minds if there is none.
pub(crate) fn contents(doc: &Doc<'_>, root: &Item, coreos: bool) {
    let Some(files) = child(root, "write_files").or_else(|| child(root, "write-files")) else {
        return;
    };
    for (at, file) in elements(&files.item).iter().enumerate() {
        let Some((encoding, spot)) = text(doc, file, "encoding") else { continue };
        let content = keyed(file, "content");
        let (written, spot) =
            content.map_or((String::new(), spot), |(item, spot)| (doc.written(item), spot));
        let binary = content.is_some_and(|(item, _)| doc.is_binary(item.spot));
        let missing = content.is_none();
        if (missing && coreos) || !missing && !crate::content::decodes(&written, &encoding, binary)
        {
            let message = format!("content cannot be decoded as {encoding:?}");
            doc.error(spot, &format!("write_files[{at}].content"), message);
        }
    }
}
