//! Groups that nothing, or only the order of their texts, tells apart.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use yaml::{Fault, Faults};

use super::{Group, Profiles};

/// By name, or by priority and selector; and a machine that is named in two groups of one rank. `warn` is told of
/// what may be meant.
pub(super) fn same_twice(
    groups: &[Group],
    profiles: &Profiles,
    faults: &Faults<'_>,
    warn: impl FnMut(Fault),
) {
    let mut names: BTreeMap<&str, &Group> = BTreeMap::new();
    let mut selectors: BTreeMap<(i64, String), &Group> = BTreeMap::new();
    for group in groups {
        if let Some(first) = names.insert(&group.name, group) {
            let message = format!("group `{}` is already in {}", group.name, first.file);
            faults.add(group.name_spot, "name", message);
        }
        let selector = (group.priority, group.selector_string());
        if let Some(first) = selectors.insert(selector, group) {
            let message = format!(
                "group `{}` in {} selects the same machines, so nothing says which one wins",
                first.name, first.file
            );
            let hint = Some("change a selector, or give one a higher `priority`".to_owned());
            faults.add_with_hint(group.selector_spot, "selector", message, hint);
        }
    }
    machines_twice(groups, profiles, faults, warn);
}

/// Labels that name one machine.
const NAMES_ONE: [&str; 3] = ["mac", "uuid", "serial"];

/// A machine that two groups of one priority and number of selectors name: a slip of copying, and a fault
/// where one of the groups installs.
fn machines_twice(
    groups: &[Group],
    profiles: &Profiles,
    faults: &Faults<'_>,
    mut warn: impl FnMut(Fault),
) {
    let installs = |group: &Group| {
        profiles
            .get(&group.profile)
            .is_some_and(|p| p.as_ref().is_some_and(|p| p.install.is_some()))
    };
    let mut seen: HashMap<(i64, usize, &str, &str), Vec<&Group>> = HashMap::new();
    let mut told: BTreeSet<(&str, &str)> = BTreeSet::new();
    // In the order of files, so that the later one is blamed.
    let mut in_order: Vec<&Group> = groups.iter().collect();
    in_order.sort_by(|a, b| a.file.cmp(&b.file));
    for group in in_order {
        let rank = (group.priority, group.selector.len());
        for selector in &group.selector {
            if !NAMES_ONE.contains(&selector.key.to_ascii_lowercase().as_str()) {
                continue;
            }
            for value in selector.normalised().iter().filter(|value| !value.is_empty()) {
                let others = seen.entry((rank.0, rank.1, &selector.key, value)).or_default();
                let other = others.iter().find(|other| {
                    other.selector_string() != group.selector_string() && may_meet(other, group)
                });
                if let Some(other) = other
                    && told.insert((&other.file, &group.file))
                {
                    let message = format!(
                        "{} {value} is in group `{}` in {} as well, and only the order of their texts \
                         says which one wins; take it out of one, or give one a higher `priority`",
                        selector.key, other.name, other.file
                    );
                    let key = format!("selector.{}", selector.key);
                    if installs(group) || installs(other) {
                        faults.add(group.selector_spot, &key, message);
                    } else {
                        let (_, line, column) = faults.locate(group.selector_spot);
                        let fault = Fault::of_file(&*group.file, message);
                        warn(Fault { line, column, key: Some(key), ..fault });
                    }
                }
                others.push(group);
            }
        }
    }
}

/// Whether a machine can pass both: no label is wanted with different values.
fn may_meet(a: &Group, b: &Group) -> bool {
    a.selector.iter().all(|one| {
        let other = b.selector.iter().find(|other| other.key.eq_ignore_ascii_case(&one.key));
        other.is_none_or(|other| one.normalised().iter().any(|v| other.normalised().contains(v)))
    })
}
