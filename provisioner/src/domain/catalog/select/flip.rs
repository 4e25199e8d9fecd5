//! What would have to be different for another group to win.

use crate::domain::catalog::{Catalog, Group, Selector};
use crate::domain::labels::{Labels, Trust};

/// Most groups that are asked before the wanted one and have to be put off.
const MOST: usize = 3;

/// A value that no selector means.
const OTHER: &str = "something-else";

/// A label that would have to be different.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct LabelChange {
    /// Its key.
    pub key: String,
    /// What it is; `None` when it is not set.
    pub from: Option<String>,
    /// What it would have to be; `None`: not set.
    pub to: Option<String>,
}

impl Catalog {
    /// The fewest changes of labels that make this group win, by key; `None` when no few changes do, be it
    /// that it is full or that a group which matches every machine is asked before it. Room as in
    /// [`Catalog::select_member`]. The answer is tried before it is given.
    pub fn flip(
        &self,
        labels: &Labels,
        group: &Group,
        member_of: Option<&str>,
        members: impl Fn(&str) -> u32,
    ) -> Option<Vec<LabelChange>> {
        let mut wanted = labels.clone();
        for selector in group.selector.iter().filter(|selector| !selector.matches(labels)) {
            wanted = with(&wanted, &selector.key, selector.values.first()?);
        }
        let search = Search { catalog: self, group, member_of, members: &members };
        let found = (0..=MOST).find_map(|puts_off| search.won(wanted.clone(), puts_off))?;
        Some(changes(labels, &found))
    }
}

struct Search<'a> {
    catalog: &'a Catalog,
    group: &'a Group,
    member_of: Option<&'a str>,
    members: &'a dyn Fn(&str) -> u32,
}

impl Search<'_> {
    /// Labels by which the group wins, when so many others may be put off by one label each.
    fn won(&self, labels: Labels, puts_off: usize) -> Option<Labels> {
        let winner = self.catalog.select_member(&labels, self.member_of, self.members)?.group;
        if winner.name == self.group.name {
            return Some(labels);
        }
        let puts_off = puts_off.checked_sub(1)?;
        let mut ways: Vec<&Selector> = winner.selector.iter().collect();
        // A machine's names are the last thing to be changed.
        ways.sort_by_key(|selector| matches!(selector.key.as_str(), "mac" | "uuid" | "serial"));
        let tries = ways.into_iter().flat_map(|selector| self.values_against(selector));
        tries
            .map(|(key, value)| with(&labels, key, value))
            .find_map(|labels| self.won(labels, puts_off))
    }

    /// Values that the selector does not take and the group does.
    fn values_against<'s>(&'s self, selector: &'s Selector) -> Vec<(&'s str, &'s str)> {
        let key = selector.key.as_str();
        let ours = self.group.selector.iter().find(|own| own.key == selector.key);
        let values: Vec<&str> = match ours {
            Some(own) => own.values.iter().map(String::as_str).collect(),
            None => vec!["", OTHER],
        };
        let fails = |value: &&str| !selector.matches(&with(&Labels::new(), key, value));
        values.into_iter().filter(fails).map(|value| (key, value)).collect()
    }
}

/// The labels with another value of one of them; an empty one takes it away.
fn with(labels: &Labels, key: &str, value: &str) -> Labels {
    let mut out = Labels::new();
    for (other, label) in labels.iter().filter(|(other, _)| *other != key) {
        out.insert(other, label.value.as_str(), label.trust);
    }
    out.insert(key, value, Trust::Operator);
    out
}

fn changes(from: &Labels, to: &Labels) -> Vec<LabelChange> {
    let keys = from.iter().chain(to.iter()).map(|(key, _)| key);
    let change = |key: &str| LabelChange {
        key: key.to_owned(),
        from: from.get(key).map(str::to_owned),
        to: to.get(key).map(str::to_owned),
    };
    let mut changes: Vec<LabelChange> =
        keys.filter(|key| from.get(key) != to.get(key)).map(change).collect();
    changes.sort();
    changes.dedup();
    changes
}
