//! In which words do we tell a machine what to do: boot scripts, configurations, the first boot's seed.
//!
//! Templates are [handlebars](https://handlebarsjs.com), strict: an unknown variable is an error. Every
//! value is escaped for the language that it lands in ([`Language`]); what is no value comes from the
//! catalog, whose authors are trusted. Nothing here does I/O.

mod boot_words;
mod context;
mod document;
mod escape;
pub mod first_boot;
pub mod grub;
mod guard;
mod helpers;
mod includes;
pub mod ipxe;
mod language;
pub mod metadata;
mod prepare;
mod refused;
mod structure;
mod templates;

use std::fmt;
use std::sync::Arc;

use super::catalog::Catalog;

pub use boot_words::BootWords;
pub use context::{Context, GroupFacts, NodeFacts, Request, Server};
pub use document::{UnknownDocument, What};
pub(super) use helpers::NAMES as HELPERS;
pub use language::Language;
pub use prepare::Prepared;
pub(super) use prepare::Use;
pub use templates::Templates;
pub(super) use templates::Variables;

/// A template's path below `templates/`: `cloud/debian.yaml`. Never leads out of there.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TemplateName(String);

/// Text that names no template.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not a template's name; write a path below the folder, such as debian.yaml")]
pub struct BadTemplateName(String);

impl TemplateName {
    /// A path below `templates/`.
    pub fn new(path: &str) -> Result<Self, BadTemplateName> {
        let ok = path.len() <= 255
            && path.split('/').all(|part| !matches!(part, "" | "." | ".."))
            && !path.chars().any(|c| c.is_control() || c == '\\');
        if ok { Ok(Self(path.to_owned())) } else { Err(BadTemplateName(path.to_owned())) }
    }

    /// A file of one kind: `cloud`, `ignition`, `generic`.
    pub fn in_folder(kind: &str, file: &str) -> Result<Self, BadTemplateName> {
        let file = Self::new(file)?;
        Ok(Self(format!("{kind}/{file}")))
    }

    /// The path as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for TemplateName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Why a template gave no text. One line, fit to be sent to whoever asked.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{file}:{line}: {message}")]
pub struct RenderFault {
    /// The template's file, relative to the catalog.
    pub file: String,
    /// Line in it, from 1.
    pub line: usize,
    /// Column in it, from 1.
    pub column: usize,
    /// What is wrong and what to do.
    pub message: String,
    /// The variable that nobody supplied, if that is what is wrong.
    pub missing: Option<String>,
}

impl Catalog {
    /// The text of a template for one machine, made into nothing else: see [`Catalog::document`].
    pub fn render(
        &self,
        template: &TemplateName,
        context: &Context,
    ) -> Result<Arc<str>, RenderFault> {
        self.templates.render(template, Variables::Of(context))
    }

    /// The first boot's seed for cloud-init, phone-home included.
    pub fn nocloud(&self, seed: first_boot::Seed<'_>) -> Result<first_boot::Files, RenderFault> {
        let vendor_data = self.templates.phone_home(&seed.phone_home)?;
        Ok(first_boot::nocloud(seed, vendor_data))
    }

    /// A rendered Ignition config with phone-home added, for the disk of an installed system.
    pub fn installed_ignition(
        &self,
        config: &str,
        phone_home: &first_boot::PhoneHome<'_>,
    ) -> Result<String, RenderFault> {
        let setup = self.templates.phone_home(phone_home)?;
        Ok(first_boot::ignition(config, &setup))
    }
}

#[cfg(test)]
mod tests;
