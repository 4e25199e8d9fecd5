//! Reads `install`: the part of a profile that overwrites disks. Nothing here has a default that writes.

use api::node::{After, Choose, DiskChoice, DiskRule, ImageFormat, Wipe};

use crate::domain::catalog::document::{Item, Value};
use crate::domain::catalog::fault::Faults;
use crate::domain::catalog::fields::{Fields, Keys};
use crate::domain::catalog::units;
use crate::domain::node::Limits;

use super::{ConfigKind, ImageRef, Install};

const INSTALL: Keys = Keys {
    what: "`install`",
    known: &["image", "disk", "config", "wipe", "after", "limits"],
    later: &[],
};
const IMAGE: Keys =
    Keys { what: "`image`", known: &["url", "sha256", "format"], later: &["signature"] };
const DISK: Keys = Keys {
    what: "`disk`",
    known: &["serial", "wwn", "path", "by", "choose", "min", "rotational", "transport"],
    later: &[],
};
const LIMITS: Keys =
    Keys { what: "`limits`", known: &["heartbeat", "first_boot", "tries"], later: &[] };

pub(super) fn read_install(item: &Item, faults: &Faults<'_>) -> Option<Install> {
    let fields = Fields::open(item, "install", &INSTALL, faults)?;
    let image = fields.get("image");
    let disk = fields.get("disk");
    if image.is_none() {
        faults.add(fields.spot, "image", "`install` names the image to write");
    }
    if disk.is_none() {
        let message = "`install` says which disk may be overwritten; \
                       there is no default, so that no disk is ever overwritten by accident";
        let hint = Some("write `disk: {choose: only}` for machines with one disk".to_owned());
        faults.add_with_hint(fields.spot, "disk", message, hint);
    }
    let image = image.and_then(|item| read_image(item, faults));
    let disk = disk.and_then(|item| read_disk(item, faults));
    let config = [("none", ConfigKind::None), ("cloud-init", ConfigKind::CloudInit)];
    let config = fields.word("config", &config, &["ignition", "ignition-oem"]);
    let wipe = [("none", Wipe::None), ("signatures", Wipe::Signatures), ("discard", Wipe::Discard)];
    let after = [("reboot", After::Reboot), ("poweroff", After::Poweroff)];
    let limits = fields.get("limits").map(|item| read_limits(item, faults)).unwrap_or_default();
    Some(Install {
        image: image?,
        disk: disk?,
        config: config.unwrap_or_default(),
        wipe: fields.word("wipe", &wipe, &[]).unwrap_or_default(),
        after: fields.word("after", &after, &["kexec"]).unwrap_or_default(),
        limits,
    })
}

fn read_image(item: &Item, faults: &Faults<'_>) -> Option<ImageRef> {
    if let Value::Text(name) = &item.value {
        let ok = !name.is_empty()
            && name.bytes().all(|b| b.is_ascii_alphanumeric() || b"._-".contains(&b))
            && !name.starts_with('.');
        if !ok {
            let message = format!("{name:?} is no image name: letters, digits, `.`, `_` and `-`");
            let hint =
                name.contains("://").then(|| "write `image: {url: …, sha256: …}`".to_owned());
            faults.add_with_hint(item.spot, "image", message, hint);
        }
        return ok.then(|| ImageRef::Library(name.clone()));
    }
    let fields = Fields::open(item, "image", &IMAGE, faults)?;
    let need = |key: &str| {
        if fields.get(key).is_none() {
            faults.add(fields.spot, key, "an image from a URL has `url` and `sha256`");
        }
    };
    need("url");
    need("sha256");
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

fn read_disk(item: &Item, faults: &Faults<'_>) -> Option<DiskRule> {
    let fields = Fields::open(item, "disk", &DISK, faults)?;
    let rules = ["serial", "wwn", "path", "by", "choose"];
    let mut given = rules.into_iter().filter(|key| fields.get(key).is_some());
    let (Some(rule), None) = (given.next(), given.next()) else {
        faults.add(
            fields.spot,
            "disk",
            "a disk is named by exactly one of: serial, wwn, path, by, choose",
        );
        return None;
    };
    if rule == "choose" {
        return read_choice(&fields);
    }
    for filter in ["min", "rotational", "transport"] {
        if fields.get(filter).is_some() {
            faults.add(
                fields.spot_of(filter),
                filter,
                format!("goes with `choose`, not with `{rule}`"),
            );
        }
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

fn read_choice(fields: &Fields<'_>) -> Option<DiskRule> {
    let ends =
        [("smallest", Choose::Smallest), ("largest", Choose::Largest), ("only", Choose::Only)];
    let transports = ["virtio", "nvme", "sata", "scsi", "usb", "mmc"].map(|name| (name, name));
    let transport = fields.word("transport", &transports, &[]);
    let min_bytes = fields.parsed("min", units::bytes);
    let rotational = fields.boolean("rotational");
    let choose = fields.word("choose", &ends, &[])?;
    Some(DiskRule::Choose(DiskChoice {
        choose,
        min_bytes,
        rotational,
        transport: transport.map(str::to_owned),
    }))
}

fn read_limits(item: &Item, faults: &Faults<'_>) -> Limits {
    let default = Limits::default();
    let Some(fields) = Fields::open(item, "limits", &LIMITS, faults) else {
        return default;
    };
    let tries = fields.integer("tries").map(u32::try_from);
    if matches!(tries, Some(Err(_) | Ok(0))) {
        faults.add(fields.spot_of("tries"), "tries", "the number of tries is at least 1");
    }
    Limits {
        heartbeat_seconds: fields
            .parsed("heartbeat", units::seconds)
            .unwrap_or(default.heartbeat_seconds),
        first_boot_seconds: fields
            .parsed("first_boot", units::seconds)
            .unwrap_or(default.first_boot_seconds),
        tries: tries.and_then(Result::ok).unwrap_or(default.tries),
    }
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
