use std::time::{SystemTime, UNIX_EPOCH};

use proptest::prelude::*;

use super::*;
use crate::lab::Lab;

/// In November 2023.
const NOW: u64 = 1_700_000_000;
const NAME: &str = "provisioner <root@rack.example>";
const SCRIPT: &[u8] = b"set timeout=0\r\nlinux (http)/vmlinuz \n\xff\x00binary too";

/// For keys that gpg made just now.
fn today() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs()
}

fn made(kind: KeyKind) -> SigningKey {
    SigningKey::generate(kind, NAME, NOW).unwrap()
}

/// Signs the script and lets gpg look at both forms of the signature, and at a changed script.
fn gpg_accepts(lab: &Lab, key: &SigningKey, now: u64) {
    let signature = key.sign(SCRIPT, now).unwrap();
    lab.write("script", SCRIPT);
    lab.write("script.sig", signature.binary());
    lab.write("script.asc", signature.armored().unwrap());
    lab.write("changed", [SCRIPT, b"x"].concat());
    for form in ["script.sig", "script.asc"] {
        let (good, said) = lab.gpg_verify(form, "script");
        assert!(good && said.contains("[GNUPG:] VALIDSIG"), "{key:?}: {said}");
        assert!(said.contains(&key.fingerprint()), "{said}");
        let (good, said) = lab.gpg_verify(form, "changed");
        assert!(!good && said.contains("[GNUPG:] BADSIG"), "{said}");
    }
}

fn gpg_accepts_a_made_key(kind: KeyKind) {
    let lab = Lab::new();
    let key = made(kind);
    lab.write("key.asc", key.public_armored().unwrap());
    lab.gpg(&["--import", "key.asc"]);
    assert_eq!(lab.fingerprint(NAME), key.fingerprint());
    gpg_accepts(&lab, &key, NOW + 5);

    // The secret key can be moved to another program and back.
    lab.write("secret.asc", key.secret_armored().unwrap().as_bytes());
    lab.gpg(&["--import", "secret.asc"]);
    let exported = lab.gpg(&["--export-secret-keys", NAME]);
    let back = SigningKey::read(&exported, None, NOW + 5).unwrap();
    assert_eq!(back.describe(), key.describe());
    gpg_accepts(&lab, &back, NOW + 6);

    // And the binary public key is what gpgv takes for a keyring.
    lab.write("key.gpg", key.public_binary().unwrap());
    let keyring = lab.path("key.gpg").display().to_string();
    lab.run("gpgv", &["--keyring", &keyring, "script.sig", "script"]);
}

#[test]
fn gpg_accepts_what_a_made_ed25519_key_signs() {
    gpg_accepts_a_made_key(KeyKind::Ed25519);
}

#[test]
fn gpg_accepts_what_a_made_rsa_key_signs() {
    gpg_accepts_a_made_key(KeyKind::Rsa);
}

#[test]
fn a_made_key_says_what_it_is_and_nothing_of_its_secret() {
    let key = made(KeyKind::Ed25519);
    assert_eq!(key.describe(), format!("Ed25519 {}, {NAME}", key.fingerprint()));
    assert_eq!(key.fingerprint().len(), 40);
    assert_eq!(format!("{key:?}"), format!("SigningKey({:?})", key.describe()));
    assert!(!key.suits_grub());
    let key = made(KeyKind::Rsa);
    assert!(key.describe().starts_with("RSA 3072 "), "{key:?}");
    assert!(key.suits_grub());
}

#[test]
fn a_name_that_would_spoil_a_list_of_keys_is_refused() {
    for name in ["", "a\nb", &"x".repeat(201)] {
        let error = SigningKey::generate(KeyKind::Ed25519, name, NOW).unwrap_err();
        assert!(matches!(error, SigningError::Name(_)), "{error}");
    }
    let late = u64::from(u32::MAX) + 1;
    let error = SigningKey::generate(KeyKind::Ed25519, NAME, late).unwrap_err();
    assert!(matches!(error, SigningError::Clock(_)), "{error}");
}

#[test]
fn keys_of_every_kind_that_gpg_makes_are_read() {
    for kind in ["rsa2048", "ed25519", "nistp256", "nistp384", "nistp521", "dsa2048"] {
        let lab = Lab::new();
        let fingerprint = lab.gpg_key("old", kind, "");
        for export in [&["--export-secret-keys"][..], &["--armor", "--export-secret-keys"]] {
            let key = SigningKey::read(&lab.gpg(export), None, today()).unwrap();
            assert_eq!(key.fingerprint(), fingerprint, "{kind}");
            assert_eq!(key.suits_grub(), kind.starts_with("rsa") || kind.starts_with("dsa"));
            gpg_accepts(&lab, &key, today());
        }
    }
}

#[test]
fn the_newest_subkey_for_signing_signs_and_the_primary_key_may_be_away() {
    let lab = Lab::new();
    lab.gpg(&["--passphrase", "", "--quick-gen-key", "two", "ed25519", "cert", "never"]);
    let fingerprint = lab.fingerprint("two");
    lab.gpg(&["--passphrase", "", "--quick-add-key", &fingerprint, "cv25519", "encr", "never"]);
    lab.gpg(&["--passphrase", "", "--quick-add-key", &fingerprint, "rsa2048", "sign", "never"]);
    let subkey = "(subkey ";
    for export in ["--export-secret-keys", "--export-secret-subkeys"] {
        let key = SigningKey::read(&lab.gpg(&[export]), None, today()).unwrap();
        assert_eq!(key.fingerprint(), fingerprint);
        assert!(key.describe().starts_with("RSA 2048 "), "{key:?}");
        assert!(key.describe().contains(subkey), "{key:?}");
        gpg_accepts(&lab, &key, today());
    }
}

#[test]
fn a_stub_of_a_key_is_told_apart_from_a_locked_one() {
    let lab = Lab::new();
    lab.gpg_key("stub", "ed25519", "");
    let fingerprint = lab.fingerprint("stub");
    lab.gpg(&["--passphrase", "", "--quick-add-key", &fingerprint, "cv25519", "encr", "never"]);
    let stub = lab.gpg(&["--export-secret-subkeys"]);
    let error = SigningKey::read(&stub, None, today()).unwrap_err();
    assert!(matches!(&error, SigningError::Stub(id) if *id == fingerprint), "{error}");
}

#[test]
fn a_locked_key_opens_with_its_passphrase_only() {
    for kind in ["rsa2048", "ed25519"] {
        let lab = Lab::new();
        lab.gpg_key("locked", kind, "corrêct horse");
        let export = ["--passphrase", "corrêct horse", "--armor", "--export-secret-keys"];
        let locked = lab.gpg(&export);
        let key = SigningKey::read(&locked, Some("corrêct horse"), today()).unwrap();
        gpg_accepts(&lab, &key, today());
        let error = SigningKey::read(&locked, None, today()).unwrap_err();
        assert!(matches!(error, SigningError::PassphraseMissing(_)), "{error}");
        for wrong in ["correct horse", ""] {
            let error = SigningKey::read(&locked, Some(wrong), today()).unwrap_err();
            assert!(matches!(error, SigningError::PassphraseWrong(_)), "{error}");
        }
    }
}

#[test]
fn an_expired_key_neither_loads_nor_signs() {
    let lab = Lab::new();
    lab.gpg_key_until("short", "ed25519", "", "1y");
    let exported = lab.gpg(&["--export-secret-keys"]);
    let late = today() + 2 * 365 * 24 * 3600;
    let error = SigningKey::read(&exported, None, late).unwrap_err();
    assert!(matches!(error, SigningError::Expired { .. }), "{error}");
    let key = SigningKey::read(&exported, None, today()).unwrap();
    gpg_accepts(&lab, &key, today());
    let error = key.sign(SCRIPT, late).unwrap_err();
    assert!(matches!(error, SigningError::Expired { .. }), "{error}");
}

#[test]
fn a_revoked_key_does_not_load() {
    let lab = Lab::new();
    let fingerprint = lab.gpg_key("gone", "ed25519", "");
    let certificate = lab.read(&format!("gnupg/openpgp-revocs.d/{fingerprint}.rev"));
    let certificate = String::from_utf8(certificate).unwrap().replace(":-----BEGIN", "-----BEGIN");
    lab.write("revoke", certificate);
    lab.gpg(&["--import", "revoke"]);
    let exported = lab.gpg(&["--export-secret-keys"]);
    let error = SigningKey::read(&exported, None, today()).unwrap_err();
    assert!(matches!(error, SigningError::Revoked(_)), "{error}");
}

#[test]
fn what_cannot_sign_says_why() {
    let lab = Lab::new();
    lab.gpg(&["--passphrase", "", "--quick-gen-key", "cert", "ed25519", "cert", "never"]);
    let certifies = lab.gpg(&["--export-secret-keys"]);
    let error = SigningKey::read(&certifies, None, today()).unwrap_err();
    assert!(matches!(error, SigningError::CannotSign(_)), "{error}");

    for public in [lab.gpg(&["--export"]), lab.gpg(&["--armor", "--export"])] {
        let error = SigningKey::read(&public, None, today()).unwrap_err();
        assert!(matches!(error, SigningError::PublicOnly), "{error}");
    }

    lab.gpg_key("second", "ed25519", "");
    let both = lab.gpg(&["--export-secret-keys"]);
    let error = SigningKey::read(&both, None, today()).unwrap_err();
    assert!(matches!(error, SigningError::ManyKeys(2)), "{error}");

    for rubbish in [&b""[..], b"hello", b"\x99\x01", b"-----BEGIN PGP PRIVATE KEY BLOCK-----\n"] {
        let error = SigningKey::read(rubbish, None, today()).unwrap_err();
        assert!(matches!(error, SigningError::NoKey(_)), "{error}");
    }
}

/// Walks over the packet as the module's comment says that GRUB does.
#[test]
fn grub_understands_the_layout_of_a_signature() {
    let key = made(KeyKind::Rsa);
    let signature = key.sign(SCRIPT, NOW).unwrap();
    let bytes = signature.binary();
    assert_eq!(bytes[0], 0x89, "a signature packet, old format, a length of two bytes");
    let length = usize::from(u16::from_be_bytes([bytes[1], bytes[2]]));
    let body = &bytes[3..];
    assert_eq!(body.len(), length, "one packet and nothing else");
    assert_eq!(body[..4], [4, 0x00, 1, 8], "version 4, binary, RSA, SHA-256");
    let (hashed, rest) = area(&body[4..]);
    let (unhashed, rest) = area(rest);
    assert_eq!(hashed.iter().map(|packet| packet[0]).collect::<Vec<_>>(), [33, 2]);
    let id = hex::decode(&key.fingerprint()[24..]).unwrap();
    assert_eq!(unhashed, [[&[16][..], id.as_slice()].concat()], "key id, not hashed");
    let bits = usize::from(u16::from_be_bytes([rest[2], rest[3]]));
    assert_eq!(rest.len(), 4 + bits.div_ceil(8), "the hash's start and one number");
    assert!(bits > 3000 && bits <= 3072);

    let public = key.public_binary().unwrap();
    assert_eq!(public[0], 0x99, "a public key packet first, not armoured");
    assert_eq!(public[3], 4, "version 4");
}

/// Met with GRUB 2.06 in an image made with `--pubkey`: "error loading initial key: bad signature".
#[test]
fn grub_can_step_over_every_packet_of_a_public_key() {
    let public = made(KeyKind::Rsa).public_binary().unwrap();
    let (mut at, mut tags) = (0, Vec::new());
    while at < public.len() {
        tags.push(public[at] & 0xfc);
        at += match public[at] & 0x43 {
            0 => 2 + usize::from(public[at + 1]),
            1 => 3 + usize::from(u16::from_be_bytes([public[at + 1], public[at + 2]])),
            _ => panic!("a header of the new format, or a longer packet"),
        };
    }
    assert_eq!((at, tags), (public.len(), vec![0x98, 0xb4, 0x88]), "key, name, signature");
}

/// The subpackets of an area (none here is longer than 191 bytes), and what follows.
fn area(bytes: &[u8]) -> (Vec<Vec<u8>>, &[u8]) {
    let length = usize::from(u16::from_be_bytes([bytes[0], bytes[1]]));
    let (mut area, rest) = bytes[2..].split_at(length);
    let mut packets = Vec::new();
    while let [length, more @ ..] = area {
        assert!(*length < 192);
        let (packet, more) = more.split_at(usize::from(*length));
        packets.push(packet.to_vec());
        area = more;
    }
    (packets, rest)
}

#[test]
fn any_bytes_can_be_signed() {
    let lab = Lab::new();
    let key = made(KeyKind::Ed25519);
    lab.write("key.asc", key.public_armored().unwrap());
    lab.gpg(&["--import", "key.asc"]);
    for (at, bytes) in [&b""[..], b"\n", b"a\r\n \t\n", &vec![0; 100_000]].into_iter().enumerate() {
        let (file, signature) = (format!("f{at}"), format!("f{at}.sig"));
        lab.write(&file, bytes);
        lab.write(&signature, key.sign(bytes, NOW).unwrap().binary());
        let (good, said) = lab.gpg_verify(&signature, &file);
        assert!(good, "{said}");
    }
}

proptest! {
    #[test]
    fn no_bytes_make_the_reader_fall(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        prop_assert!(SigningKey::read(&bytes, Some("x"), NOW).is_err());
    }
}

#[test]
fn no_damage_to_a_key_makes_the_reader_fall() {
    let lab = Lab::new();
    lab.gpg_key("victim", "rsa2048", "");
    let good = lab.gpg(&["--export-secret-keys"]);
    for at in (0..good.len()).step_by(7) {
        let mut damaged = good.clone();
        damaged[at] ^= 0x55;
        // Some bytes do not matter; most do.
        if let Ok(key) = SigningKey::read(&damaged, None, today()) {
            key.describe();
        }
        SigningKey::read(&good[..at], None, today()).map(|key| key.describe()).ok();
    }
}
