//! Raw Ignition 3.0 to 3.5, checked as Ignition itself checks it, and then some.
//!
//! Ignition ignores keys that it does not know, and takes much that a machine then stumbles over at its
//! first boot. Here such things are errors, because a config is checked long before it is served.
//! Source: <https://coreos.github.io/ignition/specs/> and the `Validate` functions of Ignition 2.20.

mod data;
mod disks;
mod ignition;
mod luks;
mod names;
mod node;
mod passwd;
mod place;
mod resource;
mod schema;
mod storage;
mod systemd;
mod text;
mod unit;
mod url;
mod version;

use std::fmt::{self, Write};

use serde_json::Value;
use yaml::Severity;

use node::{Node, Report};
pub use text::{Checked, check_text};

/// A step of the way from the top of a config to a value in it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Segment {
    /// Into an object.
    Key(String),
    /// Into a list, from 0.
    Index(usize),
}

/// Something that is wrong with a config, or only odd.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// What it is about; the last key need not be there, if that is what is wrong.
    pub path: Vec<Segment>,
    /// How bad it is.
    pub severity: Severity,
    /// What is wrong and what to do.
    pub message: String,
}

impl Problem {
    /// The path as Ignition writes it: `$.storage.files.0.path`.
    pub fn path(&self) -> String {
        path_text(&self.path)
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}: {}", self.severity, self.path(), self.message)
    }
}

impl fmt::Display for Segment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            // A config may be hostile, and paths are printed to terminals.
            Self::Key(key) => key.chars().try_for_each(|c| match c {
                c if c.is_control() => c.escape_default().fmt(f),
                c => f.write_char(c),
            }),
            Self::Index(at) => at.fmt(f),
        }
    }
}

fn path_text(path: &[Segment]) -> String {
    path.iter().fold("$".to_owned(), |text, segment| format!("{text}.{segment}"))
}

/// Everything that is wrong with a config: its version, keys and types, and what they mean together.
pub fn check(config: &Value) -> Vec<Problem> {
    let version = version::of(config);
    let minor = *version.as_ref().unwrap_or(&version::NEWEST);
    let report = Report::new(minor);
    let root = Node::root(config, &report);
    if !config.is_object() {
        root.error(
            "an Ignition config is a JSON object: {\"ignition\": {\"version\": \"3.5.0\"}, …}",
        );
        return report.into_problems();
    }
    if let Err(version::Refused { message, go_on: false }) = version {
        refuse_version(&root, message);
        return report.into_problems();
    }
    schema::check(&root);
    meaning(&root);
    let mut problems = report.into_problems();
    if let Err(refused) = version {
        // That the section or the key is missing is said by the version's own sentence.
        problems.retain(|problem| {
            let path = problem.path();
            path != "$.ignition.version"
                && (path != "$.ignition" || config.get("ignition").is_some())
        });
        let report = Report::new(minor);
        refuse_version(&Node::root(config, &report), refused.message);
        problems.extend(report.into_problems());
    }
    problems
}

fn refuse_version(root: &Node<'_>, message: String) {
    match root.child("ignition") {
        Some(ignition) => ignition.error_at("version", message),
        None if root.has("ignitionVersion") => root.error_at("ignitionVersion", message),
        None => root.error_at("ignition", message),
    }
}

fn meaning(root: &Node<'_>) {
    if let Some(section) = root.child("ignition") {
        ignition::check(&section);
    }
    if let Some(section) = root.child("kernelArguments") {
        ignition::check_kernel_arguments(&section);
    }
    if let Some(section) = root.child("passwd") {
        passwd::check(&section);
    }
    if let Some(section) = root.child("storage") {
        storage::check(&section);
        disks::check(&section);
        luks::check(&section);
    }
    if let Some(section) = root.child("systemd") {
        systemd::check(&section);
        systemd::check_files(&section, root.child("storage").as_ref());
    }
}
