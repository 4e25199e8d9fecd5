//! The Ignition config that an installer puts onto the disk.

use crate::domain::node::Node;
use crate::domain::render::first_boot::PhoneHome;
use crate::domain::render::{Request, What};
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
    let mut context = context::context(around, node, selection, Request::default());
    context.secrets.insert("node_token".to_owned(), token.to_owned());
    let config = pinned.catalog.document(selection, &What::Ignition, &context);
    let config = config.map_err(|fault| fault.to_string())?;
    let config = config.ok_or_else(|| format!("profile {} has no `ignition`", pinned.profile))?;
    let phone_home = PhoneHome { url: around.server, token };
    pinned.catalog.installed_ignition(&config, &phone_home).map_err(|fault| fault.to_string())
}
