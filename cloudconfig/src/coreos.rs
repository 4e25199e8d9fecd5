//! What `coreos-cloudinit -validate` (v1.14.0) says of a cloud-config, line by line and in its words.
//!
//! Where it only guesses lines (it looks for the next line with such a key) ours are the true ones. Keys that
//! nobody knows are errors here and warnings there: a machine would go on without what they ask for.

mod keys;
mod rules;

use yaml::{Item, Severity, did_you_mean};

use crate::cloud_init;
use crate::doc::{Doc, below, elements, entries};
use crate::scalar::{Is, Reader};

pub(crate) use keys::{Key, Shape, TOP, find};
pub(crate) use rules::contents;

/// Checks the whole document. `lone`: no key of it is cloud-init's.
pub(crate) fn check(doc: &Doc<'_>, root: &Item, lone: bool) {
    let walk = Walk { doc };
    walk.keys(root, TOP, "", Some(cloud_init::TOP_TYPE));
    rules::check(doc, root, lone);
}

struct Walk<'d, 't> {
    doc: &'d Doc<'t>,
}

type Twin = Option<cloud_init::Type>;

impl Walk<'_, '_> {
    fn keys(&self, item: &Item, keys: &[Key], path: &str, twin: Twin) {
        for entry in entries(item) {
            let name = entry.key.replace('-', "_");
            let top = path.is_empty();
            let path = below(path, &entry.key);
            let other = twin.and_then(|twin| cloud_init::child(twin, &entry.key));
            let Some(key) = find(keys, &name) else {
                let (severity, hint) = self.unknown(&name, keys, twin, (other.is_some(), top));
                let message = format!("unrecognized key \"{name}\"{hint}");
                self.doc.add(entry.key_spot, &path, severity, message);
                continue;
            };
            if let Some(why) = key.deprecated {
                let message = format!("deprecated key \"{name}\" ({why})");
                self.doc.warning(entry.key_spot, &path, message);
            }
            let at = At { name: &name, path: &path, spot: entry.key_spot };
            self.value(&entry.item, key, &at, other);
        }
    }

    /// `taken`: whether cloud-init knows it. `top`: a module that is not known here may exist there, and
    /// cloud-init takes such keys.
    fn unknown(
        &self,
        name: &str,
        keys: &[Key],
        twin: Twin,
        (taken, top): (bool, bool),
    ) -> (Severity, String) {
        if taken {
            return (Severity::Warning, "; a key of cloud-init's, CoreOS leaves it".to_owned());
        }
        if self.doc.is_crowded() {
            return (Severity::Error, String::new());
        }
        let known = keys.iter().flat_map(|key| key.names.split(' '));
        let others = || twin.map_or_else(Vec::new, cloud_init::names);
        let hint = keys::home(name)
            .map(str::to_owned)
            .or_else(|| did_you_mean(name, known))
            .or_else(|| did_you_mean(name, others()));
        match hint {
            Some(hint) => (Severity::Error, format!("; {hint}")),
            None if top => (Severity::Warning, String::new()),
            None => (Severity::Error, String::new()),
        }
    }

    fn value(&self, item: &Item, key: &Key, at: &At<'_>, twin: Twin) {
        self.shape(item, &key.shape, at, twin);
        let Some(valid) = &key.valid else { return };
        let written = self.doc.written(item);
        if !written.is_empty() && !valid.takes(&written) {
            let message = format!("invalid value {written}; {}", valid.hint(&written));
            self.doc.error(at.spot, at.path, message);
        }
    }

    fn shape(&self, item: &Item, shape: &Shape, at: &At<'_>, twin: Twin) {
        let At { name, path, spot } = *at;
        if !fits(self.doc.is(item, Reader::Go), shape) {
            let message = format!("incorrect type for \"{name}\" (want {})", shape.human());
            self.doc.warning(spot, path, message);
            return;
        }
        match shape {
            Shape::Struct(keys) => self.keys(item, keys, path, twin),
            Shape::List(each) => {
                for (number, element) in elements(item).iter().enumerate() {
                    let (name, path) = (format!("{name}[{number}]"), format!("{path}[{number}]"));
                    let at = At { name: &name, path: &path, spot: element.spot };
                    self.shape(element, each, &at, twin.and_then(cloud_init::element));
                }
            }
            _ => {}
        }
    }
}

/// What a value is called: by coreos-cloudinit, and in full; and where it stands.
struct At<'p> {
    name: &'p str,
    path: &'p str,
    spot: yaml::Spot,
}

/// Whether go-yaml can make one of the other.
fn fits(is: Is, shape: &Shape) -> bool {
    let scalar = matches!(is, Is::Text | Is::Date | Is::Int(_) | Is::Float | Is::Bool(_));
    match shape {
        Shape::Text => scalar,
        Shape::Int => matches!(is, Is::Int(Some(_))),
        Shape::Float => matches!(is, Is::Int(_) | Is::Float),
        Shape::Bool => matches!(is, Is::Bool(_)),
        Shape::List(_) => is == Is::List,
        Shape::Struct(_) => is == Is::Map,
    }
}
