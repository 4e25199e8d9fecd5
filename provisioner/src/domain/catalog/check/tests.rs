use super::*;
use crate::domain::catalog::{CatalogId, SourceFile};

/// What is wrong with one group, its profile `x` and the template `x` of all kinds.
fn told(group: &str, profile: &str, template: &str) -> Vec<String> {
    let text = format!("#cloud-config\nhostname: {template}\n");
    let ignition = format!("variant: flatcar\nversion: 1.0.0\nignition: {{}}\n# {template}\n");
    let files = [
        ("groups/x.yaml", group),
        ("profiles/x.yaml", profile),
        ("templates/cloud/x.yaml", &text),
        ("templates/generic/x.yaml", &text),
        ("templates/ignition/x.yaml", &ignition),
    ];
    let files = files.map(|(path, text)| SourceFile { path: path.into(), text: text.into() });
    let built = Catalog::build(CatalogId::new("test"), &files.to_vec().into());
    let catalog = built.unwrap_or_else(|faults| panic!("{faults:?}"));
    check(&catalog).faults.iter().map(ToString::to_string).collect()
}

const INSTALLS: &str =
    "install: {image: debian-12, disk: {choose: smallest}, config: cloud-init}\ncloud: x.yaml";
const LIVE: &str = "boot: {kernel: /k, args: [quiet]}\n";
const ALL: &str = "profile: x\nevery: true";

#[test]
fn a_cloud_config_that_is_put_onto_a_disk_cannot_count_on_any_question() {
    for key in ["hostname", "mac", "uuid"] {
        let faults = told(ALL, INSTALLS, &format!("\"{{{{request.query.{key}}}}}\""));
        assert_eq!(faults.len(), 1, "{key}: {faults:?}");
        assert!(faults[0].contains(&format!("request.query.{key}")), "{faults:?}");
    }
    for fine in
        ["node.hostname", "node.mac", "default request.query.hostname \"x\"", "secrets.node_token"]
    {
        assert_eq!(told(ALL, INSTALLS, &format!("\"{{{{{fine}}}}}\"")), [""; 0], "{fine}");
    }
}

#[test]
fn documents_can_count_on_uuid_and_mac_only() {
    for document in ["cloud: x.yaml", "generic: x.yaml", "ignition: x.yaml"] {
        let profile = format!("{LIVE}{document}");
        let of = |key: &str| told(ALL, &profile, &format!("\"{{{{request.query.{key}}}}}\""));
        for key in ["hostname", "domain", "serial", "arch", "os"] {
            assert_eq!(of(key).len(), 1, "{document} {key}");
        }
        for key in ["uuid", "mac"] {
            assert_eq!(of(key), [""; 0], "{document} {key}");
        }
    }
}

#[test]
fn a_boot_script_can_count_on_what_ipxe_says() {
    let profile =
        |key: &str| format!("boot: {{kernel: /k, args: ['h={{{{request.query.{key}}}}}']}}");
    for key in ["uuid", "mac", "domain", "hostname", "serial", "arch"] {
        assert_eq!(told(ALL, &profile(key), ""), [""; 0], "{key}");
    }
    assert_eq!(told(ALL, &profile("os"), "").len(), 1);
}

#[test]
fn what_a_group_selects_by_is_supplied_to_its_machines() {
    let group = "profile: x\nselector: {rack: [r1, r2], os: installed}";
    for document in ["cloud: x.yaml", "generic: x.yaml", "ignition: x.yaml"] {
        let profile = format!("{LIVE}{document}");
        for variable in ["node.labels.rack", "request.query.os", "node.labels.mac"] {
            let template = format!("\"{{{{{variable}}}}}\"");
            assert_eq!(told(group, &profile, &template), [""; 0], "{document} {variable}");
        }
        assert_eq!(told(group, &profile, "\"{{node.labels.zone}}\"").len(), 1);
    }
    assert_eq!(told(group, INSTALLS, "\"{{node.labels.rack}}\""), [""; 0]);
    assert_eq!(told(group, INSTALLS, "\"{{request.query.rack}}\"").len(), 1);
}

#[test]
fn an_ignition_config_that_is_put_onto_a_disk_cannot_count_on_any_question() {
    for config in ["ignition", "ignition-oem"] {
        let profile = format!(
            "install: {{image: x, disk: {{choose: smallest}}, config: {config}}}\nignition: x.yaml"
        );
        assert_eq!(told(ALL, &profile, "\"{{request.query.mac}}\"").len(), 1, "{config}");
        assert_eq!(told(ALL, &profile, "\"{{node.mac}}\""), [""; 0], "{config}");
    }
}
