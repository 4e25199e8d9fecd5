//! What a template may not do, found when it is loaded.

/// Line, and what is wrong there.
pub(super) type Wrong = (usize, String);

/// `{{{x}}}` and `{{&x}}` would write a value as it is.
pub(super) fn escaped_only(text: &str) -> Result<(), Wrong> {
    for (at, line) in text.lines().enumerate() {
        let opens = line.split("{{").skip(1);
        if line.contains("{{{")
            || opens.clone().any(|rest| rest.trim_start_matches([' ', '~']).starts_with('&'))
        {
            let message = "`{{{x}}}` and `{{&x}}` leave values as they are, which could add lines here; \
                           use {{x}}, {{quote x}} or {{json x}}";
            return Err((at + 1, message.to_owned()));
        }
    }
    Ok(())
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

/// The templates that this one includes by `{{> NAME}}`, with their lines. Other ways to include are refused: who
/// includes whom must be plain before anything is rendered.
pub(super) fn includes(text: &str) -> Result<Vec<(usize, String)>, Wrong> {
    let mut out = Vec::new();
    for (line, action) in actions(text) {
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
        out.extend(name.map(|name| (line, name.to_owned())));
    }
    Ok(out)
}

/// What stands between `{{` and `}}`, with its line, comments left out.
fn actions(text: &str) -> Vec<(usize, &str)> {
    let mut out = Vec::new();
    let mut line = 1;
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("{{") {
        line += before.matches('\n').count();
        let after = after.trim_start_matches('{');
        let inner = after.trim_start_matches(['~', ' ']);
        // A long comment ends with two dashes, a short one as everything else does.
        let (inner, end) = match inner.strip_prefix("!--") {
            Some(comment) => (comment, "--"),
            None => (inner, "}}"),
        };
        let (action, tail) = inner.split_once(end).unwrap_or((inner, ""));
        if end == "}}" && !inner.starts_with('!') {
            out.push((line, action.trim_end_matches(['~', ' '])));
        }
        line += action.matches('\n').count();
        rest = tail;
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escaping_cannot_be_switched_off() {
        for wrong in ["a: {{{x}}}", "a: {{&x}}", "a: {{ &x }}", "a: {{~& x}}"] {
            assert!(escaped_only(wrong).is_err(), "{wrong}");
        }
        assert_eq!(escaped_only("a: {{x}} && b"), Ok(()));
    }

    #[test]
    fn includes_are_found_with_their_lines() {
        let text = "{{!-- {{> no}} --}}\n{{> a/b.yaml}} {{x}}\n{{~> c key=1 ~}}\n{{! {{> no}}";
        let wanted = [(2, "a/b.yaml".to_owned()), (3, "c".to_owned())];
        assert_eq!(includes(text).unwrap(), wanted);
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
