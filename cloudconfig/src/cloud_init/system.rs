//! Keys of disks, power, and what the system is set up with.

use super::Key::{self, Need, Opt};
use super::Type::{Any, Bool, Each, Either, Int, Like, List, Map, Sized, Text, Words};

pub(super) const DISK: &[Key] = &[
    Opt("table_type", Words("mbr gpt")),
    Opt("layout", Either(&[Words("remove"), Bool, List(&Either(&[Int, Sized(&Int, 2, 2)]))])),
    Opt("overwrite", Bool),
];

pub(super) const FILESYSTEM: &[Key] = &[
    Opt("label filesystem device replace_fs", Text),
    Opt("partition", Either(&[Words("auto any none"), Int])),
    Opt("overwrite", Bool),
    Opt("extra_opts cmd", Either(&[List(&Text), Text])),
];

pub(super) const SWAP: &[Key] = &[
    Opt("filename", Text),
    Opt("size", Either(&[Words("auto"), Int, Like("a size such as 2G", is_size)])),
    Opt("maxsize", Either(&[Int, Like("a size such as 2G", is_size)])),
];

pub(super) const GROWPART: &[Key] = &[
    Opt("mode", Either(&[Words("auto growpart gpart off"), Bool])),
    Opt("devices", List(&Text)),
    Opt("ignore_growroot_disabled", Bool),
];

pub(super) const GRUB: &[Key] = &[
    Opt("enabled", Bool),
    Opt("grub-pc/install_devices", Text),
    Opt("grub-pc/install_devices_empty", Either(&[Bool, Text])),
];

pub(super) const POWER: &[Key] = &[
    Need("mode", Words("poweroff reboot halt")),
    Opt("delay", Either(&[Words("now"), Int, Like("minutes such as +5", is_delay)])),
    Opt("message", Text),
    Opt("timeout", Int),
    Opt("condition", Either(&[Text, Bool, List(&Any)])),
];

pub(super) const POST: &str =
    "pub_key_dsa pub_key_rsa pub_key_ecdsa pub_key_ed25519 instance_id hostname fqdn";

pub(super) const RESOLV: &[Key] = &[
    Opt("nameservers searchdomains sortlist", List(&Any)),
    Opt("domain", Text),
    Opt("options", Each(&Any)),
];

pub(super) const UPDATES: &[Key] = &[Opt(
    "network",
    Map(&[Need("when", List(&Words("boot-new-instance boot-legacy boot hotplug")))]),
)];

pub(super) const KEYBOARD: &[Key] = &[Need("layout", Text), Opt("model variant options", Text)];

pub(super) const RANDOM_SEED: &[Key] = &[
    Opt("file data", Text),
    Opt("encoding", Words("raw base64 b64 gzip gz")),
    Opt("command", List(&Text)),
    Opt("command_required", Bool),
];

pub(super) const YUM_REPO: &[Key] = &[
    Need("baseurl", Like("a URL such as http://HOST/PATH", is_url)),
    Opt("name", Text),
    Opt("enabled", Bool),
];

/// Whether text begins as a URL does.
pub(super) fn is_url(text: &str) -> bool {
    text.split_once("://").is_some_and(|(scheme, rest)| {
        !rest.is_empty() && scheme.starts_with(|c: char| c.is_ascii_alphabetic())
    })
}

fn is_delay(text: &str) -> bool {
    let digits = text.strip_prefix('+').unwrap_or(text);
    !digits.is_empty() && digits.chars().all(|c| c.is_ascii_digit())
}

fn is_size(text: &str) -> bool {
    let number = text.strip_suffix(['B', 'K', 'M', 'G', 'T']).unwrap_or_default();
    number.parse::<f64>().is_ok()
        && number.chars().all(|c| c.is_ascii_digit() || c == '.')
        && !number.ends_with('.')
}
