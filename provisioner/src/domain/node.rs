//! A node: what is wanted of a machine ([`Spec`]) and what was seen of it ([`Status`]).
//!
//! [`step`] is the only way from one state to the next. Its table is architecture, not taste: see
//! ARCHITECTURE.md, "Nodes".

mod state;
mod step;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::net::Ipv4Addr;

use api::node::{Inventory, Stage};
use serde::{Deserialize, Serialize};

pub use state::State;
pub(in crate::domain) use step::may_install;
pub use step::{Attempt, Event, Limits, Outcome, Refused, Steer, step};

use super::labels::{Labels, Trust};
use super::machine::{Alias, Mac, NodeId};

/// Milliseconds since 1970-01-01 UTC. The domain never asks for it; it is told.
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct Millis(pub u64);

impl Millis {
    /// This much later.
    #[must_use]
    pub const fn plus_seconds(self, seconds: u32) -> Self {
        Self(self.0.saturating_add(seconds as u64 * 1000))
    }

    /// Whole milliseconds from `earlier` to `self`; 0 when it is the other way round.
    pub const fn since(self, earlier: Self) -> u64 {
        self.0.saturating_sub(earlier.0)
    }
}

/// One boot session: minted when a boot script is made, carried in its token.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct BootId(String);

impl BootId {
    /// Time first, so that a newer boot sorts behind an older one; then randomness.
    pub fn mint(now: Millis, random: u32) -> Self {
        Self(format!("{:011x}{random:08x}", now.0))
    }

    /// When it was minted; `None` when the text was never minted here.
    pub fn minted_at(&self) -> Option<Millis> {
        u64::from_str_radix(self.0.get(..11)?, 16).ok().map(Millis)
    }

    /// Reads an id back: 19 hex digits.
    pub fn parse(text: &str) -> Option<Self> {
        let ok = text.len() == 19 && text.bytes().all(|b| b.is_ascii_hexdigit());
        ok.then(|| Self(text.to_owned()))
    }

    /// The id as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for BootId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A machine that the appliance knows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Node {
    /// Its name for ever.
    pub id: NodeId,
    /// Everything it was ever known by.
    pub aliases: BTreeSet<Alias>,
    /// What is wanted.
    pub spec: Spec,
    /// What was seen.
    pub status: Status,
    /// Grows with every change.
    pub revision: u64,
}

/// What operators want of a node.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Spec {
    /// Host name, when the operator gave one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hostname: Option<String>,
    /// Tags; they are labels of trust [`Trust::Operator`].
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub tags: BTreeMap<String, String>,
    /// Which installation is wanted, from 1. An operator's `reinstall` adds one.
    pub generation: u64,
    /// Why nothing shall happen to it, while that is so.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hold: Option<String>,
}

/// What was seen of a node. Only evidence writes here.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Status {
    /// Where it stands.
    pub state: State,
    /// Why it stands there, in words.
    pub reason: String,
    /// Since when.
    pub since: Millis,
    /// When it was first and last heard of.
    pub first_seen: Millis,
    /// When it was last heard of.
    pub last_seen: Millis,
    /// Group that selected it last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub group: Option<String>,
    /// Profile that the group names.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub profile: Option<String>,
    /// What it claimed of itself at its last net boot.
    #[serde(default, skip_serializing_if = "Labels::is_empty")]
    pub labels: Labels,
    /// MAC that it boots from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub boot_mac: Option<Mac>,
    /// Address of that interface, as last leased.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub address: Option<Ipv4Addr>,
    /// Architecture and firmware, as it last booted.
    #[serde(default)]
    pub arch: String,
    /// `bios` or `uefi`.
    #[serde(default)]
    pub firmware: String,
    /// Generation that is on its disk; 0 when none.
    #[serde(default)]
    pub installed_generation: u64,
    /// Boot session that installed it: its node token is bound to it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub installed_by: Option<BootId>,
    /// Tries of the wanted generation so far.
    #[serde(default)]
    pub tries: u32,
    /// Installations started in all its life.
    #[serde(default)]
    pub installs: u32,
    /// The installation under way or the last one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub attempt: Option<Attempt>,
    /// What the installer found in it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub inventory: Option<Inventory>,
    /// Versions that the running system reported.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub versions: BTreeMap<String, String>,
    /// When silence turns into a failure.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deadline: Option<Millis>,
}

impl Node {
    /// A machine that was just seen for the first time.
    pub fn first_seen(id: NodeId, aliases: BTreeSet<Alias>, approved: bool, now: Millis) -> Self {
        let (state, reason) = if approved {
            (State::Configured, "first sight; enrolment is auto")
        } else {
            (State::Unknown, "first sight; waits for `mayuctl approve`")
        };
        let spec = Spec { generation: 1, ..Spec::default() };
        let status = Status::new(state, reason.to_owned(), now);
        Self { id, aliases, spec, status, revision: 1 }
    }

    /// Host name: the operator's, else one made of the strongest short name there is.
    pub fn hostname(&self) -> String {
        self.spec.hostname.clone().unwrap_or_else(|| self.default_hostname())
    }

    /// Its serial, if it has one that can be believed.
    pub fn serial(&self) -> Option<&str> {
        self.aliases.iter().find_map(|alias| match alias {
            Alias::Serial(serial) => Some(serial.as_str()),
            _ => None,
        })
    }

    /// Every MAC it was seen with.
    pub fn macs(&self) -> impl Iterator<Item = Mac> {
        self.aliases.iter().filter_map(|alias| match alias {
            Alias::Mac(mac) => Some(*mac),
            _ => None,
        })
    }

    /// Its SMBIOS UUID, if it has one that can be believed.
    pub fn uuid(&self) -> Option<String> {
        self.aliases.iter().find_map(|alias| match alias {
            Alias::Uuid(uuid) => Some(uuid.to_string()),
            _ => None,
        })
    }

    /// What groups select it by: what it claims, what was observed, and over both what operators set.
    pub fn labels(&self) -> Labels {
        let mut labels = self.status.labels.clone();
        let mac = self.status.boot_mac.or_else(|| self.macs().next());
        // Seen on the wire by DHCP, or only said in a query.
        let trust = if self.status.address.is_some() { Trust::Observed } else { Trust::Claimed };
        labels.insert("mac", mac.map(|mac| mac.to_string()).unwrap_or_default(), trust);
        labels.insert("uuid", self.uuid().unwrap_or_default(), Trust::Claimed);
        labels.insert("serial", self.serial().unwrap_or_default(), Trust::Claimed);
        labels.insert("arch", self.status.arch.as_str(), Trust::Claimed);
        for (key, value) in &self.spec.tags {
            labels.insert(key, value, Trust::Operator);
        }
        labels
    }

    fn default_hostname(&self) -> String {
        let serial = self.serial().map(dns_label).filter(|label| !label.is_empty());
        let mac =
            || self.macs().next().map(|mac| format!("node-{}", mac.to_string().replace(':', "")));
        serial.or_else(mac).unwrap_or_else(|| dns_label(self.id.as_str()))
    }
}

impl Status {
    /// Nothing seen but that it is there.
    pub fn new(state: State, reason: String, now: Millis) -> Self {
        Self {
            state,
            reason,
            since: now,
            first_seen: now,
            last_seen: now,
            group: None,
            profile: None,
            labels: Labels::new(),
            boot_mac: None,
            address: None,
            arch: String::new(),
            firmware: String::new(),
            installed_generation: 0,
            installed_by: None,
            tries: 0,
            installs: 0,
            attempt: None,
            inventory: None,
            versions: BTreeMap::new(),
            deadline: None,
        }
    }
}

/// A host name label (RFC 1123 section 2.1) out of any text: letters, digits, inner hyphens, at most 63.
fn dns_label(text: &str) -> String {
    let mapped: String = text
        .chars()
        .map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '-' })
        .take(63)
        .collect();
    mapped.trim_matches('-').to_owned()
}

/// The stage as users read it.
pub fn stage_name(stage: Stage) -> &'static str {
    match stage {
        Stage::Disk => "disk",
        Stage::Wipe => "wipe",
        Stage::Write => "write",
        Stage::Verify => "verify",
        Stage::Configure => "configure",
        Stage::Finish => "finish",
        Stage::FirstBoot => "first boot",
    }
}

#[cfg(test)]
mod tests;
