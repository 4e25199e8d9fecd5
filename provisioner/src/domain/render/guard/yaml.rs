//! Values where YAML takes every letter as it is: in block scalars and single quotes an escape is text.

use super::{Action, Wrong, all_actions};

/// Refuses `{{x}}` in block scalars and single-quoted scalars (YAML 1.2 sections 7.3.2 and 8.1).
pub(in super::super) fn no_bare_values_in_text(text: &str) -> Result<(), Wrong> {
    let actions = all_actions(text);
    let mut block: Option<usize> = None;
    let mut begin = 0;
    for (at, line) in text.split_inclusive('\n').enumerate() {
        let here = begin..begin + line.len();
        begin = here.end;
        let found: Vec<&Action<'_>> =
            actions.iter().filter(|action| here.contains(&action.begin)).collect();
        let depth = line.len() - line.trim_start_matches(' ').len();
        // A line of tags only leaves no trace.
        if line.trim().is_empty() || is_tag(line, &found) {
            continue;
        }
        block = block.filter(|outer| depth > *outer);
        let mut values = found.iter().filter(|action| is_bare(action));
        if block.is_some() {
            if values.next().is_some() {
                let message = "in a block scalar a value that has to be escaped would be other text: use {{oneline x}} \
                               within a line, {{indent 4 x}} for lines, or {{json x}}";
                return Err((at + 1, message.to_owned()));
            }
            continue;
        }
        if values.any(|action| in_single_quotes(line, action.begin - here.start)) {
            let message = "in single quotes a value that has to be escaped would be other text: leave the quotes \
                           out, {{x}} and {{quote x}} bring them";
            return Err((at + 1, message.to_owned()));
        }
        block = block_header(line);
    }
    Ok(())
}

fn is_tag(line: &str, found: &[&Action<'_>]) -> bool {
    let line = line.trim();
    let tag = |action: &&Action<'_>| !is_bare(action) && !is_writer(action);
    line.starts_with("{{") && line.ends_with("}}") && found.iter().all(tag)
}

/// Helpers that bring their own way to be written.
fn is_writer(action: &Action<'_>) -> bool {
    matches!(action.called(), "json" | "quote" | "indent" | "oneline")
}

fn is_bare(action: &Action<'_>) -> bool {
    let text = action.action();
    let tag = text.starts_with(['#', '/', '^', '>', '*']) || action.called() == "else";
    let tag = tag || text == "else" || text.starts_with("else ");
    !tag && !is_writer(action)
}

/// Depth that the lines of the block scalar which begins here must pass.
fn block_header(line: &str) -> Option<usize> {
    let line = line.split(" #").next().unwrap_or(line);
    if line.trim_start().starts_with('#') {
        return None;
    }
    let mut words = line.split_whitespace().rev();
    let header = words.next()?;
    let opens = header.starts_with(['|', '>'])
        && header.chars().skip(1).all(|c| c.is_ascii_digit() || matches!(c, '+' | '-'));
    let before = words.next()?;
    if !opens || !(before.ends_with(':') || before == "-" || before.starts_with(['!', '&'])) {
        return None;
    }
    // In `- - key: |` the key's column counts, in `- |` the dash's.
    let mut depth = line.len() - line.trim_start_matches(' ').len();
    let mut rest = line.trim_start();
    while let Some(inner) = rest.strip_prefix("- ") {
        let inner = inner.trim_start();
        if inner.trim_end() == header || inner.starts_with(['!', '&']) {
            break;
        }
        depth += rest.len() - inner.len();
        rest = inner;
    }
    Some(depth)
}

/// Whether a single quote that begins a scalar is open at this byte of a line.
fn in_single_quotes(line: &str, at: usize) -> bool {
    let mut open = None;
    let mut before = ' ';
    let mut skip = false;
    for c in line.get(..at).unwrap_or_default().chars() {
        match (open, c) {
            _ if skip => skip = false,
            (None, '\'' | '"') if before.is_whitespace() || "[{,".contains(before) => {
                open = Some(c);
            }
            (None, '#') if before.is_whitespace() => return false,
            (Some('"'), '\\') => skip = true,
            (Some(quote), _) if quote == c => open = None,
            _ => {}
        }
        before = c;
    }
    open == Some('\'')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bare_value_is_refused_where_its_escapes_would_be_text() {
        for wrong in [
            "a: |\n  b\n    {{x}}\n",
            "- a: >-\n    b {{x}} c\n",
            "- |\n {{x}}\n",
            "a: |2 # c\n    {{upper x}}\n",
            "a: |\n{{#if x}}\n  {{x}}\n{{/if}}\n",
            "a: 'b {{x}}'\n",
            "a: ['{{x}}']\n",
        ] {
            assert!(no_bare_values_in_text(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn values_elsewhere_are_let_alone() {
        for right in [
            "a: |\n  {{indent 2 x}}\n  b {{oneline x}} {{json y}} {{oneline (base64 z)}}\nc: {{x}}\n",
            "- a: |\n    b\n  c: {{x}}\n",
            "# a: |\n  b: {{x}}\n",
            "a: it's {{x}}\n",
            "a: \"'{{x}}\"\n",
            "a: 'b' # 'c' {{x}}\n",
            "a: |\n{{#if x}}\n  b\n{{else}}\n  c\n{{/if}}\n",
        ] {
            assert_eq!(no_bare_values_in_text(right), Ok(()), "{right}");
        }
    }
}
