//! Profiles: what a machine boots, and what is installed on it.

use std::collections::BTreeMap;

use api::node::{After, Choose, DiskChoice, DiskRule, ImageFormat, Wipe};

use crate::domain::node::Limits;
use crate::domain::render::TemplateName;

use super::document::{Item, Spot, Value};
use super::fault::Faults;
use super::fields::{Fields, Keys, Metadata, text};
use super::units;

/// What the machines of a group boot. Neither `boot` nor `install`: their own disk.
#[derive(Debug, Clone)]
pub struct Profile {
    /// Its name: `id` (matchbox), else `name`, else the file's name.
    pub name: String,
    /// Kernel and initrds to run from RAM.
    pub boot: Option<Boot>,
    /// Kernel arguments: of `boot`, or of the installer.
    pub boot_args: Vec<String>,
    /// What is installed.
    pub install: Option<Install>,
    /// Ignition template.
    pub ignition: Option<TemplateName>,
    /// cloud-config or script template.
    pub cloud: Option<TemplateName>,
    /// Generic templates by name; the one that has none has the name `""`.
    pub generic: BTreeMap<String, TemplateName>,
    /// Metadata for templates; under the group's.
    pub metadata: Metadata,
    /// Runs from RAM, never installed: said so, or `boot` without `install`.
    pub live: bool,
    /// Do nothing and show this reason.
    pub hold: Option<String>,
    /// Shown on the machine's screen before its own disk is booted.
    pub message: Option<String>,
    /// Its file, relative to the catalog.
    pub file: String,
    pub(super) templates: Vec<(TemplateName, Spot)>,
}

impl Profile {
    /// Boots its own disk and nothing else.
    pub fn is_local_only(&self) -> bool {
        self.boot.is_none() && self.install.is_none()
    }
}

/// matchbox's `boot`, word for word.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Boot {
    /// URL or path of the kernel; empty when a matchbox file says nothing.
    pub kernel: String,
    /// URLs or paths, each perhaps with iPXE's `--name X` in front.
    pub initrd: Vec<String>,
    /// Kernel arguments, verbatim.
    pub args: Vec<String>,
}

/// What is installed, where and how.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Install {
    /// What to write.
    pub image: ImageRef,
    /// Where to write it.
    pub disk: DiskRule,
    /// How the first boot's configuration gets onto the disk.
    pub config: ConfigKind,
    /// What to do to the disk before.
    pub wipe: Wipe,
    /// What follows.
    pub after: After,
    /// When it counts as failed.
    pub limits: Limits,
}

/// Which image.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ImageRef {
    /// By its name in the image library.
    Library(String),
    /// From anywhere.
    Url {
        /// Where.
        url: String,
        /// SHA-256 of the bytes there, 64 hex digits in lower case.
        sha256: String,
        /// How they are packed.
        format: ImageFormat,
    },
}

/// How the first boot's configuration gets onto the disk.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum ConfigKind {
    /// It brings its own.
    #[default]
    None,
    /// As a NoCloud seed.
    CloudInit,
}

const KEYS: Keys = Keys {
    what: "a profile",
    known: &[
        "id",
        "name",
        "extends",
        "boot",
        "install",
        "ignition",
        "ignition_id",
        "cloud",
        "cloud_id",
        "generic",
        "generic_id",
        "metadata",
        "live",
        "hold",
        "message",
    ],
    later: &[],
};
const BOOT: Keys = Keys {
    what: "`boot`",
    known: &["kernel", "initrd", "args"],
    later: &["ipxe", "grub", "cmdline"],
};
const INSTALL: Keys = Keys {
    what: "`install`",
    known: &["image", "disk", "config", "wipe", "after", "limits"],
    later: &[],
};
const IMAGE: Keys = Keys {
    what: "`image`",
    known: &["url", "sha256", "format"],
    later: &["signature"],
};
const LIMITS: Keys = Keys {
    what: "`limits`",
    known: &["heartbeat", "first_boot", "tries"],
    later: &[],
};
const DISK: Keys = Keys {
    what: "`disk`",
    known: &[
        "serial",
        "wwn",
        "path",
        "by",
        "choose",
        "min",
        "rotational",
        "transport",
    ],
    later: &[],
};

/// What a profile is called, before it is read whole.
pub(super) fn name_of(item: &Item, file: &str) -> String {
    let given = |key| {
        let text = value_of(item, key).and_then(|item| match &item.value {
            Value::Text(text) => Some(text.as_str()),
            _ => None,
        });
        text.filter(|text| !text.is_empty())
    };
    given("id")
        .or_else(|| given("name"))
        .unwrap_or_else(|| super::stem(file))
        .to_owned()
}

pub(super) fn value_of<'i>(item: &'i Item, key: &str) -> Option<&'i Item> {
    match &item.value {
        Value::Map(entries) => entries
            .iter()
            .find(|entry| entry.key == key)
            .map(|entry| &entry.item),
        _ => None,
    }
}

/// Reads `profiles/NAME.*`, `extends` already carried out.
pub(super) fn read(item: &Item, name: String, file: &str, faults: &Faults<'_>) -> Option<Profile> {
    let fields = Fields::open(item, "", &KEYS, faults)?;
    let boot = fields.get("boot").and_then(|item| read_boot(item, faults));
    let install_item = fields.get("install");
    let install = install_item.and_then(|item| read_install(item, faults));
    let boot_args = boot
        .as_ref()
        .map(|(boot, _)| boot.args.clone())
        .unwrap_or_default();
    let boot = boot
        .filter(|(_, has_kernel)| *has_kernel || install_item.is_none())
        .map(|(boot, _)| boot);
    if install_item.is_some() && boot.is_some() {
        let message =
            "the installer brings its own kernel: beside `install`, `boot` has only `args`";
        faults.add(fields.spot_of("boot"), "boot", message);
    }
    let live = fields.boolean("live");
    match (live, boot.is_some(), install_item.is_some()) {
        (Some(true), _, true) => {
            faults.add(
                fields.spot_of("live"),
                "live",
                "a live system is not installed; drop `install` or `live`",
            );
        }
        (Some(true), false, false) => {
            faults.add(
                fields.spot_of("live"),
                "live",
                "a live system needs `boot` with a kernel",
            );
        }
        (Some(false), true, false) => {
            faults.add(
                fields.spot_of("live"),
                "live",
                "`boot` without `install` is a live system; drop `live: false`",
            );
        }
        _ => {}
    }
    let mut templates = Vec::new();
    let ignition = template(
        &fields,
        ["ignition", "ignition_id"],
        "ignition",
        &mut templates,
    );
    let cloud = template(&fields, ["cloud", "cloud_id"], "cloud", &mut templates);
    Some(Profile {
        live: boot.is_some(),
        boot,
        boot_args,
        install,
        ignition,
        cloud,
        generic: generic(&fields, &mut templates),
        metadata: fields.metadata("metadata"),
        hold: one_line(&fields, "hold"),
        message: one_line(&fields, "message"),
        file: file.to_owned(),
        templates,
        name,
    })
}

fn one_line(fields: &Fields<'_>, key: &str) -> Option<String> {
    let text = fields.text(key)?;
    Some(text.split_whitespace().collect::<Vec<_>>().join(" "))
}

/// `boot`, and whether it has a kernel.
fn read_boot(item: &Item, faults: &Faults<'_>) -> Option<(Boot, bool)> {
    let fields = Fields::open(item, "boot", &BOOT, faults)?;
    let boot = Boot {
        kernel: fields.text("kernel").unwrap_or_default().to_owned(),
        initrd: fields.texts("initrd"),
        args: fields.texts("args"),
    };
    let words = [
        ("kernel", std::slice::from_ref(&boot.kernel)),
        ("initrd", &boot.initrd),
        ("args", &boot.args),
    ];
    for (key, words) in words {
        if let Some(word) = words.iter().find(|word| word.chars().any(char::is_control)) {
            let message = format!(
                "{word:?} has a line end or control character, which would start a new line of the boot script"
            );
            faults.add(fields.spot_of(key), key, message);
        }
    }
    let has_kernel = fields.get("kernel").is_some() || fields.get("initrd").is_some();
    Some((boot, has_kernel))
}

fn read_install(item: &Item, faults: &Faults<'_>) -> Option<Install> {
    let fields = Fields::open(item, "install", &INSTALL, faults)?;
    let image = match fields.get("image") {
        Some(item) => read_image(item, faults),
        None => {
            faults.add(fields.spot, "image", "`install` names the image to write");
            None
        }
    };
    let disk = match fields.get("disk") {
        Some(item) => read_disk(item, faults),
        None => {
            let message = "`install` says which disk may be overwritten; there is no default, so that no disk is ever overwritten by accident";
            let hint = Some("write `disk: {choose: only}` for machines with one disk".to_owned());
            faults.add_with_hint(fields.spot, "disk", message, hint);
            None
        }
    };
    let config = [
        ("none", Some(ConfigKind::None)),
        ("cloud-init", Some(ConfigKind::CloudInit)),
        ("ignition", None),
        ("ignition-oem", None),
    ];
    let config = not_yet(&fields, "config", fields.word("config", &config));
    let wipe = [
        ("none", Wipe::None),
        ("signatures", Wipe::Signatures),
        ("discard", Wipe::Discard),
    ];
    let wipe = fields.word("wipe", &wipe).unwrap_or_default();
    let after = [
        ("reboot", Some(After::Reboot)),
        ("poweroff", Some(After::Poweroff)),
        ("kexec", None),
    ];
    let after = not_yet(&fields, "after", fields.word("after", &after));
    let limits = fields
        .get("limits")
        .map(|item| read_limits(item, faults))
        .unwrap_or_default();
    Some(Install {
        image: image?,
        disk: disk?,
        config,
        wipe,
        after,
        limits,
    })
}

/// Words that interfaces know and this version does not.
fn not_yet<T: Default>(fields: &Fields<'_>, key: &str, word: Option<Option<T>>) -> T {
    match word {
        Some(Some(value)) => value,
        Some(None) => {
            let spot = fields.get(key).map_or(fields.spot, |item| item.spot);
            fields
                .faults
                .add(spot, key, "this version cannot do that yet");
            T::default()
        }
        None => T::default(),
    }
}

fn read_image(item: &Item, faults: &Faults<'_>) -> Option<ImageRef> {
    if let Value::Text(name) = &item.value {
        let ok = !name.is_empty()
            && name
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || b"._-".contains(&b))
            && !name.starts_with('.');
        if !ok {
            let message = format!("{name:?} is no image name: letters, digits, `.`, `_` and `-`");
            let hint = name
                .contains("://")
                .then(|| "write `image: {url: …, sha256: …}`".to_owned());
            faults.add_with_hint(item.spot, "image", message, hint);
        }
        return ok.then(|| ImageRef::Library(name.clone()));
    }
    let fields = Fields::open(item, "image", &IMAGE, faults)?;
    let need = |key: &str| {
        if fields.get(key).is_none() {
            faults.add(
                fields.spot,
                key,
                "an image from a URL has `url` and `sha256`",
            );
        }
    };
    need("url");
    need("sha256");
    let url = fields.parsed("url", |url| match url.split_once("://") {
        Some(("http" | "https", rest))
            if !rest.is_empty() && !rest.contains(char::is_whitespace) =>
        {
            Ok(url.to_owned())
        }
        _ => Err(format!("{url:?} is no URL; write http://server/file")),
    });
    let sha256 = fields.parsed("sha256", |text| {
        let ok = text.len() == 64 && text.bytes().all(|b| b.is_ascii_hexdigit());
        ok.then(|| text.to_lowercase())
            .ok_or_else(|| "a SHA-256 has 64 hex digits".to_owned())
    });
    let formats = [
        ("raw", ImageFormat::Raw),
        ("raw-zstd", ImageFormat::RawZstd),
    ];
    let format = match fields.get("format") {
        Some(_) => fields.word("format", &formats)?,
        None if url.as_deref().is_some_and(|url| url.ends_with(".zst")) => ImageFormat::RawZstd,
        None => ImageFormat::Raw,
    };
    Some(ImageRef::Url {
        url: url?,
        sha256: sha256?,
        format,
    })
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
        let why = if rule == "path" {
            "a disk's path begins with /dev/"
        } else {
            "it is empty"
        };
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
    let ends = [
        ("smallest", Choose::Smallest),
        ("largest", Choose::Largest),
        ("only", Choose::Only),
    ];
    let transports = ["virtio", "nvme", "sata", "scsi", "usb", "mmc"].map(|name| (name, name));
    let transport = fields.word("transport", &transports);
    let min_bytes = fields.parsed("min", units::bytes);
    let rotational = fields.boolean("rotational");
    let choose = fields.word("choose", &ends)?;
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
        faults.add(
            fields.spot_of("tries"),
            "tries",
            "the number of tries is at least 1",
        );
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

/// A template by the catalog's key or matchbox's.
fn template(
    fields: &Fields<'_>,
    keys: [&str; 2],
    kind: &str,
    templates: &mut Vec<(TemplateName, Spot)>,
) -> Option<TemplateName> {
    let [key, id] = keys;
    if let (Some(_), Some(_)) = (fields.name(key), fields.name(id)) {
        fields.faults.add(
            fields.spot_of(id),
            id,
            format!("`{key}` says the same; keep one"),
        );
    }
    let key = if fields.name(key).is_some() { key } else { id };
    let name = fields.name(key)?;
    let spot = fields.get(key).map_or(fields.spot, |item| item.spot);
    named(kind, name, key, spot, fields.faults, templates)
}

fn generic(
    fields: &Fields<'_>,
    templates: &mut Vec<(TemplateName, Spot)>,
) -> BTreeMap<String, TemplateName> {
    let mut out = BTreeMap::new();
    let Some(item) = fields
        .get("generic")
        .filter(|item| matches!(item.value, Value::Map(_)))
    else {
        out.extend(
            template(fields, ["generic", "generic_id"], "generic", templates)
                .map(|name| (String::new(), name)),
        );
        return out;
    };
    let Value::Map(entries) = &item.value else {
        return out;
    };
    for (name, entry) in super::fields::unique(entries, fields.faults) {
        let key = format!("generic.{name}");
        let file = text(&entry.item, &key, fields.faults);
        let file = file.and_then(|file| {
            named(
                "generic",
                file,
                &key,
                entry.item.spot,
                fields.faults,
                templates,
            )
        });
        out.extend(file.map(|file| (name.to_owned(), file)));
    }
    out
}

fn named(
    kind: &str,
    file: &str,
    key: &str,
    spot: Spot,
    faults: &Faults<'_>,
    templates: &mut Vec<(TemplateName, Spot)>,
) -> Option<TemplateName> {
    match TemplateName::in_folder(kind, file) {
        Ok(name) => {
            templates.push((name.clone(), spot));
            Some(name)
        }
        Err(error) => {
            faults.add(spot, key, error.to_string());
            None
        }
    }
}
