//! A catalog's files from the tree of a commit: no checkout, nothing written.

use std::collections::VecDeque;

use git2::{Commit, ObjectType, Odb, Oid, Repository, Tree};

use crate::domain::catalog::{Fault, Files};
use crate::server::catalog_dir::{
    FOLDERS, Gather, LOCAL, MAX_DEPTH, TO_NOTHING, UNREADABLE, is_scratch, no_catalog,
};

/// Modes of entries: git-fast-import(1), "filemodify".
const LINK: i32 = 0o120_000;
const MODULE: i32 = 0o160_000;
const EXECUTABLE: i32 = 0o100_755;
/// Links followed for one name.
const MAX_LINKS: usize = 40;

/// The files of the catalog in `directory` of a commit, in the order of their paths.
pub(super) fn read(
    repository: &Repository,
    commit: &Commit<'_>,
    directory: &str,
) -> Result<Files, Vec<Fault>> {
    let failed = |error: git2::Error| {
        let what = format!("commit {}", commit.id());
        vec![Fault::without_place(what, format!("{UNREADABLE}: {}", error.message()))]
    };
    let top = commit.tree().map_err(failed)?;
    let odb = repository.odb().map_err(failed)?;
    let mut reader = Reader { repository, top, odb, gather: Gather::default() };
    let mut found = false;
    for folder in FOLDERS {
        if let Some(entry) = reader.top_folder(directory, folder) {
            found = true;
            reader.texts(folder, &entry, 0);
        }
    }
    if let Some(entry) = reader.top_folder(directory, LOCAL) {
        reader.locals(LOCAL, entry.id, 0);
    }
    let files = reader.gather.finish()?;
    if !found {
        let place = if directory.is_empty() { String::new() } else { format!(" in {directory}/") };
        return Err(vec![no_catalog(&format!("commit {}{place}", commit.id()))]);
    }
    Ok(files)
}

struct Reader<'r> {
    repository: &'r Repository,
    top: Tree<'r>,
    odb: Odb<'r>,
    gather: Gather,
}

/// An entry of a tree, and where it really stands.
#[derive(Debug, Clone)]
struct Entry {
    id: Oid,
    mode: i32,
    /// Parts of its path from the top of the repository.
    path: Vec<String>,
}

impl Entry {
    fn is_folder(&self) -> bool {
        self.mode == 0o040_000
    }
}

impl Reader<'_> {
    /// A folder of the catalog, if it is there. What is there and is no folder is noted: it is no empty one.
    fn top_folder(&mut self, directory: &str, name: &str) -> Option<Entry> {
        let why = match self.resolve(&below(directory, name)) {
            Ok(Some(entry)) if entry.is_folder() => return Some(entry),
            Ok(Some(entry)) => no_module(entry.mode).err().unwrap_or("is no folder".to_owned()),
            Ok(None) => {
                let parent = self.resolve(directory).ok().flatten()?;
                self.child(&parent, name)?;
                TO_NOTHING.to_owned()
            }
            Err(why) => why,
        };
        self.gather.fault(name, why);
        None
    }

    /// What a path means, symbolic links followed as long as they stay inside. `None`: nothing is there.
    fn resolve(&self, path: &str) -> Result<Option<Entry>, String> {
        let mut todo: VecDeque<String> = parts(path);
        let top = Entry { id: self.top.id(), mode: 0o040_000, path: Vec::new() };
        let mut trail = vec![top];
        let mut links = 0;
        while let Some(part) = todo.pop_front() {
            if part == ".." {
                trail.pop();
                if trail.is_empty() {
                    return Err("is a symbolic link that leaves the repository".to_owned());
                }
                continue;
            }
            let Some(folder) = trail.last() else { return Ok(None) };
            let Some(entry) = self.child(folder, &part) else { return Ok(None) };
            if entry.mode != LINK {
                trail.push(entry);
                continue;
            }
            links += 1;
            if links > MAX_LINKS {
                return Err("is a symbolic link that points in a circle".to_owned());
            }
            let target = self.blob(entry.id)?;
            let target = String::from_utf8(target)
                .map_err(|_| "is a symbolic link whose target is not UTF-8".to_owned())?;
            if target.starts_with('/') {
                return Err(format!(
                    "is a symbolic link to {target}, which is not in the repository"
                ));
            }
            for part in parts(&target).into_iter().rev() {
                todo.push_front(part);
            }
        }
        Ok(trail.pop())
    }

    fn child(&self, folder: &Entry, name: &str) -> Option<Entry> {
        let tree = self.repository.find_tree(folder.id).ok()?;
        let entry = tree.get_name(name)?;
        let mut path = folder.path.clone();
        path.push(name.to_owned());
        Some(Entry { id: entry.id(), mode: entry.filemode(), path })
    }

    fn blob(&self, id: Oid) -> Result<Vec<u8>, String> {
        let object = self.odb.read(id).map_err(|error| unreadable(&error))?;
        Ok(object.data().to_vec())
    }

    fn size(&self, id: Oid) -> Result<u64, String> {
        match self.odb.read_header(id) {
            Ok((size, ObjectType::Blob)) => Ok(u64::try_from(size).unwrap_or(u64::MAX)),
            Ok(_) => Err("is no file".to_owned()),
            Err(error) => Err(unreadable(&error)),
        }
    }

    /// The texts of a folder. `name`: its path in the catalog.
    fn texts(&mut self, name: &str, folder: &Entry, depth: usize) {
        for (path, entry) in self.entries(name, folder.id, depth) {
            let file = path.rsplit('/').next().unwrap_or_default();
            if is_scratch(file) {
                continue;
            }
            let entry =
                Entry { path: [folder.path.clone(), vec![file.to_owned()]].concat(), ..entry };
            if let Err(why) = self.text(&path, entry, depth) {
                self.gather.fault(path, why);
            }
        }
    }

    fn text(&mut self, path: &str, mut entry: Entry, depth: usize) -> Result<(), String> {
        if entry.mode == LINK {
            let meant = self.resolve(&entry.path.join("/"))?;
            entry = meant.ok_or(TO_NOTHING)?;
        }
        if entry.is_folder() {
            self.texts(path, &entry, depth + 1);
            return Ok(());
        }
        no_module(entry.mode)?;
        let size = self.size(entry.id)?;
        if self.gather.has_room_for_text(path, size) {
            let bytes = self.blob(entry.id)?;
            self.gather.text(path.to_owned(), bytes);
        }
        Ok(())
    }

    /// What lies below `files/`: links are entries there.
    fn locals(&mut self, name: &str, folder: Oid, depth: usize) {
        for (path, entry) in self.entries(name, folder, depth) {
            if let Err(why) = self.local(&path, &entry, depth) {
                self.gather.fault(path, why);
            }
        }
    }

    fn local(&mut self, path: &str, entry: &Entry, depth: usize) -> Result<(), String> {
        if entry.is_folder() {
            self.locals(path, entry.id, depth + 1);
            return Ok(());
        }
        no_module(entry.mode)?;
        let size = self.size(entry.id)?;
        if !self.gather.has_room_for_local(path, size) {
            return Ok(());
        }
        let bytes = self.blob(entry.id)?;
        if entry.mode == LINK {
            self.gather.link(path, &bytes);
        } else {
            self.gather.file(path, bytes, entry.mode == EXECUTABLE);
        }
        Ok(())
    }

    /// A folder's entries by their path in the catalog; what cannot be read is noted.
    fn entries(&mut self, name: &str, id: Oid, depth: usize) -> Vec<(String, Entry)> {
        if depth > MAX_DEPTH {
            let why = format!(
                "folders are nested more than {MAX_DEPTH} deep; does a symbolic link point in a circle?"
            );
            self.gather.fault(name, why);
            return Vec::new();
        }
        let tree = match self.repository.find_tree(id) {
            Ok(tree) => tree,
            Err(error) => {
                self.gather.fault(name, unreadable(&error));
                return Vec::new();
            }
        };
        if !self.gather.may_walk(name, tree.len()) {
            return Vec::new();
        }
        let mut entries = Vec::with_capacity(tree.len());
        for entry in &tree {
            let Ok(file) = entry.name() else {
                let lossy = String::from_utf8_lossy(entry.name_bytes()).into_owned();
                self.gather.fault(below(name, &lossy), "has a name that is not UTF-8");
                continue;
            };
            let path = below(name, file);
            entries
                .push((path, Entry { id: entry.id(), mode: entry.filemode(), path: Vec::new() }));
        }
        entries
    }
}

fn no_module(mode: i32) -> Result<(), String> {
    if mode == MODULE {
        return Err("is a submodule; commit the files themselves".to_owned());
    }
    Ok(())
}

fn unreadable(error: &git2::Error) -> String {
    format!("{UNREADABLE} from the repository: {}", error.message())
}

fn below(folder: &str, name: &str) -> String {
    if folder.is_empty() { name.to_owned() } else { format!("{folder}/{name}") }
}

fn parts(path: &str) -> VecDeque<String> {
    path.split('/').filter(|part| !matches!(*part, "" | ".")).map(str::to_owned).collect()
}
