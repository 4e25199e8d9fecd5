use api::node::{After, Choose, DiskChoice, DiskRule, ImageFormat, Wipe};

use super::*;
use crate::domain::labels::{Labels, Trust};
use crate::domain::node::Limits;

mod properties;

fn build(files: &[(&str, &str)]) -> Catalog {
    let file = |(path, text): &(&str, &str)| SourceFile {
        path: (*path).to_owned(),
        text: (*text).to_owned(),
    };
    let files: Vec<_> = files.iter().map(file).collect();
    let catalog = Catalog::build(CatalogId::new("test"), &files.into());
    catalog.unwrap_or_else(|faults| {
        let lines: Vec<_> = faults.iter().map(Fault::to_string).collect();
        panic!(
            "{}",
            lines.join(
                "
"
            )
        )
    })
}

fn labels(pairs: &[(&str, &str)]) -> Labels {
    let mut labels = Labels::new();
    for (key, value) in pairs {
        labels.insert(*key, *value, Trust::Claimed);
    }
    labels
}

fn group_for<'c>(catalog: &'c Catalog, pairs: &[(&str, &str)]) -> Option<&'c str> {
    catalog.select(&labels(pairs)).map(|selection| selection.group.name.as_str())
}

const LOCAL: (&str, &str) = ("profiles/local.yaml", "name: local\n");

#[test]
fn the_most_selectors_win_and_a_tie_goes_to_the_greater_selector_string() {
    let catalog = build(&[
        LOCAL,
        ("groups/default.yaml", "profile: local"),
        ("groups/a1.yaml", "profile: local\nselector: {a: '1'}"),
        ("groups/z1.yaml", "profile: local\nselector: {z: '1'}"),
        ("groups/both.yaml", "profile: local\nselector: {a: '1', b: '1'}"),
    ]);
    assert_eq!(group_for(&catalog, &[]), Some("default"));
    assert_eq!(group_for(&catalog, &[("a", "1")]), Some("a1"));
    assert_eq!(group_for(&catalog, &[("a", "1"), ("z", "1")]), Some("z1"));
    assert_eq!(group_for(&catalog, &[("a", "1"), ("b", "1"), ("z", "1")]), Some("both"));
}

#[test]
fn priority_beats_any_number_of_selectors() {
    let catalog = build(&[
        LOCAL,
        ("groups/many.yaml", "profile: local\nselector: {a: '1', b: '1', c: '1'}"),
        ("groups/first.yaml", "profile: local\nselector: {a: '1'}\npriority: 1"),
        ("groups/last.yaml", "profile: local\npriority: -1"),
    ]);
    assert_eq!(group_for(&catalog, &[("a", "1"), ("b", "1"), ("c", "1")]), Some("first"));
    assert_eq!(group_for(&catalog, &[]), Some("last"));
}

#[test]
fn a_list_matches_any_of_its_values() {
    let catalog = build(&[
        LOCAL,
        ("groups/x.yaml", "profile: local\nselector: {rack: [r1, r2], role: {in: [db, web]}}"),
    ]);
    assert_eq!(group_for(&catalog, &[("rack", "r2"), ("role", "db")]), Some("x"));
    assert_eq!(group_for(&catalog, &[("rack", "r3"), ("role", "db")]), None);
    assert_eq!(group_for(&catalog, &[("rack", "r2")]), None);
}

#[test]
fn mac_uuid_and_hostname_match_in_any_spelling_and_are_shown_as_written() {
    let catalog = build(&[
        LOCAL,
        ("groups/mac.yaml", "profile: local\nselector: {mac: 52-54-00-AB-cd-01}"),
        (
            "groups/uuid.yaml",
            "profile: local\nselector: {uuid: 4C4C4544-0051-3610-8052-B4C04F4A3132}",
        ),
        ("groups/host.yaml", "profile: local\nselector: {hostname: Node1.lab.}"),
    ]);
    assert_eq!(group_for(&catalog, &[("mac", "5254.00ab.CD01")]), Some("mac"));
    assert_eq!(group_for(&catalog, &[("uuid", "4c4c4544005136108052b4c04f4a3132")]), Some("uuid"));
    assert_eq!(group_for(&catalog, &[("hostname", "node1.LAB")]), Some("host"));
    assert_eq!(group_for(&catalog, &[("mac", "nonsense")]), None);
    let group = catalog.groups().iter().find(|group| group.name == "mac").unwrap();
    assert_eq!(group.selector[0].values, ["52-54-00-AB-cd-01"]);
}

#[test]
fn lists_that_multiply_beyond_reason_still_match() {
    let list =
        |letter: char| (0..40).map(|n| format!("{letter}{n}")).collect::<Vec<_>>().join(", ");
    let text = format!("profile: local\nselector: {{a: [{}], b: [{}]}}", list('a'), list('b'));
    let catalog = build(&[LOCAL, ("groups/x.yaml", &text)]);
    assert_eq!(group_for(&catalog, &[("a", "a39"), ("b", "b7")]), Some("x"));
    assert_eq!(group_for(&catalog, &[("a", "a39")]), None);
}

#[test]
fn only_a_selector_that_says_empty_matches_a_label_that_is_missing() {
    let catalog = build(&[
        LOCAL,
        ("groups/no-os.yaml", "profile: local\nselector: {os: ''}"),
        ("groups/os.yaml", "profile: local\nselector: {os: installed}"),
    ]);
    assert_eq!(group_for(&catalog, &[]), Some("no-os"));
    assert_eq!(group_for(&catalog, &[("os", "installed")]), Some("os"));
    assert_eq!(group_for(&catalog, &[("os", "other")]), None);
}

#[test]
fn a_group_that_takes_every_machine_installs_only_when_it_says_so() {
    let installs = ("profiles/x.yaml", "install: {image: i, disk: {choose: only}}");
    let catalog = build(&[installs, ("groups/all.yaml", "profile: x\nevery: true\n")]);
    assert_eq!(group_for(&catalog, &[]), Some("all"));
    let catalog = build(&[LOCAL, ("groups/a.json", r#"{"profile": "local", "selector": {}}"#)]);
    assert_eq!(group_for(&catalog, &[]), Some("a"), "as in matchbox");
}

#[test]
fn a_machine_in_two_groups_of_one_rank_is_told_of() {
    let warnings = |a: &str, b: &str| {
        let (a, b) = (format!("profile: local\n{a}"), format!("profile: local\n{b}"));
        let catalog = build(&[LOCAL, ("groups/a.yaml", &a), ("groups/b.yaml", &b)]);
        catalog.warnings().iter().map(Fault::to_string).collect::<Vec<_>>()
    };
    let told = warnings("selector: {serial: [S1, S2]}", "selector: {serial: [S2, S3]}");
    assert_eq!(told.len(), 1);
    assert!(
        told[0].starts_with("groups/b.yaml:2:1: selector.serial: serial S2 is in group `a`"),
        "{}",
        told[0]
    );
    for (a, b) in [
        ("selector: {serial: S1, os: ''}", "selector: {serial: [S1, S2], os: installed}"),
        ("selector: {serial: S1}", "selector: {serial: [S1, S2]}\npriority: 1"),
        ("selector: {serial: S1}", "selector: {serial: [S1, S2], os: ''}"),
        ("selector: {rack: [r1]}", "selector: {rack: [r1, r2]}"),
    ] {
        assert_eq!(warnings(a, b), [""; 0], "{a} {b}");
    }
}

#[test]
fn the_ranking_says_what_passed_and_who_won() {
    let catalog = build(&[
        LOCAL,
        ("groups/default.yaml", "profile: local"),
        ("groups/a.yaml", "profile: local\nselector: {rack: r1}"),
        ("groups/b.yaml", "profile: local\nselector: {rack: r1, role: db}"),
    ]);
    let labels = labels(&[("rack", "r1")]);
    let ranked = catalog.rank(&labels);
    let told: Vec<_> = ranked.iter().map(|r| (r.group.name.as_str(), r.passed, r.chosen)).collect();
    assert_eq!(told, [("b", false, false), ("a", true, true), ("default", true, false)]);
    let tests: Vec<_> =
        ranked[0].tests.iter().map(|t| (t.key, t.found.clone(), t.passed)).collect();
    let found = Some(("r1".to_owned(), Trust::Claimed));
    assert_eq!(tests, [("rack", found, true), ("role", None, false)]);
    let selected = catalog.select(&labels).unwrap().group.name.as_str();
    assert_eq!(ranked.iter().find(|r| r.chosen).unwrap().group.name, selected);
}

#[test]
fn an_installation_reads_as_interfaces_md_writes_it() {
    let catalog = build(&[(
        "profiles/x.yaml",
        "boot: {args: [quiet]}
install:
  image: {url: http://10.0.0.5/debian.raw.zst, sha256: AA00000000000000000000000000000000000000000000000000000000000000}
  disk: {choose: smallest, min: 8GiB, rotational: false, transport: nvme}
  config: cloud-init
  wipe: discard
  after: poweroff
  limits: {heartbeat: 30s, first_boot: 2h}
",
    )]);
    let profile = catalog.profile("x").unwrap();
    assert_eq!((profile.live, profile.boot.is_some()), (false, false));
    assert_eq!(profile.boot_args, ["quiet"]);
    let wanted = Install {
        image: ImageRef::Url {
            url: "http://10.0.0.5/debian.raw.zst".to_owned(),
            sha256: format!("aa{}", "0".repeat(62)),
            format: ImageFormat::RawZstd,
        },
        disk: DiskRule::Choose(DiskChoice {
            choose: Choose::Smallest,
            min_bytes: Some(8 << 30),
            rotational: Some(false),
            transport: Some("nvme".to_owned()),
        }),
        config: ConfigKind::CloudInit,
        wipe: Wipe::Discard,
        after: After::Poweroff,
        limits: Limits { heartbeat_seconds: 30, first_boot_seconds: 7200, tries: 3 },
    };
    assert_eq!(profile.install.as_ref(), Some(&wanted));
}

#[test]
fn disks_are_named_in_five_ways() {
    let rule = |disk: &str| {
        let text = format!("install: {{image: debian-12, disk: {disk}}}");
        let catalog = build(&[("profiles/x.yaml", &text)]);
        catalog.profile("x").unwrap().install.clone().unwrap().disk
    };
    assert_eq!(rule("{serial: S1}"), DiskRule::Serial("S1".into()));
    assert_eq!(rule("{wwn: w}"), DiskRule::Wwn("w".into()));
    assert_eq!(rule("{path: /dev/vda}"), DiskRule::Path("/dev/vda".into()));
    assert_eq!(rule("{by: 'pci-0000:00:04.0'}"), DiskRule::By("pci-0000:00:04.0".into()));
    assert!(matches!(rule("{choose: only}"), DiskRule::Choose(_)));
}

#[test]
fn extended_profiles_merge_maps_and_replace_lists() {
    let catalog = build(&[
        (
            "profiles/base.yaml",
            "name: base
boot: {args: [a, b]}
install: {image: one, disk: {choose: only}, limits: {tries: 5}}
metadata: {name: metal, net: {dns: [x], mtu: 1500}}
",
        ),
        (
            "profiles/x.yaml",
            "extends: base
boot: {args: [c]}
install: {image: two}
metadata: {net: {dns: [y]}}
",
        ),
    ]);
    let profile = catalog.profile("x").unwrap();
    let install = profile.install.clone().unwrap();
    assert_eq!(profile.boot_args, ["c"]);
    assert_eq!(install.image, ImageRef::Library("two".to_owned()));
    assert_eq!(install.limits.tries, 5);
    let metadata = serde_json::to_string(&profile.metadata).unwrap();
    assert_eq!(metadata, r#"{"name":"metal","net":{"dns":["y"],"mtu":1500}}"#);
}

#[test]
fn matchbox_files_load_as_they_are() {
    let catalog = build(&[
        (
            "groups/node1.json",
            "{\n\t\"id\": \"node1\",\n\t\"name\": \"Controller \\u0026 more\",\n\t\"profile\": \"flatcar\",\n\t\"selector\": {\"mac\": \"52:54:00:A1:9C:AE\", \"os\": \"installed\"},\n\t\"metadata\": {\"domain_name\": \"node1.example.com\", \"keys\": [\"a\"]}\n}",
        ),
        (
            "profiles/flatcar.json",
            r#"{"id": "flatcar", "name": "Flatcar", "boot": {"kernel": "/assets/k", "initrd": ["--name main /assets/i"],
                "args": ["initrd=main", "flatcar.config.url=http://x/ignition?uuid=${uuid}&mac=${mac:hexhyp}"]},
                "ignition_id": "x.yaml", "generic_id": "", "cloud_id": ""}"#,
        ),
        ("profiles/empty.json", r#"{"id": "empty", "boot": {}}"#),
        (
            "ignition/x.yaml",
            "variant: flatcar\nversion: 1.0.0\nstorage: {files: [{path: /etc/{{.domain_name}}}]}\n",
        ),
    ]);
    let labels = labels(&[("mac", "52:54:00:a1:9c:ae"), ("os", "installed")]);
    let selection = catalog.select(&labels).unwrap();
    assert_eq!(selection.group.name, "node1");
    assert!(selection.profile.live && selection.profile.install.is_none());
    assert_eq!(selection.profile.ignition.as_ref().unwrap().as_str(), "ignition/x.yaml");
    assert!(selection.profile.generic.is_empty() && selection.profile.cloud.is_none());
    assert_eq!(selection.profile.boot.as_ref().unwrap().initrd, ["--name main /assets/i"]);
    assert_eq!(check(&catalog).faults.len(), 0);
}

#[test]
fn a_profile_that_says_nothing_boots_the_local_disk() {
    let catalog = build(&[LOCAL]);
    let profile = catalog.profile("local").unwrap();
    assert!(profile.is_local_only() && !profile.live && profile.install.is_none());
}

#[test]
fn readmes_and_folders_beside_the_files_are_left_alone() {
    let catalog = build(&[
        LOCAL,
        ("groups/README.md", "profile: ["),
        ("groups/old/x.yaml", "profile: ["),
        ("templates/README.md", "{{#if"),
    ]);
    assert_eq!(catalog.groups().len(), 0);
}
