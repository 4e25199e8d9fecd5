//! The history: a git repository that tells what became of every node, one commit per transition.
//!
//! It is bare, so that there is no work tree that could disagree with it: `git -C DATA_DIR/history log
//! nodes/ID.yaml`, `show`, `diff` and `blame` work there, and `git clone` gives files. Branch `main`.
//! `nodes/ID.yaml` is a node, `catalog` names the catalog in force.
//!
//! A batch of transitions becomes one pack file and one update of the branch; both are on the disk when
//! [`History::append`] returns. The same transitions make the same commits, byte for byte, and those that
//! the branch has already are skipped, so a batch may be repeated after any crash.

mod batch;
mod files;
mod message;
mod pack;
pub mod reader;
mod record;
mod tree;
pub mod worker;

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

use git2::{ErrorCode, ObjectType, Oid, Repository, RepositoryInitOptions};

use crate::domain::machine::NodeId;
use crate::domain::node::Millis;
use crate::server::store::Transition;
use batch::{Batch, Tip};
use message::trailer;
use pack::Id;
use tree::{Mode, Tree};

/// Name of the repository in the data directory.
pub const DIRECTORY: &str = "history";

const BRANCH: &str = "refs/heads/main";

/// What can go wrong with the history. The branch is as it was before.
#[derive(Debug, thiserror::Error)]
pub enum HistoryError {
    /// The repository does not do what it should.
    #[error("the history {path} could not {verb}; `git -C {path} fsck` may say more")]
    Repository {
        /// The repository.
        path: String,
        /// What was tried.
        verb: &'static str,
        /// What git said.
        #[source]
        source: git2::Error,
    },
    /// A file cannot be written: disk full, read-only.
    #[error("cannot write {path}; look at the disk's space and the file's owner")]
    Write {
        /// The file or directory.
        path: String,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// Another git is at work on the branch.
    #[error("{path} is there: another git works on the history; if none does, remove that file")]
    Locked {
        /// The lock file.
        path: String,
    },
    /// Somebody else moved the branch while a batch was made.
    #[error("the branch of the history {path} was moved by somebody else")]
    Moved {
        /// The repository.
        path: String,
    },
    /// Something in the repository is not as it should be, or cannot be put into it.
    #[error("the history {path} could not {verb}")]
    Unfit {
        /// The repository.
        path: String,
        /// What was tried.
        verb: &'static str,
        /// What is wrong.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
}

/// One commit in a node's history.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogEntry {
    /// Name of the commit in hex.
    pub commit: String,
    /// When it happened, to the second.
    pub time: Millis,
    /// What happened: `rack1-node07: installing → installed`.
    pub subject: String,
    /// Who did it.
    pub actor: String,
    /// Why; may be empty.
    pub cause: String,
}

/// The history's repository. One writer; any number of others may be open to read.
pub struct History {
    path: PathBuf,
    repository: Repository,
    tip: Option<Tip>,
}

impl fmt::Debug for History {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("History").field("path", &self.path).finish_non_exhaustive()
    }
}

impl History {
    /// Opens the repository for writing, or creates it. Lock files and half-written packs that a killed
    /// process left are removed: call it only while holding the data directory (the store's lock).
    pub fn open(path: &Path) -> Result<Self, HistoryError> {
        let history = Self::open_or_create(path)?;
        files::remove_leftovers(history.repository.path()).map_err(write_error)?;
        Ok(history)
    }

    /// Opens an existing repository beside its writer, to read.
    pub fn read(path: &Path) -> Result<Self, HistoryError> {
        let repository = Repository::open_bare(path).map_err(git_error(path, "be opened"))?;
        Ok(Self::new(path, repository))
    }

    /// Adds one commit for each transition, oldest first, and moves the branch once. Transitions that
    /// the branch has already, by their number, are skipped.
    pub fn append(&mut self, transitions: &[Transition]) -> Result<(), HistoryError> {
        let mut tip = self.take_tip()?;
        let old = tip.commit;
        let mut batch = Batch::new();
        for transition in transitions {
            if transition.number > tip.last_number {
                batch.add(&mut tip, transition).map_err(self.unfit())?;
            }
        }
        if let Some(new) = tip.commit.filter(|new| old != Some(*new)) {
            let files = batch.pack.finish().map_err(|e| self.unfit()(e.into()))?;
            files::write_pack(self.repository.path(), &files).map_err(write_error)?;
            self.move_branch(old, new)?;
        }
        self.tip = Some(tip);
        Ok(())
    }

    /// Number of the newest transition that the branch has; 0 when it has none.
    pub fn last_number(&mut self) -> Result<u64, HistoryError> {
        let tip = self.take_tip()?;
        Ok(self.tip.insert(tip).last_number)
    }

    /// The commits of one node, newest first, at most `limit`. Reads commits only, so its cost is the
    /// number of all transitions since the oldest that is returned.
    pub fn log(&self, node: &NodeId, limit: usize) -> Result<Vec<LogEntry>, HistoryError> {
        let mut found = Vec::new();
        let mut next = self.branch()?;
        while let Some(id) = next.filter(|_| found.len() < limit) {
            let commit = self.repository.find_commit(id).map_err(self.git("be read"))?;
            let message = String::from_utf8_lossy(commit.message_bytes());
            if trailer(&message, message::NODE) == Some(node.as_str()) {
                found.push(log_entry(&commit, &message));
            }
            next = commit.parent_id(0).ok();
        }
        Ok(found)
    }

    fn new(path: &Path, repository: Repository) -> Self {
        Self { path: path.to_owned(), repository, tip: None }
    }

    fn open_or_create(path: &Path) -> Result<Self, HistoryError> {
        let mut options = RepositoryInitOptions::new();
        options.bare(true).external_template(false).initial_head("main").description(
            "What became of every node: one commit per transition. Written by provisioner.",
        );
        let repository = match Repository::open_bare(path) {
            Err(error) if error.code() == ErrorCode::NotFound => {
                let created = Repository::init_opts(path, &options);
                let created = created.map_err(git_error(path, "be created"))?;
                files::sync_new(created.path()).map_err(write_error)?;
                created
            }
            opened => opened.map_err(git_error(path, "be opened"))?,
        };
        Ok(Self::new(path, repository))
    }

    /// The state of the branch: remembered, or read anew when somebody else moved it.
    fn take_tip(&mut self) -> Result<Tip, HistoryError> {
        let branch = self.branch()?.map(id_from_oid);
        match self.tip.take().filter(|tip| tip.commit == branch) {
            Some(tip) => Ok(tip),
            None => self.read_tip(branch),
        }
    }

    fn read_tip(&self, commit: Option<Id>) -> Result<Tip, HistoryError> {
        let Some(id) = commit else {
            return Ok(Tip::default());
        };
        let oid = oid_from_id(&id).map_err(self.git("be read"))?;
        let commit = self.repository.find_commit(oid).map_err(self.git("be read"))?;
        let root = self.tree(commit.tree_id())?;
        let nodes = match root.get(Mode::Folder, "nodes") {
            Some(id) => self.tree(oid_from_id(&id).map_err(self.git("be read"))?)?,
            None => Tree::default(),
        };
        Ok(Tip {
            commit: Some(id),
            root,
            nodes,
            last_number: last_number(commit).map_err(self.git("be read"))?,
        })
    }

    fn tree(&self, id: Oid) -> Result<Tree, HistoryError> {
        let read = || {
            let odb = self.repository.odb()?;
            let object = odb.read(id)?;
            match object.kind() {
                ObjectType::Tree => Ok(object.data().to_vec()),
                _ => Err(git2::Error::from_str("not a tree")),
            }
        };
        let raw = read().map_err(self.git("be read"))?;
        Tree::parse(raw).map_err(|damaged| self.unfit()(damaged.into()))
    }

    fn branch(&self) -> Result<Option<Oid>, HistoryError> {
        match self.repository.refname_to_id(BRANCH) {
            Ok(id) => Ok(Some(id)),
            Err(error) if error.code() == ErrorCode::NotFound => Ok(None),
            Err(error) => Err(self.git("be read")(error)),
        }
    }

    /// Points the branch to `new`, if it still points to `old`.
    fn move_branch(&self, old: Option<Id>, new: Id) -> Result<(), HistoryError> {
        let lock = files::RefLock::take(self.repository.path(), BRANCH).map_err(|error| {
            if error.source.kind() == io::ErrorKind::AlreadyExists {
                HistoryError::Locked { path: error.path.display().to_string() }
            } else {
                write_error(error)
            }
        })?;
        if self.branch()?.map(id_from_oid) != old {
            return Err(HistoryError::Moved { path: self.path.display().to_string() });
        }
        lock.commit(&hex::encode(new)).map_err(write_error)
    }

    fn git(&self, verb: &'static str) -> impl Fn(git2::Error) -> HistoryError + '_ {
        git_error(&self.path, verb)
    }

    fn unfit(&self) -> impl Fn(Box<dyn std::error::Error + Send + Sync>) -> HistoryError + '_ {
        |source| HistoryError::Unfit {
            path: self.path.display().to_string(),
            verb: "take a transition",
            source,
        }
    }
}

/// The number in the newest commit that has one: commits of other hands have none.
fn last_number(mut commit: git2::Commit<'_>) -> Result<u64, git2::Error> {
    loop {
        let message = String::from_utf8_lossy(commit.message_bytes());
        let number = trailer(&message, message::NUMBER).and_then(|number| number.parse().ok());
        if let Some(number) = number {
            return Ok(number);
        }
        commit = match commit.parent(0) {
            Ok(parent) => parent,
            Err(error) if error.code() == ErrorCode::NotFound => return Ok(0),
            Err(error) => return Err(error),
        };
    }
}

fn log_entry(commit: &git2::Commit<'_>, message: &str) -> LogEntry {
    let value = |key| trailer(message, key).unwrap_or_default().to_owned();
    LogEntry {
        commit: commit.id().to_string(),
        time: Millis(u64::try_from(commit.time().seconds()).unwrap_or(0) * 1000),
        subject: message.lines().next().unwrap_or_default().to_owned(),
        actor: value(message::ACTOR),
        cause: value(message::CAUSE),
    }
}

fn id_from_oid(oid: Oid) -> Id {
    oid.as_bytes().try_into().unwrap_or_default()
}

fn oid_from_id(id: &Id) -> Result<Oid, git2::Error> {
    Oid::from_bytes(id)
}

fn git_error<'a>(path: &'a Path, verb: &'static str) -> impl Fn(git2::Error) -> HistoryError + 'a {
    move |source| HistoryError::Repository { path: path.display().to_string(), verb, source }
}

fn write_error(error: files::FileError) -> HistoryError {
    HistoryError::Write { path: error.path.display().to_string(), source: error.source }
}

#[cfg(test)]
mod tests;
