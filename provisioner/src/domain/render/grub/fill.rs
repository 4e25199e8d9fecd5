//! iPXE's variables filled in, and words quoted.

use std::fmt::Write as _;

use super::{Machine, Unsaid};

/// A piece of a word.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Piece {
    /// Text, meant as it stands.
    Text(String),
    /// A variable of GRUB's own.
    Variable(String),
}

/// The words of a kernel argument as the kernel splits them: at blanks outside of double quotes, which go
/// (GRUB puts them back around a word with blanks).
pub(super) fn kernel_words(arg: &str) -> Result<Vec<String>, Unsaid> {
    let mut words = Vec::new();
    let (mut word, mut begun, mut quoted) = (String::new(), false, false);
    for c in arg.chars() {
        match c {
            '"' => (quoted, begun) = (!quoted, true),
            ' ' | '\t' if !quoted => {
                if std::mem::take(&mut begun) {
                    words.push(std::mem::take(&mut word));
                }
            }
            c => {
                word.push(c);
                begun = true;
            }
        }
    }
    if quoted {
        return Err(Unsaid(format!("{arg:?}: a double quote is not closed")));
    }
    if begun {
        words.push(word);
    }
    Ok(words)
}

impl Machine<'_> {
    /// The text with iPXE's variables filled in; GRUB's own (`net_…`, `grub_…`) stay.
    pub(super) fn fill(self, text: &str) -> Result<Vec<Piece>, Unsaid> {
        let mut pieces = Vec::new();
        let mut plain = String::new();
        let mut rest = text;
        while let Some((before, behind)) = rest.split_once("${") {
            plain.push_str(before);
            let (name, after) = behind
                .split_once('}')
                .ok_or_else(|| Unsaid(format!("{text:?}: `${{` is not closed")))?;
            if is_grubs(name) {
                pieces.push(Piece::Text(std::mem::take(&mut plain)));
                pieces.push(Piece::Variable(name.to_owned()));
            } else {
                plain.push_str(&self.value(name)?);
            }
            rest = after;
        }
        plain.push_str(rest);
        pieces.push(Piece::Text(plain));
        Ok(pieces)
    }

    /// What iPXE would put there. What could be more than text to GRUB, to the kernel or in a URL is
    /// percent-encoded.
    fn value(self, variable: &str) -> Result<String, Unsaid> {
        let (name, form) = variable.split_once(':').unwrap_or((variable, ""));
        let setting = name.split_once('/').map_or(name, |(scope, setting)| {
            let interface = scope
                .strip_prefix("net")
                .is_some_and(|number| number == "X" || number.bytes().all(|b| b.is_ascii_digit()));
            if interface || scope == "smbios" { setting } else { name }
        });
        let label = |key: &str| self.facts.labels.get(key).cloned().unwrap_or_default();
        let or_label = |own: &str, key: &str| {
            if own.is_empty() { label(key) } else { own.to_owned() }
        };
        let facts = self.facts;
        let value = match setting {
            "mac" => facts.mac.clone(),
            "uuid" => or_label(&facts.uuid, "uuid"),
            "serial" => or_label(&facts.serial, "serial"),
            "hostname" => facts.hostname.clone(),
            "ip" => facts.address.clone(),
            "netmask" => facts.netmask.clone(),
            "gateway" => facts.router.clone(),
            "buildarch" => facts.arch.clone(),
            "domain" | "manufacturer" | "product" | "asset" => label(setting),
            "cwduri" => format!("{}/", self.server),
            "next-server" => host(self.server).to_owned(),
            _ => {
                return Err(Unsaid(format!(
                    "${{{variable}}} is a variable that only iPXE knows; write its value, or a template \
                     as `boot.grub`"
                )));
            }
        };
        let hex = matches!(setting, "mac");
        let value = match form {
            "" | "string" | "ipv4" | "uuid" | "uristring" => value,
            "hex" if hex => value,
            "hexhyp" if hex => value.replace(':', "-"),
            "hexraw" if hex => value.replace(':', ""),
            _ => {
                let what = format!("${{{variable}}}: only iPXE can write {setting} as {form}");
                return Err(Unsaid(what));
            }
        };
        Ok(encoded(&value, form == "uristring"))
    }
}

fn host(server: &str) -> &str {
    let authority = server.strip_prefix("http://").unwrap_or(server);
    authority.rsplit_once(':').map_or(authority, |(host, _)| host)
}

/// Variables that GRUB sets itself.
fn is_grubs(name: &str) -> bool {
    (name.starts_with("net_") || name.starts_with("grub_"))
        && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
}

/// Percent-encodes (RFC 3986 section 2.1) what is not plain text in a word, and with `all` whatever is not
/// unreserved.
fn encoded(value: &str, all: bool) -> String {
    let mut out = String::new();
    for byte in value.bytes() {
        let unreserved = byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
        let harmless = byte.is_ascii_graphic() && !b"\"'\\$`&;|<>{}#%".contains(&byte);
        if unreserved || (harmless && !all) {
            out.push(char::from(byte));
        } else {
            // Writing to a string cannot fail.
            let _ = write!(out, "%{byte:02X}");
        }
    }
    out
}

/// A word: bare when GRUB reads all of it as text, else quoted.
pub(super) fn word(pieces: &[Piece]) -> Result<String, Unsaid> {
    let bare = |b: u8| b.is_ascii_alphanumeric() || b"_./:=,@%+-~^".contains(&b);
    match pieces {
        [Piece::Text(text)] if !text.is_empty() && text.bytes().all(bare) => Ok(text.clone()),
        [Piece::Text(text)] => {
            check(text)?;
            Ok(format!("'{text}'"))
        }
        _ => quoted(pieces),
    }
}

/// In double quotes: only GRUB's own variables mean something.
pub(super) fn quoted(pieces: &[Piece]) -> Result<String, Unsaid> {
    let mut out = "\"".to_owned();
    for piece in pieces {
        match piece {
            Piece::Text(text) => {
                check(text)?;
                out.push_str(&text.replace('$', "\\$"));
            }
            Piece::Variable(name) => {
                let _ = write!(out, "${{{name}}}");
            }
        }
    }
    out.push('"');
    Ok(out)
}

/// GRUB writes a backslash before quotes and backslashes of a command line, which no kernel takes off again.
fn check(text: &str) -> Result<(), Unsaid> {
    let bad = text.chars().find(|c| matches!(c, '\'' | '"' | '\\') || c.is_control());
    bad.map_or(Ok(()), |c| Err(Unsaid(format!("{text:?}: GRUB cannot give a kernel {c:?}"))))
}
