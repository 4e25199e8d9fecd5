use super::*;

fn seed(url: &str, token: &str) -> first_boot::Files {
    let seed = Seed {
        user_data: "#cloud-config\n{}\n".to_owned(),
        node: "sn-1",
        generation: 2,
        hostname: "node1",
        mac: "52:54:00:00:00:01",
        phone_home: PhoneHome { url, token },
    };
    catalog(&[]).nocloud(seed).unwrap()
}

#[test]
fn the_seed_says_who_the_machine_is_and_runs_again_for_a_new_generation() {
    let files = seed("http://10.77.0.1:8080", "t");
    assert_eq!(
        files.keys().collect::<Vec<_>>(),
        ["meta-data", "network-config", "user-data", "vendor-data"]
    );
    let meta: BTreeMap<String, String> = serde_yaml::from_str(&files["meta-data"]).unwrap();
    assert_eq!(meta["instance-id"], "sn-1-g2");
    assert_eq!(meta["local-hostname"], "node1");
    assert_snapshot!(files["network-config"], @r#"
{
  "ethernets": {
    "boot": {
      "dhcp-identifier": "mac",
      "dhcp4": true,
      "match": {
        "macaddress": "52:54:00:00:00:01"
      }
    }
  },
  "version": 2
}
"#);
}

fn sh(arguments: &[&str], script: &str) -> String {
    let mut child = Command::new("sh")
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(script.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "{script}");
    String::from_utf8(output.stdout).unwrap()
}

/// The text between `cat >PATH <<'WORD'` and `WORD`.
fn here_document<'s>(script: &'s str, word: &str) -> &'s str {
    let (_, rest) = script.split_once(&format!("<<'{word}'\n")).unwrap();
    rest.split_once(&format!("\n{word}\n")).unwrap().0
}

#[test]
fn the_phone_home_script_is_shell_and_reports_what_the_server_reads() {
    let files = seed("http://10.77.0.1:8080", "t");
    sh(&["-n"], &files["vendor-data"]);
    let inner = here_document(&files["vendor-data"], "SCRIPT");
    sh(&["-n"], inner);
    let report = sh(&["-s", "--", "--print"], inner);
    let running: api::node::Running = serde_json::from_str(&report).unwrap();
    assert!(!running.hostname.is_empty() && running.boot_id.len() == 36, "{running:?}");
    assert_eq!(running.versions.keys().collect::<Vec<_>>(), ["kernel", "os"]);
}

/// Seen in the lab: power went two seconds after the report, and the unit and SSH keys were empty files.
#[test]
fn a_system_that_is_switched_off_right_after_it_reported_has_its_first_boot_on_the_disk() {
    let files = seed("http://h", "t");
    let lines: Vec<&str> = files["vendor-data"].lines().collect();
    let at = |wanted: &str| lines.iter().position(|line| line.starts_with(wanted)).unwrap();
    let (enabled, synced) = (at("systemctl enable"), at("sync"));
    assert!(enabled < synced && synced < at("systemctl --no-block start"), "{lines:?}");
}

#[test]
fn url_and_token_reach_the_phone_home_script_as_they_are() {
    let token = "a'b\"c$(id)`id`\\d;e\nENV\nf";
    let files = seed("http://10.77.0.1:8080", token);
    let (setup, _) = files["vendor-data"].split_once("\nmv ").unwrap();
    let setup =
        setup.replace("install -d", "true").replace(">/etc/provisioner/phone-home.env.new", "");
    let env = sh(&["-s"], &setup);
    let told = sh(&["-s"], &format!("{env}\nprintf '%s %s' \"$URL\" \"$TOKEN\""));
    assert_eq!(told, format!("http://10.77.0.1:8080 {token}"));
}

#[test]
fn a_catalog_may_bring_its_own_phone_home_script() {
    let catalog =
        catalog(&[("templates/phone-home.sh", "#!/bin/sh\necho {{url}} {{quote token}}\n")]);
    let phone_home = PhoneHome { url: "http://x", token: "a b" };
    let seed = Seed {
        user_data: String::new(),
        node: "n",
        generation: 1,
        hostname: "h",
        mac: "m",
        phone_home,
    };
    let files = catalog.nocloud(seed).unwrap();
    assert_eq!(files["vendor-data"], "#!/bin/sh\necho http://x 'a b'\n");
    assert_eq!(files["user-data"], "#cloud-config\n{}\n");
}
