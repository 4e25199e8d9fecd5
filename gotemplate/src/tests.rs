use serde_json::{Value, json};

use super::*;

fn render(text: &str, data: &Value) -> Rendered {
    Template::parse(text).unwrap().render(data).unwrap()
}

fn refusal(text: &str) -> String {
    Template::parse(text).unwrap_err().to_string()
}

fn failure(text: &str, data: &Value) -> RenderFault {
    Template::parse(text).unwrap().render(data).unwrap_err()
}

/// What is inserted, and whether it is tainted, with `request` and `labels` from outside.
fn taint(text: &str) -> Vec<(String, bool)> {
    let data = json!({
        "host": "h", "list": ["a"],
        "table": {"evil": "mine"},
        "request": {"query": {"mac": "evil", "n": "1"}, "raw_query": "q"},
        "labels": ["l1", "l2"],
    });
    let template = Template::parse(text).unwrap();
    let rendered = template.render_tainted(&data, &["request", "labels"]).unwrap();
    rendered.insertions.into_iter().map(|found| (found.value, found.tainted)).collect()
}

fn all_tainted(text: &str) -> bool {
    let found = taint(text);
    assert!(!found.is_empty());
    found.iter().all(|(_, tainted)| *tainted)
}

#[test]
fn an_unknown_function_is_refused_by_name_with_its_place() {
    let fault = Template::parse("a: 1\nb: {{ .x | toYaml }}").unwrap_err();
    assert_eq!((fault.line, fault.column), (2, 12));
    assert!(
        fault.message.starts_with("function \"toYaml\" is not defined in matchbox's templates")
    );
}

#[test]
fn what_is_not_supported_is_refused_by_name_at_parsing() {
    for (text, named) in [
        ("{{1i}}", "complex"),
        ("{{call .f}}", "\"call\""),
        ("{{if ($x := 1)}}{{end}}", "parentheses cannot set a variable"),
        ("{{printf \"%#v\" .}}", "`#`"),
        ("{{printf \"%*d\" 1 2}}", "`*`"),
        ("{{printf \"%[1]d\" 1}}", "`[`"),
        ("{{printf \"%p\" .}}", "`%p`"),
        ("{{printf \"%w\" .}}", "`%w`"),
        ("{{printf \"%99999d\" 1}}", "4096"),
        ("{{printf \"%5.\" 1}}", "`%.`"),
        ("{{0x1p-2}}", "plain decimal"),
        (r#"{{"\xff"}}"#, "not UTF-8"),
        ("{{.hostname | }}", "a value is missing"),
        ("{{define \"\"}}{{end}}", "needs a name"),
        ("{{template \"x\" $y := 1}}", "`template` cannot set"),
    ] {
        assert!(refusal(text).contains(named), "{text}: {}", refusal(text));
    }
}

#[test]
fn what_only_the_values_show_to_be_unsupported_is_a_fault() {
    let data = json!({"n": 3, "f": "%p", "s": "é", "list": [1]});
    assert!(failure("{{printf \"%x\" .n}}", &data).message.contains("`%x` of a float64"));
    assert!(failure("{{printf .f .n}}", &data).message.contains("`%p`"));
    assert!(failure("{{slice .s 0 1}}", &data).message.contains("cuts a character"));
    assert!(failure("{{slice .list 0 2}}", &data).message.contains("outside"));
}

#[test]
fn a_missing_variable_is_named_from_the_root() {
    let data = json!({"a": {"list": [{"b": {}}]}, "none": null});
    for (text, missing) in [
        ("{{.x}}", "x"),
        ("{{.a.x.y}}", "a.x"),
        ("{{with .a}}{{range .list}}{{.b.c}}{{end}}{{end}}", "a.list.0.b.c"),
        ("{{.none.x}}", "none.x"),
        ("{{$v := .a}}{{$v.x}}", "a.x"),
        ("{{(index .a.list 0).zip}}", "a.list.0.zip"),
        ("{{index . \"q\" \"r\"}}", "q.r"),
    ] {
        assert_eq!(failure(text, &data).missing.as_deref(), Some(missing), "{text}");
    }
    assert_eq!(failure("{{.a.list.x}}", &data).missing, None);
}

#[test]
fn a_fault_of_rendering_stands_at_its_expression() {
    let fault = failure("a\n  é {{ eq .n 3 }}", &json!({"n": 3}));
    assert_eq!((fault.line, fault.column), (2, 8));
    assert!(fault.message.contains("3.0"), "{fault}");
}

#[test]
fn an_insertion_tells_place_path_and_value() {
    let rendered =
        render("a: {{ .x.y }}\nb: {{ .e }}{{$v := 1}}", &json!({"x": {"y": "v: w"}, "e": ""}));
    assert_eq!(rendered.text, "a: v: w\nb: ");
    assert_eq!(rendered.skeleton, "a: x\nb: ");
    assert_eq!(rendered.skeleton_with(|n| format!("v{n}")), "a: v0\nb: ");
    let found = rendered.insertions.first().unwrap();
    assert_eq!((found.line, found.column, found.path.as_str()), (1, 7, ".x.y"));
    assert_eq!((found.value.as_str(), found.tainted), ("v: w", false));
    assert_eq!(rendered.insertions.len(), 2);
}

#[test]
fn taint_follows_a_value_through_everything() {
    for text in [
        "{{.request.query.mac}}",
        "{{index .request \"query\" \"mac\"}}",
        "{{index . \"request\"}}",
        "{{$x := .request.query}}{{$x.mac}}",
        "{{$x := 1}}{{$x = .request.raw_query}}{{$x}}",
        "{{with .request}}{{.query.mac}}{{end}}",
        "{{with $r := .request}}{{$r.raw_query}}{{end}}",
        "{{range .labels}}{{.}}{{end}}",
        "{{range $i, $l := .labels}}{{$l}}{{$i}}{{end}}",
        "{{range $k, $v := .request.query}}{{$k}}{{$v}}{{end}}",
        "{{define \"t\"}}{{.mac}}{{$.n}}{{end}}{{template \"t\" .request.query}}",
        "{{print .host .request.raw_query}}",
        "{{.request.raw_query | printf \"%s\" | html}}",
        "{{urlquery .request.raw_query}}{{js .request.raw_query}}{{len .labels}}",
        "{{slice .request.raw_query 0 1}}{{eq .request.raw_query \"q\"}}{{not .labels}}",
        "{{or .request.raw_query \"x\"}}{{and .request.raw_query \"x\"}}",
        "{{index .table .request.query.mac}}",
        "{{.}}{{$}}{{print .}}{{printf \"%v\" $}}",
        "{{range $k, $v := $}}{{if eq $k \"request\"}}{{$v}}{{end}}{{end}}",
        "{{(index .labels 0)}}",
    ] {
        assert!(all_tainted(text), "{text}: {:?}", taint(text));
    }
}

#[test]
fn what_does_not_come_from_outside_is_not_tainted() {
    for text in [
        "{{.host}}{{index .list 0}}{{.table}}{{\"lit\"}}{{1}}",
        "{{if .request.query.mac}}{{.host}}{{end}}",
        "{{range .labels}}{{$.host}}{{end}}",
        "{{$x := .request}}{{$x = .host}}{{$x}}",
        "{{range $k, $v := .}}{{if eq $k \"host\"}}{{$k}}{{$v}}{{end}}{{end}}",
    ] {
        assert!(taint(text).iter().all(|(_, tainted)| !tainted), "{text}: {:?}", taint(text));
    }
}

#[test]
fn a_query_that_is_not_all_strings_is_a_map_like_others() {
    let text = "[{{index .request.query \"x\"}}]";
    assert_eq!(render(text, &json!({"request": {"query": {"a": "1"}}})).text, "[]");
    assert_eq!(render(text, &json!({"request": {"query": {"a": 1}}})).text, "[<no value>]");
}

#[test]
fn only_text_without_actions_and_comments_is_verbatim() {
    assert!(Template::parse("a } }} b").unwrap().is_verbatim());
    assert!(!Template::parse("a{{/* c */}}").unwrap().is_verbatim());
    assert!(!Template::parse("{{1}}").unwrap().is_verbatim());
}

#[test]
fn templates_go_between_threads_and_clone_cheaply() {
    fn check<T: Send + Sync + Clone + std::fmt::Debug>(_: &T) {}
    let template = Template::parse("{{1}}").unwrap();
    check(&template);
    assert!(Arc::ptr_eq(&template.document, &template.clone().document));
}

#[test]
fn nesting_that_would_blow_the_stack_is_a_fault() {
    let ifs = format!("{}{}", "{{if 1}}".repeat(5000), "{{end}}".repeat(5000));
    assert!(refusal(&ifs).contains("nested deeper"), "{}", refusal(&ifs));
    let parens = format!("{{{{{}1{}}}}}", "(".repeat(5000), ")".repeat(5000));
    assert!(refusal(&parens).contains("nested deeper"));
    let blocks = format!("{}{}", "{{block \"b\" 1}}".repeat(5000), "{{end}}".repeat(5000));
    assert!(refusal(&blocks).contains("nested deeper"));
    let call = "{{define \"t\"}}{{template \"t\" .}}{{end}}{{template \"t\" .}}";
    assert!(failure(call, &json!({})).message.contains("nested deeper"));
}

#[test]
fn the_deepest_template_that_is_allowed_renders_on_a_small_stack() {
    let inner = format!("{}{{{{.}}}}{}", "{{if 1}}".repeat(98), "{{end}}".repeat(98));
    let deep = format!(
        "{{{{define \"t\"}}}}{inner}{{{{template \"t\" .}}}}{{{{end}}}}{{{{template \"t\" .}}}}"
    );
    let parens = format!("{{{{{}1{}}}}}", "(".repeat(99), ")".repeat(99));
    let run = move || {
        let template = Template::parse(&deep).unwrap();
        assert!(template.render(&json!(1)).unwrap_err().message.contains("nested deeper"));
        assert_eq!(render(&parens, &json!({})).text, "1");
    };
    std::thread::Builder::new().stack_size(1 << 20).spawn(run).unwrap().join().unwrap();
}

#[test]
fn a_long_chain_of_else_ifs_is_not_nesting() {
    let text = format!("{{{{if .a}}}}a{}{{{{else}}}}z{{{{end}}}}", "{{else if .a}}b".repeat(5000));
    assert_eq!(render(&text, &json!({"a": false})).text, "z");
}

#[test]
fn a_template_that_runs_too_long_is_stopped() {
    let fault = failure("{{range 1000000000}}{{range 1000000000}}{{end}}{{end}}", &json!({}));
    assert!(fault.message.contains("steps"), "{fault}");
}

#[test]
fn text_that_doubles_is_stopped() {
    let fault = failure("{{$x := \"aaaa\"}}{{range 1000}}{{$x = print $x $x}}{{end}}", &json!({}));
    assert!(fault.message.contains("too large") || fault.message.contains("bytes"), "{fault}");
}

#[test]
fn comparing_large_texts_again_and_again_is_stopped() {
    let text = "{{$x := printf \"%4096d\" 1}}{{range 12}}{{$x = print $x $x}}{{end}}\
                {{range 100000}}{{$y := eq $x $x}}{{end}}";
    assert!(failure(text, &json!({})).message.contains("bytes"));
}

#[test]
fn output_is_limited() {
    let big = "y".repeat(1 << 20);
    let fault = failure("{{range 20}}{{$.big}}{{end}}", &json!({"big": big}));
    assert!(fault.message.contains("gets longer"), "{fault}");
    let literal = format!("{{{{range 20}}}}{big}{{{{end}}}}");
    assert!(failure(&literal, &json!({})).message.contains("gets longer"));
}

#[test]
fn data_nested_too_deeply_to_print_is_a_fault() {
    let mut data = json!(1);
    for _ in 0..1000 {
        data = json!([data]);
    }
    assert!(Template::parse("{{.}}").unwrap().render(&data).is_err());
}

#[test]
fn large_templates_are_read_in_one_go() {
    // Whatever looks back at all that was read already would not end here.
    let many = "{{.a}} text\n".repeat(30_000);
    let last = Template::parse(&format!("{many}{{{{.b}}}}")).unwrap();
    let small = json!({"b": 1});
    assert_eq!(last.render(&small).unwrap_err().line, 1);
    assert!(refusal(&format!("{{{{{}", "+".repeat(1 << 18))).contains("never closed"));
    assert!(refusal(&format!("{{{{1{}}}}}", "-".repeat(1 << 18))).contains("a space is missing"));
    let places = render("{{1}}é{{2}}\n {{3}}", &json!({})).insertions;
    let places: Vec<_> = places.iter().map(|found| (found.line, found.column)).collect();
    assert_eq!(places, [(1, 3), (1, 9), (2, 4)]);
}

#[test]
fn the_variables_of_one_scope_are_limited() {
    assert!(refusal(&"{{$x := 1}}".repeat(2000)).contains("1000 variables"));
}

#[test]
fn a_number_of_the_data_keeps_its_last_digit() {
    let data: Value = serde_json::from_str("{\"n\": 110607.60863654735}").unwrap();
    assert_eq!(render("{{.n}}", &data).text, "110607.60863654735");
}
