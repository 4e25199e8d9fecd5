//! Real programs for the tests: gpg, openssl, ssh-keygen and git, each in a directory of its own.

use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use tempfile::TempDir;

pub(crate) struct Lab {
    dir: TempDir,
}

impl Lab {
    pub(crate) fn new() -> Self {
        let lab = Self { dir: TempDir::new().unwrap() };
        std::fs::create_dir(lab.path("gnupg")).unwrap();
        lab.run("chmod", &["700", "gnupg"]);
        lab
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    pub(crate) fn write(&self, name: &str, bytes: impl AsRef<[u8]>) {
        std::fs::write(self.path(name), bytes).unwrap();
    }

    pub(crate) fn read(&self, name: &str) -> Vec<u8> {
        std::fs::read(self.path(name)).unwrap()
    }

    /// Runs a program in the directory, away from the user's own settings.
    pub(crate) fn output(&self, program: &str, args: &[&str]) -> Output {
        Command::new(program)
            .args(args)
            .current_dir(self.dir.path())
            .env("GNUPGHOME", self.path("gnupg"))
            .env("HOME", self.dir.path())
            .env("GIT_CONFIG_NOSYSTEM", "1")
            .env("LC_ALL", "C")
            .stdin(Stdio::null())
            .output()
            .unwrap_or_else(|error| panic!("{program}: {error}"))
    }

    pub(crate) fn run(&self, program: &str, args: &[&str]) -> Vec<u8> {
        let output = self.output(program, args);
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{program} {args:?}: {said}");
        output.stdout
    }

    pub(crate) fn gpg(&self, args: &[&str]) -> Vec<u8> {
        let mut all = vec!["--batch", "--yes", "--quiet", "--pinentry-mode", "loopback"];
        all.extend(args);
        self.run("gpg", &all)
    }

    /// What gpg's machine-readable output says about a signature.
    pub(crate) fn gpg_verify(&self, signature: &str, file: &str) -> (bool, String) {
        let args = ["--batch", "--status-fd", "1", "--verify", signature, file];
        let output = self.output("gpg", &args);
        (output.status.success(), String::from_utf8_lossy(&output.stdout).into_owned())
    }

    /// A key made by gpg; answers with its fingerprint.
    pub(crate) fn gpg_key(&self, name: &str, kind: &str, passphrase: &str) -> String {
        self.gpg_key_until(name, kind, passphrase, "never")
    }

    pub(crate) fn gpg_key_until(
        &self,
        name: &str,
        kind: &str,
        passphrase: &str,
        until: &str,
    ) -> String {
        let args = ["--passphrase", passphrase, "--quick-gen-key", name, kind, "cert,sign", until];
        self.gpg(&args);
        self.fingerprint(name)
    }

    pub(crate) fn fingerprint(&self, name: &str) -> String {
        let list = self.gpg(&["--with-colons", "--list-keys", &format!("={name}")]);
        let list = String::from_utf8(list).unwrap();
        let line = list.lines().find(|line| line.starts_with("fpr:")).unwrap();
        line.split(':').nth(9).unwrap().to_owned()
    }

    pub(crate) fn dir(&self) -> &Path {
        self.dir.path()
    }
}

impl Drop for Lab {
    fn drop(&mut self) {
        // gpg starts an agent for each directory, which would outlive it.
        let _ = self.output("gpgconf", &["--kill", "all"]);
    }
}
