//! Reads `install`: the part of a profile that overwrites disks. Nothing here has a default that writes.

use api::node::{After, Choose, DiskChoice, DiskRule, ImageFormat, Wipe};

use crate::domain::node::Limits;
use yaml::{Field, Keys, Map, Value};

use super::{ConfigKind, ImageRef, Install};

const INSTALL: Keys<'_> = Keys {
    what: "`install`",
    known: &["image", "disk", "config", "wipe", "after", "limits"],
    later: &[],
};
const IMAGE: Keys<'_> =
    Keys { what: "`image`", known: &["url", "sha256", "format"], later: &["signature"] };
const DISK: Keys<'_> = Keys {
    what: "`disk`",
    known: &["serial", "wwn", "path", "by", "choose", "min", "rotational", "transport"],
    later: &[],
};
const LIMITS: Keys<'_> =
    Keys { what: "`limits`", known: &["heartbeat", "first_boot", "tries"], later: &[] };

/// `ignition`: the profile has an Ignition config.
pub(super) fn read_install(field: &Field<'_>, ignition: bool) -> Option<Install> {
    let fields = field.map(&INSTALL)?;
    let image = fields.get("image");
    let disk = fields.get("disk");
    if image.is_none() {
        fields.fault_at("image", "`install` names the image to write");
    }
    if disk.is_none() {
        let message = "`install` says which disk may be overwritten; \
                       there is no default, so that no disk is ever overwritten by accident";
        let hint = Some("write `disk: {choose: only}` for machines with one disk".to_owned());
        fields.fault_with_hint_at("disk", message, hint);
    }
    let image = image.and_then(|field| read_image(&field));
    let disk = disk.and_then(|field| read_disk(&field));
    let config = read_config(&fields, ignition);
    let wipe = [("none", Wipe::None), ("signatures", Wipe::Signatures), ("discard", Wipe::Discard)];
    let after = [("reboot", After::Reboot), ("poweroff", After::Poweroff)];
    let limits = fields.get("limits").map(|field| read_limits(&field)).unwrap_or_default();
    Some(Install {
        image: image?,
        disk: disk?,
        config: config.unwrap_or_default(),
        wipe: fields.word("wipe", &wipe, &[]).unwrap_or_default(),
        after: fields.word("after", &after, &["kexec"]).unwrap_or_default(),
        limits,
    })
}

fn read_config(fields: &Map<'_>, ignition: bool) -> Option<ConfigKind> {
    let words = [
        ("none", ConfigKind::None),
        ("cloud-init", ConfigKind::CloudInit),
        ("ignition", ConfigKind::Ignition),
        ("ignition-oem", ConfigKind::IgnitionOem),
    ];
    let config = fields.word("config", &words, &[])?;
    let (message, hint) = match (config.ignition_place(), ignition) {
        (Some(_), false) => (
            "the profile has no Ignition config that could be put onto the disk",
            "add `ignition: FILE`, a file of templates/ignition/, or write `config: none`",
        ),
        (None, true) if config == ConfigKind::CloudInit => (
            "the installed system is configured by cloud-init, so nothing reads the profile's `ignition`",
            "drop `ignition`, or write `config: ignition` (Fedora CoreOS) or `config: ignition-oem` (Flatcar)",
        ),
        _ => return Some(config),
    };
    fields.fault_with_hint_at("config", message, Some(hint.to_owned()));
    Some(config)
}

fn read_image(field: &Field<'_>) -> Option<ImageRef> {
    if let Value::Text(name) = field.value() {
        let ok = !name.is_empty()
            && name.bytes().all(|b| b.is_ascii_alphanumeric() || b"._-".contains(&b))
            && !name.starts_with('.');
        if !ok {
            let message = format!("{name:?} is no image name: letters, digits, `.`, `_` and `-`");
            let hint =
                name.contains("://").then(|| "write `image: {url: …, sha256: …}`".to_owned());
            return field.fault_with_hint(message, hint);
        }
        return Some(ImageRef::Library(name.clone()));
    }
    let fields = field.map(&IMAGE)?;
    for key in ["url", "sha256"].into_iter().filter(|key| !fields.has(key)) {
        fields.fault_at(key, "an image from a URL has `url` and `sha256`");
    }
    let url = fields.parsed("url", image_url);
    let sha256 = fields.parsed("sha256", |text| {
        let ok = text.len() == 64 && text.bytes().all(|b| b.is_ascii_hexdigit());
        ok.then(|| text.to_lowercase()).ok_or_else(|| "a SHA-256 has 64 hex digits".to_owned())
    });
    let formats = [("raw", ImageFormat::Raw), ("raw-zstd", ImageFormat::RawZstd)];
    let format = match fields.get("format") {
        Some(_) => fields.word("format", &formats, &[])?,
        None if url.as_deref().is_some_and(|url| url.rsplit('.').next() == Some("zst")) => {
            ImageFormat::RawZstd
        }
        None => ImageFormat::Raw,
    };
    Some(ImageRef::Url { url: url?, sha256: sha256?, format })
}

fn read_disk(field: &Field<'_>) -> Option<DiskRule> {
    let fields = field.map(&DISK)?;
    let rules = ["serial", "wwn", "path", "by", "choose"];
    let mut given = rules.into_iter().filter(|key| fields.has(key));
    let (Some(rule), None) = (given.next(), given.next()) else {
        return field.fault("a disk is named by exactly one of: serial, wwn, path, by, choose");
    };
    if rule == "choose" {
        return read_choice(&fields);
    }
    for filter in ["min", "rotational", "transport"].into_iter().filter(|key| fields.has(key)) {
        fields.fault_at(filter, format!("goes with `choose`, not with `{rule}`"));
    }
    let value = fields.parsed(rule, |text| {
        let ok = !text.trim().is_empty() && (rule != "path" || text.starts_with("/dev/"));
        let why = if rule == "path" { "a disk's path begins with /dev/" } else { "it is empty" };
        ok.then(|| text.to_owned()).ok_or_else(|| why.to_owned())
    })?;
    Some(match rule {
        "serial" => DiskRule::Serial(value),
        "wwn" => DiskRule::Wwn(value),
        "path" => DiskRule::Path(value),
        _ => DiskRule::By(value),
    })
}

fn read_choice(fields: &Map<'_>) -> Option<DiskRule> {
    let ends =
        [("smallest", Choose::Smallest), ("largest", Choose::Largest), ("only", Choose::Only)];
    let transports = ["virtio", "nvme", "sata", "scsi", "usb", "mmc"].map(|name| (name, name));
    let transport = fields.word("transport", &transports, &[]);
    let min_bytes = fields.parsed("min", yaml::bytes);
    let rotational = fields.boolean("rotational");
    let choose = fields.word("choose", &ends, &[])?;
    Some(DiskRule::Choose(DiskChoice {
        choose,
        min_bytes,
        rotational,
        transport: transport.map(str::to_owned),
    }))
}

fn read_limits(field: &Field<'_>) -> Limits {
    let default = Limits::default();
    let Some(fields) = field.map(&LIMITS) else {
        return default;
    };
    let tries = fields.integer("tries").map(u32::try_from);
    if matches!(tries, Some(Err(_) | Ok(0))) {
        fields.fault_at("tries", "the number of tries is at least 1");
    }
    Limits {
        heartbeat_seconds: fields.parsed("heartbeat", limit).unwrap_or(default.heartbeat_seconds),
        first_boot_seconds: fields
            .parsed("first_boot", limit)
            .unwrap_or(default.first_boot_seconds),
        tries: tries.and_then(Result::ok).unwrap_or(default.tries),
    }
}

fn limit(text: &str) -> Result<u32, String> {
    let why = match yaml::seconds(text) {
        Some(0) => "leaves no time at all",
        Some(seconds) => return Ok(seconds),
        None => "is no duration",
    };
    Err(format!("{text:?} {why}; write 60s, 15m, 2h or 1d"))
}

/// The installer has neither TLS nor a resolver: the hash is what is trusted, and the address must be one.
fn image_url(url: &str) -> Result<String, String> {
    let rest = match url.split_once("://") {
        Some(("http", rest)) => rest,
        Some(("https", _)) => {
            return Err(format!(
                "{url:?}: the installer speaks plain HTTP; the image is trusted by its hash"
            ));
        }
        _ => return Err(format!("{url:?} is no URL; write http://ADDRESS/file")),
    };
    let authority = rest.split('/').next().unwrap_or_default();
    let host = authority.split(':').next().unwrap_or_default();
    if host.parse::<std::net::Ipv4Addr>().is_err() || rest.contains(char::is_whitespace) {
        return Err(format!(
            "{url:?}: the installer resolves no names; write http://ADDRESS/file with an IPv4 address"
        ));
    }
    Ok(url.to_owned())
}
