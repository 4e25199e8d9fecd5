//! The boot plane and the node plane of the real daemon, over real HTTP, from a blank machine to a running node.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stderr,
    reason = "a test's helpers fail the test and say why"
)]

#[path = "planes/boot.rs"]
mod boot;
#[path = "planes/ignition.rs"]
mod ignition;
#[path = "planes/rig.rs"]
mod rig;
#[path = "planes/signed.rs"]
mod signed;
#[path = "planes/typo.rs"]
mod typo;

use std::path::Path;
use std::time::Duration;

use api::node::{Ack, FirstBoot, InstallOrder, Refusal};
use serde_json::{Value, json};

use rig::{GROUP, Rig, WHO};

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
    assert_eq!(rig.get("/generic?serial=SN2").0, 404);
    assert_eq!(rig.get("/nothing"), (404, "404 page not found\n".to_owned()));
    assert!(!rig.state("configured"), "these paths record nobody");
}
