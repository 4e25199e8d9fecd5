//! placeholder until merge
use crate::domain::machine::Mac;
use ipnet::Ipv4Net;
use std::net::Ipv4Addr;
use std::ops::RangeInclusive;
#[derive(Debug, Clone, PartialEq, Eq)]
#[allow(missing_docs)]
pub struct Subnet {
    pub cidr: Ipv4Net,
    pub router: Option<Ipv4Addr>,
    pub dns: Vec<Ipv4Addr>,
    pub ntp: Vec<Ipv4Addr>,
    pub domain: Option<String>,
    pub pools: Vec<RangeInclusive<Ipv4Addr>>,
    pub lease_seconds: u32,
    pub reservations: Vec<Reservation>,
    pub relays: Vec<Ipv4Addr>,
}
#[derive(Debug, Clone, PartialEq, Eq)]
#[allow(missing_docs)]
pub struct Reservation {
    pub mac: Mac,
    pub address: Ipv4Addr,
    pub hostname: Option<String>,
}
