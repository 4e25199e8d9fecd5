//! What templates can say: the variables of one machine.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;

use serde::Serialize;
use serde_json::{Map, Value, json};

use crate::domain::catalog::{Metadata, Selection};
use crate::domain::machine::Mac;
use crate::domain::node::Node;

/// Variables of one machine, ready to be rendered any number of times.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Context {
    /// The machine.
    pub node: NodeFacts,
    /// Its group.
    pub group: GroupFacts,
    /// Its profile's name, as `profile.name`.
    pub profile: Named,
    /// The group's metadata over the profile's; also at the root.
    pub metadata: Metadata,
    /// What was asked.
    pub request: Request,
    /// Who answers.
    pub server: Server,
    /// Secrets by name.
    pub secrets: BTreeMap<String, String>,
}

/// `node.*`
#[derive(Debug, Clone, Default, Serialize)]
pub struct NodeFacts {
    /// Its id for ever.
    pub id: String,
    /// Short name.
    pub name: String,
    /// Host name.
    pub hostname: String,
    /// The MAC that it boots from.
    pub mac: String,
    /// All MACs.
    pub macs: Vec<String>,
    /// SMBIOS UUID; empty when it has none that can be believed.
    pub uuid: String,
    /// SMBIOS serial; empty when it has none that can be believed.
    pub serial: String,
    /// `x86_64`, …
    pub arch: String,
    /// IPv4 address; empty when it has none.
    pub address: String,
    /// Netmask in dotted form; empty when not known.
    pub netmask: String,
    /// Default router; empty when not known.
    pub router: String,
    /// Install generation that is wanted.
    pub generation: u64,
    /// Labels by key.
    pub labels: BTreeMap<String, String>,
    /// Tags by key: the operator's over the group's.
    pub tags: BTreeMap<String, String>,
}

/// `group.*`
#[derive(Debug, Clone, Default, Serialize)]
pub struct GroupFacts {
    /// Its name.
    pub name: String,
    /// Its selectors: the value that is wanted; of a list, the one that the machine has.
    pub selector: BTreeMap<String, Value>,
}

/// `profile.*`
#[derive(Debug, Clone, Default, Serialize)]
pub struct Named {
    /// Its name.
    pub name: String,
}

/// `request.*`
#[derive(Debug, Clone, Default, Serialize)]
pub struct Request {
    /// Parameters by key, normalised as labels are.
    pub query: BTreeMap<String, String>,
    /// The query string, undecoded.
    pub raw_query: String,
}

/// `server.*`
#[derive(Debug, Clone, Default, Serialize)]
pub struct Server {
    /// Base URL of the boot plane, no trailing slash.
    pub url: String,
    /// Address and port in it, as GRUB's `(http,HOST)` wants them.
    pub host: String,
}

impl Server {
    /// By its base URL.
    pub fn new(url: impl Into<String>) -> Self {
        let url = url.into();
        let host = url.split_once("://").map_or(url.as_str(), |(_, host)| host).to_owned();
        Self { url, host }
    }
}

impl NodeFacts {
    /// What the node itself knows. `network`: netmask and router of the subnet that its address is in.
    pub fn of(node: &Node, network: Option<(Ipv4Addr, Option<Ipv4Addr>)>) -> Self {
        let mac = node.status.boot_mac.or_else(|| node.macs().next());
        let text = |address: Option<Ipv4Addr>| address.map(|a| a.to_string()).unwrap_or_default();
        let labels = node.labels();
        Self {
            id: node.id.to_string(),
            name: node.hostname(),
            hostname: node.hostname(),
            mac: mac.map(|mac| mac.to_string()).unwrap_or_default(),
            macs: node.macs().map(|mac| mac.to_string()).collect(),
            uuid: node.uuid().unwrap_or_default(),
            serial: node.serial().unwrap_or_default().to_owned(),
            arch: node.status.arch.clone(),
            address: text(node.status.address),
            netmask: text(network.map(|(netmask, _)| netmask)),
            router: text(network.and_then(|(_, router)| router)),
            generation: node.spec.generation,
            labels: labels.iter().map(|(k, label)| (k.to_owned(), label.value.clone())).collect(),
            tags: node.spec.tags.clone(),
        }
    }
}

impl Context {
    /// Everything that a selection supplies; secrets are added by whoever has them.
    pub fn new(
        mut node: NodeFacts,
        selection: Selection<'_>,
        request: Request,
        server: Server,
    ) -> Self {
        let Selection { group, profile } = selection;
        for (key, value) in &group.tags {
            node.tags.entry(key.clone()).or_insert_with(|| value.clone());
        }
        let selector = group.selector.iter().map(|selector| {
            let value = match selector.values.as_slice() {
                [one] => json!(spelled(&selector.key, one)),
                many => match node.labels.get(&selector.key) {
                    Some(label) => json!(spelled(&selector.key, label)),
                    None => json!(many),
                },
            };
            (selector.key.clone(), value)
        });
        let selector = selector.collect();
        Self {
            node,
            group: GroupFacts { name: group.name.clone(), selector },
            profile: Named { name: profile.name.clone() },
            metadata: merged(&profile.metadata, &group.metadata),
            request,
            server,
            secrets: BTreeMap::new(),
        }
    }

    /// The root: as in matchbox metadata and selectors (keys in lower case) lie there too, selectors over
    /// metadata; the words of this page over both.
    pub(super) fn root(&self) -> Value {
        let mut root = self.metadata.clone();
        for (key, value) in &self.group.selector {
            root.insert(key.to_lowercase(), value.clone());
        }
        if let Ok(Value::Object(own)) = serde_json::to_value(self) {
            root.extend(own);
        }
        Value::Object(root)
    }

    /// The root of Go's templates: matchbox's words over this page's.
    pub(super) fn go_root(&self) -> Value {
        let mut root = match serde_json::to_value(self) {
            Ok(Value::Object(own)) => own,
            _ => Map::new(),
        };
        let request = root.remove("request");
        root.extend(self.metadata.clone());
        for (key, value) in &self.group.selector {
            root.insert(key.to_lowercase(), value.clone());
        }
        root.extend(request.map(|request| ("request".to_owned(), request)));
        Value::Object(root)
    }
}

/// MACs in their canonical spelling, as matchbox gives them; all else as it was written.
fn spelled(key: &str, value: &str) -> String {
    let mac = key.eq_ignore_ascii_case("mac").then(|| value.parse::<Mac>().ok()).flatten();
    mac.map_or_else(|| value.to_owned(), |mac| mac.to_string())
}

/// Maps merge, all else replaces.
pub(super) fn merged(below: &Metadata, above: &Metadata) -> Metadata {
    let mut out: Map<String, Value> = below.clone();
    for (key, value) in above {
        let value = match (out.get(key), value) {
            (Some(Value::Object(old)), Value::Object(new)) => merged(old, new).into(),
            _ => value.clone(),
        };
        out.insert(key.clone(), value);
    }
    out
}
