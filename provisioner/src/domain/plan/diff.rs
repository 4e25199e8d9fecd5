//! Documents that differ, counted and shown.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::sync::Arc;

use similar::{ChangeTag, TextDiff};

use crate::domain::catalog::CatalogId;
use crate::domain::render::What;

use super::Change;
use super::words::count;

/// Comparisons that are kept: many nodes read the very same document.
const KEPT: usize = 512;
/// Bytes of a diff that somebody still reads.
const MOST: usize = 16 << 20;
/// Nodes that a heading names.
const NAMED: usize = 5;

/// A document, that it cannot be made, or that there is none.
pub(super) type Text = Option<Result<Arc<str>, String>>;

/// What differs, once for each different change.
#[derive(Debug)]
pub(super) struct Diffs {
    wanted: bool,
    compared: HashMap<(Arc<str>, Arc<str>), Compared>,
    /// In the order in which they were found.
    shown: Vec<Shown>,
    places: HashMap<(String, Arc<str>), usize>,
}

#[derive(Debug, Clone)]
struct Compared {
    added: usize,
    removed: usize,
    hunks: Arc<str>,
}

#[derive(Debug)]
struct Shown {
    what: String,
    hunks: Arc<str>,
    nodes: Vec<String>,
}

impl Diffs {
    pub(super) fn new(wanted: bool) -> Self {
        let (compared, places) = (HashMap::new(), HashMap::new());
        Self { wanted, compared, shown: Vec::new(), places }
    }

    /// Takes down that a node's document changes.
    pub(super) fn note(&mut self, node: &str, what: &What, before: &Text, after: &Text) -> Change {
        let (old, new) = (content(before), content(after));
        let compared = self.compare(old, new);
        let what = what.to_string();
        if self.wanted {
            let key = (what.clone(), Arc::clone(&compared.hunks));
            let place = *self.places.entry(key).or_insert(self.shown.len());
            match self.shown.get_mut(place) {
                Some(shown) => shown.nodes.push(node.to_owned()),
                None => self.shown.push(Shown {
                    what: what.clone(),
                    hunks: Arc::clone(&compared.hunks),
                    nodes: vec![node.to_owned()],
                }),
            }
        }
        let Compared { added, removed, .. } = compared;
        let after = format!("{} (+{added} -{removed})", in_words(after));
        Change { what, before: in_words(before), after }
    }

    fn compare(&mut self, old: Arc<str>, new: Arc<str>) -> Compared {
        let key = (old, new);
        if let Some(known) = self.compared.get(&key) {
            return known.clone();
        }
        let diff = TextDiff::from_lines(&*key.0, &*key.1);
        let (mut added, mut removed) = (0, 0);
        for change in diff.iter_all_changes() {
            match change.tag() {
                ChangeTag::Insert => added += 1,
                ChangeTag::Delete => removed += 1,
                ChangeTag::Equal => {}
            }
        }
        let hunks = if self.wanted { diff.unified_diff().to_string() } else { String::new() };
        let compared = Compared { added, removed, hunks: hunks.into() };
        if self.compared.len() < KEPT {
            self.compared.insert(key, compared.clone());
        }
        compared
    }

    /// All of it as one unified diff.
    pub(super) fn text(mut self, old: &CatalogId, new: &CatalogId) -> String {
        self.shown.sort_by(|a, b| (&a.what, &a.nodes).cmp(&(&b.what, &b.nodes)));
        let mut out = String::new();
        for (done, shown) in self.shown.iter().enumerate() {
            if out.len() > MOST {
                let more = count(self.shown.len() - done, "more document");
                let _ = writeln!(out, "# {more} would change; this diff is long enough");
                break;
            }
            let first = shown.nodes.first().map(String::as_str).unwrap_or_default();
            let _ = writeln!(out, "# {}: {}", shown.what, named(&shown.nodes));
            let _ = writeln!(out, "--- {first}/{}\t{old}", shown.what);
            let _ = writeln!(out, "+++ {first}/{}\t{new}", shown.what);
            out.extend(shown.hunks.chars().flat_map(visible));
        }
        out
    }
}

/// A document may hold what a machine said: it is shown on terminals, so nothing in it is a command there.
fn visible(c: char) -> impl Iterator<Item = char> {
    let hidden = c.is_control() && c != '\n' && c != '\t';
    let escaped = hidden.then(|| c.escape_default()).into_iter().flatten();
    escaped.chain((!hidden).then_some(c))
}

fn content(text: &Text) -> Arc<str> {
    match text {
        None => "".into(),
        Some(Ok(text)) => Arc::clone(text),
        Some(Err(fault)) => format!("{fault}\n").into(),
    }
}

fn in_words(text: &Text) -> String {
    match text {
        None => "none".to_owned(),
        Some(Ok(text)) => count(text.lines().count(), "line"),
        Some(Err(fault)) => format!("fault: {fault}"),
    }
}

fn named(nodes: &[String]) -> String {
    let named: Vec<&str> = nodes.iter().take(NAMED).map(String::as_str).collect();
    match nodes.len().saturating_sub(NAMED) {
        0 => named.join(", "),
        more => format!("{} and {more} more", named.join(", ")),
    }
}
