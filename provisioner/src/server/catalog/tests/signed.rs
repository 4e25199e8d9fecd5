use std::fs;
use std::path::Path;
use std::process::Command;

use super::lab::{Lab, acknowledge, git, id, poll};

const WORK: &str = "{path: work, git: {ref: main, verify: keys}}";

fn run(program: &str, arguments: &[&str], home: &Path) -> String {
    let output = Command::new(program).args(arguments).env("GNUPGHOME", home).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{program} {arguments:?}: {said}");
    String::from_utf8(output.stdout).unwrap()
}

/// Makes a key of ssh; answers with the path of the secret one.
fn ssh_key(lab: &Lab, name: &str) -> String {
    let path = lab.path(name).to_str().unwrap().to_owned();
    let comment = format!("{name}@example.org");
    run(
        "ssh-keygen",
        &["-q", "-t", "ed25519", "-N", "", "-C", &comment, "-f", &path],
        &lab.path(""),
    );
    path
}

fn trust(lab: &Lab, key: &str) {
    fs::create_dir_all(lab.path("keys")).unwrap();
    let name = Path::new(key).file_name().unwrap().to_str().unwrap();
    fs::copy(format!("{key}.pub"), lab.path("keys").join(format!("{name}.pub"))).unwrap();
}

fn sign_with_ssh(lab: &Lab, key: &str, message: &str) -> String {
    let key = format!("user.signingkey={key}");
    let arguments =
        ["-c", "gpg.format=ssh", "-c", &key, "commit", "-q", "--allow-empty", "-S", "-m"];
    git(&lab.work(), &[&arguments[..], &[message]].concat());
    lab.head()
}

#[test]
fn only_commits_that_a_trusted_ssh_key_signed_go_live() {
    let lab = Lab::new();
    let (alice, mallory) = (ssh_key(&lab, "alice"), ssh_key(&lab, "mallory"));
    trust(&lab, &alice);
    let unsigned = lab.head();
    let error = lab.try_serve(WORK).unwrap_err();
    assert!(error.starts_with(&format!("commit {unsigned}: is not signed")), "{error}");
    assert!(error.contains("git commit --amend -S"), "{error}");

    let signed = sign_with_ssh(&lab, &alice, "Begin, signed");
    let serving = lab.serve(WORK);
    assert_eq!(id(&serving), signed);
    assert!(serving.standing().signed_by.contains("alice"), "{}", serving.standing().signed_by);

    for next in [sign_with_ssh(&lab, &mallory, "Break in"), lab.commit(&[], "Forget to sign")] {
        git(&lab.work(), &["reset", "-q", "--hard", &next]);
        let told = poll(&serving);
        assert!(told.starts_with(&format!("commit {next}: ")), "{told}");
        assert!(told.contains("keys"), "{told}");
        assert_eq!(id(&serving), signed);
    }
    // Trusted from now on: the same commit is looked at again.
    let by_mallory = git(&lab.work(), &["rev-parse", "HEAD~1"]);
    git(&lab.work(), &["reset", "-q", "--hard", &by_mallory]);
    assert!(poll(&serving).contains("is not accepted"));
    trust(&lab, &mallory);
    assert_eq!(poll(&serving), "");
    assert_eq!(id(&serving), by_mallory);
}

#[test]
fn a_commit_that_was_changed_after_it_was_signed_never_goes_live() {
    let lab = Lab::new();
    let alice = ssh_key(&lab, "alice");
    trust(&lab, &alice);
    let signed = sign_with_ssh(&lab, &alice, "Begin, signed");
    let serving = lab.serve(WORK);
    let raw = git(&lab.work(), &["cat-file", "commit", &signed]) + "\n";
    let forged = raw.replace("Begin, signed", "Begin, forged");
    assert_ne!(raw, forged);
    fs::write(lab.path("forged"), forged).unwrap();
    let path = lab.path("forged");
    let forged = git(&lab.work(), &["hash-object", "-t", "commit", "-w", path.to_str().unwrap()]);
    git(&lab.work(), &["update-ref", "refs/heads/main", &forged]);
    assert!(poll(&serving).starts_with(&format!("commit {forged}: its signature is not accepted")));
    assert_eq!(id(&serving), signed);
}

#[test]
fn a_commit_signed_with_gpg_goes_live() {
    let lab = Lab::new();
    let home = tempfile::tempdir().unwrap();
    let user = "Bob <bob@example.org>";
    run(
        "gpg",
        &["--batch", "--passphrase", "", "--quick-gen-key", user, "ed25519", "sign"],
        home.path(),
    );
    let public = run("gpg", &["--armor", "--export", "bob@example.org"], home.path());
    fs::create_dir(lab.path("keys")).unwrap();
    fs::write(lab.path("keys/bob.asc"), public).unwrap();
    let script = lab.path("gpg.sh");
    let text = format!("#!/bin/sh\nGNUPGHOME={} exec gpg \"$@\"\n", home.path().display());
    fs::write(&script, text).unwrap();
    fs::set_permissions(&script, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    let program = format!("gpg.program={}", script.display());
    let arguments =
        ["-c", &program, "commit", "-q", "--allow-empty", "-Sbob@example.org", "-m", "Sign"];
    git(&lab.work(), &arguments);
    let serving = lab.serve(WORK);
    assert_eq!(id(&serving), lab.head());
    assert!(serving.standing().signed_by.contains("bob@example.org"));
    // The agent that gpg started ends with its home; asked to, it does so at once.
    run("gpgconf", &["--kill", "all"], home.path());
}

#[test]
fn without_a_key_nothing_is_trusted() {
    let lab = Lab::new();
    let error = lab.try_serve(WORK).unwrap_err();
    assert!(error.contains("catalog.git.verify") && error.contains("cannot be read"), "{error}");
    fs::create_dir(lab.path("keys")).unwrap();
    let error = lab.try_serve(WORK).unwrap_err();
    assert!(error.contains("no commit can be trusted"), "{error}");
    fs::write(lab.path("keys/x.pub"), "nonsense").unwrap();
    let error = lab.try_serve(WORK).unwrap_err();
    assert!(error.contains("the key file") && error.contains("x.pub"), "{error}");
}

#[test]
fn a_key_that_is_taken_away_is_told_while_running_and_after_a_restart_and_what_serves_goes_on() {
    let lab = Lab::new();
    let (alice, carol) = (ssh_key(&lab, "alice"), ssh_key(&lab, "carol"));
    trust(&lab, &alice);
    trust(&lab, &carol);
    let signed = sign_with_ssh(&lab, &alice, "Begin, signed");
    let serving = lab.serve(WORK);
    assert_eq!(poll(&serving), "");
    fs::remove_file(lab.path("keys/alice.pub")).unwrap();
    let why = format!("commit {signed}: its signature is not accepted");
    for serving in [serving, lab.serve(WORK)] {
        for _ in 0..2 {
            let told = poll(&serving);
            assert!(told.starts_with(&why) && told.contains("it serves"), "{told}");
        }
        assert!(serving.metrics_text().contains("provisioner_catalog_faults 1\n"));
        assert_eq!(id(&serving), signed);
    }
    let serving = lab.serve(WORK);
    let next = sign_with_ssh(&lab, &carol, "Go on");
    assert_eq!(poll(&serving), "", "the next one is signed by a key that is there");
    assert_eq!(id(&serving), next);
}

#[test]
fn a_signed_commit_that_does_not_build_on_the_one_that_serves_waits_whatever_it_moves() {
    let lab = Lab::new();
    let alice = ssh_key(&lab, "alice");
    trust(&lab, &alice);
    let old = sign_with_ssh(&lab, &alice, "Begin, signed\n\nAck: alice");
    let new = sign_with_ssh(&lab, &alice, "Go on");
    let serving = lab.serve(WORK);
    git(&lab.work(), &["reset", "-q", "--hard", &old]);
    let told = poll(&serving);
    assert!(
        told.starts_with(&format!("{old} waits: commit {old} does not build on {new}")),
        "{told}"
    );
    let again = lab.serve(WORK);
    assert_eq!((id(&serving), id(&again)), (new.clone(), new));
    acknowledge(&serving);
    assert_eq!(id(&serving), old);
}
