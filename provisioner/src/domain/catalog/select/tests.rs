use super::*;
use crate::domain::catalog::{CatalogId, SourceFile};

fn catalog(groups: &[(String, String)]) -> Catalog {
    let mut files =
        vec![SourceFile { path: "profiles/local.yaml".into(), text: "name: local".into() }];
    files.extend(groups.iter().map(|(name, rest)| SourceFile {
        path: format!("groups/{name}.yaml"),
        text: format!("profile: local\n{rest}"),
    }));
    Catalog::build(CatalogId::new("test"), &files.into()).unwrap()
}

fn named(groups: &[(&str, &str)]) -> Catalog {
    let own = |(name, rest): &(&str, &str)| ((*name).to_owned(), (*rest).to_owned());
    catalog(&groups.iter().map(own).collect::<Vec<_>>())
}

fn labels(pairs: &[(&str, &str)]) -> Labels {
    let mut labels = Labels::new();
    for (key, value) in pairs {
        labels.insert(*key, *value, Trust::Claimed);
    }
    labels
}

fn group<'c>(catalog: &'c Catalog, name: &str) -> &'c Group {
    catalog.groups().iter().find(|group| group.name == name).unwrap()
}

/// The flip in the words `key: from -> to`.
fn flip(catalog: &Catalog, pairs: &[(&str, &str)], to: &str) -> Option<Vec<String>> {
    let changes = {
        let labels = labels(pairs);
        catalog.flip((&labels, &labels), group(catalog, to), None, |_| 0)?
    };
    let value = |value: &Option<String>| value.clone().unwrap_or_else(|| "-".to_owned());
    let text = |c: &LabelChange| format!("{}: {} -> {}", c.key, value(&c.from), value(&c.to));
    Some(changes.iter().map(text).collect())
}

#[test]
fn a_group_that_misses_one_label_wins_with_it() {
    let catalog = named(&[("default", ""), ("db", "selector: {rack: r1, role: [db, sql]}")]);
    assert_eq!(flip(&catalog, &[("rack", "r1")], "db").unwrap(), ["role: - -> db"]);
    let both = flip(&catalog, &[("rack", "r2"), ("role", "web")], "db").unwrap();
    assert_eq!(both, ["rack: r2 -> r1", "role: web -> db"]);
}

#[test]
fn a_group_that_comes_later_wins_when_those_before_it_are_put_off() {
    let catalog = named(&[
        ("default", ""),
        ("rack", "selector: {rack: r1}"),
        ("both", "selector: {rack: r1, role: db}"),
    ]);
    let machine = [("rack", "r1"), ("role", "db")];
    assert_eq!(flip(&catalog, &machine, "rack").unwrap(), ["role: db -> -"]);
    assert_eq!(flip(&catalog, &machine, "default").unwrap(), ["rack: r1 -> -"]);
}

#[test]
fn any_value_of_a_list_is_tried_before_another_label_is_taken_away() {
    let catalog = named(&[
        ("one", "priority: 1\nselector: {rack: r1, role: db}"),
        ("list", "selector: {role: [db, sql]}"),
    ]);
    assert_eq!(flip(&catalog, &[("rack", "r1")], "list").unwrap(), ["role: - -> sql"]);
}

#[test]
fn without_its_tag_a_machine_is_what_it_claims_to_be() {
    let catalog = named(&[
        ("default", ""),
        ("web", "selector: {role: web}"),
        ("db", "priority: 1\nselector: {role: db}"),
        ("sql", "priority: 2\nselector: {role: sql}"),
    ]);
    let under = labels(&[("role", "db")]);
    let mut tagged = under.clone();
    tagged.insert("role", "sql", Trust::Operator);
    let flip = |to: &str| {
        let changes = catalog.flip((&tagged, &under), group(&catalog, to), None, |_| 0).unwrap();
        changes.into_iter().map(|change| (change.key, change.to)).collect::<Vec<_>>()
    };
    assert_eq!(flip("db"), [("role".to_owned(), Some("db".to_owned()))]);
    let default = flip("default");
    assert_ne!(default, [("role".to_owned(), None)], "`role-` would give it db");
    assert_eq!(default, [("role".to_owned(), Some("something-else".to_owned()))]);
}

#[test]
fn no_label_helps_a_group_behind_one_that_takes_every_machine() {
    let catalog = named(&[("all", "priority: 1"), ("rack", "selector: {rack: r1}")]);
    assert_eq!(flip(&catalog, &[], "rack"), None);
}

#[test]
fn no_label_helps_a_group_that_is_full() {
    let catalog = named(&[("default", ""), ("two", "selector: {rack: r1}\nquantity: 2")]);
    let two = group(&catalog, "two");
    let labels = labels(&[]);
    let flip = |member_of, has| catalog.flip((&labels, &labels), two, member_of, |_| has);
    assert_eq!(flip(None, 2), None);
    assert!(flip(None, 1).is_some());
    assert!(flip(Some("two"), 2).is_some());
}

#[test]
fn a_full_group_is_ranked_as_such_and_the_next_one_is_chosen() {
    let catalog = named(&[("default", ""), ("two", "selector: {rack: r1}\nquantity: 2")]);
    let ranked = catalog.rank_member(&labels(&[("rack", "r1")]), None, |_| 2);
    let told: Vec<_> =
        ranked.iter().map(|r| (r.group.name.as_str(), r.passed, r.full, r.chosen)).collect();
    assert_eq!(told, [("two", true, true, false), ("default", true, false, true)]);
}

#[test]
fn the_rule_that_decided_is_named() {
    let catalog = named(&[
        ("high", "priority: 5"),
        ("two", "selector: {a: '1', b: '1'}"),
        ("z", "selector: {z: '1'}"),
        ("a", "selector: {a: '1'}"),
    ]);
    let rule = |a: &str, b: &str| Rule::between(group(&catalog, a), group(&catalog, b)).to_string();
    assert_eq!(rule("high", "two"), "priority 5 over 0");
    assert_eq!(rule("two", "z"), "2 selectors over 1");
    assert_eq!(rule("z", "a"), "z=1 sorts after a=1");
}

#[test]
fn what_looks_mistyped_is_hinted_at_and_what_is_another_rack_is_not() {
    let hint = |selector: &str, pairs: &[(&str, &str)]| {
        let catalog = named(&[("x", &format!("selector: {{{selector}}}"))]);
        catalog.rank(&labels(pairs))[0].tests[0].hint.clone()
    };
    let mac = hint("mac: '52:54:00:12:34:56'", &[("mac", "52-54-00-12-34-57")]).unwrap();
    assert!(mac.contains("one slip away"), "{mac}");
    let spelled = hint("nic: '52:54:00:AB:34:56'", &[("nic", "52-54-00-ab-34-56")]).unwrap();
    assert!(spelled.contains("in spelling only"), "{spelled}");
    assert!(hint("serial: SN1243", &[("serial", "SN1234")]).is_some(), "two digits swapped");
    assert!(hint("role: workr", &[("role", "worker")]).is_some());
    let key = hint("rcak: r1", &[("rack", "r1")]).unwrap();
    assert_eq!(key, "there is no label \"rcak\", but \"rack\"");
    assert!(hint("MAC: '52:54:00:12:34:56'", &[("mac", "52:54:00:12:34:56")]).is_some());
    assert_eq!(hint("rack: rack12", &[("rack", "rack13")]), None);
    assert_eq!(hint("rack: r1", &[("rack", "r2")]), None);
    assert_eq!(hint("mac: '52:54:00:12:34:56'", &[("mac", "52-54-00-99-34-57")]), None);
}

proptest::proptest! {
    #[test]
    fn the_ranking_chooses_what_select_gives_and_a_flip_really_flips(
        groups in proptest::collection::vec(
            (proptest::collection::btree_map("[abc]", proptest::collection::btree_set("[xyz]?", 1..3), 0..3),
             0..2i64, proptest::option::of(1..3u32)),
            1..8,
        ),
        machine in proptest::collection::btree_map("[abc]", "[xyz]", 0..4),
        crowd in 0..3u32,
    ) {
        let groups: Vec<_> = groups.iter().enumerate().map(|(at, (selector, priority, quantity))| {
            let priority = i64::try_from(at).unwrap() * 2 + priority;
            let selector = serde_json::to_string(selector).unwrap();
            let quantity = quantity.map(|quantity| format!("quantity: {quantity}")).unwrap_or_default();
            let text = format!("priority: {priority}\nselector: {selector}\n{quantity}");
            (format!("g{at}"), text.replace("selector: {}\n", ""))
        }).collect();
        let catalog = catalog(&groups);
        let pairs: Vec<_> = machine.iter().map(|(k, v)| (k.as_str(), v.as_str())).collect();
        let labels = labels(&pairs);
        let members = |name: &str| if name.ends_with('0') { crowd } else { 1 };
        let selected = catalog.select_member(&labels, Some("g1"), members).map(|s| s.group.name.clone());
        let ranked = catalog.rank_member(&labels, Some("g1"), members);
        let chosen: Vec<_> = ranked.iter().filter(|r| r.chosen).map(|r| r.group.name.clone()).collect();
        proptest::prop_assert_eq!(chosen, selected.into_iter().collect::<Vec<_>>());
        for group in catalog.groups() {
            let Some(changes) = catalog.flip((&labels, &labels), group, Some("g1"), members) else { continue };
            let mut flipped = Labels::new();
            for (key, label) in labels.iter().filter(|(key, _)| changes.iter().all(|c| c.key != *key)) {
                flipped.insert(key, label.value.as_str(), label.trust);
            }
            for change in &changes {
                flipped.insert(change.key.as_str(), change.to.clone().unwrap_or_default(), Trust::Operator);
            }
            let won = catalog.select_member(&flipped, Some("g1"), members).unwrap();
            proptest::prop_assert_eq!(&won.group.name, &group.name);
        }
    }
}
