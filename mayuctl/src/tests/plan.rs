use api::v1::{Group, NodePlan, PlanChange, PlanResponse, Profile};

use super::fake::State;
use super::*;

fn group(name: &str, profile: &str) -> Group {
    Group {
        name: name.into(),
        profile: profile.into(),
        file: format!("groups/{name}.yaml"),
        ..Group::default()
    }
}

fn catalog() -> Fake {
    let db = Group {
        selectors: vec!["rack=r1|r2".into(), "role=db".into()],
        priority: 5,
        quantity: 3,
        nodes: 2,
        ..group("db", "debian")
    };
    let debian = Profile {
        name: "debian".into(),
        purpose: "install".into(),
        boots: "debian-12".into(),
        disk: "the smallest".into(),
        documents: vec!["cloud".into(), "generic/a".into()],
        groups: vec!["db".into()],
        file: "profiles/debian.yaml".into(),
    };
    Fake::serve(State {
        nodes: vec![node("node1", "running")],
        groups: vec![db, group("default", "local")],
        profiles: vec![
            debian,
            Profile { name: "local".into(), purpose: "local disk".into(), ..Profile::default() },
        ],
        ..State::default()
    })
}

fn planning(nodes: Vec<NodePlan>, gate: &str) -> Fake {
    let plan = PlanResponse {
        from: "a".into(),
        to: "b".into(),
        summary: "1 node changes arguments, 0 reinstalls".into(),
        text: "NODE  CHANGE\nnode1 kernel args\n".into(),
        diff: "--- node1/ipxe\n+++ node1/ipxe\n".into(),
        gate: gate.into(),
        compared: 3,
        nodes,
    };
    Fake::serve(State { plan, ..State::default() })
}

fn changed_args() -> NodePlan {
    let change =
        PlanChange { what: "kernel args".into(), before: "quiet".into(), after: "debug".into() };
    NodePlan { name: "node1".into(), changes: vec![change], ..NodePlan::default() }
}

#[tokio::test]
async fn groups_and_profiles_are_listed_as_nodes_are() {
    let fake = catalog();
    insta::assert_snapshot!(mayuctl(&fake, "get groups").await, @r"
    NAME     PROFILE  NODES  PRIORITY  SELECTOR
    db       debian   2/3    5         rack=r1|r2,role=db
    default  local    0      0         -
    exit 0
    ");
    insta::assert_snapshot!(mayuctl(&fake, "get profiles -o wide").await, @r"
    NAME    PURPOSE     BOOTS      GROUPS  DISK          DOCUMENTS        FILE
    debian  install     debian-12  db      the smallest  cloud,generic/a  profiles/debian.yaml
    local   local disk  -          -       -             -                -
    exit 0
    ");
    insta::assert_snapshot!(mayuctl(&fake, "get group db -o yaml").await, @r"
    - name: db
      profile: debian
      selectors:
      - rack=r1|r2
      - role=db
      priority: 5
      quantity: 3
      nodes: 2
      file: groups/db.yaml
    exit 0
    ");
    insta::assert_snapshot!(mayuctl(&fake, "get profiles -o name").await, @r"
    debian
    local
    exit 0
    ");
    let json = mayuctl(&fake, "get profile debian -o json").await;
    assert!(json.starts_with('[') && json.contains(r#""documents": ["#), "{json}");
    insta::assert_snapshot!(mayuctl(&fake, "get groups web").await, @r#"
    ! mayuctl: there is no group "web". `mayuctl get groups` shows what there is.
    exit 2
    "#);
}

#[tokio::test]
async fn a_document_is_printed_byte_for_byte_and_a_fault_is_exit_1() {
    let fake = catalog();
    let (mut out, mut err) = (Vec::new(), Vec::new());
    let line = "render node1 ipxe --at main~1";
    let exit = Session::of(&fake).run_into(line, &mut out, &mut err).await;
    assert_eq!((exit, out.as_slice(), err.len()), (Exit::Done, &b"#!ipxe\n\xff\x1b[2J"[..], 0));
    assert_eq!(fake.calls(), ["render node1 ipxe \"main~1\""]);
    insta::assert_snapshot!(mayuctl(&fake, "render node1 cloud").await, @r"
    ! mayuctl: cannot render the cloud of node1: templates/cloud/x.yaml:3: there is no metadata.x
    exit 1
    ");
    insta::assert_snapshot!(mayuctl(&fake, "render node1 ignition").await, @r"
    ! mayuctl: cannot render the ignition of node1: profile debian has no ignition; it has cloud
    exit 2
    ");
}

#[tokio::test]
async fn a_plan_is_a_table_or_json_with_the_diff_when_asked() {
    let fake = planning(vec![changed_args()], "");
    insta::assert_snapshot!(mayuctl(&fake, "plan").await, @r"
    NODE  CHANGE
    node1 kernel args
    exit 0
    ");
    insta::assert_snapshot!(mayuctl(&fake, "plan main~1..main --diff").await, @r"
    --- node1/ipxe
    +++ node1/ipxe
    NODE  CHANGE
    node1 kernel args
    exit 0
    ");
    let json = mayuctl(&fake, "plan main~1 -o json").await;
    let (json, exit) = json.rsplit_once('\n').unwrap();
    let plan: serde_json::Value = serde_json::from_str(json).unwrap();
    assert_eq!((exit, &plan["nodes"][0]["changes"][0]["after"]), ("exit 0", &"debug".into()));
    assert_eq!(
        fake.calls(),
        [
            r#"plan "" "" diff=false"#,
            r#"plan "main~1" "main" diff=true"#,
            r#"plan "main~1" "" diff=false"#
        ]
    );
}

#[tokio::test]
async fn the_exit_code_of_a_plan_tells_only_when_it_is_asked() {
    let exit = async |fake: &Fake, line: &str| {
        mayuctl(fake, line).await.lines().last().unwrap().to_owned()
    };
    let nothing = planning(Vec::new(), "");
    let changes = planning(vec![changed_args()], "");
    let waits = planning(vec![changed_args()], "1 node would match no group");
    for (fake, code) in [(&nothing, "exit 0"), (&changes, "exit 5"), (&waits, "exit 3")] {
        assert_eq!(exit(fake, "plan").await, "exit 0");
        assert_eq!(exit(fake, "plan --exit-code -o json").await, code);
    }
    let told = mayuctl(&waits, "plan --exit-code").await;
    assert!(told.contains("! mayuctl: this change would wait for an acknowledgement"), "{told}");
}

#[tokio::test]
async fn a_plan_that_cannot_be_made_never_exits_as_if_it_waited() {
    let fake = planning(vec![changed_args()], "");
    insta::assert_snapshot!(mayuctl(&fake, "plan revision..main --exit-code").await, @r"
    ! mayuctl: cannot plan a change of the catalog: the catalog is in no git repository
    exit 1
    ");
    let told = mayuctl(&fake, "plan revision..main").await;
    assert!(told.ends_with("exit 3"), "nobody asked for the answer in the code: {told}");
}

#[tokio::test]
async fn the_exit_code_of_a_plan_is_the_answer_even_when_nobody_reads_the_rest() {
    let changes = planning(vec![changed_args()], "");
    for (line, exit) in [("plan --exit-code", Exit::Changes), ("plan", Exit::Done)] {
        let mut err = Vec::new();
        assert_eq!(Session::of(&changes).run_into(line, &mut Closed, &mut err).await, exit);
    }
}

#[tokio::test]
async fn an_explanation_is_json_for_programs() {
    let json = mayuctl(&catalog(), "explain node1 -o json").await;
    let value: serde_json::Value = serde_json::from_str(json.rsplit_once('\n').unwrap().0).unwrap();
    assert_eq!(
        (&value["group"], &value["labels"][0]["trust"]),
        (&"default".into(), &"operator".into())
    );
    assert!(value["text"].is_null());
}
