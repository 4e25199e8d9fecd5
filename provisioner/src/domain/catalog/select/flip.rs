//! What would have to be different for another group to win.

use crate::domain::catalog::{Catalog, Group, Selector};
use crate::domain::labels::{Labels, Trust};

/// Most groups that are asked before the wanted one and have to be put off.
const MOST: usize = 3;

/// Choices of values for the wanted group's own selectors that are tried.
const STARTS: usize = 256;

/// Of these so many when others have to be put off, too.
const STARTS_PUTTING_OFF: usize = 8;

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
    /// [`Catalog::select_member`]. `under`: the labels that the machine has below those of operators, which
    /// come to light when a tag is taken away. The answer is tried before it is given.
    pub fn flip(
        &self,
        (labels, under): (&Labels, &Labels),
        group: &Group,
        member_of: Option<&str>,
        members: impl Fn(&str) -> u32,
    ) -> Option<Vec<LabelChange>> {
        let search = Search { catalog: self, under, group, member_of, members: &members };
        let starts = search.starts(labels);
        let found = (0..=MOST).find_map(|puts_off| {
            let most = if puts_off == 0 { STARTS } else { STARTS_PUTTING_OFF };
            starts.iter().take(most).find_map(|wanted| search.won(wanted.clone(), puts_off))
        })?;
        Some(changes(labels, &found))
    }
}

struct Search<'a> {
    catalog: &'a Catalog,
    under: &'a Labels,
    group: &'a Group,
    member_of: Option<&'a str>,
    members: &'a dyn Fn(&str) -> u32,
}

impl Search<'_> {
    /// The labels with which all selectors of the group pass, by each choice of their values.
    fn starts(&self, labels: &Labels) -> Vec<Labels> {
        let mut starts = vec![labels.clone()];
        for selector in self.group.selector.iter().filter(|selector| !selector.matches(labels)) {
            let values = |start: &Labels| {
                let start = start.clone();
                let value = move |value: &String| self.with(&start, &selector.key, value);
                selector.values.iter().map(value)
            };
            starts = starts.iter().flat_map(values).take(STARTS).collect();
        }
        starts
    }

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
        let tries = ways.into_iter().flat_map(|selector| self.against(&labels, selector));
        tries.into_iter().find_map(|labels| self.won(labels, puts_off))
    }

    /// Labels with a value that the selector does not take and the group does.
    fn against(&self, labels: &Labels, selector: &Selector) -> Vec<Labels> {
        let key = selector.key.as_str();
        let ours = self.group.selector.iter().find(|own| own.key == selector.key);
        let values: Vec<&str> = match ours {
            Some(own) => own.values.iter().map(String::as_str).collect(),
            None => vec!["", OTHER],
        };
        let others = values.into_iter().map(|value| self.with(labels, key, value));
        others.filter(|labels| !selector.matches(labels)).collect()
    }

    /// The labels with another value of one of them. An empty one takes it away: from an operator's comes to
    /// light what is below it.
    fn with(&self, labels: &Labels, key: &str, value: &str) -> Labels {
        let mut out = Labels::new();
        for (other, label) in labels.iter().filter(|(other, _)| *other != key) {
            out.insert(other, label.value.as_str(), label.trust);
        }
        let of =
            |labels: &Labels| labels.iter().find(|(own, _)| *own == key).map(|(_, l)| l.clone());
        let tagged = of(labels).is_some_and(|label| label.trust == Trust::Operator);
        match of(self.under).filter(|_| value.is_empty() && tagged) {
            Some(label) => out.insert(key, label.value, label.trust),
            None => out.insert(key, value, Trust::Operator),
        }
        out
    }
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
