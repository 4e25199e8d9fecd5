use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

use super::*;

/// Engine of Debian's package `ignition`: the program that reads the config on a machine.
const ENGINE: &str = "/usr/lib/dracut/modules.d/30ignition/ignition";

fn installed(config: &str) -> String {
    let phone_home = PhoneHome { url: "http://10.77.0.1:8080", token: "se cret" };
    catalog(&[]).installed_ignition(config, &phone_home).unwrap()
}

fn decoded(source: &Value) -> String {
    let data = source.as_str().unwrap().strip_prefix("data:;base64,").unwrap();
    String::from_utf8(STANDARD.decode(data).unwrap()).unwrap()
}

/// The config as Ignition itself puts it together, with all that it refers to.
fn rendered(config: &str) -> Value {
    let directory = tempfile::tempdir().unwrap();
    let at = |name: &str| directory.path().join(name).to_str().unwrap().to_owned();
    std::fs::write(at("config.ign"), config).unwrap();
    let output = Command::new(ENGINE)
        .args(["-platform", "file", "-stage", "fetch", "-log-to-stdout"])
        .args(["-config-cache", &at("cache"), "-state-file", &at("state")])
        .args(["-neednet", &at("neednet"), "-root", &at("root")])
        .env("IGNITION_CONFIG_FILE", at("config.ign"))
        .output()
        .unwrap_or_else(|error| panic!("{ENGINE}: {error}"));
    assert!(output.status.success(), "{output:?}");
    serde_json::from_slice(&std::fs::read(at("cache")).unwrap()).unwrap()
}

fn paths(config: &Value) -> Vec<&str> {
    let files = config["storage"]["files"].as_array().unwrap();
    files.iter().map(|file| file["path"].as_str().unwrap()).collect()
}

const OWN: &str = "{\n  \"ignition\": {\"version\": \"3.3.0\"},\t\"storage\": {\"files\": [{\"path\": \"/etc/own\"}]}}\n";

#[test]
fn the_profiles_config_is_in_it_byte_for_byte_and_ours_comes_behind() {
    let config: Value = serde_json::from_str(&installed(OWN)).unwrap();
    let merge = config["ignition"]["config"]["merge"].as_array().unwrap();
    assert_eq!(merge.len(), 2);
    assert_eq!(decoded(&merge[0]["source"]), OWN);
    let ours: Value = serde_json::from_str(&decoded(&merge[1]["source"])).unwrap();
    let file = &ours["storage"]["files"][0];
    assert_eq!((file["path"].as_str(), file["mode"].as_u64()), (Some(SETUP), Some(0o600)));
    let script = decoded(&file["contents"]["source"]);
    assert!(script.contains("token='se cret'"), "{script}");
    assert_eq!(ours["systemd"]["units"][0]["enabled"], true);
}

const SETUP: &str = "/etc/provisioner/setup.sh";

#[test]
fn ignition_takes_it_and_merges_both() {
    let config = installed(OWN);
    ignition_butane::spec::check_text(&config).unwrap();
    let mut child =
        Command::new("ignition-validate").arg("-").stdin(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(config.as_bytes()).unwrap();
    assert!(child.wait().unwrap().success());
    let rendered = rendered(&config);
    assert_eq!(paths(&rendered), ["/etc/own", SETUP]);
    let unit = rendered["systemd"]["units"][0]["contents"].as_str().unwrap();
    assert!(unit.contains("ExecStart=/bin/sh /etc/provisioner/setup.sh\n"), "{unit}");
}

/// What is lost is the config that says so, not what it is merged with.
#[test]
fn a_config_that_replaces_itself_still_phones_home() {
    let other = STANDARD.encode(OWN);
    let config = format!(
        r#"{{"ignition": {{"version": "3.0.0", "config": {{"replace": {{"source": "data:;base64,{other}"}}}}}},
            "storage": {{"files": [{{"path": "/etc/lost"}}]}}}}"#
    );
    assert_eq!(paths(&rendered(&installed(&config))), ["/etc/own", SETUP]);
}

#[test]
fn the_profiles_config_cannot_take_the_place_of_the_setup_script() {
    let config = format!(
        r#"{{"ignition": {{"version": "3.3.0"}}, "storage": {{"files": [{{"path": "{SETUP}", "mode": 511}}]}}}}"#
    );
    let rendered = rendered(&installed(&config));
    assert_eq!(paths(&rendered), [SETUP]);
    assert_eq!(rendered["storage"]["files"][0]["mode"], 0o600);
}

#[test]
fn phone_home_writes_nothing_outside_of_etc() {
    let phone_home = PhoneHome { url: "http://h", token: "t" };
    let script = catalog(&[]).templates.phone_home(&phone_home).unwrap();
    for line in script.lines().filter(|line| line.contains(" >/") || line.starts_with("install ")) {
        assert!(line.contains("/etc/"), "{line}");
    }
    assert!(script.contains("ExecStart=/bin/sh /etc/provisioner/phone-home\n"), "{script}");
}
