//! Plans and previews for operators.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;

use api::v1;
use ipnet::Ipv4Net;
use nix::ifaddrs::getifaddrs;
use tonic::Status;

use super::find;
use crate::domain::boot::Plan;
use crate::domain::catalog::{Catalog, Profile};
use crate::domain::node::Node;
use crate::domain::render::What;
use crate::server::app::App;
use crate::server::catalog::RevisionError;
use crate::server::context::Around;
use crate::server::order::{self, Library};
use crate::server::plan::{Asked, planned};
use crate::server::script::{self, Decided};

/// A document as a node would get it.
pub(super) fn render(app: &App, request: v1::RenderRequest) -> Result<v1::RenderResponse, Status> {
    let v1::RenderRequest { name, what, at } = request;
    let what: What = what
        .parse()
        .map_err(|error| Status::invalid_argument(crate::server::recorder::chain(&error)))?;
    let node = find(app, &name)?;
    let catalog = revision(app, &at)?;
    let server = server_url(app, node.status.address);
    let around = Around { server: &server, subnets: &app.subnets };
    let selection = app.select(&catalog, &node);
    let profile = selection.map(|selection| selection.profile);
    let library = Library { assets: &app.assets, server: &server };
    let plan = order::decide(&node, profile, Some(library));
    let why = match plan {
        Plan::Hold(_) => app.explained(&catalog, &node),
        _ => Vec::new(),
    };
    let (node, plan) = (&*node, &plan);
    let token = script::NO_TOKEN;
    let decided =
        Decided { catalog: &catalog, selection, node, plan, why: &why, token, peer: None };
    let made = script::preview(&around, &decided, &what);
    match made.map_err(|fault| Status::aborted(fault.to_string()))? {
        Some(text) => {
            let catalog = catalog.id().to_string();
            Ok(v1::RenderResponse { body: text.as_bytes().to_vec(), catalog })
        }
        None => Err(Status::not_found(match profile {
            Some(profile) => missing(profile, &what),
            None => format!(
                "no group selects {name}, so there is no {what} for it, but ipxe and grub; \
                 `mayuctl explain {name}` says why"
            ),
        })),
    }
}

fn missing(profile: &Profile, what: &What) -> String {
    let has = ["ipxe", "grub", "metadata"].map(str::to_owned).into_iter();
    let own =
        documents(profile).into_iter().filter(|name| !matches!(name.as_str(), "ipxe" | "grub"));
    let has: Vec<String> = has.chain(own).collect();
    format!("profile {} has no {what}; it has {}", profile.name, has.join(", "))
}

/// The templates of a profile by the documents that they make.
pub(super) fn documents(profile: &Profile) -> Vec<String> {
    let fixed = [
        (What::Ipxe, &profile.boot_ipxe),
        (What::Grub, &profile.boot_grub),
        (What::Ignition, &profile.ignition),
        (What::Cloud, &profile.cloud),
    ];
    let fixed = fixed.into_iter().filter(|(_, template)| template.is_some());
    let fixed = fixed.map(|(what, _)| what.to_string());
    let generic = profile.generic.keys().map(|name| What::Generic(name.clone()).to_string());
    fixed.chain(generic).collect()
}

/// What a change of the catalog would change.
pub(super) fn plan(app: &App, request: v1::PlanRequest) -> Result<v1::PlanResponse, Status> {
    let v1::PlanRequest { from, to, diff } = request;
    let old = revision(app, &from)?;
    let new = if to.is_empty() { newest(app)? } else { revision(app, &to)? };
    let server = server_url(app, None);
    let around = Around { server: &server, subnets: &app.subnets };
    let nodes = app.recorder.directory().all();
    let library = Some(Library { assets: &app.assets, server: &server });
    let gate = app.catalog.gate();
    let nodes = nodes.iter().map(|node: &Arc<Node>| &**node);
    Ok(planned(&old, &new, nodes, Asked { around, library, gate, diff }))
}

/// A revision of the catalog's repository; empty: what serves.
fn revision(app: &App, revision: &str) -> Result<Arc<Catalog>, Status> {
    if revision.is_empty() {
        return Ok(app.catalog.current());
    }
    tokio::task::block_in_place(|| app.catalog.at(revision)).map_err(|error| {
        let text = error.to_string();
        match error {
            RevisionError::NoRepository(_) => Status::failed_precondition(text),
            RevisionError::Unknown(_) => Status::not_found(text),
            RevisionError::Faults { .. } => Status::aborted(text),
        }
    })
}

/// The newest version, even if it waits at the gate. One that has faults has no plan.
fn newest(app: &App) -> Result<Arc<Catalog>, Status> {
    let faults = app.catalog.standing().faults;
    if faults.is_empty() {
        return Ok(app.catalog.newest());
    }
    Err(Status::aborted(format!("the newest catalog has faults: {}", faults.join("; "))))
}

/// Base URL of the boot plane for a machine at this address: the advertised address, else ours in the
/// machine's network, else our first.
fn server_url(app: &App, machine: Option<Ipv4Addr>) -> String {
    let own = addresses();
    let near = |machine| own.iter().find(|net| net.contains(&machine));
    let here = machine.and_then(near).or_else(|| own.first());
    let here = here.map_or(Ipv4Addr::LOCALHOST, Ipv4Net::addr);
    app.server_url(SocketAddr::new(IpAddr::V4(here), app.http_port))
}

/// Our addresses with their networks, but for the loopback's.
fn addresses() -> Vec<Ipv4Net> {
    let net = |interface: nix::ifaddrs::InterfaceAddress| {
        let address = interface.address?.as_sockaddr_in()?.ip();
        let netmask = interface.netmask?.as_sockaddr_in()?.ip();
        Ipv4Net::with_netmask(address, netmask).ok().filter(|net| !net.addr().is_loopback())
    };
    getifaddrs().map(|all| all.filter_map(net).collect()).unwrap_or_default()
}
