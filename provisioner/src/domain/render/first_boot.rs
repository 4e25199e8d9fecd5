//! What tells an installed system who it is: cloud-init's NoCloud files, or an Ignition config.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::json;

/// File name to text.
pub type Files = BTreeMap<String, String>;

/// What goes into a seed.
#[derive(Debug, Clone)]
pub struct Seed<'a> {
    /// The rendered cloud-config or script; empty: the system gets its name, address and phone-home only.
    pub user_data: String,
    /// Node id.
    pub node: &'a str,
    /// Install generation: a new one makes cloud-init run again.
    pub generation: u64,
    /// Host name.
    pub hostname: &'a str,
    /// MAC of the interface that it boots from.
    pub mac: &'a str,
    /// How it reports that it runs.
    pub phone_home: PhoneHome<'a>,
}

/// How an installed system reports that it runs.
#[derive(Debug, Clone)]
pub struct PhoneHome<'a> {
    /// Base URL of the node plane, no trailing slash.
    pub url: &'a str,
    /// Its node token.
    pub token: &'a str,
}

/// `user-data`, `meta-data`, `network-config` (version 2) and `vendor-data` for the `CIDATA` partition.
///
/// The files are JSON where cloud-init reads YAML: every reader of YAML takes it, and no value can leave its
/// quotes.
pub fn nocloud(seed: Seed<'_>, vendor_data: String) -> Files {
    let meta_data = json!({
        "instance-id": format!("{}-g{}", seed.node, seed.generation),
        "local-hostname": seed.hostname,
    });
    // By MAC and not by name: the installed kernel may name its interfaces differently. And by MAC towards
    // the DHCP server, which gives the address by MAC.
    let network = json!({
        "version": 2,
        "ethernets": {
            "boot": {
                "match": {"macaddress": seed.mac},
                "dhcp4": true,
                "dhcp-identifier": "mac",
            },
        },
    });
    let user_data =
        if seed.user_data.is_empty() { "#cloud-config\n{}\n".to_owned() } else { seed.user_data };
    let files = [
        ("user-data", user_data),
        ("meta-data", format!("{meta_data:#}\n")),
        ("network-config", format!("{network:#}\n")),
        ("vendor-data", vendor_data),
    ];
    files.into_iter().map(|(name, text)| (name.to_owned(), text)).collect()
}

/// Where Ignition puts the script that makes the system phone home. `/usr` cannot be written to there.
const SETUP: &str = "/etc/provisioner/setup.sh";

/// Runs that script once. By a shell and not by itself: what lies below `/etc` is no program for SELinux.
const SETUP_UNIT: &str = "\
[Unit]
Description=Set up this system's report to the provisioner
ConditionPathExists=!/etc/provisioner/setup.done
StartLimitIntervalSec=0

[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart=/bin/sh /etc/provisioner/setup.sh
ExecStart=/bin/sh -c ': >/etc/provisioner/setup.done'
Restart=on-failure
RestartSec=5

[Install]
WantedBy=multi-user.target
";

/// The Ignition config for an installed system: the profile's `config`, byte for byte, and behind it one that
/// runs the script `setup`, which makes it phone home.
///
/// Of version 3.0.0, which every Ignition of today reads; what it merges has versions of its own. A
/// `config.replace` in the profile's config replaces that one alone, as Ignition renders each config that it
/// merges by itself.
pub fn ignition(config: &str, setup: &str) -> String {
    let data = |text: &str| json!({"source": format!("data:;base64,{}", STANDARD.encode(text))});
    let ours = json!({
        "ignition": {"version": "3.0.0"},
        "storage": {
            // Root's alone: the node token is in it.
            "files": [{"path": SETUP, "mode": 0o600, "overwrite": true, "contents": data(setup)}],
        },
        "systemd": {
            "units": [{"name": "provisioner-setup.service", "enabled": true, "contents": SETUP_UNIT}],
        },
    });
    let merge = [data(config), data(&ours.to_string())];
    json!({"ignition": {"version": "3.0.0", "config": {"merge": merge}}}).to_string()
}
