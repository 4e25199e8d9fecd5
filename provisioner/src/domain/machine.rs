//! Who is this machine? One rule for every door it comes in by: DHCP, TFTP, HTTP query, installer.

use std::collections::BTreeSet;
use std::fmt::{self, Write as _};
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// A 48-bit Ethernet address. Read in any common spelling, shown with colons in lower case.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Mac([u8; 6]);

/// Text that is no MAC.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not a MAC address; write it as 52:54:00:12:34:56")]
pub struct NotAMac(String);

impl Mac {
    /// From its bytes as on the wire.
    pub const fn new(bytes: [u8; 6]) -> Self {
        Self(bytes)
    }

    /// Its bytes as on the wire.
    pub const fn bytes(self) -> [u8; 6] {
        self.0
    }

    /// iPXE's `hexhyp` spelling: `52-54-00-12-34-56`.
    pub fn hyphenated(self) -> String {
        self.to_string().replace(':', "-")
    }
}

impl FromStr for Mac {
    type Err = NotAMac;

    /// `52:54:00:12:34:56`, `52-54-00-12-34-56`, `5254.0012.3456` or `525400123456`, any case.
    fn from_str(text: &str) -> Result<Self, NotAMac> {
        let fail = || NotAMac(text.to_owned());
        let separator_ok = match text.len() {
            12 => true,
            14 => text.match_indices('.').map(|(at, _)| at).eq([4, 9]),
            17 => [':', '-']
                .iter()
                .any(|sep| text.match_indices(*sep).map(|(at, _)| at).eq([2, 5, 8, 11, 14])),
            _ => false,
        };
        let digits: String = text.chars().filter(|c| !matches!(c, ':' | '-' | '.')).collect();
        if !separator_ok || digits.len() != 12 || !digits.bytes().all(|b| b.is_ascii_hexdigit()) {
            return Err(fail());
        }
        let number = u64::from_str_radix(&digits, 16).map_err(|_| fail())?;
        let [_, _, bytes @ ..] = number.to_be_bytes();
        Ok(Self(bytes))
    }
}

impl fmt::Display for Mac {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, byte) in self.0.iter().enumerate() {
            let colon = if at == 0 { "" } else { ":" };
            write!(f, "{colon}{byte:02x}")?;
        }
        Ok(())
    }
}

impl fmt::Debug for Mac {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl TryFrom<String> for Mac {
    type Error = NotAMac;

    fn try_from(text: String) -> Result<Self, NotAMac> {
        text.parse()
    }
}

impl From<Mac> for String {
    fn from(mac: Mac) -> Self {
        mac.to_string()
    }
}

/// An SMBIOS system UUID in its textual byte order.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Uuid([u8; 16]);

/// Text that is no UUID.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not a UUID; write it as 4c4c4544-0051-3610-8052-b4c04f4a3132")]
pub struct NotAUuid(String);

impl Uuid {
    /// From the bytes of SMBIOS and DHCP option 97 (RFC 4578 section 2.3): the first three fields are
    /// little-endian there (SMBIOS 2.6, section 7.2.1).
    pub const fn from_smbios(b: [u8; 16]) -> Self {
        Self([
            b[3], b[2], b[1], b[0], b[5], b[4], b[7], b[6], b[8], b[9], b[10], b[11], b[12], b[13],
            b[14], b[15],
        ])
    }

    /// The same UUID with the first three fields in the other byte order: firmware and loaders do not agree
    /// on which one is right.
    #[must_use]
    pub const fn swapped(self) -> Self {
        Self::from_smbios(self.0)
    }

    /// Whether it can tell one machine from another: vendors ship all zeros, all ones, and samples.
    pub fn is_usable(self) -> bool {
        let one_byte_repeated = self.0.iter().all(|byte| *byte == self.0[0]);
        !one_byte_repeated && !UUID_LIARS.contains(&self.to_string().as_str())
    }
}

/// Default UUIDs that vendors left in whole series of boards.
const UUID_LIARS: [&str; 2] =
    ["03000200-0400-0500-0006-000700080009", "12345678-1234-5678-90ab-cddeefaabbcc"];

impl FromStr for Uuid {
    type Err = NotAUuid;

    fn from_str(text: &str) -> Result<Self, NotAUuid> {
        let fail = || NotAUuid(text.to_owned());
        let digits: String = text.chars().filter(|c| *c != '-').collect();
        let hyphens_ok =
            text.len() == 32 || text.match_indices('-').map(|(at, _)| at).eq([8, 13, 18, 23]);
        if !hyphens_ok || digits.len() != 32 || !digits.bytes().all(|b| b.is_ascii_hexdigit()) {
            return Err(fail());
        }
        let number = u128::from_str_radix(&digits, 16).map_err(|_| fail())?;
        Ok(Self(number.to_be_bytes()))
    }
}

impl fmt::Display for Uuid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, byte) in self.0.iter().enumerate() {
            if matches!(at, 4 | 6 | 8 | 10) {
                f.write_str("-")?;
            }
            write!(f, "{byte:02x}")?;
        }
        Ok(())
    }
}

impl fmt::Debug for Uuid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl TryFrom<String> for Uuid {
    type Error = NotAUuid;

    fn try_from(text: String) -> Result<Self, NotAUuid> {
        text.parse()
    }
}

impl From<Uuid> for String {
    fn from(uuid: Uuid) -> Self {
        uuid.to_string()
    }
}

/// A name that a machine goes by.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Alias {
    /// SMBIOS system UUID.
    Uuid(Uuid),
    /// SMBIOS system serial, as given.
    Serial(String),
    /// A network interface.
    Mac(Mac),
}

impl Alias {
    fn uuid(&self) -> Option<Uuid> {
        match self {
            Self::Uuid(uuid) => Some(*uuid),
            _ => None,
        }
    }

    fn serial(&self) -> Option<&str> {
        match self {
            Self::Serial(serial) => Some(serial),
            _ => None,
        }
    }
}

impl fmt::Display for Alias {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Uuid(uuid) => write!(f, "UUID {uuid}"),
            Self::Serial(serial) => write!(f, "serial {serial}"),
            Self::Mac(mac) => write!(f, "MAC {mac}"),
        }
    }
}

/// What a machine says of itself at one of the doors. Unusable claims were left out on the way in.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Claims {
    uuid: Option<Uuid>,
    serial: Option<String>,
    macs: Vec<Mac>,
}

/// Serials that are printed on more than one machine. KVM's constant, and what OEMs forget to fill in.
const SERIAL_LIARS: [&str; 11] = [
    "0123456789",
    "to be filled by o.e.m.",
    "default string",
    "system serial number",
    "not specified",
    "none",
    "n/a",
    "empty",
    "unknown",
    "123456789",
    "0",
];

impl Claims {
    /// Nothing claimed.
    pub fn new() -> Self {
        Self::default()
    }

    /// With a UUID, if it is one that can be believed.
    #[must_use]
    pub fn with_uuid(mut self, uuid: Option<Uuid>) -> Self {
        self.uuid = uuid.filter(|uuid| uuid.is_usable());
        self
    }

    /// With a serial, if it is one that can be believed. VMware's is cut short by iPXE, so it is no name.
    #[must_use]
    pub fn with_serial(mut self, serial: Option<&str>) -> Self {
        self.serial = serial.map(str::trim).filter(|s| is_usable_serial(s)).map(str::to_owned);
        self
    }

    /// With one more MAC; group addresses and all zeros are no machine's.
    #[must_use]
    pub fn with_mac(mut self, mac: Option<Mac>) -> Self {
        let usable = mac.filter(|mac| mac.0[0] & 1 == 0 && mac.0 != [0; 6]);
        self.macs.extend(usable.filter(|mac| !self.macs.contains(mac)));
        self
    }

    /// The UUID.
    pub fn uuid(&self) -> Option<Uuid> {
        self.uuid
    }

    /// The serial.
    pub fn serial(&self) -> Option<&str> {
        self.serial.as_deref()
    }

    /// The MAC that it came in by.
    pub fn mac(&self) -> Option<Mac> {
        self.macs.first().copied()
    }

    /// Whether a machine with these claims cannot be the one that has those names: its UUID, or where
    /// there is none its serial, is another. A MAC moves with its card, so it proves nothing alone.
    pub fn contradict(&self, known: &BTreeSet<Alias>) -> bool {
        let uuids: Vec<Uuid> = known.iter().filter_map(Alias::uuid).collect();
        if let (Some(uuid), false) = (self.uuid, uuids.is_empty()) {
            return !uuids.iter().any(|known| *known == uuid || *known == uuid.swapped());
        }
        let mut serials = known.iter().filter_map(Alias::serial).peekable();
        match &self.serial {
            Some(serial) if serials.peek().is_some() => !serials.any(|known| known == serial),
            _ => false,
        }
    }

    /// All names, strongest first.
    pub fn aliases(&self) -> BTreeSet<Alias> {
        let macs = self.macs.iter().copied().map(Alias::Mac);
        let uuid = self.uuid.map(Alias::Uuid);
        let serial = self.serial.clone().map(Alias::Serial);
        macs.chain(uuid).chain(serial).collect()
    }
}

fn is_usable_serial(serial: &str) -> bool {
    let lower = serial.to_lowercase();
    let one_character = lower.chars().all(|c| lower.starts_with(c));
    !one_character
        && serial.chars().all(|c| !c.is_control())
        && !lower.starts_with("vmware")
        && !SERIAL_LIARS.contains(&lower.as_str())
}

/// A node's name for ever: safe as a file name, chosen once by [`NodeId::choose`].
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct NodeId(String);

impl NodeId {
    /// A usable SMBIOS UUID, else a usable serial, else the first MAC.
    pub fn choose(claims: &Claims) -> Option<Self> {
        let from_serial = || claims.serial.as_deref().map(|serial| format!("sn-{}", slug(serial)));
        let from_mac = || claims.mac().map(|mac| format!("mac-{}", mac.hyphenated()));
        let uuid = claims.uuid.map(|uuid| uuid.to_string());
        uuid.or_else(from_serial).or_else(from_mac).map(Self)
    }

    /// The id of no machine: for questions by labels alone.
    pub fn nobody() -> Self {
        Self("nobody".to_owned())
    }

    /// The id as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Reads back an id that was stored. Text that could not be an id (path separators, empty) is refused.
impl FromStr for NodeId {
    type Err = NotANodeId;

    fn from_str(text: &str) -> Result<Self, NotANodeId> {
        let ok = !text.is_empty()
            && text.len() <= 128
            && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
        if ok { Ok(Self(text.to_owned())) } else { Err(NotANodeId(text.to_owned())) }
    }
}

/// Text that is no node id.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not a node id: letters, digits and hyphens only, at most 128")]
pub struct NotANodeId(String);

impl fmt::Display for NodeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Letters, digits and hyphens only. Other characters become their code, so that two serials never meet.
fn slug(text: &str) -> String {
    let mut out = String::new();
    for c in text.chars().take(64) {
        if c.is_ascii_alphanumeric() {
            out.push(c.to_ascii_lowercase());
        } else {
            // Writing to a string cannot fail.
            let _ = write!(out, "-{:x}", u32::from(c));
        }
    }
    out
}

#[cfg(test)]
mod tests;
