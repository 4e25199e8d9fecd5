//! Drivers: which modules a device asks for, and in which order they go in.
//!
//! The tables are depmod's (kmod's `modules.alias`, `modules.dep`, `modules.softdep`). This file is
//! pure; [`load`] walks `/sys` and hands the modules to the kernel.

use std::collections::{BTreeMap, BTreeSet};

pub mod load;

/// depmod's tables, read.
#[derive(Debug, Default)]
pub struct Tables {
    /// Pattern and module, by the pattern's bus (what stands before its first colon).
    aliases: BTreeMap<String, Vec<(String, String)>>,
    /// Module to its file and the files that it needs, as modules.dep has them.
    files: BTreeMap<String, (String, Vec<String>)>,
    soft: BTreeMap<String, Soft>,
}

#[derive(Debug, Default)]
struct Soft {
    before: Vec<String>,
    after: Vec<String>,
}

/// A module to load.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// Name with underscores.
    pub name: String,
    /// File below the modules directory.
    pub file: String,
}

impl Tables {
    /// Reads the three tables. Lines that are not understood are left out.
    pub fn read(alias: &str, dep: &str, softdep: &str) -> Self {
        let mut tables = Self::default();
        for line in alias.lines() {
            if let ["alias", pattern, module] = words(line)[..] {
                let entry = (pattern.to_owned(), plain(module));
                tables.aliases.entry(bus(pattern)).or_default().push(entry);
            }
        }
        for line in dep.lines() {
            if let Some((file, needs)) = line.split_once(':') {
                let needs = needs.split_ascii_whitespace().map(str::to_owned).collect();
                tables.files.insert(name_of(file), (file.to_owned(), needs));
            }
        }
        for line in softdep.lines() {
            if let ["softdep", module, rest @ ..] = &words(line)[..] {
                tables.soft.entry(plain(module)).or_default().add(rest);
            }
        }
        tables
    }

    /// Number of modules that can be loaded.
    pub fn len(&self) -> usize {
        self.files.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.files.is_empty()
    }

    /// Modules that a device with this modalias asks for, each followed from its dependencies.
    pub fn wanted(&self, modalias: &str) -> Vec<Step> {
        let mut order = Order::default();
        for module in self.matching(modalias) {
            self.visit(&module, &mut order);
        }
        order.steps
    }

    /// A module by name or alias, as the kernel asks for it (`request_module`), after all it needs.
    pub fn named(&self, name: &str) -> Vec<Step> {
        let mut order = Order::default();
        self.visit_named(name, &mut order);
        order.steps
    }

    fn matching(&self, alias: &str) -> Vec<String> {
        // A pattern may start with a wildcard, then it has no bus of its own.
        [bus(alias), String::new()]
            .iter()
            .filter_map(|bus| self.aliases.get(bus))
            .flatten()
            .filter(|(pattern, _)| matches(pattern.as_bytes(), alias.as_bytes()))
            .map(|(_, module)| module.clone())
            .collect()
    }

    fn visit(&self, module: &str, order: &mut Order) {
        if !order.seen.insert(module.to_owned()) {
            return;
        }
        let Some((file, needs)) = self.files.get(module) else {
            return;
        };
        let soft = self.soft.get(module);
        self.visit_soft(soft.map(|soft| &soft.before), order);
        // modules.dep lists the deepest dependency last.
        for need in needs.iter().rev() {
            self.visit(&name_of(need), order);
        }
        order.steps.push(Step { name: module.to_owned(), file: file.clone() });
        self.visit_soft(soft.map(|soft| &soft.after), order);
    }

    fn visit_named(&self, name: &str, order: &mut Order) {
        let module = plain(name);
        if self.files.contains_key(&module) {
            return self.visit(&module, order);
        }
        for module in self.matching(name) {
            self.visit(&module, order);
        }
    }

    /// A soft dependency is a module or an alias (`crypto-crc32c`), or built in and so in no table.
    fn visit_soft(&self, names: Option<&Vec<String>>, order: &mut Order) {
        for name in names.into_iter().flatten() {
            self.visit_named(name, order);
        }
    }
}

impl Soft {
    fn add(&mut self, words: &[&str]) {
        let mut before = true;
        for word in words {
            match *word {
                "pre:" => before = true,
                "post:" => before = false,
                name if before => self.before.push(name.to_owned()),
                name => self.after.push(name.to_owned()),
            }
        }
    }
}

#[derive(Default)]
struct Order {
    seen: BTreeSet<String>,
    steps: Vec<Step>,
}

/// Shell pattern with `*`, `?` and `[…]`, as fnmatch(3) without flags.
fn matches(pattern: &[u8], text: &[u8]) -> bool {
    // Only the last star need be retried, so the time is at most |pattern| × |text|.
    let (mut p, mut t) = (pattern, text);
    let mut retry: Option<(&[u8], &[u8])> = None;
    loop {
        if let Some((b'*', rest)) = p.split_first() {
            retry = Some((rest, t));
            p = rest;
            continue;
        }
        let step = match t.split_first() {
            None if p.is_empty() => return true,
            None => return false,
            Some((byte, rest)) => one(p, *byte).map(|p| (p, rest)),
        };
        if let Some(next) = step {
            (p, t) = next;
        } else if let Some((after, [_, rest @ ..])) = retry {
            retry = Some((after, rest));
            (p, t) = (after, rest);
        } else {
            return false;
        }
    }
}

/// Matches one byte; gives the rest of the pattern.
fn one(pattern: &[u8], byte: u8) -> Option<&[u8]> {
    match pattern.split_first()? {
        (b'?', rest) => Some(rest),
        (b'[', rest) => set(rest, byte),
        (own, rest) => (*own == byte).then_some(rest),
    }
}

/// A set after its `[`: single bytes and ranges, `!` first turns it round.
fn set(pattern: &[u8], byte: u8) -> Option<&[u8]> {
    let end = pattern.iter().position(|b| *b == b']')?;
    let (mut members, rest) = (pattern.get(..end)?, pattern.get(end + 1..)?);
    let turned = members.first() == Some(&b'!');
    if turned {
        members = members.get(1..)?;
    }
    let mut found = false;
    while let Some((first, more)) = members.split_first() {
        members = if let [b'-', last, tail @ ..] = more {
            found |= (*first..=*last).contains(&byte);
            tail
        } else {
            found |= *first == byte;
            more
        };
    }
    (found != turned).then_some(rest)
}

fn words(line: &str) -> Vec<&str> {
    line.split_ascii_whitespace().collect()
}

/// Names differ in dashes and underscores between tables; the kernel takes them for the same.
fn plain(module: &str) -> String {
    module.replace('-', "_")
}

/// `kernel/drivers/net/virtio_net.ko.xz` is `virtio_net`.
fn name_of(file: &str) -> String {
    let base = file.rsplit('/').next().unwrap_or(file);
    plain(base.split_once(".ko").map_or(base, |(name, _)| name))
}

fn bus(pattern: &str) -> String {
    let bus = pattern.split_once(':').map_or(pattern, |(bus, _)| bus);
    if bus.contains(['*', '?', '[']) {
        return String::new();
    }
    bus.to_owned()
}

#[cfg(test)]
mod tests;
