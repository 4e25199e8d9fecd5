//! Options into a packet of limited length: in the options field, else also in `file` and `sname`
//! (option overload, RFC 2132 section 9.3), else without the least important.

use super::Encoded;
use crate::options::code;
use crate::wire::{HEADER_LENGTH, Packet};

/// RFC 2131 section 2: every client takes a message of an IP datagram of 576 bytes.
const LEAST_MAXIMUM: usize = 576;
/// Ethernet's, so that no reply is fragmented: firmware rarely puts fragments together.
const GREATEST_MAXIMUM: usize = 1500;
/// IP and UDP headers, which option 57 counts in.
const IP_UDP: usize = 28;
/// RFC 1542 section 2.1: relays may drop anything shorter.
const MINIMUM_LENGTH: usize = 300;
const FILE_ROOM: usize = 127;
const SNAME_ROOM: usize = 63;

/// The options that a client cannot do without are longer than what it takes.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the options of the reply need {needed} bytes and the client takes {room}")]
pub struct TooLarge {
    /// Bytes of the options that must be sent.
    pub needed: usize,
    /// Bytes of options in the longest message that the client takes.
    pub room: usize,
}

/// One option to be sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Item {
    pub(super) code: u8,
    value: Vec<u8>,
    must: bool,
}

impl Item {
    /// The reply makes no sense without it.
    pub(super) fn must(code: u8, value: &[u8]) -> Self {
        Self { code, value: value.to_vec(), must: true }
    }

    /// Left out if there is no room.
    pub(super) fn may(code: u8, value: &[u8]) -> Self {
        Self { must: false, ..Self::must(code, value) }
    }

    fn length(&self) -> usize {
        self.value.len() + 2 * self.value.len().div_ceil(255).max(1)
    }

    /// Values over 255 bytes go in fragments (RFC 3396).
    fn emit(&self, out: &mut Vec<u8>) {
        let whole: [&[u8]; 1] = [&self.value];
        let fragments: Vec<&[u8]> =
            if self.value.is_empty() { whole.to_vec() } else { self.value.chunks(255).collect() };
        for fragment in fragments {
            out.push(self.code);
            out.extend(u8::try_from(fragment.len()));
            out.extend(fragment);
        }
    }
}

/// `items` in the order they are wanted on the wire; `maximum` is the client's option 57.
pub(super) fn pack(
    mut packet: Packet,
    items: Vec<Item>,
    maximum: Option<u16>,
) -> Result<Encoded, TooLarge> {
    let maximum = maximum.map_or(LEAST_MAXIMUM, usize::from);
    let room = maximum.clamp(LEAST_MAXIMUM, GREATEST_MAXIMUM) - IP_UDP - HEADER_LENGTH - 1;
    let needed: usize = items.iter().map(Item::length).sum();
    if needed <= room {
        return Ok(finish(&packet, &items, Vec::new()));
    }
    let fields = spread(items, room, packet.file.is_empty())?;
    let mut overload = 0;
    if !fields.file.is_empty() {
        packet.file = field(&fields.file);
        overload |= 1;
    }
    if !fields.sname.is_empty() {
        packet.sname = field(&fields.sname);
        overload |= 2;
    }
    let mut options = fields.options;
    if overload != 0 {
        options.insert(0, Item::must(code::OVERLOAD, &[overload]));
    }
    Ok(finish(&packet, &options, fields.left_out))
}

/// Which option goes where.
#[derive(Default)]
struct Fields {
    options: Vec<Item>,
    file: Vec<Item>,
    sname: Vec<Item>,
    left_out: Vec<u8>,
}

/// First what must be sent, then the rest, each into the first field with room for all of it.
fn spread(items: Vec<Item>, room: usize, file_is_free: bool) -> Result<Fields, TooLarge> {
    let (must, may): (Vec<_>, Vec<_>) = items.into_iter().partition(|item| item.must);
    let needed: usize = must.iter().map(Item::length).sum();
    // Option 52 itself takes three bytes.
    let mut options_room = room - 3;
    let mut file_room = if file_is_free { FILE_ROOM } else { 0 };
    let mut sname_room = SNAME_ROOM;
    // The relay's own option stays in the options field, where relays look for it.
    let (relay, must): (Vec<_>, Vec<_>) =
        must.into_iter().partition(|i| i.code == code::RELAY_AGENT);
    let reserved: usize = relay.iter().map(Item::length).sum();
    options_room = options_room.checked_sub(reserved).ok_or(TooLarge { needed, room })?;
    let mut fields = Fields::default();
    for item in must.into_iter().chain(may) {
        let length = item.length();
        if take(&mut options_room, length) {
            fields.options.push(item);
        } else if length < 255 && take(&mut sname_room, length) {
            fields.sname.push(item);
        } else if length < 255 && take(&mut file_room, length) {
            fields.file.push(item);
        } else if item.must {
            return Err(TooLarge { needed, room });
        } else {
            fields.left_out.push(item.code);
        }
    }
    fields.options.extend(relay);
    Ok(fields)
}

fn take(room: &mut usize, length: usize) -> bool {
    room.checked_sub(length).map(|left| *room = left).is_some()
}

fn field(items: &[Item]) -> Vec<u8> {
    let mut out = Vec::new();
    for item in items {
        item.emit(&mut out);
    }
    out.push(code::END);
    out
}

fn finish(packet: &Packet, options: &[Item], left_out: Vec<u8>) -> Encoded {
    let mut bytes = packet.emit_header();
    bytes.extend(field(options));
    bytes.resize(bytes.len().max(MINIMUM_LENGTH), 0);
    Encoded { bytes, left_out }
}
