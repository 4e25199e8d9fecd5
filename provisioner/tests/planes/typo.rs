//! A typo while the daemon serves.

use crate::boot::matchbox;
use crate::rig::{GROUP, Rig};

const LIVE: &str = "/ipxe?mac=52-54-00-00-00-07";
/// Of no group but the shipped default one.
const OTHER: &str = "/ipxe?mac=52-54-00-00-00-55&serial=SN55";
/// Of the group `lab`, which installs.
const WAITS: &str = "/ipxe?mac=52-54-00-00-00-66&serial=SN2";

fn without_token(script: &str) -> Vec<String> {
    let words = script.split_whitespace();
    words.filter(|word| !word.starts_with("provisioner.token=")).map(str::to_owned).collect()
}

#[test]
fn a_typo_in_one_group_never_changes_what_another_node_gets_and_never_starts_an_installation() {
    let rig = Rig::with(matchbox);
    let ask = |path: &str| without_token(&rig.get(path).1);
    let catalog = |rig: &Rig| {
        let (_, headers, _) = rig.ask(LIVE);
        headers["Provisioner-Catalog"].to_str().unwrap().to_owned()
    };
    let before = [LIVE, OTHER, WAITS].map(ask);
    let id = catalog(&rig);
    let typos = [
        // The group loses its selector: it would take every machine, and install it.
        "name: lab\nprofile: debian-12\nselecter: {serial: [SN1, SN2]}\n",
        "name: lab\nprofile: debain-12\nselector: {serial: [SN1, SN2]}\n",
        "profile: debian-12\npriorty: 100\n",
        "{\"profile\": \"debian-12\",}",
    ];
    let faulty = |rig: &Rig| {
        let metrics = rig.get("/metrics").1;
        !metrics.lines().any(|line| line == "provisioner_catalog_faults 0")
    };
    for typo in typos {
        // A good change beside it must not go live either.
        rig.write("groups/beside.yaml", "profile: hold\nselector: {serial: SN55}\n");
        rig.write("groups/lab.yaml", typo);
        rig.wait_until("the typo is seen", faulty);
        assert_eq!([LIVE, OTHER, WAITS].map(ask), before, "{typo}");
        assert_eq!(catalog(&rig), id, "{typo}");
        std::fs::remove_file(rig.dir.path().join("catalog/groups/beside.yaml")).unwrap();
        rig.write("groups/lab.yaml", GROUP);
        rig.wait_until("it is mended", |rig| !faulty(rig));
    }
    let installs =
        before.iter().filter(|script| script.iter().any(|word| word.contains("installer")));
    assert_eq!(installs.count(), 1, "only the machine that waits for it");
}
