//! The Ignition config that an installer puts onto the disk.

use crate::domain::node::Node;
use crate::domain::render::What;
use crate::domain::render::first_boot::PhoneHome;
use crate::server::boots::Pinned;
use crate::server::context::{self, Around};

/// The profile's Ignition config for this machine, rendered from the catalog that the boot began with, and
/// phone-home beside it.
pub fn ignition(
    around: &Around<'_>,
    node: &Node,
    pinned: &Pinned,
    token: &str,
) -> Result<String, String> {
    let selection = pinned.selection().ok_or("its group is not in the catalog any more")?;
    let machine = (node, selection);
    let config = context::seeded(around, &pinned.catalog, machine, &What::Ignition, token);
    let config = config.map_err(|fault| fault.to_string())?;
    let config = config.ok_or_else(|| format!("profile {} has no `ignition`", pinned.profile))?;
    let phone_home = PhoneHome { url: around.server, token };
    pinned.catalog.installed_ignition(&config, &phone_home).map_err(|fault| fault.to_string())
}
