//! "Is there a router?": the one IPv6 question that holds up an IPv4 boot.
//!
//! iPXE sets up IPv4 and IPv6 together and goes on when both are settled. Where no router answers its
//! solicitations it repeats them for fifteen seconds with a finished DHCP lease in hand (seen with
//! Debian's 20190125, BIOS and UEFI). An advertisement that offers nothing (no default route, no
//! prefix, no DHCPv6) settles the question at once.
//!
//! Only for networks without IPv6: iPXE believes the first advertisement and would miss a real one.

use std::io;
use std::net::{Ipv6Addr, SocketAddr, SocketAddrV6};

use socket2::{Domain, Protocol, Type};
use tokio::net::UdpSocket;

use crate::addresses::Mac;

const ALL_ROUTERS: Ipv6Addr = Ipv6Addr::new(0xff02, 0, 0, 0, 0, 0, 0, 2);
const ROUTER_SOLICITATION: u8 = 133;
const ROUTER_ADVERTISEMENT: u8 = 134;
/// RFC 4861 section 6.1: what passed a router is not from this link.
const HOP_LIMIT: u32 = 255;

/// RFC 4861 section 4.2 with everything zero: hop limit unspecified, no DHCPv6, lifetime 0 ("not a
/// default router"), no options. The kernel fills in the checksum.
const ADVERTISEMENT: [u8; 16] = [
    ROUTER_ADVERTISEMENT,
    0,
    0,
    0,
    0,
    0,
    0,
    0,
    0,
    0,
    0,
    0,
    0,
    0,
    0,
    0,
];

/// Answers router solicitations on one interface, with nothing.
#[derive(Debug)]
pub struct Advertiser {
    socket: UdpSocket,
}

impl Advertiser {
    /// Listens on the named interface. Wants a tokio runtime and the right to raw sockets.
    ///
    /// # Errors
    /// If there is no such interface, IPv6 is switched off on it, or the right is missing.
    pub fn bind(interface: &str) -> io::Result<Self> {
        let index = nix::net::if_::if_nametoindex(interface)?;
        let socket = socket2::Socket::new(Domain::IPV6, Type::RAW, Some(Protocol::ICMPV6))?;
        socket.bind_device(Some(interface.as_bytes()))?;
        socket.join_multicast_v6(&ALL_ROUTERS, index)?;
        socket.set_unicast_hops_v6(HOP_LIMIT)?;
        socket.set_nonblocking(true)?;
        // tokio's type for any datagram socket.
        Ok(Self {
            socket: UdpSocket::from_std(socket.into())?,
        })
    }

    /// Answers those machines for which `wanted` says so, by the hardware address in their link-local
    /// address: those that asked for an address as iPXE, not those that run a system.
    ///
    /// # Errors
    /// If the socket fails.
    pub async fn run(&self, wanted: impl Fn(Mac) -> bool) -> io::Result<()> {
        let mut buffer = [0; 256];
        loop {
            let (length, source) = self.socket.recv_from(&mut buffer).await?;
            let packet = buffer.get(..length).unwrap_or_default();
            let Some(machine) = solicited(packet, source).filter(|(mac, _)| wanted(*mac)) else {
                continue;
            };
            let (mac, source) = machine;
            tracing::debug!(chaddr = %mac, "told {mac} that there is no IPv6 router");
            if let Err(error) = self.socket.send_to(&ADVERTISEMENT, source).await {
                tracing::debug!(chaddr = %mac, %error, "cannot answer the router solicitation of {mac}");
            }
        }
    }
}

/// Who asks for a router, if it is a machine whose link-local address tells its hardware address.
fn solicited(packet: &[u8], source: SocketAddr) -> Option<(Mac, SocketAddrV6)> {
    let SocketAddr::V6(source) = source else {
        return None;
    };
    // RFC 4861 section 4.1: eight bytes at least, code 0.
    let solicits = matches!(packet, [ROUTER_SOLICITATION, 0, _, _, _, _, _, _, ..]);
    hardware_address(*source.ip())
        .filter(|_| solicits)
        .map(|mac| (mac, source))
}

/// The address in a link-local interface identifier (RFC 4291 appendix A).
fn hardware_address(address: Ipv6Addr) -> Option<Mac> {
    match address.octets() {
        [
            0xfe,
            0x80,
            0,
            0,
            0,
            0,
            0,
            0,
            first,
            b,
            c,
            0xff,
            0xfe,
            d,
            e,
            last,
        ] => Some(Mac([first ^ 2, b, c, d, e, last])),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ASKING: [u8; 16] = [133, 0, 0, 0, 0, 0, 0, 0, 1, 1, 0x52, 0x54, 0, 0, 0, 4];

    fn from(address: &str) -> SocketAddr {
        SocketAddr::V6(SocketAddrV6::new(address.parse().unwrap(), 0, 0, 3))
    }

    #[test]
    fn the_solicitation_of_an_ipxe_names_its_machine() {
        let source = from("fe80::5054:ff:fe00:4");
        let (mac, to) = solicited(&ASKING, source).unwrap();
        assert_eq!(mac.to_string(), "52:54:00:00:00:04");
        assert_eq!(SocketAddr::V6(to), source);
    }

    #[test]
    fn whoever_cannot_be_told_by_its_address_is_not_answered() {
        for source in ["::", "fe80::1", "2001:db8::5054:ff:fe00:4"] {
            assert_eq!(solicited(&ASKING, from(source)), None, "{source}");
        }
    }

    #[test]
    fn other_messages_are_not_answered() {
        let source = from("fe80::5054:ff:fe00:4");
        assert_eq!(solicited(&ASKING[..7], source), None, "too short");
        assert_eq!(solicited(&[], source), None);
        for kind in [134, 135, 128] {
            let mut packet = ASKING;
            packet[0] = kind;
            assert_eq!(solicited(&packet, source), None, "{kind}");
        }
    }

    #[test]
    fn the_advertisement_offers_nothing() {
        let [kind, code, _, _, _, flags, lifetime_high, lifetime_low, ..] = ADVERTISEMENT;
        assert_eq!(
            (kind, code, flags, lifetime_high, lifetime_low),
            (134, 0, 0, 0, 0)
        );
    }
}
