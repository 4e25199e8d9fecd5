//! Signatures over HTTP, verified by other people's programs.

use std::path::Path;
use std::process::Command;

use crate::boot::matchbox;
use crate::rig::{Rig, WHO};

fn rig() -> Rig {
    Rig::with(|dir| {
        matchbox(dir);
        Rig::keys(dir);
    })
}

/// Whether gpg believes it, with nothing but our public key.
fn gpg_verifies(rig: &Rig, signature: &[u8], bytes: &[u8]) -> bool {
    let home = tempfile::tempdir().unwrap();
    let (data, sig) = (home.path().join("data"), home.path().join("data.sig"));
    std::fs::write(&data, bytes).unwrap();
    std::fs::write(&sig, signature).unwrap();
    let gpg = |args: &[&Path]| {
        let mut gpg = Command::new("gpg");
        gpg.args(["--batch", "--quiet", "--homedir"]).arg(home.path()).args(args);
        gpg.output().unwrap()
    };
    let keys = rig.dir.path().join("data/signing");
    let public = keys.read_dir().unwrap().map(|entry| entry.unwrap().path());
    let public =
        public.into_iter().find(|path| path.extension().is_some_and(|e| e == "asc")).unwrap();
    assert!(gpg(&["--import".as_ref(), &public]).status.success());
    gpg(&["--verify".as_ref(), &sig, &data]).status.success()
}

fn good(rig: &Rig, path: &str) -> Vec<u8> {
    let (status, _, body) = rig.ask(path);
    assert_eq!(status, 200, "{path}: {}", String::from_utf8_lossy(&body));
    body
}

#[test]
fn gpg_believes_the_signature_of_every_rendered_path() {
    let rig = rig();
    let mac = "52-54-00-00-00-07";
    for (path, query) in [
        ("/boot.ipxe", ""),
        ("/boot.ipxe.0", ""),
        ("/ipxe", "?mac=52-54-00-00-00-07"),
        ("/grub", "?mac=52-54-00-00-00-07"),
        ("/ignition", "?mac=52-54-00-00-00-07"),
        ("/cloud", "?mac=52-54-00-00-00-07"),
        ("/generic", "?mac=52-54-00-00-00-07"),
        ("/metadata", "?mac=52-54-00-00-00-07"),
    ] {
        let body = good(&rig, &format!("{path}{query}"));
        for suffix in [".sig", ".asc"] {
            let signature = good(&rig, &format!("{path}{suffix}{query}"));
            assert!(gpg_verifies(&rig, &signature, &body), "{path}{suffix}");
        }
    }
    let body = good(&rig, &format!("/v1/boot/{mac}/grub.cfg"));
    let signature = good(&rig, &format!("/v1/boot/{mac}/grub.cfg.sig"));
    assert!(gpg_verifies(&rig, &signature, &body));
    let body = good(&rig, &format!("/grub?uuid=&mac={mac}"));
    let appended = good(&rig, &format!("/grub?uuid=&mac={mac}.sig"));
    assert!(gpg_verifies(&rig, &appended, &body), "as GRUB asks: behind all of the name");
}

#[test]
fn a_signature_fits_the_script_whose_token_was_minted_for_one_answer() {
    let rig = rig();
    for name in ["ipxe", "grub"] {
        let path = |suffix: &str| format!("/{name}{suffix}?{WHO}&for={name}");
        let before = good(&rig, &path(""));
        let script = good(&rig, &path(""));
        assert_ne!(before, script, "each answer has a token of its own");
        assert!(gpg_verifies(&rig, &good(&rig, &path(".sig")), &script));
        // The signature first: the next answer is the one that was signed, the one after is not.
        let path = |suffix: &str| format!("/{name}{suffix}?{WHO}&for={name}-first");
        let signature = good(&rig, &path(".sig"));
        assert!(gpg_verifies(&rig, &signature, &good(&rig, &path(""))));
        assert!(!gpg_verifies(&rig, &signature, &good(&rig, &path(""))));
    }
}

#[test]
fn assets_are_signed_and_signatures_that_lie_beside_them_are_served() {
    let rig = rig();
    let file = "/assets/installer/x86_64/vmlinuz";
    for _ in 0..2 {
        let signature = good(&rig, &format!("{file}.sig"));
        assert!(gpg_verifies(&rig, &signature, &good(&rig, file)));
    }
    let on_disk = rig.dir.path().join(file.trim_start_matches('/'));
    std::fs::write(&on_disk, b"another kernel").unwrap();
    let signature = good(&rig, &format!("{file}.sig"));
    assert!(gpg_verifies(&rig, &signature, b"another kernel"));
    std::fs::write(format!("{}.sig", on_disk.display()), b"the vendor's").unwrap();
    assert_eq!(good(&rig, &format!("{file}.sig")), b"the vendor's");
    let p7s = good(&rig, &format!("{file}.p7s"));
    assert_eq!(p7s.first(), Some(&0x30), "DER");
}

#[test]
fn refusals_are_never_signed() {
    let rig = Rig::with(|dir| {
        matchbox(dir);
        Rig::keys(dir);
        let put = |path: &str, text: &str| {
            std::fs::write(dir.join("catalog").join(path), text).unwrap();
        };
        // A fault that only this machine brings out.
        put(
            "generic/late.txt",
            "{{if eq .request.query.mac \"52:54:00:00:00:08\"}}{{.none}}{{end}}\n",
        );
        put("profiles/late.json", r#"{"id":"late","generic_id":"late.txt"}"#);
        put(
            "groups/late.json",
            r#"{"id":"late","profile":"late","selector":{"mac":"52:54:00:00:00:08"}}"#,
        );
    });
    let late = "/generic?mac=52-54-00-00-00-08";
    assert_eq!(rig.ask(late).0, 422);
    let mac = "mac=52-54-00-00-00-07";
    for path in [
        "/ignition.sig?mac=52-54-00-00-00-07&x=y.sig".replace("52-54-00-00-00-07", "zz"),
        format!("/generic/none.sig?{mac}"),
        late.replace("/generic", "/generic.asc"),
        "/assets/nothing.sig".to_owned(),
        "/nothing.sig".to_owned(),
    ] {
        let (status, _, body) = rig.ask(&path);
        assert_eq!((status, body.as_slice()), (404, b"404 page not found\n".as_slice()), "{path}");
    }
}

#[test]
fn without_a_key_there_is_no_signature() {
    let rig = Rig::with(matchbox);
    for path in [
        "/boot.ipxe.sig",
        "/ipxe.p7s?mac=52-54-00-00-00-07",
        "/assets/installer/x86_64/vmlinuz.sig",
    ] {
        assert_eq!(rig.ask(path).0, 404, "{path}");
    }
}
