//! Which of the two programs a cloud-config is for: by keys that only one of them knows.

use yaml::{Item, Spot};

use crate::World;
use crate::cloud_init;
use crate::coreos::{self, Key, Shape};
use crate::doc::{Doc, below, elements, entries};
use crate::scalar::{Is, Reader};

/// Keys that only one program knows.
#[derive(Debug, Default)]
pub(crate) struct Evidence {
    pub(crate) cloud_init: Vec<(Spot, String)>,
    pub(crate) coreos: Vec<(Spot, String)>,
    coreos_itself: bool,
}

impl Evidence {
    pub(crate) fn of(doc: &Doc<'_>, root: &Item) -> Self {
        let mut walk = Walk { doc, evidence: Self::default() };
        walk.keys(root, coreos::TOP, cloud_init::TOP_TYPE, "");
        let mut evidence = walk.evidence;
        evidence.coreos_itself = evidence.coreos.iter().any(|(_, path)| path == "coreos");
        evidence
    }

    pub(crate) fn world(&self) -> World {
        if self.coreos_itself {
            World::CoreOs
        } else if !self.cloud_init.is_empty() {
            World::CloudInit
        } else if !self.coreos.is_empty() {
            World::CoreOs
        } else {
            World::Both
        }
    }

    /// Says which keys belong to which program, if there are keys of both.
    pub(crate) fn warn_of_a_mix(&self, doc: &Doc<'_>) {
        let (Some((first, _)), Some((other, _))) = (self.cloud_init.first(), self.coreos.first())
        else {
            return;
        };
        let list = |keys: &[(Spot, String)]| {
            let shown = keys.iter().take(5);
            let mut names: Vec<_> =
                shown.map(|(spot, path)| format!("`{path}` (line {})", doc.line(*spot))).collect();
            if keys.len() > names.len() {
                names.push(format!("{} more", keys.len() - names.len()));
            }
            names.join(", ")
        };
        let (of_ci, of_coreos) = (list(&self.cloud_init), list(&self.coreos));
        let message = format!(
            "this mixes two kinds of cloud-config, and no machine obeys both; only cloud-init knows \
             {of_ci}; only CoreOS knows {of_coreos}"
        );
        doc.warning(*first.max(other), "", message);
    }
}

/// Looks a document through in both tables at once.
struct Walk<'d, 't> {
    doc: &'d Doc<'t>,
    evidence: Evidence,
}

impl Walk<'_, '_> {
    fn keys(&mut self, item: &Item, keys: &'static [Key], twin: cloud_init::Type, path: &str) {
        for entry in entries(item) {
            let path = below(path, &entry.key);
            let ours = coreos::find(keys, &entry.key.replace('-', "_"));
            match (ours, cloud_init::child(twin, &entry.key)) {
                (Some(key), Some(twin)) => {
                    self.value(&entry.item, &key.shape, twin, (&path, entry.key_spot));
                }
                (Some(_), None) => self.evidence.coreos.push((entry.key_spot, path)),
                (None, Some(_)) => self.evidence.cloud_init.push((entry.key_spot, path)),
                (None, None) => {}
            }
        }
    }

    fn value(
        &mut self,
        item: &Item,
        shape: &'static Shape,
        twin: cloud_init::Type,
        (path, spot): (&str, Spot),
    ) {
        match (shape, self.doc.is(item, Reader::Python)) {
            (_, Is::Null) => {}
            (Shape::Struct(keys), Is::Map) => self.keys(item, keys, twin, path),
            (Shape::List(each), Is::List) => {
                let Some(twin) = cloud_init::element(twin) else { return };
                for (at, element) in elements(item).iter().enumerate() {
                    self.value(element, each, twin, (&format!("{path}[{at}]"), element.spot));
                }
            }
            // CoreOS wants a list or a map where cloud-init takes a word: `users: [default]`.
            (Shape::Struct(_) | Shape::List(_), is) if cloud_init::fits(is, twin) => {
                self.evidence.cloud_init.push((spot, path.to_owned()));
            }
            _ => {}
        }
    }
}
