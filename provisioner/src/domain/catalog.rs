//! The catalog: groups, profiles and templates of one snapshot, loaded whole or not at all.
//!
//! [`Catalog::build`] reads a set of files and reports every fault that it finds. What it returns is
//! complete: every group's profile is there, every profile's templates are there and compiled.

mod check;
mod group;
mod index;
mod metadata;
mod profile;
mod select;
mod twice;

use std::collections::BTreeMap;
use std::fmt;
use std::path::Path;

use ignition_butane::LocalFiles;

use super::render::{BootWords, Prepared, TemplateName, Templates};
use yaml::{Dialect, Entry, Faults, Field, Item, Value, did_you_mean};

pub use check::{Checked, check};
pub use group::{Group, Selector};
pub use metadata::Metadata;
pub use profile::{Boot, ConfigKind, ImageRef, Install, Profile};
pub use select::{LabelChange, Ranked, Rule, Selection, Test};
pub use yaml::{Fault, SourceFile};

/// Name of a snapshot: a git commit, or `dir-` and a hash of a directory's content.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CatalogId(String);

impl CatalogId {
    /// Whoever reads the files names them.
    pub fn new(id: impl Into<String>) -> Self {
        Self(id.into())
    }

    /// The id as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for CatalogId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The files of one snapshot.
#[derive(Debug, Clone, Default)]
pub struct Files {
    /// Groups, profiles and templates, in the order of their paths.
    pub sources: Vec<SourceFile>,
    /// What lies below `files/`: Butane's `local:` embeds it.
    pub local: LocalFiles,
}

impl From<Vec<SourceFile>> for Files {
    fn from(sources: Vec<SourceFile>) -> Self {
        Self { sources, local: LocalFiles::new() }
    }
}

/// One snapshot of what users edit.
#[derive(Debug)]
pub struct Catalog {
    id: CatalogId,
    groups: Vec<Group>,
    index: index::Index,
    profiles: BTreeMap<String, Profile>,
    pub(super) templates: Templates,
    pub(super) prepared: Prepared,
    warnings: Vec<Fault>,
}

impl Catalog {
    /// Reads a set of files: `groups/`, `profiles/`, `templates/`, and matchbox's `ignition/`, `cloud/`,
    /// `generic/`. All faults at once, in the order of files and lines.
    pub fn build(id: CatalogId, files: &Files) -> Result<Self, Vec<Fault>> {
        let Files { sources: files, local } = files;
        let faults = Faults::new(files, Dialect::Catalog);
        let mut templates = Templates::compile(files, |fault| faults.push(fault));
        let mut profiles = read_profiles(files, &templates, &faults);
        for profile in profiles.values_mut().flatten() {
            if let Some(boot) = &profile.boot {
                let note = |fault| faults.push(fault);
                let line = |key: &str| {
                    profile.boot_spots.get(key).map_or(1, |spot| faults.locate(*spot).1)
                };
                let words = BootWords::compile(&mut templates, &profile.file, boot, line, note);
                profile.boot_words = words;
            }
        }
        let mut warnings = Vec::new();
        let groups = read_groups(files, &profiles, &faults, |odd| warnings.push(odd));
        let uses = profiles.values().flatten().flat_map(Profile::uses);
        let known = uses.filter(|(name, _)| templates.contains(name));
        let note = |fault| faults.push(fault);
        let prepared =
            Prepared::new(&templates, known, local.clone(), note, |odd| warnings.push(odd));
        let faults = faults.finish();
        if !faults.is_empty() {
            return Err(faults);
        }
        let profiles = profiles.into_iter().filter_map(|(name, profile)| Some((name, profile?)));
        let profiles = profiles.collect();
        let index = index::Index::new(&groups);
        Ok(Self { id, groups, index, profiles, templates, prepared, warnings })
    }

    /// Builds a catalog and renders everything in it once: what serves is complete and can be rendered.
    pub fn load(id: CatalogId, files: &Files) -> Result<Self, Vec<Fault>> {
        let mut catalog = Self::build(id, files)?;
        let Checked { faults, warnings } = check(&catalog);
        if !faults.is_empty() {
            return Err(faults.into_iter().collect());
        }
        catalog.warnings.extend(warnings);
        catalog.warnings.sort();
        catalog.warnings.dedup();
        Ok(catalog)
    }

    /// The snapshot's name.
    pub fn id(&self) -> &CatalogId {
        &self.id
    }

    /// What is odd in files that are sent as they are; [`check`] finds what is odd in the others.
    pub fn warnings(&self) -> &[Fault] {
        &self.warnings
    }

    /// Groups in the order in which they are asked.
    pub fn groups(&self) -> &[Group] {
        &self.groups
    }

    /// Profiles in the order of their names.
    pub fn profiles(&self) -> impl Iterator<Item = &Profile> {
        self.profiles.values()
    }

    /// A profile by its name.
    pub fn profile(&self, name: &str) -> Option<&Profile> {
        self.profiles.get(name)
    }
}

/// Profiles by name; `None` for one that has faults, so that its groups are not blamed for it.
type Profiles = BTreeMap<String, Option<Profile>>;

fn read_profiles(files: &[SourceFile], templates: &Templates, faults: &Faults<'_>) -> Profiles {
    let mut raw: BTreeMap<String, (Item, &str)> = BTreeMap::new();
    let mut profiles = Profiles::new();
    for (index, file) in of_folder(files, "profiles") {
        let Some(item) = faults.read(index) else {
            profiles.insert(stem(&file.path).to_owned(), None);
            continue;
        };
        let name = profile::name_of(&item, &file.path);
        if let Some((_, first)) = raw.get(&name) {
            faults.add(item.spot, "name", format!("profile `{name}` is already in {first}"));
        } else {
            raw.insert(name, (item, &file.path));
        }
    }
    for (name, (_, path)) in &raw {
        let whole = extended(name, &raw, &mut Vec::new(), faults);
        let profile = whole
            .and_then(|item| profile::read(&Field::new(&item, "", faults), name.clone(), path));
        if let Some(profile) = &profile {
            missing_templates(profile, templates, faults);
        }
        profiles.insert(name.clone(), profile);
    }
    profiles
}

fn missing_templates(profile: &Profile, templates: &Templates, faults: &Faults<'_>) {
    for (name, spot) in &profile.templates {
        if !templates.contains(name) {
            let key = name.as_str().split('/').next().unwrap_or_default();
            let hint = did_you_mean(name.as_str(), templates.names().map(TemplateName::as_str));
            let message = format!("there is no template templates/{name}");
            faults.add_with_hint(*spot, key, message, hint);
        }
    }
}

/// A profile's tree over the one that it extends: maps merge, all else replaces.
fn extended(
    name: &str,
    raw: &BTreeMap<String, (Item, &str)>,
    path: &mut Vec<String>,
    faults: &Faults<'_>,
) -> Option<Item> {
    let (item, _) = raw.get(name)?;
    let Some(base_item) = profile::value_of(item, "extends") else {
        return Some(item.clone());
    };
    let base = Field::new(base_item, "extends", faults).text()?;
    path.push(name.to_owned());
    if path.iter().any(|seen| seen == base) {
        let message =
            format!("profiles extend each other in a circle: {} → {base}", path.join(" → "));
        faults.add(base_item.spot, "extends", message);
        return None;
    }
    if !raw.contains_key(base) {
        let hint = did_you_mean(base, raw.keys().map(String::as_str));
        let message = format!("there is no profile `{base}`");
        faults.add_with_hint(base_item.spot, "extends", message, hint);
        return None;
    }
    Some(merged(extended(base, raw, path, faults)?, item.clone()))
}

fn merged(mut base: Item, over: Item) -> Item {
    // What a profile says of its own name and base is not inherited.
    if let Value::Map(entries) = &mut base.value {
        entries.retain(|entry| !matches!(entry.key.as_str(), "id" | "name" | "extends"));
    }
    merged_value(base, over)
}

fn merged_value(base: Item, over: Item) -> Item {
    let (Value::Map(mut below), Value::Map(above)) = (base.value, over.value.clone()) else {
        return over;
    };
    let mut out = Vec::new();
    for entry in above {
        let at = below.iter().position(|old| old.key == entry.key);
        let item = match at.map(|at| below.remove(at)) {
            Some(old) => merged_value(old.item, entry.item),
            None => entry.item,
        };
        out.push(Entry { item, ..entry });
    }
    below.append(&mut out);
    Item { spot: over.spot, value: Value::Map(below) }
}

fn read_groups(
    files: &[SourceFile],
    profiles: &Profiles,
    faults: &Faults<'_>,
    warn: impl FnMut(Fault),
) -> Vec<Group> {
    let mut groups = Vec::new();
    for (index, file) in of_folder(files, "groups") {
        let group = |item| group::read(&Field::new(&item, "", faults), &file.path);
        groups.extend(faults.read(index).and_then(group));
    }
    for group in &groups {
        let profile = profiles.get(&group.profile).and_then(Option::as_ref);
        if group.unbounded && profile.is_some_and(|profile| profile.install.is_some()) {
            let message = format!(
                "without a selector the group takes every machine, and profile `{}` installs on it",
                group.profile
            );
            let hint = Some("write a selector, or `every: true` to mean it".to_owned());
            faults.add_with_hint(group.profile_spot, "profile", message, hint);
        }
        if !profiles.contains_key(&group.profile) {
            let hint = did_you_mean(&group.profile, profiles.keys().map(String::as_str));
            let message = format!("there is no profile `{}`", group.profile);
            faults.add_with_hint(group.profile_spot, "profile", message, hint);
        }
    }
    select::order(&mut groups);
    twice::same_twice(&groups, profiles, faults, warn);
    groups
}

/// The files of a folder that hold YAML or JSON, with their index. Others are noted by nobody: a README may
/// lie beside them.
fn of_folder<'f>(
    files: &'f [SourceFile],
    folder: &str,
) -> impl Iterator<Item = (usize, &'f SourceFile)> {
    files.iter().enumerate().filter(move |(_, file)| {
        let Some((parent, name)) = file.path.split_once('/') else {
            return false;
        };
        let ext = Path::new(name).extension().and_then(|ext| ext.to_str()).unwrap_or_default();
        parent == folder && !name.contains('/') && matches!(ext, "yaml" | "yml" | "json")
    })
}

/// A file's name without folder and extension.
fn stem(path: &str) -> &str {
    Path::new(path).file_stem().and_then(|stem| stem.to_str()).unwrap_or(path)
}

#[cfg(test)]
mod tests;
