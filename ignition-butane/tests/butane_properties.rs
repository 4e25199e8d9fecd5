//! What holds for every Butane config, however odd.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, missing_docs)]

use std::fs;
use std::path::Path;

use ignition_butane::LocalFiles;
use ignition_butane::butane::translate;
use proptest::prelude::*;
use serde_json::Value;

fn full() -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/corpus/butane/full-fcos-1.6.bu");
    fs::read_to_string(path).unwrap()
}

/// Text in which YAML, JSON, units and scripts have something to trip over.
fn tricky() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        any::<String>(),
        "[\"'\\\\{}\\[\\],:#&*!|>%@`\n\r\t<> -]{0,8}",
        Just("\u{2028}\u{2029}\u{85}\u{feff}\u{0}".to_owned()),
        Just("\",\"injected\":{\"a\":[1]},\"".to_owned()),
        Just("\n[Service]\nExecStart=/bin/false\n".to_owned()),
    ];
    prop::collection::vec(piece, 0..4).prop_map(|pieces| pieces.concat())
}

/// Any text as a YAML scalar in double quotes.
fn quoted(text: &str) -> String {
    let escaped = text.chars().map(|c| match c {
        ' '..='~' if c != '"' && c != '\\' => c.to_string(),
        _ => format!("\\U{:08X}", u32::from(c)),
    });
    format!("\"{}\"", escaped.collect::<String>())
}

/// All paths of a JSON tree, without the values of texts.
fn structure(value: &Value, path: &str, paths: &mut Vec<String>) {
    match value {
        Value::Object(fields) => {
            paths.push(format!("{path}{{}}"));
            fields
                .iter()
                .for_each(|(key, value)| structure(value, &format!("{path}/{key}"), paths));
        }
        Value::Array(items) => {
            paths.push(format!("{path}[{}]", items.len()));
            let items = items.iter().enumerate();
            items.for_each(|(at, value)| structure(value, &format!("{path}/{at}"), paths));
        }
        Value::String(_) => paths.push(path.to_owned()),
        other => paths.push(format!("{path}={other}")),
    }
}

fn paths(json: &str) -> Vec<String> {
    let mut paths = Vec::new();
    structure(&serde_json::from_str(json).unwrap(), "", &mut paths);
    paths
}

/// A config with texts at places where nothing limits them.
fn with_texts(text: &str) -> String {
    let text = quoted(text);
    format!(
        "variant: fcos\nversion: 1.6.0\npasswd:\n  users:\n    - name: core\n      gecos: {text}\n      \
         ssh_authorized_keys: [{text}, other]\n\
         storage:\n  files:\n    - path: /etc/x\n      contents: {{inline: {text}}}\n      append: [{{inline: {text}}}]\n\
         kernel_arguments:\n  should_exist: [{text}, other]\n\
         grub:\n  users: [{{name: {text}, password_hash: {text}}}]\n"
    )
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 100, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_text_makes_it_panic(text in any::<String>()) {
        prop_assert!(translate(&text, &LocalFiles::new()).is_err());
    }

    #[test]
    fn no_damaged_config_makes_it_panic_or_print_no_json(
        at in any::<prop::sample::Index>(),
        count in 0usize..4,
        new in tricky(),
        indent in 0usize..10,
    ) {
        let full = full();
        let mut lines: Vec<_> = full.lines().map(str::to_owned).collect();
        let at = at.index(lines.len() - 4);
        lines.splice(at..at + count, [format!("{}{new}", " ".repeat(indent))]);
        match translate(&lines.join("\n"), &LocalFiles::new()) {
            Ok(translated) => prop_assert!(!paths(&translated.json).is_empty()),
            Err(findings) => prop_assert!(findings.iter().any(yaml::Finding::is_error)),
        }
    }

    #[test]
    fn no_text_in_a_config_changes_the_structure_of_the_json(text in tricky()) {
        let files = LocalFiles::new();
        let plain = translate(&with_texts("plain"), &files).unwrap();
        // A name of grub's that is empty, an argument that is given twice: these are refused.
        if let Ok(translated) = translate(&with_texts(&text), &files) {
            prop_assert_eq!(paths(&translated.json), paths(&plain.json));
            let json: Value = serde_json::from_str(&translated.json).unwrap();
            prop_assert_eq!(json.pointer("/passwd/users/0/gecos").and_then(Value::as_str), Some(&*text));
        }
    }
}
