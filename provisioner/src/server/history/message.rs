//! A transition as a commit object: who, when, what, and trailers that a program can read back.

use super::pack::Id;
use crate::domain::node::BootId;
use crate::server::store::Transition;

/// Longest value of a header or trailer, in characters: one that is longer is cut.
const LONGEST: usize = 500;

/// The commit object of a transition.
pub(super) fn commit(transition: &Transition, tree: &Id, parent: Option<&Id>) -> String {
    let seconds = transition.time.0 / 1000;
    let actor = one_line(&transition.actor);
    let parent = parent.map_or_else(String::new, |id| format!("parent {}\n", hex::encode(id)));
    format!(
        "tree {tree}\n\
         {parent}\
         author {name} <{mailbox}@provisioner> {seconds} +0000\n\
         committer provisioner <provisioner@provisioner> {seconds} +0000\n\n\
         {subject}\n\n\
         {trailers}",
        tree = hex::encode(tree),
        name = ident(&actor),
        mailbox = mailbox(&actor),
        subject = or_unsaid(one_line(&transition.subject), "(no subject)"),
        trailers = trailers(transition, &actor),
    )
}

fn trailers(transition: &Transition, actor: &str) -> String {
    let boot = transition.boot.as_ref().map(BootId::as_str);
    let number = transition.number.to_string();
    let trailers = [
        (ACTOR, actor),
        (CAUSE, &one_line(&transition.cause)),
        (BOOT, boot.unwrap_or_default()),
        (CATALOG, &one_line(&transition.catalog)),
        (NODE, transition.node.id.as_str()),
        (NUMBER, &number),
    ];
    let said = trailers.iter().filter(|(_, value)| !value.is_empty());
    let lines: Vec<String> = said.map(|(key, value)| format!("{key}: {value}\n")).collect();
    lines.concat()
}

/// Trailer: who did it.
pub(super) const ACTOR: &str = "Actor";
/// Trailer: why.
pub(super) const CAUSE: &str = "Cause";
/// Trailer: boot session.
pub(super) const BOOT: &str = "Boot";
/// Trailer: catalog in force.
pub(super) const CATALOG: &str = "Catalog";
/// Trailer: node id.
pub(super) const NODE: &str = "Node";
/// Trailer: the transition's number.
pub(super) const NUMBER: &str = "Transition";

/// A trailer's value out of a commit message: only the last paragraph counts.
pub(super) fn trailer<'m>(message: &'m str, key: &str) -> Option<&'m str> {
    let (_, trailers) = message.trim_end().rsplit_once("\n\n")?;
    trailers.lines().find_map(|line| {
        let (name, value) = line.split_once(": ")?;
        (name == key).then_some(value)
    })
}

/// One line of text, so that no value can pass for a header or a trailer of its own.
fn one_line(text: &str) -> String {
    let line_break = |c: char| c.is_control() || matches!(c, '\u{2028}' | '\u{2029}');
    let spaced: String =
        text.chars().map(|c| if line_break(c) { ' ' } else { c }).take(LONGEST).collect();
    spaced.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn or_unsaid(text: String, unsaid: &str) -> String {
    if text.is_empty() { unsaid.to_owned() } else { text }
}

/// A name as git allows it: no angle brackets, and nothing at its ends that git would strip.
fn ident(actor: &str) -> String {
    let name: String = actor.chars().filter(|c| !matches!(c, '<' | '>')).collect();
    let crud = |c: char| c == ' ' || ".,:;\"\\'".contains(c);
    or_unsaid(name.trim_matches(crud).to_owned(), "unknown")
}

/// The actor's last word as the local part of an address: `operator root` is `root@provisioner`.
fn mailbox(actor: &str) -> String {
    let word = actor.split(' ').next_back().unwrap_or_default();
    let safe = |c: &char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    or_unsaid(word.chars().filter(safe).collect(), "unknown")
}
