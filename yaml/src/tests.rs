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
