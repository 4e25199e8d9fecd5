//! What a client asks, typed.

use std::net::Ipv4Addr;
use std::ops::Range;

use crate::addresses::Mac;
use crate::arch::Arch;
use crate::options::{Options, code};
use crate::wire::{BOOT_REQUEST, BROADCAST_FLAG, Malformed, Packet};

mod class;

pub use class::{IpxeFeatures, Stage};

/// What is being asked: option 53 (RFC 2132 section 9.6), or BOOTP without it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// No option 53: a BOOTP client (RFC 1534), which gets its address for good.
    Bootp,
    /// Any server there?
    Discover,
    /// That address, please; see [`Request::client_state`].
    Request,
    /// That address is in use by someone else.
    Decline,
    /// That address is no longer needed.
    Release,
    /// Only the parameters, please: the client has an address.
    Inform,
}

/// What state a client that sends DHCPREQUEST is in (RFC 2131 section 4.3.2, table 4).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ClientState {
    /// It takes this server's offer, or another's: compare the server identifier.
    Selecting {
        /// Option 54: the server whose offer it takes.
        server: Ipv4Addr,
        /// Option 50: the address it takes.
        requested: Ipv4Addr,
    },
    /// It started again and would like its former address.
    InitReboot {
        /// Option 50: the former address.
        requested: Ipv4Addr,
    },
    /// It uses the address and would like to go on: RENEWING if unicast, REBINDING if broadcast.
    Extending {
        /// `ciaddr`: the address in use.
        address: Ipv4Addr,
    },
    /// The fields contradict each other; there is nothing to answer.
    Contradictory,
}

/// A packet from a client or its relay.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Request {
    /// What is being asked.
    pub kind: Kind,
    /// Hardware type, 1 or 6; echoed.
    pub htype: u8,
    /// Relays passed.
    pub hops: u8,
    /// Transaction; echoed.
    pub xid: u32,
    /// Seconds since the client began, as it says.
    pub secs: u16,
    /// All flags; echoed.
    pub flags: u16,
    /// The client's address if it uses one, else 0.0.0.0.
    pub ciaddr: Ipv4Addr,
    /// The relay that forwarded this, or 0.0.0.0.
    pub giaddr: Ipv4Addr,
    /// The client's hardware address.
    pub chaddr: Mac,
    /// Option 61, type octet included.
    pub client_id: Option<Vec<u8>>,
    /// Option 50.
    pub requested: Option<Ipv4Addr>,
    /// Option 54.
    pub server_id: Option<Ipv4Addr>,
    /// Option 55: the parameters wanted, most wanted first. Empty: the client did not say.
    pub parameters: Vec<u8>,
    /// Option 57: the longest message it takes, in bytes.
    pub max_message_size: Option<u16>,
    /// Option 93: its architecture; the first, if it lists several.
    pub arch: Option<Arch>,
    /// Option 97: the SMBIOS UUID as on the wire; [`Request::uuid_text`] is how people write it.
    pub uuid: Option<[u8; 16]>,
    /// Option 60, unprintable characters replaced.
    pub vendor_class: Option<String>,
    /// Option 77: its classes (RFC 3004), or the one that iPXE sends without a length.
    pub user_class: Vec<String>,
    /// Option 175: what an iPXE can do.
    pub ipxe: Option<IpxeFeatures>,
    /// Option 12, unprintable characters replaced.
    pub host_name: Option<String>,
    /// Option 82 as the relay wrote it (RFC 3046); echoed.
    pub relay_agent: Option<Vec<u8>>,
    /// Every option, as bytes.
    pub options: Options,
    /// Options 93, 97 and 175 that were present and could not be understood.
    pub not_understood: Vec<u8>,
}

impl Request {
    /// Reads a packet that came to a server's port.
    ///
    /// # Errors
    /// Says why the bytes are no request; such a packet is to be dropped and counted. What only
    /// describes the machine (options 60, 77, 93, 97, 175) never makes a packet malformed.
    pub fn parse(bytes: &[u8]) -> Result<Self, Malformed> {
        let packet = Packet::parse(bytes)?;
        let chaddr = ethernet_address(&packet)?;
        let options = packet.options;
        let kind = kind(&options)?;
        let mut not_understood = Vec::new();
        let mut described = |code, value: Option<()>| {
            if value.is_none() && options.bytes(code).is_some() {
                not_understood.push(code);
            }
        };
        let arch = class::arch(&options);
        described(code::CLIENT_ARCHITECTURE, arch.map(drop));
        let uuid = class::uuid(&options);
        described(code::CLIENT_UUID, uuid.map(drop));
        let ipxe = class::ipxe(&options);
        described(code::IPXE, ipxe.map(drop));
        Ok(Self {
            kind,
            htype: packet.htype,
            hops: packet.hops,
            xid: packet.xid,
            secs: packet.secs,
            flags: packet.flags,
            ciaddr: packet.ciaddr,
            giaddr: packet.giaddr,
            chaddr,
            client_id: options.bytes(code::CLIENT_IDENTIFIER).map(<[u8]>::to_vec),
            requested: address(&options, code::REQUESTED_ADDRESS)?,
            server_id: address(&options, code::SERVER_IDENTIFIER)?,
            parameters: options.bytes(code::PARAMETER_REQUEST_LIST).unwrap_or_default().to_vec(),
            max_message_size: fixed(&options, code::MAXIMUM_MESSAGE_SIZE)?.map(u16::from_be_bytes),
            arch,
            uuid,
            vendor_class: options.bytes(code::VENDOR_CLASS).map(class::text),
            user_class: class::user_class(&options),
            ipxe,
            host_name: options.bytes(code::HOST_NAME).map(class::text),
            relay_agent: options.bytes(code::RELAY_AGENT).map(<[u8]>::to_vec),
            options,
            not_understood,
        })
    }

    /// Whether the client wants replies broadcast: the flag of RFC 2131 section 2, figure 2.
    pub fn broadcast(&self) -> bool {
        self.flags & BROADCAST_FLAG != 0
    }

    /// What state the sender of a DHCPREQUEST is in, by RFC 2131 section 4.3.2. `None` for the other
    /// kinds.
    pub fn client_state(&self) -> Option<ClientState> {
        if self.kind != Kind::Request {
            return None;
        }
        Some(match (self.server_id, self.requested, self.ciaddr.is_unspecified()) {
            (Some(server), Some(requested), true) => ClientState::Selecting { server, requested },
            (None, Some(requested), true) => ClientState::InitReboot { requested },
            // Table 4 wants no option 54 here; clients that send it mean the server they know.
            (_, None, false) => ClientState::Extending { address: self.ciaddr },
            _ => ClientState::Contradictory,
        })
    }

    /// The UUID as the machine's own tools print it. iPXE and EDK2 both send SMBIOS's bytes, where
    /// the first three fields are little-endian (SMBIOS 2.6 and later, section 7.2.1).
    pub fn uuid_text(&self) -> Option<String> {
        let mut uuid = self.uuid?;
        let mut text = String::new();
        for (range, little_endian) in UUID_FIELDS {
            let field = uuid.get_mut(range)?;
            if little_endian {
                field.reverse();
            }
            let digits: Vec<String> = field.iter().map(|byte| format!("{byte:02x}")).collect();
            let dash = if text.is_empty() { "" } else { "-" };
            text = text + dash + &digits.concat();
        }
        Some(text)
    }

    /// What is running on the machine that asks, as far as this packet tells.
    pub fn stage(&self) -> Stage {
        class::stage(self)
    }

    /// A sub-option of option 82 (RFC 3046): 1 circuit, 2 remote, 5 link selection (RFC 3527).
    pub fn relay_sub_option(&self, code: u8) -> Option<&[u8]> {
        let mut rest = self.relay_agent.as_deref()?;
        while let [sub, length, tail @ ..] = rest {
            let (value, tail) = tail.split_at_checked(usize::from(*length))?;
            if *sub == code {
                return Some(value);
            }
            rest = tail;
        }
        None
    }

    /// Whether the client lists the option in its parameter request list, or has no such list.
    pub fn wants(&self, code: u8) -> bool {
        self.parameters.is_empty() || self.parameters.contains(&code)
    }
}

/// The fields of a UUID, and whether SMBIOS keeps them little-endian.
const UUID_FIELDS: [(Range<usize>, bool); 5] =
    [(0..4, true), (4..6, true), (6..8, true), (8..10, false), (10..16, false)];

fn ethernet_address(packet: &Packet) -> Result<Mac, Malformed> {
    if packet.op != BOOT_REQUEST {
        return Err(Malformed::NotARequest(packet.op));
    }
    if !matches!(packet.htype, 1 | 6) {
        return Err(Malformed::HardwareType(packet.htype));
    }
    if packet.hlen != 6 {
        return Err(Malformed::HardwareLength(packet.hlen));
    }
    Ok(Mac::from_chaddr(packet.chaddr))
}

fn kind(options: &Options) -> Result<Kind, Malformed> {
    Ok(match fixed(options, code::MESSAGE_TYPE)? {
        None => Kind::Bootp,
        Some([1]) => Kind::Discover,
        Some([3]) => Kind::Request,
        Some([4]) => Kind::Decline,
        Some([7]) => Kind::Release,
        Some([8]) => Kind::Inform,
        Some([other]) => return Err(Malformed::MessageType(other)),
    })
}

fn address(options: &Options, code: u8) -> Result<Option<Ipv4Addr>, Malformed> {
    Ok(fixed(options, code)?.map(Ipv4Addr::from_octets))
}

/// The value of an option that has exactly `N` bytes.
fn fixed<const N: usize>(options: &Options, code: u8) -> Result<Option<[u8; N]>, Malformed> {
    let Some(value) = options.bytes(code) else {
        return Ok(None);
    };
    let length = value.len();
    value.try_into().map(Some).map_err(|_| Malformed::OptionLength { code, length })
}

#[cfg(test)]
mod tests;
