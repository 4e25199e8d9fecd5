//! Which group is it? One order for all machines, one answer for all doors.

mod flip;
mod near;

use std::cmp::{Ordering, Reverse};
use std::fmt;

use crate::domain::labels::{Labels, Trust};

use super::{Catalog, Group, Profile};

pub use flip::LabelChange;

/// The group that a machine belongs to, and its profile.
#[derive(Debug, Clone, Copy)]
pub struct Selection<'c> {
    /// The group.
    pub group: &'c Group,
    /// The group's profile.
    pub profile: &'c Profile,
}

/// How a group fared with a machine.
#[derive(Debug, Clone)]
pub struct Ranked<'c> {
    /// The group.
    pub group: &'c Group,
    /// Each of its selectors.
    pub tests: Vec<Test<'c>>,
    /// Whether all of them passed.
    pub passed: bool,
    /// Whether it is the group that the machine belongs to.
    pub chosen: bool,
    /// Whether it passed and has no room.
    pub full: bool,
}

/// How a selector fared with a machine.
#[derive(Debug, Clone)]
pub struct Test<'c> {
    /// The label's key.
    pub key: &'c str,
    /// Any of these values.
    pub wanted: &'c [String],
    /// The machine's value, and how far it can be trusted.
    pub found: Option<(String, Trust)>,
    /// Whether it passed.
    pub passed: bool,
    /// What may have been meant, when it did not pass and looks like a typing error.
    pub hint: Option<String>,
}

/// Why a group is asked before another that passes too.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Rule {
    /// Its priority is higher.
    Priority(i64, i64),
    /// It has more selectors.
    Selectors(usize, usize),
    /// As many, but its selector string is greater.
    Text(String, String),
}

impl Rule {
    /// What puts the first of two groups before the second.
    pub fn between(first: &Group, second: &Group) -> Self {
        if first.priority != second.priority {
            return Self::Priority(first.priority, second.priority);
        }
        match first.selector.len().cmp(&second.selector.len()) {
            Ordering::Equal => Self::Text(first.selector_string(), second.selector_string()),
            _ => Self::Selectors(first.selector.len(), second.selector.len()),
        }
    }
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Priority(first, second) => write!(f, "priority {first} over {second}"),
            Self::Selectors(1, second) => write!(f, "1 selector over {second}"),
            Self::Selectors(first, second) => write!(f, "{first} selectors over {second}"),
            Self::Text(first, second) => write!(f, "{first} sorts after {second}"),
        }
    }
}

/// Puts groups into the order in which they are asked: priority; then as matchbox does, more selectors
/// first, and of as many the greater selector string.
pub(super) fn order(groups: &mut [Group]) {
    groups.sort_by_cached_key(|group| {
        Reverse((
            group.priority,
            group.selector.len(),
            group.selector_string(),
            Reverse(group.name.clone()),
        ))
    });
}

impl Catalog {
    /// The machine's group and profile; `None` when no group wants it.
    pub fn select(&self, labels: &Labels) -> Option<Selection<'_>> {
        let group = self.groups.get(self.index.first(&self.groups, labels)?)?;
        let profile = self.profiles.get(&group.profile)?;
        Some(Selection { group, profile })
    }

    /// As [`Catalog::select`], but passes over groups that are full. `member_of`: the group that the machine
    /// belongs to already, which has room for it; `members`: how many live nodes a group has.
    pub fn select_member(
        &self,
        labels: &Labels,
        member_of: Option<&str>,
        members: impl Fn(&str) -> u32,
    ) -> Option<Selection<'_>> {
        let first = self.select(labels)?;
        if has_room(first.group, member_of, &members) {
            return Some(first);
        }
        let group = self.matching(labels).find(|group| has_room(group, member_of, &members))?;
        Some(Selection { group, profile: self.profiles.get(&group.profile)? })
    }

    /// The groups whose selectors all pass, in the order in which they are asked.
    pub fn matching(&self, labels: &Labels) -> impl Iterator<Item = &Group> {
        let places = self.index.all(&self.groups, labels).into_iter();
        places.filter_map(|place| self.groups.get(place))
    }

    /// Every group in the order in which they are asked, with what each made of the machine.
    pub fn rank(&self, labels: &Labels) -> Vec<Ranked<'_>> {
        self.rank_member(labels, None, |_| 0)
    }

    /// As [`Catalog::rank`], with the room that groups have; see [`Catalog::select_member`].
    pub fn rank_member(
        &self,
        labels: &Labels,
        member_of: Option<&str>,
        members: impl Fn(&str) -> u32,
    ) -> Vec<Ranked<'_>> {
        let mut taken = false;
        let ranked = self.groups.iter().map(|group| {
            let passed = group.matches(labels);
            let full = passed && !has_room(group, member_of, &members);
            let chosen = passed && !full && !taken;
            taken |= chosen;
            Ranked { group, tests: tests(group, labels), passed, chosen, full }
        });
        ranked.collect()
    }
}

fn has_room(group: &Group, member_of: Option<&str>, members: impl Fn(&str) -> u32) -> bool {
    group.quantity.is_none_or(|quantity| {
        member_of == Some(group.name.as_str()) || members(&group.name) < quantity
    })
}

fn tests<'c>(group: &'c Group, labels: &Labels) -> Vec<Test<'c>> {
    let test = |selector: &'c super::Selector| {
        let found = labels.iter().find(|(key, _)| *key == selector.key);
        let passed = selector.matches(labels);
        Test {
            key: &selector.key,
            wanted: &selector.values,
            found: found.map(|(_, label)| (label.value.clone(), label.trust)),
            passed,
            hint: if passed { None } else { near::hint(selector, labels) },
        }
    };
    group.selector.iter().map(test).collect()
}

#[cfg(test)]
mod tests;
