//! A hardware address.

use std::fmt;

/// An Ethernet hardware address (`chaddr`), printed as `52:54:00:00:00:01`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Mac(pub [u8; 6]);

impl Mac {
    /// The address in a `chaddr` field, which pads it with zeros.
    pub(crate) fn from_chaddr(chaddr: [u8; 16]) -> Self {
        let mut octets = [0; 6];
        octets.iter_mut().zip(chaddr).for_each(|(to, from)| *to = from);
        Self(octets)
    }

    /// The `chaddr` field of this address.
    pub(crate) fn to_chaddr(self) -> [u8; 16] {
        let mut chaddr = [0; 16];
        chaddr.iter_mut().zip(self.0).for_each(|(to, from)| *to = from);
        chaddr
    }

    /// The six octets, in the order of the wire.
    pub fn octets(self) -> [u8; 6] {
        self.0
    }
}

impl fmt::Display for Mac {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let octets = self.0.map(|octet| format!("{octet:02x}"));
        f.write_str(&octets.join(":"))
    }
}

impl fmt::Debug for Mac {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}
