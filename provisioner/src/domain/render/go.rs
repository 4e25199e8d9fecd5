//! Templates that were written for matchbox: Go's `text/template`, as far as it is understood.

/// Turns `{{.a.b}}` into `{{a.b}}`. Anything else of Go's is refused by line and name, never guessed.
pub(super) fn translate(text: &str) -> Result<String, (usize, String)> {
    let mut out = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("{{") {
        let line = out.matches('\n').count() + before.matches('\n').count() + 1;
        out.push_str(before);
        let Some((action, tail)) = after.split_once("}}") else {
            return Err((line, "`{{` without `}}`".to_owned()));
        };
        out.push_str("{{");
        out.push_str(field(action).map_err(|why| (line, why))?);
        out.push_str("}}");
        rest = tail;
    }
    out.push_str(rest);
    Ok(out)
}

/// The action in handlebars' words.
fn field(action: &str) -> Result<&str, String> {
    const GO_WORDS: [&str; 13] = [
        "if", "range", "with", "end", "index", "printf", "print", "define", "template", "block",
        "html", "js", "urlquery",
    ];
    let trimmed = action.trim();
    if let Some(path) = trimmed.strip_prefix('.') {
        let ok =
            !path.is_empty() && path.chars().all(|c| c.is_ascii_alphanumeric() || "._".contains(c));
        return if ok { Ok(path) } else { refuse(trimmed) };
    }
    let word = trimmed.split_whitespace().next().unwrap_or_default();
    let go = GO_WORDS.contains(&word)
        || trimmed.starts_with(['-', '$', '/'])
            && !trimmed.starts_with("/*")
            && word.starts_with(['-', '$']);
    if go { refuse(trimmed) } else { Ok(action) }
}

fn refuse<T>(action: &str) -> Result<T, String> {
    Err(format!(
        "Go's `{{{{{action}}}}}` is not understood; of Go's templates only {{{{.name}}}} is. Write it as handlebars does"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_understood() {
        let text = "a {{.name}}\nb {{ .request.query.mac }}\nc {{node.id}}{{#if x}}y{{/if}}\n";
        let wanted = "a {{name}}\nb {{request.query.mac}}\nc {{node.id}}{{#if x}}y{{/if}}\n";
        assert_eq!(translate(text).as_deref(), Ok(wanted));
    }

    #[test]
    fn what_is_not_understood_is_refused_by_line_and_name() {
        for action in [
            "{{if .x}}",
            "{{range .xs}}",
            "{{end}}",
            "{{- .x }}",
            "{{index . \"k\"}}",
            "{{.}}",
            "{{.x | js}}",
        ] {
            let (line, why) = translate(&format!("one\n{action}")).unwrap_err();
            assert_eq!(line, 2);
            assert!(why.starts_with("Go's `{{"), "{why}");
        }
    }
}
