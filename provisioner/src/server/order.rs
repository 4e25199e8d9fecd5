//! Makes the order that a claiming installer carries out: all of it from the catalog that its boot began with.

use std::sync::Arc;

use api::node::{After, Claim, FirstBoot, IgnitionPlace, ImageSource, InstallOrder};

use crate::domain::catalog::{Catalog, ConfigKind, ImageRef, Install};
use crate::domain::node::{Event, Limits, Millis, Node};
use crate::server::app::App;
use crate::server::boots::Pinned;
use crate::server::clock;
use crate::server::context;
use crate::server::images;
use crate::server::recorder::{RecordError, Word, chain};
use crate::server::seed;
use crate::server::token::{Bearer, Kind};

/// Milliseconds that a boot token is good for a first claim: loader, kernel and a slow network in between.
const CLAIM_WITHIN_MS: u64 = 3_600_000;

/// Where the installer's kernel and initramfs lie in the asset store.
pub const INSTALLER: &str = "installer/x86_64";
/// The installer's kernel and initramfs.
pub const INSTALLER_FILES: [&str; 2] = ["vmlinuz", "initrd.img"];

/// Why there is no order.
#[derive(Debug)]
pub enum ClaimError {
    /// The token is too old.
    Expired,
    /// The recorder does not allow it.
    Record(RecordError),
    /// The catalog or the image library cannot serve it.
    Order(String),
}

/// Checks, orders, and records a claim. Repeated by the same boot, it gives the same order.
pub async fn claim(
    app: &App,
    bearer: &Bearer,
    claim: Claim,
    server: &str,
) -> Result<InstallOrder, ClaimError> {
    let minted = bearer.boot.minted_at().unwrap_or(Millis(0));
    let node = app.recorder.directory().get(&bearer.node);
    let node = node.ok_or_else(|| ClaimError::Record(RecordError::NoNode(bearer.node.clone())))?;
    let spent = node.status.attempt.as_ref().is_some_and(|attempt| attempt.boot == bearer.boot);
    if !spent && clock::now().since(minted) > CLAIM_WITHIN_MS {
        return Err(ClaimError::Expired);
    }
    let pinned = pinned(app, bearer, &node)?;
    let install = pinned.selection().and_then(|selection| selection.profile.install.as_ref());
    let install = install
        .ok_or_else(|| ClaimError::Order(format!("profile {} installs nothing", pinned.profile)))?;
    let order = order(app, bearer, &node, (&pinned, install), server);
    let order = order.map_err(|why| {
        tracing::error!(node.id = %node.id, "{} cannot be installed: {why}", node.hostname());
        ClaimError::Order(why)
    })?;
    let word = Word {
        event: Event::Claimed {
            boot: bearer.boot.clone(),
            generation: bearer.generation,
            inventory: claim.inventory,
            limits: limits(install),
        },
        actor: "node".to_owned(),
        boot: Some(bearer.boot.clone()),
        catalog: pinned.catalog.id().to_string(),
    };
    app.recorder.tell(bearer.node.clone(), word).await.map_err(ClaimError::Record)?;
    Ok(order)
}

/// Whether an order can be made at all, asked before a machine is sent into the installer: a missing image
/// or a template's fault belongs on its screen, not into a loop of restarts.
pub fn possible(
    app: &App,
    bearer: &Bearer,
    node: &Node,
    pinned: &Pinned,
    server: &str,
) -> Result<(), String> {
    let install = pinned.selection().and_then(|selection| selection.profile.install.as_ref());
    let install = install.ok_or_else(|| format!("profile {} installs nothing", pinned.profile))?;
    for file in INSTALLER_FILES {
        let path = app.assets.join(INSTALLER).join(file);
        if !path.is_file() {
            return Err(format!(
                "there is no {}; `provisioner installer-image` makes it",
                path.display()
            ));
        }
    }
    order(app, bearer, node, (pinned, install), server).map(drop)
}

/// What the boot began with. A daemon that was restarted meanwhile orders from the catalog in force.
fn pinned(app: &App, bearer: &Bearer, node: &Node) -> Result<Pinned, ClaimError> {
    if let Some(pinned) = app.boots.get(&bearer.node, &bearer.boot) {
        return Ok(pinned);
    }
    let catalog: Arc<Catalog> = app.catalog.current();
    let selection = app.select(&catalog, node).ok_or_else(|| {
        ClaimError::Order("no group's selector matches this machine any more".to_owned())
    })?;
    Ok(Pinned::new(&catalog, selection))
}

/// The profile's limits. A system that brings its own configuration has no token to phone home with, and
/// one that stays off does not either.
fn limits(install: &Install) -> Limits {
    match (install.config, install.after) {
        (config, After::Reboot) if config != ConfigKind::None => install.limits,
        _ => Limits { first_boot_seconds: 0, ..install.limits },
    }
}

fn order(
    app: &App,
    bearer: &Bearer,
    node: &Node,
    (pinned, install): (&Pinned, &Install),
    server: &str,
) -> Result<InstallOrder, String> {
    let image = match &install.image {
        ImageRef::Library(name) => {
            images::find(&app.assets, name, server).map_err(|error| chain(&error))?
        }
        ImageRef::Url { url, sha256, format } => {
            ImageSource { url: url.clone(), sha256: sha256.clone(), format: *format }
        }
    };
    let around = context::Around { server, subnets: &app.subnets };
    let first_boot = match install.config {
        ConfigKind::CloudInit => {
            let token = app.tokens.mint(Kind::Node, bearer);
            FirstBoot::CloudInit { files: context::seed(&around, node, pinned, &token)? }
        }
        ConfigKind::None => FirstBoot::None,
        ConfigKind::Ignition | ConfigKind::IgnitionOem => {
            let place = install.config.ignition_place().unwrap_or(IgnitionPlace::Boot);
            let token = app.tokens.mint(Kind::Node, bearer);
            FirstBoot::Ignition { config: seed::ignition(&around, node, pinned, &token)?, place }
        }
    };
    Ok(InstallOrder {
        node: node.id.to_string(),
        hostname: node.hostname(),
        generation: bearer.generation,
        boot: bearer.boot.to_string(),
        image,
        disk: install.disk.clone(),
        wipe: install.wipe,
        first_boot,
        after: install.after,
        heartbeat_seconds: install.limits.heartbeat_seconds,
    })
}
