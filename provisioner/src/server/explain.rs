//! Why a machine gets what it gets, in words: every group, every selector, and what it boots next.

use std::fmt::Write as _;

use crate::domain::boot::{self, Plan};
use crate::domain::catalog::{Catalog, Ranked};
use crate::domain::labels::{Labels, Trust};
use crate::domain::node::Node;
use crate::server::app;

/// An explanation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Explained {
    /// All of it, for people.
    pub text: String,
    /// Group that selects the machine; empty when none does.
    pub group: String,
    /// The group's profile.
    pub profile: String,
    /// What the machine boots next, and why.
    pub plan: String,
}

/// Explains a known node.
pub fn node(catalog: &Catalog, node: &Node) -> Explained {
    let labels = node.labels();
    let purpose = catalog.select(&labels).map(|selection| app::purpose(selection.profile));
    let plan = boot::decide(node, purpose);
    let head = format!(
        "{} ({}) is {}: {}",
        node.hostname(),
        node.id,
        node.status.state,
        node.status.reason
    );
    explained(catalog, &labels, &head, plan_text(&plan))
}

/// Explains what a machine with these labels would get.
pub fn labels(catalog: &Catalog, given: impl IntoIterator<Item = (String, String)>) -> Explained {
    let mut labels = Labels::new();
    for (key, value) in given {
        labels.insert(key, value, Trust::Claimed);
    }
    let plan = match catalog.select(&labels) {
        None => "local disk: no group's selector matches".to_owned(),
        Some(selection) => match app::purpose(selection.profile) {
            boot::Purpose::Install(_) => "install, if the node waits for it".to_owned(),
            boot::Purpose::Live => "live".to_owned(),
            boot::Purpose::LocalDisk(_) => "local disk: its profile says so".to_owned(),
            boot::Purpose::Hold(reason) => format!("hold: {reason}"),
        },
    };
    explained(catalog, &labels, "a machine with these labels", plan)
}

fn plan_text(plan: &Plan) -> String {
    match plan {
        Plan::Install => "install: its next net boot starts the installer".to_owned(),
        other => other.to_string(),
    }
}

fn explained(catalog: &Catalog, labels: &Labels, head: &str, plan: String) -> Explained {
    let ranked = catalog.rank(labels);
    let chosen = ranked.iter().find(|ranked| ranked.chosen);
    let group = chosen.map(|ranked| ranked.group.name.clone()).unwrap_or_default();
    let profile = chosen.map(|ranked| ranked.group.profile.clone()).unwrap_or_default();
    let mut text = format!("{head}\nnext boot: {plan}\ncatalog: {}\n\nlabels:\n", catalog.id());
    for (key, label) in labels.iter() {
        // Writing to a string cannot fail.
        let _ = writeln!(text, "  {key} = {:?} ({})", label.value, label.trust);
    }
    text.push_str("\ngroups, in the order in which they are asked:\n");
    for ranked in &ranked {
        text.push_str(&verdict(ranked));
    }
    Explained { text, group, profile, plan }
}

fn verdict(ranked: &Ranked<'_>) -> String {
    let mark = match (ranked.chosen, ranked.passed) {
        (true, _) => "chosen",
        (false, true) => "matches, but comes later",
        (false, false) => "does not match",
    };
    let group = ranked.group;
    let mut text = format!("  {} → profile {}: {mark}\n", group.name, group.profile);
    if ranked.tests.is_empty() {
        text.push_str("    no selector: matches every machine\n");
    }
    for test in &ranked.tests {
        let verdict = if test.passed { "pass" } else { "FAIL" };
        let found = match &test.found {
            Some((value, trust)) => format!("{value:?} ({trust})"),
            None => "not set".to_owned(),
        };
        let wanted = test.wanted.join(" or ");
        let _ = writeln!(text, "    {verdict}  {} wants {wanted:?}, is {found}", test.key);
    }
    text
}
