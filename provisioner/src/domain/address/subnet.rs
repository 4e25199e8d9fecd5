//! A subnet as it was configured, checked: whoever holds a [`Subnet`] need not ask again.

use std::net::Ipv4Addr;
use std::ops::RangeInclusive;

use ipnet::Ipv4Net;

use crate::domain::machine::Mac;

/// A network that addresses are given in. Made by `config`, which checks what is promised here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Subnet {
    /// The network, /1 to /30, no host bits set. No two subnets overlap.
    pub cidr: Ipv4Net,
    /// Default router: a host of the network.
    pub router: Option<Ipv4Addr>,
    /// DNS servers, in the order in which clients shall ask them.
    pub dns: Vec<Ipv4Addr>,
    /// NTP servers.
    pub ntp: Vec<Ipv4Addr>,
    /// DNS domain of the clients.
    pub domain: Option<String>,
    /// Addresses to give: hosts of the network, none twice, the router not among them.
    pub pools: Vec<RangeInclusive<Ipv4Addr>>,
    /// How long a lease lasts.
    pub lease_seconds: u32,
    /// Addresses that are one machine's own: hosts of the network, each once; inside or outside the pools.
    pub reservations: Vec<Reservation>,
    /// Relays (giaddr or link selection) that speak for this network though their address is not in it.
    pub relays: Vec<Ipv4Addr>,
}

/// An address that only one hardware address gets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reservation {
    /// Who gets it.
    pub mac: Mac,
    /// The address.
    pub address: Ipv4Addr,
    /// Host name to give with it: one DNS label.
    pub hostname: Option<String>,
}

impl Subnet {
    /// Whether an address can be a host's: in the network, and neither its own nor its broadcast address.
    pub fn is_host(&self, address: Ipv4Addr) -> bool {
        is_host(self.cidr, address)
    }
}

/// The same for a network alone.
pub fn is_host(cidr: Ipv4Net, address: Ipv4Addr) -> bool {
    cidr.contains(&address) && address != cidr.network() && address != cidr.broadcast()
}
