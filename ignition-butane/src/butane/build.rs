//! From Butane's fields to Ignition's: most are only spelled otherwise, and some embed files.

use super::data_url;
use super::files::Files;
use super::node::{Fields, Node, Origin, Value};
use super::path::Path;
use super::report::Report;
use super::shape::{CONFIG, Field, Kind, Shape};
use super::version::Version;

/// Translates one config.
#[derive(Debug)]
pub(super) struct Builder<'r, 'a, 'f> {
    pub(super) version: &'static Version,
    pub(super) files: Files<'f>,
    pub(super) report: &'r mut Report<'a>,
}

impl Builder<'_, '_, '_> {
    /// The whole config, without what only the variant knows.
    pub(super) fn config(&mut self, config: &Node) -> Node {
        let mut built = self.map(config, &CONFIG);
        if let Some(ignition) = built.map_mut("ignition") {
            let origin = Origin::one(Path::of(["version"]));
            ignition.set("version", Node::new(self.version.ignition, &origin));
        }
        built
    }

    /// A map, and all below.
    pub(super) fn map(&mut self, from: &Node, shape: &'static Shape) -> Node {
        let mut fields = Fields::new();
        for (key, node) in from.fields().into_iter().flatten() {
            let field = shape.fields.iter().find(|field| field.yaml == *key);
            let Some(field) = field.filter(|field| !field.json.is_empty()) else {
                continue;
            };
            if !is_as_if_absent(field, node) {
                fields.insert(field.json, self.value(node, field.kind));
            }
        }
        let mut to = Node::new(fields, &from.origin);
        match shape.name {
            "Resource" => self.resource(from, &mut to),
            "PasswdUser" => self.user(from, &mut to),
            "Unit" | "Dropin" => self.unit(from, &mut to),
            _ => {}
        }
        to
    }

    fn value(&mut self, node: &Node, kind: Kind) -> Node {
        match kind {
            Kind::Map(shape) => self.map(node, shape),
            Kind::Maps(shape) => {
                let nodes = node.list().iter();
                let nodes: Vec<_> = nodes.map(|node| self.map(node, shape)).collect();
                Node::new(nodes, &node.origin)
            }
            _ => node.clone(),
        }
    }

    fn resource(&mut self, from: &Node, to: &mut Node) {
        if let Some(local) = from.get("local") {
            match self.files.read(local.text().unwrap_or_default()) {
                Ok(contents) => embed(to, contents, &local.origin),
                Err(message) => return self.report.error(&local.origin.path, message),
            }
        }
        if let Some(inline) = from.get("inline") {
            let contents = inline.text().unwrap_or_default().as_bytes();
            if self.version.base == 1 {
                to.set("source", Node::new(data_url::escaped(contents), &inline.origin));
            } else {
                embed(to, contents, &inline.origin);
            }
        }
    }

    fn user(&mut self, from: &Node, to: &mut Node) {
        let Some(files) = from.get("ssh_authorized_keys_local") else {
            return;
        };
        for file in files.list() {
            let text = match self.files.read_text(file.text().unwrap_or_default()) {
                Ok(text) => text,
                Err(message) => {
                    self.report.error(&file.origin.path, message);
                    continue;
                }
            };
            let text = text.replace("\r\n", "\n");
            let lines = text.split('\n').filter(|line| !line.is_empty());
            if let Some(keys) = to.list_mut("sshAuthorizedKeys") {
                keys.extend(lines.map(|line| Node::new(line, &file.origin)));
            }
        }
    }

    fn unit(&mut self, from: &Node, to: &mut Node) {
        let Some(local) = from.get("contents_local") else {
            return;
        };
        let Some(path) = local.text().filter(|path| !path.is_empty()) else {
            return;
        };
        match self.files.read_text(path) {
            Ok(text) => to.set("contents", Node::new(text, &local.origin)),
            Err(message) => self.report.error(&local.origin.path, message),
        }
    }
}

/// Puts contents into a resource.
pub(super) fn embed(resource: &mut Node, contents: &[u8], origin: &Origin) {
    let (url, compression) = data_url::smallest(contents, resource.text_at("compression"));
    resource.set("source", Node::new(url, origin));
    if let Some(compression) = compression {
        resource.set("compression", Node::new(compression, origin));
    }
}

fn is_as_if_absent(field: &Field, node: &Node) -> bool {
    let is_zero = match &node.value {
        Value::Int(value) => *value == 0,
        Value::Text(value) => value.is_empty(),
        _ => false,
    };
    field.plain && is_zero
}
