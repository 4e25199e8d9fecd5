//! iPXE scripts. An iPXE line is split at blanks before its variables are expanded, and nothing quotes: so a
//! value is safe when it has no blanks, and a text when no word of it is an operator.
//!
//! Written for the iPXE of 2019 that Debian ships (no `ping`, no `poweroff`); every command is older than that.

use std::fmt::Write as _;

use crate::domain::catalog::Boot;

/// What `/boot.ipxe` answers: matchbox's two lines.
pub const BOOT_IPXE: &str = "#!ipxe\nchain ipxe?uuid=${uuid}&mac=${mac:hexhyp}&domain=${domain}&hostname=${hostname}&serial=${serial}&arch=${buildarch:uristring}\n";

/// Columns of a line on the screen, without what stands in front.
const WIDTH: usize = 64;

/// Seconds that a reason stays on the screen.
const READ: u32 = 10;

/// A kernel argument that stays one argument.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Arg(String);

/// Text that cannot be a kernel argument.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "{0:?} cannot be one kernel argument: it is a single word of printable ASCII without backslash; \
     a machine's own values have no quotes and no `$` either"
)]
pub struct BadArg(String);

impl Arg {
    /// `key=value`, neither of which the boot loader or kernel can read as anything else.
    pub fn new(key: &str, value: &str) -> Result<Self, BadArg> {
        let text = format!("{key}={value}");
        let key_ok = !key.is_empty()
            && key.bytes().all(|b| b.is_ascii_alphanumeric() || b"._-".contains(&b));
        let value_ok = value.bytes().all(|b| b.is_ascii_graphic() && !b"$\"'\\`".contains(&b));
        if key_ok && value_ok { Ok(Self(text)) } else { Err(BadArg(text)) }
    }

    /// `key=${variable}`: iPXE knows the value. Its own expansion cannot split a word.
    pub fn variable(key: &str, variable: &str) -> Result<Self, BadArg> {
        let ok = !variable.is_empty()
            && variable.bytes().all(|b| b.is_ascii_alphanumeric() || b"/:._-".contains(&b));
        let arg = Self::new(key, "")?;
        if ok {
            Ok(Self(format!("{}${{{variable}}}", arg.0)))
        } else {
            Err(BadArg(variable.to_owned()))
        }
    }

    /// An argument as the catalog has it: one word, iPXE variables allowed, since its authors are trusted.
    pub fn verbatim(text: &str) -> Result<Self, BadArg> {
        let ok = text.bytes().all(|b| b.is_ascii_graphic() && b != b'\\')
            && !text.starts_with('#')
            && !matches!(text, "" | "||" | "&&" | ";");
        if ok { Ok(Self(text.to_owned())) } else { Err(BadArg(text.to_owned())) }
    }

    /// The argument as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// A script that starts the installer.
#[derive(Debug, Clone)]
pub struct InstallerScript<'a> {
    /// Shown on the screen first: what is about to happen.
    pub title: &'a str,
    /// URL of the kernel: no blanks.
    pub kernel_url: &'a str,
    /// URL of the initramfs: no blanks.
    pub initrd_url: &'a str,
    /// Arguments behind `initrd=initrd.img`.
    pub args: &'a [Arg],
}

/// The arguments by which the installer learns its interface and address: iPXE knows them by the interface
/// that it was booted through.
pub fn network_args() -> Vec<Arg> {
    use api::node::karg::{ADDRESS, GATEWAY, MAC, NETMASK};
    let args = [
        (MAC, "netX/mac:hexhyp"),
        (ADDRESS, "netX/ip"),
        (NETMASK, "netX/netmask"),
        (GATEWAY, "netX/gateway"),
    ];
    args.into_iter().filter_map(|(key, variable)| Arg::variable(key, variable).ok()).collect()
}

/// Fetches and starts the installer. What cannot be fetched ends on the machine's own disk, not at a prompt.
pub fn installer(script: &InstallerScript<'_>) -> String {
    let mut out = begin(script.title);
    // UEFI kernels find their initrd by the name that iPXE gives it; BIOS kernels do not look.
    out.push_str("imgfree\n");
    let _ = write!(out, "kernel --name vmlinuz {} initrd=initrd.img", url(script.kernel_url));
    for arg in script.args {
        let _ = write!(out, " {}", arg.0);
    }
    out.push_str(" || goto failed\n");
    let _ = writeln!(out, "initrd --name initrd.img {} || goto failed", url(script.initrd_url));
    out.push_str("boot || goto failed\n");
    out.push_str(":failed\n");
    say(&mut out, "The installer could not be started; nothing was changed.");
    say(&mut out, "Going on to the local disk.");
    let _ = writeln!(out, "sleep {READ} ||");
    own_disk(&mut out);
    out
}

/// Boots the machine's own disk at once.
pub fn local_disk(reason: &str) -> String {
    let mut out = begin(reason);
    own_disk(&mut out);
    out
}

/// Leaves the reason, and lines that say more of it, on the screen for a while, then boots the machine's own
/// disk.
pub fn hold(reason: &str, why: &[String]) -> String {
    let mut out = begin(reason);
    for line in why {
        say(&mut out, line);
    }
    out.push_str("echo provisioner: MAC ${netX/mac} serial ${serial}\n");
    out.push_str("echo provisioner: UUID ${uuid}\n");
    let _ = writeln!(out, "sleep {READ} ||");
    own_disk(&mut out);
    out
}

/// Leaves the reason on the screen for a while, then asks `script` again: the fault is the server's and will
/// pass, and a blank UEFI machine that is let go stays at its firmware's menu.
pub fn again(reason: &str, script: &str) -> String {
    let mut out = begin(reason);
    let _ = writeln!(out, "sleep {READ} ||");
    let _ = writeln!(out, "chain --replace {} ||", url(script));
    own_disk(&mut out);
    out
}

/// matchbox's script, byte for byte.
pub fn live(boot: &Boot) -> String {
    let mut out = format!("#!ipxe\nkernel {}", boot.kernel);
    for arg in &boot.args {
        let _ = write!(out, " {arg}");
    }
    out.push('\n');
    for initrd in &boot.initrd {
        let _ = writeln!(out, "initrd {initrd}");
    }
    out.push_str("boot\n");
    out
}

/// A text that iPXE shows and does nothing else with. One line, no operators, no variables.
pub fn text(text: &str) -> String {
    words(text).join(" ")
}

fn begin(reason: &str) -> String {
    let mut out = "#!ipxe\n".to_owned();
    say(&mut out, reason);
    out
}

/// One `echo` for each line of the screen.
fn say(out: &mut String, text: &str) {
    for line in lines(text) {
        let _ = writeln!(out, "echo provisioner: {line}");
    }
}

/// The text in lines that fit on the screen.
pub(super) fn lines(text: &str) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in words(text) {
        match lines.last_mut() {
            Some(line) if line.len() + 1 + word.len() <= WIDTH => {
                line.push(' ');
                line.push_str(&word);
            }
            _ => lines.push(word),
        }
    }
    lines
}

/// Words without blanks in which nothing means anything to iPXE: no variable, no line continuation, no
/// operator, no comment. Screens show ASCII only.
pub(super) fn words(text: &str) -> Vec<String> {
    let blank = |c: char| c.is_whitespace() || c.is_control();
    text.split(blank).filter(|word| !word.is_empty()).map(word).collect()
}

fn word(word: &str) -> String {
    let mut out = String::new();
    if word.starts_with('#') || matches!(word, "||" | "&&" | ";") {
        out.push('\'');
    }
    for c in word.chars() {
        match c {
            // `${` would begin a variable, a backslash at the end would join the next line.
            '$' => out.push('S'),
            '\\' => out.push('/'),
            '…' => out.push_str("..."),
            '–' | '—' => out.push('-'),
            '→' => out.push_str("->"),
            c if c.is_ascii_graphic() => out.push(c),
            _ => out.push('?'),
        }
    }
    out
}

/// A URL is one word: what could end it is percent-encoded (RFC 3986 section 2.1).
fn url(url: &str) -> String {
    let mut out = String::new();
    for byte in url.bytes() {
        if byte.is_ascii_graphic() && !b"$\\\"".contains(&byte) {
            out.push(char::from(byte));
        } else {
            let _ = write!(out, "%{byte:02X}");
        }
    }
    out
}

/// UEFI: leaving iPXE with an error makes the firmware try its next boot option (success would stop at its
/// menu). BIOS: the first disk is started from here, since not every BIOS tries the next device after a
/// network boot. A BIOS machine whose disk does not boot comes back after half a minute, so that it notices
/// when it has been assigned meanwhile; a dead prompt would need somebody to walk to it.
fn own_disk(out: &mut String) {
    out.push_str("iseq ${platform} efi && exit 1 ||\n");
    out.push_str("sanboot --no-describe --drive 0x80 ||\n");
    say(out, "The local disk does not boot; back to the network in 30 s.");
    out.push_str("sleep 30 ||\n");
    out.push_str("reboot\n");
}
