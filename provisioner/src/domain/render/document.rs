//! What a machine can ask for, and how each of them is made from its profile.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use crate::domain::catalog::{Catalog, Selection};

use super::prepare::Use;
use super::templates::Variables;
use super::{Context, Language, RenderFault, metadata};

/// A document, by the name that it has on the boot plane and in `mayuctl render`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum What {
    /// iPXE's script.
    Ipxe,
    /// GRUB's configuration.
    Grub,
    /// The Ignition config.
    Ignition,
    /// The cloud-config or script.
    Cloud,
    /// The metadata as an environment file.
    Metadata,
    /// A generic file by its name; the one that has none has the name `""`.
    Generic(String),
}

/// Text that names no document.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "{0:?} is no document; there are ipxe, grub, ignition, cloud, metadata, generic and generic/NAME"
)]
pub struct UnknownDocument(String);

impl FromStr for What {
    type Err = UnknownDocument;

    fn from_str(text: &str) -> Result<Self, UnknownDocument> {
        Ok(match text {
            "ipxe" => Self::Ipxe,
            "grub" => Self::Grub,
            "ignition" => Self::Ignition,
            "cloud" => Self::Cloud,
            "metadata" => Self::Metadata,
            "generic" => Self::Generic(String::new()),
            other => match other.strip_prefix("generic/") {
                Some(name) if !name.is_empty() => Self::Generic(name.to_owned()),
                _ => return Err(UnknownDocument(text.to_owned())),
            },
        })
    }
}

impl fmt::Display for What {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Ipxe => "ipxe",
            Self::Grub => "grub",
            Self::Ignition => "ignition",
            Self::Cloud => "cloud",
            Self::Metadata => "metadata",
            Self::Generic(name) if name.is_empty() => "generic",
            Self::Generic(name) => return write!(f, "generic/{name}"),
        })
    }
}

impl Catalog {
    /// A document for one machine, as bytes that can be sent. `None`: its profile has none; for `Ipxe` and
    /// `Grub` that means that the script is generated and not a template's.
    pub fn document(
        &self,
        selection: Selection<'_>,
        what: &What,
        context: &Context,
    ) -> Result<Option<Arc<str>>, RenderFault> {
        let profile = selection.profile;
        let (template, of) = match what {
            What::Metadata => return Ok(Some(metadata::env(context).into())),
            What::Ipxe => (profile.boot_ipxe.as_ref(), Use::Boot(Language::Ipxe)),
            What::Grub => (profile.boot_grub.as_ref(), Use::Boot(Language::Grub)),
            What::Ignition => (profile.ignition.as_ref(), Use::Ignition),
            What::Cloud => (profile.cloud.as_ref(), Use::Cloud),
            What::Generic(name) => (profile.generic.get(name), Use::Generic),
        };
        let variables = Variables::Of(context);
        let made = |name| self.prepared.document(&self.templates, (name, of), variables);
        template.map(made).transpose()
    }
}
