//! What is wrong with files: where, what, and what to write instead.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fmt;

use super::{Dialect, SourceFile, Spot, is_json, tree};

/// Faults of one file that are told each with its place: a file of another kind has as many as lines, and
/// each place costs a look at the file.
const TOLD: usize = 100;

/// One thing that is wrong with a file.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Fault {
    /// File, as it was named.
    pub file: String,
    /// Line, from 1; 0 when there is none to show.
    pub line: usize,
    /// Column, from 1.
    pub column: usize,
    /// The key that it is about, if it is about one.
    pub key: Option<String>,
    /// What is wrong.
    pub message: String,
    /// What to do about it.
    pub hint: Option<String>,
}

impl Fault {
    /// A fault of a file as a whole.
    pub fn of_file(file: impl Into<String>, message: impl Into<String>) -> Self {
        let (file, message) = (file.into(), message.into());
        Self { file, line: 1, column: 1, key: None, message, hint: None }
    }

    /// A fault that has no place in a file.
    pub fn without_place(file: impl Into<String>, message: impl Into<String>) -> Self {
        Self { line: 0, ..Self::of_file(file, message) }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.file)?;
        if self.line > 0 {
            write!(f, ":{}:{}", self.line, self.column)?;
        }
        if let Some(key) = &self.key {
            write!(f, ": {key}")?;
        }
        write!(f, ": {}", self.message)?;
        match &self.hint {
            Some(hint) => write!(f, "; {hint}"),
            None => Ok(()),
        }
    }
}

/// Collects faults while files are read. Shared by all readers, so that one fault hides no other.
#[derive(Debug)]
pub struct Faults<'a> {
    files: &'a [SourceFile],
    pub(super) dialect: Dialect,
    list: RefCell<Vec<Fault>>,
    /// Placed faults of each file, those that are only counted with them.
    placed: RefCell<BTreeMap<usize, usize>>,
}

impl<'a> Faults<'a> {
    /// Of these files; [`Spot`]s count them from 0.
    pub fn new(files: &'a [SourceFile], dialect: Dialect) -> Self {
        Self { files, dialect, list: RefCell::default(), placed: RefCell::default() }
    }

    /// Reads file number `index`; a syntax error is noted and gives `None`.
    pub fn read(&self, index: usize) -> Option<tree::Item> {
        let file = self.files.get(index)?;
        let json = self.dialect == Dialect::Catalog && is_json(&file.path);
        tree::parse(index, file, json).map_err(|fault| self.push(fault)).ok()
    }

    /// Notes a fault at a place in a file.
    pub fn add(&self, spot: Spot, key: &str, message: impl Into<String>) {
        self.add_with_hint(spot, key, message, None);
    }

    /// Notes a fault and what to do about it.
    pub fn add_with_hint(
        &self,
        spot: Spot,
        key: &str,
        message: impl Into<String>,
        hint: Option<String>,
    ) {
        let counted_only = self.is_counted_only(spot);
        *self.placed.borrow_mut().entry(spot.file).or_default() += 1;
        if counted_only {
            return;
        }
        let (file, line, column) = self.locate(spot);
        self.push(Fault {
            file: file.to_owned(),
            line,
            column,
            key: Some(key.to_owned()).filter(|key| !key.is_empty()),
            message: message.into(),
            hint,
        });
    }

    /// Whether a fault at this place would only be counted: its file has enough of them.
    pub(super) fn is_counted_only(&self, spot: Spot) -> bool {
        self.placed.borrow().get(&spot.file).is_some_and(|placed| *placed >= TOLD)
    }

    /// Notes a fault that was found by other means.
    pub fn push(&self, fault: Fault) {
        self.list.borrow_mut().push(fault);
    }

    /// All faults in the order of files and lines, each once. Of a file with very many the first ones that
    /// were found, and how many more there are.
    pub fn finish(self) -> Vec<Fault> {
        let mut list = self.list.into_inner();
        list.sort();
        list.dedup();
        for (file, placed) in self.placed.into_inner() {
            let Some(more) = placed.checked_sub(TOLD).filter(|more| *more > 0) else { continue };
            let Some(file) = self.files.get(file) else { continue };
            let behind = list.iter().rposition(|fault| fault.file == file.path);
            let message = format!("and {more} more in this file; is it one of another kind?");
            let more = Fault::without_place(&*file.path, message);
            list.insert(behind.map_or(list.len(), |last| last + 1), more);
        }
        list
    }

    /// File, line and column, both from 1.
    pub fn locate(&self, spot: Spot) -> (&'a str, usize, usize) {
        self.files.get(spot.file).map_or(("", 1, 1), |file| {
            let (line, column) = tree::locate(&file.text, spot.node);
            (file.path.as_str(), line, column)
        })
    }
}

/// "did you mean …?" when a known name is near enough to be what was meant.
pub fn did_you_mean<'k>(word: &str, known: impl IntoIterator<Item = &'k str>) -> Option<String> {
    let limit = word.chars().count().div_ceil(3);
    let word = word.to_lowercase();
    known
        .into_iter()
        .map(|name| (distance(&word, &name.to_lowercase()), name))
        .filter(|(distance, name)| *distance <= limit || (name.len() > 2 && word.starts_with(name)))
        .min()
        .map(|(_, name)| format!("did you mean `{name}`?"))
}

/// Levenshtein's edit distance.
fn distance(a: &str, b: &str) -> usize {
    let mut row: Vec<usize> = (0..=b.chars().count()).collect();
    for (i, x) in a.chars().enumerate() {
        let mut left = i + 1;
        let mut diagonal = i;
        for (y, cell) in b.chars().zip(row.iter_mut().skip(1)) {
            let above = *cell;
            let swap = diagonal + usize::from(x != y);
            *cell = swap.min(above + 1).min(left + 1);
            diagonal = above;
            left = *cell;
        }
        if let Some(first) = row.first_mut() {
            *first = i + 1;
        }
    }
    row.last().copied().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_distance_is_the_number_of_edits() {
        assert_eq!(distance("kitten", "sitting"), 3);
        assert_eq!(distance("", "abc"), 3);
        assert_eq!(distance("", ""), 0);
    }

    #[test]
    fn only_a_near_name_is_offered() {
        let known = ["selector", "metadata"];
        assert_eq!(did_you_mean("selectors", known).as_deref(), Some("did you mean `selector`?"));
        assert_eq!(did_you_mean("Metdata", known).as_deref(), Some("did you mean `metadata`?"));
        assert_eq!(did_you_mean("frobnicate", known), None);
    }
}
