//! What holds for any template and any data.

use gotemplate::Template;
use proptest::prelude::*;
use serde_json::{Map, Value, json};

/// Text that looks enough like a template to get far.
fn template() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        prop::sample::select(vec![
            "{{",
            "}}",
            "{{-",
            "-}}",
            " ",
            "\n",
            "(",
            ")",
            "|",
            ",",
            ":=",
            "=",
            "$",
            "$x",
            ".",
            ".a",
            ".b",
            ".xs",
            ".n",
            "if ",
            "else",
            "end",
            "range ",
            "with ",
            "define ",
            "template ",
            "block ",
            "break",
            "continue",
            "index ",
            "printf ",
            "eq ",
            "and ",
            "or ",
            "not ",
            "len ",
            "print ",
            "html ",
            "slice ",
            "\"a\"",
            "`%d`",
            "\"%v %5s\"",
            "0",
            "1",
            "-3",
            "1.5",
            "'a'",
            "nil",
            "true",
            "/*",
            "*/",
            "\"",
            "é",
        ])
        .prop_map(str::to_owned),
        "[ -~\n]{0,4}",
    ];
    prop::collection::vec(piece, 0..40).prop_map(|pieces| pieces.concat())
}

/// Templates that parse.
fn sound_template() -> impl Strategy<Value = String> {
    let value = prop::sample::select(vec![
        ".",
        ".a",
        ".b",
        ".xs",
        ".n",
        "$",
        "$.a",
        "(index . \"c\")",
        "(len .xs)",
        "\"lit\"",
        "1",
        "2.5",
        "(print .a .n)",
        "(printf \"%v|%5s\" .xs .a)",
        "(html .a)",
        "(or .b .a)",
    ]);
    let leaf = prop_oneof![
        "[§¶]{0,4}",
        value.clone().prop_map(|value| format!("{{{{{value}}}}}")),
        value.clone().prop_map(|value| format!(" {{{{- {value} -}}}} ")),
        value.clone().prop_map(|value| format!("{{{{$v := {value}}}}}{{{{$v}}}}")),
    ];
    leaf.prop_recursive(4, 24, 4, move |inner| {
        let list = prop::collection::vec(inner, 1..4).prop_map(|parts| parts.concat());
        (value.clone(), list.clone(), list, 0..4_u8).prop_map(|(value, left, right, form)| {
            match form {
                0 => format!("{{{{if {value}}}}}{left}{{{{else}}}}{right}{{{{end}}}}"),
                1 => format!("{{{{with {value}}}}}{left}{{{{end}}}}"),
                2 => format!("{{{{range {value}}}}}{left}{{{{else}}}}{right}{{{{end}}}}"),
                _ => format!("{left}{right}"),
            }
        })
    })
}

fn data() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<f64>().prop_filter_map("JSON has no infinity", |number| {
            serde_json::Number::from_f64(number).map(Value::Number)
        }),
        "\\PC{0,8}".prop_map(Value::from),
    ];
    let tree = leaf.prop_recursive(4, 32, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::btree_map("[a-c]|xs|n", inner, 0..4)
                .prop_map(|map| Value::Object(map.into_iter().collect::<Map<_, _>>())),
        ]
    });
    (tree.clone(), tree.clone(), tree.clone(), tree)
        .prop_map(|(a, b, xs, n)| json!({"a": a, "b": b, "xs": xs, "n": n}))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn parsing_any_text_ends_without_a_panic(text in "\\PC{0,200}") {
        drop(Template::parse(&text));
    }

    #[test]
    fn parsing_what_looks_like_a_template_ends_without_a_panic(text in template(), data in data()) {
        if let Ok(template) = Template::parse(&text) {
            drop(template.render(&data));
        }
    }

    #[test]
    fn a_fault_of_parsing_stands_within_the_text(text in template()) {
        if let Err(fault) = Template::parse(&text) {
            let lines: Vec<_> = text.split('\n').collect();
            prop_assert!((1..=lines.len()).contains(&fault.line), "{fault}");
            let width = lines[fault.line - 1].chars().count();
            prop_assert!((1..=width + 1).contains(&fault.column), "{fault}");
        }
    }

    #[test]
    fn sound_templates_parse_and_render_without_a_panic(text in sound_template(), data in data()) {
        let template = Template::parse(&text).unwrap();
        drop(template.render(&data));
    }

    #[test]
    fn skeleton_and_text_have_the_same_literal_parts(text in sound_template(), data in data()) {
        // No value holds what the literal parts are made of.
        let literal = |c: &char| matches!(c, '§' | '¶');
        let data: String = data.to_string().chars().filter(|c| !literal(c)).collect();
        let data: Value = serde_json::from_str(&data).unwrap();
        if let Ok(rendered) = Template::parse(&text).unwrap().render(&data) {
            let part = |text: &str, wanted: bool| -> String {
                text.chars().filter(|c| literal(c) == wanted).collect()
            };
            prop_assert_eq!(part(&rendered.text, true), part(&rendered.skeleton, true));
            let values: Vec<_> =
                rendered.insertions.iter().map(|insertion| insertion.value.as_str()).collect();
            prop_assert_eq!(part(&rendered.text, false), values.concat());
            let shown = values.iter().filter(|value| !value.is_empty()).count();
            prop_assert_eq!(part(&rendered.skeleton, false), "x".repeat(shown));
        }
    }

    #[test]
    fn text_without_actions_is_rendered_as_it_is(text in "[^{]{0,100}") {
        let template = Template::parse(&text).unwrap();
        prop_assert!(template.is_verbatim());
        let rendered = template.render(&json!({})).unwrap();
        prop_assert_eq!(&rendered.text, &text);
        prop_assert_eq!(&rendered.skeleton, &text);
        prop_assert!(rendered.insertions.is_empty());
    }

    #[test]
    fn without_tainted_keys_nothing_is_tainted_and_the_text_is_the_same(
        text in sound_template(),
        data in data(),
    ) {
        let template = Template::parse(&text).unwrap();
        let (plain, tainted) = (template.render(&data), template.render_tainted(&data, &["a"]));
        if let (Ok(plain), Ok(tainted)) = (plain, tainted) {
            prop_assert!(plain.insertions.iter().all(|insertion| !insertion.tainted));
            prop_assert_eq!(plain.text, tainted.text);
            prop_assert_eq!(plain.skeleton, tainted.skeleton);
        }
    }
}
