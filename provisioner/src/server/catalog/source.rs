//! Where catalogs come from: the program, a directory, or commits of a repository.

use std::collections::hash_map::DefaultHasher;
use std::hash::{Hash, Hasher};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering;

use git2::{Commit, Oid};

use crate::config::CatalogSettings;
use crate::domain::catalog::{Catalog, CatalogId, Fault, Files};
use crate::server::catalog_dir;

use super::kept::Label;
use super::remote::Remote;
use super::repository::{self, About, Place, RevisionError};
use super::trust;

#[derive(Debug)]
pub(super) enum Source {
    Shipped,
    Directory(PathBuf),
    Commits(Box<Commits>),
}

/// A ref that is followed.
#[derive(Debug)]
pub(super) struct Commits {
    pub(super) reference: String,
    pub(super) from: From,
    pub(super) verify: Option<PathBuf>,
}

#[derive(Debug)]
pub(super) enum From {
    /// Below `path`, and in it below `directory`.
    Local { path: PathBuf, directory: String },
    /// Of its mirror, below `directory`.
    Remote { remote: Remote, directory: String },
}

/// A version of a source, before it is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mark {
    Shipped,
    /// Fingerprint of the directory.
    Directory(u64),
    /// A commit, and the fingerprint of the keys that it is held against.
    Commit(Oid, u64),
}

impl Mark {
    /// Whether it is the commit with this id.
    pub(super) fn is(self, other: &str) -> bool {
        matches!(self, Self::Commit(id, _) if id.to_string() == other)
    }

    /// A commit is whole; a directory is when nobody writes into it.
    pub(super) fn may_be_half_written(self) -> bool {
        matches!(self, Self::Directory(_))
    }
}

/// A catalog that could be loaded.
pub(super) struct Candidate {
    pub(super) catalog: Catalog,
    pub(super) files: Files,
    pub(super) about: About,
    /// The commit says that its changes are wanted.
    pub(super) acknowledged: bool,
    /// Why it has to wait whatever it moves.
    pub(super) stray: Option<String>,
}

/// Why a version could not be loaded.
#[derive(Debug)]
pub(super) enum LoadError {
    /// It has faults.
    Faults(Vec<Fault>),
    /// It was changed meanwhile: what was read may be half of the one and half of the other.
    Changed,
}

impl std::convert::From<Vec<Fault>> for LoadError {
    fn from(faults: Vec<Fault>) -> Self {
        Self::Faults(faults)
    }
}

/// What was read between two looks that saw the same.
pub(super) fn unchanged<T>(
    before: u64,
    read: impl FnOnce() -> T,
    after: impl FnOnce() -> u64,
) -> Result<T, LoadError> {
    let value = read();
    if after() == before { Ok(value) } else { Err(LoadError::Changed) }
}

impl Source {
    pub(super) fn new(settings: &CatalogSettings, data_dir: &Path) -> Self {
        let path = settings.path.clone();
        let Some(git) = &settings.git else {
            return path.map_or(Self::Shipped, Self::Directory);
        };
        let directory = git.directory.clone();
        let from = match &git.remote {
            Some(url) => From::Remote { remote: Remote::new(git, url, data_dir), directory },
            None => From::Local { path: path.unwrap_or_default(), directory },
        };
        let (reference, verify) = (git.reference.clone(), git.verify.clone());
        Self::Commits(Box::new(Commits { reference, from, verify }))
    }

    pub(super) fn commits(&self) -> Option<&Commits> {
        match self {
            Self::Commits(commits) => Some(commits),
            _ => None,
        }
    }

    /// Fetches that were given up and did not end.
    pub(super) fn hanging(&self) -> usize {
        match self.commits().map(|commits| &commits.from) {
            Some(From::Remote { remote, .. }) => remote.hanging.load(Ordering::Acquire),
            _ => 0,
        }
    }

    /// Where it is read from, for people.
    pub(super) fn shown(&self) -> String {
        match self {
            Self::Shipped => "shipped".to_owned(),
            Self::Directory(path) => path.display().to_string(),
            Self::Commits(commits) => match &commits.from {
                From::Local { path, directory } => path.join(directory).display().to_string(),
                From::Remote { remote, directory } if directory.is_empty() => remote.shown(),
                From::Remote { remote, directory } => format!("{directory} of {}", remote.shown()),
            },
        }
    }

    /// The newest version. `fetch`: ask the remote, too.
    pub(super) fn newest(&self, fetch: bool) -> Result<Mark, String> {
        match self {
            Self::Shipped => Ok(Mark::Shipped),
            Self::Directory(path) => Ok(Mark::Directory(catalog_dir::fingerprint(path))),
            Self::Commits(commits) => commits.newest(fetch),
        }
    }

    /// One text for each source that a configuration can name. No password is in it.
    pub(super) fn key(&self) -> String {
        match self {
            Self::Shipped => "shipped".to_owned(),
            Self::Directory(path) => format!("directory {}", path.display()),
            Self::Commits(commits) => match &commits.from {
                From::Local { path, directory } => {
                    let reference = &commits.reference;
                    format!("ref {reference} of {} in {directory:?}", path.display())
                }
                From::Remote { remote, directory } => {
                    format!("{} in {directory:?}", remote.local_ref())
                }
            },
        }
    }

    /// What is kept beside the files of a version.
    pub(super) fn label(&self, id: &CatalogId, about: &About) -> Label {
        let About { commit, signed_by, .. } = about.clone();
        Label { id: id.to_string(), source: self.key(), commit, signed_by }
    }

    /// Reads and checks a version. `before`: id of what serves.
    pub(super) fn load(&self, mark: Mark, before: Option<&str>) -> Result<Candidate, LoadError> {
        match (self, mark) {
            (Self::Directory(path), Mark::Directory(fingerprint)) => {
                let read = || plain(catalog_dir::read(path)?);
                Ok(unchanged(fingerprint, read, || catalog_dir::fingerprint(path))??)
            }
            (Self::Commits(commits), Mark::Commit(id, _)) => {
                Ok(commits.load(id, before.and_then(|before| Oid::from_str(before).ok()))?)
            }
            _ => Ok(plain(catalog_dir::shipped_files())?),
        }
    }

    /// The commit of a revision, in the repository that the catalog comes from.
    pub(super) fn revision(&self, revision: &str) -> Result<(Place, Oid), RevisionError> {
        let (place, revision) = match self {
            Self::Shipped => {
                return Err(RevisionError::NoRepository(
                    "the catalog came with the program, so there are no other revisions of it"
                        .to_owned(),
                ));
            }
            Self::Directory(path) => (repository::around(path)?, revision.to_owned()),
            Self::Commits(commits) => {
                let place = commits.place().map_err(RevisionError::NoRepository)?;
                (place, commits.in_mirror(revision))
            }
        };
        let id = place.revision(&revision)?.id();
        Ok((place, id))
    }
}

impl Commits {
    /// The repository that is read: the one at the path, or the mirror.
    pub(super) fn place(&self) -> Result<Place, String> {
        match &self.from {
            From::Local { path, directory } => repository::open(path, directory),
            From::Remote { remote, directory } => repository::open(&remote.mirror, directory),
        }
    }

    fn tip<'p>(&self, place: &'p Place) -> Result<Commit<'p>, String> {
        match &self.from {
            From::Local { .. } => place.tip(&self.reference),
            From::Remote { remote, .. } => place.tip(&remote.local_ref()).map_err(|_| {
                format!("{} was not fetched from {} yet", self.reference, remote.shown())
            }),
        }
    }

    fn newest(&self, fetch: bool) -> Result<Mark, String> {
        if let From::Remote { remote, .. } = &self.from
            && (fetch || !remote.has_any())
        {
            remote.fetch()?;
        }
        let place = self.place()?;
        let id = self.tip(&place)?.id();
        Ok(Mark::Commit(id, self.keys()))
    }

    /// Changes with the keys.
    pub(super) fn keys(&self) -> u64 {
        self.verify.as_deref().map_or(0, keys_fingerprint)
    }

    /// Who signed a commit; empty when that is not demanded. The error completes `commit ID: …`.
    pub(super) fn signer(&self, id: Oid) -> Result<String, String> {
        let Some(keys) = &self.verify else { return Ok(String::new()) };
        trust::signer(&self.place()?.repository, id, keys)
    }

    /// Reads a commit that is signed as demanded.
    pub(super) fn load(&self, id: Oid, before: Option<Oid>) -> Result<Candidate, Vec<Fault>> {
        let what = format!("commit {id}");
        let fault = |why: String| vec![Fault::without_place(what.clone(), why)];
        let place = self.place().map_err(fault)?;
        let commit = place.repository.find_commit(id);
        let commit =
            commit.map_err(|error| fault(format!("cannot be read: {}", error.message())))?;
        // First of all: nothing of an unsigned commit is even parsed.
        let signed_by = match &self.verify {
            Some(keys) => trust::signer(&place.repository, id, keys).map_err(fault)?,
            None => String::new(),
        };
        let files = place.files(&commit)?;
        let catalog = catalog_dir::checked(CatalogId::new(id.to_string()), &files)?;
        let about = About { signed_by, ..place.about(&commit, before) };
        // A signature does not say when: who can write the ref could bring an old commit back.
        let rewound = about.rewound.as_ref().filter(|_| self.verify.is_some());
        let stray =
            rewound.map(|why| format!("{why}, and signed commits have to build on each other"));
        let builds = before.is_some() && about.rewound.is_none();
        let acknowledged = builds && repository::is_acknowledged(&commit);
        Ok(Candidate { catalog, files, about, acknowledged, stray })
    }

    /// A revision as people write it, in the mirror's words: it has one ref only.
    fn in_mirror(&self, revision: &str) -> String {
        let From::Remote { remote, .. } = &self.from else { return revision.to_owned() };
        let own = revision
            .strip_prefix(&self.reference)
            .or_else(|| revision.strip_prefix("HEAD"))
            .filter(|rest| rest.is_empty() || rest.starts_with(['~', '^', '@']));
        own.map_or_else(|| revision.to_owned(), |rest| format!("{}{rest}", remote.local_ref()))
    }
}

fn plain(files: Files) -> Result<Candidate, Vec<Fault>> {
    let catalog = catalog_dir::checked(catalog_dir::id(&files), &files)?;
    Ok(Candidate { catalog, files, about: About::default(), acknowledged: false, stray: None })
}

/// Changes when a key is added, removed or written.
fn keys_fingerprint(directory: &Path) -> u64 {
    let mut about = Vec::new();
    for entry in std::fs::read_dir(directory).into_iter().flatten().flatten() {
        let facts = std::fs::metadata(entry.path()).ok();
        let facts = facts
            .map(|facts| (facts.len(), facts.modified().ok(), facts.ctime(), facts.ctime_nsec()));
        about.push((entry.file_name(), facts));
    }
    about.sort();
    let mut hasher = DefaultHasher::new();
    about.hash(&mut hasher);
    hasher.finish()
}
