//! Scripts around the machine's own disk and the installer, as `ipxe` has them for iPXE. GRUB knows neither
//! `||` nor `&&`: what can fail stands in an `if`.

use std::fmt::Write as _;

use super::super::ipxe::{Arg, lines};
use super::fill::{Piece, quoted, word};
use super::{Machine, Unsaid};

/// Seconds that a reason stays on the screen.
const READ: u32 = 10;

/// A script that starts the installer.
#[derive(Debug, Clone, Copy)]
pub struct Installer<'a> {
    /// Shown on the screen first: what is about to happen.
    pub title: &'a str,
    /// URL of the kernel.
    pub kernel_url: &'a str,
    /// URL of the initramfs.
    pub initrd_url: &'a str,
    /// The server's own arguments.
    pub own: &'a [Arg],
    /// The profile's, as iPXE reads them.
    pub given: &'a [String],
}

/// Fetches and starts the installer. What cannot be fetched ends on the machine's own disk, not at a prompt.
pub fn installer(script: &Installer<'_>, machine: Machine<'_>) -> Result<String, Unsaid> {
    let kernel = machine.file(script.kernel_url)?;
    let initrd = machine.file(script.initrd_url)?;
    let mut args = String::new();
    for arg in script.own {
        let _ = write!(args, " {}", word(&[Piece::Text(arg.as_str().to_owned())])?);
    }
    for arg in machine.args(script.given)? {
        let _ = write!(args, " {arg}");
    }
    let mut out = String::new();
    say(&mut out, script.title);
    // GRUBs with a `linuxefi` need it under UEFI, the others start both with `linux`.
    out.push_str("if [ \"${grub_platform}\" = efi ]; then\n");
    start(&mut out, ("linuxefi", "initrdefi"), (&kernel, &initrd, &args));
    out.push_str("fi\n");
    start(&mut out, ("linux", "initrd"), (&kernel, &initrd, &args));
    say(&mut out, "The installer could not be started; nothing was changed.");
    say(&mut out, "Going on to the local disk.");
    let _ = writeln!(out, "sleep {READ}");
    own_disk(&mut out);
    Ok(out)
}

fn start(
    out: &mut String,
    (linux, load): (&str, &str),
    (kernel, initrd, args): (&str, &str, &str),
) {
    let _ = writeln!(out, "if {linux} {kernel}{args}; then");
    let _ = writeln!(out, "if {load} {initrd}; then\nboot\nfi\nfi");
}

/// Boots the machine's own disk at once.
pub fn local_disk(reason: &str) -> String {
    let mut out = String::new();
    say(&mut out, reason);
    own_disk(&mut out);
    out
}

/// Leaves the reason and what is known of the machine on the screen for a while, then boots its own disk.
pub fn hold(reason: &str, why: &[String], machine: Machine<'_>) -> String {
    let mut out = String::new();
    say(&mut out, reason);
    for line in why {
        say(&mut out, line);
    }
    let facts = machine.facts;
    say(&mut out, &format!("MAC {} serial {}", facts.mac, facts.serial));
    say(&mut out, &format!("UUID {}", facts.uuid));
    let _ = writeln!(out, "sleep {READ}");
    own_disk(&mut out);
    out
}

/// Leaves the reason on the screen for a while, then asks the server again: `question` is the path and query
/// that was asked.
pub fn again(reason: &str, question: &str, machine: Machine<'_>) -> String {
    let mut out = String::new();
    say(&mut out, reason);
    let _ = writeln!(out, "sleep {READ}");
    let plain = |c: char| c.is_ascii_graphic() && !matches!(c, '"' | '\'' | '\\' | '$');
    let question: String = question.chars().filter(|c| plain(*c)).collect();
    let name = machine.device(&question).and_then(|name| quoted(&[Piece::Text(name)]));
    if let Ok(name) = name {
        let _ = writeln!(out, "configfile {name}");
    }
    own_disk(&mut out);
    out
}

/// One `echo` for each line of the screen.
fn say(out: &mut String, text: &str) {
    for line in lines(text) {
        let _ = writeln!(out, "echo 'provisioner: {}'", line.replace('\'', "`"));
    }
}

/// BIOS: the first disk is started from here. A machine whose disk does not boot comes back after half a
/// minute, as with iPXE. UEFI: the first disk's own loader, but not where this GRUB itself came from. Debian's
/// GRUB leaves with success whatever `exit` is told, and OVMF then stops in its menu: `exit` is the last resort,
/// for GRUBs without `chain` or `regexp`.
///
/// A disk's loader has no signature of ours. A GRUB that enforces signatures has checked this configuration,
/// and hands over here.
fn own_disk(out: &mut String) {
    out.push_str("set check_signatures=no\n");
    out.push_str(
        "if [ \"${grub_platform}\" = pc ]; then\nset root=hd0\nif chainloader (hd0)+1; then\nboot\nfi\n",
    );
    say(out, "The local disk does not boot; back to the network in 30 s.");
    out.push_str("sleep 30\nreboot\nfi\n");
    out.push_str(OWN_LOADER);
    out.push_str("exit 1\n");
}

/// Where UEFI (2.10, section 3.5.1.1) expects a disk's loader. `cmdpath` is where this GRUB came from.
const OWN_LOADER: &str = r#"set loader=BOOTX64.EFI
if [ "${grub_cpu}" = arm64 ]; then
set loader=BOOTAA64.EFI
fi
if [ "${grub_cpu}" = i386 ]; then
set loader=BOOTIA32.EFI
fi
regexp --set=1:own '^\(([^)]*)\)' "${cmdpath}"
for disk in (hd*,*); do
if [ "${disk}" != "(${own})" -a -f "${disk}/EFI/BOOT/${loader}" ]; then
set root="${disk}"
if chainloader "${disk}/EFI/BOOT/${loader}"; then
boot
fi
fi
done
"#;
