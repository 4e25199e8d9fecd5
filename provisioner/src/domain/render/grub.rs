//! GRUB configurations, for the GRUB 2.06 of Debian. What it splits, expands or runs is quoted: a value is
//! text of one word, whatever is in it.
//!
//! One profile serves iPXE and GRUB: URLs become GRUB's devices, `--name` goes, and iPXE's variables are
//! filled in from what the server knows, since GRUB has no such variables.

mod fill;
mod script;

use std::fmt::Write as _;

use crate::domain::catalog::Boot;

use super::NodeFacts;

pub use script::{Installer, again, hold, installer, local_disk};

/// What a profile says that GRUB has no word for.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Unsaid(pub(super) String);

/// The machine that a configuration is for.
#[derive(Debug, Clone, Copy)]
pub struct Machine<'a> {
    /// What is known of it; fills in iPXE's variables.
    pub facts: &'a NodeFacts,
    /// Base URL of the server: `http://10.77.0.1:8080`.
    pub server: &'a str,
}

/// matchbox's two entries, byte for byte where matchbox's own words are GRUB's.
pub fn live(boot: &Boot, machine: Machine<'_>) -> Result<String, Unsaid> {
    let kernel = machine.file(&boot.kernel)?;
    let initrds: Vec<String> =
        boot.initrd.iter().map(|file| machine.file(file)).collect::<Result<_, _>>()?;
    let args = machine.args(&boot.args)?;
    let mut out = "default=0\nfallback=1\ntimeout=1\n".to_owned();
    for (firmware, linux, initrd) in [("EFI", "linuxefi", "initrdefi"), ("BIOS", "linux", "initrd")]
    {
        let _ = writeln!(out, "menuentry \"CoreOS ({firmware})\" {{\necho \"Loading kernel\"");
        let _ = write!(out, "{linux} {kernel}");
        for arg in &args {
            let _ = write!(out, " {arg}");
        }
        // One blank behind the command and one in front of each file: matchbox writes two before the first.
        let _ = write!(out, "\necho \"Loading initrd\"\n{initrd} ");
        for file in &initrds {
            let _ = write!(out, " {file}");
        }
        out.push_str("\n}\n");
    }
    Ok(out)
}

impl Machine<'_> {
    /// A kernel or initrd as iPXE is told it, as a quoted name of GRUB's. Options of iPXE go; a second word
    /// would be a file's place in the archive, for which GRUB has another form.
    fn file(self, text: &str) -> Result<String, Unsaid> {
        let mut words = text.split_ascii_whitespace();
        let mut url = None;
        while let Some(word) = words.next() {
            match word {
                "--name" | "-n" | "--timeout" | "-t" => drop(words.next()),
                "--autofree" | "-a" => {}
                _ if word.starts_with("--name=") || word.starts_with("--timeout=") => {}
                _ if url.is_none() => url = Some(word),
                _ => {
                    let what = format!("{text:?}: GRUB cannot put {word:?} into a file's name");
                    return Err(Unsaid(what));
                }
            }
        }
        let name = self.device(url.unwrap_or_default())?;
        fill::quoted(&self.fill(&name)?)
    }

    /// Arguments as words of GRUB's. `initrd=` names an image by the name that iPXE gave it: not here.
    fn args(self, args: &[String]) -> Result<Vec<String>, Unsaid> {
        let mut out = Vec::new();
        for arg in args {
            for word in fill::kernel_words(arg)? {
                if !word.starts_with("initrd=") {
                    out.push(fill::word(&self.fill(&word)?)?);
                }
            }
        }
        Ok(out)
    }

    /// `http://HOST:PORT/path` → `(http,HOST:PORT)/path`; a path without a host is the server's, as iPXE
    /// reads it. What begins with a bracket is GRUB's own already.
    fn device(self, url: &str) -> Result<String, Unsaid> {
        if url.is_empty() || url.starts_with('(') {
            return Ok(url.to_owned());
        }
        let own = |path: &str| {
            let host = self.server.strip_prefix("http://").unwrap_or(self.server);
            format!("(http,{host}){path}")
        };
        let scheme = url.split_once("://");
        // One in a path or query is none.
        let scheme = scheme.filter(|(name, _)| name.bytes().all(|b| b.is_ascii_alphanumeric()));
        if let Some((scheme, rest)) = scheme {
            let (host, path) = rest.split_once('/').unwrap_or((rest, ""));
            return match scheme {
                "http" | "tftp" => Ok(format!("({scheme},{host})/{path}")),
                _ => Err(Unsaid(format!("{url}: GRUB fetches by http and tftp only"))),
            };
        }
        if let Some(path) = url.strip_prefix("${cwduri}") {
            return Ok(own(&format!("/{}", path.trim_start_matches('/'))));
        }
        let path = url.strip_prefix('/').or_else(|| url.strip_prefix("./")).unwrap_or(url);
        Ok(own(&format!("/{path}")))
    }
}
