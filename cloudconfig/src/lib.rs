//! cloud-config: what cloud-init and CoreOS's coreos-cloudinit understand of it.
//!
//! Two programs read files that begin with `#cloud-config`: cloud-init (Debian and most others) and
//! coreos-cloudinit (Container Linux of old, the machines of Mayu). They share five keys and no more. [`check`]
//! says what each of them would: coreos-cloudinit's own words where `-validate` has any, and those of
//! cloud-init's JSON schema. Text after `; ` in a message is ours: what to do.

mod check;
mod cloud_init;
mod content;
mod coreos;
mod doc;
mod scalar;
mod substitute;
mod world;

pub use check::check;
pub use substitute::substitute;

/// What a user-data is, by its first line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// `#cloud-config`, blanks behind it allowed.
    CloudConfig,
    /// A program: `#!`.
    Script,
    /// Neither; both programs leave it.
    Other,
}

/// Who understands a cloud-config.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum World {
    /// cloud-init: there are keys that it alone knows.
    CloudInit,
    /// CoreOS: there are keys that it alone knows. Also when keys of cloud-init's stand beside `coreos`.
    CoreOs,
    /// Only keys that both know.
    Both,
}

/// What was found in a user-data.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// What it is.
    pub kind: Kind,
    /// Whom it is for; [`World::Both`] for what is no cloud-config.
    pub world: World,
    /// In the order of lines; paths such as `coreos.units[0].command`.
    pub findings: Vec<yaml::Finding>,
}

/// What a user-data is, as coreos-cloudinit and matchbox tell it: by the first line.
pub fn kind(text: &str) -> Kind {
    let first = text.split('\n').next().unwrap_or_default();
    if first.starts_with("#!") {
        Kind::Script
    } else if first.trim_end() == "#cloud-config" {
        Kind::CloudConfig
    } else {
        Kind::Other
    }
}

#[cfg(test)]
mod tests;
