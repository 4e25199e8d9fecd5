use super::*;

fn spots(item: &Item, out: &mut Vec<usize>) {
    out.push(item.spot.node);
    match &item.value {
        Value::List(items) => items.iter().for_each(|item| spots(item, out)),
        Value::Map(entries) => {
            for entry in entries {
                out.push(entry.key_spot.node);
                spots(&entry.item, out);
            }
        }
        _ => {}
    }
}

fn parsed(path: &str, text: &str) -> Item {
    let file = SourceFile { path: path.into(), text: text.into() };
    let files = [file];
    let faults = Faults::new(&files, Dialect::Catalog);
    let item = faults.read(0);
    assert_eq!(faults.finish(), []);
    item.unwrap()
}

#[test]
fn every_node_is_found_again_where_it_stands() {
    let text = "a: 1\nb:\n  - x\n  - {c: y}\n";
    let mut all = Vec::new();
    spots(&parsed("groups/x.yaml", text), &mut all);
    let places: Vec<_> = all.iter().map(|node| tree::locate(text, *node)).collect();
    assert_eq!(places, [(1, 1), (1, 1), (1, 4), (2, 1), (3, 3), (3, 5), (4, 5), (4, 6), (4, 9)]);
}

#[test]
fn a_place_in_tab_indented_json_is_found() {
    let text = "{\n\t\"id\": \"x\",\n\t\"profile\": \"y\"\n}";
    let mut all = Vec::new();
    spots(&parsed("groups/x.json", text), &mut all);
    assert_eq!(tree::locate(text, all[3]), (3, 2));
}

#[test]
fn repeated_keys_are_kept_for_the_readers_to_see() {
    let Value::Map(entries) = parsed("groups/x.yaml", "a: 1\na: 2\n").value else {
        panic!("no map")
    };
    assert_eq!(entries.len(), 2);
}

#[test]
fn an_infinite_number_is_a_fault_like_any_other_and_hides_none() {
    let files = [SourceFile { path: "x.yaml".into(), text: "a: .inf\nb: {c: 1, c: 2}\n".into() }];
    let faults = Faults::new(&files, Dialect::Settings);
    Field::new(&faults.read(0).unwrap(), "", &faults).json();
    let lines: Vec<String> = faults.finish().iter().map(Fault::to_string).collect();
    assert_eq!(
        lines,
        [
            "x.yaml:1:4: a: inf is no number that can be kept",
            "x.yaml:2:11: b.c: given twice, first in line 2; only one can count",
        ]
    );
}

#[test]
fn a_long_file_of_another_kind_is_told_by_its_first_faults_and_the_rest_is_counted() {
    let lines = 50_000;
    let foreign = (0..lines).fold(String::new(), |text, n| text + &format!("key{n}: {n}\n"));
    let files = ["x.yaml", "y.yaml"].map(|path| SourceFile {
        path: path.into(),
        text: if path == "x.yaml" { foreign.clone() } else { "a: 1\n".into() },
    });
    let faults = Faults::new(&files, Dialect::Catalog);
    for number in 0..files.len() {
        let item = faults.read(number).unwrap();
        Field::new(&item, "", &faults).map(&Keys::of(&["known"]));
    }
    let told = faults.finish();
    assert_eq!(told.len(), 102);
    assert!(told[0].to_string().starts_with("x.yaml:1:1: key0: "), "{}", told[0]);
    let rest = "x.yaml: and 49900 more in this file; is it one of another kind?";
    assert_eq!(told[100].to_string(), rest);
    assert!(told[101].to_string().starts_with("y.yaml:1:1: a: "), "another file has its own count");
}

#[test]
fn a_key_that_is_repeated_thousands_of_times_is_told_a_hundred_times() {
    let files = [SourceFile { path: "x.yaml".into(), text: "a: 1\n".repeat(20_000) }];
    let faults = Faults::new(&files, Dialect::Catalog);
    Field::new(&faults.read(0).unwrap(), "", &faults).entries("a map");
    let told = faults.finish();
    assert_eq!((told.len(), told[0].line, told[99].line), (101, 2, 101));
    assert!(told[100].message.starts_with("and 19899 more in this file"), "{}", told[100]);
}

#[test]
fn a_place_far_down_in_a_long_file_is_the_right_one() {
    let text =
        (0..20_000).fold(String::new(), |text, n| text + &format!("k{n}: \"ä\\n\n  {n}\"\n"));
    for n in [0, 1, 1_500, 1_900, 2_100, 7_777, 19_999] {
        assert_eq!(tree::locate(&text, 1 + 2 * n), (1 + 2 * n, 1), "key {n}");
    }
}
