use super::*;
use crate::domain::plan::tests::{catalog, node};
use crate::server::order;

const AROUND: Around<'static> = Around { server: "http://192.0.2.1:8080", subnets: &[] };

/// What an operator sees of a document.
fn shown(files: &[(&str, &str)], node: &Node, what: &What) -> Result<Option<String>, String> {
    let catalog = catalog(files);
    let selection = catalog.select(&node.labels());
    let plan = order::decide(node, selection.map(|selection| selection.profile), None);
    let why = ["more of the reason".to_owned()];
    let decided = Decided {
        catalog: &catalog,
        selection,
        node,
        plan: &plan,
        why: &why,
        token: NO_TOKEN,
        peer: None,
    };
    let made = preview(&AROUND, &decided, what).map_err(|fault| fault.to_string())?;
    Ok(made.map(|text| text.as_ref().to_owned()))
}

const ALL: (&str, &str) = ("groups/all.yaml", "profile: x\nevery: true");
const INSTALLS: (&str, &str) = (
    "profiles/x.yaml",
    "install: {image: debian-12, disk: {choose: smallest}, config: cloud-init}\ncloud: x.yaml",
);

#[test]
fn a_cloud_config_is_shown_as_the_installer_puts_it_onto_the_disk() {
    let text = "#cloud-config\nhostname: {{default request.query.hostname \"none\"}}\n\
                final_message: $private_ipv4 {{secrets.node_token}}\n";
    let cloud = ("templates/cloud/x.yaml", text);
    let mut machine = node(1, &[("hostname", "asked")]);
    machine.status.address = Some([192, 0, 2, 7].into());
    assert_eq!(
        shown(&[ALL, INSTALLS, cloud], &machine, &What::Cloud).unwrap().unwrap(),
        "#cloud-config\nhostname: none\nfinal_message: 192.0.2.7 TOKEN\n"
    );
}

#[test]
fn the_cloud_config_of_a_live_system_is_shown_as_it_is_asked_for() {
    let live = ("profiles/x.yaml", "boot: {kernel: /k, args: [quiet]}\ncloud: x.yaml");
    let text =
        "#cloud-config\nhostname: {{request.query.hostname}}\nfinal_message: $private_ipv4\n";
    let cloud = ("templates/cloud/x.yaml", text);
    let mut machine = node(1, &[("hostname", "asked")]);
    machine.status.address = Some([192, 0, 2, 7].into());
    assert_eq!(
        shown(&[ALL, live, cloud], &machine, &What::Cloud).unwrap().unwrap(),
        "#cloud-config\nhostname: asked\nfinal_message: 192.0.2.7\n"
    );
}

#[test]
fn what_ipxe_does_not_know_is_empty_in_its_script_and_no_fault() {
    let live = ("profiles/x.yaml", "boot: {kernel: /k, args: ['h={{request.query.hostname}}']}");
    let script = shown(&[ALL, live], &node(1, &[]), &What::Ipxe).unwrap().unwrap();
    assert!(script.contains("kernel /k h=\n"), "{script}");
}

#[test]
fn a_machine_that_no_group_wants_is_shown_the_script_that_it_gets_and_why() {
    let script = |what| shown(&[], &node(1, &[]), what).unwrap();
    let ipxe = script(&What::Ipxe).unwrap();
    assert!(ipxe.contains("no group's selector matches this machine"), "{ipxe}");
    assert!(ipxe.contains("more of the reason"), "{ipxe}");
    assert!(script(&What::Grub).unwrap().contains("more of the reason"));
    assert_eq!(script(&What::Cloud), None);
    assert_eq!(script(&What::Metadata), None);
}
