//! The book of leases and offers: who gets which address (RFC 2131 sections 4.3.1 and 4.3.2).

use std::collections::{BTreeMap, HashMap};
use std::net::Ipv4Addr;

use super::Lease;
use super::subnet::Subnet;
use crate::domain::machine::Mac;
use crate::domain::node::Millis;

/// Seconds that an offer stands. Firmware takes its time to choose.
const OFFER_SECONDS: u32 = 60;
/// Seconds that a declined address is not given again.
const PROBATION_SECONDS: u32 = 24 * 3600;

/// What a client asks for in a DHCPREQUEST, by the states of RFC 2131 section 4.3.2.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ask {
    /// SELECTING: it takes our offer of this address.
    Selecting(Ipv4Addr),
    /// INIT-REBOOT: it had this address before it started again.
    InitReboot(Ipv4Addr),
    /// RENEWING or REBINDING: it has this address.
    Renewing(Ipv4Addr),
}

/// What it is told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// DHCPACK, once this lease is durable.
    Ack(Lease),
    /// DHCPNAK, for this reason.
    Nak(String),
    /// Nothing, for this reason.
    Silent(String),
}

/// Why there is no address to offer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NoAddress {
    /// The pools are full.
    #[error(
        "every address of {cidr} is leased or reserved ({size} in its pools); add a pool to dhcp.subnets"
    )]
    Exhausted {
        /// The subnet.
        cidr: String,
        /// Addresses in its pools.
        size: u64,
    },
    /// The subnet has no pool and no reservation for this client.
    #[error("{cidr} has no pools and no reservation for {mac}; add one to dhcp.subnets")]
    NoPool {
        /// The subnet.
        cidr: String,
        /// The client.
        mac: Mac,
    },
}

#[derive(Debug, Clone, Copy)]
struct Offer {
    mac: Mac,
    until: Millis,
}

/// All subnets, leases and standing offers. Offers are not durable and need not be: a client that
/// takes one back finds its address free or is refused.
#[derive(Debug, Default)]
pub struct AddressBook {
    subnets: Vec<Subnet>,
    leases: BTreeMap<Ipv4Addr, Lease>,
    by_mac: HashMap<Mac, Vec<Ipv4Addr>>,
    offers: HashMap<Ipv4Addr, Offer>,
    offered: HashMap<Mac, Ipv4Addr>,
    reserved: HashMap<Ipv4Addr, Mac>,
}

impl AddressBook {
    /// The book of these subnets with what the store remembers.
    pub fn new(subnets: Vec<Subnet>, leases: impl IntoIterator<Item = Lease>) -> Self {
        let reserved = subnets
            .iter()
            .flat_map(|subnet| &subnet.reservations)
            .map(|reservation| (reservation.address, reservation.mac))
            .collect();
        let mut book = Self { subnets, reserved, ..Self::default() };
        for lease in leases {
            book.put(lease);
        }
        book
    }

    /// The subnet that a client is on.
    pub fn subnet_of(&self, link: Ipv4Addr) -> Option<&Subnet> {
        super::subnet_of(&self.subnets, link)
    }

    /// The lease that `mac` holds in a subnet.
    pub fn lease_of(&self, mac: Mac, subnet: &Subnet) -> Option<&Lease> {
        self.leases_of(mac).find(|lease| subnet.cidr.contains(&lease.address))
    }

    /// The lease of an address, if it is held by `mac`.
    pub fn held(&self, mac: Mac, address: Ipv4Addr) -> Option<&Lease> {
        self.leases.get(&address).filter(|lease| lease.mac == mac)
    }

    /// All leases of a MAC, on whichever subnets, but for addresses that it declined.
    pub fn leases_of(&self, mac: Mac) -> impl Iterator<Item = &Lease> {
        let addresses = self.by_mac.get(&mac).into_iter().flatten();
        addresses.filter_map(|address| self.leases.get(address)).filter(|lease| !lease.declined)
    }

    /// All leases by address.
    pub fn leases(&self) -> impl Iterator<Item = &Lease> {
        self.leases.values()
    }

    /// Picks an address for a DHCPDISCOVER: the reserved one, the one it had, the one it asks for,
    /// else one that its MAC points to, so that an address sticks even when the lease is forgotten.
    pub fn offer(
        &mut self,
        mac: Mac,
        wish: Option<Ipv4Addr>,
        link: Ipv4Addr,
        now: Millis,
    ) -> Option<Result<Ipv4Addr, NoAddress>> {
        let subnet = self.subnet_of(link)?.clone();
        let address = match self.pick(mac, wish, &subnet, now) {
            Ok(address) => address,
            Err(none) => return Some(Err(none)),
        };
        if let Some(old) = self.offered.insert(mac, address) {
            self.offers.remove(&old);
        }
        let until = now.plus_seconds(OFFER_SECONDS);
        if let Some(expired) = self.offers.insert(address, Offer { mac, until }) {
            self.offered.remove(&expired.mac);
            self.offered.insert(mac, address);
        }
        Some(Ok(address))
    }

    /// Decides a DHCPREQUEST. Changes nothing: the caller puts the lease when it is about to be durable.
    pub fn request(
        &self,
        mac: Mac,
        ask: Ask,
        link: Ipv4Addr,
        now: Millis,
        authoritative: bool,
    ) -> Answer {
        let (Ask::Selecting(address) | Ask::InitReboot(address) | Ask::Renewing(address)) = ask;
        let Some(subnet) = self.subnet_of(link) else {
            return Answer::Silent(format!("no subnet of dhcp.subnets holds {link}"));
        };
        if !subnet.cidr.contains(&address) {
            return Answer::Nak(format!("{address} is not in {}", subnet.cidr));
        }
        if self.reserved_elsewhere(mac, address) || !self.is_free_for(mac, address, now) {
            return Answer::Nak(format!("{address} belongs to another client"));
        }
        let known = self.lease_of(mac, subnet).is_some_and(|lease| lease.address == address);
        let may_take = match ask {
            Ask::Selecting(_) => {
                self.is_offered(mac, address, now) || in_reach(subnet, mac, address)
            }
            // A lease that a lost store forgot is given back where the server speaks for the network.
            Ask::InitReboot(_) | Ask::Renewing(_) => {
                authoritative && in_reach(subnet, mac, address)
            }
        };
        if !known && !may_take {
            let text = format!("no lease of {address} is known");
            return if authoritative { Answer::Nak(text) } else { Answer::Silent(text) };
        }
        Answer::Ack(Lease {
            address,
            mac,
            expires: now.plus_seconds(subnet.lease_seconds),
            hostname: String::new(),
            declined: false,
        })
    }

    /// The lease that a DHCPDECLINE leaves: nobody gets the address for a day.
    pub fn declined(&self, mac: Mac, address: Ipv4Addr, now: Millis) -> Option<Lease> {
        let held = self.leases.get(&address).is_some_and(|lease| lease.mac == mac);
        (held || self.is_offered(mac, address, now)).then(|| Lease {
            address,
            mac,
            expires: now.plus_seconds(PROBATION_SECONDS),
            hostname: String::new(),
            declined: true,
        })
    }

    /// Writes a lease into the book. Returns what stood there.
    pub fn put(&mut self, lease: Lease) -> Option<Lease> {
        let (mac, address) = (lease.mac, lease.address);
        if let Some(offer) = self.offers.remove(&address) {
            self.offered.remove(&offer.mac);
        }
        let old = self.remove(address);
        let addresses = self.by_mac.entry(mac).or_default();
        addresses.push(address);
        self.leases.insert(address, lease);
        old
    }

    /// Strikes a lease out. Returns what stood there.
    pub fn remove(&mut self, address: Ipv4Addr) -> Option<Lease> {
        let old = self.leases.remove(&address)?;
        if let Some(addresses) = self.by_mac.get_mut(&old.mac) {
            addresses.retain(|held| *held != address);
            if addresses.is_empty() {
                self.by_mac.remove(&old.mac);
            }
        }
        Some(old)
    }

    fn pick(
        &self,
        mac: Mac,
        wish: Option<Ipv4Addr>,
        subnet: &Subnet,
        now: Millis,
    ) -> Result<Ipv4Addr, NoAddress> {
        let reserved = subnet.reservations.iter().find(|r| r.mac == mac).map(|r| r.address);
        // Leased to somebody else from before, or declined: offering it would end in a refusal.
        if let Some(address) = reserved.filter(|address| self.is_free_for(mac, *address, now)) {
            return Ok(address);
        }
        let held = self.lease_of(mac, subnet).map(|lease| lease.address);
        let offered = self.offered.get(&mac).copied();
        [held, offered, wish]
            .into_iter()
            .flatten()
            .find(|a| in_pool(subnet, *a) && self.is_open(mac, *a, now))
            .map_or_else(|| self.probe(mac, subnet, now), Ok)
    }

    /// Starts where the MAC's hash points and takes the first open address from there on.
    fn probe(&self, mac: Mac, subnet: &Subnet, now: Millis) -> Result<Ipv4Addr, NoAddress> {
        let cidr = subnet.cidr.to_string();
        let size = pool_size(subnet);
        if size == 0 {
            return Err(NoAddress::NoPool { cidr, mac });
        }
        let start = hash(mac) % size;
        (0..size)
            .filter_map(|step| nth(subnet, (start + step) % size))
            .find(|address| self.is_open(mac, *address, now))
            .ok_or(NoAddress::Exhausted { cidr, size })
    }

    fn is_open(&self, mac: Mac, address: Ipv4Addr, now: Millis) -> bool {
        self.is_free_for(mac, address, now) && !self.reserved_elsewhere(mac, address)
    }

    fn is_free_for(&self, mac: Mac, address: Ipv4Addr, now: Millis) -> bool {
        let leased = self
            .leases
            .get(&address)
            .is_some_and(|lease| lease.expires > now && (lease.declined || lease.mac != mac));
        let offered =
            self.offers.get(&address).is_some_and(|offer| offer.until > now && offer.mac != mac);
        !leased && !offered
    }

    fn is_offered(&self, mac: Mac, address: Ipv4Addr, now: Millis) -> bool {
        self.offers.get(&address).is_some_and(|offer| offer.mac == mac && offer.until > now)
    }

    fn reserved_elsewhere(&self, mac: Mac, address: Ipv4Addr) -> bool {
        self.reserved.get(&address).is_some_and(|owner| *owner != mac)
    }
}

fn in_reach(subnet: &Subnet, mac: Mac, address: Ipv4Addr) -> bool {
    in_pool(subnet, address)
        || subnet.reservations.iter().any(|r| r.mac == mac && r.address == address)
}

fn in_pool(subnet: &Subnet, address: Ipv4Addr) -> bool {
    subnet.pools.iter().any(|pool| pool.contains(&address))
}

fn pool_size(subnet: &Subnet) -> u64 {
    let size = |first: Ipv4Addr, last: Ipv4Addr| {
        u64::from(u32::from(last).saturating_sub(u32::from(first))) + 1
    };
    subnet.pools.iter().map(|pool| size(*pool.start(), *pool.end())).sum()
}

fn nth(subnet: &Subnet, mut at: u64) -> Option<Ipv4Addr> {
    for pool in &subnet.pools {
        let (first, last) = (u32::from(*pool.start()), u32::from(*pool.end()));
        let size = u64::from(last.saturating_sub(first)) + 1;
        if at < size {
            return u32::try_from(at).ok().map(|offset| Ipv4Addr::from(first + offset));
        }
        at -= size;
    }
    None
}

/// FNV-1a: stable over versions and machines, which `std`'s hasher does not promise.
fn hash(mac: Mac) -> u64 {
    mac.bytes().iter().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3)
    })
}

#[cfg(test)]
mod tests;
