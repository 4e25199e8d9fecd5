//! Addresses: which subnet has which pools, who has which lease. Pure; the recorder makes it durable.

mod book;
pub mod subnet;

use std::net::Ipv4Addr;

use serde::{Deserialize, Serialize};

pub use book::{AddressBook, Answer, Ask, NoAddress};
use subnet::Subnet;

use super::machine::Mac;
use super::node::Millis;

/// An address that was given to a hardware address.
///
/// The key is the hardware address and not the client identifier: firmware, boot loader and installed
/// system each send another identifier, and must get the same address (docs/adr/0005).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lease {
    /// The address.
    pub address: Ipv4Addr,
    /// Who has it.
    pub mac: Mac,
    /// When it ends.
    pub expires: Millis,
    /// Host name that the client sent; may be empty.
    pub hostname: String,
    /// Set when a client declined it: in use by somebody unknown, not to be given before `expires`.
    pub declined: bool,
}

/// The subnet that a client is on: the one that lists the relay, else the one that holds `link` (the
/// relay's address, RFC 2131 section 4.3.1, or that of the interface it was heard on).
pub fn subnet_of(subnets: &[Subnet], link: Ipv4Addr) -> Option<&Subnet> {
    let listed = subnets.iter().find(|subnet| subnet.relays.contains(&link));
    listed.or_else(|| subnets.iter().find(|subnet| subnet.cidr.contains(&link)))
}
