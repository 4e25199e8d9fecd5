//! Whether a value changed the structure of what it was put into.
//!
//! Go's templates write values as they are. So what is rendered is read three times: with the values, and with
//! words of two alphabets in their places. What both alphabets have in common is the author's and must be in
//! the text as well, in order and at every depth: keys, fixed values, nesting. Where they differ, one scalar may
//! stand.

use gotemplate::Rendered;
use serde_yaml::Value;

use super::Language;

/// Fails with what differs.
pub(super) fn same(language: Language, rendered: &Rendered) -> Result<(), String> {
    match language {
        // JSON is YAML, as far as structure goes.
        Language::Yaml | Language::Json => {
            let told = documents(&rendered.text)?;
            let skeleton = |letter: char| {
                documents(&rendered.skeleton_with(|n| format!("{letter}{n}{letter}"))).map_err(
                    |why| {
                        format!("with a word in the place of each value it cannot be read: {why}")
                    },
                )
            };
            let (one, other) = (skeleton('x')?, skeleton('y')?);
            if told.len() != one.len() || one.len() != other.len() {
                return Err("a value begins another document".to_owned());
            }
            let wanted = one.iter().zip(&other);
            told.iter().zip(wanted).try_for_each(|(told, wanted)| shapes(told, wanted, "$"))
        }
        Language::Shell | Language::Ipxe | Language::Grub | Language::Plain => Ok(()),
    }
}

fn documents(text: &str) -> Result<Vec<Value>, String> {
    use serde::Deserialize as _;
    serde_yaml::Deserializer::from_str(text)
        .map(|document| Value::deserialize(document).map_err(|error| error.to_string()))
        .collect()
}

fn shapes(told: &Value, (one, other): (&Value, &Value), at: &str) -> Result<(), String> {
    match (told, one, other) {
        (Value::Mapping(told), Value::Mapping(one), Value::Mapping(other)) => {
            if told.len() != one.len() || one.len() != other.len() {
                return Err(format!("a value adds or hides a key of {at}"));
            }
            let wanted = one.iter().zip(other);
            told.iter().zip(wanted).try_for_each(|((key, told), ((a, one), (b, other)))| {
                if !key_fits(key, a, b) {
                    return Err(format!("a value adds or hides a key of {at}"));
                }
                let key = key.as_str().unwrap_or("?");
                shapes(told, (one, other), &format!("{at}.{key}"))
            })
        }
        (Value::Sequence(told), Value::Sequence(one), Value::Sequence(other)) => {
            if told.len() != one.len() || one.len() != other.len() {
                return Err(format!("a value changes the number of elements of {at}"));
            }
            let mut all = told.iter().zip(one.iter().zip(other)).enumerate();
            all.try_for_each(|(n, (told, wanted))| shapes(told, wanted, &format!("{at}[{n}]")))
        }
        (Value::Tagged(told), Value::Tagged(one), Value::Tagged(other))
            if told.tag == one.tag && one.tag == other.tag =>
        {
            shapes(&told.value, (&one.value, &other.value), at)
        }
        _ if !(is_scalar(told) && is_scalar(one) && is_scalar(other)) => {
            Err(format!("a value turns {at} into something else"))
        }
        _ if one == other && told != one => Err(format!("a value changes {at}")),
        _ => Ok(()),
    }
}

/// A key that is the author's is in the text as it is; one that holds a value is a scalar.
fn key_fits(told: &Value, one: &Value, other: &Value) -> bool {
    if one == other { told == one } else { is_scalar(told) && is_scalar(one) && is_scalar(other) }
}

fn is_scalar(value: &Value) -> bool {
    !matches!(value, Value::Mapping(_) | Value::Sequence(_) | Value::Tagged(_))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn told(template: &str, values: &[&str]) -> Result<(), String> {
        let template = gotemplate::Template::parse(template).unwrap();
        same(Language::Yaml, &template.render(&json!({"v": values})).unwrap())
    }

    const ONE: &str = "{{index .v 0}}";
    const TWO: &str = "{{index .v 1}}";

    #[test]
    fn only_scalars_may_differ() {
        assert_eq!(told(&format!("a: {ONE}\nb: [{TWO}, y]\n"), &["1", "z w"]), Ok(()));
        assert_eq!(told(&format!("a: |\n  {ONE}\n"), &["other: not a key"]), Ok(()));
        for evil in ["1\nc: evil", "{b: 1}", "[p, q]", "1\n---\nb: 2", "!evil x"] {
            assert!(told(&format!("a: {ONE}\n"), &[evil]).is_err(), "{evil}");
        }
        assert!(told(&format!("a: [{ONE}]\n"), &["p, q"]).is_err());
    }

    #[test]
    fn a_value_that_swallows_a_key_and_brings_another_is_refused() {
        let template = format!("- {{name: {ONE}, gecos: {TWO}}}\n");
        let why = told(&template, &["core, plain_text_passwd: \"x", "\""]).unwrap_err();
        assert!(why.contains("adds or hides a key of $[0]"), "{why}");
        assert_eq!(told(&template, &["core", "SN 1"]), Ok(()));
        let deep = format!("a: [{{b: {{c: {ONE}, d: {TWO}}}}}]\n");
        assert!(told(&deep, &["1, e: \"", "\""]).is_err());
    }

    #[test]
    fn a_value_cannot_replace_what_the_author_wrote() {
        let template = format!("l: [{ONE}, fixed, {TWO}]\n");
        assert!(told(&template, &["a, evil, \"", "\""]).is_err());
    }

    #[test]
    fn keys_may_be_values_as_in_matchbox() {
        let template = "m:\n{{range $k, $v := .v}}  k{{$k}}: {{$v}}\n{{end}}n: 1\n";
        assert_eq!(told(template, &["p", "q", "r"]), Ok(()));
        assert!(told(template, &["p", "q\n  evil: 1"]).is_err());
        assert!(told(template, &["p\nn: 2\no: 3"]).is_err());
    }
}
