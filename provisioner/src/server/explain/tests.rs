use super::*;
use crate::domain::plan::tests::{catalog, member_of, node};

fn around<'a>(catalog: &'a Catalog, members: &'a dyn Fn(&str) -> u32) -> Around<'a> {
    Around { catalog, members, library: None, all: false }
}

fn nobody(_: &str) -> u32 {
    0
}

const DEFAULT: (&str, &str) = ("groups/default.yaml", "profile: local");

fn racks() -> Catalog {
    catalog(&[
        DEFAULT,
        ("groups/r1.yaml", "profile: live\nselector: {rack: r1}"),
        ("groups/db.yaml", "profile: debian\nselector: {rack: r1, role: [db, sql]}\nquantity: 2"),
        ("groups/mac.yaml", "profile: flatcar\nselector: {mac: '52:54:00:00:00:01'}"),
    ])
}

#[test]
fn a_node_hears_who_won_by_which_rule_and_what_would_change_that() {
    let catalog = racks();
    let mut node = node(1, &[("rack", "r1"), ("role", "web"), ("mac", "52:54:00:00:00:10")]);
    node.spec.tags.insert("role".into(), "web".into());
    let told = super::node(around(&catalog, &nobody), &node, []);
    insta::assert_snapshot!(told.text, @r##"
    n1 (sn-n1) is configured: first sight; enrolment is auto
    next boot: live
    catalog: test

    labels (claimed: the machine says so; observed: seen on the network; operator: a tag)
      mac = "52:54:00:00:00:10" (claimed)
      rack = "r1" (claimed)
      role = "web" (operator)
      serial = "n1" (claimed)

    chosen: r1 → profile live (groups/r1.yaml)
      pass  rack wants "r1", is "r1" (claimed)
      asked before default: 1 selector over 0

    runner-up: default → profile local (groups/default.yaml)
      no selector: matches every machine
      wins with no rack (is "r1")

    least change: role="db" (is "web") → db
      mayuctl tag n1 role=db

    not matching, the nearest first:
    mac → profile flatcar (groups/mac.yaml)
      FAIL  mac wants "52:54:00:00:00:01", is "52:54:00:00:00:10" (claimed)
            "52:54:00:00:00:01" is one slip away from "52:54:00:00:00:10"; is one of them mistyped?
      wins with mac="52:54:00:00:00:01" (is "52:54:00:00:00:10"), no rack (is "r1")
    db → profile debian (groups/db.yaml)
      pass  rack wants "r1", is "r1" (claimed)
      FAIL  role wants "db" or "sql", is "web" (operator)
      room  0 of 2 nodes
      wins with role="db" (is "web")
    "##);
}

#[test]
fn a_machine_that_no_group_wants_hears_which_come_nearest_and_what_looks_mistyped() {
    let catalog = catalog(&[
        ("groups/db.yaml", "profile: debian\nselector: {rack: r1, role: db}"),
        ("groups/mac.yaml", "profile: flatcar\nselector: {mac: '52:54:00:00:00:01'}"),
    ]);
    let given = [("mac", "52:54:00:00:00:02"), ("rack", "r1")];
    let given = given.map(|(key, value)| (key.to_owned(), value.to_owned()));
    let told = labels(around(&catalog, &nobody), given);
    insta::assert_snapshot!(told.text, @r##"
    a machine with these labels
    next boot: local disk: no group's selector matches
    catalog: test

    labels (claimed: the machine says so; observed: seen on the network; operator: a tag)
      mac = "52:54:00:00:00:02" (claimed)
      rack = "r1" (claimed)

    no group of 2 selects this machine

    least change: role="db" (is not set) → db

    not matching, the nearest first:
    mac → profile flatcar (groups/mac.yaml)
      FAIL  mac wants "52:54:00:00:00:01", is "52:54:00:00:00:02" (claimed)
            "52:54:00:00:00:01" is one slip away from "52:54:00:00:00:02"; is one of them mistyped?
      wins with mac="52:54:00:00:00:01" (is "52:54:00:00:00:02")
    db → profile debian (groups/db.yaml)
      pass  rack wants "r1", is "r1" (claimed)
      FAIL  role wants "db", is not set
      wins with role="db" (is not set)
    "##);
    assert_eq!((told.group.as_str(), told.omitted), ("", 0));
}

#[test]
fn a_tag_that_stands_in_the_way_is_to_be_taken_away() {
    let catalog = racks();
    let mut tagged = node(1, &[("rack", "r1"), ("role", "db")]);
    tagged.spec.tags.insert("role".into(), "web".into());
    let told = super::node(around(&catalog, &nobody), &tagged, []);
    let least = "least change: role=\"db\" (is \"web\") → db\n  mayuctl tag n1 role-\n";
    assert!(told.group == "r1" && told.text.contains(least), "{}", told.text);

    let mut tagged = node(1, &[]);
    tagged.spec.tags.insert("rack".into(), "r1".into());
    let told = super::node(around(&catalog, &nobody), &tagged, []);
    let wins = "  wins with no rack (is \"r1\")\n\nleast change: no rack (is \"r1\") → default\n  \
                mayuctl tag n1 rack-\n";
    assert!(told.text.contains(wins), "{}", told.text);
}

#[test]
fn a_known_machine_is_explained_as_if_it_had_the_labels_that_are_given() {
    let catalog = racks();
    let known = node(1, &[("rack", "r1")]);
    let given = [("serial", "N1"), ("role", "db")].map(|(k, v)| (k.to_owned(), v.to_owned()));
    let told = super::node(around(&catalog, &nobody), &known, given);
    assert_eq!((told.group.as_str(), told.profile.as_str()), ("db", "debian"));
    let head = "n1 (sn-n1) is configured: first sight; enrolment is auto\nas if it had the tags role=\"db\"\n";
    assert!(told.text.starts_with(head), "what it is anyway is not said: {}", told.text);
    assert!(!told.text.contains("mayuctl tag"), "no tag of its own is meant: {}", told.text);
    assert!(known.spec.tags.is_empty());
}

#[test]
fn an_installation_whose_image_is_missing_is_a_hold() {
    let catalog = racks();
    let assets = tempfile::tempdir().unwrap();
    let library = Some(Library { assets: assets.path(), server: "" });
    let around = Around { library, ..around(&catalog, &nobody) };
    let db = node(1, &[("rack", "r1"), ("role", "db")]);
    let plan = || super::node(around, &db, []).plan;
    assert!(plan().starts_with("hold: there is no ") && plan().contains("installer-image"));
    let given = [("rack", "r1"), ("role", "db")].map(|(k, v)| (k.to_owned(), v.to_owned()));
    assert!(labels(around, given).plan.starts_with("hold: there is no "));
    let installer = assets.path().join(order::INSTALLER);
    std::fs::create_dir_all(&installer).unwrap();
    for file in order::INSTALLER_FILES {
        std::fs::write(installer.join(file), "x").unwrap();
    }
    assert!(plan().starts_with("hold: image \"debian-12\" is not in the library"), "{}", plan());
}

#[test]
fn a_node_counts_as_a_member_until_it_asks_again() {
    let catalog = racks();
    let gone = member_of("db", node(1, &[("rack", "r1")]));
    let told = super::node(around(&catalog, &nobody), &gone, []);
    let counts = "\n  counts as one of db until it asks at its next net boot\n";
    assert!(told.group == "r1" && told.text.contains(counts), "{}", told.text);
}

#[test]
fn a_full_group_is_passed_over_and_says_so_but_not_to_its_members() {
    let catalog = racks();
    let two = |_: &str| 2;
    let db = node(1, &[("rack", "r1"), ("role", "db")]);
    let told = super::node(around(&catalog, &two), &db, []);
    assert_eq!(told.group, "r1");
    let full = "full, so passed over:\ndb → profile debian (groups/db.yaml)\n";
    assert!(told.text.contains(full) && told.text.contains("FULL  2 of 2 nodes"), "{}", told.text);
    let told = super::node(around(&catalog, &two), &member_of("db", db), []);
    assert!(told.group == "db" && told.text.contains("room  2 of 2 nodes"), "{}", told.text);
}

#[test]
fn of_thousands_of_groups_the_nearest_ten_are_shown_and_the_rest_is_counted() {
    let mut files: Vec<(String, String)> = (0..3000)
        .map(|n| {
            (format!("groups/g{n}.yaml"), format!("profile: local\nselector: {{serial: S{n}}}"))
        })
        .collect();
    files.push(("groups/near.yaml".into(), "profile: live\nselector: {serial: XS71}".into()));
    let files: Vec<_> = files.iter().map(|(path, text)| (path.as_str(), text.as_str())).collect();
    let catalog = catalog(&files);
    let given = [("serial".to_owned(), "XS711".to_owned())];
    let told = labels(around(&catalog, &nobody), given.clone());
    assert_eq!((told.groups.len(), told.omitted), (10, 2991));
    assert_eq!(told.groups[0].ranked.group.name, "near");
    assert!(told.text.ends_with("\n2991 more of 3001 groups; --all shows them\n"), "{}", told.text);
    let all = labels(Around { all: true, ..around(&catalog, &nobody) }, given);
    assert_eq!((all.groups.len(), all.omitted), (3001, 0));
}

#[test]
fn the_screen_gets_a_few_narrow_lines_in_ascii() {
    let catalog = racks();
    let db = node(1, &[("rack", "r1"), ("role", "db")]);
    let lines = short(&catalog, &db, nobody);
    assert_eq!(
        lines,
        ["group db, profile debian", "by rack=r1, role=db", "before r1: 2 selectors over 1"]
    );
    let catalog = crate::domain::plan::tests::catalog(&[(
        "groups/db.yaml",
        "profile: debian\nselector: {rack: r1}",
    )]);
    let long = "ü\n".repeat(90);
    let odd = node(2, &[("rack", "r2"), ("zone", &long)]);
    let lines = short(&catalog, &odd, nobody);
    assert_eq!(lines.len(), 4);
    assert!(
        lines.iter().all(|line| line.len() <= 64 && line.bytes().all(|b| (32..127).contains(&b)))
    );
    assert_eq!(lines[0], "no group of 1 selects this machine");
    assert_eq!(lines[2], "nearest: db wants rack=r1");
}

#[test]
fn the_screen_of_a_machine_whose_group_is_full_says_that() {
    let catalog =
        catalog(&[("groups/db.yaml", "profile: debian\nselector: {rack: r1}\nquantity: 2")]);
    let lines = short(&catalog, &node(1, &[("rack", "r1")]), |_| 2);
    assert_eq!(lines[0], "group db is full, and no other selects this machine");
}
