//! A mirror of one ref of a remote, fetched with a limit of time.
//!
//! libgit2 cannot be told to give up in safe Rust, so each fetch has a thread of its own. One that hangs is
//! left behind, and only so many are.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::{RecvTimeoutError, sync_channel};
use std::time::Duration;

use git2::{
    AutotagOption, CertificateCheckStatus, Cred, CredentialType, Direction, ErrorCode,
    FetchOptions, ProxyOptions, RemoteCallbacks, Repository, RepositoryInitOptions,
};
use sha2::{Digest, Sha256};

use super::known_hosts::KnownHosts;
use super::repository::{ambiguous, candidates};

/// Longest fetch: `mayuctl` waits for one that is under way and for its own, and that for half a minute.
const LIMIT: Duration = Duration::from_secs(14);
/// Longest first fetch, of all there is.
const FIRST_LIMIT: Duration = Duration::from_mins(1);
/// Most bytes of one fetch: a catalog with all its past has less.
const MAX_BYTES: usize = 2 << 30;
/// Fetches that hang before no new one is begun.
const MAX_HANGING: usize = 4;

/// Where the ref comes from and where it is kept.
#[derive(Debug, Clone)]
pub(super) struct Remote {
    pub(super) url: String,
    pub(super) reference: String,
    pub(super) key: Option<PathBuf>,
    pub(super) known_hosts: Option<PathBuf>,
    /// The bare repository.
    pub(super) mirror: PathBuf,
    pub(super) hanging: Arc<AtomicUsize>,
    pub(super) limit: Duration,
    pub(super) first_limit: Duration,
}

impl Remote {
    pub(super) fn new(git: &crate::config::GitSettings, url: &str, data_dir: &Path) -> Self {
        Self {
            url: url.to_owned(),
            reference: git.reference.clone(),
            key: git.key.clone(),
            known_hosts: git.known_hosts.clone(),
            mirror: data_dir.join("catalog.git"),
            hanging: Arc::default(),
            limit: LIMIT,
            first_limit: FIRST_LIMIT,
        }
    }

    /// The mirror's name of the ref. Another remote or ref has another one, so what was fetched for an older
    /// configuration is never taken for this one.
    pub(super) fn local_ref(&self) -> String {
        let mut hash = Sha256::new();
        hash.update(&self.url);
        hash.update([0]);
        hash.update(&self.reference);
        let digits = hex::encode(hash.finalize());
        format!("refs/follow/{}", digits.get(..16).unwrap_or(&digits))
    }

    /// Whether anything was ever fetched.
    pub(super) fn has_any(&self) -> bool {
        Repository::open_bare(&self.mirror)
            .is_ok_and(|mirror| mirror.find_reference(&self.local_ref()).is_ok())
    }

    /// The address without a password.
    pub(super) fn shown(&self) -> String {
        without_password(&self.url)
    }

    /// Brings the mirror up to date. Blocks, at most for the limit.
    pub(super) fn fetch(&self) -> Result<(), String> {
        let shown = self.shown();
        let name = &self.reference;
        if self.hanging.load(Ordering::Acquire) >= MAX_HANGING {
            return Err(format!(
                "{MAX_HANGING} earlier fetches from {shown} still hang, so no new one is begun; is a firewall in \
                 the way? Restart the provisioner once it is mended"
            ));
        }
        let limit = if self.has_any() { self.limit } else { self.first_limit };
        let (tell, told) = sync_channel(1);
        let give_up = Arc::new(AtomicBool::new(false));
        let (remote, stop) = (self.clone(), Arc::clone(&give_up));
        self.hanging.fetch_add(1, Ordering::AcqRel);
        let run = move || {
            let _counted = Counted(Arc::clone(&remote.hanging));
            let result = remote.fetch_here(&stop);
            // Nobody listens any more when it took too long.
            let _ = tell.send(result);
        };
        let spawned = std::thread::Builder::new().name("catalog-fetch".to_owned()).spawn(run);
        if let Err(error) = spawned {
            self.hanging.fetch_sub(1, Ordering::AcqRel);
            return Err(format!("no thread to fetch {name} from {shown}: {error}"));
        }
        match told.recv_timeout(limit) {
            Ok(result) => result.map_err(|why| {
                let mut why = why.replace(&self.url, &shown);
                if let Some((_, query)) =
                    self.url.split_once('?').filter(|(_, query)| !query.is_empty())
                {
                    why = why.replace(query, "***");
                }
                format!("{name} cannot be fetched from {shown}: {why}")
            }),
            Err(RecvTimeoutError::Timeout) => {
                give_up.store(true, Ordering::Release);
                let hanging = self.hanging.load(Ordering::Acquire);
                tracing::error!(
                    "a fetch from {shown} hangs; {hanging} do, and after {MAX_HANGING} no new one is begun"
                );
                Err(format!("{shown} did not send {name} within {} s", limit.as_secs()))
            }
            Err(RecvTimeoutError::Disconnected) => {
                Err(format!("{shown} has refs whose names cannot be read"))
            }
        }
    }

    fn fetch_here(&self, stop: &AtomicBool) -> Result<(), String> {
        let mirror = self.open().map_err(|error| told(&error))?;
        let mut remote = mirror.remote_anonymous(&self.url).map_err(|error| told(&error))?;
        let callbacks = Some(self.callbacks(stop)?);
        let connection = remote.connect_auth(Direction::Fetch, callbacks, Some(proxy()));
        let mut connection = connection.map_err(|error| told(&error))?;
        let heads = connection.list().map_err(|error| told(&error))?;
        if let Some(why) =
            ambiguous(&self.reference, |name| heads.iter().any(|head| head.name() == name))
        {
            return Err(why);
        }
        let has = |name: &String| heads.iter().any(|head| head.name() == name);
        let Some(full) = candidates(&self.reference).into_iter().find(has) else {
            let name = &self.reference;
            return Err(format!("it has no branch or tag `{name}`; `catalog.git.ref` names it"));
        };
        let mut options = FetchOptions::new();
        options
            .remote_callbacks(self.callbacks(stop)?)
            .proxy_options(proxy())
            .download_tags(AutotagOption::None)
            .update_fetchhead(false);
        let spec = format!("+{full}:{}", self.local_ref());
        connection.remote().fetch(&[spec], Some(&mut options), None).map_err(|error| told(&error))
    }

    fn open(&self) -> Result<Repository, git2::Error> {
        match Repository::open_bare(&self.mirror) {
            Err(error) if error.code() == ErrorCode::NotFound => {
                let mut options = RepositoryInitOptions::new();
                options
                    .bare(true)
                    .external_template(false)
                    .mode(git2::RepositoryInitMode::from_bits_truncate(0o700));
                Repository::init_opts(&self.mirror, &options)
            }
            opened => opened,
        }
    }

    fn callbacks<'c>(&'c self, stop: &'c AtomicBool) -> Result<RemoteCallbacks<'c>, String> {
        let hosts = KnownHosts::read(self.known_hosts.as_deref())?;
        let port = port(&self.url);
        let mut callbacks = RemoteCallbacks::new();
        let mut asked = 0_u32;
        callbacks
            .credentials(move |_, user, allowed| {
                asked += 1;
                self.credential(user, allowed, asked)
            })
            .certificate_check(move |certificate, host| match certificate.as_hostkey() {
                Some(key) => {
                    let key = key.hostkey().unwrap_or_default();
                    hosts.check(host, port, key).map_err(|why| git2::Error::from_str(&why))?;
                    Ok(CertificateCheckStatus::CertificateOk)
                }
                // TLS: what the library says of it.
                None => Ok(CertificateCheckStatus::CertificatePassthrough),
            })
            .transfer_progress(|progress| {
                !stop.load(Ordering::Acquire) && progress.received_bytes() < MAX_BYTES
            })
            .sideband_progress(|_| !stop.load(Ordering::Acquire));
        Ok(callbacks)
    }

    /// A server that refuses asks again: it is told no more than once.
    fn credential(
        &self,
        user: Option<&str>,
        allowed: CredentialType,
        asked: u32,
    ) -> Result<Cred, git2::Error> {
        let user = user.unwrap_or("git");
        if allowed.contains(CredentialType::USERNAME) && asked <= 2 {
            return Cred::username(user);
        }
        if !allowed.contains(CredentialType::SSH_KEY) {
            return Err(git2::Error::from_str(
                "it wants a name and a password, or refuses those that are there: write \
                 https://NAME:TOKEN@HOST/PATH into catalog.git.remote",
            ));
        }
        let Some(key) = &self.key else {
            return Err(git2::Error::from_str(
                "it wants an ssh key: name the private one as catalog.git.key",
            ));
        };
        if asked > 2 {
            let why = format!("it refuses the key {} for the user {user}", key.display());
            return Err(git2::Error::from_str(&why));
        }
        if let Err(error) = std::fs::metadata(key) {
            let why = format!("the key {} cannot be read: {error}", key.display());
            return Err(git2::Error::from_str(&why));
        }
        Cred::ssh_key(user, None, key, None)
    }
}

/// One less hangs, however the thread ends.
struct Counted(Arc<AtomicUsize>);

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::AcqRel);
    }
}

fn proxy<'p>() -> ProxyOptions<'p> {
    let mut proxy = ProxyOptions::new();
    proxy.auto();
    proxy
}

fn told(error: &git2::Error) -> String {
    error.message().trim_end_matches(['.', '\n']).to_owned()
}

/// The port of `ssh://host:port/…`.
fn port(url: &str) -> Option<u16> {
    let authority = url.strip_prefix("ssh://")?.split('/').next()?;
    authority.rsplit('@').next()?.rsplit_once(':')?.1.parse().ok()
}

/// Neither a password nor a token, be it before the host or in the query.
fn without_password(url: &str) -> String {
    let Some((scheme, rest)) = url.split_once("://") else { return url.to_owned() };
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let (authority, path) = rest.split_at(end);
    let path = path.find(['?', '#']).map_or_else(
        || path.to_owned(),
        |at| format!("{}***", path.get(..=at).unwrap_or_default()),
    );
    let Some((user, host)) = authority.rsplit_once('@') else {
        return format!("{scheme}://{authority}{path}");
    };
    let secret = user.contains(':') || scheme.starts_with("http");
    let user = if secret { "***" } else { user };
    format!("{scheme}://{user}@{host}{path}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_in_the_address_is_never_shown() {
        let cases = [
            ("https://me:secret@example.org/c.git", "https://***@example.org/c.git"),
            ("https://token@example.org/c.git", "https://***@example.org/c.git"),
            ("https://a:b@c@example.org", "https://***@example.org"),
            ("ssh://git@example.org/c.git", "ssh://git@example.org/c.git"),
            ("git@example.org:c.git", "git@example.org:c.git"),
            ("/srv/c@d.git", "/srv/c@d.git"),
            ("https://example.org/c.git?private_token=x", "https://example.org/c.git?***"),
            ("https://t@example.org?private_token=x@y/z", "https://***@example.org?***"),
        ];
        for (url, shown) in cases {
            assert_eq!(without_password(url), shown);
        }
    }

    #[test]
    fn the_port_of_an_ssh_address_is_found() {
        assert_eq!(port("ssh://git@example.org:2222/c.git"), Some(2222));
        assert_eq!(port("ssh://example.org/c:22"), None);
        assert_eq!(port("git@example.org:22/c.git"), None);
    }
}
