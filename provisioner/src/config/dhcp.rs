//! The `dhcp` section: subnets that cannot contradict themselves or each other.

use std::net::Ipv4Addr;
use std::ops::RangeInclusive;

use ipnet::Ipv4Net;

use super::values;
use crate::domain::address::subnet::{Reservation, Subnet, is_host};
use crate::domain::machine::Mac;
use yaml::{Field, Keys, Map};

const DEFAULT_LEASE_SECONDS: u32 = 3600;

const SUBNET_KEYS: [&str; 9] =
    ["cidr", "router", "dns", "ntp", "domain", "pools", "lease", "reservations", "relays"];

/// The DHCP service.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dhcp {
    /// Whether it answers.
    pub mode: DhcpMode,
    /// Whether it tells strangers that their address is wrong here (DHCPNAK).
    pub authoritative: bool,
    /// The networks that addresses are given in; at least one in mode `server`.
    pub subnets: Vec<Subnet>,
}

/// Whether DHCP is answered. Without a word in the file: `server` when there are subnets, else `off`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DhcpMode {
    /// Addresses and boot files are given.
    Server,
    /// Nothing is answered.
    Off,
}

/// A value and where it stands, for checks that compare two.
struct Placed<'a, T> {
    value: T,
    field: Field<'a>,
}

/// Reads the section out of the file's top.
pub(super) fn read(top: &Map<'_>) -> Dhcp {
    let keys = ["mode", "authoritative", "subnets"];
    let section = top.get("dhcp").and_then(|field| field.map(&Keys::of(&keys)));
    let Some(section) = section else {
        return Dhcp { mode: DhcpMode::Off, authoritative: true, subnets: Vec::new() };
    };
    let subnets = subnets(&section);
    Dhcp {
        mode: mode(&section, subnets.is_empty()),
        authoritative: section.boolean("authoritative").unwrap_or(true),
        subnets,
    }
}

fn mode(section: &Map<'_>, no_subnets: bool) -> DhcpMode {
    let table = [("server", Some(DhcpMode::Server)), ("proxy", None), ("off", Some(DhcpMode::Off))];
    let read = || {
        let field = section.get("mode")?;
        let mode = field.word(&table, &[])?;
        if mode.is_none() {
            return field.fault("proxy is not available in this version; take server or off");
        }
        if mode == Some(DhcpMode::Server) && section.list("subnets").is_empty() {
            return field.fault("server needs `subnets` to give addresses in");
        }
        mode
    };
    read().unwrap_or(if no_subnets { DhcpMode::Off } else { DhcpMode::Server })
}

fn subnets(section: &Map<'_>) -> Vec<Subnet> {
    let mut cidrs: Vec<Placed<'_, Ipv4Net>> = Vec::new();
    let mut relays: Vec<Placed<'_, Ipv4Addr>> = Vec::new();
    let mut subnets = Vec::new();
    for field in section.list("subnets") {
        let Some(section) = field.map(&Keys::of(&SUBNET_KEYS)) else {
            continue;
        };
        let Some(cidr) = cidr(&section, &cidrs) else {
            continue;
        };
        let subnet = subnet(&section, cidr.value);
        for (relay, field) in addresses(&section, "relays") {
            once(&mut relays, relay, field);
        }
        cidrs.push(cidr);
        subnets.push(subnet);
    }
    subnets
}

fn cidr<'a>(section: &Map<'a>, others: &[Placed<'_, Ipv4Net>]) -> Option<Placed<'a, Ipv4Net>> {
    let field = section.require("cidr")?;
    let value = field.parsed(values::network)?;
    let overlaps =
        |other: &&Placed<'_, Ipv4Net>| other.value.contains(&value) || value.contains(&other.value);
    if let Some(other) = others.iter().find(overlaps) {
        let (net, line) = (other.value, other.field.line());
        field.fault::<()>(format!("{value} overlaps {net} in {line}"));
    }
    Some(Placed { value, field })
}

fn subnet(section: &Map<'_>, cidr: Ipv4Net) -> Subnet {
    let list = |key| {
        let addresses = addresses(section, key).into_iter();
        addresses.map(|(address, _)| address).collect()
    };
    let router = section.parsed("router", |text| host(text, cidr));
    Subnet {
        cidr,
        router,
        dns: list("dns"),
        ntp: list("ntp"),
        domain: section.parsed("domain", values::domain),
        pools: pools(section, cidr, router),
        lease_seconds: section.parsed("lease", values::lease).unwrap_or(DEFAULT_LEASE_SECONDS),
        reservations: reservations(section, cidr, router),
        relays: list("relays"),
    }
}

fn addresses<'a>(section: &Map<'a>, key: &str) -> Vec<(Ipv4Addr, Field<'a>)> {
    let fields = section.list(key).into_iter();
    fields.filter_map(|field| Some((field.parsed(values::unicast)?, field))).collect()
}

fn host(text: &str, cidr: Ipv4Net) -> Result<Ipv4Addr, String> {
    let address = values::unicast(text)?;
    not_a_host(cidr, address).map_or(Ok(address), Err)
}

/// What is wrong with an address as a host's of this network.
fn not_a_host(cidr: Ipv4Net, address: Ipv4Addr) -> Option<String> {
    if is_host(cidr, address) {
        None
    } else if !cidr.contains(&address) {
        Some(format!("{address} is not in {cidr}"))
    } else if address == cidr.network() {
        Some(format!("{address} is the network address of {cidr}"))
    } else {
        Some(format!("{address} is the broadcast address of {cidr}"))
    }
}

fn pools(
    section: &Map<'_>,
    cidr: Ipv4Net,
    router: Option<Ipv4Addr>,
) -> Vec<RangeInclusive<Ipv4Addr>> {
    let mut pools: Vec<Placed<'_, RangeInclusive<Ipv4Addr>>> = Vec::new();
    for field in section.list("pools") {
        let Some(pool) = field.parsed(values::range) else {
            continue;
        };
        let ends = [pool.start(), pool.end()];
        if let Some(wrong) = ends.iter().find_map(|end| not_a_host(cidr, **end)) {
            field.fault::<()>(wrong);
        }
        if let Some(router) = router.filter(|router| pool.contains(router)) {
            field.fault::<()>(format!("the router {router} is in this pool"));
        }
        let overlaps = |other: &&Placed<'_, RangeInclusive<Ipv4Addr>>| {
            other.value.start() <= pool.end() && pool.start() <= other.value.end()
        };
        if let Some(other) = pools.iter().find(overlaps) {
            field.fault::<()>(format!("overlaps the pool in {}", other.field.line()));
        }
        pools.push(Placed { value: pool, field });
    }
    pools.into_iter().map(|pool| pool.value).collect()
}

fn reservations(section: &Map<'_>, cidr: Ipv4Net, router: Option<Ipv4Addr>) -> Vec<Reservation> {
    let mut macs = Vec::new();
    let mut owned = Vec::new();
    let mut names = Vec::new();
    let mut reservations = Vec::new();
    for field in section.list("reservations") {
        let Some(entry) = field.map(&Keys::of(&["mac", "address", "hostname"])) else {
            continue;
        };
        let mac = entry.require("mac").and_then(|field| {
            let mac = field.parsed(|text| text.parse::<Mac>().map_err(|e| e.to_string()))?;
            Some(once(&mut macs, mac, field))
        });
        let address = entry.require("address").and_then(|field| {
            let address = field.parsed(|text| host(text, cidr))?;
            if router == Some(address) {
                return field.fault(format!("{address} is the router's"));
            }
            Some(once(&mut owned, address, field))
        });
        let hostname = entry.get("hostname").and_then(|field| {
            let name = field.parsed(values::host_label)?;
            Some(once(&mut names, name, field))
        });
        reservations.extend(mac.zip(address).map(|(mac, address)| Reservation {
            mac,
            address,
            hostname,
        }));
    }
    reservations
}

/// Notes a fault when the value was given before.
fn once<'a, T: PartialEq + Clone + ToString>(
    seen: &mut Vec<Placed<'a, T>>,
    value: T,
    field: Field<'a>,
) -> T {
    if let Some(first) = seen.iter().find(|first| first.value == value) {
        let line = first.field.line();
        field.fault::<()>(format!("{} is given twice, first in {line}", value.to_string()));
    }
    let again = value.clone();
    seen.push(Placed { value, field });
    again
}
