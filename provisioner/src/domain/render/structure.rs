//! Whether a value changed the structure of what it was put into.
//!
//! Go's templates write values as they are. So what is rendered is read twice: with the values, and with a
//! letter in the place of each. Keys, lists and nesting must be the same.

use serde_yaml::Value;

use super::Language;

/// Fails with what differs.
pub(super) fn same(language: Language, text: &str, skeleton: &str) -> Result<(), String> {
    match language {
        // JSON is YAML, as far as structure goes.
        Language::Yaml | Language::Json => {
            let told = documents(text)?;
            let wanted = documents(skeleton).map_err(|why| {
                format!("with a letter in the place of each value it cannot be read: {why}")
            })?;
            if told.len() != wanted.len() {
                return Err("a value begins another document".to_owned());
            }
            told.iter().zip(&wanted).try_for_each(|(told, wanted)| shapes(told, wanted, "$"))
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

fn shapes(told: &Value, wanted: &Value, at: &str) -> Result<(), String> {
    match (told, wanted) {
        (Value::Mapping(told), Value::Mapping(wanted)) => {
            if told.len() != wanted.len() {
                return Err(format!("a value adds or hides a key of {at}"));
            }
            told.iter().zip(wanted).try_for_each(|((key, told), (_, wanted))| {
                let key = key.as_str().unwrap_or("?");
                shapes(told, wanted, &format!("{at}.{key}"))
            })
        }
        (Value::Sequence(told), Value::Sequence(wanted)) => {
            if told.len() != wanted.len() {
                return Err(format!("a value changes the number of elements of {at}"));
            }
            let pairs = told.iter().zip(wanted).enumerate();
            pairs
                .into_iter()
                .try_for_each(|(n, (told, wanted))| shapes(told, wanted, &format!("{at}[{n}]")))
        }
        (Value::Mapping(_) | Value::Sequence(_) | Value::Tagged(_), _)
        | (_, Value::Mapping(_) | Value::Sequence(_)) => {
            Err(format!("a value turns {at} into something else"))
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn changed(text: &str, skeleton: &str) -> bool {
        same(Language::Yaml, text, skeleton).is_err()
    }

    #[test]
    fn only_scalars_may_differ() {
        assert!(!changed("a: 1\nb: [x, y]\n", "a: x\nb: [x, x]\n"));
        assert!(!changed("a: |\n  line\n  other: not a key\n", "a: |\n  x\n"));
        assert!(changed("a: 1\nc: evil\n", "a: x\n"));
        assert!(changed("a: {b: 1}\n", "a: x\n"));
        assert!(changed("a: [p, q]\n", "a: [x]\n"));
        assert!(changed("a: 1\n---\nb: 2\n", "a: x\n"));
    }
}
