//! The boot plane and the node plane of the real daemon, over real HTTP, from a blank machine to a running node.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test's helpers fail the test")]

use std::net::TcpListener;
use std::path::Path;
use std::time::{Duration, Instant};

use api::node::{Ack, FirstBoot, IgnitionPlace, InstallOrder, Refusal};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use provisioner::config::{Overrides, Settings};
use provisioner::server::daemon;
use serde_json::{Value, json};
use ureq::Agent;

const GROUP: &str = "\
name: lab
profile: debian-12
selector: {serial: [SN1, SN2]}
metadata: {ssh_authorized_keys: [ssh-ed25519 AAAA test]}
";
const WHO: &str =
    "uuid=4c4c4544-0051-3610-8052-b4c04f4a3132&mac=52-54-00-00-00-01&serial=SN1&arch=x86_64";

/// A daemon on loopback with the shipped catalog and one group more. Ends with the test.
struct Rig {
    base: String,
    http: Agent,
    dir: tempfile::TempDir,
    runtime: tokio::runtime::Runtime,
}

impl Rig {
    fn new() -> Self {
        Self::with(GROUP)
    }

    /// With this group.
    fn with(group: &str) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let catalog = dir.path().join("catalog");
        let shipped = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
        for folder in ["groups", "profiles", "templates"] {
            copy(&shipped.join(folder), &catalog.join(folder));
        }
        std::fs::write(catalog.join("groups/lab.yaml"), group).unwrap();
        let assets = dir.path().join("assets");
        let write = |file: &str, text: &str| {
            let path = assets.join(file);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        };
        ["vmlinuz", "initrd.img"]
            .map(|file| write(&format!("installer/x86_64/{file}"), "0123456789"));
        let manifest = format!("file: image.raw\nsha256: {}\nformat: raw\n", "0".repeat(64));
        for image in ["debian-12", "flatcar"] {
            write(&format!("images/{image}/image.raw"), "0123456789");
            write(&format!("images/{image}/image.yaml"), &manifest);
        }
        Self::start(dir)
    }

    fn start(dir: tempfile::TempDir) -> Self {
        let (http_port, tftp_port) = (free_port(), free_port());
        let here = dir.path().display();
        let text = format!(
            "data_dir: {here}/data\nassets: {here}/assets\ncatalog: {{path: {here}/catalog}}\n\
             loaders: {{directory: {here}}}\nhttp: {{listen: \"127.0.0.1:{http_port}\"}}\n\
             tftp: {{listen: \"127.0.0.1:{tftp_port}\"}}\noperator: {{socket: {here}/socket}}\n"
        );
        let settings = Settings::parse(&text, "test.yaml", &Overrides::default()).unwrap();
        let runtime = tokio::runtime::Runtime::new().unwrap();
        runtime.spawn(daemon::run(settings));
        let http = Agent::config_builder().http_status_as_error(false).build().new_agent();
        let rig = Self { base: format!("http://127.0.0.1:{http_port}"), http, dir, runtime };
        rig.wait_until("it is ready", |rig| {
            rig.http.get(format!("{}/readyz", rig.base)).call().is_ok_and(|r| r.status() == 200)
        });
        rig
    }

    fn wait_until(&self, what: &str, done: impl Fn(&Self) -> bool) {
        let start = Instant::now();
        while !done(self) {
            assert!(start.elapsed() < Duration::from_secs(30), "waited in vain until {what}");
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    fn get(&self, path: &str) -> (u16, String) {
        let mut response = self.http.get(format!("{}{path}", self.base)).call().unwrap();
        (response.status().as_u16(), response.body_mut().read_to_string().unwrap())
    }

    fn post(&self, call: &str, token: &str, body: &Value) -> (u16, String) {
        let request = self.http.post(format!("{}/v1/node/{call}", self.base));
        let request = request.header("Authorization", format!("Bearer {token}"));
        let mut response = request.send(body.to_string()).unwrap();
        (response.status().as_u16(), response.body_mut().read_to_string().unwrap())
    }

    /// Boots once: the token that the script gives, if it starts the installer.
    fn boot(&self) -> Option<String> {
        let (status, script) = self.get(&format!("/ipxe?{WHO}"));
        assert_eq!(status, 200);
        let token = script.split("provisioner.token=").nth(1)?;
        Some(token.split_whitespace().next().unwrap().to_owned())
    }

    fn claim(&self, token: &str) -> InstallOrder {
        let (status, body) = self.post("claim", token, &json!({"inventory": {}}));
        assert_eq!(status, 200, "{body}");
        serde_json::from_str(&body).unwrap()
    }

    fn state(&self, expected: &str) -> bool {
        self.get("/metrics").1.contains(&format!("provisioner_nodes{{state=\"{expected}\"}} 1"))
    }
}

fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in from.read_dir().unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &target);
        } else {
            std::fs::copy(entry.path(), target).unwrap();
        }
    }
}

fn installed() -> Value {
    json!({"disk": {"name": "vda"}, "sha256": "0", "image_bytes": 10, "took_ms": 5})
}

/// The node token, as the first boot's script carries it.
fn node_token(order: &InstallOrder) -> String {
    let FirstBoot::CloudInit { files } = &order.first_boot else { panic!("{order:?}") };
    let script = &files["vendor-data"];
    let token = script.split("token='").nth(1).unwrap_or_else(|| panic!("{script}"));
    token.split('\'').next().unwrap().to_owned()
}

#[test]
fn a_blank_machine_becomes_running_by_its_own_word_alone() {
    let rig = Rig::new();
    let token = rig.boot().expect("its script starts the installer");
    assert!(rig.state("configured"), "serving a script installs nothing");
    let order = rig.claim(&token);
    assert_eq!((order.generation, order.hostname.as_str()), (1, "sn1"));
    assert_eq!(rig.claim(&token), order, "a claim whose answer was lost gets the same order");
    let progress = json!({"stage": "write", "done_bytes": 5, "total_bytes": 10});
    assert_eq!(rig.post("progress", &token, &progress).0, 200);
    assert_eq!(rig.post("log", &token, &json!({"first": 0, "lines": ["a", "b"]})).0, 200);
    let (status, ack) = rig.post("installed", &token, &installed());
    assert_eq!(
        (status, serde_json::from_str::<Ack>(&ack).unwrap().state.as_str()),
        (200, "installed")
    );
    assert_eq!(rig.boot(), None, "an installed machine is sent to its disk");
    let home = json!({"hostname": "sn1", "versions": {"kernel": "6.1"}});
    assert_eq!(rig.post("running", &node_token(&order), &home).0, 200);
    assert!(rig.state("running"));
    let log = rig.dir.path().join(format!("data/logs/{}/{}.log", order.node, order.boot));
    assert_eq!(std::fs::read_to_string(log).unwrap(), "a\nb\n");
}

/// The config that the order puts onto the disk, and the node token in it.
fn ignition_token(order: &InstallOrder) -> String {
    let FirstBoot::Ignition { config, place } = &order.first_boot else { panic!("{order:?}") };
    assert_eq!(*place, IgnitionPlace::Oem);
    let decoded = |config: &Value, pointer: &str| {
        let data = config.pointer(pointer).and_then(Value::as_str).unwrap();
        let text = data.strip_prefix("data:;base64,").unwrap();
        String::from_utf8(STANDARD.decode(text).unwrap()).unwrap()
    };
    let config: Value = serde_json::from_str(config).unwrap();
    let own = decoded(&config, "/ignition/config/merge/0/source");
    assert!(own.contains("ssh-ed25519 AAAA test") && own.contains("sn1"), "{own}");
    let ours = decoded(&config, "/ignition/config/merge/1/source");
    let ours: Value = serde_json::from_str(&ours).unwrap();
    let script = decoded(&ours, "/storage/files/0/contents/source");
    let token = script.split("token='").nth(1).unwrap_or_else(|| panic!("{script}"));
    token.split('\'').next().unwrap().to_owned()
}

#[test]
fn a_machine_that_ignition_configures_is_running_when_it_phones_home() {
    let rig = Rig::with(&GROUP.replace("debian-12", "flatcar"));
    let token = rig.boot().expect("its script starts the installer");
    let order = rig.claim(&token);
    assert_eq!(rig.post("installed", &token, &installed()).0, 200);
    assert!(rig.state("installed"), "it has not been heard of yet");
    let home = json!({"hostname": "sn1", "versions": {}});
    assert_eq!(rig.post("running", &ignition_token(&order), &home).0, 200);
    assert!(rig.state("running"));
}

#[test]
fn every_token_opens_its_own_door_only() {
    let rig = Rig::new();
    let token = rig.boot().unwrap();
    let order = rig.claim(&token);
    let refused = |call: &str, token: &str| rig.post(call, token, &installed()).0;
    assert_eq!(refused("installed", "b1.forged.1.0.x"), 401);
    assert_eq!(refused("installed", &node_token(&order)), 401);
    assert_eq!(refused("running", &token), 401);
    assert_eq!(rig.post("progress", &token, &json!({"stage": "sideways"})).0, 422);
    assert_eq!(rig.post("nonsense", &token, &json!({})).0, 404);
    assert_eq!(rig.get("/v1/node/claim").0, 405);
    assert!(rig.state("installing"), "none of it changed anything");
}

#[test]
fn a_newer_boot_takes_over_and_the_older_hears_so() {
    let rig = Rig::new();
    let old = rig.boot().unwrap();
    rig.claim(&old);
    let new = rig.boot().expect("a machine that starts again in the middle installs again");
    rig.claim(&new);
    let (status, body) = rig.post("installed", &old, &installed());
    let refusal: Refusal = serde_json::from_str(&body).unwrap();
    assert_eq!(status, 409);
    assert!(refusal.error.contains("has taken over"), "{}", refusal.error);
    assert_eq!(rig.post("installed", &new, &installed()).0, 200);
}

#[test]
fn a_daemon_that_was_restarted_knows_the_boot_under_way() {
    let rig = Rig::new();
    let token = rig.boot().unwrap();
    let order = rig.claim(&token);
    let Rig { dir, runtime, .. } = rig;
    // As SIGKILL would: nothing is asked to stop in order.
    runtime.shutdown_timeout(Duration::from_secs(10));
    let mut tries = 0;
    while redb_is_held(dir.path()) && tries < 500 {
        std::thread::sleep(Duration::from_millis(20));
        tries += 1;
    }
    let rig = Rig::start(dir);
    assert_eq!(rig.post("progress", &token, &json!({"stage": "write"})).0, 200);
    let again = rig.claim(&token);
    assert_eq!((again.boot.as_str(), again.generation), (order.boot.as_str(), order.generation));
    assert_eq!(rig.post("installed", &token, &installed()).0, 200);
}

fn redb_is_held(dir: &Path) -> bool {
    provisioner::server::store::redb::RedbStore::open(&dir.join("data/store.redb")).is_err()
}

#[test]
fn what_cannot_be_installed_says_so_on_the_screen_and_starts_nothing() {
    let rig = Rig::new();
    let (_, script) = rig.get("/ipxe?mac=52-54-00-00-00-09&serial=OTHER");
    assert!(
        script.contains("No group selects this machine") && !script.contains("kernel"),
        "{script}"
    );
    std::fs::remove_file(rig.dir.path().join("assets/images/debian-12/image.yaml")).unwrap();
    let (_, script) = rig.get(&format!("/ipxe?{WHO}"));
    assert!(script.contains("is not in the library") && !script.contains("kernel"), "{script}");
    let (_, script) = rig.get("/ipxe?os=unnamed");
    assert!(
        script.contains("no usable UUID, serial or MAC") && !script.contains("kernel"),
        "{script}"
    );
}

#[test]
fn a_faulty_catalog_never_goes_live() {
    let rig = Rig::new();
    let group = rig.dir.path().join("catalog/groups/lab.yaml");
    std::fs::write(&group, GROUP.replace("profile: debian-12", "profile: debian-13")).unwrap();
    std::fs::write(
        rig.dir.path().join("catalog/groups/more.yaml"),
        "name: more\nprofile: local\nselector: {a: b}\n",
    )
    .unwrap();
    // It is looked at every second; whatever it looks like meanwhile, the last good one serves.
    for _ in 0..15 {
        std::thread::sleep(Duration::from_millis(100));
        assert!(rig.boot().is_some());
    }
    std::fs::write(&group, GROUP.replace("SN1, ", "")).unwrap();
    rig.wait_until("the mended catalog serves", |rig| rig.boot().is_none());
}

#[test]
fn files_are_served_in_parts_and_nothing_outside_is() {
    let rig = Rig::new();
    let url = format!("{}/assets/images/debian-12/image.raw", rig.base);
    let whole = rig.http.get(&url).call().unwrap();
    let tag = whole.headers()["etag"].to_str().unwrap().to_owned();
    let part = |tag: &str| {
        let request = rig.http.get(&url).header("Range", "bytes=4-").header("If-Range", tag);
        let mut response = request.call().unwrap();
        (response.status().as_u16(), response.body_mut().read_to_string().unwrap())
    };
    assert_eq!(part(&tag), (206, "456789".to_owned()));
    assert_eq!(part("\"other\""), (200, "0123456789".to_owned()));
    let past = rig.http.get(&url).header("Range", "bytes=10-").call().unwrap();
    assert_eq!(
        (past.status().as_u16(), past.headers()["content-range"].to_str().unwrap()),
        (416, "bytes */10")
    );
    let head = rig.http.head(&url).call().unwrap();
    assert_eq!(head.headers()["content-length"], "10");
    for path in
        ["/assets/../data/token.key", "/assets/%2e%2e/data/token.key", "/assets/", "/assets/images"]
    {
        assert_eq!(rig.get(path).0, 404, "{path}");
    }
    assert_eq!(rig.http.delete(&url).call().unwrap().status(), 405);
}

#[test]
fn matchboxs_paths_answer_by_labels_alone() {
    let rig = Rig::new();
    assert_eq!(rig.get("/").1, "matchbox\n");
    assert!(
        rig.get("/boot.ipxe").1.starts_with("#!ipxe\nchain ipxe?uuid=${uuid}&mac=${mac:hexhyp}")
    );
    let (status, cloud) = rig.get("/cloud?serial=SN2");
    assert!(status == 200 && cloud.contains("ssh-ed25519 AAAA test"), "{status}: {cloud}");
    let (_, metadata) = rig.get("/metadata?serial=SN2&x=1");
    assert!(metadata.contains("REQUEST_QUERY_X=1\n") && metadata.contains("SERIAL="), "{metadata}");
    assert_eq!(rig.get("/generic?serial=SN2"), (404, "404 page not found\n".to_owned()));
    assert!(!rig.state("configured"), "these paths record nobody");
}
