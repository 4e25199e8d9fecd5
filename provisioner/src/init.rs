//! `provisioner init`: the data directory, and the keys that sign what machines fetch.
//!
//! Nothing is ever overwritten: what is there is kept, what is missing is made.

mod files;

use std::path::Path;

use anyhow::{Context, bail};
use signing::{Authority, CodeSigner, KeyKind, SigningKey};

use crate::config::{Settings, Signing};
use crate::server::{clock, sign};

use files::{Mode, directory, make};

/// Makes what is missing. Each line of `said` is for people; they hold when it fails, too.
pub fn init(settings: &Settings, rsa: bool, said: &mut Vec<String>) -> anyhow::Result<()> {
    let now = clock::now().0 / 1000;
    let host = host();
    for path in [&settings.data_dir, &settings.signing.directory] {
        let word = if directory(path)? { "made" } else { "kept" };
        said.push(format!("{word}  {}", path.display()));
    }
    let key = openpgp(&settings.signing, rsa, &host, now, said)?;
    let cms = code_signing(&settings.signing, &host, now, said)?;
    if let Some(key) = &key {
        said.push(String::new());
        said.push(format!("OpenPGP  {}", key.describe()));
        if rsa && !key.suits_grub() {
            said.push(
                "         kept although --rsa was given: GRUB does not know this kind of key; to \
                 have an RSA key, move openpgp.* away and run init again"
                    .to_owned(),
            );
        }
    }
    if let Some(signer) = &cms {
        said.push(format!("CMS      {}", signer.describe()?));
    }
    next_steps(&settings.signing, key.as_ref(), said);
    Ok(())
}

/// Names the keys: several provisioners have several.
fn host() -> String {
    let name = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    let name: String =
        name.trim().chars().filter(|c| c.is_ascii_alphanumeric() || "-.".contains(*c)).collect();
    // A certificate's name has at most 64 characters.
    let name: String = name.chars().take(40).collect();
    if name.is_empty() { "localhost".to_owned() } else { name }
}

/// The OpenPGP key with its public forms; `None`: the configuration names another one.
fn openpgp(
    settings: &Signing,
    rsa: bool,
    host: &str,
    now: u64,
    said: &mut Vec<String>,
) -> anyhow::Result<Option<SigningKey>> {
    if let Some(path) = &settings.key {
        said.push(format!("kept  {} (signing.key of the configuration)", path.display()));
        return Ok(None);
    }
    let path = settings.made_key();
    let public = [settings.directory.join("openpgp.asc"), settings.directory.join("openpgp.gpg")];
    let key = if path.exists() {
        let key = sign::read_openpgp(settings, now)?;
        said.push(format!("kept  {}", path.display()));
        key.with_context(|| format!("{} went away", path.display()))?
    } else {
        if let Some(orphan) = public.iter().find(|path| path.exists()) {
            bail!(lonely(orphan, &path));
        }
        if let Some(path) = &settings.passphrase_file {
            bail!(
                "signing.passphrase_file {} is for a key of your own: name it in signing.key, or \
                 leave out both",
                path.display()
            );
        }
        let kind = if rsa { KeyKind::Rsa } else { KeyKind::Ed25519 };
        let key = SigningKey::generate(kind, &format!("provisioner <root@{host}>"), now)?;
        make(&path, key.secret_armored()?.as_bytes(), Mode::Secret, said)?;
        key
    };
    make(&public[0], key.public_armored()?.as_bytes(), Mode::Public, said)?;
    make(&public[1], &key.public_binary()?, Mode::Public, said)?;
    Ok(Some(key))
}

/// The authority and its code-signing certificate; `None`: the configuration names another one.
fn code_signing(
    settings: &Signing,
    host: &str,
    now: u64,
    said: &mut Vec<String>,
) -> anyhow::Result<Option<CodeSigner>> {
    if let Some(path) = &settings.certificate {
        said.push(format!("kept  {} (signing.certificate of the configuration)", path.display()));
        return Ok(None);
    }
    let root = settings.directory.join("ca.pem");
    let root_key = settings.directory.join("ca.key");
    let certificate = settings.made_certificate();
    let key = settings.made_certificate_key();
    let there = [&root, &certificate, &key].map(|path| path.exists());
    match there {
        [true, true, true] => {
            let all = [&root, &root_key, &certificate, &key];
            for path in all.iter().filter(|path| path.exists()) {
                said.push(format!("kept  {}", path.display()));
            }
            return sign::read_cms(settings);
        }
        [_, true, false] => bail!(lonely(&certificate, &key)),
        [_, false, true] => bail!(lonely(&key, &certificate)),
        [false, true, true] => bail!(lonely(&certificate, &root)),
        [_, false, false] => {}
    }
    let authority = authority(&root, &root_key, host, now, said)?;
    let signer = authority.issue(&format!("provisioner {host} code signing"), now)?;
    make(&key, &signer.key_pem()?, Mode::Secret, said)?;
    // With the root behind it: iPXE has only the root's fingerprint.
    let chain = [signer.certificate_pem()?, authority.certificate_pem()?].concat();
    make(&certificate, &chain, Mode::Public, said)?;
    Ok(Some(signer))
}

fn authority(
    root: &Path,
    root_key: &Path,
    host: &str,
    now: u64,
    said: &mut Vec<String>,
) -> anyhow::Result<Authority> {
    match (root.exists(), root_key.exists()) {
        (true, true) => {
            said.push(format!("kept  {}", root.display()));
            said.push(format!("kept  {}", root_key.display()));
            let read = |path: &Path| {
                std::fs::read(path).with_context(|| format!("cannot read {}", path.display()))
            };
            Authority::read(&read(root)?, &zeroize::Zeroizing::new(read(root_key)?))
                .with_context(|| format!("{} cannot issue certificates", root.display()))
        }
        (false, false) => {
            let authority = Authority::generate(&format!("provisioner {host} boot CA"), now)?;
            make(root_key, &authority.key_pem()?, Mode::Secret, said)?;
            make(root, &authority.certificate_pem()?, Mode::Public, said)?;
            Ok(authority)
        }
        (true, false) => bail!(lonely(root, root_key)),
        (false, true) => bail!(lonely(root_key, root)),
    }
}

fn lonely(there: &Path, missing: &Path) -> String {
    let (there, missing) = (there.display(), missing.display());
    format!("{there} is there, and {missing} is not: put it back, or move the first away too")
}

fn next_steps(settings: &Signing, key: Option<&SigningKey>, said: &mut Vec<String>) {
    let directory = settings.directory.display();
    said.push("\nNext:".to_owned());
    if let Some(key) = key {
        said.push(format!(
            "  check a signature   gpg --import {directory}/openpgp.asc; gpg --verify FILE.sig FILE"
        ));
        if key.suits_grub() {
            said.push(format!(
                "  build it into GRUB  grub-mkimage --pubkey {directory}/openpgp.gpg … pgp \
                 gcry_rsa gcry_sha256 gcry_sha512"
            ));
        } else {
            said.push(
                "  for GRUB            take an RSA key: move openpgp.* away, then init --rsa"
                    .to_owned(),
            );
        }
    }
    if settings.certificate.is_none() {
        said.push(format!(
            "  build it into iPXE  make … TRUST={directory}/ca.pem, with IMAGE_TRUST_CMD"
        ));
        said.push(format!(
            "  put away            {directory}/ca.key: only needed for the next certificate"
        ));
    }
    said.push("  then                start the daemon again: it signs from now on".to_owned());
}

#[cfg(test)]
mod tests;
