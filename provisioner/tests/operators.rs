//! What operators ask the real daemon, over its real socket; and the same plan without a daemon.

#![expect(clippy::unwrap_used, reason = "a test's helpers fail the test")]

use std::net::TcpListener;
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use api::v1::catalog_client::CatalogClient;
use api::v1::{self, PlanRequest, PlanResponse, RenderRequest};
use provisioner::config::{Overrides, Settings};
use provisioner::server::daemon;
use tonic::transport::Channel;

const WHO: &str = "mac=52-54-00-00-00-01&serial=SN1&arch=x86_64";

/// A daemon on loopback whose catalog is a git repository of one commit, and one node that booted.
struct Rig {
    dir: tempfile::TempDir,
    runtime: tokio::runtime::Runtime,
}

impl Rig {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        for (file, text) in [
            ("groups/default.yaml", "profile: local\n"),
            ("groups/lab.yaml", "profile: live\nselector: {serial: [SN1, SN2]}\nquantity: 2\n"),
            ("profiles/local.yaml", "name: local\n"),
            (
                "profiles/live.yaml",
                "boot: {kernel: /k, initrd: [/i], args: [quiet]}\ncloud: x.yaml\n",
            ),
            ("templates/cloud/x.yaml", "#cloud-config\nhostname: {{node.hostname}}\n"),
        ] {
            write(&dir.path().join("catalog").join(file), text);
        }
        git(&dir.path().join("catalog"), &["init", "--quiet"]);
        commit(&dir.path().join("catalog"));
        let runtime = start(dir.path());
        Self { dir, runtime }
    }

    fn catalog(&self) -> CatalogClient<Channel> {
        let socket = format!("unix://{}/socket", self.dir.path().display());
        self.runtime.block_on(CatalogClient::connect(socket)).unwrap()
    }

    fn status(&self) -> v1::CatalogStatus {
        let request = v1::CatalogStatusRequest {};
        self.runtime.block_on(self.catalog().status(request)).unwrap().into_inner()
    }

    fn plan(&self, from: &str) -> PlanResponse {
        let request = PlanRequest { from: from.to_owned(), to: String::new(), diff: true };
        self.runtime.block_on(self.catalog().plan(request)).unwrap().into_inner()
    }

    fn render(&self, what: &str, at: &str) -> Result<String, tonic::Status> {
        let request =
            RenderRequest { name: "sn1".to_owned(), what: what.to_owned(), at: at.to_owned() };
        let answer = self.runtime.block_on(self.catalog().render(request))?;
        Ok(String::from_utf8(answer.into_inner().body).unwrap())
    }

    fn offline(&self, rest: &[&str]) -> Output {
        self.offline_command(rest).output().unwrap()
    }

    fn offline_command(&self, rest: &[&str]) -> Command {
        let here = self.dir.path();
        let mut command = Command::new(env!("CARGO_BIN_EXE_provisioner"));
        command.arg("plan").arg("--history").arg(here.join("data/history"));
        command.arg("--catalog").arg(here.join("catalog")).args(rest);
        command
    }
}

fn start(dir: &Path) -> tokio::runtime::Runtime {
    let port = || TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let (http, tftp, here) = (port(), port(), dir.display());
    let text = format!(
        "data_dir: {here}/data\nassets: {here}/assets\ncatalog: {{path: {here}/catalog, gate: {{moves: 0}}}}\n\
         loaders: {{directory: {here}}}\nhttp: {{listen: \"127.0.0.1:{http}\"}}\n\
         tftp: {{listen: \"127.0.0.1:{tftp}\"}}\noperator: {{socket: {here}/socket}}\n"
    );
    let settings = Settings::parse(&text, "test.yaml", &Overrides::default()).unwrap();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.spawn(daemon::run(settings));
    let url = format!("http://127.0.0.1:{http}");
    wait_until("it is ready", || ureq::get(format!("{url}/readyz")).call().is_ok());
    ureq::get(format!("{url}/ipxe?{WHO}")).call().unwrap();
    runtime
}

fn wait_until(what: &str, done: impl Fn() -> bool) {
    let start = Instant::now();
    while !done() {
        assert!(start.elapsed() < Duration::from_mins(1), "waited in vain until {what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

fn write(path: &Path, text: &str) {
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(path, text).unwrap();
}

fn git(path: &Path, arguments: &[&str]) {
    let mut command = Command::new("git");
    command.arg("-C").arg(path).args(["-c", "user.name=x", "-c", "user.email=x@x"]);
    let output = command.args(arguments).env("GIT_CONFIG_GLOBAL", "/dev/null").output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

fn commit(path: &Path) {
    git(path, &["add", "--all"]);
    git(path, &["commit", "--quiet", "--message", "a change"]);
}

#[test]
fn operators_see_why_a_machine_gets_what_and_what_a_change_would_change() {
    let rig = Rig::new();
    let request = v1::ExplainRequest { name: "sn1".to_owned(), ..v1::ExplainRequest::default() };
    let told = rig.runtime.block_on(rig.catalog().explain(request)).unwrap().into_inner();
    assert_eq!((told.group.as_str(), told.profile.as_str(), told.omitted), ("lab", "live", 0));
    assert!(told.text.contains("  asked before default: 1 selector over 0\n"), "{}", told.text);
    assert!(told.text.contains("  room  1 of 2 nodes\n"), "{}", told.text);

    let with = |labels: &[(&str, &str)]| {
        let labels = labels.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
        let request = v1::ExplainRequest { labels, ..v1::ExplainRequest::default() };
        rig.runtime.block_on(rig.catalog().explain(request)).unwrap().into_inner().group
    };
    let mac = ("mac", "52:54:00:00:00:01");
    assert_eq!(with(&[mac]), "lab", "the MAC is that of a machine whose serial is known");
    assert_eq!(with(&[mac, ("serial", "SN3")]), "default");
    assert_eq!(with(&[("mac", "52:54:00:00:00:02")]), "default");

    let groups = rig.runtime.block_on(rig.catalog().groups(v1::ListGroupsRequest {}));
    let groups = groups.unwrap().into_inner().groups;
    let shown: Vec<_> = groups.iter().map(|g| (g.name.as_str(), g.nodes, g.quantity)).collect();
    assert_eq!(shown, [("lab", 1, 2), ("default", 0, 0)]);
    assert_eq!(groups[0].selectors, ["serial=SN1|SN2"]);
    let profiles = rig.runtime.block_on(rig.catalog().profiles(v1::ListProfilesRequest {}));
    let live = &profiles.unwrap().into_inner().profiles[0];
    assert_eq!((live.purpose.as_str(), live.boots.as_str()), ("live", "/k"));
    assert_eq!(
        (&live.documents[..], &live.groups[..]),
        (&["cloud".to_owned()][..], &["lab".to_owned()][..])
    );

    let same = rig.plan("");
    assert_eq!((same.nodes.len(), same.compared), (0, 1));
    assert_eq!(same.summary, "nothing changes for 1 node, 0 reinstalls");

    let before = rig.status().id;
    let profile = rig.dir.path().join("catalog/profiles/live.yaml");
    write(&profile, "boot: {kernel: /k, initrd: [/i], args: [quiet, debug]}\ncloud: x.yaml\n");
    // Arguments are nothing that the gate stops.
    wait_until("the change serves", || rig.status().id != before);
    let plan = rig.plan("HEAD");
    assert!(plan.summary.starts_with("1 node changes arguments, "), "{}", plan.summary);
    assert!(plan.diff.contains("\n-kernel /k quiet\n+kernel /k quiet debug\n"), "{}", plan.diff);
    assert_eq!(rig.render("ipxe", "HEAD").unwrap(), "#!ipxe\nkernel /k quiet\ninitrd /i\nboot\n");
    assert!(rig.render("ipxe", "").unwrap().contains("kernel /k quiet debug\n"));
    assert_eq!(rig.render("cloud", "").unwrap(), "#cloud-config\nhostname: sn1\n");
    let code = |what: &str, at: &str| rig.render(what, at).unwrap_err().code();
    assert_eq!(code("ignition", ""), tonic::Code::NotFound);
    assert_eq!(code("ipxe", "no-such-revision"), tonic::Code::NotFound);
    assert_eq!(code("sideways", ""), tonic::Code::InvalidArgument);

    write(&profile, "boot: {kernal: /k}\n");
    wait_until("the fault is seen", || !rig.status().faults.is_empty());
    let request = PlanRequest::default();
    let refused = rig.runtime.block_on(rig.catalog().plan(request)).unwrap_err();
    assert!(refused.message().contains("did you mean `kernel`"), "{}", refused.message());
}

#[test]
fn a_plan_without_the_daemon_says_what_the_daemon_says() {
    let rig = Rig::new();
    let path = rig.dir.path().join("catalog");
    write(&path.join("groups/lab.yaml"), "profile: local\nselector: {serial: SN1}\n");
    wait_until("the history has the node", || {
        let plan: serde_json::Value =
            serde_json::from_slice(&rig.offline(&["-o", "json"]).stdout).unwrap_or_default();
        plan["compared"] == 1 && plan["nodes"][0]["name"] == "sn1"
    });
    wait_until("the change waits", || !rig.status().waiting.is_empty());
    let without = |plan: PlanResponse| {
        let mut value = serde_json::to_value(&plan).unwrap();
        value["diff"] = "".into();
        value
    };
    let output = rig.offline(&["HEAD", "-o", "json", "--gate", "0"]);
    let offline: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(offline, without(rig.plan("HEAD")));
    commit(&path);
    let text = |rest: &[&str]| String::from_utf8(rig.offline(rest).stdout).unwrap();
    assert!(
        text(&["HEAD~1..HEAD"]).contains("\n1 node changes arguments, 1 gets another profile, ")
    );
    assert!(text(&["HEAD~1..HEAD", "--diff"]).contains("\n--- sn1/ipxe\t"));
    let code = |rest: &[&str]| rig.offline(rest).status.code().unwrap();
    assert_eq!(code(&["HEAD~1..HEAD"]), 0);
    assert_eq!(code(&["HEAD~1..HEAD", "--exit-code"]), 5);
    assert_eq!(code(&["HEAD~1..HEAD", "--exit-code", "--gate", "0"]), 3);
    assert_eq!(code(&["HEAD..HEAD", "--exit-code"]), 0);
    let unread = |rest: &[&str]| {
        let mut child = rig.offline_command(rest).stdout(Stdio::piped()).spawn().unwrap();
        drop(child.stdout.take());
        child.wait().unwrap().code()
    };
    assert_eq!(unread(&["HEAD~1..HEAD"]), Some(0));
    assert_eq!(unread(&["HEAD~1..HEAD", "--exit-code"]), Some(5), "the code is read all the same");
    assert_eq!(code(&["no-such..HEAD"]), 1);
    assert_eq!(code(&["a...b"]), 64);
}
