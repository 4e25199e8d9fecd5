//! Commits of a repository: found by ref or revision, read from its object database.

use std::path::Path;

use git2::{Commit, ErrorCode, Oid, Repository};

use crate::domain::catalog::{Catalog, CatalogId, Fault, Files};
use crate::server::catalog_dir;

use super::tree;

/// A repository, and the directory of its tree that is the catalog.
pub(super) struct Place {
    pub(super) repository: Repository,
    /// Without slashes at its ends; empty: the top.
    pub(super) directory: String,
}

/// Why a revision cannot be shown.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RevisionError {
    /// The catalog has no past.
    #[error("{0}")]
    NoRepository(String),
    /// The repository does not have it.
    #[error("{0}")]
    Unknown(String),
    /// It is there, and cannot be loaded.
    #[error("the catalog of {commit} has faults:\n{}", lines(.faults))]
    Faults {
        /// The full id of the commit.
        commit: String,
        /// All of them.
        faults: Vec<Fault>,
    },
}

fn lines(faults: &[Fault]) -> String {
    faults.iter().map(Fault::to_string).collect::<Vec<_>>().join("\n")
}

/// What is shown of a commit.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct About {
    /// Subject and author.
    pub(super) commit: String,
    /// Who signed it; empty when that is not demanded.
    pub(super) signed_by: String,
    /// It does not build on the one before.
    pub(super) rewound: Option<String>,
}

/// Opens the repository at a path: bare, or one that the path lies in the work tree of. `directory`: what to
/// add below.
pub(super) fn open(path: &Path, directory: &str) -> Result<Place, String> {
    let repository = Repository::open(path)
        .or_else(|error| match error.code() {
            ErrorCode::NotFound => Repository::discover(path),
            _ => Err(error),
        })
        .map_err(|error| cannot_open(path, &error))?;
    let below = match repository.workdir() {
        Some(top) => below(top, path)?,
        None => String::new(),
    };
    let parts = [below.as_str(), directory.trim_matches('/')];
    let parts: Vec<&str> = parts.into_iter().filter(|part| !part.is_empty()).collect();
    Ok(Place { repository, directory: parts.join("/") })
}

/// The part of a path below the top of its work tree.
fn below(top: &Path, path: &Path) -> Result<String, String> {
    let real =
        |path: &Path| path.canonicalize().map_err(|error| format!("{}: {error}", path.display()));
    let (top, path) = (real(top)?, real(path)?);
    // The path may be `.git` itself.
    let below = path.strip_prefix(&top).map(Path::to_owned).unwrap_or_default();
    if below.starts_with(".git") {
        return Ok(String::new());
    }
    below
        .to_str()
        .map(str::to_owned)
        .ok_or_else(|| format!("{} has a name that is not UTF-8", path.display()))
}

fn cannot_open(path: &Path, error: &git2::Error) -> String {
    let shown = path.display();
    match error.code() {
        ErrorCode::NotFound => format!(
            "{shown} is in no git repository; make one with `git init`, or leave `catalog.git` out"
        ),
        ErrorCode::Owner => format!(
            "{shown} belongs to another user, so git does not trust it; allow it with \
             `git config --system --add safe.directory {shown}`"
        ),
        _ => format!("the repository {shown} cannot be opened: {}", error.message()),
    }
}

/// Full names that a ref may have, likeliest first.
pub(super) fn candidates(name: &str) -> [String; 4] {
    let below = |prefix: &str| format!("{prefix}{name}");
    [below("refs/heads/"), below("refs/tags/"), name.to_owned(), below("refs/remotes/")]
}

/// What is wrong with a name that is two refs. Git itself takes the tag, and others the branch.
pub(super) fn ambiguous(name: &str, is_there: impl Fn(&str) -> bool) -> Option<String> {
    let [branch, tag, ..] = candidates(name);
    (is_there(&branch) && is_there(&tag)).then(|| {
        format!("`{name}` is a branch and a tag: write `{branch}` or `{tag}` as catalog.git.ref")
    })
}

impl Place {
    /// The commit that a ref points to.
    pub(super) fn tip(&self, name: &str) -> Result<Commit<'_>, String> {
        let shown = self.repository.path().display();
        let is_there = |full: &str| self.repository.find_reference(full).is_ok();
        if let Some(why) = ambiguous(name, is_there) {
            return Err(format!("in {shown}, {why}"));
        }
        for full in candidates(name) {
            match self.repository.find_reference(&full) {
                Ok(found) => {
                    return found.peel_to_commit().map_err(|error| {
                        format!("{full} of {shown} is no commit: {}", error.message())
                    });
                }
                Err(error)
                    if matches!(error.code(), ErrorCode::NotFound | ErrorCode::InvalidSpec) => {}
                Err(error) => {
                    return Err(format!("{full} of {shown} cannot be read: {}", error.message()));
                }
            }
        }
        Err(format!(
            "{shown} has no branch or tag `{name}`; `git branch --all` shows what there is, and \
             `catalog.git.ref` names it"
        ))
    }

    /// The commit that is meant by a revision as git understands it.
    pub(super) fn revision(&self, revision: &str) -> Result<Commit<'_>, RevisionError> {
        let found = self.repository.revparse_single(revision);
        found.and_then(|object| object.peel_to_commit()).map_err(|error| {
            let shown = self.repository.path().display();
            RevisionError::Unknown(format!(
                "{shown} has no commit {revision:?} ({}); `git log --all` shows what there is",
                error.message()
            ))
        })
    }

    /// Reads, builds and checks what a commit holds.
    pub(super) fn load(&self, commit: &Commit<'_>) -> Result<Catalog, Vec<Fault>> {
        catalog_dir::checked(CatalogId::new(commit.id().to_string()), &self.files(commit)?)
    }

    /// Reads what a commit holds.
    pub(super) fn files(&self, commit: &Commit<'_>) -> Result<Files, Vec<Fault>> {
        tree::read(&self.repository, commit, &self.directory)
    }

    /// What is said of a commit. `before`: the one that serves.
    pub(super) fn about(&self, commit: &Commit<'_>, before: Option<Oid>) -> About {
        let subject = String::from_utf8_lossy(commit.summary_bytes().unwrap_or_default());
        let author = commit.author();
        let author = String::from_utf8_lossy(author.name_bytes());
        let builds_on = |before: Oid| {
            before == commit.id()
                || self.repository.graph_descendant_of(commit.id(), before).unwrap_or(false)
        };
        let rewound = before.filter(|before| !builds_on(*before)).map(|before| {
            format!("commit {} does not build on {before}, which served before: the history was rewritten", commit.id())
        });
        About { commit: format!("{subject} ({author})"), signed_by: String::new(), rewound }
    }
}

/// Whether the message of a commit ends with the trailer `Ack:`.
pub(super) fn is_acknowledged(commit: &Commit<'_>) -> bool {
    let message = String::from_utf8_lossy(commit.message_bytes());
    git2::message_trailers_strs(&message)
        .is_ok_and(|trailers| trailers.iter().any(|(key, _)| key.eq_ignore_ascii_case("ack")))
}

/// The catalog of a revision of a repository: for what is planned without a daemon. `sub_directory`: below
/// `path`, or below the top of a bare repository; empty: none.
pub fn load_repository(
    path: &Path,
    revision: &str,
    sub_directory: &str,
) -> Result<Catalog, RevisionError> {
    let place = open(path, sub_directory).map_err(RevisionError::NoRepository)?;
    let commit = place.revision(revision)?;
    place
        .load(&commit)
        .map_err(|faults| RevisionError::Faults { commit: commit.id().to_string(), faults })
}

/// The repository that a directory lies in, if any.
pub(super) fn around(directory: &Path) -> Result<Place, RevisionError> {
    open(directory, "").map_err(|_| {
        RevisionError::NoRepository(format!(
            "the catalog in {} is in no git repository, so there are no other revisions of it",
            directory.display()
        ))
    })
}
