//! The files that a config may embed, found as Butane finds them below its files directory.

use crate::{Local, LocalFiles};

const ESCAPES: &str = "local file path traverses outside the files directory";

/// As Linux has it.
const MOST_LINKS: usize = 40;

/// Looks into the files that were given.
#[derive(Debug, Clone, Copy)]
pub(super) struct Files<'f>(&'f LocalFiles);

/// What a path leads to.
#[derive(Debug)]
enum Found<'f> {
    File(&'f [u8]),
    /// A directory, and its path without links.
    Directory(Vec<String>),
}

/// One entry of a directory, with its path below it.
pub(super) type Entry<'f> = (String, &'f Local);

impl<'f> Files<'f> {
    pub(super) fn new(files: &'f LocalFiles) -> Self {
        Self(files)
    }

    /// What is in a file.
    pub(super) fn read(self, path: &str) -> Result<&'f [u8], String> {
        let parts = parts(path)?;
        let shown = shown(&parts);
        match self.follow(parts) {
            Ok(Found::File(bytes)) => Ok(bytes),
            Ok(Found::Directory(_)) => Err(format!("read {shown}: is a directory")),
            Err(error) => Err(located("open", &shown, error)),
        }
    }

    /// What is in a file of text.
    pub(super) fn read_text(self, path: &str) -> Result<&'f str, String> {
        let bytes = self.read(path)?;
        std::str::from_utf8(bytes).map_err(|error| {
            format!("read {path}: no UTF-8 from byte {} on; it has to be text", error.valid_up_to())
        })
    }

    /// Everything below a directory, in the order in which Go walks it.
    pub(super) fn tree(self, path: &str) -> Result<Vec<Entry<'f>>, String> {
        let parts = parts(path)?;
        let shown = shown(&parts);
        let link = self.0.get(&shown).filter(|entry| matches!(entry, Local::Link(_)));
        match self.follow(parts) {
            Err(error) => Err(located("stat", &shown, error)),
            Ok(Found::File(_)) => Err("root of tree must be a directory".to_owned()),
            Ok(Found::Directory(directory)) => Ok(match link {
                // The walk does not follow links, not even the one that it begins at.
                Some(link) => vec![(".".to_owned(), link)],
                None => self.below(&directory),
            }),
        }
    }

    fn below(self, directory: &[String]) -> Vec<Entry<'f>> {
        let end = if directory.is_empty() { "" } else { "/" };
        let prefix = directory.join("/") + end;
        let inside = self.0.range(prefix.clone()..);
        let inside = inside.map_while(|(path, entry)| Some((path.strip_prefix(&prefix)?, entry)));
        let mut inside: Vec<_> = inside.map(|(path, entry)| (path.to_owned(), entry)).collect();
        inside.sort_by(|(a, _), (b, _)| a.split('/').cmp(b.split('/')));
        inside
    }

    fn is_directory(self, path: &str) -> bool {
        let prefix = format!("{path}/");
        let next = self.0.range(prefix.clone()..).next();
        path.is_empty() || next.is_some_and(|(path, _)| path.starts_with(&prefix))
    }

    fn follow(self, mut parts: Vec<String>) -> Result<Found<'f>, &'static str> {
        parts.reverse();
        let mut at: Vec<String> = Vec::new();
        let mut links = 0;
        while let Some(part) = parts.pop() {
            match part.as_str() {
                "" | "." => continue,
                ".." => {
                    at.pop().ok_or(ESCAPES)?;
                    continue;
                }
                _ => at.push(part),
            }
            match self.0.get(&at.join("/")) {
                Some(Local::File { bytes, .. }) if parts.is_empty() => {
                    return Ok(Found::File(bytes));
                }
                Some(Local::File { .. }) => return Err("not a directory"),
                Some(Local::Link(target)) => {
                    links += 1;
                    if links > MOST_LINKS {
                        return Err("too many levels of symbolic links");
                    }
                    if target.starts_with('/') {
                        return Err(ESCAPES);
                    }
                    at.pop();
                    parts.extend(target.split('/').rev().map(str::to_owned));
                }
                None if self.is_directory(&at.join("/")) => {}
                None => return Err("no such file or directory"),
            }
        }
        Ok(Found::Directory(at))
    }
}

fn shown(parts: &[String]) -> String {
    if parts.is_empty() { ".".to_owned() } else { parts.join("/") }
}

/// As Go words it, but for the name of the files directory.
fn located(action: &str, path: &str, error: &str) -> String {
    if error == ESCAPES { ESCAPES.to_owned() } else { format!("{action} {path}: {error}") }
}

/// The parts of a path below the files directory; `..` is taken away before anything is looked up.
fn parts(path: &str) -> Result<Vec<String>, String> {
    let mut parts: Vec<String> = Vec::new();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => drop(parts.pop().ok_or(ESCAPES)?),
            _ => parts.push(part.to_owned()),
        }
    }
    Ok(parts)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(text: &str) -> Local {
        Local::File { bytes: text.as_bytes().into(), executable: false }
    }

    fn files(entries: &[(&str, Local)]) -> LocalFiles {
        entries.iter().map(|(path, entry)| ((*path).to_owned(), entry.clone())).collect()
    }

    #[test]
    fn links_are_followed_inside_of_the_files_directory_only() {
        let files = files(&[
            ("a/file", file("x")),
            ("near", Local::Link("a/file".into())),
            ("dir", Local::Link("a".into())),
            ("a/up", Local::Link("../near".into())),
            ("out", Local::Link("../secret".into())),
            ("root", Local::Link("/etc/shadow".into())),
            ("loop", Local::Link("loop".into())),
        ]);
        let files = Files::new(&files);
        for path in ["a/file", "near", "dir/file", "a/up", "./a/../near", "/a/file"] {
            assert_eq!(files.read(path), Ok(&b"x"[..]), "{path}");
        }
        for path in ["out", "root", "../secret", "a/../../secret"] {
            assert_eq!(files.read(path), Err(ESCAPES.to_owned()), "{path}");
        }
        assert_eq!(files.read("loop"), Err("open loop: too many levels of symbolic links".into()));
        assert_eq!(files.read("no"), Err("open no: no such file or directory".into()));
        assert_eq!(files.read("a"), Err("read a: is a directory".into()));
        assert_eq!(files.read("near/x"), Err("open near/x: not a directory".into()));
    }

    #[test]
    fn a_tree_is_walked_directory_by_directory() {
        let files = files(&[
            ("t/a-b", file("1")),
            ("t/a/c", file("2")),
            ("t/b", Local::Link("a".into())),
            ("t2", file("3")),
            ("u", Local::Link("t".into())),
        ]);
        let names = |path| {
            let entries = Files::new(&files).tree(path).unwrap();
            entries.into_iter().map(|(name, _)| name).collect::<Vec<_>>()
        };
        assert_eq!(names("t"), ["a/c", "a-b", "b"]);
        assert_eq!(names("u"), ["."]);
        assert_eq!(names("."), ["t/a/c", "t/a-b", "t/b", "t2", "u"]);
        assert_eq!(Files::new(&files).tree("t2").unwrap_err(), "root of tree must be a directory");
        assert_eq!(
            Files::new(&files).tree("no").unwrap_err(),
            "stat no: no such file or directory"
        );
    }
}
