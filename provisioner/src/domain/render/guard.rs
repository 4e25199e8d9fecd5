//! What a template may not do, found when it is loaded.

pub(super) mod quotes;
pub(super) mod yaml;

use super::includes::Include;

/// Line, and what is wrong there.
pub(super) type Wrong = (usize, String);

/// `{{{x}}}` and `{{&x}}` would write a value as it is.
pub(super) fn escaped_only(text: &str) -> Result<(), Wrong> {
    let raw = |found: &&Action<'_>| {
        let inner = found.inner.trim_start_matches(|c: char| c == '~' || c.is_whitespace());
        inner.starts_with(['{', '&'])
    };
    match all_actions(text).iter().find(raw) {
        None => Ok(()),
        Some(found) => {
            let message = "`{{{x}}}` and `{{&x}}` leave values as they are, which could add lines here; \
                           use {{x}}, {{quote x}} or {{json x}}";
            Err((found.line, message.to_owned()))
        }
    }
}

/// `indent` writes whole lines: safe only where every line at its depth is text, which is in a block scalar.
pub(super) fn indent_in_block_scalars(text: &str) -> Result<(), Wrong> {
    let lines: Vec<&str> = text.lines().collect();
    for (at, line) in lines.iter().enumerate() {
        for (column, _) in line.match_indices("{{") {
            let (before, action) = line.split_at(column);
            let action = action.trim_start_matches('{');
            let Some(arguments) = action.trim_start_matches([' ', '~']).strip_prefix("indent ")
            else {
                continue;
            };
            let by = arguments.split_whitespace().next().and_then(|by| by.parse().ok());
            let fits = before.bytes().all(|b| b == b' ')
                && by == Some(before.len())
                && !action.contains('~');
            if !fits || !in_block_scalar(lines.get(..at).unwrap_or_default(), before.len()) {
                let message = "`{{indent 4 x}}` stands behind exactly 4 blanks, in a block scalar (`key: |`); \
                               elsewhere use {{x}} or {{json x}}";
                return Err((at + 1, message.to_owned()));
            }
        }
    }
    Ok(())
}

/// `{{screen x}}` of iPXE writes several words: harmless only where all words are shown.
pub(super) fn screen_text(text: &str) -> Result<(), Wrong> {
    const SHOWS: [&str; 5] = ["echo", "item", "menu", "prompt", "choose"];
    for (at, line) in text.lines().enumerate() {
        let calls = line.split("{{").skip(1);
        let shows = line.split_whitespace().next().is_some_and(|word| SHOWS.contains(&word));
        let is_text = |call: &str| call.trim_start_matches([' ', '~', '(']).starts_with("screen ");
        if !shows && calls.clone().any(is_text) {
            let message = "`{{screen x}}` writes several words: it stands behind `echo`, `item` or `menu`; \
                           elsewhere use {{x}} for one word or {{urlencode x}} inside of a URL";
            return Err((at + 1, message.to_owned()));
        }
    }
    Ok(())
}

/// Whether the line above that stands further left opens a block scalar (YAML 1.2 section 8.1).
fn in_block_scalar(above: &[&str], depth: usize) -> bool {
    let depth_of = |line: &str| line.len() - line.trim_start_matches(' ').len();
    let header = above.iter().rev().find(|line| !line.trim().is_empty() && depth_of(line) < depth);
    let last = header.and_then(|line| line.split_whitespace().last()).unwrap_or_default();
    matches!(last, "|" | "|-" | "|+" | ">" | ">-" | ">+")
}

/// Deepest nesting of blocks and brackets: the parser works on the stack.
const MAX_DEPTH: usize = 50;

/// Blocks in blocks and brackets in brackets, but not without end.
pub(super) fn not_too_deep(text: &str) -> Result<(), Wrong> {
    let mut blocks: usize = 0;
    for (line, action) in actions(text) {
        match action.chars().next() {
            Some('#') => blocks += 1,
            Some('/') => blocks = blocks.saturating_sub(1),
            _ => {}
        }
        if blocks > MAX_DEPTH || action.matches(['(', '[']).count() > MAX_DEPTH {
            return Err((line, format!("nested more than {MAX_DEPTH} deep")));
        }
    }
    Ok(())
}

/// The templates that this one includes by `{{> NAME}}`. Other ways to include are refused: who includes whom must
/// be plain before anything is rendered.
pub(super) fn includes(text: &str) -> Result<Vec<Include>, Wrong> {
    let mut out = Vec::new();
    for found in all_actions(text) {
        let (line, action) = (found.line, found.action());
        let refused = ["*", "#*", "#>"].iter().any(|sign| action.starts_with(sign));
        let name = action.strip_prefix('>').map(|rest| {
            let rest = rest.trim_start();
            rest.split([' ', '\n', '\t', '~']).next().unwrap_or_default().trim_matches(['"', '\''])
        });
        if refused || name.is_some_and(|name| name.is_empty() || name.starts_with(['(', '@'])) {
            let message = format!(
                "`{{{{{action}}}}}` is not understood; include a template by its name: {{{{> NAME}}}}"
            );
            return Err((line, message));
        }
        let before = text.get(..found.begin).unwrap_or_default();
        let moved_in = before.ends_with([' ', '\t']);
        out.extend(name.map(|name| Include { line, name: name.to_owned(), moved_in }));
    }
    Ok(out)
}

/// Whether a template calls a helper by itself, not within another call.
pub(super) fn calls(text: &str, helper: &str) -> bool {
    all_actions(text).iter().any(|found| found.called() == helper)
}

/// One `{{…}}`, comments left out.
#[derive(Debug)]
pub(super) struct Action<'t> {
    /// Where it begins and ends in the text, in bytes, braces included.
    begin: usize,
    end: usize,
    line: usize,
    /// What stands behind the first two braces.
    inner: &'t str,
}

impl<'t> Action<'t> {
    fn action(&self) -> &'t str {
        let odd = |c: char| c == '~' || c.is_whitespace();
        self.inner.trim_start_matches('{').trim_start_matches(odd).trim_end_matches(odd)
    }

    /// Its first word: a helper's name, or a path.
    fn called(&self) -> &'t str {
        let action = self.action();
        let action = action.strip_prefix("else ").unwrap_or(action);
        let sign = |c: char| c.is_whitespace() || "#^~([\"'".contains(c);
        let action = action.trim_start_matches(sign);
        let end = |c: char| c.is_whitespace() || "~)]\"'}".contains(c);
        action.split(end).next().unwrap_or_default()
    }
}

fn actions(text: &str) -> impl Iterator<Item = (usize, &str)> {
    all_actions(text).into_iter().map(|found| (found.line, found.action()))
}

fn all_actions(text: &str) -> Vec<Action<'_>> {
    let mut out = Vec::new();
    let (mut line, mut from) = (1, 0);
    while let Some((before, after)) = text.get(from..).and_then(|rest| rest.split_once("{{")) {
        line += before.matches('\n').count();
        let begin = from + before.len();
        let skipped = after.len() - after.trim_start_matches(['{', '~', ' ', '\t', '\n']).len();
        let comment = after.get(skipped..).filter(|inner| inner.starts_with('!'));
        // A long comment ends with two dashes, a short one as everything else does.
        let close = match comment {
            Some(comment) if comment.starts_with("!--") => "--",
            _ => "}}",
        };
        let look = if close == "--" { skipped + 3 } else { 0 };
        let length = after.get(look..).and_then(|rest| rest.find(close)).map(|at| at + look);
        let inner = after.get(..length.unwrap_or(after.len())).unwrap_or_default();
        let end = text.len().min(begin + 2 + inner.len() + close.len());
        if comment.is_none() {
            out.push(Action { begin, end, line, inner });
        }
        line += inner.matches('\n').count();
        from = end;
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escaping_cannot_be_switched_off() {
        for wrong in [
            "a: {{{x}}}",
            "a: {{&x}}",
            "a: {{ &x }}",
            "a: {{~& x}}",
            "a: {{~{x}~}}",
            "a: {{ {x} }}",
            "a: {{\t&x}}",
            "a: {{\n&x}}",
        ] {
            assert!(escaped_only(wrong).is_err(), "{wrong}");
        }
        assert_eq!(escaped_only("a: {{x}} && b"), Ok(()));
    }

    #[test]
    fn includes_are_found_with_their_lines() {
        let text = "{{!-- {{> no}} --}}\n{{> a/b.yaml}} {{x}}\n{{~> c key=1 ~}}\n{{! {{> no}}";
        let found = includes(text).unwrap();
        let told: Vec<_> = found.iter().map(|found| (found.line, found.name.as_str())).collect();
        assert_eq!(told, [(2, "a/b.yaml"), (3, "c")]);
        for wrong in [
            "{{> (lookup . 'x')}}",
            "{{#> a}}{{/a}}",
            "{{> @partial-block}}",
            "{{#*inline 'x'}}{{/inline}}",
        ] {
            assert!(includes(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn what_is_nested_without_end_is_refused_before_it_is_parsed() {
        assert!(not_too_deep(&"{{#if a}}".repeat(100_000)).is_err());
        assert!(not_too_deep(&format!("{{{{json {}}}}}", "(".repeat(100_000))).is_err());
        assert_eq!(not_too_deep(&"{{#if a}}{{/if}}".repeat(100)), Ok(()));
    }

    #[test]
    fn indent_is_for_block_scalars_at_their_own_depth() {
        for right in [
            "a: |\n  {{indent 2 x}}\n",
            "- a:\n    b: >-\n      text\n      {{ indent 6 (json x)}}\n",
        ] {
            assert_eq!(indent_in_block_scalars(right), Ok(()), "{right}");
        }
        let wrong = [
            "a: {{indent 2 x}}\n",
            "a:\n  {{indent 2 x}}\n",
            "a: |\n  {{indent 0 x}}\n",
            "a: |\n  {{indent n x}}\n",
            "a: |\n  {{~indent 2 x}}\n",
            "a: |\n  b {{indent 2 x}}\n",
            "{{indent 0 x}}\n",
        ];
        for wrong in wrong {
            assert!(indent_in_block_scalars(wrong).is_err(), "{wrong}");
        }
    }
}
