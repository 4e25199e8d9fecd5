//! The packet of RFC 2131 section 2: fixed fields, the magic cookie, options.
//!
//! Strict: a packet that lies about a length is not half understood but refused. [`Packet::parse`]
//! does not panic on any input.

use std::net::Ipv4Addr;

use crate::options::{Options, code};

/// RFC 2131 section 3: what makes the vendor area of BOOTP hold options.
pub(crate) const MAGIC_COOKIE: [u8; 4] = [99, 130, 83, 99];
/// Fixed fields and the magic cookie.
pub(crate) const HEADER_LENGTH: usize = 240;
pub(crate) const BOOT_REQUEST: u8 = 1;
pub(crate) const BOOT_REPLY: u8 = 2;
pub(crate) const BROADCAST_FLAG: u16 = 0x8000;

const SNAME_LENGTH: usize = 64;
const FILE_LENGTH: usize = 128;

/// Why bytes are no DHCP packet for a server. Each kind has a name for counting it:
/// [`Malformed::reason`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Malformed {
    /// Less than the fixed fields and the cookie.
    #[error("{length} bytes are less than the {HEADER_LENGTH} of the fixed fields")]
    TooShort {
        /// Bytes received.
        length: usize,
    },
    /// `op` is not BOOTREQUEST.
    #[error("op {0} where a request has 1")]
    NotARequest(u8),
    /// `htype` is neither Ethernet (1) nor IEEE 802 (6).
    #[error("hardware type {0} is not Ethernet")]
    HardwareType(u8),
    /// `hlen` is not 6.
    #[error("hardware address length {0} where Ethernet has 6")]
    HardwareLength(u8),
    /// The options do not begin with the magic cookie.
    #[error("magic cookie {0:02x?} is not DHCP's")]
    Cookie([u8; 4]),
    /// An option reaches over the end of its field.
    #[error("option {code} at byte {offset} of its field reaches over the end")]
    OptionPastEnd {
        /// Number of the option.
        code: u8,
        /// Where it begins, in bytes from the start of the field that holds it.
        offset: usize,
    },
    /// A field of options ends without the END option, as a cut-off packet does.
    #[error("the options have no END")]
    NoEnd,
    /// Option 52 is none of 1, 2 and 3.
    #[error("option overload {0:?} is none of 1, 2 and 3")]
    Overload(Vec<u8>),
    /// An option that the protocol hangs on has a length it cannot have.
    #[error("option {code} has an impossible length of {length} bytes")]
    OptionLength {
        /// Number of the option.
        code: u8,
        /// Bytes of its value.
        length: usize,
    },
    /// Option 53 is not one that a client sends to a server.
    #[error("message type {0} is not a client's")]
    MessageType(u8),
}

impl Malformed {
    /// All the names that [`Malformed::reason`] gives.
    pub const REASONS: [&str; 10] = [
        "too_short",
        "not_a_request",
        "hardware_type",
        "hardware_length",
        "cookie",
        "option_past_end",
        "no_end",
        "overload",
        "option_length",
        "message_type",
    ];

    /// A name of the kind of fault, for a counter.
    pub fn reason(&self) -> &'static str {
        match self {
            Self::TooShort { .. } => "too_short",
            Self::NotARequest(_) => "not_a_request",
            Self::HardwareType(_) => "hardware_type",
            Self::HardwareLength(_) => "hardware_length",
            Self::Cookie(_) => "cookie",
            Self::OptionPastEnd { .. } => "option_past_end",
            Self::NoEnd => "no_end",
            Self::Overload(_) => "overload",
            Self::OptionLength { .. } => "option_length",
            Self::MessageType(_) => "message_type",
        }
    }
}

/// A packet in either direction, its options joined but not yet understood.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Packet {
    /// 1 request, 2 reply.
    pub op: u8,
    /// Hardware type; 1 is Ethernet.
    pub htype: u8,
    /// Length of the hardware address.
    pub hlen: u8,
    /// Relays passed.
    pub hops: u8,
    /// Transaction, chosen by the client.
    pub xid: u32,
    /// Seconds since the client began.
    pub secs: u16,
    /// The top bit is the broadcast flag.
    pub flags: u16,
    /// The client's address, if it is using one.
    pub ciaddr: Ipv4Addr,
    /// "Your" address, in a reply.
    pub yiaddr: Ipv4Addr,
    /// The next server of the boot, in a reply.
    pub siaddr: Ipv4Addr,
    /// The relay, if one forwarded this.
    pub giaddr: Ipv4Addr,
    /// Hardware address, padded with zeros.
    pub chaddr: [u8; 16],
    /// Server name up to its first NUL; empty where the field held options.
    pub sname: Vec<u8>,
    /// Boot file name up to its first NUL; empty where the field held options.
    pub file: Vec<u8>,
    /// All options, also those of overloaded fields.
    pub options: Options,
}

impl Packet {
    /// Reads a packet.
    pub fn parse(bytes: &[u8]) -> Result<Self, Malformed> {
        let mut reader = Reader(bytes);
        let packet = Self::header(&mut reader).ok_or(Malformed::TooShort { length: bytes.len() });
        let (mut packet, sname, file, cookie) = packet?;
        if usize::from(packet.hlen) > packet.chaddr.len() {
            return Err(Malformed::HardwareLength(packet.hlen));
        }
        if cookie != MAGIC_COOKIE {
            return Err(Malformed::Cookie(cookie));
        }
        collect(&mut packet.options, reader.0)?;
        let overload = match packet.options.bytes(code::OVERLOAD) {
            None => 0,
            Some(&[value @ 1..=3]) => value,
            Some(other) => return Err(Malformed::Overload(other.to_vec())),
        };
        // RFC 3396 section 5: the options field, then `file`, then `sname`.
        if overload & 1 != 0 {
            collect(&mut packet.options, &file)?;
        } else {
            packet.file = until_nul(&file);
        }
        if overload & 2 != 0 {
            collect(&mut packet.options, &sname)?;
        } else {
            packet.sname = until_nul(&sname);
        }
        Ok(packet)
    }

    #[expect(clippy::type_complexity, reason = "the four raw parts, named at the one call")]
    fn header(
        reader: &mut Reader<'_>,
    ) -> Option<(Self, [u8; SNAME_LENGTH], [u8; FILE_LENGTH], [u8; 4])> {
        let [op, htype, hlen, hops] = reader.take()?;
        let packet = Self {
            op,
            htype,
            hlen,
            hops,
            xid: u32::from_be_bytes(reader.take()?),
            secs: u16::from_be_bytes(reader.take()?),
            flags: u16::from_be_bytes(reader.take()?),
            ciaddr: reader.take::<4>()?.into(),
            yiaddr: reader.take::<4>()?.into(),
            siaddr: reader.take::<4>()?.into(),
            giaddr: reader.take::<4>()?.into(),
            chaddr: reader.take()?,
            sname: Vec::new(),
            file: Vec::new(),
            options: Options::default(),
        };
        Some((packet, reader.take()?, reader.take()?, reader.take()?))
    }

    /// The fixed fields and the cookie, with `sname` and `file` filled up with zeros. What does not
    /// fit into them is cut: callers keep to their lengths.
    pub(crate) fn emit_header(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(576);
        out.extend([self.op, self.htype, self.hlen, self.hops]);
        out.extend(self.xid.to_be_bytes());
        out.extend(self.secs.to_be_bytes());
        out.extend(self.flags.to_be_bytes());
        for address in [self.ciaddr, self.yiaddr, self.siaddr, self.giaddr] {
            out.extend(address.octets());
        }
        out.extend(self.chaddr);
        let fields = [(&self.sname, SNAME_LENGTH), (&self.file, FILE_LENGTH)];
        for (field, length) in fields {
            out.extend(field.iter().copied().chain(std::iter::repeat(0)).take(length));
        }
        out.extend(MAGIC_COOKIE);
        out
    }
}

/// Walks one field of options up to END.
fn collect(options: &mut Options, field: &[u8]) -> Result<(), Malformed> {
    let mut rest = field;
    loop {
        let offset = field.len() - rest.len();
        match rest {
            [] => return Err(Malformed::NoEnd),
            [code::END, ..] => return Ok(()),
            [code::PAD, tail @ ..] => rest = tail,
            [code] => {
                return Err(Malformed::OptionPastEnd { code: *code, offset });
            }
            [code, length, tail @ ..] => {
                let (value, tail) = tail
                    .split_at_checked(usize::from(*length))
                    .ok_or(Malformed::OptionPastEnd { code: *code, offset })?;
                options.append(*code, value);
                rest = tail;
            }
        }
    }
}

fn until_nul(field: &[u8]) -> Vec<u8> {
    field.iter().copied().take_while(|&byte| byte != 0).collect()
}

/// What is left of the input.
struct Reader<'a>(&'a [u8]);

impl Reader<'_> {
    fn take<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (head, tail) = self.0.split_first_chunk::<N>()?;
        self.0 = tail;
        Some(*head)
    }
}

#[cfg(test)]
mod tests;
