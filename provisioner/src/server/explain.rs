//! Why a machine gets what it gets: every group, every selector, who won by which rule, and what would have
//! to be different. Made here once, for the operator's terminal and, cut short, for the machine's screen.

mod short;
mod text;

use std::fmt;

use crate::domain::boot::{self, Plan};
use crate::domain::catalog::{Catalog, Group, LabelChange, Profile, Ranked, Rule, Selection};
use crate::domain::labels::{Labels, Trust};
use crate::domain::node::Node;
use crate::server::app;
use crate::server::order::{self, Library};

pub use short::short;

/// Groups of one kind that are shown in full unless all are asked for.
const SHOWN: usize = 10;

/// What an explanation is made from.
#[derive(Clone, Copy)]
pub struct Around<'a> {
    /// The catalog in force.
    pub catalog: &'a Catalog,
    /// How many live nodes a group has.
    pub members: &'a dyn Fn(&str) -> u32,
    /// Where images are looked for; without one all are taken to be there.
    pub library: Option<Library<'a>>,
    /// Show every group, not the nearest ones only.
    pub all: bool,
}

impl fmt::Debug for Around<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (id, all) = (self.catalog.id(), self.all);
        f.debug_struct("Around").field("catalog", id).field("all", &all).finish_non_exhaustive()
    }
}

/// An explanation.
#[derive(Debug)]
pub struct Explained<'c> {
    /// All of it, for people.
    pub text: String,
    /// Group that selects the machine; empty when none does.
    pub group: String,
    /// The group's profile.
    pub profile: String,
    /// What the machine boots next, and why.
    pub plan: String,
    /// What groups select it by.
    pub labels: Labels,
    /// Groups in the order of the text.
    pub groups: Vec<Shown<'c>>,
    /// Groups that are not in the list.
    pub omitted: usize,
}

/// A group and how it fared.
#[derive(Debug)]
pub struct Shown<'c> {
    /// The group and each of its selectors.
    pub ranked: Ranked<'c>,
    /// Where it ended.
    pub verdict: Verdict,
    /// Live nodes that it has.
    pub members: u32,
    /// By which rule the chosen one is asked before it.
    pub rule: Option<Rule>,
    /// The fewest labels that would make it win, when that was looked for and found.
    pub flip: Option<Vec<LabelChange>>,
}

/// Where a group ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// It is the machine's group.
    Chosen,
    /// It would be, were the chosen one not there.
    RunnerUp,
    /// Its selectors pass, but it has no room.
    Full,
    /// Its selectors pass, but others are asked before it.
    Later,
    /// A selector fails.
    Misses,
}

impl Verdict {
    /// The verdict in a word or two.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Chosen => "chosen",
            Self::RunnerUp => "runner-up",
            Self::Full => "full",
            Self::Later => "later",
            Self::Misses => "misses",
        }
    }
}

/// Explains a known node, as if it had these labels over its own.
pub fn node<'c>(
    around: Around<'c>,
    node: &Node,
    given: impl IntoIterator<Item = (String, String)>,
) -> Explained<'c> {
    let mut bare = node.clone();
    bare.spec.tags.clear();
    let under = bare.labels();
    let (node, laid) = with_labels(node, given);
    let labels = node.labels();
    let member_of = node.status.group.as_deref();
    let selection = around.catalog.select_member(&labels, member_of, around.members);
    let profile = selection.map(|selection| selection.profile);
    let plan = match order::decide(&node, profile, around.library) {
        Plan::Install => "install: its next net boot starts the installer".to_owned(),
        other => other.to_string(),
    };
    let mut head = format!(
        "{} ({}) is {}: {}",
        node.hostname(),
        node.id,
        node.status.state,
        node.status.reason
    );
    if !laid.is_empty() {
        head = format!("{head}\nas if it had the tags {}", laid.join(", "));
    }
    let name = laid.is_empty().then(|| node.hostname());
    explained(around, About { head, name, labels, under, member_of, selection, plan })
}

/// The node with other labels as tags, and those that are not its own.
fn with_labels(
    node: &Node,
    given: impl IntoIterator<Item = (String, String)>,
) -> (Node, Vec<String>) {
    let mut out = node.clone();
    let labels = node.labels();
    let has =
        |key: &str, value: &str| labels.get(key).is_some_and(|own| own.eq_ignore_ascii_case(value));
    let mut laid = Vec::new();
    for (key, value) in given {
        let mac = node.macs().find(|mac| key == "mac" && mac.to_string() == value);
        if mac.is_some() {
            // It boots from this one of its own.
            out.status.boot_mac = mac;
        } else if !value.is_empty() && !has(&key, &value) {
            laid.push(format!("{key}={value:?}"));
            out.spec.tags.insert(key, value);
        }
    }
    laid.sort();
    (out, laid)
}

/// Explains what a machine with these labels would get.
pub fn labels(
    around: Around<'_>,
    given: impl IntoIterator<Item = (String, String)>,
) -> Explained<'_> {
    let mut labels = Labels::new();
    for (key, value) in given {
        labels.insert(key, value, Trust::Claimed);
    }
    let selection = around.catalog.select_member(&labels, None, around.members);
    let plan = match selection {
        None => "local disk: no group's selector matches".to_owned(),
        Some(selection) => match app::purpose(selection.profile) {
            boot::Purpose::Install(_) => match lacks(around, selection.profile) {
                Some(why) => format!("hold: {why}"),
                None => "install, if the node waits for it".to_owned(),
            },
            boot::Purpose::Live => "live".to_owned(),
            boot::Purpose::LocalDisk(_) => "local disk: its profile says so".to_owned(),
            boot::Purpose::Hold(reason) => format!("hold: {reason}"),
        },
    };
    let head = "a machine with these labels".to_owned();
    let under = labels.clone();
    explained(around, About { head, name: None, labels, under, member_of: None, selection, plan })
}

/// What an installation of this profile has to wait for.
fn lacks(around: Around<'_>, profile: &Profile) -> Option<String> {
    around.library?.has(profile.install.as_ref()?).err()
}

/// Whom it is about, and what is known before the groups are looked at.
struct About<'c, 'n> {
    head: String,
    name: Option<String>,
    labels: Labels,
    /// Its labels without those of operators.
    under: Labels,
    member_of: Option<&'n str>,
    selection: Option<Selection<'c>>,
    plan: String,
}

fn explained<'c>(around: Around<'c>, about: About<'c, '_>) -> Explained<'c> {
    let ranked = around.catalog.rank_member(&about.labels, about.member_of, around.members);
    let total = ranked.len();
    let groups = shown(around, &about, ranked);
    let text = text::text(around, &about, &groups, total);
    let name = |pick: fn(&Group) -> &String| {
        about.selection.map(|selection| pick(selection.group).clone()).unwrap_or_default()
    };
    Explained {
        text,
        group: name(|group| &group.name),
        profile: name(|group| &group.profile),
        plan: about.plan,
        labels: about.labels,
        omitted: total - groups.len(),
        groups,
    }
}

/// The groups that are worth showing: the chosen one, the runner-up, full ones, those that come later, and
/// the nearest that miss.
fn shown<'c>(around: Around<'c>, about: &About<'c, '_>, ranked: Vec<Ranked<'c>>) -> Vec<Shown<'c>> {
    let runner_up = ranked.iter().position(|r| r.passed && !r.full && !r.chosen);
    let mut groups: Vec<(usize, Verdict, Ranked<'c>)> = Vec::new();
    for (place, ranked) in ranked.into_iter().enumerate() {
        let verdict = match () {
            () if ranked.chosen => Verdict::Chosen,
            () if ranked.full => Verdict::Full,
            () if Some(place) == runner_up => Verdict::RunnerUp,
            () if ranked.passed => Verdict::Later,
            () => Verdict::Misses,
        };
        groups.push((place, verdict, ranked));
    }
    groups.sort_by_cached_key(|(place, verdict, ranked)| {
        let failed = ranked.tests.iter().filter(|test| !test.passed).count();
        let hinted = ranked.tests.iter().any(|test| test.hint.is_some());
        (*verdict as u8, failed, !hinted, usize::MAX - ranked.tests.len(), *place)
    });
    let mut seen = [0_usize; 5];
    let mut out = Vec::new();
    for (_, verdict, ranked) in groups {
        let Some(count) = seen.get_mut(verdict as usize) else { continue };
        *count += 1;
        if *count <= SHOWN || around.all {
            out.push(judged(around, about, verdict, ranked, *count <= SHOWN));
        }
    }
    out
}

fn judged<'c>(
    around: Around<'c>,
    about: &About<'c, '_>,
    verdict: Verdict,
    ranked: Ranked<'c>,
    look_for_flip: bool,
) -> Shown<'c> {
    let group = ranked.group;
    let flips = matches!(verdict, Verdict::RunnerUp | Verdict::Misses) && look_for_flip;
    let flip = flips
        .then(|| {
            around.catalog.flip(
                (&about.labels, &about.under),
                group,
                about.member_of,
                around.members,
            )
        })
        .flatten();
    let rule = about.selection.filter(|_| matches!(verdict, Verdict::RunnerUp | Verdict::Later));
    let rule = rule.map(|selection| Rule::between(selection.group, group));
    Shown { members: (around.members)(&group.name), ranked, verdict, rule, flip }
}

#[cfg(test)]
mod tests;
