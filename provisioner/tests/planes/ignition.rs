//! A machine whose installed system is configured by Ignition.

use api::node::{FirstBoot, IgnitionPlace, InstallOrder};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use crate::installed;
use crate::rig::{GROUP, Rig};

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
    let rig = Rig::with(|dir| {
        let put = |path: &str, text: &str| {
            let path = dir.join(path);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        };
        put("catalog/groups/lab.yaml", &GROUP.replace("debian-12", "flatcar"));
        let manifest = format!("file: image.raw\nsha256: {}\nformat: raw\n", "0".repeat(64));
        put("assets/images/flatcar/image.yaml", &manifest);
        put("assets/images/flatcar/image.raw", "0123456789");
    });
    let token = rig.boot().expect("its script starts the installer");
    let order = rig.claim(&token);
    assert_eq!(rig.post("installed", &token, &installed()).0, 200);
    assert!(rig.state("installed"), "it has not been heard of yet");
    let home = json!({"hostname": "sn1", "versions": {}});
    assert_eq!(rig.post("running", &ignition_token(&order), &home).0, 200);
    assert!(rig.state("running"));
}
