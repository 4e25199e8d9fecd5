use proptest::prelude::*;

use super::*;
use crate::lab::Lab;

/// A lab with a repository whose last commit is signed, by git itself.
fn committed(lab: &Lab, settings: &[&str]) -> (Vec<u8>, String) {
    lab.run("git", &["init", "--quiet", "repo"]);
    lab.write("repo/group.yaml", "id: default\n");
    lab.run("git", &["-C", "repo", "add", "."]);
    let mut args = vec!["-C", "repo", "-c", "user.name=Jo", "-c", "user.email=jo@example.org"];
    args.extend(settings);
    args.extend(["commit", "--quiet", "-S", "-m", "A catalog\n\nWith more than one line."]);
    lab.run("git", &args);
    split(&lab.run("git", &["-C", "repo", "cat-file", "commit", "HEAD"]))
}

/// A commit without its signature, and the signature.
fn split(commit: &[u8]) -> (Vec<u8>, String) {
    let text = String::from_utf8(commit.to_vec()).unwrap();
    let (mut payload, mut signature, mut inside) = (String::new(), String::new(), false);
    let (head, message) = text.split_once("\n\n").unwrap();
    for line in head.lines() {
        if let Some(first) = line.strip_prefix("gpgsig ") {
            inside = true;
            signature.push_str(first);
        } else if let Some(more) = line.strip_prefix(' ').filter(|_| inside) {
            signature.push('\n');
            signature.push_str(more);
        } else {
            inside = false;
            payload.push_str(line);
            payload.push('\n');
        }
    }
    assert!(!signature.is_empty());
    (format!("{payload}\n{message}").into_bytes(), signature)
}

fn ring(name: &str, bytes: impl AsRef<[u8]>) -> Keyring {
    let mut keyring = Keyring::default();
    keyring.add(name, bytes.as_ref()).unwrap();
    keyring
}

fn signed_with_gpg(lab: &Lab, kind: &str) -> (Vec<u8>, String, String) {
    let fingerprint = lab.gpg_key("Jo <jo@example.org>", kind, "");
    let key = format!("user.signingkey={fingerprint}");
    let (payload, signature) = committed(lab, &["-c", &key]);
    (payload, signature, fingerprint)
}

#[test]
fn a_commit_that_git_signed_with_gpg_is_jos_and_a_changed_one_is_not() {
    for kind in ["ed25519", "rsa2048"] {
        let lab = Lab::new();
        let (payload, signature, fingerprint) = signed_with_gpg(&lab, kind);
        let who = format!("Jo <jo@example.org> (OpenPGP {fingerprint})");
        for public in [lab.gpg(&["--export"]), lab.gpg(&["--armor", "--export"])] {
            let keyring = ring("jo", public);
            assert_eq!(keyring.verify(&payload, &signature), Ok(who.clone()));
            let mut changed = payload.clone();
            *changed.last_mut().unwrap() ^= 1;
            let bad = Err(VerifyError::Bad(who.clone()));
            assert_eq!(keyring.verify(&changed, &signature), bad);
        }
    }
}

#[test]
fn a_commit_signed_with_a_subkey_is_its_owners() {
    let lab = Lab::new();
    let fingerprint = lab.gpg_key("Jo", "ed25519", "");
    lab.gpg(&["--passphrase", "", "--quick-add-key", &fingerprint, "rsa2048", "sign", "never"]);
    let key = format!("user.signingkey={fingerprint}");
    let (payload, signature) = committed(&lab, &["-c", &key]);
    let keyring = ring("jo", lab.gpg(&["--export"]));
    assert_eq!(keyring.verify(&payload, &signature), Ok(format!("Jo (OpenPGP {fingerprint})")));
}

#[test]
fn a_commit_that_git_signed_with_ssh_is_jos_and_a_changed_one_is_not() {
    let kinds =
        [("ed25519", "256"), ("ecdsa", "256"), ("ecdsa", "384"), ("ecdsa", "521"), ("rsa", "2048")];
    for (kind, bits) in kinds {
        let lab = Lab::new();
        let (payload, signature) = signed_with_ssh(&lab, kind, bits);
        let public = lab.read("id.pub");
        let keyring = ring("jo.pub", &public);
        let who = keyring.verify(&payload, &signature).unwrap();
        assert!(who.starts_with("jo@laptop (") && who.contains(" SHA256:"), "{who}");
        let changed = [payload.as_slice(), b"x"].concat();
        assert_eq!(keyring.verify(&changed, &signature), Err(VerifyError::Bad(who)));

        let allowed = format!(
            "# people\n\njo@example.org,*@example.net namespaces=\"file,git\" {}",
            String::from_utf8(public).unwrap()
        );
        let who = ring("allowed_signers", allowed).verify(&payload, &signature).unwrap();
        assert!(who.starts_with("jo@example.org,*@example.net ("), "{who}");
    }
}

fn signed_with_ssh(lab: &Lab, kind: &str, bits: &str) -> (Vec<u8>, String) {
    let args = ["-q", "-t", kind, "-b", bits, "-N", "", "-C", "jo@laptop", "-f", "id"];
    lab.run("ssh-keygen", &args);
    let key = format!("user.signingkey={}", lab.dir().join("id.pub").display());
    committed(lab, &["-c", "gpg.format=ssh", "-c", &key])
}

#[test]
fn somebody_unknown_is_named_by_the_key() {
    let lab = Lab::new();
    let (payload, signature, fingerprint) = signed_with_gpg(&lab, "ed25519");
    let unknown = VerifyError::UnknownKey(format!("OpenPGP {fingerprint}"));
    let other = Lab::new();
    other.gpg_key("Jo <jo@example.org>", "ed25519", "");
    let keyring = ring("other", other.gpg(&["--export"]));
    assert_eq!(keyring.verify(&payload, &signature), Err(unknown));

    let lab = Lab::new();
    let (payload, signature) = signed_with_ssh(&lab, "ed25519", "256");
    let other = Lab::new();
    other.run("ssh-keygen", &["-q", "-t", "ed25519", "-N", "", "-f", "id"]);
    let error = ring("o", other.read("id.pub")).verify(&payload, &signature).unwrap_err();
    assert!(matches!(&error, VerifyError::UnknownKey(id) if id.contains("SHA256:")), "{error}");

    // A sort of key that nobody has.
    assert_eq!(keyring.verify(&payload, &signature), Err(VerifyError::NoKeys("SSH")));
}

#[test]
fn an_ssh_signature_for_something_else_does_not_count_for_git() {
    let lab = Lab::new();
    let (payload, _) = signed_with_ssh(&lab, "ed25519", "256");
    lab.write("payload", &payload);
    lab.run("ssh-keygen", &["-q", "-Y", "sign", "-n", "file", "-f", "id", "payload"]);
    let signature = String::from_utf8(lab.read("payload.sig")).unwrap();
    let keyring = ring("jo.pub", lab.read("id.pub"));
    let error = keyring.verify(&payload, &signature);
    assert_eq!(error, Err(VerifyError::Namespace("file".to_owned())));
}

/// Signs as git would, with options of gpg.
fn gpg_signs(lab: &Lab, options: &[&str]) -> String {
    lab.write("payload", "payload\n");
    let mut args = options.to_vec();
    args.extend(["--passphrase", "", "--armor", "--output", "payload.asc"]);
    args.extend(["--detach-sign", "payload"]);
    lab.gpg(&args);
    String::from_utf8(lab.read("payload.asc")).unwrap()
}

#[test]
fn a_hash_that_can_be_forged_does_not_count() {
    let lab = Lab::new();
    lab.gpg_key("Jo", "rsa2048", "");
    let keyring = ring("jo", lab.gpg(&["--export"]));
    let weak = gpg_signs(&lab, &["--digest-algo", "SHA1", "--allow-weak-digest-algos"]);
    let error = keyring.verify(b"payload\n", &weak).unwrap_err();
    assert!(matches!(error, VerifyError::WeakHash(_)), "{error}");
    let strong = gpg_signs(&lab, &["--digest-algo", "SHA512"]);
    assert!(keyring.verify(b"payload\n", &strong).is_ok());
}

#[test]
fn what_a_key_signed_while_it_was_good_counts_and_after_its_end_does_not() {
    let lab = Lab::new();
    let long_ago = ["--faked-system-time", "20200101T000000"];
    let made = ["--passphrase", "", "--quick-gen-key", "Jo", "ed25519", "sign", "30d"];
    lab.gpg(&[&long_ago[..], &made].concat());
    let keyring = ring("jo", lab.gpg(&["--export"]));
    let good = gpg_signs(&lab, &["--faked-system-time", "20200115T000000"]);
    assert!(keyring.verify(b"payload\n", &good).is_ok());

    // gpg refuses to sign with a key that has ended; one that lives longer does, and then is cut short.
    let fingerprint = lab.fingerprint("Jo");
    lab.gpg(
        &[&long_ago[..], &["--passphrase", "", "--quick-set-expire", &fingerprint, "2y"]].concat(),
    );
    let late = gpg_signs(&lab, &["--faked-system-time", "20200601T000000"]);
    let error = keyring.verify(b"payload\n", &late).unwrap_err();
    assert!(matches!(error, VerifyError::Expired(_)), "{error}");
}

#[test]
fn a_revoked_key_does_not_count() {
    let lab = Lab::new();
    let fingerprint = lab.gpg_key("Jo", "ed25519", "");
    let signature = gpg_signs(&lab, &[]);
    let certificate = lab.read(&format!("gnupg/openpgp-revocs.d/{fingerprint}.rev"));
    let certificate = String::from_utf8(certificate).unwrap().replace(":-----BEGIN", "-----BEGIN");
    lab.write("revoke", certificate);
    lab.gpg(&["--import", "revoke"]);
    let error = ring("jo", lab.gpg(&["--export"])).verify(b"payload\n", &signature).unwrap_err();
    assert!(matches!(error, VerifyError::Revoked(_)), "{error}");
}

#[test]
fn a_subkey_that_is_not_bound_to_the_owner_does_not_count() {
    // Mallory puts the key that signed behind Jo's primary key.
    let lab = Lab::new();
    let mallory = lab.gpg_key("Mallory", "ed25519", "");
    lab.gpg(&["--passphrase", "", "--quick-add-key", &mallory, "ed25519", "sign", "never"]);
    let signature = gpg_signs(&lab, &[]);
    let theirs = lab.gpg(&["--export"]);
    let at = subkey_packet(&theirs);
    let jo = Lab::new();
    jo.gpg_key("Jo", "ed25519", "");
    let grafted = [jo.gpg(&["--export"]).as_slice(), &theirs[at..]].concat();
    let error = ring("jo", grafted).verify(b"payload\n", &signature).unwrap_err();
    assert!(matches!(error, VerifyError::NotForSigning(_)), "{error}");
}

/// Where the first subkey of a certificate begins: packets of the old format, lengths of one or two bytes.
fn subkey_packet(bytes: &[u8]) -> usize {
    let mut at = 0;
    while (bytes[at] >> 2) & 0xf != 14 {
        at += match bytes[at] & 3 {
            0 => 2 + usize::from(bytes[at + 1]),
            1 => 3 + usize::from(u16::from_be_bytes([bytes[at + 1], bytes[at + 2]])),
            _ => panic!("a longer packet"),
        };
    }
    at
}

#[test]
fn secrets_and_rubbish_are_no_keys() {
    let lab = Lab::new();
    lab.gpg_key("Jo", "ed25519", "");
    lab.run("ssh-keygen", &["-q", "-t", "ed25519", "-N", "", "-f", "id"]);
    let secrets = [
        lab.gpg(&["--armor", "--export-secret-keys"]),
        lab.gpg(&["--export-secret-keys"]),
        lab.read("id"),
    ];
    let mut keyring = Keyring::default();
    for secret in secrets {
        assert_eq!(keyring.add("k", &secret), Err(KeyringError::Secret("k".to_owned())));
    }
    for rubbish in [&b""[..], b"# nothing\n", b"\x99\x00", b"-----BEGIN PGP PUBLIC KEY BLOCK-----"]
    {
        let error = keyring.add("k", rubbish).unwrap_err();
        assert!(matches!(error, KeyringError::NoKey { .. }), "{error}");
    }
    assert!(keyring.is_empty());
}

#[test]
fn a_line_that_is_not_understood_is_named_and_none_of_the_file_is_taken() {
    let lab = Lab::new();
    lab.run("ssh-keygen", &["-q", "-t", "ed25519", "-N", "", "-C", "", "-f", "id"]);
    let key = String::from_utf8(lab.read("id.pub")).unwrap();
    let key = key.trim();
    let lines = [
        ("jo".to_owned(), "no OpenSSH public key"),
        ("ssh-ed25519 AAAA jo".to_owned(), "the key cannot be read"),
        (format!("jo namespaces=\"file\" {key}"), "commits need \"git\""),
        (format!("jo cert-authority {key}"), "certificate authorities"),
        (format!("jo namespaces=\"git\",valid-before=\"20300101\" {key}"), "valid-before"),
        (format!("jo no-such-thing {key}"), "no option"),
        (format!("\"jo {key}"), "quotation mark"),
    ];
    for (line, wanted) in lines {
        let mut keyring = Keyring::default();
        let error = keyring.add("k", format!("{key}\n{line}\n").as_bytes()).unwrap_err();
        let text = error.to_string();
        assert!(text.starts_with("k:2: ") && text.contains(wanted), "{text}");
        assert!(keyring.is_empty());
    }
    assert!(Keyring::default().add("k", key.as_bytes()).is_ok());
}

#[test]
fn what_is_no_signature_says_so() {
    let keyring = Keyring::default();
    assert_eq!(keyring.verify(b"x", " \n"), Err(VerifyError::NotSigned));
    let x509 = "-----BEGIN SIGNED MESSAGE-----\n";
    assert_eq!(keyring.verify(b"x", x509), Err(VerifyError::Kind));
    assert!(matches!(keyring.verify(b"x", "hello"), Err(VerifyError::Malformed(_))));
}

proptest! {
    #[test]
    fn no_bytes_make_the_keyring_fall(
        bytes in proptest::collection::vec(any::<u8>(), 0..200),
        text in "\\PC{0,100}",
    ) {
        let mut keyring = Keyring::default();
        let _ = keyring.add("k", &bytes);
        let _ = keyring.add("k", text.as_bytes());
        let _ = keyring.add("k", format!("jo ssh-ed25519 {text}").as_bytes());
        prop_assert!(keyring.verify(&bytes, &text).is_err());
        for kind in ["PGP", "SSH"] {
            let body = hex::encode(&bytes);
            let text = format!("-----BEGIN {kind} SIGNATURE-----\n\n{body}\n-----END {kind} SIGNATURE-----");
            prop_assert!(keyring.verify(&bytes, &text).is_err());
        }
    }
}
