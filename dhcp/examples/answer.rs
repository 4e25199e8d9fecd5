//! Answers every DHCP client on an interface, to try a client or a firmware against the crate:
//! `answer INTERFACE [TFTP-FILE [HTTP-URL [IPXE-URL]]]`. The address is the interface's network with
//! the client's last hardware octet with the top bit set; nothing is remembered.
//! An empty argument leaves that kind of client without anything to boot.

use std::net::Ipv4Addr;

use dhcp::socket::{Address, Listener};
use dhcp::{Boot, Kind, Lease, Reply, Request, SERVER_PORT, Stage, destination};

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    tracing_subscriber::fmt().with_max_level(tracing::Level::DEBUG).init();
    let mut arguments = std::env::args().skip(1);
    let interface = arguments.next().ok_or("name an interface")?;
    let mut given = || arguments.next().filter(|argument| !argument.is_empty());
    let boot = Offered { tftp: given(), http: given(), ipxe: given() };
    let listener = Listener::bind(&[interface], SERVER_PORT)?;
    loop {
        let received = listener.receive().await?;
        let request = &received.request;
        tracing::info!(
            chaddr = %request.chaddr,
            kind = ?request.kind,
            stage = ?request.stage(),
            arch = ?request.arch,
            uuid = request.uuid_text(),
            state = ?request.client_state(),
            "request",
        );
        let own = received.interface.addresses.first().ok_or("the interface has no address")?;
        if let Some(reply) = answer(request, *own, &boot) {
            let encoded = reply.encode(request)?;
            let to = destination(request, &reply);
            tracing::info!(?to, answer = ?reply.answer, bytes = encoded.bytes.len(), "reply");
            listener.send(&received.interface, &encoded.bytes, to).await?;
        }
    }
}

struct Offered {
    tftp: Option<String>,
    http: Option<String>,
    ipxe: Option<String>,
}

fn answer(request: &Request, own: Address, offered: &Offered) -> Option<Reply> {
    let [.., last] = request.chaddr.octets();
    let network = own.address & own.mask;
    let lease = Lease::lasting(network | Ipv4Addr::new(0, 0, 0, last | 0x80), own.mask, 600);
    let reply = match request.kind {
        Kind::Bootp | Kind::Discover => Reply::offer(own.address, lease),
        Kind::Request if request.requested.is_some_and(|wanted| wanted != lease.address) => {
            Reply::nak(own.address, "that address is not yours")
        }
        Kind::Request => Reply::ack(own.address, lease),
        Kind::Inform => Reply::inform_ack(own.address),
        Kind::Decline | Kind::Release => return None,
    };
    let file = match request.stage() {
        Stage::Os => &None,
        Stage::Ipxe { http: true } => &offered.ipxe,
        Stage::HttpBoot => &offered.http,
        _ => &offered.tftp,
    };
    let boot = file.clone().map(|file| Boot { next_server: own.address, file });
    Some(Reply { routers: vec![own.address], dns: vec![own.address], boot, ..reply })
}
