use openssl::ec::{EcGroup, EcKey};
use proptest::prelude::*;

use super::*;
use crate::lab::Lab;

const NOW: u64 = 1_700_000_000;
const SCRIPT: &[u8] = b"#!ipxe\r\nkernel vmlinuz \n\xff\x00";
const VERIFY: [&str; 11] = [
    "cms",
    "-verify",
    "-binary",
    "-inform",
    "DER",
    "-purpose",
    "any",
    "-in",
    "script.p7s",
    "-out",
    "out",
];

/// A lab with an authority, a signer, and the script with its signature.
fn signed() -> (Lab, Authority, CodeSigner) {
    let lab = Lab::new();
    let authority = Authority::generate("Rack 1 boot CA", NOW).unwrap();
    let signer = authority.issue("Rack 1 code signing", NOW).unwrap();
    lab.write("ca.pem", authority.certificate_pem().unwrap());
    lab.write("ca.key", authority.key_pem().unwrap());
    lab.write("codesign.pem", signer.certificate_pem().unwrap());
    lab.write("codesign.key", signer.key_pem().unwrap());
    lab.write("script", SCRIPT);
    lab.write("script.p7s", signer.sign(SCRIPT).unwrap());
    (lab, authority, signer)
}

fn openssl_verifies(lab: &Lab, content: &str, root: &str) -> bool {
    let mut args = VERIFY.to_vec();
    args.extend(["-content", content, "-CAfile", root]);
    lab.output("openssl", &args).status.success()
}

#[test]
fn openssl_accepts_a_signature_up_to_its_root_and_nothing_else() {
    let (lab, _, _) = signed();
    assert!(openssl_verifies(&lab, "script", "ca.pem"));
    assert_eq!(lab.read("out"), SCRIPT);
    lab.write("changed", [SCRIPT, b"x"].concat());
    assert!(!openssl_verifies(&lab, "changed", "ca.pem"));
    let other = Authority::generate("Rack 1 boot CA", NOW).unwrap();
    lab.write("other.pem", other.certificate_pem().unwrap());
    assert!(!openssl_verifies(&lab, "script", "other.pem"));
}

/// The command is the one of <https://ipxe.org/crypto>.
#[test]
fn a_signature_is_byte_for_byte_what_the_command_for_ipxe_makes() {
    let (lab, _, _) = signed();
    let command = "cms -sign -binary -noattr -in script -signer codesign.pem -inkey codesign.key \
                   -certfile ca.pem -outform DER -out wanted.p7s";
    lab.run("openssl", &command.split_whitespace().collect::<Vec<_>>());
    assert_eq!(lab.read("script.p7s"), lab.read("wanted.p7s"));
    let printed = lab.run(
        "openssl",
        &["cms", "-cmsout", "-print", "-inform", "DER", "-in", "script.p7s", "-noout"],
    );
    let printed = String::from_utf8(printed).unwrap();
    for wanted in ["algorithm: sha256", "eContent: <ABSENT>", "algorithm: rsaEncryption"] {
        assert!(printed.contains(wanted), "{wanted}\n{printed}");
    }
    assert!(printed.contains("signedAttrs:\n          <ABSENT>"), "{printed}");
    assert_eq!(printed.matches("d.certificate:").count(), 2, "signer and root: {printed}");
}

#[test]
fn the_certificate_is_for_signing_code_and_nothing_else() {
    let (lab, authority, signer) = signed();
    let text = lab.run("openssl", &["x509", "-in", "codesign.pem", "-noout", "-text"]);
    let text = String::from_utf8(text).unwrap();
    for wanted in ["Code Signing", "Digital Signature", "CA:FALSE", "(3072 bit)", "sha256With"] {
        assert!(text.contains(wanted), "{wanted}\n{text}");
    }
    lab.run("openssl", &["verify", "-x509_strict", "-CAfile", "ca.pem", "codesign.pem"]);
    assert!(authority.describe().unwrap().starts_with("Rack 1 boot CA "));
    assert!(signer.describe().unwrap().ends_with("until Nov 11 22:13:20 2033 GMT"), "{signer:?}");
    assert_eq!(format!("{signer:?}"), "CodeSigner(\"Rack 1 code signing\")");
    assert!(!signer.is_expired(NOW).unwrap());
    assert!(signer.is_expired(NOW + 11 * 365 * 24 * 3600).unwrap());
    assert!(signer.is_expired(0).unwrap());
}

#[test]
fn what_was_written_can_be_read_and_signs_the_same() {
    let (lab, authority, signer) = signed();
    let files = ["codesign.pem", "codesign.key", "ca.pem"].map(|name| lab.read(name));
    let back = CodeSigner::read(&files[0], &files[1], &files[2]).unwrap();
    assert_eq!(back.sign(SCRIPT).unwrap(), signer.sign(SCRIPT).unwrap());
    // The chain may be in the certificate's file.
    let bundle = [files[0].as_slice(), &files[2]].concat();
    let back = CodeSigner::read(&bundle, &files[1], b"").unwrap();
    assert_eq!(back.sign(SCRIPT).unwrap(), signer.sign(SCRIPT).unwrap());
    // A new certificate of the same root is accepted where the root is.
    let again = Authority::read(&files[2], &lab.read("ca.key")).unwrap();
    assert_eq!(again.describe().unwrap(), authority.describe().unwrap());
    let renewed = again.issue("Rack 1 code signing", NOW + 1).unwrap();
    lab.write("script.p7s", renewed.sign(SCRIPT).unwrap());
    assert!(openssl_verifies(&lab, "script", "ca.pem"));
}

#[test]
fn what_machines_would_refuse_is_refused_when_it_is_read() {
    let (lab, _, _) = signed();
    let [certificate, key, root, root_key] =
        ["codesign.pem", "codesign.key", "ca.pem", "ca.key"].map(|name| lab.read(name));
    let error = CodeSigner::read(&certificate, &root_key, b"").unwrap_err();
    assert!(matches!(error, SigningError::NotAPair(_)), "{error}");
    let error = CodeSigner::read(&root, &root_key, b"").unwrap_err();
    assert!(matches!(error, SigningError::NotCodeSigning(_)), "{error}");
    let error = Authority::read(&root, &key).unwrap_err();
    assert!(matches!(error, SigningError::NotAPair(_)), "{error}");

    let curve = EcGroup::from_curve_name(Nid::X9_62_PRIME256V1).unwrap();
    let curve = PKey::from_ec_key(EcKey::generate(&curve).unwrap()).unwrap();
    let error = CodeSigner::read(&certificate, &curve.private_key_to_pem_pkcs8().unwrap(), b"");
    assert!(matches!(error.unwrap_err(), SigningError::NotRsa(_)));

    let locked = "pkcs8 -topk8 -in codesign.key -out locked.key -passout pass:secret";
    lab.run("openssl", &locked.split_whitespace().collect::<Vec<_>>());
    let error = CodeSigner::read(&certificate, &lab.read("locked.key"), b"").unwrap_err();
    assert!(error.to_string().starts_with("no private key without passphrase"), "{error}");
    let error = CodeSigner::read(b"rubbish", &key, b"").unwrap_err();
    assert!(error.to_string().starts_with("no certificate in PEM form"), "{error}");
    let error = CodeSigner::read(&certificate, &key, b"rubbish").unwrap_err();
    assert!(error.to_string().starts_with("no certificate in PEM form"), "{error}");
}

#[test]
fn a_name_that_no_certificate_can_hold_is_refused() {
    for name in ["", "a\nb", &"x".repeat(65)] {
        let error = Authority::generate(name, NOW).unwrap_err();
        assert!(matches!(error, SigningError::Name(_)), "{error}");
    }
    let error = Authority::generate("CA", u64::MAX).unwrap_err();
    assert!(matches!(error, SigningError::Clock(_)), "{error}");
}

proptest! {
    #[test]
    fn no_bytes_make_the_reader_fall(
        bytes in proptest::collection::vec(any::<u8>(), 0..300),
        pem in any::<bool>(),
    ) {
        let text = format!("-----BEGIN CERTIFICATE-----\n{}", hex::encode(&bytes));
        let bytes = if pem { text.into_bytes() } else { bytes };
        prop_assert!(CodeSigner::read(&bytes, &bytes, &bytes).is_err());
        prop_assert!(Authority::read(&bytes, &bytes).is_err());
    }
}
