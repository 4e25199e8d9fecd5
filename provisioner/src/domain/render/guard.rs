//! What a template may not do, found when it is loaded.

/// Line, and what is wrong there.
pub(super) type Wrong = (usize, String);

/// `{{{x}}}` and `{{&x}}` would write a value as it is.
pub(super) fn escaped_only(text: &str) -> Result<(), Wrong> {
    for (at, line) in text.lines().enumerate() {
        let opens = line.split("{{").skip(1);
        if line.contains("{{{")
            || opens
                .clone()
                .any(|rest| rest.trim_start_matches([' ', '~']).starts_with('&'))
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
            let Some(arguments) = action
                .trim_start_matches([' ', '~'])
                .strip_prefix("indent ")
            else {
                continue;
            };
            let by = arguments
                .split_whitespace()
                .next()
                .and_then(|by| by.parse().ok());
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

/// Whether the line above that stands further left opens a block scalar (YAML 1.2 section 8.1).
fn in_block_scalar(above: &[&str], depth: usize) -> bool {
    let depth_of = |line: &str| line.len() - line.trim_start_matches(' ').len();
    let header = above
        .iter()
        .rev()
        .find(|line| !line.trim().is_empty() && depth_of(line) < depth);
    let last = header
        .and_then(|line| line.split_whitespace().last())
        .unwrap_or_default();
    matches!(last, "|" | "|-" | "|+" | ">" | ">-" | ">+")
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
