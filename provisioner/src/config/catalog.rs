//! `catalog:`: where groups, profiles and templates come from.

use std::path::{Path, PathBuf};
use std::time::Duration;

use yaml::{Keys, Map};

/// Ref that is followed when none is named.
const REF: &str = "main";
/// How often a remote is asked when nothing else is said.
const POLL_REMOTE: Duration = Duration::from_secs(30);
/// How often a directory or a repository on this host is looked at: that costs next to nothing.
const POLL_LOCAL: Duration = Duration::from_secs(1);
/// Nodes that may get another profile without a word.
const MOVES: usize = 10;

/// Where the catalog comes from, and how much of a change goes live without a word.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CatalogSettings {
    /// A directory, or with `git` a repository; `None`: the catalog that the program carries, or a remote.
    pub path: Option<PathBuf>,
    /// Serve commits instead of what lies in the directory.
    pub git: Option<GitSettings>,
    /// How often the source is looked at.
    pub poll: Duration,
    /// Most nodes that a new catalog may move to another profile without a word.
    pub moves: usize,
}

impl Default for CatalogSettings {
    fn default() -> Self {
        Self { path: None, git: None, poll: POLL_LOCAL, moves: MOVES }
    }
}

impl CatalogSettings {
    /// A directory, all else by default; `None`: the shipped catalog.
    pub fn at(path: Option<PathBuf>) -> Self {
        Self { path, ..Self::default() }
    }
}

/// Which commits are served.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GitSettings {
    /// Branch, tag or full name of a ref.
    pub reference: String,
    /// Where it is fetched from; `None`: the repository at `path`.
    pub remote: Option<String>,
    /// Directory of the repository's tree that is the catalog; empty: its top.
    pub directory: String,
    /// Directory of the keys of which one has to have signed a commit.
    pub verify: Option<PathBuf>,
    /// Private key for a remote by ssh.
    pub key: Option<PathBuf>,
    /// The host keys that are believed; `None`: those of the system.
    pub known_hosts: Option<PathBuf>,
}

/// Goes on after a fault with the default in its place. `over`: the directory of the command line, which
/// replaces the whole source.
pub(super) fn read(top: &Map<'_>, base: &Path, over: Option<&Path>) -> CatalogSettings {
    let field = top.get("catalog");
    let section = field.and_then(|field| field.map(&Keys::of(&["path", "git", "gate"])));
    let Some(section) = section else {
        return CatalogSettings::at(over.map(Path::to_owned));
    };
    let path = section.text("path").map(|path| base.join(path));
    let git = section.get("git").and_then(|field| {
        let keys = ["ref", "remote", "directory", "poll", "verify", "key", "known_hosts"];
        field.map(&Keys::of(&keys))
    });
    let (mut git, poll) = match &git {
        Some(git) => (Some(self::git(git, base)), git.parsed("poll", poll)),
        None => (None, None),
    };
    let remote = git.as_ref().is_some_and(|git| git.remote.is_some());
    if git.is_some() && !remote && path.is_none() {
        section.fault_at("git", "say where the repository is: with `path`, or with `git.remote`");
    }
    if remote && path.is_some() {
        section.fault_at(
            "path",
            "a remote is kept in the data directory: leave `path` out; the part of the repository that is the \
             catalog is `git.directory`",
        );
    }
    let moves = gate(&section).unwrap_or(MOVES);
    if over.is_some() && git.as_ref().is_some_and(|git| git.verify.is_some()) {
        section.fault_at(
            "git",
            "`git.verify` demands signed commits, and a directory (--catalog) has none: leave --catalog out, or \
             use a configuration without `verify`",
        );
    }
    if over.is_some() {
        git = None;
    }
    let default = if git.is_some() && remote { POLL_REMOTE } else { POLL_LOCAL };
    CatalogSettings {
        path: over.map(Path::to_owned).or(path),
        poll: poll.filter(|_| git.is_some()).unwrap_or(default),
        git,
        moves,
    }
}

fn git(section: &Map<'_>, base: &Path) -> GitSettings {
    let remote = section.parsed("remote", remote);
    if remote.is_none() {
        for key in ["key", "known_hosts"].into_iter().filter(|key| section.has(key)) {
            section.fault_at(key, "is for a remote by ssh, and `remote` is missing");
        }
    }
    let path = |key| section.text(key).map(|text| base.join(text));
    GitSettings {
        reference: section.parsed("ref", reference).unwrap_or_else(|| REF.to_owned()),
        remote: remote.map(|remote| absolute(remote, base)),
        directory: section.parsed("directory", directory).unwrap_or_default(),
        verify: path("verify"),
        key: path("key"),
        known_hosts: path("known_hosts"),
    }
}

fn gate(section: &Map<'_>) -> Option<usize> {
    let gate = section.get("gate")?.map(&Keys::of(&["moves"]))?;
    let moves = gate.get("moves")?;
    usize::try_from(moves.integer()?)
        .map_or_else(|_| moves.fault("a number of nodes is wanted, 0 or more"), Some)
}

/// Seconds at which a remote can be asked: neither a flood nor never.
fn poll(text: &str) -> Result<Duration, String> {
    let seconds = yaml::seconds(text)
        .ok_or_else(|| format!("{text:?} is no duration; write 30s, 5m or 1h"))?;
    if !(1..=86_400).contains(&seconds) {
        return Err(format!("{text:?} is too short or too long; take 1s to 1d"));
    }
    Ok(Duration::from_secs(seconds.into()))
}

fn reference(text: &str) -> Result<String, String> {
    // As git check-ref-format has it; `HEAD` is one, too.
    let whole = format!("refs/heads/{text}");
    if git2::Reference::is_valid_name(&whole) && !text.starts_with('-') {
        Ok(text.to_owned())
    } else {
        Err(format!("{text:?} is no name of a ref; write a branch or a tag, as main or v1.2"))
    }
}

/// The transports that git has and that do not run programs.
fn remote(text: &str) -> Result<String, String> {
    const SCHEMES: [&str; 5] = ["https", "http", "ssh", "git", "file"];
    let wrong = || {
        format!(
            "{:?} is no address of a repository; write https://HOST/PATH, ssh://USER@HOST/PATH, \
             USER@HOST:PATH, git://HOST/PATH, file:///PATH or /PATH",
            without_secrets(text)
        )
    };
    if text.chars().any(|c| c.is_control() || c.is_whitespace()) || text.starts_with('-') {
        return Err(wrong());
    }
    match text.split_once("://") {
        Some((scheme, rest)) if SCHEMES.contains(&scheme) && !rest.is_empty() => {
            Ok(text.to_owned())
        }
        None if !text.contains("::") => Ok(text.to_owned()),
        _ => Err(wrong()),
    }
}

/// What is no address has a password in no certain place: all that could be one is left out.
fn without_secrets(text: &str) -> String {
    let (before, query) = match text.find(['?', '#']) {
        Some(at) => (text.get(..at).unwrap_or_default(), "?***"),
        None => (text, ""),
    };
    let end = text.rfind('@').map_or(0, |at| at.saturating_add(1));
    match before.get(end..) {
        Some(host) if end > 0 => format!("***@{host}{query}"),
        Some(host) => format!("{host}{query}"),
        None => "***".to_owned(),
    }
}

/// A path is taken from the configuration's directory; `host:path` is none.
fn absolute(remote: String, base: &Path) -> String {
    let is_path = !remote.contains("://")
        && remote.split_once(':').is_none_or(|(host, _)| host.contains('/'));
    if is_path { base.join(remote).display().to_string() } else { remote }
}

/// A path inside of a tree, without slashes at its ends.
fn directory(text: &str) -> Result<String, String> {
    let trimmed = text.trim_matches('/');
    if trimmed.split('/').any(|part| matches!(part, "" | "." | "..")) || text.starts_with('/') {
        return Err(format!("{text:?} is no path inside of a repository; write sub/directory"));
    }
    Ok(trimmed.to_owned())
}
