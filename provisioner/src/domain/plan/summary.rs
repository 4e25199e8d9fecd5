//! A plan in one line: "3 nodes change arguments, 1 falls to the default group, 0 reinstalls".

use std::collections::BTreeMap;

use crate::domain::boot;
use crate::domain::catalog::Selection;

use super::Change;
use super::places::Place;
use super::words::count;

/// Counts over all nodes.
#[derive(Debug, Default)]
pub(super) struct Tally {
    arguments: usize,
    to_default: usize,
    to_nothing: usize,
    group: usize,
    profile: usize,
    documents: BTreeMap<String, usize>,
    waiting: usize,
    begin: usize,
    end: usize,
}

impl Tally {
    pub(super) fn note(
        &mut self,
        before: &Place<'_, '_>,
        after: &Place<'_, '_>,
        changes: &[Change],
        boots: &[boot::Plan; 2],
    ) {
        let is_default = |selection: Selection<'_>| selection.group.selector.is_empty();
        let add = |counter: &mut usize, when: bool| *counter += usize::from(when);
        let has = |what: &str| changes.iter().any(|change| change.what == what);
        match (before.selection, after.selection) {
            (Some(_), None) => self.to_nothing += 1,
            (Some(old), Some(new)) if !is_default(old) && is_default(new) => self.to_default += 1,
            _ => {
                add(&mut self.group, has("group") && !has("profile"));
                add(&mut self.profile, has("profile"));
            }
        }
        add(&mut self.arguments, has("kernel args"));
        let [installs_before, installs_after] =
            boots.each_ref().map(|plan| *plan == boot::Plan::Install);
        let another = has("image") || has("disk");
        add(&mut self.waiting, installs_before && installs_after && another);
        add(&mut self.begin, !installs_before && installs_after);
        add(&mut self.end, installs_before && !installs_after);
        for change in changes {
            let facts = ["group", "profile", "kernel args", "image", "disk", "install"];
            if !facts.contains(&change.what.as_str()) {
                *self.documents.entry(change.what.clone()).or_default() += 1;
            }
        }
    }

    pub(super) fn line(&self, compared: usize, changed: usize) -> String {
        if changed == 0 {
            return format!("nothing changes for {}, 0 reinstalls", count(compared, "node"));
        }
        let mut parts = Vec::new();
        let mut part = |number: usize, one: &str, many: &str| {
            if number > 0 {
                let nodes = match (parts.is_empty(), number) {
                    (true, 1) => "1 node".to_owned(),
                    (true, _) => format!("{number} nodes"),
                    (false, _) => number.to_string(),
                };
                parts.push(format!("{nodes} {}", if number == 1 { one } else { many }));
            }
        };
        part(self.arguments, "changes arguments", "change arguments");
        part(self.to_default, "falls to the default group", "fall to the default group");
        part(self.to_nothing, "matches no group", "match no group");
        part(self.profile, "gets another profile", "get another profile");
        part(self.group, "gets another group", "get another group");
        for (what, number) in &self.documents {
            let words = [format!("reads another {what}"), format!("read another {what}")];
            part(*number, &words[0], &words[1]);
        }
        part(self.begin, "begins to be installed", "begin to be installed");
        part(self.end, "is not installed any more", "are not installed any more");
        part(
            self.waiting,
            "that waits for its installation gets another image or disk",
            "that wait for their installation get another image or disk",
        );
        if parts.is_empty() {
            parts.push(format!("{} boot otherwise", count(changed, "node")));
        }
        // What is installed stays until an operator says `reinstall`.
        parts.push("0 reinstalls".to_owned());
        parts.join(", ")
    }
}
