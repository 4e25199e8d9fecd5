//! The explanation as text: deterministic, plain, one fact in a line.

use std::fmt::Write as _;

use crate::domain::catalog::{Group, LabelChange};
use crate::domain::labels::Trust;

use super::{About, Around, Shown, Verdict};

/// Keys that no tag should take the place of.
const NAMES: [&str; 3] = ["mac", "uuid", "serial"];

// Writing to a string cannot fail, so what `write!` says is not looked at.

pub(super) fn text(
    around: Around<'_>,
    about: &About<'_, '_>,
    groups: &[Shown<'_>],
    total: usize,
) -> String {
    let catalog = around.catalog.id();
    let mut out = format!("{}\nnext boot: {}\ncatalog: {catalog}\n", about.head, about.plan);
    labels(&mut out, about);
    let of = |verdict: Verdict| groups.iter().filter(move |shown| shown.verdict == verdict);
    out.push('\n');
    if about.selection.is_none() {
        let _ = writeln!(out, "no group of {total} selects this machine");
    }
    for shown in of(Verdict::Chosen) {
        let _ = writeln!(out, "chosen: {}", title(shown.ranked.group));
        tests(&mut out, shown);
        if let Some((second, rule)) = groups.iter().find_map(|s| Some((s, s.rule.as_ref()?))) {
            let second = &second.ranked.group.name;
            let _ = writeln!(out, "  asked before {second}: {rule}");
        }
    }
    leaves(&mut out, about);
    for shown in of(Verdict::RunnerUp) {
        let _ = writeln!(out, "\nrunner-up: {}", title(shown.ranked.group));
        tests(&mut out, shown);
        wins(&mut out, about, shown);
    }
    least(&mut out, about, groups);
    section(&mut out, "full, so passed over", of(Verdict::Full), |_, _| ());
    section(&mut out, "matching, but asked later", of(Verdict::Later), |_, _| ());
    let nearest = if around.all { "not matching" } else { "not matching, the nearest first" };
    section(&mut out, nearest, of(Verdict::Misses), |out, shown| wins(out, about, shown));
    if let Some(more) = total.checked_sub(groups.len()).filter(|more| *more > 0) {
        let _ = writeln!(out, "\n{more} more of {total} groups; --all shows them");
    }
    out
}

/// Membership is what was recorded at the last net boot.
fn leaves(out: &mut String, about: &About<'_, '_>) {
    let chosen = about.selection.map(|selection| selection.group.name.as_str());
    if let Some(group) = about.member_of.filter(|group| Some(*group) != chosen) {
        let _ = writeln!(out, "  counts as one of {group} until it asks at its next net boot");
    }
}

fn labels(out: &mut String, about: &About<'_, '_>) {
    out.push_str(
        "\nlabels (claimed: the machine says so; observed: seen on the network; operator: a tag)\n",
    );
    if about.labels.is_empty() {
        out.push_str("  none\n");
    }
    for (key, label) in about.labels.iter() {
        let _ = writeln!(out, "  {key} = {:?} ({})", label.value, label.trust);
    }
}

fn section<'a, 'c: 'a>(
    out: &mut String,
    heading: &str,
    groups: impl Iterator<Item = &'a Shown<'c>>,
    mut more: impl FnMut(&mut String, &Shown<'c>),
) {
    for (number, shown) in groups.enumerate() {
        if number == 0 {
            let _ = writeln!(out, "\n{heading}:");
        }
        let _ = writeln!(out, "{}", title(shown.ranked.group));
        tests(out, shown);
        more(out, shown);
    }
}

fn title(group: &Group) -> String {
    format!("{} → profile {} ({})", group.name, group.profile, group.file)
}

fn tests(out: &mut String, shown: &Shown<'_>) {
    if shown.ranked.tests.is_empty() {
        out.push_str("  no selector: matches every machine\n");
    }
    for test in &shown.ranked.tests {
        let verdict = if test.passed { "pass" } else { "FAIL" };
        let found = match &test.found {
            Some((value, trust)) => format!("{value:?} ({trust})"),
            None => "not set".to_owned(),
        };
        let wanted: Vec<String> = test.wanted.iter().map(|value| format!("{value:?}")).collect();
        let _ =
            writeln!(out, "  {verdict}  {} wants {}, is {found}", test.key, wanted.join(" or "));
        if let Some(hint) = &test.hint {
            let _ = writeln!(out, "        {hint}");
        }
    }
    if let Some(quantity) = shown.ranked.group.quantity {
        let verdict = if shown.ranked.full { "FULL" } else { "room" };
        let counted =
            if shown.ranked.full { ", each until it asks at its next net boot" } else { "" };
        let _ = writeln!(out, "  {verdict}  {} of {quantity} nodes{counted}", shown.members);
    }
}

fn wins(out: &mut String, about: &About<'_, '_>, shown: &Shown<'_>) {
    match &shown.flip {
        Some(changes) => {
            let _ = writeln!(out, "  wins with {}", changed(changes));
        }
        None if about.selection.is_some() => {
            out.push_str("  no few labels make it win: others are asked first, or it is full\n");
        }
        None => {}
    }
}

/// The least change, and what to do for it when tags can.
fn least(out: &mut String, about: &About<'_, '_>, groups: &[Shown<'_>]) {
    let flips = groups.iter().filter_map(|shown| Some((shown, shown.flip.as_ref()?)));
    let least = flips.min_by_key(|(_, changes)| (changes.len(), tags(about, changes).is_none()));
    let Some((shown, changes)) = least else { return };
    let _ = writeln!(out, "\nleast change: {} → {}", changed(changes), shown.ranked.group.name);
    if let (Some(name), Some(tags)) = (&about.name, tags(about, changes)) {
        let _ = writeln!(out, "  mayuctl tag {name} {}", tags.join(" "));
    }
}

/// The changes as tags, when they can be made by tags and typed into any shell.
fn tags(about: &About<'_, '_>, changes: &[LabelChange]) -> Option<Vec<String>> {
    let plain = |c: char| c.is_ascii_alphanumeric() || "._:/-".contains(c);
    let is_tag = |key: &str| {
        about.labels.iter().any(|(own, label)| own == key && label.trust == Trust::Operator)
    };
    let tag = |change: &LabelChange| {
        let LabelChange { key, to, .. } = change;
        if !key.chars().all(plain) {
            return None;
        }
        // Without its tag it is again what it claims to be, or nothing.
        if is_tag(key) && about.under.get(key) == to.as_deref() {
            return Some(format!("{key}-"));
        }
        let value = to.as_ref().filter(|_| !NAMES.contains(&key.as_str()))?;
        value.chars().all(plain).then(|| format!("{key}={value}"))
    };
    changes.iter().map(tag).collect()
}

fn changed(changes: &[LabelChange]) -> String {
    let one = |change: &LabelChange| {
        let is = change.from.as_ref();
        let is = is.map_or_else(|| "is not set".to_owned(), |value| format!("is {value:?}"));
        match &change.to {
            Some(value) => format!("{}={value:?} ({is})", change.key),
            None => format!("no {} ({is})", change.key),
        }
    };
    changes.iter().map(one).collect::<Vec<_>>().join(", ")
}
