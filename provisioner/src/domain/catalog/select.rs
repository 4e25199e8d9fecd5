//! Which group is it? One order for all machines, one answer for all doors.

use std::cmp::Reverse;

use crate::domain::labels::{Labels, Trust};

use super::{Catalog, Group, Profile};

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
        let has_room = |group: &Group| {
            group.quantity.is_none_or(|quantity| {
                member_of == Some(group.name.as_str()) || members(&group.name) < quantity
            })
        };
        let first = self.select(labels)?;
        if has_room(first.group) {
            return Some(first);
        }
        let all = self.index.all(&self.groups, labels).into_iter();
        let group = all.filter_map(|place| self.groups.get(place)).find(|group| has_room(group))?;
        Some(Selection { group, profile: self.profiles.get(&group.profile)? })
    }

    /// Every group in the order in which they are asked, with what each made of the machine.
    pub fn rank(&self, labels: &Labels) -> Vec<Ranked<'_>> {
        let mut taken = false;
        let ranked = self.groups.iter().map(|group| {
            let passed = group.matches(labels);
            let chosen = passed && !taken;
            taken |= passed;
            Ranked { group, tests: tests(group, labels), passed, chosen }
        });
        ranked.collect()
    }
}

fn tests<'c>(group: &'c Group, labels: &Labels) -> Vec<Test<'c>> {
    let test = |selector: &'c super::Selector| {
        let found = labels.iter().find(|(key, _)| *key == selector.key);
        Test {
            key: &selector.key,
            wanted: &selector.values,
            found: found.map(|(_, label)| (label.value.clone(), label.trust)),
            passed: selector.matches(labels),
        }
    };
    group.selector.iter().map(test).collect()
}
