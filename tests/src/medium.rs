//! A small boot medium on which a machine's trust begins: an EFI system partition whose GRUB has a public key
//! built in and runs, loads and shows nothing that is not signed with the other half.

use std::fs::{self, File};
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result};

use crate::image::run::run;
use crate::netns::ADDRESS;
use crate::provisioner::HTTP_PORT;

/// What GRUB has built in. Modules that it would load later are files too, and would need signatures.
const MODULES: &[&str] = &[
    // Fetching, by firmware's driver of the network card.
    "efinet",
    "net",
    "http",
    // Verifying. Each hash that a signature may name is a module of its own.
    "pgp",
    "gcry_rsa",
    "gcry_sha256",
    "gcry_sha512",
    // What scripts of the provisioner say.
    "normal",
    "configfile",
    "echo",
    "sleep",
    "test",
    "true",
    "linux",
    "boot",
    "reboot",
    // The way to the disk's own loader.
    "regexp",
    "part_gpt",
    "part_msdos",
    "fat",
    "chain",
    // What the medium's own script says.
    "cat",
    "minicmd",
];

/// Bytes of the medium: GRUB takes less than one MiB.
const SIZE: u64 = 4 << 20;

/// What the screen shows once GRUB has refused all that it was given.
pub const REFUSED: &str = "medium: no configuration that can be trusted";

/// Writes a medium to `image` that trusts the holder of `public_key` (OpenPGP, binary).
///
/// # Errors
/// When a program is missing or fails; the message names it.
pub fn make(image: &Path, public_key: &Path) -> Result<()> {
    let scratch = tempfile::tempdir().context("cannot make a directory")?;
    let (script, grub) = (scratch.path().join("grub.cfg"), scratch.path().join("grub.efi"));
    fs::write(&script, self::script()).context("cannot write a file")?;
    let mut make = Command::new("grub-mkstandalone");
    make.args(["-O", "x86_64-efi", "--install-modules=", "--locales=", "--fonts=", "--themes="]);
    make.arg(format!("--modules={}", MODULES.join(" ")));
    make.arg("--pubkey").arg(public_key).arg("-o").arg(&grub);
    run(make.arg(format!("boot/grub/grub.cfg={}", script.display())))?;
    File::create(image)
        .and_then(|file| file.set_len(SIZE))
        .with_context(|| format!("cannot make {}", image.display()))?;
    run(Command::new("mkfs.vfat").args(["-n", "TRUST"]).arg(image))?;
    run(Command::new("mmd").arg("-i").arg(image).args(["::EFI", "::EFI/BOOT"]))?;
    run(Command::new("mcopy").arg("-i").arg(image).arg(&grub).arg("::EFI/BOOT/BOOTX64.EFI"))
}

/// The one script that is trusted without a signature: it is inside GRUB's own image. It leads nowhere but to
/// the provisioner; what cannot be trusted ends in a new start, not at a prompt.
fn script() -> String {
    // GRUB from a medium has no `net_default_mac`: that is of the card which GRUB itself was loaded by.
    let url = format!("(http,{ADDRESS}:{HTTP_PORT})/v1/boot/${{net_efinet0_dhcp_mac}}/grub.cfg");
    // `configfile` refuses in silence; `cat` of the same says why.
    format!(
        "set check_signatures=enforce\n\
         net_bootp\n\
         echo \"medium: card ${{net_efinet0_dhcp_mac}} has ${{net_efinet0_dhcp_ip}}\"\n\
         echo \"medium: check_signatures=${{check_signatures}}\"\n\
         configfile \"{url}\"\n\
         cat \"{url}\"\n\
         echo '{REFUSED}; from the beginning in 30 s'\n\
         sleep 30\n\
         reboot\n"
    )
}

#[cfg(test)]
mod tests {
    use std::io::Write;
    use std::process::Stdio;

    use super::*;

    #[test]
    fn grub_reads_the_mediums_script() {
        let mut check = Command::new("grub-script-check").stdin(Stdio::piped()).spawn().unwrap();
        check.stdin.take().unwrap().write_all(script().as_bytes()).unwrap();
        assert!(check.wait().unwrap().success());
    }

    #[test]
    fn nothing_is_asked_for_before_signatures_are_demanded() {
        let script = script();
        let enforced = script.find("check_signatures=enforce").unwrap();
        assert!(enforced < script.find("net_bootp").unwrap());
        assert!(script.find("(http,").unwrap() > enforced);
    }
}
