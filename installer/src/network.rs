//! The boot interface: up, addressed as the boot script said, with a carrier.
//!
//! Speaks rtnetlink (RFC 3549) through typed messages on a blocking socket: no runtime, no ioctl,
//! no `unsafe`.

use std::io;
use std::net::{IpAddr, Ipv4Addr};
use std::path::Path;

use netlink_packet_core::{
    NLM_F_ACK, NLM_F_CREATE, NLM_F_REPLACE, NLM_F_REQUEST, NetlinkHeader, NetlinkMessage,
    NetlinkPayload,
};
use netlink_packet_route::address::{AddressAttribute, AddressMessage};
use netlink_packet_route::link::{LinkFlags, LinkMessage};
use netlink_packet_route::route::{
    RouteAddress, RouteAttribute, RouteHeader, RouteMessage, RouteProtocol, RouteScope, RouteType,
};
use netlink_packet_route::{AddressFamily, RouteNetlinkMessage};
use netlink_sys::{Socket, SocketAddr, protocols::NETLINK_ROUTE};

use crate::inventory;
use crate::kargs::{Kargs, Mac};

/// Name of the interface with this MAC; none as long as its driver is not there.
pub fn find(root: &Path, mac: Mac) -> Option<String> {
    inventory::nics(root)
        .into_iter()
        .find(|nic| Mac::parse(&nic.mac) == Some(mac))
        .map(|nic| nic.name)
}

/// Brings the interface up and sets address and default route. May be repeated.
pub fn configure(name: &str, kargs: &Kargs) -> io::Result<()> {
    let index = inventory::read(Path::new("/sys/class/net").join(name).join("ifindex"))
        .parse()
        .map_err(|_| io::Error::other(format!("interface {name} has no index")))?;
    let mut kernel = Kernel::connect()?;
    kernel.ask(RouteNetlinkMessage::SetLink(link_up(index)))?;
    kernel.ask(RouteNetlinkMessage::NewAddress(address(index, kargs)))?;
    if let Some(router) = kargs.gateway {
        kernel.ask(RouteNetlinkMessage::NewRoute(default_route(index, router)))?;
    }
    Ok(())
}

/// Whether the interface has a carrier.
pub fn carrier(root: &Path, name: &str) -> bool {
    inventory::read(root.join("sys/class/net").join(name).join("carrier")) == "1"
}

fn link_up(index: u32) -> LinkMessage {
    let mut message = LinkMessage::default();
    message.header.index = index;
    message.header.flags = LinkFlags::Up;
    message.header.change_mask = LinkFlags::Up;
    message
}

fn address(index: u32, kargs: &Kargs) -> AddressMessage {
    let mut message = AddressMessage::default();
    message.header.family = AddressFamily::Inet;
    message.header.prefix_len = kargs.prefix;
    message.header.index = index;
    let own = IpAddr::V4(kargs.address);
    message.attributes = vec![AddressAttribute::Local(own), AddressAttribute::Address(own)];
    message
}

fn default_route(index: u32, router: Ipv4Addr) -> RouteMessage {
    let mut message = RouteMessage::default();
    message.header.address_family = AddressFamily::Inet;
    message.header.table = RouteHeader::RT_TABLE_MAIN;
    message.header.protocol = RouteProtocol::Static;
    message.header.scope = RouteScope::Universe;
    message.header.kind = RouteType::Unicast;
    message.attributes =
        vec![RouteAttribute::Gateway(RouteAddress::Inet(router)), RouteAttribute::Oif(index)];
    message
}

struct Kernel {
    socket: Socket,
    number: u32,
}

impl Kernel {
    fn connect() -> io::Result<Self> {
        let mut socket = Socket::new(NETLINK_ROUTE)?;
        socket.bind_auto()?;
        socket.connect(&SocketAddr::new(0, 0))?;
        Ok(Self { socket, number: 0 })
    }

    /// Sends one request and waits for its acknowledgement.
    fn ask(&mut self, request: RouteNetlinkMessage) -> io::Result<()> {
        self.number += 1;
        let mut message =
            NetlinkMessage::new(NetlinkHeader::default(), NetlinkPayload::from(request));
        message.header.flags = NLM_F_REQUEST | NLM_F_ACK | NLM_F_CREATE | NLM_F_REPLACE;
        message.header.sequence_number = self.number;
        message.finalize();
        let mut bytes = vec![0; message.buffer_len()];
        message.serialize(&mut bytes);
        self.socket.send(&bytes, 0)?;
        loop {
            let (bytes, _) = self.socket.recv_from_full()?;
            let answer = NetlinkMessage::<RouteNetlinkMessage>::deserialize(&bytes)
                .map_err(io::Error::other)?;
            if answer.header.sequence_number != self.number {
                continue;
            }
            if let NetlinkPayload::Error(error) = answer.payload {
                return error.code.map_or(Ok(()), |_| Err(error.to_io()));
            }
        }
    }
}
