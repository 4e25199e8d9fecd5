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
    /// What a file of one of matchbox's folders is read as: all in `cloud/` is cloud-config or a script.
    pub(super) fn of_go(name: &TemplateName, text: &str) -> Self {
        match name.as_str().split_once('/') {
            Some(("cloud", _)) if after_go_comments(text).starts_with("#!") => Self::Shell,
            Some(("cloud", _)) => Self::Yaml,
            _ => Self::of(name, text),
        }
    }

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
            Self::Shell => {
                "a shell script: it is one word of letters, digits and `._-/:@+=,%`; {{quote x}}, outside of quotes, holds anything"
            }
            Self::Ipxe => {
                "an iPXE script: it is one word without blanks, `$` and `\\`; {{screen x}} is for the screen, {{urlencode x}} for URLs"
            }
            Self::Grub => {
                "a GRUB script: it is one word of letters, digits and `._-/:@+=,%~`; {{quote x}} holds any line"
            }
            Self::Plain => {
                "a file: it has line ends or control characters, which {{json x}} or {{multiline x}} hold; or a machine says it, and it is more than one word of letters, digits and `._-/:@+=,%`, which only {{base64 x}} and {{urlencode x}} hold"
            }
        })
    }
}

/// A template of Go's from where its comments and the blanks around them end.
fn after_go_comments(text: &str) -> &str {
    let mut rest = text;
    loop {
        let inner = rest.trim_start().strip_prefix("{{");
        let comment = inner.map(|inner| inner.trim_start_matches(['-', ' ', '\n', '\t', '\r']));
        let Some(comment) = comment.and_then(|inner| inner.strip_prefix("/*")) else {
            return rest.trim_start();
        };
        let Some((_, tail)) = comment.split_once("*/") else { return rest };
        let Some((_, tail)) = tail.split_once("}}") else { return rest };
        rest = tail;
    }
}
