//! Bytes in and out: one UDP socket per named interface.
//!
//! A socket bound to its interface (`SO_BINDTODEVICE`) tells by itself which interface a packet came
//! in on, and sends broadcasts out of that one and no other.

use std::io;
use std::net::{Ipv4Addr, SocketAddr, SocketAddrV4};
use std::sync::Arc;
use std::task::{Context, Poll};

use socket2::{Domain, Protocol, Type};
use tokio::io::ReadBuf;
use tokio::net::UdpSocket;

use crate::destination::Destination;
use crate::request::Request;

mod counters;
mod interface;

pub use counters::Counters;
pub use interface::{Address, Interface};

/// The longest datagram taken: more than any Ethernet frame holds.
const BUFFER: usize = 2048;
/// Faults of the operating system in a row, without a packet between them, that end receiving.
const FAULTS: u32 = 64;

/// Why the server cannot listen.
#[derive(Debug, thiserror::Error)]
pub enum BindError {
    /// No interface was named.
    #[error("no interface to serve DHCP on was named")]
    NoInterface,
    /// There is no such interface.
    #[error("there is no network interface called {0}; `ip link` lists those there are")]
    Unknown(String),
    /// Interfaces cannot be listed.
    #[error("cannot list the network interfaces")]
    List(#[source] io::Error),
    /// The socket cannot be had.
    #[error("cannot listen for DHCP on interface {interface}, UDP port {port}")]
    Socket {
        /// Name of the interface.
        interface: String,
        /// UDP port.
        port: u16,
        /// What the operating system says.
        source: io::Error,
    },
}

/// A request and how it came in.
#[derive(Debug)]
#[non_exhaustive]
pub struct Received {
    /// What the client asks.
    pub request: Request,
    /// The interface it came in on; [`Listener::send`] wants it back.
    pub interface: Arc<Interface>,
    /// Who sent it: 0.0.0.0 from a client without address, else the client or a relay.
    pub source: SocketAddrV4,
}

/// Listens for DHCP on one or more interfaces.
///
/// One task at a time may call [`Listener::receive`]; any number may call [`Listener::send`].
#[derive(Debug)]
pub struct Listener {
    ports: Vec<Port>,
    counters: Counters,
}

#[derive(Debug)]
struct Port {
    interface: Arc<Interface>,
    socket: UdpSocket,
}

impl Listener {
    /// Listens on the named interfaces, usually at [`crate::SERVER_PORT`]. Wants a tokio runtime and
    /// the rights to bind such a port.
    ///
    /// # Errors
    /// If one of them does not exist or cannot be listened on.
    pub fn bind<S: AsRef<str>>(names: &[S], port: u16) -> Result<Self, BindError> {
        if names.is_empty() {
            return Err(BindError::NoInterface);
        }
        let mut ports = Vec::new();
        for name in names {
            let name = name.as_ref();
            let interface = Interface::find(name)?;
            let socket = open(name, port).map_err(|source| BindError::Socket {
                interface: name.to_owned(),
                port,
                source,
            })?;
            ports.push(Port { interface: Arc::new(interface), socket });
        }
        Ok(Self { ports, counters: Counters::default() })
    }

    /// The interfaces, in the order they were named, as they were when bound.
    pub fn interfaces(&self) -> impl Iterator<Item = &Arc<Interface>> {
        self.ports.iter().map(|port| &port.interface)
    }

    /// The UDP port of each interface, in the same order.
    ///
    /// # Errors
    /// What the operating system says.
    pub fn local_ports(&self) -> io::Result<Vec<u16>> {
        self.ports.iter().map(|port| Ok(port.socket.local_addr()?.port())).collect()
    }

    /// What was received, dropped and sent so far.
    pub fn counters(&self) -> &Counters {
        &self.counters
    }

    /// The next well-formed request. Malformed packets are counted, logged at debug and dropped.
    /// Dropping the future loses nothing.
    ///
    /// # Errors
    /// If the sockets give nothing but faults any more. A single fault, as of an interface that went
    /// down, is logged and survived.
    pub async fn receive(&self) -> io::Result<Received> {
        let mut buffer = [0; BUFFER];
        let mut faults = 0;
        loop {
            let (port, result) = std::future::poll_fn(|cx| self.poll(cx, &mut buffer)).await;
            match result {
                Ok((length, source)) => {
                    let bytes = buffer.get(..length).unwrap_or_default();
                    if let Some(received) = self.parse(port, bytes, source) {
                        return Ok(received);
                    }
                    faults = 0;
                }
                Err(error) => {
                    faults += 1;
                    self.counters.receive_failed();
                    let interface = port.interface.name.as_str();
                    tracing::warn!(interface, %error, "cannot receive DHCP on {interface}");
                    if faults >= FAULTS {
                        return Err(error);
                    }
                }
            }
        }
    }

    /// Sends a reply out of the interface that the request came in on.
    ///
    /// # Errors
    /// What the operating system says; also counted.
    pub async fn send(
        &self,
        interface: &Interface,
        bytes: &[u8],
        to: Destination,
    ) -> io::Result<()> {
        let port = self.ports.iter().find(|port| port.interface.index == interface.index);
        let Some(port) = port else {
            return Err(io::Error::new(
                io::ErrorKind::NotFound,
                format!("interface {} is not listened on", interface.name),
            ));
        };
        let sent = port.socket.send_to(bytes, SocketAddr::V4(to.socket_address())).await;
        self.counters.sent(sent.is_ok());
        sent.map(drop)
    }

    /// The first socket with something to read; where none has, all will wake this task.
    fn poll(
        &self,
        cx: &mut Context<'_>,
        buffer: &mut [u8; BUFFER],
    ) -> Poll<(&Port, io::Result<(usize, SocketAddr)>)> {
        for port in &self.ports {
            let mut read = ReadBuf::new(buffer);
            if let Poll::Ready(result) = port.socket.poll_recv_from(cx, &mut read) {
                let length = read.filled().len();
                return Poll::Ready((port, result.map(|source| (length, source))));
            }
        }
        Poll::Pending
    }

    fn parse(&self, port: &Port, bytes: &[u8], source: SocketAddr) -> Option<Received> {
        let interface = port.interface.as_ref();
        let SocketAddr::V4(source) = source else {
            return None;
        };
        match Request::parse(bytes) {
            Ok(request) => {
                self.counters.received();
                Some(Received { request, interface: Arc::clone(&port.interface), source })
            }
            Err(malformed) => {
                self.counters.malformed(&malformed);
                tracing::debug!(
                    interface = interface.name,
                    %source,
                    length = bytes.len(),
                    reason = malformed.reason(),
                    "dropped a malformed DHCP packet from {source}: {malformed}",
                );
                None
            }
        }
    }
}

fn open(interface: &str, port: u16) -> io::Result<UdpSocket> {
    let socket = socket2::Socket::new(Domain::IPV4, Type::DGRAM, Some(Protocol::UDP))?;
    // Several interfaces share the port, each with its own socket.
    socket.set_reuse_address(true)?;
    socket.set_broadcast(true)?;
    socket.bind_device(Some(interface.as_bytes()))?;
    socket.set_nonblocking(true)?;
    socket.bind(&SocketAddrV4::new(Ipv4Addr::UNSPECIFIED, port).into())?;
    UdpSocket::from_std(socket.into())
}

#[cfg(test)]
mod tests;
