use super::*;

const DEFAULT: (&str, &str) = ("groups/default.yaml", "profile: local");

fn rack(role: &str) -> String {
    format!("profile: {role}\nselector: {{rack: r1}}")
}

fn names(moved: &[Moved]) -> Vec<&str> {
    moved.iter().map(|moved| moved.name.as_str()).collect()
}

#[test]
fn a_change_that_moves_nobody_goes_live_at_once() {
    let old = catalog(&[DEFAULT]);
    let new = catalog(&[DEFAULT, ("groups/r2.yaml", "profile: debian\nselector: {rack: r2}")]);
    let nodes = [node(1, &[("rack", "r1")]), node(2, &[])];
    let moves = moves(&old, &new, &nodes);
    assert_eq!(moves, Moves { compared: 2, ..Moves::default() });
    assert_eq!(moves.gate(&Gate { moves: 0 }), None);
}

#[test]
fn too_many_nodes_that_get_another_profile_are_named_and_counted() {
    let old = catalog(&[DEFAULT, ("groups/r1.yaml", &rack("live"))]);
    let new = catalog(&[DEFAULT]);
    let nodes: Vec<Node> = (1..=5).map(|number| node(number, &[("rack", "r1")])).collect();
    let moves = moves(&old, &new, &nodes);
    assert_eq!(names(&moves.profile), ["n1", "n2", "n3", "n4", "n5"]);
    assert_eq!(moves.gate(&Gate { moves: 5 }), None);
    assert_eq!(
        moves.gate(&Gate { moves: 4 }).unwrap(),
        "5 of 5 nodes would get another profile (n1: live → local, n2: live → local, \
         n3: live → local and 2 more); up to 4 may without a word"
    );
}

#[test]
fn one_node_that_matches_nothing_any_more_is_enough() {
    let old = catalog(&[DEFAULT]);
    let new = catalog(&[("groups/r1.yaml", &rack("local"))]);
    let nodes = [node(1, &[("rack", "r1")]), node(2, &[])];
    let moves = moves(&old, &new, &nodes);
    assert_eq!(
        moves.gate(&Gate { moves: 100 }).unwrap(),
        "1 node would match no group (n2: local → no group)"
    );
    assert_eq!(moves.profile, []);
}

#[test]
fn one_node_whose_install_disk_changes_is_enough() {
    let group = rack("debian");
    let old = catalog(&[("groups/r1.yaml", &group)]);
    let new = catalog(&[
        ("groups/r1.yaml", &group),
        ("profiles/debian.yaml", "install: {image: debian-12, disk: {choose: largest, min: 8GiB}}"),
    ]);
    let moves = moves(&old, &new, &[node(1, &[("rack", "r1")])]);
    assert_eq!(
        moves.gate(&Gate { moves: 100 }).unwrap(),
        "the install disk of 1 node would change (n1: the smallest → the largest, at least 8 GiB)"
    );
}

#[test]
fn a_profile_that_begins_to_install_waits_and_a_node_that_is_moved_to_one_does_not() {
    let installs = ("profiles/local.yaml", "install: {image: x, disk: {choose: only}}");
    let every = ("groups/default.yaml", "profile: local\nevery: true");
    let old = catalog(&[every]);
    let sudden = catalog(&[every, installs]);
    let nodes = [node(1, &[("rack", "r1")])];
    assert_eq!(
        moves(&old, &sudden, &nodes).gate(&Gate { moves: 100 }).unwrap(),
        "the install disk of 1 node would change (n1: no installation → the only one)"
    );
    let wanted = catalog(&[DEFAULT, ("groups/r1.yaml", &rack("debian"))]);
    let moves = moves(&old, &wanted, &nodes);
    assert_eq!((names(&moves.profile), moves.gate(&Gate { moves: 1 })), (vec!["n1"], None));
}

#[test]
fn retired_nodes_move_nowhere() {
    let old = catalog(&[DEFAULT]);
    let new = catalog(&[]);
    let moves = moves(&old, &new, &[retired(node(1, &[]))]);
    assert_eq!(moves, Moves::default());
}

#[test]
fn members_keep_their_room_and_the_first_by_id_get_what_is_left() {
    let three = "profile: debian\nselector: {rack: r1}\nquantity: 2";
    let old = catalog(&[DEFAULT]);
    let new = catalog(&[DEFAULT, ("groups/r1.yaml", three)]);
    let rack = [("rack", "r1")];
    let nodes = [
        node(1, &rack),
        member_of("default", node(2, &rack)),
        member_of("r1", node(3, &rack)),
        retired(member_of("r1", node(4, &rack))),
    ];
    let moved = moves(&old, &new, &nodes);
    assert_eq!(names(&moved.profile), ["n1", "n3"]);
    let fewer = catalog(&[
        DEFAULT,
        ("groups/r1.yaml", "profile: debian\nselector: {rack: r1}\nquantity: 1"),
    ]);
    // Both are members, so both have room; a quota that shrinks throws nobody out.
    let members = [member_of("r1", node(1, &rack)), member_of("r1", node(2, &rack))];
    assert_eq!(moves(&new, &fewer, &members).profile, []);
}

#[test]
fn a_catalog_moves_nobody_against_itself_whatever_the_quotas() {
    let tight = "profile: debian\nselector: {rack: r1}\nquantity: 1";
    let same = catalog(&[DEFAULT, ("groups/r1.yaml", tight)]);
    let nodes: Vec<Node> = (1..=4).map(|number| node(number, &[("rack", "r1")])).collect();
    assert_eq!(moves(&same, &same, &nodes), Moves { compared: 4, ..Moves::default() });
}
