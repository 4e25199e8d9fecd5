use super::*;
use crate::domain::plan::tests::{catalog, node};

fn asked() -> Asked<'static> {
    let around = Around { server: "http://192.0.2.1:8080", subnets: &[] };
    Asked { around, library: None, gate: Gate { moves: 1 }, diff: true }
}

const DEFAULT: (&str, &str) = ("groups/default.yaml", "profile: local");
const R1: (&str, &str) = ("groups/r1.yaml", "profile: live\nselector: {rack: r1}");

#[test]
fn a_plan_reads_as_a_table_and_three_sentences() {
    let long = "boot: {kernel: /k, initrd: [/i], args: [quiet, console=ttyS0, \
                systemd.journald.forward_to_console=1, coreos.first_boot=1]}";
    let old = catalog(&[DEFAULT, R1, ("profiles/live.yaml", long)]);
    let new = long.replace("console=ttyS0", "console=ttyS1");
    let new = catalog(&[R1, ("profiles/live.yaml", &new)]);
    let nodes = [node(1, &[("rack", "r1")]), node(2, &[]), node(3, &[])];
    let plan = planned(&old, &new, &nodes, asked());
    insta::assert_snapshot!(plan.text, @r"
    NODE  CHANGE       NOW                                               THEN
    n1    kernel args  … console=ttyS0 …                                 … console=ttyS1 …
          ipxe         4 lines                                           4 lines (+1 -1)
          grub         15 lines                                          15 lines (+2 -2)
    n2    group        default                                           none
          profile      local                                             none
          ipxe         7 lines                                           10 lines (+4 -1)
          grub         28 lines                                          31 lines (+4 -1)
          metadata     1 line                                            none (+0 -1)
          next boot    local disk: its profile says to boot its own di…  hold: no group's selector matches this machine
    n3    group        default                                           none
          profile      local                                             none
          ipxe         7 lines                                           10 lines (+4 -1)
          grub         28 lines                                          31 lines (+4 -1)
          metadata     1 line                                            none (+0 -1)
          next boot    local disk: its profile says to boot its own di…  hold: no group's selector matches this machine

    1 node changes arguments, 2 match no group, 3 read another grub, 3 read another ipxe, 2 read another metadata, 0 reinstalls
    from test to test, 3 nodes compared
    it would wait for an acknowledgement: 2 nodes would match no group (n2: local → no group, n3: local → no group)
    ");
    let json = serde_json::to_value(&plan).unwrap();
    assert_eq!(json["nodes"][0]["changes"][0]["what"], "kernel args");
    assert!(
        json["text"].is_null() && json["diff"].as_str().unwrap().contains("\n-kernel /k quiet ")
    );
}

#[test]
fn a_node_that_waits_for_an_image_that_is_missing_is_planned_to_be_held() {
    let r1 = ("groups/r1.yaml", "profile: debian\nselector: {rack: r1}");
    let (old, new) = (catalog(&[DEFAULT, R1]), catalog(&[DEFAULT, r1]));
    let assets = tempfile::tempdir().unwrap();
    let library = Some(Library { assets: assets.path(), server: "http://192.0.2.1:8080" });
    let nodes = [node(1, &[("rack", "r1")])];
    let boots = |library| {
        let plan = planned(&old, &new, &nodes, Asked { library, ..asked() });
        (plan.nodes[0].boots_after.clone(), plan.diff)
    };
    assert_eq!(boots(None).0, "install");
    let (after, diff) = boots(library);
    assert!(after.starts_with("hold: there is no "), "{after}");
    assert!(!diff.contains("provisioner.token"), "{diff}");
}

#[test]
fn no_token_is_ever_in_a_plan() {
    let debian = ("groups/r1.yaml", "profile: debian\nselector: {rack: r1}");
    let args = "install: {image: debian-12, disk: {choose: smallest}}\nboot: {args: [quiet]}";
    let (old, new) = (catalog(&[debian]), catalog(&[debian, ("profiles/debian.yaml", args)]));
    let plan = planned(&old, &new, &[node(1, &[("rack", "r1")])], asked());
    let token = plan.diff.split("provisioner.token=").nth(1).unwrap();
    assert!(token.starts_with("TOKEN "), "{}", plan.diff);
}

#[test]
fn what_a_machine_is_called_cannot_drive_the_terminal() {
    let mut odd = node(1, &[("rack", "r1")]);
    odd.spec.hostname = Some("\u{1b}]0;owned\u{7}".to_owned());
    let plan = planned(&catalog(&[R1]), &catalog(&[DEFAULT]), &[odd], asked());
    assert!(!plan.text.contains('\u{1b}') && plan.text.contains("owned"), "{}", plan.text);
}

#[test]
fn hundreds_of_nodes_are_compared_node_by_node() {
    let cloud = "boot: {kernel: /k, args: [quiet]}\ncloud: x.yaml\ngeneric: {a: x.yaml}";
    let template = |version: u8| {
        format!(
            "#cloud-config\nhostname: {{{{node.hostname}}}}\nruncmd:\n{}",
            "  - [ls]\n".repeat(60)
        ) + &format!("final_message: v{version}\n")
    };
    let files = |text: &str| {
        catalog(&[
            DEFAULT,
            R1,
            ("profiles/live.yaml", cloud),
            ("templates/cloud/x.yaml", text),
            ("templates/generic/x.yaml", text),
        ])
    };
    let (old, new) = (files(&template(1)), files(&template(2)));
    let nodes: Vec<Node> = (0..500_u32)
        .map(|number| {
            let mut node = node(1, &[("rack", "r1")]);
            node.id = format!("n-{number}").parse().unwrap();
            node.spec.hostname = Some(format!("node{number}"));
            node
        })
        .collect();
    let plan = planned(&old, &new, &nodes, asked());
    assert_eq!((plan.compared, plan.nodes.len()), (500, 500));
    assert_eq!(
        plan.summary,
        "500 nodes read another cloud, 500 read another generic/a, 0 reinstalls"
    );
}
