use std::sync::Arc;

use super::*;
use crate::domain::boot;
use crate::domain::catalog::{Profile, Selection};
use crate::domain::node::Limits;
use crate::domain::render::{Context, NodeFacts, Request, Server, What};

/// What the server would say, without one.
pub(crate) struct Plain;

impl Preview for Plain {
    fn document(
        &self,
        catalog: &Catalog,
        selection: Option<Selection<'_>>,
        node: &Node,
        what: &What,
    ) -> Result<Option<Arc<str>>, String> {
        let Some(selection) = selection else { return Ok(None) };
        let server = Server::new("http://192.0.2.1:8080");
        let facts = NodeFacts::of(node, None);
        let context = Context::new(facts, selection, Request::default(), server);
        catalog.document(selection, what, &context).map_err(|fault| fault.to_string())
    }

    fn boots(&self, node: &Node, profile: Option<&Profile>) -> boot::Plan {
        let purpose = profile.map(|profile| match profile.install {
            Some(_) => boot::Purpose::Install(Limits::default()),
            None if profile.live => boot::Purpose::Live,
            None => boot::Purpose::LocalDisk(None),
        });
        boot::decide(node, purpose)
    }
}

const DEFAULT: (&str, &str) = ("groups/default.yaml", "profile: local");
const R1: (&str, &str) = ("groups/r1.yaml", "profile: live\nselector: {rack: r1}");
const CLOUD: (&str, &str) =
    ("profiles/live.yaml", "boot: {kernel: /k, args: [quiet]}\ncloud: x.yaml");

fn compared(old: &Catalog, new: &Catalog, nodes: &[Node]) -> Plan {
    plan(old, new, nodes, &Plain, Wanted { diff: true })
}

fn rows(plan: &Plan) -> Vec<String> {
    let nodes = plan.nodes.iter().flat_map(|node| {
        let row = |c: &Change| format!("{} {}: {} -> {}", node.name, c.what, c.before, c.after);
        node.changes.iter().map(row).collect::<Vec<_>>()
    });
    nodes.collect()
}

#[test]
fn the_issues_own_example_reads_as_it_was_written() {
    let old = catalog(&[DEFAULT, R1, ("groups/r2.yaml", "profile: local\nselector: {rack: r2}")]);
    let args = "boot: {kernel: /k, initrd: [/i], args: [quiet, debug]}";
    let new = catalog(&[DEFAULT, R1, ("profiles/live.yaml", args)]);
    let nodes = [
        node(1, &[("rack", "r1")]),
        node(2, &[("rack", "r1")]),
        node(3, &[("rack", "r1")]),
        node(4, &[("rack", "r2")]),
        node(5, &[]),
    ];
    let plan = compared(&old, &new, &nodes);
    assert!(
        plan.summary.starts_with("3 nodes change arguments, 1 falls to the default group, ")
            && plan.summary.ends_with(", 0 reinstalls"),
        "{}",
        plan.summary
    );
    assert_eq!((plan.compared, plan.nodes.len()), (5, 4));
    assert_eq!(
        rows(&plan),
        [
            "n1 kernel args: quiet -> quiet debug",
            "n2 kernel args: quiet -> quiet debug",
            "n3 kernel args: quiet -> quiet debug",
            "n4 group: r2 -> default",
            "n4 metadata: 2 lines -> 1 line (+0 -1)",
        ]
    );
}

#[test]
fn a_template_that_changes_is_shown_once_for_all_who_read_the_same() {
    let files = |text: &str| {
        let text = text.to_owned();
        move || catalog(&[DEFAULT, R1, CLOUD, ("templates/cloud/x.yaml", &text)])
    };
    let old = files("#cloud-config\nhostname: x\n")();
    let new = files("#cloud-config\nhostname: y\n")();
    let nodes = [node(1, &[("rack", "r1")]), node(2, &[("rack", "r1")]), node(3, &[])];
    let plan = compared(&old, &new, &nodes);
    assert_eq!(plan.summary, "2 nodes read another cloud, 0 reinstalls");
    insta::assert_snapshot!(plan.diff, @r"
    # cloud: n1, n2
    --- n1/cloud	test
    +++ n1/cloud	test
    @@ -1,2 +1,2 @@
     #cloud-config
    -hostname: x
    +hostname: y
    ");
}

#[test]
fn a_document_that_cannot_be_made_any_more_says_why() {
    let old = catalog(&[DEFAULT, R1, CLOUD, ("templates/cloud/x.yaml", "#cloud-config\n")]);
    let text = "#cloud-config\nhostname: {{metadata.missing}}\n";
    let new = catalog(&[DEFAULT, R1, CLOUD, ("templates/cloud/x.yaml", text)]);
    let plan = compared(&old, &new, &[node(1, &[("rack", "r1")])]);
    let [row] = rows(&plan).try_into().unwrap();
    assert!(row.starts_with("n1 cloud: 1 line -> fault: templates/cloud/x.yaml:2"), "{row}");
}

#[test]
fn only_a_node_that_waits_for_its_installation_gets_another_image_or_disk() {
    let group = ("groups/r1.yaml", "profile: debian\nselector: {rack: r1}");
    let other = "install: {image: debian-13, disk: {choose: largest}}";
    let (old, new) = (catalog(&[group]), catalog(&[group, ("profiles/debian.yaml", other)]));
    let mut runs = node(1, &[("rack", "r1")]);
    runs.status.state = State::Running;
    let nodes = [runs, node(2, &[("rack", "r1")])];
    let plan = compared(&old, &new, &nodes);
    assert_eq!(
        plan.summary,
        "1 node that waits for its installation gets another image or disk, 0 reinstalls"
    );
    assert_eq!(plan.nodes.len(), 2, "a later reinstallation of the other would be another, too");
    assert_eq!(plan.moves.disk.len(), 2);
}

#[test]
fn a_node_that_begins_to_be_installed_is_counted() {
    let old = catalog(&[DEFAULT]);
    let new = catalog(&[DEFAULT, ("groups/r1.yaml", "profile: debian\nselector: {rack: r1}")]);
    let plan = compared(&old, &new, &[node(1, &[("rack", "r1")])]);
    assert!(plan.summary.contains("1 begins to be installed"), "{}", plan.summary);
    let [node] = plan.nodes.try_into().unwrap();
    assert_eq!(node.boots_after, "install");
}

proptest::proptest! {
    // Each case builds two catalogs.
    #![proptest_config(proptest::test_runner::Config::with_cases(64))]

    #[test]
    fn the_plan_of_a_catalog_with_itself_is_empty(
        groups in proptest::collection::btree_map(
            ("[abc]{1,2}", "[xyz]"), ("local|live|debian", proptest::option::of(1..3u32)), 0..6),
        machines in proptest::collection::vec(
            (proptest::collection::btree_map("[abc]{1,2}", "[xyz]", 0..3), proptest::option::of("g[0-5]")), 0..12),
    ) {
        let text = |((key, value), (profile, quantity)): (&(String, String), &(String, Option<u32>))| {
            let quantity = quantity.map(|quantity| format!("\nquantity: {quantity}")).unwrap_or_default();
            format!("profile: {profile}\nselector: {{{key}: '{value}'}}{quantity}")
        };
        let files: Vec<_> = groups.iter().enumerate()
            .map(|(at, group)| (format!("groups/g{at}.yaml"), text(group))).collect();
        let mut files: Vec<_> = files.iter().map(|(path, text)| (path.as_str(), text.as_str())).collect();
        files.push(("templates/cloud/x.yaml", "#cloud-config\nhostname: {{node.hostname}}\n"));
        files.push(CLOUD);
        let (one, two) = (catalog(&files), catalog(&files));
        let nodes: Vec<Node> = machines.iter().enumerate().map(|(at, (labels, group))| {
            let labels: Vec<_> = labels.iter().map(|(k, v)| (k.as_str(), v.as_str())).collect();
            let node = node(u8::try_from(at).unwrap(), &labels);
            group.as_ref().map_or(node.clone(), |group| member_of(group, node))
        }).collect();
        let plan = compared(&one, &two, &nodes);
        proptest::prop_assert_eq!(plan.nodes, []);
        proptest::prop_assert_eq!(plan.diff, "");
        proptest::prop_assert_eq!(plan.moves, Moves { compared: nodes.len(), ..Moves::default() });
    }
}
