//! A catalog as a revision of its repository has it: no checkout, nothing written.

use std::path::Path;

use git2::{ErrorCode, ObjectType, Repository, Tree};

use crate::domain::catalog::{Catalog, CatalogId, Fault, SourceFile, check};

/// Folders that belong to a catalog.
const FOLDERS: [&str; 6] = ["groups", "profiles", "templates", "ignition", "cloud", "generic"];
/// Deepest folder below the catalog.
const MAX_DEPTH: usize = 16;

/// Why there is no catalog of a revision.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RevisionError {
    /// No repository, or no such revision in it.
    #[error("{0}")]
    Unknown(String),
    /// It is there, and cannot be loaded.
    #[error("the catalog of {revision} has faults:\n{}", lines(.faults))]
    Faults {
        /// What was asked for.
        revision: String,
        /// All of them.
        faults: Vec<Fault>,
    },
}

fn lines(faults: &[Fault]) -> String {
    faults.iter().map(Fault::to_string).collect::<Vec<_>>().join("\n")
}

/// The catalog in a directory of a work tree, or at the top of a bare repository, at a revision as git
/// understands revisions.
pub fn load(directory: &Path, revision: &str) -> Result<Catalog, RevisionError> {
    let shown = directory.display();
    let unknown = |error: &git2::Error| {
        RevisionError::Unknown(match error.code() {
            ErrorCode::NotFound => {
                format!("{shown} has no revision {revision:?}, or is in no git repository")
            }
            _ => format!("{revision:?} of {shown} cannot be read: {}", error.message()),
        })
    };
    let repository = Repository::discover(directory).map_err(|error| unknown(&error))?;
    let find = || {
        let commit = repository.revparse_single(revision)?.peel_to_commit()?;
        let top = commit.tree()?;
        let below = repository.workdir().and_then(|top| {
            let (top, path) = (top.canonicalize().ok()?, directory.canonicalize().ok()?);
            Some(path.strip_prefix(&top).ok()?.to_owned())
        });
        let tree = match below.filter(|below| !below.as_os_str().is_empty()) {
            Some(below) => top.get_path(&below)?.to_object(&repository)?.peel_to_tree()?,
            None => top,
        };
        Ok((commit.id().to_string(), tree))
    };
    let (id, tree) = find().map_err(|error| unknown(&error))?;
    let mut files = Vec::new();
    let mut faults = Vec::new();
    for folder in FOLDERS {
        let entry = tree.get_name(folder).filter(|entry| entry.kind() == Some(ObjectType::Tree));
        if let Some(folder_tree) =
            entry.and_then(|e| e.to_object(&repository).ok()?.peel_to_tree().ok())
        {
            gather(&repository, &folder_tree, folder, 0, (&mut files, &mut faults));
        }
    }
    let failed = |faults| RevisionError::Faults { revision: revision.to_owned(), faults };
    if !faults.is_empty() {
        return Err(failed(faults));
    }
    files.sort_by(|a, b| a.path.cmp(&b.path));
    let catalog = Catalog::build(CatalogId::new(id), &files.into()).map_err(failed)?;
    match check(&catalog) {
        faults if faults.is_empty() => Ok(catalog),
        faults => Err(failed(faults)),
    }
}

fn gather(
    repository: &Repository,
    tree: &Tree<'_>,
    path: &str,
    depth: usize,
    (files, faults): (&mut Vec<SourceFile>, &mut Vec<Fault>),
) {
    for entry in tree {
        let name = String::from_utf8_lossy(entry.name_bytes()).into_owned();
        let path = format!("{path}/{name}");
        if name.starts_with('.') {
            continue;
        }
        let Ok(object) = entry.to_object(repository) else {
            faults.push(Fault::of_file(path, "is not in the repository".to_owned()));
            continue;
        };
        if let Ok(tree) = object.peel_to_tree() {
            if depth < MAX_DEPTH {
                gather(repository, &tree, &path, depth + 1, (files, faults));
            }
        } else if let Some(blob) = object.as_blob() {
            match String::from_utf8(blob.content().to_vec()) {
                Ok(text) => files.push(SourceFile { path, text }),
                Err(_) => faults.push(Fault::of_file(path, "is not UTF-8 text".to_owned())),
            }
        }
    }
}
