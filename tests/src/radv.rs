//! The router that every real segment has: it answers IPv6 router solicitations (RFC 4861 section 6.2.6),
//! so that iPXE, which configures IPv4 and IPv6 at once, need not wait ten seconds for nobody.
//! It advertises no prefix and a lifetime of 0: nothing gets an IPv6 route from it.

use std::io::Read;
use std::net::{Ipv6Addr, SocketAddrV6};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use anyhow::{Context, Result};
use socket2::{Domain, Protocol, SockAddr, Socket, Type};

use crate::netns::{BRIDGE, Netns};

const ROUTER_SOLICITATION: u8 = 133;
const ALL_NODES: Ipv6Addr = Ipv6Addr::new(0xff02, 0, 0, 0, 0, 0, 0, 1);
const ALL_ROUTERS: Ipv6Addr = Ipv6Addr::new(0xff02, 0, 0, 0, 0, 0, 0, 2);
/// Type 134, code 0, checksum by the kernel, hop limit 64, no flags, lifetime 0, no timers.
const ADVERTISEMENT: [u8; 16] = [134, 0, 0, 0, 64, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];

/// A thread that answers. Dropping it ends it.
#[derive(Debug)]
pub struct Router {
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Router {
    /// Starts answering on the bridge of `netns`.
    ///
    /// # Errors
    /// When the namespace has no IPv6 or the socket cannot be made.
    pub fn start(netns: &Netns) -> Result<Self> {
        let (socket, index) = netns.inside(open)?;
        let stop = Arc::new(AtomicBool::new(false));
        let seen = Arc::clone(&stop);
        let thread = std::thread::spawn(move || answer(&socket, index, &seen));
        Ok(Self { stop, thread: Some(thread) })
    }
}

impl Drop for Router {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn open() -> Result<(Socket, u32)> {
    let index = nix::net::if_::if_nametoindex(BRIDGE).context("the bridge is gone")?;
    let socket = Socket::new(Domain::IPV6, Type::RAW, Some(Protocol::ICMPV6))
        .context("cannot open a raw ICMPv6 socket")?;
    socket.set_multicast_hops_v6(255)?;
    socket.set_multicast_if_v6(index)?;
    socket.join_multicast_v6(&ALL_ROUTERS, index)?;
    socket.set_read_timeout(Some(Duration::from_millis(200)))?;
    Ok((socket, index))
}

fn answer(socket: &Socket, index: u32, stop: &AtomicBool) {
    let to = SockAddr::from(SocketAddrV6::new(ALL_NODES, 0, 0, index));
    let mut packet = [0; 1500];
    while !stop.load(Ordering::Relaxed) {
        let Ok(length) = (&*socket).read(&mut packet) else {
            continue;
        };
        if packet.get(..length).and_then(|p| p.first()) == Some(&ROUTER_SOLICITATION) {
            // A lost answer is asked for again.
            let _ = socket.send_to(&ADVERTISEMENT, &to);
        }
    }
}
