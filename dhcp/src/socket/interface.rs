//! A network interface and its addresses.

use std::io;
use std::net::Ipv4Addr;

use nix::ifaddrs::{InterfaceAddress, getifaddrs};
use nix::sys::socket::SockaddrStorage;

use super::BindError;
use crate::addresses::Mac;

/// A network interface, as it was when looked up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Interface {
    /// Its name, as `eth1`.
    pub name: String,
    /// The kernel's number of it.
    pub index: u32,
    /// Its hardware address, if it has one of Ethernet's length.
    pub mac: Option<Mac>,
    /// Its IPv4 addresses, the primary one first.
    pub addresses: Vec<Address>,
}

/// An IPv4 address of an interface.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Address {
    /// The address.
    pub address: Ipv4Addr,
    /// Its netmask.
    pub mask: Ipv4Addr,
}

impl Interface {
    /// Looks an interface up by name.
    ///
    /// # Errors
    /// If there is none of that name, or interfaces cannot be listed.
    pub fn find(name: &str) -> Result<Self, BindError> {
        let index =
            nix::net::if_::if_nametoindex(name).map_err(|_| BindError::Unknown(name.to_owned()))?;
        let mut interface = Self { name: name.to_owned(), index, mac: None, addresses: Vec::new() };
        let entries = getifaddrs().map_err(|errno| BindError::List(io::Error::from(errno)))?;
        for entry in entries.filter(|entry| entry.interface_name == name) {
            interface.mac = interface.mac.or_else(|| mac(&entry));
            interface.addresses.extend(address(&entry));
        }
        Ok(interface)
    }

    /// The primary IPv4 address.
    pub fn address(&self) -> Option<Ipv4Addr> {
        self.addresses.first().map(|address| address.address)
    }
}

fn mac(entry: &InterfaceAddress) -> Option<Mac> {
    entry.address.as_ref()?.as_link_addr()?.addr().map(Mac)
}

fn address(entry: &InterfaceAddress) -> Option<Address> {
    let ip = |storage: &Option<SockaddrStorage>| Some(storage.as_ref()?.as_sockaddr_in()?.ip());
    Some(Address { address: ip(&entry.address)?, mask: ip(&entry.netmask)? })
}
