//! Output languages: what a template's text is read as decides how values are escaped in it.

use std::fmt;
use std::path::Path;

use serde::Deserialize as _;

use super::TemplateName;

/// What a template's output is read as.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Language {
    /// Values are scalars; the output must parse.
    Yaml,
    /// Values are the inside of strings; the output must parse.
    Json,
    /// Values are single words.
    Shell,
    /// Values are single words without blanks.
    Ipxe,
    /// Values are single words without blanks.
    Grub,
    /// Nothing is known of the language: values keep to their line.
    Plain,
}

impl Language {
    /// By the file's extension, else by its first line, else by its folder.
    pub(super) fn of(name: &TemplateName, text: &str) -> Self {
        let path = Path::new(name.as_str());
        let extension = path.extension().and_then(|ext| ext.to_str()).unwrap_or_default();
        match extension.to_ascii_lowercase().as_str() {
            _ if name.as_str().starts_with("ipxe/") || text.starts_with("#!ipxe") => Self::Ipxe,
            _ if name.as_str().starts_with("grub/") => Self::Grub,
            _ if text.starts_with("#!") => Self::Shell,
            "yaml" | "yml" | "bu" => Self::Yaml,
            "json" | "ign" | "ignition" => Self::Json,
            "sh" => Self::Shell,
            "ipxe" => Self::Ipxe,
            _ if text.starts_with("#cloud-config") => Self::Yaml,
            _ if name.as_str().starts_with("ignition/") => Self::Yaml,
            _ => Self::Plain,
        }
    }

    /// Whether the text can be read at all, for languages that have a grammar here.
    pub(super) fn parses(self, text: &str) -> Result<(), String> {
        match self {
            Self::Yaml => {
                for document in serde_yaml::Deserializer::from_str(text) {
                    serde_yaml::Value::deserialize(document).map_err(|error| error.to_string())?;
                }
                Ok(())
            }
            Self::Json => serde_json::from_str::<serde::de::IgnoredAny>(text)
                .map(drop)
                .map_err(|error| error.to_string()),
            Self::Shell | Self::Ipxe | Self::Grub | Self::Plain => Ok(()),
        }
    }
}

impl fmt::Display for Language {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Yaml => "YAML",
            Self::Json => "JSON",
            Self::Shell => "a shell script",
            Self::Ipxe => {
                "an iPXE script: it is one word without blanks, `$` and `\\`; {{screen x}} is for the screen, {{urlencode x}} for URLs"
            }
            Self::Grub => {
                "a GRUB script: it is one word of letters, digits and `._-/:@+=,%~`; {{quote x}} holds any line"
            }
            Self::Plain => "a file: it has line ends or control characters; {{json x}} or {{multiline x}} hold them",
        })
    }
}
