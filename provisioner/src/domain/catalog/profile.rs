//! Profiles: what a machine boots, and what is installed on it.

mod install;
mod read;

use std::collections::BTreeMap;

use api::node::{After, DiskRule, IgnitionPlace, ImageFormat, Wipe};

use crate::domain::node::Limits;
use crate::domain::render::{BootWords, Language, TemplateName, Use};
use yaml::Spot;

use super::Metadata;

pub(super) use read::{name_of, read, value_of};

/// What the machines of a group boot. Neither `boot` nor `install`: their own disk.
#[derive(Debug, Clone)]
pub struct Profile {
    /// Its name: `id` (matchbox), else `name`, else the file's name.
    pub name: String,
    /// Kernel and initrds to run from RAM.
    pub boot: Option<Boot>,
    /// Kernel arguments: of `boot`, or of the installer.
    pub boot_args: Vec<String>,
    /// What is installed.
    pub install: Option<Install>,
    /// Templates among the words of `boot`; [`Catalog::boot`](super::Catalog::boot) renders them.
    pub(in crate::domain) boot_words: BootWords,
    pub(super) boot_spots: BTreeMap<String, Spot>,
    /// Template that replaces the generated iPXE script.
    pub boot_ipxe: Option<TemplateName>,
    /// Template that replaces the generated GRUB configuration.
    pub boot_grub: Option<TemplateName>,
    /// Ignition template.
    pub ignition: Option<TemplateName>,
    /// cloud-config or script template.
    pub cloud: Option<TemplateName>,
    /// Generic templates by name; the one that has none has the name `""`.
    pub generic: BTreeMap<String, TemplateName>,
    /// Metadata for templates; under the group's.
    pub metadata: Metadata,
    /// Runs from RAM, never installed: said so, or `boot` without `install`.
    pub live: bool,
    /// Do nothing and show this reason.
    pub hold: Option<String>,
    /// Shown on the machine's screen before its own disk is booted.
    pub message: Option<String>,
    /// Its file, relative to the catalog.
    pub file: String,
    pub(super) templates: Vec<(TemplateName, Spot)>,
}

impl Profile {
    /// Its templates, and what each is for.
    pub(super) fn uses(&self) -> impl Iterator<Item = (TemplateName, Use)> {
        let boot = [(&self.boot_ipxe, Language::Ipxe), (&self.boot_grub, Language::Grub)];
        let boot = boot.into_iter().map(|(name, language)| (name.iter(), Use::Boot(language)));
        let first = [(self.ignition.iter(), Use::Ignition), (self.cloud.iter(), Use::Cloud)];
        let several = first.into_iter().chain(boot);
        let several = several.flat_map(|(names, of)| names.map(move |name| (name.clone(), of)));
        several.chain(self.generic.values().map(|name| (name.clone(), Use::Generic)))
    }

    /// Whether words of `boot` hold templates.
    pub fn has_boot_templates(&self) -> bool {
        self.boot_words.names().next().is_some()
    }

    /// Boots its own disk and nothing else.
    pub fn is_local_only(&self) -> bool {
        self.boot.is_none() && self.install.is_none()
    }
}

/// matchbox's `boot`, word for word.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Boot {
    /// URL or path of the kernel; empty when a matchbox file says nothing.
    pub kernel: String,
    /// URLs or paths, each perhaps with iPXE's `--name X` in front.
    pub initrd: Vec<String>,
    /// Kernel arguments, verbatim.
    pub args: Vec<String>,
}

/// What is installed, where and how.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Install {
    /// What to write.
    pub image: ImageRef,
    /// Where to write it.
    pub disk: DiskRule,
    /// How the first boot's configuration gets onto the disk.
    pub config: ConfigKind,
    /// What to do to the disk before.
    pub wipe: Wipe,
    /// What follows.
    pub after: After,
    /// When it counts as failed.
    pub limits: Limits,
}

/// Which image.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ImageRef {
    /// By its name in the image library.
    Library(String),
    /// From anywhere.
    Url {
        /// Where.
        url: String,
        /// SHA-256 of the bytes there, 64 hex digits in lower case.
        sha256: String,
        /// How they are packed.
        format: ImageFormat,
    },
}

/// How the first boot's configuration gets onto the disk.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum ConfigKind {
    /// It brings its own.
    #[default]
    None,
    /// As a NoCloud seed.
    CloudInit,
    /// As a file where Fedora CoreOS looks for its Ignition config.
    Ignition,
    /// As a file where Flatcar looks for it.
    IgnitionOem,
}

impl ConfigKind {
    /// Where the profile's Ignition config goes, if it goes anywhere.
    pub fn ignition_place(self) -> Option<IgnitionPlace> {
        match self {
            Self::Ignition => Some(IgnitionPlace::Boot),
            Self::IgnitionOem => Some(IgnitionPlace::Oem),
            Self::None | Self::CloudInit => None,
        }
    }
}
