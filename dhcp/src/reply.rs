//! What a server answers, and how the wire wants it said to this client.

use std::net::Ipv4Addr;

use crate::options::code;
use crate::request::{Kind, Request, Stage};
use crate::wire::{BOOT_REPLY, BROADCAST_FLAG, Packet};

mod pack;

pub use pack::TooLarge;
use pack::{Item, pack};

/// Which message (option 53) a reply is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Answer {
    /// DHCPOFFER.
    Offer,
    /// DHCPACK; also the answer to INFORM and, without option 53, to BOOTP.
    Ack,
    /// DHCPNAK.
    Nak,
}

/// An address and for how long.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lease {
    /// The client's address.
    pub address: Ipv4Addr,
    /// Subnet mask.
    pub mask: Ipv4Addr,
    /// How long it lasts (option 51), in seconds.
    pub seconds: u32,
    /// When to renew (T1, option 58), in seconds.
    pub renew_seconds: u32,
    /// When to ask any server (T2, option 59), in seconds.
    pub rebind_seconds: u32,
}

impl Lease {
    /// A lease with T1 at half and T2 at seven eighths, as RFC 2131 section 4.4.5 has it.
    pub fn lasting(address: Ipv4Addr, mask: Ipv4Addr, seconds: u32) -> Self {
        let rebind_seconds = seconds - seconds / 8;
        Self { address, mask, seconds, renew_seconds: seconds / 2, rebind_seconds }
    }
}

/// What to boot.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Boot {
    /// The TFTP server (`siaddr`, option 66).
    pub next_server: Ipv4Addr,
    /// A name on it, or a URL for UEFI HTTP Boot and iPXE.
    pub file: String,
}

/// A decided answer. [`Reply::encode`] leaves out what the client did not ask for, adds what its
/// firmware insists on and echoes what the RFCs want echoed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reply {
    /// Which message this is.
    pub answer: Answer,
    /// The server identifier (option 54): the address this client reaches the server by.
    pub server: Ipv4Addr,
    /// The address. `None` for INFORM, NAK and an offer of boot parameters only.
    pub lease: Option<Lease>,
    /// Option 3.
    pub routers: Vec<Ipv4Addr>,
    /// Option 6.
    pub dns: Vec<Ipv4Addr>,
    /// Option 42.
    pub ntp: Vec<Ipv4Addr>,
    /// Option 15.
    pub domain: Option<String>,
    /// Option 12.
    pub host_name: Option<String>,
    /// What to boot.
    pub boot: Option<Boot>,
    /// Option 56: why not, in a NAK.
    pub message: Option<String>,
    /// Further options by number, each sent if the client wants it. They replace those above.
    pub extra: Vec<(u8, Vec<u8>)>,
}

/// A reply's bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Encoded {
    /// The payload of the UDP datagram.
    pub bytes: Vec<u8>,
    /// Wanted options that found no room, by number.
    pub left_out: Vec<u8>,
}

impl Reply {
    /// An offer of a lease.
    pub fn offer(server: Ipv4Addr, lease: Lease) -> Self {
        Self { lease: Some(lease), ..Self::bare(Answer::Offer, server) }
    }

    /// A lease, granted.
    pub fn ack(server: Ipv4Addr, lease: Lease) -> Self {
        Self { lease: Some(lease), ..Self::bare(Answer::Ack, server) }
    }

    /// Parameters for a client that has an address (DHCPINFORM).
    pub fn inform_ack(server: Ipv4Addr) -> Self {
        Self::bare(Answer::Ack, server)
    }

    /// A refusal; `message` says why (option 56).
    pub fn nak(server: Ipv4Addr, message: impl Into<String>) -> Self {
        Self { message: Some(message.into()), ..Self::bare(Answer::Nak, server) }
    }

    /// The same answer with something to boot.
    #[must_use]
    pub fn with_boot(self, boot: Boot) -> Self {
        Self { boot: Some(boot), ..self }
    }

    /// The bytes for this client, by RFC 2131 section 4.3.1, table 3.
    ///
    /// # Errors
    /// If not even what the protocol needs fits into what the client takes.
    pub fn encode(&self, request: &Request) -> Result<Encoded, TooLarge> {
        let nak = self.answer == Answer::Nak;
        let boot = self.boot.as_ref().filter(|_| !nak);
        let packet = Packet {
            op: BOOT_REPLY,
            htype: request.htype,
            hlen: 6,
            hops: 0,
            xid: request.xid,
            secs: 0,
            flags: self.flags(request),
            ciaddr: if self.answer == Answer::Ack { request.ciaddr } else { UNSPECIFIED },
            yiaddr: self.lease.filter(|_| !nak).map_or(UNSPECIFIED, |lease| lease.address),
            siaddr: boot.map_or(UNSPECIFIED, |boot| boot.next_server),
            giaddr: request.giaddr,
            chaddr: request.chaddr.to_chaddr(),
            sname: Vec::new(),
            file: boot.and_then(|boot| file_field(boot, request)).unwrap_or_default(),
            options: crate::Options::default(),
        };
        pack(packet, self.items(request), request.max_message_size)
    }

    fn bare(answer: Answer, server: Ipv4Addr) -> Self {
        Self {
            answer,
            server,
            lease: None,
            routers: Vec::new(),
            dns: Vec::new(),
            ntp: Vec::new(),
            domain: None,
            host_name: None,
            boot: None,
            message: None,
            extra: Vec::new(),
        }
    }

    fn flags(&self, request: &Request) -> u16 {
        // RFC 2131 section 4.3.2: a relay must not unicast a NAK to an address that is wrong there.
        let relayed_nak = self.answer == Answer::Nak && !request.giaddr.is_unspecified();
        if relayed_nak { request.flags | BROADCAST_FLAG } else { request.flags }
    }

    /// The options in the order they are sent: the protocol's, the client's list, the echoes.
    fn items(&self, request: &Request) -> Vec<Item> {
        let mut items = self.protocol(request);
        if self.answer != Answer::Nak {
            if let Some(boot) = &self.boot {
                items.extend(boot_items(boot, request));
            }
            items.extend(self.parameters(request));
        }
        // RFC 6842; RFC 3046 section 2.2 wants option 82 last.
        let echoes = [
            (code::CLIENT_IDENTIFIER, request.client_id.as_ref()),
            (code::RELAY_AGENT, request.relay_agent.as_ref()),
        ];
        items.extend(echoes.into_iter().filter_map(|(code, value)| Some(Item::must(code, value?))));
        items
    }

    fn protocol(&self, request: &Request) -> Vec<Item> {
        let mut items = Vec::new();
        if request.kind != Kind::Bootp {
            let number = match self.answer {
                Answer::Offer => 2,
                Answer::Ack => 5,
                Answer::Nak => 6,
            };
            items.push(Item::must(code::MESSAGE_TYPE, &[number]));
            items.push(Item::must(code::SERVER_IDENTIFIER, &self.server.octets()));
        }
        if self.answer == Answer::Nak {
            let message = self.message.iter().map(|text| Item::may(code::MESSAGE, text.as_bytes()));
            items.extend(message);
            return items;
        }
        if let Some(lease) = &self.lease {
            if request.kind != Kind::Bootp {
                items.push(Item::must(code::LEASE_TIME, &lease.seconds.to_be_bytes()));
                items.push(Item::must(code::RENEWAL_TIME, &lease.renew_seconds.to_be_bytes()));
                items.push(Item::must(code::REBINDING_TIME, &lease.rebind_seconds.to_be_bytes()));
            }
            items.push(Item::must(code::SUBNET_MASK, &lease.mask.octets()));
        }
        items
    }

    /// What the client wants, in its order (RFC 2132 section 9.8), or all in ours.
    fn parameters(&self, request: &Request) -> Vec<Item> {
        let mut known = self.known();
        for (code, value) in &self.extra {
            known.retain(|item| item.code != *code);
            known.push(Item::may(*code, value));
        }
        if request.parameters.is_empty() {
            return known;
        }
        let mut wanted = Vec::new();
        for code in &request.parameters {
            let (now, later): (Vec<_>, Vec<_>) = known.into_iter().partition(|i| i.code == *code);
            wanted.extend(now);
            known = later;
        }
        wanted
    }

    fn known(&self) -> Vec<Item> {
        let lists = [
            (code::ROUTER, &self.routers),
            (code::DOMAIN_NAME_SERVER, &self.dns),
            (code::NTP_SERVERS, &self.ntp),
        ];
        let texts = [(code::DOMAIN_NAME, &self.domain), (code::HOST_NAME, &self.host_name)];
        let lists = lists.into_iter().filter(|(_, list)| !list.is_empty()).map(|(code, list)| {
            let octets: Vec<u8> = list.iter().flat_map(Ipv4Addr::octets).collect();
            Item::may(code, &octets)
        });
        let texts = texts
            .into_iter()
            .filter_map(|(code, text)| Some(Item::may(code, text.as_ref()?.as_bytes())));
        let broadcast = self.lease.map(|lease| {
            Item::may(code::BROADCAST_ADDRESS, &(lease.address | !lease.mask).octets())
        });
        lists.chain(texts).chain(broadcast).collect()
    }
}

const UNSPECIFIED: Ipv4Addr = Ipv4Addr::UNSPECIFIED;
/// `file` holds 128 bytes, the last a NUL.
const FILE_MAX: usize = 127;

/// The name for the `file` field, which old ROMs and U-Boot read; a URL for HTTP Boot stays out.
fn file_field(boot: &Boot, request: &Request) -> Option<Vec<u8>> {
    let fits = boot.file.len() <= FILE_MAX && request.stage() != Stage::HttpBoot;
    fits.then(|| boot.file.clone().into_bytes())
}

/// How the firmware wants to be told: see docs/booting.md for what was seen.
fn boot_items(boot: &Boot, request: &Request) -> Vec<Item> {
    let mut items = Vec::new();
    let stage = request.stage();
    match stage {
        Stage::HttpBoot => items.push(Item::must(code::VENDOR_CLASS, b"HTTPClient")),
        Stage::Pxe => {
            items.push(Item::must(code::VENDOR_CLASS, b"PXEClient"));
            items.push(Item::must(code::VENDOR_SPECIFIC, &PXE_BYPASS));
            // PXE 2.1 section 2.4.1 has the client's UUID in replies.
            let uuid = request.options.bytes(code::CLIENT_UUID);
            items.extend(uuid.map(|uuid| Item::may(code::CLIENT_UUID, uuid)));
        }
        Stage::Ipxe { .. } => items.push(Item::may(code::IPXE, &IPXE_NO_PROXY)),
        Stage::Os | Stage::UBoot | Stage::RaspberryPi => {}
    }
    if file_field(boot, request).is_none() || request.wants(code::BOOT_FILE_NAME) {
        items.push(Item::must(code::BOOT_FILE_NAME, boot.file.as_bytes()));
    }
    if request.wants(code::TFTP_SERVER_NAME) && stage != Stage::HttpBoot {
        let server = boot.next_server.to_string();
        items.push(Item::may(code::TFTP_SERVER_NAME, server.as_bytes()));
    }
    items
}

/// PXE 2.1 table 2-1: discovery control (6) with bit 3, "just load the boot file of this offer".
const PXE_BYPASS: [u8; 4] = [6, 1, 8, code::END];
/// iPXE's `no-pxedhcp` (176): this server says it all, so do not wait for a proxy's offer.
const IPXE_NO_PROXY: [u8; 4] = [176, 1, 1, code::END];

#[cfg(test)]
mod tests;
