//! What holds for any catalog.

use super::*;

proptest::proptest! {
    #[test]
    fn no_template_makes_the_load_or_the_check_panic(
        parts in proptest::collection::vec(
            "\\PC{0,4}|\\{\\{[#/>&!~^*]{0,2} ?(if|each|json|indent|x|this|\\.\\./|@root|\\(|\\)|\"|2){0,3}[ ~]?\\}\\}",
            0..8,
        ),
    ) {
        let text = parts.concat();
        let files = ["templates/cloud/x.yaml", "generic/x", "templates/generic/x.sh"].map(|path| SourceFile {
            path: path.to_owned(),
            text: text.clone(),
        });
        let profile = SourceFile {
            path: "profiles/x.yaml".to_owned(),
            text: "cloud: x.yaml\ngeneric: {a: x, b: x.sh}".to_owned(),
        };
        let files = [&files[..], &[profile]].concat();
        if let Ok(catalog) = Catalog::build(CatalogId::new("test"), &files.clone().into()) {
            let _ = check(&catalog);
        }
    }

    #[test]
    fn the_index_finds_what_asking_every_group_finds(
        groups in proptest::collection::vec(
            (proptest::collection::btree_map("[abc]", proptest::collection::btree_set("[xyz]?", 1..4), 0..4), 0..2i64),
            0..12,
        ),
        machine in proptest::collection::btree_map("[abc]", "[xyz]", 0..4),
    ) {
        let mut files = vec![SourceFile { path: "profiles/local.yaml".into(), text: "name: local".into() }];
        for (at, (selector, priority)) in groups.iter().enumerate() {
            let text = format!("profile: local\npriority: {}\nselector: {}\n",
                i64::try_from(at).unwrap() * 2 + priority, serde_json::to_string(selector).unwrap());
            let text = text.replace("selector: {}\n", "");
            files.push(SourceFile { path: format!("groups/g{at}.yaml"), text });
        }
        let catalog = Catalog::build(CatalogId::new("test"), &files.clone().into()).unwrap();
        let pairs: Vec<_> = machine.iter().map(|(k, v)| (k.as_str(), v.as_str())).collect();
        let asked = catalog.groups().iter().find(|group| group.matches(&labels(&pairs)));
        proptest::prop_assert_eq!(group_for(&catalog, &pairs), asked.map(|group| group.name.as_str()));
    }

    #[test]
    fn no_text_makes_the_load_panic(group in "\\PC{0,60}", profile in "[a-z:{}\\[\\]\n &*!|>'\"-]{0,60}") {
        let files = [("groups/x.yaml", group), ("profiles/x.json", profile.clone()), ("profiles/y.yaml", profile)];
        let files = files.map(|(path, text)| SourceFile { path: path.to_owned(), text });
        let _ = Catalog::build(CatalogId::new("test"), &files.to_vec().into());
    }

    #[test]
    fn the_winner_does_not_depend_on_the_order_of_files(seed in proptest::collection::vec((0..3u8, 0..3u8, -1..2i64), 1..8)) {
        let mut files = vec![SourceFile { path: "profiles/local.yaml".into(), text: "name: local".into() }];
        for (at, (a, b, priority)) in seed.iter().enumerate() {
            let text = format!("profile: local\npriority: {priority}\nselector: {{a: '{a}', b: ['{b}', x{at}]}}");
            files.push(SourceFile { path: format!("groups/g{at}.yaml"), text });
        }
        let labels = labels(&[("a", "1"), ("b", "1")]);
        let name = |files: &[SourceFile]| {
            let catalog = Catalog::build(CatalogId::new("test"), &files.to_vec().into()).unwrap();
            catalog.select(&labels).map(|selection| selection.group.name.clone())
        };
        let forward = name(&files);
        files.reverse();
        assert_eq!(name(&files), forward);
    }
}
