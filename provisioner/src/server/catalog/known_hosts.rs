//! Which host keys of ssh are believed: sshd(8), "SSH_KNOWN_HOSTS FILE FORMAT".

use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use sha1::Sha1;

const PORT: u16 = 22;
const SYSTEM: &str = "/etc/ssh/ssh_known_hosts";

/// The lines of one or several files.
#[derive(Debug)]
pub(super) struct KnownHosts {
    lines: Vec<Line>,
    /// For messages.
    places: String,
}

#[derive(Debug)]
struct Line {
    revoked: bool,
    hosts: String,
    key: Vec<u8>,
}

impl KnownHosts {
    /// The file that was configured, or what ssh itself reads. Of the latter any may be missing.
    pub(super) fn read(configured: Option<&Path>) -> Result<Self, String> {
        let places: Vec<PathBuf> = match configured {
            Some(path) => vec![path.to_owned()],
            None => std::env::home_dir()
                .map(|home| home.join(".ssh/known_hosts"))
                .into_iter()
                .chain([PathBuf::from(SYSTEM)])
                .collect(),
        };
        let mut lines = Vec::new();
        for path in &places {
            match std::fs::read(path) {
                Ok(bytes) => lines.extend(String::from_utf8_lossy(&bytes).lines().filter_map(line)),
                Err(error) if configured.is_some() => {
                    return Err(format!(
                        "catalog.git.known_hosts {} cannot be read: {error}",
                        path.display()
                    ));
                }
                Err(_) => {}
            }
        }
        let places: Vec<String> = places.iter().map(|path| path.display().to_string()).collect();
        Ok(Self { lines, places: places.join(" or ") })
    }

    /// Whether a host may show this key (its public part as on the wire: RFC 4253 section 6.6).
    pub(super) fn check(&self, host: &str, port: Option<u16>, key: &[u8]) -> Result<(), String> {
        let port = port.unwrap_or(PORT);
        let name = if port == PORT { host.to_owned() } else { format!("[{host}]:{port}") };
        let kind = kind(key);
        let of_host: Vec<&Line> =
            self.lines.iter().filter(|line| fits(&line.hosts, &name)).collect();
        if of_host.iter().any(|line| line.revoked && line.key == key) {
            return Err(format!("the {kind} key of {name} is revoked in {}", self.places));
        }
        if !key.is_empty() && of_host.iter().any(|line| !line.revoked && line.key == key) {
            return Ok(());
        }
        let scan = if port == PORT { host.to_owned() } else { format!("-p {port} {host}") };
        if of_host.iter().any(|line| self::kind(&line.key) == kind) {
            return Err(format!(
                "the {kind} key of {name} is another one than in {}: somebody may be in between; if it was changed \
                 on purpose, replace its line",
                self.places
            ));
        }
        Err(format!(
            "the {kind} key of {name} is not in {}; look at `ssh-keyscan {scan}`, compare it with what the host's \
             owner says, and add it",
            self.places
        ))
    }
}

fn line(text: &str) -> Option<Line> {
    let mut words = text.split_ascii_whitespace();
    let first = words.next().filter(|word| !word.starts_with('#'))?;
    let (revoked, hosts) = match first {
        "@revoked" => (true, words.next()?),
        // A certificate authority signs host keys; libssh2 knows none of that.
        marker if marker.starts_with('@') => return None,
        hosts => (false, hosts),
    };
    let key = STANDARD.decode(words.nth(1)?).ok()?;
    Some(Line { revoked, hosts: hosts.to_owned(), key })
}

/// The first field of a key: its kind.
fn kind(key: &[u8]) -> &str {
    let length = key.first_chunk::<4>().map_or(0, |length| u32::from_be_bytes(*length));
    let end = usize::try_from(length).ok().and_then(|length| length.checked_add(4));
    let name = end.and_then(|end| key.get(4..end)).unwrap_or_default();
    std::str::from_utf8(name).unwrap_or_default()
}

/// Whether a list of patterns, or a hashed name, means a host.
fn fits(hosts: &str, name: &str) -> bool {
    if let Some(hashed) = hosts.strip_prefix("|1|") {
        return is_hash_of(hashed, name).unwrap_or(false);
    }
    let mut found = false;
    for pattern in hosts.split(',') {
        match pattern.strip_prefix('!') {
            Some(not) if matches(not.as_bytes(), name) => return false,
            Some(_) => {}
            None => found |= matches(pattern.as_bytes(), name),
        }
    }
    found
}

/// HMAC-SHA1 of the name with the salt as key.
fn is_hash_of(hashed: &str, name: &str) -> Option<bool> {
    let (salt, hash) = hashed.split_once('|')?;
    let mut mac = Hmac::<Sha1>::new_from_slice(&STANDARD.decode(salt).ok()?).ok()?;
    mac.update(name.to_ascii_lowercase().as_bytes());
    Some(mac.verify_slice(&STANDARD.decode(hash).ok()?).is_ok())
}

/// `*` is any text, `?` any character; case does not matter.
fn matches(pattern: &[u8], name: &str) -> bool {
    // Where each prefix of the pattern may end in the name.
    let name = name.as_bytes();
    let mut ends = vec![false; name.len() + 1];
    if let Some(first) = ends.first_mut() {
        *first = true;
    }
    for wanted in pattern {
        let mut next = vec![false; name.len() + 1];
        let mut before = false;
        for (at, slot) in next.iter_mut().enumerate() {
            let here = ends.get(at).copied().unwrap_or(false);
            if *wanted == b'*' {
                before |= here;
                *slot = before;
            } else {
                let fits = at.checked_sub(1).is_some_and(|last| {
                    ends.get(last).copied().unwrap_or(false)
                        && name
                            .get(last)
                            .is_some_and(|c| *wanted == b'?' || c.eq_ignore_ascii_case(wanted))
                });
                *slot = fits;
            }
        }
        ends = next;
    }
    ends.last().copied().unwrap_or(false)
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::*;

    fn run(program: &str, arguments: &[&str]) {
        let output = Command::new(program).args(arguments).output().unwrap();
        assert!(output.status.success(), "{program}: {}", String::from_utf8_lossy(&output.stderr));
    }

    struct Host {
        directory: tempfile::TempDir,
        public: String,
        key: Vec<u8>,
    }

    fn host(kind: &str) -> Host {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("key");
        run("ssh-keygen", &["-q", "-t", kind, "-N", "", "-f", path.to_str().unwrap()]);
        let public = std::fs::read_to_string(path.with_extension("pub")).unwrap();
        let words: Vec<&str> = public.split(' ').collect();
        let key = STANDARD.decode(words[1]).unwrap();
        let public = words[..2].join(" ");
        Host { directory, public, key }
    }

    fn check(host: &Host, text: &str, name: &str, port: Option<u16>) -> Result<(), String> {
        let path = host.directory.path().join("known_hosts");
        std::fs::write(&path, text).unwrap();
        KnownHosts::read(Some(&path)).unwrap().check(name, port, &host.key)
    }

    #[test]
    fn a_host_is_believed_by_its_own_line_and_by_no_other() {
        let us = host("ed25519");
        let other = host("ed25519");
        let key = &us.public;
        let yes = [
            (format!("git.example.org {key}\n"), None),
            (format!("# c\n\na,GIT.example.org {key} comment\n"), None),
            (format!("*.example.org {key}\n"), None),
            (format!("g?t.example.org {key}\n"), Some(22)),
            (format!("[git.example.org]:2222 {key}\n"), Some(2222)),
            (format!("git.example.org {}\ngit.example.org {key}\n", other.public), None),
        ];
        for (text, port) in yes {
            assert_eq!(check(&us, &text, "git.example.org", port), Ok(()), "{text}");
        }
        let no = [
            (String::new(), None, "is not in"),
            (format!("example.org {key}\n"), None, "is not in"),
            (format!("*.example.org,!git.example.org {key}\n"), None, "is not in"),
            (format!("git.example.org {key}\n"), Some(2222), "ssh-keyscan -p 2222 git.example.org"),
            (format!("@cert-authority * {key}\n"), None, "is not in"),
            (format!("@revoked * {key}\ngit.example.org {key}\n"), None, "is revoked"),
            (format!("git.example.org {}\n", other.public), None, "is another one than in"),
            ("git.example.org ssh-ed25519 ????\n".to_owned(), None, "is not in"),
        ];
        for (text, port, why) in no {
            let said = check(&us, &text, "git.example.org", port).unwrap_err();
            assert!(said.contains(why) && said.contains("ssh-ed25519"), "{text}: {said}");
        }
    }

    #[test]
    fn lines_that_ssh_keygen_hashed_are_understood() {
        let us = host("ecdsa");
        let path = us.directory.path().join("known_hosts");
        std::fs::write(&path, format!("git.example.org {}\n", us.public)).unwrap();
        run("ssh-keygen", &["-q", "-H", "-f", path.to_str().unwrap()]);
        assert!(!std::fs::read_to_string(&path).unwrap().contains("example"));
        let hosts = KnownHosts::read(Some(&path)).unwrap();
        assert_eq!(hosts.check("git.example.org", None, &us.key), Ok(()));
        assert!(hosts.check("evil.example.org", None, &us.key).is_err());
    }

    #[test]
    fn a_file_that_is_named_has_to_be_there_and_an_empty_key_is_never_believed() {
        let error = KnownHosts::read(Some(Path::new("/nonexistent"))).unwrap_err();
        assert!(error.contains("catalog.git.known_hosts /nonexistent cannot be read"), "{error}");
        let hosts = KnownHosts {
            lines: vec![line("* x =").unwrap_or(Line {
                revoked: false,
                hosts: "*".into(),
                key: Vec::new(),
            })],
            places: "p".into(),
        };
        assert!(hosts.check("h", None, &[]).is_err());
    }
}
