//! GRUB configurations in matchbox's layout.

use std::fmt::Write as _;

use crate::domain::catalog::Boot;

/// matchbox's two entries, byte for byte.
pub fn live(boot: &Boot) -> String {
    let mut out = "default=0\nfallback=1\ntimeout=1\n".to_owned();
    entry(&mut out, boot, "EFI", "linuxefi", "initrdefi");
    entry(&mut out, boot, "BIOS", "linux", "initrd");
    out
}

fn entry(out: &mut String, boot: &Boot, firmware: &str, linux: &str, initrd: &str) {
    let _ = writeln!(out, "menuentry \"CoreOS ({firmware})\" {{\necho \"Loading kernel\"");
    let _ = write!(out, "{linux} \"{}\"", boot.kernel);
    for arg in &boot.args {
        let _ = write!(out, " {arg}");
    }
    // One blank behind the command and one in front of each file: matchbox writes two before the first.
    let _ = write!(out, "\necho \"Loading initrd\"\n{initrd} ");
    for file in &boot.initrd {
        let _ = write!(out, " \"{file}\"");
    }
    out.push_str("\n}\n");
}
