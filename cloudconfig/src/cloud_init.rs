//! What cloud-init says of a cloud-config: the errors of its JSON schema (22.4 of Debian 12; what later
//! versions added is known too), for a line of the file.

mod daemons;
mod keys;
mod system;

use yaml::{Item, Severity, Spot, did_you_mean};

use crate::doc::{Doc, FINDINGS, Found, below, elements, entries, shown};
use crate::scalar::{Is, Reader};

pub(crate) use keys::TOP_TYPE;

/// What a value may be.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Type {
    Any,
    Null,
    Bool,
    Int,
    Num,
    Text,
    /// The mode of a file: octal, in quotes.
    Mode,
    /// One of these texts, blanks between.
    Words(&'static str),
    /// Text: what it has to be, for people; and whether it is.
    Like(&'static str, fn(&str) -> bool),
    List(&'static Type),
    /// At least one.
    List1(&'static Type),
    /// None of them twice.
    Set(&'static Type),
    /// At least and at most so many.
    Sized(&'static Type, usize, usize),
    /// A map of these keys and no others.
    Map(&'static [Key]),
    /// A map of these keys and others.
    Open(&'static [Key]),
    /// A map of any keys.
    Each(&'static Type),
    /// A map that has a key at least.
    Full(&'static Type),
    Either(&'static [Type]),
    /// From this version on.
    From(&'static str, &'static Type),
}

/// Keys of one type, blanks between their names.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Key {
    Opt(&'static str, Type),
    Need(&'static str, Type),
    /// Not to be used any more; what instead.
    Old(&'static str, Type, &'static str),
    /// From this version on.
    New(&'static str, Type, &'static str),
    /// One of these has to be there.
    AnyOf(&'static str),
}

impl Key {
    fn names(self) -> impl Iterator<Item = &'static str> {
        let (Self::Opt(names, _)
        | Self::Need(names, _)
        | Self::Old(names, ..)
        | Self::New(names, ..)
        | Self::AnyOf(names)) = self;
        names.split_ascii_whitespace()
    }

    fn ty(self) -> Option<Type> {
        match self {
            Self::Opt(_, ty) | Self::Need(_, ty) | Self::Old(_, ty, _) | Self::New(_, ty, _) => {
                Some(ty)
            }
            Self::AnyOf(_) => None,
        }
    }
}

fn find(keys: &[Key], name: &str) -> Option<(Key, Type)> {
    let mut with_type = keys.iter().filter_map(|key| Some((*key, key.ty()?)));
    with_type.find(|(key, _)| key.names().any(|known| known == name))
}

/// What a key of such a map may be; `None` when there is no such key.
pub(crate) fn child(ty: Type, key: &str) -> Option<Type> {
    match ty {
        Type::Map(keys) => find(keys, key).map(|(_, ty)| ty),
        Type::Open(keys) => Some(find(keys, key).map_or(Type::Any, |(_, ty)| ty)),
        Type::Each(ty) => Some(*ty),
        Type::From(_, ty) | Type::Full(ty) => child(*ty, key),
        Type::Either(types) => types.iter().find_map(|ty| child(*ty, key)),
        _ => None,
    }
}

/// What an element of such a list may be.
pub(crate) fn element(ty: Type) -> Option<Type> {
    match ty {
        Type::List(ty) | Type::List1(ty) | Type::Set(ty) | Type::Sized(ty, ..) => Some(*ty),
        Type::From(_, ty) => element(*ty),
        Type::Either(types) => types.iter().find_map(|ty| element(*ty)),
        _ => None,
    }
}

/// The names of the keys of such a map.
pub(crate) fn names(ty: Type) -> Vec<&'static str> {
    match ty {
        Type::Map(keys) | Type::Open(keys) => keys.iter().flat_map(|key| key.names()).collect(),
        Type::From(_, ty) | Type::Full(ty) => names(*ty),
        Type::Either(types) => types.iter().flat_map(|ty| names(*ty)).collect(),
        _ => Vec::new(),
    }
}

/// Whether a value is of the right kind, whatever is in it.
pub(crate) fn fits(is: Is, ty: Type) -> bool {
    match ty {
        Type::Any => true,
        Type::Null => is == Is::Null,
        Type::Bool => matches!(is, Is::Bool(_)),
        Type::Int => matches!(is, Is::Int(_)),
        Type::Num => matches!(is, Is::Int(_) | Is::Float),
        Type::Mode => matches!(is, Is::Int(_) | Is::Text),
        Type::Text | Type::Words(_) | Type::Like(..) => is == Is::Text,
        Type::List(_) | Type::List1(_) | Type::Set(_) | Type::Sized(..) => is == Is::List,
        Type::Map(_) | Type::Open(_) | Type::Each(_) => is == Is::Map,
        Type::Either(types) => types.iter().any(|ty| fits(is, *ty)),
        Type::From(_, ty) | Type::Full(ty) => fits(is, *ty),
    }
}

/// What is wrong with the keys at the top; `only`: which of them to look at.
pub(crate) fn check(doc: &Doc<'_>, root: &Item, only: impl Fn(&str) -> bool) -> Vec<Found> {
    let mut check = Check { doc, found: Vec::new() };
    let Type::Map(keys) = TOP_TYPE else { return check.found };
    for entry in entries(root).into_iter().filter(|entry| only(&entry.key)) {
        check.key(entry, keys, "", true);
    }
    check.found
}

struct Check<'d, 't> {
    doc: &'d Doc<'t>,
    found: Vec<Found>,
}

impl Check<'_, '_> {
    fn add(&mut self, severity: Severity, spot: Spot, path: &str, message: impl Into<String>) {
        let (path, message) = (path.to_owned(), message.into());
        self.found.push(Found { spot, path, severity, message });
    }

    fn error(&mut self, spot: Spot, path: &str, message: impl Into<String>) {
        self.add(Severity::Error, spot, path, message);
    }

    fn value(&mut self, item: &Item, ty: Type, path: &str, spot: Spot) {
        let is = self.doc.is(item, Reader::Python);
        if let Type::Either(types) = ty {
            return self.either(item, is, types, path, spot);
        }
        if !fits(is, ty) {
            let scalar = matches!(is, Is::Bool(_) | Is::Int(_) | Is::Float | Is::Date);
            let hint = if scalar && fits(Is::Text, ty) { "; put it in quotes" } else { "" };
            let message = format!("{} is not of type '{}'{hint}", shown(item, is), name_of(ty));
            return self.error(spot, path, message);
        }
        match ty {
            Type::Mode => self.mode(item, is, path, spot),
            Type::Words(words) => self.word(item, is, words, path, spot),
            Type::Like(what, like) if !like(&self.doc.written(item)) => {
                self.error(spot, path, format!("{} is not {what}", shown(item, is)));
            }
            Type::List(ty) => self.list(item, *ty, (0, usize::MAX), path, spot),
            Type::List1(ty) => self.list(item, *ty, (1, usize::MAX), path, spot),
            Type::Sized(ty, least, most) => self.list(item, *ty, (least, most), path, spot),
            Type::Set(ty) => {
                self.list(item, *ty, (0, usize::MAX), path, spot);
                self.unique(item, path);
            }
            Type::Map(keys) => self.map(item, keys, path, true),
            Type::Open(keys) => self.map(item, keys, path, false),
            Type::Each(ty) => self.each(item, *ty, path),
            Type::Full(_) if entries(item).is_empty() => {
                self.error(spot, path, "{} does not have enough properties; leave it out");
            }
            Type::Full(ty) => self.value(item, *ty, path, spot),
            Type::From(version, ty) => {
                self.add(Severity::Warning, spot, path, since(version));
                self.value(item, *ty, path, spot);
            }
            _ => {}
        }
    }

    fn each(&mut self, item: &Item, ty: Type, path: &str) {
        for entry in entries(item) {
            self.value(&entry.item, ty, &below(path, &entry.key), entry.key_spot);
        }
    }

    /// What the first type says that takes the value. When none does: of a list or a map what the nearest type
    /// finds inside of it, of anything else what is wanted.
    fn either(&mut self, item: &Item, is: Is, types: &[Type], path: &str, spot: Spot) {
        let errors = |found: &[Found]| {
            found.iter().filter(|found| found.severity == Severity::Error).count()
        };
        let mut tried: Vec<Vec<Found>> = Vec::new();
        for ty in types.iter().filter(|ty| fits(is, **ty)) {
            let mut check = Check { doc: self.doc, found: Vec::new() };
            check.value(item, *ty, path, spot);
            tried.push(check.found);
        }
        // Types of maps are told apart by a word in them.
        let other =
            |found: &[Found]| found.iter().any(|found| found.message.contains(" is not one of "));
        let nearest = tried.into_iter().min_by_key(|found| (other(found), errors(found)));
        let inside = matches!(is, Is::List | Is::Map);
        match nearest {
            Some(found) if inside || errors(&found) == 0 => self.found.extend(found),
            _ => {
                let wanted: Vec<_> = types.iter().map(|ty| wanted(*ty)).collect();
                let shown = shown(item, is);
                let wanted = wanted.join(" or ");
                let message =
                    format!("{shown} is not valid under any of the given schemas; write {wanted}");
                self.error(spot, path, message);
            }
        }
    }

    /// A plain `0644` is a number, which cloud-init takes for the mode and its schema does not.
    fn mode(&mut self, item: &Item, is: Is, path: &str, spot: Spot) {
        let written = self.doc.written(item);
        let shown = shown(item, is);
        if is == Is::Text {
            let digits = written.trim();
            let digits = digits.strip_prefix("0o").unwrap_or(digits);
            if digits.is_empty() || digits.len() > 5 || !digits.chars().all(|c| c.is_digit(8)) {
                let message = format!("{shown} is no mode; write it in octal, such as '0644'");
                self.error(spot, path, message);
            }
        } else if written.starts_with('0') {
            let message = format!(
                "{shown} is not of type 'string'; it works, but write '{written}' in quotes"
            );
            self.add(Severity::Warning, spot, path, message);
        } else {
            let message = format!(
                "{shown} is not of type 'string'; to cloud-init it is a decimal number, write '0{written}'"
            );
            self.error(spot, path, message);
        }
    }

    fn word(&mut self, item: &Item, is: Is, words: &'static str, path: &str, spot: Spot) {
        let written = self.doc.written(item);
        let known: Vec<_> = words.split_ascii_whitespace().collect();
        if !known.contains(&written.as_str()) {
            let hint = did_you_mean(&written, known.iter().copied());
            let hint = hint.map_or_else(String::new, |hint| format!("; {hint}"));
            let message =
                format!("{} is not one of {known:?}{hint}", shown(item, is)).replace('"', "'");
            self.error(spot, path, message);
        }
    }

    fn list(
        &mut self,
        item: &Item,
        ty: Type,
        (least, most): (usize, usize),
        path: &str,
        spot: Spot,
    ) {
        let elements = elements(item);
        let shown = || shown(item, Is::List);
        if elements.len() < least {
            self.error(spot, path, format!("{} is too short; at least {least} wanted", shown()));
        } else if elements.len() > most {
            self.error(spot, path, format!("{} is too long; at most {most} wanted", shown()));
        }
        for (at, element) in elements.iter().enumerate() {
            self.value(element, ty, &format!("{path}[{at}]"), element.spot);
        }
    }

    fn unique(&mut self, item: &Item, path: &str) {
        let mut seen = std::collections::HashSet::new();
        for (at, element) in elements(item).iter().enumerate() {
            let written = self.doc.written(element);
            if !written.is_empty() && !seen.insert(written.clone()) {
                let message = format!("has non-unique elements; {written:?} is there twice");
                self.error(element.spot, &format!("{path}[{at}]"), message);
            }
        }
    }

    fn map(&mut self, item: &Item, keys: &'static [Key], path: &str, closed: bool) {
        let given = entries(item);
        let has = |name: &str| given.iter().any(|entry| entry.key == name);
        for key in keys {
            match *key {
                Key::Need(..) => {
                    for name in key.names().filter(|name| !has(name)) {
                        self.error(item.spot, path, format!("'{name}' is a required property"));
                    }
                }
                Key::AnyOf(names) if !key.names().any(has) => {
                    let names = names.replace(' ', "' or '");
                    self.error(item.spot, path, format!("'{names}' is a required property"));
                }
                _ => {}
            }
        }
        for entry in given {
            self.key(entry, keys, path, closed);
        }
    }

    fn key(&mut self, entry: &yaml::Entry, keys: &'static [Key], path: &str, closed: bool) {
        let name = &entry.key;
        let top = path.is_empty();
        let (path, spot) = (below(path, name), entry.key_spot);
        let Some((key, ty)) = find(keys, name) else {
            if closed {
                let known = keys.iter().flat_map(|key| key.names());
                let crowded = self.found.len() > FINDINGS;
                let hint = if crowded { None } else { did_you_mean(name, known) };
                // At the top a module that is not known here may own it.
                let own_module = top && hint.is_none() && !crowded;
                let severity = if own_module { Severity::Warning } else { Severity::Error };
                let hint = hint.map_or_else(String::new, |hint| format!("; {hint}"));
                let message = format!(
                    "Additional properties are not allowed ('{name}' was unexpected){hint}"
                );
                self.add(severity, spot, &path, message);
            }
            return;
        };
        match key {
            Key::Old(_, _, instead) => {
                let message = format!("'{name}' is deprecated; {instead}");
                self.add(Severity::Warning, spot, &path, message);
            }
            Key::New(_, _, version) => self.add(Severity::Warning, spot, &path, since(version)),
            _ => {}
        }
        self.value(&entry.item, ty, &path, spot);
    }
}

fn since(version: &str) -> String {
    format!("cloud-init knows this from version {version} on; Debian 12 has 22.4")
}

/// As JSON schema calls it.
fn name_of(ty: Type) -> &'static str {
    match ty {
        Type::Any => "anything",
        Type::Null => "null",
        Type::Bool => "boolean",
        Type::Int => "integer",
        Type::Num => "number",
        Type::Text | Type::Mode | Type::Like(..) => "string",
        Type::Words(words) => words,
        Type::List(_) | Type::List1(_) | Type::Set(_) | Type::Sized(..) => "array",
        Type::Map(_) | Type::Open(_) | Type::Each(_) => "object",
        Type::From(_, ty) | Type::Full(ty) => name_of(*ty),
        Type::Either(_) => "one of several",
    }
}

/// As people call it.
fn wanted(ty: Type) -> String {
    match ty {
        Type::Any => "anything".to_owned(),
        Type::Null => "nothing".to_owned(),
        Type::Bool => "true or false".to_owned(),
        Type::Int => "a whole number".to_owned(),
        Type::Num => "a number".to_owned(),
        Type::Text | Type::Mode => "text".to_owned(),
        Type::Like(what, _) => what.to_owned(),
        Type::Words(words) => format!("'{}'", words.replace(' ', "' or '")),
        Type::List(_) | Type::List1(_) | Type::Set(_) | Type::Sized(..) => "a list".to_owned(),
        Type::Map(_) | Type::Open(_) | Type::Each(_) => "a map".to_owned(),
        Type::From(_, ty) | Type::Full(ty) => wanted(*ty),
        Type::Either(types) => types.iter().map(|ty| wanted(*ty)).collect::<Vec<_>>().join(" or "),
    }
}
