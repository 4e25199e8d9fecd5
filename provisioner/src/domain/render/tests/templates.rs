use super::*;
use crate::domain::labels::{Labels, Trust};

fn shipped_cloud(hostname: &str, user: &str, keys: &[String]) -> Result<String, RenderFault> {
    let text = include_str!("../../../../../templates/cloud/debian.yaml");
    let catalog = catalog(&[("templates/cloud/debian.yaml", text)]);
    let mut context = context(json!({"user": user, "ssh_authorized_keys": keys}));
    context.node.hostname = hostname.to_owned();
    let text =
        catalog.render(&TemplateName::in_folder("cloud", "debian.yaml").unwrap(), &context)?;
    Ok(text.as_ref().to_owned())
}

#[test]
fn the_shipped_cloud_config_reads_well() {
    let keys = ["ssh-ed25519 AAAAC3 me@example.org".to_owned()];
    assert_snapshot!(shipped_cloud("node1", "admin", &keys).unwrap(), @r#"
#cloud-config
# First boot of Debian: host name, one user who may become root, SSH by key only.
# Variables: node.* of the machine; metadata of its group over that of its profile. Values are escaped for YAML;
# the helper json writes lists and maps.
hostname: node1
preserve_hostname: false
manage_etc_hosts: true
users:
  - name: admin
    gecos: Administrator
    shell: /bin/bash
    groups: [sudo]
    sudo: "ALL=(ALL) NOPASSWD:ALL"
    lock_passwd: true
    ssh_authorized_keys: ["ssh-ed25519 AAAAC3 me@example.org"]
disable_root: true
ssh_pwauth: false
"#);
}

#[test]
fn a_variable_that_nobody_supplies_is_named_with_its_line() {
    let fault = render("cloud/x.yaml", "#cloud-config\nhostname: {{metadata.nme}}\n", json!({}))
        .unwrap_err();
    assert_eq!(
        fault.to_string(),
        "templates/cloud/x.yaml:2: nobody supplies `metadata.nme`; add it to the metadata of the group or profile"
    );
    assert_eq!(fault.missing.as_deref(), Some("metadata.nme"));
    for template in [
        "{{nme}}",
        "{{json nme}}",
        "{{upper nme}}",
        "{{#each nme}}x{{/each}}",
        "{{join nme \",\"}}",
    ] {
        assert!(render("generic/x.txt", template, json!({})).is_err(), "{template}");
    }
}

#[test]
fn helpers_do_what_they_say() {
    let metadata =
        json!({"list": ["a", "b"], "map": {"k": "v: w"}, "text": "Ab\nc", "empty": "", "n": 3});
    let told = |template: &str| render("generic/x.txt", template, metadata.clone()).unwrap();
    assert_eq!(told("{{json list}} {{json map}} {{json n}}"), r#"["a","b"] {"k":"v: w"} 3"#);
    assert_eq!(told("{{base64 text}}"), "QWIKYw==");
    assert_eq!(told("x: |\n  {{indent 2 text}}"), "x: |\n  Ab\n  c");
    assert_eq!(told("{{quote text}}"), "\"Ab\\nc\"");
    assert_eq!(told("{{default none \"d\"}} {{default empty \"e\"}} {{default n 4}}"), "d e 3");
    assert_eq!(told("{{join list \", \"}} {{upper \"aB\"}} {{lower \"aB\"}}"), "a, b AB ab");
    assert_eq!(told("{{multiline text}}"), "Ab\nc");
    assert_eq!(told("{{urlencode map.k}}"), "v%3A%20w");
    assert_eq!(
        told("{{#each (range n)}}{{add this 1}}{{/each}}{{#each (range 5 7)}}{{this}}{{/each}}"),
        "12356"
    );
    assert_eq!(
        told("{{#each list}}{{this}}={{ip_add \"10.77.0.9\" @index}} {{/each}}"),
        "a=10.77.0.9 b=10.77.0.10 "
    );
    assert_eq!(
        told("{{ip_host \"10.77.0.0/24\" 1}}/{{ip_prefix \"10.77.0.0/24\"}}"),
        "10.77.0.1/24"
    );
    assert!(told("{{sha512crypt \"x\" \"salt\"}}").starts_with("$6$salt$"));
    assert_eq!(told("{{#if (eq n 3)}}three{{/if}}{{#if (not empty)}}none{{/if}}"), "threenone");
    assert_eq!(told("{{#each list}}{{@index}}{{this}}{{/each}}"), "0a1b");
    assert_eq!(told("{{base64 (json list)}}"), "WyJhIiwiYiJd");
}

#[test]
fn templates_include_each_other_by_name() {
    let catalog = catalog(&[
        ("templates/cloud/a.yaml", "a: {{x}}\n{{> cloud/b.yaml}}{{> cloud/c.yaml}}"),
        ("templates/cloud/b.yaml", "b: {{x}}\n"),
        ("templates/cloud/c.yaml", "c: d\n"),
    ]);
    let name = TemplateName::new("cloud/a.yaml").unwrap();
    let text = catalog.render(&name, &context(json!({"x": "y: z"}))).unwrap();
    assert_eq!(*text, *"a: \"y\\u003a z\"\nb: \"y\\u003a z\"\nc: d\n");
}

#[test]
fn selectors_lie_at_the_root_over_metadata_as_in_matchbox() {
    let catalog =
        catalog(&[("generic/x", "{{.mac}} {{.request.query.os}} {{.request.raw_query}}")]);
    let mut context = context(json!({"mac": "metadata"}));
    context.group.selector.insert("MAC".to_owned(), json!("selector"));
    context.request.query.insert("os".to_owned(), "installed".to_owned());
    context.request.raw_query = "os=installed".to_owned();
    let text = catalog.render(&TemplateName::new("generic/x").unwrap(), &context).unwrap();
    assert_eq!(*text, *"selector installed os=installed");
}

#[test]
fn a_selection_supplies_metadata_tags_and_the_matched_selector() {
    let catalog = catalog(&[
        (
            "groups/g.yaml",
            "profile: p\nselector: {mac: [52-54-00-00-00-0A, 52-54-00-00-00-0B]}\ntags: {rack: r1, role: db}\nmetadata: {net: {mtu: 9000}}",
        ),
        ("profiles/p.yaml", "generic: x\nmetadata: {net: {mtu: 1500, dns: d}}"),
        (
            "templates/generic/x",
            "{{mac}} {{net.mtu}} {{metadata.net.dns}} {{node.tags.rack}} {{node.tags.role}} {{group.name}} {{profile.name}} {{server.url}}",
        ),
    ]);
    let mut labels = Labels::new();
    labels.insert("mac", "5254.0000.000b", Trust::Claimed);
    let selection = catalog.select(&labels).unwrap();
    let one = |key: &str, value: &str| BTreeMap::from([(key.to_owned(), value.to_owned())]);
    let node = NodeFacts {
        labels: one("mac", "5254.0000.000b"),
        tags: one("role", "web"),
        ..NodeFacts::default()
    };
    let server = Server::new("http://s");
    let context = Context::new(node, selection, Request::default(), server);
    let name = selection.profile.generic[""].clone();
    let text = catalog.render(&name, &context).unwrap();
    assert_eq!(*text, *"52:54:00:00:00:0b 9000 d r1 web g p http://s");
}

#[test]
fn a_value_keeps_to_its_line_in_a_language_that_nobody_here_knows() {
    let fault = render("generic/ks.cfg", "rootpw {{x}}\n", json!({"x": "a\n%post"})).unwrap_err();
    assert!(fault.message.contains("line 1 of what it renders"), "{fault}");
}

#[test]
fn a_file_without_a_template_is_sent_byte_for_byte() {
    let ignition = "{ \"ignition\": {\"version\":\"3.3.0\"} }\r\n\n";
    assert_eq!(render("ignition/x.ign", ignition, json!({})).unwrap(), ignition);
}

#[test]
fn plain_values_stay_readable_and_others_are_quoted() {
    let told = |value: &str| render("cloud/x.yaml", "k: {{x}}", json!({"x": value})).unwrap();
    assert_eq!(told("http://10.0.0.1:8080/a"), "k: http://10.0.0.1:8080/a");
    assert_eq!(told("ssh-ed25519 AAAA+/= me@host"), "k: ssh-ed25519 AAAA+/= me@host");
    assert_eq!(told("a: b"), "k: \"a\\u003a b\"");
    assert_eq!(told(""), "k: \"\"");
    assert_eq!(told("*alias"), "k: \"\\u002aalias\"");
}

/// CVE-2026-46447: in OpenStack Ironic a node's own values could add directives to its boot configuration.
#[test]
fn a_serial_cannot_add_a_key_to_a_cloud_config() {
    let evil = "SN1\nssh_authorized_keys: [evil]";
    for template in [
        "a: {{x}}\n",
        "- {{x}}\n",
        "- sn-{{x}}\n",
        "a: {b: {{x}}}\n",
        "a: {{quote x}}\n",
        "- a{{json x}}\n",
        "a: |\n  {{indent 2 x}}\n",
    ] {
        let told = yaml(template, evil);
        let text = format!("{told:?}");
        assert!(!text.contains("\"ssh_authorized_keys\""), "{template} {text}");
    }
    assert_eq!(yaml("a: {{x}}", evil).unwrap()["a"], evil);
}

#[test]
fn what_does_not_parse_is_never_sent() {
    let fault = render("cloud/x.yaml", "a: \"{{x}}\"\n", json!({"x": "y\" z"})).unwrap_err();
    assert!(fault.message.contains("use {{json x}}"), "{fault}");
    assert!(render("ignition/x.ign", "{\"a\": {{x}}}", json!({"x": "1, \"b\": 2"})).is_err());
    let told =
        render("ignition/x.ign", "{\"a\": \"{{x}}\"}", json!({"x": "1\", \"b\": \"2"})).unwrap();
    let told: serde_json::Value = serde_json::from_str(&told).unwrap();
    assert_eq!(told, json!({"a": "1\", \"b\": \"2"}));
}

/// The keys of every map in a tree, with the number of its nodes.
pub(super) fn keys(value: &serde_yaml::Value) -> Vec<String> {
    match value {
        serde_yaml::Value::Mapping(map) => map
            .iter()
            .flat_map(|(key, value)| [vec![format!("{key:?}")], keys(value)].concat())
            .collect(),
        serde_yaml::Value::Sequence(list) => list.iter().flat_map(keys).collect(),
        _ => Vec::new(),
    }
}

#[test]
fn json_inside_of_the_author_s_quotes_adds_no_key() {
    let evil = "', ssh_authorized_keys:['ssh-ed25519 AAAA'],'";
    for template in
        ["a: {b: '{{json x}}'}\n", "a: {b: '{{quote x}}', c: d}\n", "a: [\"{{json x}}\"]\n"]
    {
        if let Ok(told) = yaml(template, evil) {
            assert!(!keys(&told).iter().any(|key| key.contains("ssh")), "{told:?}");
        }
    }
    let text = "t: 'a' \"b\" \\ # [c], {d}\u{85}\u{1f600}é";
    assert_eq!(yaml("a: {{json x}}\n", text).unwrap()["a"], text);
    let list = render("cloud/x.yaml", "a: {{json x}}", json!({"x": [{"k: ": [1, null, []]}, {}]}));
    let told: serde_yaml::Value = serde_yaml::from_str(&list.unwrap()).unwrap();
    assert_eq!(serde_json::to_value(&told["a"]).unwrap(), json!([{"k: ": [1, null, []]}, {}]));
}

/// A kickstart's `%post` is shell, and nothing here knows where it begins.
#[test]
fn what_a_machine_says_is_one_plain_word_in_a_language_that_nobody_knows() {
    let catalog = |template: &str| catalog(&[("templates/generic/x.ks", template)]);
    let told = |template: &str, serial: &str| {
        let mut context = context(json!({"note": "two words"}));
        context.node.serial = serial.to_owned();
        context.node.labels.insert("a b".to_owned(), "c".to_owned());
        context.node.tags.insert("rack".to_owned(), "row 1".to_owned());
        let text = catalog(template).render(&TemplateName::new("generic/x.ks").unwrap(), &context);
        text.map(|text| text.as_ref().to_owned())
    };
    for template in [
        "%post\necho {{node.serial}}\n",
        "%post\necho {{quote node.serial}}\n",
        "%post\necho {{multiline (upper node.serial)}}\n",
        "{{#with node}}{{serial}}{{/with}}",
    ] {
        let fault = told(template, "$(reboot)").unwrap_err();
        assert!(fault.message.contains("a machine says it"), "{fault}");
        assert!(told(template, "SN-1").is_ok(), "{template}");
    }
    assert!(told("{{#each node.labels}}{{@key}}{{/each}}", "").is_err());
    assert_eq!(told("{{note}} {{node.tags.rack}}", "").unwrap(), "two words row 1");
    assert_eq!(
        told("{{base64 node.serial}} {{urlencode node.serial}}", "a b").unwrap(),
        "YSBi a%20b"
    );
    let same =
        "{{#if (eq node.serial \"a b\")}}yes{{/if}}{{#if (ne node.serial \"a b\")}}no{{/if}}";
    assert_eq!(told(same, "a b").unwrap(), "yes");
    assert_eq!(told("{{#if (eq (len node.serial) 3)}}yes{{/if}}", "a b").unwrap(), "yes");
}

#[test]
fn a_value_within_a_line_of_a_block_scalar_is_that_line_s_text() {
    let template = "a: |\n  k={{oneline x}}.\n";
    assert_eq!(yaml(template, "b: c # d").unwrap()["a"], "k=b: c # d.\n");
    assert!(yaml(template, "b\nc").is_err());
}

#[test]
fn a_template_that_indents_is_not_moved_in_by_its_include() {
    let build = |include: &str| {
        let file = |path: &str, text: &str| SourceFile { path: path.into(), text: text.into() };
        let files = vec![
            file("templates/cloud/a.yaml", include),
            file("templates/cloud/b.yaml", "{{> cloud/c.yaml}}\n"),
            file("templates/cloud/c.yaml", "c: |\n  {{indent 2 x}}\n"),
        ];
        Catalog::build(CatalogId::new("test"), &files.into()).map(drop)
    };
    assert_eq!(build("{{> cloud/c.yaml}}\n"), Ok(()));
    for included in ["b", "c"] {
        let faults = build(&format!("a:\n  {{{{> cloud/{included}.yaml}}}}\n")).unwrap_err();
        assert!(faults[0].to_string().contains("a.yaml:2:1: "), "{}", faults[0]);
        assert!(faults[0].message.contains("begin of the line"), "{}", faults[0]);
    }
}

const EVIL: &str = "(?s).{0,30}|[ \n\r\t:#{}\\[\\],&*!|>'\"%@`?a1\u{85}\u{2028}-]{0,16}";

proptest! {
    #![proptest_config(ProptestConfig::with_cases(192))]

    #[test]
    fn no_value_adds_a_key_to_yaml(value in EVIL) {
        let templates = [
            "a: {{x}}\nb: 1\n",
            "l:\n  - {{x}}\n  - y{{x}}\n",
            "l:\n  - y {{x}} z\nm: {n: {{x}}, o: [{{x}}]}\n",
            "a: {{quote x}}\nb: [{{json x}}]\nl:\n  - y{{json x}}\n",
        ];
        for template in templates {
            let wanted = keys(&yaml(template, "plain").unwrap());
            if let Ok(told) = yaml(template, &value) {
                prop_assert_eq!(keys(&told), wanted, "{}", template);
            }
        }
    }

    #[test]
    fn a_value_that_stands_alone_arrives_as_it_was(value in EVIL) {
        let told = yaml("a: {{quote x}}", &value).unwrap();
        prop_assert_eq!(told["a"].as_str(), Some(value.as_str()));
        let told = yaml("a: {{x}}", &format!("t {value}.")).unwrap();
        let wanted = format!("t {value}.");
        prop_assert_eq!(told["a"].as_str(), Some(wanted.as_str()));
    }

    #[test]
    fn no_value_adds_a_key_to_json(value in EVIL) {
        let template = "{\"a\": \"{{x}}\", \"b\": {{json x}}, \"c\": [\"{{x}}\"]}";
        let told = render("generic/x.json", template, json!({"x": value.clone()})).unwrap();
        let told: serde_json::Value = serde_json::from_str(&told).unwrap();
        prop_assert_eq!(told, json!({"a": value.clone(), "b": value.clone(), "c": [value]}));
    }

    #[test]
    fn no_name_or_key_adds_to_the_shipped_cloud_config(name in EVIL, key in EVIL) {
        let wanted = keys(&serde_yaml::from_str(&shipped_cloud("n", "u", &["k".to_owned()]).unwrap()).unwrap());
        let told = shipped_cloud(&name, &name, std::slice::from_ref(&key)).unwrap();
        let told: serde_yaml::Value = serde_yaml::from_str(&told).unwrap();
        prop_assert_eq!(keys(&told), wanted);
        prop_assert_eq!(told["users"][0]["ssh_authorized_keys"][0].as_str(), Some(key.as_str()));
    }
}
