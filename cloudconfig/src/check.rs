//! Everything that is looked at, put together.

use std::collections::{BTreeMap, HashMap, HashSet};

use yaml::{Dialect, Faults, Finding, Item, Severity, SourceFile, Spot, Value};

use crate::doc::{Doc, Found};
use crate::world::Evidence;
use crate::{Kind, Report, World, cloud_init, coreos, kind};

/// Says what is wrong with a user-data, after its variables were replaced. Never fails: what cannot be read at
/// all is an error in the report.
pub fn check(text: &str) -> Report {
    let kind = kind(text);
    match kind {
        Kind::CloudConfig => cloud_config(text),
        Kind::Script => Report { kind, world: World::Both, findings: Vec::new() },
        Kind::Other => {
            let message =
                "must be \"#cloud-config\" or begin with \"#!\"; it is the first line that counts";
            Report { kind, world: World::Both, findings: vec![whole(Severity::Error, message)] }
        }
    }
}

fn whole(severity: Severity, message: &str) -> Finding {
    Finding { line: 1, column: 1, path: String::new(), severity, message: message.to_owned() }
}

fn cloud_config(text: &str) -> Report {
    let files = [SourceFile { path: "user-data".to_owned(), text: text.to_owned() }];
    let faults = Faults::new(&files, Dialect::Settings);
    let (kind, world) = (Kind::CloudConfig, World::Both);
    let Some(root) = faults.read(0) else {
        let faults = faults.finish().into_iter();
        let findings = faults.map(|fault| Finding {
            line: fault.line,
            column: fault.column,
            path: String::new(),
            severity: Severity::Error,
            message: fault.message,
        });
        return Report { kind, world, findings: findings.collect() };
    };
    let doc = Doc::new(text, &faults);
    let world = match &root.value {
        Value::Map(entries) if !entries.is_empty() => everything(&doc, &root),
        Value::Map(_) | Value::Null => {
            doc.warning(root.spot, "", "this cloud-config is empty and does nothing");
            world
        }
        other => {
            let message = format!("a cloud-config is a map of keys, and this is {}", other.kind());
            doc.error(root.spot, "", message);
            world
        }
    };
    Report { kind, world, findings: doc.finish() }
}

fn everything(doc: &Doc<'_>, root: &Item) -> World {
    let evidence = Evidence::of(doc, root);
    let world = evidence.world();
    repeated(doc, root, "");
    evidence.warn_of_a_mix(doc);
    coreos::contents(doc, root, world != World::CloudInit);
    if world != World::CloudInit {
        coreos::check(doc, root, world == World::CoreOs);
    }
    let only: HashSet<&str> = evidence.cloud_init.iter().map(|(_, path)| path.as_str()).collect();
    let found = cloud_init::check(doc, root, |key| world != World::CoreOs || only.contains(key));
    let known = doc.worst();
    for found in found {
        // Both programs found it, and coreos-cloudinit has said so.
        if known.get(&found.path).is_none_or(|severity| *severity < found.severity) {
            doc.push(found);
        }
    }
    world
}

/// Keys that stand in one map twice. Both parsers take the last and say nothing.
fn repeated(doc: &Doc<'_>, item: &Item, path: &str) {
    match &item.value {
        Value::List(items) => {
            for (at, item) in items.iter().enumerate() {
                repeated(doc, item, &format!("{path}[{at}]"));
            }
        }
        Value::Map(entries) => {
            let mut first: HashMap<&str, Spot> = HashMap::new();
            for entry in entries {
                let path = crate::doc::below(path, &entry.key);
                if let Some(first) = first.get(entry.key.as_str()) {
                    let line = doc.line(*first);
                    let message = format!("given twice, first in line {line}; only one can count");
                    doc.error(entry.key_spot, &path, message);
                } else {
                    first.insert(&entry.key, entry.key_spot);
                }
                repeated(doc, &entry.item, &path);
            }
        }
        _ => {}
    }
}

impl Doc<'_> {
    /// The worst that was found of each path.
    fn worst(&self) -> BTreeMap<String, Severity> {
        let mut worst = BTreeMap::new();
        self.each(|Found { path, severity, .. }| {
            let known = worst.entry(path.clone()).or_insert(*severity);
            *known = (*known).max(*severity);
        });
        worst
    }
}
