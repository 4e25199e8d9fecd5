use std::collections::BTreeMap;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::Command;

use super::*;
use crate::config::Overrides;

/// A data directory that is not there yet.
struct Place {
    dir: tempfile::TempDir,
}

impl Place {
    fn new() -> Self {
        Self { dir: tempfile::tempdir().unwrap() }
    }

    fn data(&self) -> PathBuf {
        self.dir.path().join("var/provisioner")
    }

    fn signing(&self, name: &str) -> PathBuf {
        self.data().join("signing").join(name)
    }

    fn init(&self, text: &str, rsa: bool) -> anyhow::Result<String> {
        let overrides = Overrides { data_dir: Some(self.data()), ..Overrides::default() };
        let settings = Settings::parse(text, "p.yaml", &overrides).unwrap();
        let mut said = Vec::new();
        init(&settings, rsa, &mut said)?;
        Ok(said.join("\n"))
    }

    /// Names, modes and contents.
    fn files(&self) -> BTreeMap<String, (u32, Vec<u8>)> {
        let files = std::fs::read_dir(self.data().join("signing")).unwrap();
        files
            .map(|file| {
                let file = file.unwrap();
                let mode = file.metadata().unwrap().permissions().mode() & 0o777;
                let bytes = std::fs::read(file.path()).unwrap();
                (file.file_name().into_string().unwrap(), (mode, bytes))
            })
            .collect()
    }
}

fn problem(result: anyhow::Result<String>) -> String {
    format!("{:#}", result.unwrap_err())
}

#[test]
fn everything_is_made_with_its_mode_and_a_second_time_kept() {
    let place = Place::new();
    let said = place.init("", false).unwrap();
    let files = place.files();
    let modes: Vec<_> = files.iter().map(|(name, (mode, _))| (name.as_str(), *mode)).collect();
    let wanted = [
        ("ca.key", 0o600),
        ("ca.pem", 0o644),
        ("codesign.key", 0o600),
        ("codesign.pem", 0o644),
        ("openpgp.asc", 0o644),
        ("openpgp.gpg", 0o644),
        ("openpgp.key", 0o600),
    ];
    assert_eq!(modes, wanted);
    for path in [place.data(), place.data().join("signing")] {
        assert_eq!(std::fs::metadata(path).unwrap().permissions().mode() & 0o777, 0o700);
    }
    assert_eq!(said.lines().filter(|line| line.starts_with("made  ")).count(), 9, "{said}");
    assert!(said.contains("OpenPGP  Ed25519 ") && said.contains("init --rsa"), "{said}");
    assert!(said.contains("gpg --verify") && said.contains("TRUST="), "{said}");

    let again = place.init("", false).unwrap();
    assert_eq!(place.files(), files);
    assert_eq!(again.lines().filter(|line| line.starts_with("kept  ")).count(), 9, "{again}");
    assert!(!again.contains("made"), "{again}");
}

#[test]
fn what_is_partly_there_is_completed() {
    let place = Place::new();
    place.init("", false).unwrap();
    let before = place.files();
    for name in ["openpgp.asc", "openpgp.gpg", "codesign.pem", "codesign.key"] {
        std::fs::remove_file(place.signing(name)).unwrap();
    }
    place.init("", false).unwrap();
    let after = place.files();
    for name in ["openpgp.key", "openpgp.gpg", "ca.pem", "ca.key"] {
        assert_eq!(after[name], before[name], "{name}");
    }
    assert_ne!(after["codesign.key"], before["codesign.key"]);
    // The root's key is put away: nothing is missing.
    std::fs::remove_file(place.signing("ca.key")).unwrap();
    place.init("", false).unwrap();
    assert!(!place.signing("ca.key").exists());
}

#[test]
fn what_cannot_be_completed_is_named_and_left_alone() {
    let pairs = [
        ("openpgp.key", "openpgp.asc is there, and "),
        ("codesign.key", "codesign.pem is there, and "),
        ("codesign.pem", "codesign.key is there, and "),
        ("ca.pem", "codesign.pem is there, and "),
    ];
    let place = Place::new();
    place.init("", false).unwrap();
    for (name, wanted) in pairs {
        let (path, away) = (place.signing(name), place.dir.path().join(name));
        std::fs::rename(&path, &away).unwrap();
        let files = place.files();
        let text = problem(place.init("", false));
        assert!(text.contains(wanted) && text.contains(name), "{text}");
        assert_eq!(place.files(), files);
        std::fs::rename(away, path).unwrap();
    }
    for name in ["ca.key", "codesign.pem", "codesign.key"] {
        std::fs::remove_file(place.signing(name)).unwrap();
    }
    let text = problem(place.init("", false));
    assert!(text.contains("ca.pem is there, and "), "{text}");
}

#[test]
fn rsa_makes_a_key_for_grub_and_does_not_replace_another_one() {
    let place = Place::new();
    let said = place.init("", true).unwrap();
    assert!(said.contains("OpenPGP  RSA 3072 ") && said.contains("--pubkey"), "{said}");
    let place = Place::new();
    place.init("", false).unwrap();
    let said = place.init("", true).unwrap();
    assert!(said.contains("OpenPGP  Ed25519 ") && said.contains("kept although --rsa"), "{said}");
}

#[test]
fn keys_of_ones_own_are_not_made_again() {
    let place = Place::new();
    let text = "signing: {key: /own.key, certificate: /own.pem, certificate_key: /own.key}\n";
    let said = place.init(text, false).unwrap();
    assert!(said.contains("kept  /own.key (signing.key of the configuration)"), "{said}");
    assert_eq!(place.files().len(), 0);
    let text = problem(place.init("signing: {passphrase_file: /x}\n", false));
    assert!(text.contains("is for a key of your own"), "{text}");
}

#[test]
fn a_file_in_place_of_the_directory_is_named() {
    let place = Place::new();
    std::fs::create_dir_all(place.dir.path().join("var")).unwrap();
    std::fs::write(place.data(), "").unwrap();
    let text = problem(place.init("", false));
    assert!(text.starts_with("cannot make ") && text.contains("var/provisioner"), "{text}");
}

#[test]
fn openssl_finds_the_chain_in_the_files() {
    let place = Place::new();
    place.init("", false).unwrap();
    let [root, certificate] = ["ca.pem", "codesign.pem"].map(|name| place.signing(name));
    let mut verify = Command::new("openssl");
    verify.arg("verify").arg("-CAfile").args([root, certificate]);
    let out = verify.output().unwrap();
    assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
}
