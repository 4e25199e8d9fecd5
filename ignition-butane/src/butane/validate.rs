//! Ignition's own checks of what came out, with their places in the Butane config.

use serde_json::Value as Json;
use yaml::Severity;

use super::files::Files;
use super::node::Node;
use super::path::{Path, Segment};
use super::report::Report;
use crate::spec;

const NOT_VALID: &str = "config is not valid";
const UNKNOWN_VERSION: &str =
    "skipping validation for the merge/replace ignition config due to an unkown version";

/// Checks the translated config; `json`: how it is printed.
pub(super) fn result(built: &Node, json: &str, report: &mut Report<'_>) {
    let config: Json = match serde_json::from_str(json) {
        Ok(config) => config,
        // What was written by our own hand can be read; if not, nobody shall get it.
        Err(error) => return report.error(&Path::default(), format!("no JSON: {error}")),
    };
    for problem in spec::check(&config) {
        let path: Vec<Segment> = problem.path.into_iter().map(Segment::from).collect();
        let message = without_json(&problem.message);
        report.add_at(problem.severity, &built.source_of(&path), message);
    }
}

/// Checks the configs that are embedded to be merged or to replace this one. Butane only looks at those that
/// are inline and of its own version; here all are looked at whose version is known.
pub(super) fn embedded(config: &Node, files: Files<'_>, report: &mut Report<'_>) {
    let replace = config.at(&["ignition", "config", "replace"]);
    let merge = config.list_at(&["ignition", "config", "merge"]);
    for resource in merge.iter().chain(replace) {
        if resource.words_at("compression").is_some() {
            continue;
        }
        let inline = resource.get("inline").map(|node| (node, node.text().map(str::as_bytes)));
        let local = resource.get("local").map(|node| (node, node.text()));
        let local = local.map(|(node, path)| (node, path.and_then(|path| files.read(path).ok())));
        if let Some((node, Some(contents))) = inline.or(local) {
            one(node, contents, report);
        }
    }
}

fn one(node: &Node, contents: &[u8], report: &mut Report<'_>) {
    let at = &node.origin.path;
    let config: Json = match serde_json::from_slice(contents) {
        Ok(config) => config,
        Err(error) => return report.error(at, format!("{NOT_VALID}: {error}")),
    };
    let version = config.pointer("/ignition/version").and_then(Json::as_str);
    if version.is_some_and(is_later) {
        return report.warn(at, UNKNOWN_VERSION);
    }
    for problem in spec::check(&config) {
        let prefix = match problem.severity {
            Severity::Error => format!("{NOT_VALID}: "),
            Severity::Warning => String::new(),
        };
        let message = format!("{prefix}{}: {}", problem.path(), problem.message);
        report.add_at(problem.severity, at, message);
    }
}

/// Advice on how to write numbers in JSON does not fit here.
fn without_json(message: &str) -> String {
    let parts = message.split("; ").filter(|part| !part.contains("JSON wants"));
    let message = parts.collect::<Vec<_>>().join("; ");
    match message.split_once(": in JSON it is decimal") {
        Some((message, _)) => format!("{message}: it is from 0 to 07777, with the leading zero"),
        None => message,
    }
}

/// A version of the third specification that came after those that are known here.
fn is_later(version: &str) -> bool {
    let mut parts = version.split('.').map(str::parse::<u64>);
    matches!((parts.next(), parts.next()), (Some(Ok(3)), Some(Ok(minor))) if minor > 5)
}

impl From<spec::Segment> for Segment {
    fn from(segment: spec::Segment) -> Self {
        match segment {
            spec::Segment::Key(key) => Self::from(key),
            spec::Segment::Index(index) => Self::Index(index),
        }
    }
}
