use std::process::Command;

use super::*;
use crate::config::{Overrides, Settings};

/// What `provisioner init` makes, and the settings that it makes it for.
fn initialised(rsa: bool) -> (tempfile::TempDir, Signing) {
    let dir = tempfile::tempdir().unwrap();
    let overrides = Overrides { data_dir: Some(dir.path().to_owned()), ..Overrides::default() };
    let settings = Settings::load(None, &overrides).unwrap();
    crate::init::init(&settings, rsa, &mut Vec::new()).unwrap();
    (dir, settings.signing)
}

fn signing(dir: &Path) -> Signing {
    Signing {
        key: None,
        passphrase_file: None,
        certificate: None,
        certificate_key: None,
        directory: dir.join("signing"),
    }
}

#[test]
fn without_keys_nothing_is_signed() {
    let dir = tempfile::tempdir().unwrap();
    assert!(Signer::load(&signing(dir.path())).unwrap().is_none());
}

#[test]
fn what_init_made_signs_in_all_forms_and_real_programs_accept_it() {
    let (dir, settings) = initialised(false);
    let signer = Signer::load(&settings).unwrap().unwrap();
    let file = |name: &str| dir.path().join(name).display().to_string();
    std::fs::write(file("script"), "#!ipxe\n").unwrap();
    for (form, name) in [(Form::Sig, "s.sig"), (Form::Asc, "s.asc"), (Form::P7s, "s.p7s")] {
        let signature = signer.sign(form, b"#!ipxe\n").unwrap().unwrap();
        std::fs::write(file(name), signature).unwrap();
    }
    let run = |program: &str, args: &[&str]| {
        let out = Command::new(program).args(args).env("GNUPGHOME", dir.path()).output().unwrap();
        assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
    };
    for name in ["s.sig", "s.asc"] {
        let ring = file("signing/openpgp.gpg");
        run("gpgv", &["--keyring", &ring, &file(name), &file("script")]);
    }
    let (sig, script, ca) = (file("s.p7s"), file("script"), file("signing/ca.pem"));
    let verify = ["cms", "-verify", "-binary", "-inform", "DER", "-purpose", "any", "-in"];
    let what = [sig.as_str(), "-content", &script, "-CAfile", &ca, "-out", "/dev/null"];
    run("openssl", &[&verify[..], &what].concat());
    assert!(signer.public_key().unwrap().unwrap().starts_with("-----BEGIN PGP PUBLIC KEY"));
    assert_eq!(signer.describe().len(), 2);
}

#[test]
fn the_same_bytes_have_the_same_signature_and_other_bytes_another_one() {
    let (_dir, settings) = initialised(false);
    let mut signer = Signer::load(&settings).unwrap().unwrap();
    let first = signer.sign(Form::Sig, b"a").unwrap().unwrap();
    assert_eq!(signer.sign(Form::Sig, b"a").unwrap().unwrap(), first);
    assert_ne!(signer.sign(Form::Sig, b"b").unwrap().unwrap(), first);
    // What is kept is what is served: it needs no key any more.
    let cms = signer.sign(Form::P7s, b"a").unwrap().unwrap();
    let kept = std::mem::take(&mut *signer.kept());
    assert_eq!(kept.young.len(), 3);
    *signer.kept() = kept;
    assert_eq!(signer.sign(Form::P7s, b"a").unwrap().unwrap(), cms);
    signer.cms = None;
    assert_eq!(signer.sign(Form::P7s, b"a"), Ok(None));
}

#[test]
fn what_is_asked_for_again_stays_and_the_number_kept_is_bounded() {
    let mut kept = Kept::default();
    let name = |at: u32| {
        let mut name = [0; 32];
        name[..4].copy_from_slice(&at.to_be_bytes());
        (name, true)
    };
    let made = |at: u32| Made::Cms(Bytes::copy_from_slice(&at.to_be_bytes()));
    kept.keep(name(0), made(0));
    for at in 1..20_000 {
        kept.keep(name(at), made(at));
        assert!(kept.find(&name(0)).is_some(), "asked for at {at}");
        assert!(kept.young.len() + kept.old.len() <= KEPT);
    }
    assert!(kept.find(&name(1)).is_none());
}

#[test]
fn a_key_that_is_named_has_to_be_there_and_to_work() {
    let (dir, settings) = initialised(false);
    let missing = Signing { key: Some(dir.path().join("no.key")), ..settings.clone() };
    let error = format!("{:#}", Signer::load(&missing).unwrap_err());
    assert!(error.starts_with("cannot read ") && error.contains("no.key"), "{error}");
    let public = Signing { key: Some(settings.directory.join("openpgp.asc")), ..settings.clone() };
    let error = format!("{:#}", Signer::load(&public).unwrap_err());
    assert!(error.contains("(signing.key)") && error.contains("public key"), "{error}");
    std::fs::remove_file(settings.made_certificate_key()).unwrap();
    let error = format!("{:#}", Signer::load(&settings).unwrap_err());
    assert!(error.contains("codesign.key is not: put it back"), "{error}");
}

#[test]
fn a_passphrase_without_a_key_is_a_mistake() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("passphrase");
    std::fs::write(&path, "secret\n").unwrap();
    let settings = Signing { passphrase_file: Some(path), ..signing(dir.path()) };
    let error = format!("{:#}", Signer::load(&settings).unwrap_err());
    assert!(error.ends_with("is for no key: there is none"), "{error}");
}
