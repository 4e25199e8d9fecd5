//! Where a reply goes: RFC 2131 section 4.1, as one table.

use std::net::{Ipv4Addr, SocketAddrV4};

use crate::addresses::Mac;
use crate::reply::{Answer, Reply};
use crate::request::Request;

/// The port that servers and relays listen on.
pub const SERVER_PORT: u16 = 67;
/// The port that clients listen on.
pub const CLIENT_PORT: u16 = 68;

/// Where a reply goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Destination {
    /// To the relay that forwarded the request, at its server port.
    Relay(SocketAddrV4),
    /// To the address that the client already uses.
    Client(SocketAddrV4),
    /// To everyone on the segment.
    Broadcast,
    /// To an address that the client does not answer ARP for yet, at its hardware address.
    Link {
        /// The address in the reply's `yiaddr`.
        address: Ipv4Addr,
        /// The client's `chaddr`.
        hardware: Mac,
    },
}

impl Destination {
    /// The address for a plain UDP socket. [`Destination::Link`] becomes a broadcast, which RFC 2131
    /// section 4.1 allows where unicast without ARP is not to be had; clients take either.
    pub fn socket_address(self) -> SocketAddrV4 {
        match self {
            Self::Relay(address) | Self::Client(address) => address,
            Self::Broadcast | Self::Link { .. } => {
                SocketAddrV4::new(Ipv4Addr::BROADCAST, CLIENT_PORT)
            }
        }
    }
}

/// The table of RFC 2131 section 4.1; its first fitting row counts.
///
/// | `giaddr` | answer | `ciaddr` | broadcast flag | destination |
/// |---|---|---|---|---|
/// | set | any | any | any | the relay, port 67 |
/// | 0 | NAK | any | any | broadcast |
/// | 0 | offer, ACK | set | any | `ciaddr`, port 68 |
/// | 0 | offer, ACK | 0 | set | broadcast |
/// | 0 | offer, ACK | 0 | 0 | `yiaddr` at `chaddr` |
///
/// A reply without an address (`yiaddr` 0) to a client without one can only be broadcast.
pub fn destination(request: &Request, reply: &Reply) -> Destination {
    let client_port = |address| SocketAddrV4::new(address, CLIENT_PORT);
    let relayed = !request.giaddr.is_unspecified();
    let has_address = !request.ciaddr.is_unspecified();
    match (relayed, reply.answer, has_address, request.broadcast(), reply.lease) {
        (true, ..) => Destination::Relay(SocketAddrV4::new(request.giaddr, SERVER_PORT)),
        (_, Answer::Nak, ..) => Destination::Broadcast,
        (_, _, true, ..) => Destination::Client(client_port(request.ciaddr)),
        (_, _, _, true, _) | (.., None) => Destination::Broadcast,
        (.., Some(lease)) => Destination::Link { address: lease.address, hardware: request.chaddr },
    }
}

#[cfg(test)]
mod tests;
