//! The real `mayuctl`, asked over the operator's socket.

use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use anyhow::{Context, Result, bail};
use serde::Deserialize;
use serde::de::DeserializeOwned;

/// A `mayuctl` that speaks to one server.
#[derive(Debug, Clone)]
pub struct Mayuctl {
    program: PathBuf,
    server: String,
}

/// A node, as `get nodes -o json` gives it; fields that the lab does not look at are left out.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
#[expect(missing_docs, reason = "fields of the operator plane's Node, explained in its proto")]
pub struct Node {
    pub id: String,
    pub hostname: String,
    pub state: String,
    pub reason: String,
    pub group: String,
    pub profile: String,
    pub macs: Vec<String>,
    pub serial: String,
    pub address: String,
    pub generation: u64,
    pub installed_generation: u64,
    pub tries: u32,
    pub stage: String,
    pub done_bytes: u64,
    pub total_bytes: u64,
    pub last_seen_ms: i64,
    pub installs: u32,
    pub last_step: String,
}

/// One boot of a node.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct Boot {
    /// Id of the boot.
    pub id: String,
    /// Its steps, oldest first.
    pub steps: Vec<BootStep>,
}

/// One step of a boot.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct BootStep {
    /// Milliseconds since 1970.
    pub time_ms: i64,
    /// Its name.
    pub step: String,
    /// What the server noted beside it.
    pub detail: String,
}

impl Mayuctl {
    /// A client of the server whose operator socket is `socket`.
    pub fn new(program: &Path, socket: &Path) -> Self {
        Self { program: program.to_owned(), server: format!("unix:{}", socket.display()) }
    }

    /// The command line that a person would type, without its verb.
    pub fn command_line(&self) -> String {
        format!("{} --server {}", self.program.display(), self.server)
    }

    /// Runs it; what it printed and how it ended.
    ///
    /// # Errors
    /// When it cannot be started.
    pub fn run(&self, args: &[&str]) -> Result<Output> {
        Command::new(&self.program)
            .args(["--server", &self.server])
            .args(args)
            .stdin(Stdio::null())
            .output()
            .with_context(|| format!("cannot run {}", self.program.display()))
    }

    /// Runs it; what it printed.
    ///
    /// # Errors
    /// When it cannot be started or does not end with 0; the message has its own.
    pub fn text(&self, args: &[&str]) -> Result<String> {
        let output = self.run(args)?;
        if !output.status.success() {
            let words = String::from_utf8_lossy(&output.stderr);
            bail!("`mayuctl {}` ended with {}: {}", args.join(" "), output.status, words.trim());
        }
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    }

    /// All nodes.
    ///
    /// # Errors
    /// As [`Mayuctl::text`], or when the answer is not understood.
    pub fn nodes(&self) -> Result<Vec<Node>> {
        self.json(&["get", "nodes", "-o", "json"])
    }

    /// The boots of a node, newest last.
    ///
    /// # Errors
    /// As [`Mayuctl::nodes`].
    pub fn boots(&self, name: &str) -> Result<Vec<Boot>> {
        self.json(&["boots", name, "-o", "json"])
    }

    fn json<T: DeserializeOwned>(&self, args: &[&str]) -> Result<T> {
        let text = self.text(args)?;
        serde_json::from_str(&text).with_context(|| {
            format!("`mayuctl {}` gave what is not understood: {text}", args.join(" "))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_node_is_read_from_its_proto_field_names() {
        let text = r#"[{"id":"a","state":"installing","macs":["52:54:00:77:00:01"],"done_bytes":7,
            "installs":1,"labels":[],"hold":""}]"#;
        let nodes: Vec<Node> = serde_json::from_str(text).unwrap();
        assert_eq!((nodes[0].done_bytes, nodes[0].installs), (7, 1));
    }
}
