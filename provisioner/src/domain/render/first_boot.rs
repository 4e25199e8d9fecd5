//! The seed that tells an installed system who it is: cloud-init's NoCloud files.

use std::collections::BTreeMap;

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
