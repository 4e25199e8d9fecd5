//! Puts together what a template may say about a machine.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::net::Ipv4Addr;
use std::sync::Arc;

use crate::domain::address::subnet::Subnet;
use crate::domain::boot::Plan;
use crate::domain::catalog::{Catalog, Selection};
use crate::domain::node::Node;
use crate::domain::render::first_boot::{PhoneHome, Seed};
use crate::domain::render::{Context, NodeFacts, RenderFault, Request, Server, What};
use crate::server::boots::Pinned;

/// What is around a machine: who answers it, and the subnets that it can be in.
#[derive(Debug, Clone, Copy)]
pub struct Around<'a> {
    /// Base URL of the boot plane as the machine reaches it, no trailing slash.
    pub server: &'a str,
    /// Subnets that are served.
    pub subnets: &'a [Subnet],
}

impl Around<'_> {
    /// Netmask and router of the subnet that an address is in.
    pub fn network(&self, address: Ipv4Addr) -> Option<(Ipv4Addr, Option<Ipv4Addr>)> {
        let subnet = self.subnets.iter().find(|subnet| subnet.cidr.contains(&address))?;
        Some((subnet.cidr.netmask(), subnet.router))
    }

    /// What a node knows of itself.
    pub fn facts(&self, node: &Node) -> NodeFacts {
        NodeFacts::of(node, node.status.address.and_then(|address| self.network(address)))
    }
}

/// Variables for a machine that asks.
pub fn context(
    around: &Around<'_>,
    node: &Node,
    selection: Selection<'_>,
    request: Request,
) -> Context {
    Context::new(around.facts(node), selection, request, Server::new(around.server))
}

/// A document as it is sent. `None`: the profile has no such document; for `Ipxe` and `Grub` that the script
/// is generated.
pub fn document(
    around: &Around<'_>,
    catalog: &Catalog,
    (node, selection): (&Node, Selection<'_>),
    what: &What,
    request: Request,
) -> Result<Option<Arc<str>>, RenderFault> {
    let context = context(around, node, selection, request);
    made(catalog, (node, selection), what, &context)
}

/// A cloud-config or Ignition config as the installer puts it onto the disk, but for what phones home: nobody
/// has asked for it by any parameter.
pub fn seeded(
    around: &Around<'_>,
    catalog: &Catalog,
    (node, selection): (&Node, Selection<'_>),
    what: &What,
    token: &str,
) -> Result<Option<Arc<str>>, RenderFault> {
    let mut context = context(around, node, selection, Request::default());
    context.secrets.insert("node_token".to_owned(), token.to_owned());
    made(catalog, (node, selection), what, &context)
}

fn made(
    catalog: &Catalog,
    (node, selection): (&Node, Selection<'_>),
    what: &What,
    context: &Context,
) -> Result<Option<Arc<str>>, RenderFault> {
    let text = catalog.document(selection, what, context)?;
    Ok(match what {
        What::Cloud => text.map(|text| with_addresses(text, node.status.address)),
        _ => text,
    })
}

/// The first boot's files for cloud-init, rendered from the catalog that the boot began with.
pub fn seed(
    around: &Around<'_>,
    node: &Node,
    pinned: &Pinned,
    token: &str,
) -> Result<BTreeMap<String, String>, String> {
    let selection = pinned.selection().ok_or("its group is not in the catalog any more")?;
    let made = seeded(around, &pinned.catalog, (node, selection), &What::Cloud, token);
    let user_data = made.map_err(|fault| fault.to_string())?.unwrap_or_default();
    let user_data = user_data.as_ref().to_owned();
    let mac = node.status.boot_mac.or_else(|| node.macs().next());
    let seed = Seed {
        user_data,
        node: node.id.as_str(),
        generation: node.spec.generation,
        hostname: &node.hostname(),
        mac: &mac.map(|mac| mac.to_string()).unwrap_or_default(),
        phone_home: PhoneHome { url: around.server, token },
    };
    pinned.catalog.nocloud(seed).map_err(|fault| fault.to_string())
}

/// `$public_ipv4` and `$private_ipv4` of a cloud-config are the machine's address. CoreOS's cloudinit knows
/// them itself, cloud-init does not.
fn with_addresses(text: Arc<str>, address: Option<Ipv4Addr>) -> Arc<str> {
    let is_config = cloudconfig::kind(&text) == cloudconfig::Kind::CloudConfig;
    if !is_config || address.is_none() {
        return text;
    }
    match cloudconfig::substitute(&text, address, address) {
        Cow::Borrowed(_) => text,
        Cow::Owned(text) => text.into(),
    }
}

/// What is about to happen, for the machine's screen.
pub fn title(node: &Node, plan: &Plan, profile: &str) -> String {
    match plan {
        Plan::Install => format!(
            "{} is installed now: profile {profile}, generation {}, try {}",
            node.hostname(),
            node.spec.generation,
            node.status.tries + 1
        ),
        Plan::Live => format!("{} runs profile {profile} from RAM", node.hostname()),
        Plan::LocalDisk(reason) => format!("{} boots its own disk: {reason}", node.hostname()),
        Plan::Hold(reason) => format!("{} is not installed: {reason}", node.hostname()),
    }
}
