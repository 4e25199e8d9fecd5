//! From a decision to the words that a boot loader reads: one place for iPXE and GRUB.

use std::borrow::Cow;
use std::cell::LazyCell;
use std::net::Ipv4Addr;
use std::sync::Arc;

use api::node::karg;

use crate::domain::boot::Plan;
use crate::domain::catalog::{Catalog, Profile, Selection};
use crate::domain::node::Node;
use crate::domain::render::ipxe::{self, Arg, InstallerScript};
use crate::domain::render::{RenderFault, Request, What, grub};
use crate::server::context::{self, context, title};
use crate::server::order;

pub use crate::server::context::Around;

/// What stands for a token where none is made.
pub const NO_TOKEN: &str = "TOKEN";

/// Who reads the script.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Loader {
    /// iPXE.
    Ipxe,
    /// GRUB.
    Grub,
}

/// A decision about a machine, and what its words are made of.
#[derive(Debug)]
pub struct Decided<'a> {
    /// The catalog that the selection is of.
    pub catalog: &'a Catalog,
    /// The machine's group and profile.
    pub selection: Option<Selection<'a>>,
    /// The machine.
    pub node: &'a Node,
    /// What it does now.
    pub plan: &'a Plan,
    /// Lines that say more of a reason.
    pub why: &'a [String],
    /// The boot token, for an installation.
    pub token: &'a str,
    /// Where the machine asks from, when its address is not known otherwise.
    pub peer: Option<Ipv4Addr>,
}

/// The script, and whether a profile's template or arguments could not be put into words.
pub fn words(
    around: &Around<'_>,
    loader: Loader,
    decided: &Decided<'_>,
    request: impl FnOnce() -> Request,
) -> Result<Arc<str>, RenderFault> {
    let Decided { node, plan, selection, .. } = decided;
    let profile = selection.map(|selection| selection.profile);
    let name = profile.map(|profile| profile.name.as_str()).unwrap_or_default();
    match (plan, selection) {
        (Plan::Live, Some(selection)) => live(around, loader, decided, *selection, request),
        (Plan::Install, Some(selection)) => {
            let title = title(node, plan, name);
            installer(around, loader, decided, selection.profile, &title)
        }
        (Plan::Hold(_), _) => {
            let title = title(node, plan, name);
            Ok(hold(around, loader, node, &title, decided.why).into())
        }
        (Plan::Install | Plan::Live | Plan::LocalDisk(_), _) => {
            Ok(local_disk(loader, &title(node, plan, name)).into())
        }
    }
}

/// Leaves a reason on the screen, then boots the machine's own disk.
pub fn hold(
    around: &Around<'_>,
    loader: Loader,
    node: &Node,
    reason: &str,
    why: &[String],
) -> String {
    match loader {
        Loader::Ipxe => ipxe::hold(reason, why),
        Loader::Grub => {
            let facts = around.facts(node);
            grub::hold(reason, why, grub::Machine { facts: &facts, server: around.server })
        }
    }
}

/// Boots the machine's own disk at once.
pub fn local_disk(loader: Loader, reason: &str) -> String {
    match loader {
        Loader::Ipxe => ipxe::local_disk(reason),
        Loader::Grub => grub::local_disk(reason),
    }
}

/// Leaves a reason on the screen, then asks again: `question` is the path and query that was asked.
pub fn again(
    around: &Around<'_>,
    loader: Loader,
    node: &Node,
    reason: &str,
    question: &str,
) -> String {
    match loader {
        Loader::Ipxe => ipxe::again(reason, &format!("{}/boot.ipxe", around.server)),
        Loader::Grub => {
            let facts = around.facts(node);
            let machine = grub::Machine { facts: &facts, server: around.server };
            grub::again(reason, question, machine)
        }
    }
}

/// A document as the node would get it at its next boot. Records nothing and mints nothing: the word `TOKEN`
/// stands for a token. `None`: there is no such document for it; a boot script there always is.
pub fn preview(
    around: &Around<'_>,
    decided: &Decided<'_>,
    what: &What,
) -> Result<Option<Arc<str>>, RenderFault> {
    let Decided { catalog, node, selection, .. } = *decided;
    let script = |loader, question: fn(&Node) -> Request| {
        words(around, loader, decided, || question(node)).map(Some)
    };
    match (what, selection) {
        (What::Ipxe, _) => script(Loader::Ipxe, ipxe_request),
        (What::Grub, _) => script(Loader::Grub, last_request),
        (_, None) => Ok(None),
        (What::Cloud, Some(selection)) if selection.profile.seeds_cloud() => {
            context::seeded(around, catalog, (node, selection), what, NO_TOKEN)
        }
        (What::Ignition, Some(selection)) if selection.profile.seeds_ignition() => {
            context::seeded(around, catalog, (node, selection), what, NO_TOKEN)
        }
        (_, Some(selection)) => {
            context::document(around, catalog, (node, selection), what, last_request(node))
        }
    }
}

/// The question that the node asked at its last boot, as far as it is known.
fn last_request(node: &Node) -> Request {
    let labels = node.status.labels.iter();
    question(labels.map(|(key, label)| (key.to_owned(), label.value.clone())).collect())
}

/// The same by [`ipxe::BOOT_IPXE`], which leaves nothing out: what the machine does not know is empty, and
/// empty labels are not kept.
fn ipxe_request(node: &Node) -> Request {
    let mut query = last_request(node).query;
    let asked = ipxe::BOOT_IPXE.split_once('?').map(|(_, query)| query).unwrap_or_default();
    for (key, _) in asked.split('&').filter_map(|pair| pair.split_once('=')) {
        query.entry(key.to_owned()).or_default();
    }
    question(query)
}

fn question(query: std::collections::BTreeMap<String, String>) -> Request {
    let raw_query = form_urlencoded::Serializer::new(String::new()).extend_pairs(&query).finish();
    Request { query, raw_query }
}

fn live(
    around: &Around<'_>,
    loader: Loader,
    decided: &Decided<'_>,
    selection: Selection<'_>,
    request: impl FnOnce() -> Request,
) -> Result<Arc<str>, RenderFault> {
    let profile = selection.profile;
    let (what, template) = match loader {
        Loader::Ipxe => (What::Ipxe, &profile.boot_ipxe),
        Loader::Grub => (What::Grub, &profile.boot_grub),
    };
    let context = LazyCell::new(|| context(around, decided.node, selection, request()));
    if template.is_some()
        && let Some(text) = decided.catalog.document(selection, &what, &context)?
    {
        return Ok(text);
    }
    let boot = match &profile.boot {
        Some(boot) if !profile.has_boot_templates() => Cow::Borrowed(boot),
        _ => decided.catalog.boot(selection, &context)?.unwrap_or_default(),
    };
    match loader {
        Loader::Ipxe => Ok(ipxe::live(&boot).into()),
        Loader::Grub => {
            let facts = around.facts(decided.node);
            let machine = grub::Machine { facts: &facts, server: around.server };
            grub::live(&boot, machine).map(Arc::from).map_err(|unsaid| unsaid_in(profile, &unsaid))
        }
    }
}

fn unsaid_in(profile: &Profile, unsaid: &grub::Unsaid) -> RenderFault {
    RenderFault {
        file: profile.file.clone(),
        line: 1,
        column: 1,
        message: format!("boot: {unsaid}"),
        missing: None,
    }
}

fn installer(
    around: &Around<'_>,
    loader: Loader,
    decided: &Decided<'_>,
    profile: &Profile,
    title: &str,
) -> Result<Arc<str>, RenderFault> {
    let bad = |message: String| RenderFault {
        file: profile.file.clone(),
        line: 1,
        column: 1,
        message,
        missing: None,
    };
    let at = |file: &str| format!("{}/assets/{}/{file}", around.server, order::INSTALLER);
    let [kernel, initrd] = order::INSTALLER_FILES.map(at);
    let own = [
        Arg::new(karg::URL, around.server),
        Arg::new(karg::TOKEN, decided.token),
        // A kernel that panics starts again, and the next boot is the next try.
        Arg::new("panic", "30"),
    ];
    let own: Result<Vec<Arg>, _> = own.into_iter().collect();
    let mut args = own.map_err(|error| bad(error.to_string()))?;
    if loader == Loader::Ipxe {
        for arg in &profile.boot_args {
            args.push(Arg::verbatim(arg).map_err(|error| bad(error.to_string()))?);
        }
        args.extend(ipxe::network_args());
        let script =
            InstallerScript { title, kernel_url: &kernel, initrd_url: &initrd, args: &args };
        return Ok(ipxe::installer(&script).into());
    }
    match network_args(around, decided) {
        Ok(network) => args.extend(network),
        Err(why) => return Ok(hold(around, loader, decided.node, &why, &[]).into()),
    }
    let facts = around.facts(decided.node);
    let machine = grub::Machine { facts: &facts, server: around.server };
    let script = grub::Installer {
        title,
        kernel_url: &kernel,
        initrd_url: &initrd,
        own: &args,
        given: &profile.boot_args,
    };
    grub::installer(&script, machine).map(Arc::from).map_err(|unsaid| unsaid_in(profile, &unsaid))
}

/// What iPXE fills in from its interface, GRUB has to be told.
fn network_args(around: &Around<'_>, decided: &Decided<'_>) -> Result<Vec<Arg>, String> {
    let node = decided.node;
    let mac = node.status.boot_mac.or_else(|| node.macs().next());
    let mac = mac.ok_or("GRUB cannot start the installer: no MAC of this machine is known")?;
    let address = node.status.address.or(decided.peer);
    let address =
        address.ok_or("GRUB cannot start the installer: no address of this machine is known")?;
    let (netmask, router) = around.network(address).ok_or_else(|| {
        format!("GRUB cannot start the installer: no subnet of dhcp.subnets holds {address}")
    })?;
    let args = [
        (karg::MAC, mac.hyphenated()),
        (karg::ADDRESS, address.to_string()),
        (karg::NETMASK, netmask.to_string()),
        (karg::GATEWAY, router.map(|router| router.to_string()).unwrap_or_default()),
    ];
    let args = args.into_iter().map(|(key, value)| Arg::new(key, &value));
    args.collect::<Result<_, _>>().map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests;
