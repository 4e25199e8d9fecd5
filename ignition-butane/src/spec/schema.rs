//! Which keys there are, since which version, and what their values are.
//!
//! One table for 3.0 to 3.5, as the versions only ever added keys. Source: the JSON schemas that Ignition's
//! repository holds per version (config/v3_*/schema/ignition.json).

use super::node::Node;

/// What a value is.
#[derive(Debug, Clone, Copy)]
enum Kind {
    Text,
    Flag,
    /// A whole number of 64 bits.
    Whole,
    List(&'static Kind),
    Map(&'static [Key]),
}

#[derive(Debug, Clone, Copy)]
struct Key {
    name: &'static str,
    kind: Kind,
    /// The `x` of `3.x.0` that brought it.
    since: u8,
    required: bool,
}

impl Key {
    const fn since(self, since: u8) -> Self {
        Self { since, ..self }
    }

    const fn required(self) -> Self {
        Self { required: true, ..self }
    }
}

const fn key(name: &'static str, kind: Kind) -> Key {
    Key { name, kind, since: 0, required: false }
}

const fn text(name: &'static str) -> Key {
    key(name, Kind::Text)
}

const fn flag(name: &'static str) -> Key {
    key(name, Kind::Flag)
}

const fn whole(name: &'static str) -> Key {
    key(name, Kind::Whole)
}

const fn texts(name: &'static str) -> Key {
    key(name, Kind::List(&Kind::Text))
}

const fn map(name: &'static str, keys: &'static [Key]) -> Key {
    key(name, Kind::Map(keys))
}

const fn list(name: &'static str, element: &'static Kind) -> Key {
    key(name, Kind::List(element))
}

const CONFIG: Kind = Kind::Map(&[
    map("ignition", IGNITION).required(),
    map("kernelArguments", &[texts("shouldExist"), texts("shouldNotExist")]).since(3),
    map("passwd", &[list("groups", &GROUP), list("users", &USER)]),
    map("storage", STORAGE),
    map("systemd", &[list("units", &UNIT)]),
]);

const IGNITION: &[Key] = &[
    map("config", &[list("merge", &REFERENCE), key("replace", REFERENCE)]),
    map("proxy", &[text("httpProxy"), text("httpsProxy"), texts("noProxy")]).since(1),
    map("security", &[map("tls", &[list("certificateAuthorities", &REFERENCE)])]),
    map("timeouts", &[whole("httpResponseHeaders"), whole("httpTotal")]),
    text("version").required(),
];

/// What a file holds.
const RESOURCE: Kind = Kind::Map(&[
    text("compression"),
    list("httpHeaders", &HEADER).since(1),
    text("source"),
    VERIFICATION,
]);

/// Another configuration, or a certificate authority; both became resources with 3.1.
const REFERENCE: Kind = Kind::Map(&[
    text("compression").since(1),
    list("httpHeaders", &HEADER).since(1),
    text("source"),
    VERIFICATION,
]);

const VERIFICATION: Key = map("verification", &[text("hash")]);
const HEADER: Kind = Kind::Map(&[text("name").required(), text("value")]);

const GROUP: Kind = Kind::Map(&[
    whole("gid"),
    text("name").required(),
    text("passwordHash"),
    flag("shouldExist").since(2),
    flag("system"),
]);

const USER: Kind = Kind::Map(&[
    text("gecos"),
    texts("groups"),
    text("homeDir"),
    text("name").required(),
    flag("noCreateHome"),
    flag("noLogInit"),
    flag("noUserGroup"),
    text("passwordHash"),
    text("primaryGroup"),
    text("shell"),
    flag("shouldExist").since(2),
    texts("sshAuthorizedKeys"),
    flag("system"),
    whole("uid"),
]);

const STORAGE: &[Key] = &[
    list("directories", &DIRECTORY),
    list("disks", &DISK),
    list("files", &FILE),
    list("filesystems", &FILESYSTEM),
    list("links", &LINK),
    list("luks", &LUKS).since(2),
    list("raid", &RAID),
];

const OWNER: &[Key] = &[whole("id"), text("name")];
const NODE_GROUP: Key = map("group", OWNER);
const NODE_USER: Key = map("user", OWNER);
const NODE_PATH: Key = text("path").required();
const OVERWRITE: Key = flag("overwrite");

const DIRECTORY: Kind = Kind::Map(&[NODE_GROUP, whole("mode"), OVERWRITE, NODE_PATH, NODE_USER]);

const FILE: Kind = Kind::Map(&[
    list("append", &RESOURCE),
    key("contents", RESOURCE),
    NODE_GROUP,
    whole("mode"),
    OVERWRITE,
    NODE_PATH,
    NODE_USER,
]);

const LINK: Kind =
    Kind::Map(&[NODE_GROUP, flag("hard"), OVERWRITE, NODE_PATH, text("target"), NODE_USER]);

const DISK: Kind =
    Kind::Map(&[text("device").required(), list("partitions", &PARTITION), flag("wipeTable")]);

const PARTITION: Kind = Kind::Map(&[
    text("guid"),
    text("label"),
    whole("number"),
    flag("resize").since(2),
    flag("shouldExist"),
    whole("sizeMiB"),
    whole("startMiB"),
    text("typeGuid"),
    flag("wipePartitionEntry"),
]);

const FILESYSTEM: Kind = Kind::Map(&[
    text("device").required(),
    text("format"),
    text("label"),
    texts("mountOptions").since(1),
    texts("options"),
    text("path"),
    text("uuid"),
    flag("wipeFilesystem"),
]);

const RAID: Kind = Kind::Map(&[
    texts("devices"),
    text("level"),
    text("name").required(),
    texts("options"),
    whole("spares"),
]);

const LUKS: Kind = Kind::Map(&[
    map("cex", &[flag("enabled")]).since(5),
    map("clevis", CLEVIS),
    text("device"),
    flag("discard").since(4),
    key("keyFile", RESOURCE),
    text("label"),
    text("name").required(),
    texts("openOptions").since(4),
    texts("options"),
    text("uuid"),
    flag("wipeVolume"),
]);

const CLEVIS: &[Key] = &[
    map("custom", &[text("config"), flag("needsNetwork"), text("pin")]),
    list("tang", &TANG),
    whole("threshold"),
    flag("tpm2"),
];

const TANG: Kind = Kind::Map(&[text("advertisement").since(4), text("thumbprint"), text("url")]);

const UNIT: Kind = Kind::Map(&[
    text("contents"),
    list("dropins", &DROPIN),
    flag("enabled"),
    flag("mask"),
    text("name").required(),
]);

const DROPIN: Kind = Kind::Map(&[text("contents"), text("name").required()]);

/// Notes keys that are unknown or missing and values of a wrong type.
pub(super) fn check(root: &Node<'_>) {
    check_kind(root, CONFIG);
}

fn check_kind(node: &Node<'_>, kind: Kind) {
    let fits = match kind {
        Kind::Text => node.value.is_string(),
        Kind::Flag => node.value.is_boolean(),
        Kind::Whole => node.value.as_i64().is_some(),
        Kind::List(_) => node.value.is_array(),
        Kind::Map(_) => node.value.is_object(),
    };
    if !fits {
        let (wanted, found) = (kind.name(), found(node.value));
        return node.error(format!("{wanted} is wanted here, not {found}"));
    }
    match kind {
        Kind::List(element) => node.elements().for_each(|each| check_kind(&each, *element)),
        Kind::Map(keys) => check_map(node, keys),
        _ => {}
    }
}

fn check_map(node: &Node<'_>, keys: &'static [Key]) {
    for name in node.value.as_object().into_iter().flat_map(|map| map.keys()) {
        check_name(node, name, keys);
    }
    for key in keys {
        match node.child(key.name) {
            Some(child) if node.since(key.since) => check_kind(&child, key.kind),
            None if key.required => {
                node.error_at(key.name, format!("`{}` is missing", key.name));
            }
            _ => {}
        }
    }
}

fn check_name(node: &Node<'_>, name: &str, keys: &[Key]) {
    let known = keys.iter().filter(|key| node.since(key.since)).map(|key| key.name);
    match keys.iter().find(|key| key.name == name) {
        Some(key) if node.since(key.since) => {}
        Some(key) => {
            let (since, now) = (key.since, node.minor());
            let message = format!(
                "`{name}` came with version 3.{since}.0, and this config says 3.{now}.0: Ignition would ignore it; \
                 raise ignition.version or leave it out"
            );
            node.error_at(name, message);
        }
        None => {
            let all = known.clone().collect::<Vec<_>>().join(", ");
            let hint =
                yaml::did_you_mean(name, known).unwrap_or_else(|| format!("known here: {all}"));
            node.error_at(name, format!("no such key, Ignition would ignore it; {hint}"));
        }
    }
}

impl Kind {
    fn name(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Flag => "true or false",
            Self::Whole => "a whole number",
            Self::List(_) => "a list",
            Self::Map(_) => "an object",
        }
    }
}

fn found(value: &serde_json::Value) -> String {
    use serde_json::Value;
    match value {
        Value::Null => "null".to_owned(),
        Value::Bool(flag) => flag.to_string(),
        Value::Number(number) => number.to_string(),
        Value::String(_) => "text".to_owned(),
        Value::Array(_) => "a list".to_owned(),
        Value::Object(_) => "an object".to_owned(),
    }
}
