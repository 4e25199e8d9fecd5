//! Reads `profiles/NAME.*`.

use std::collections::BTreeMap;

use crate::domain::catalog::{metadata, stem};
use crate::domain::render::ipxe::Arg;
use crate::domain::render::{BootWords, TemplateName};
use yaml::{Field, Item, Keys, Map, Spot, Value, is_json};

use super::install::read_install;
use super::{Boot, Profile};

const KEYS: Keys<'_> = Keys {
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
const BOOT: Keys<'_> = Keys {
    what: "`boot`",
    known: &["kernel", "initrd", "args", "ipxe", "grub"],
    later: &["cmdline"],
};

/// What a profile is called, before it is read whole.
pub(in crate::domain::catalog) fn name_of(item: &Item, file: &str) -> String {
    let given = |key| {
        let text = value_of(item, key).and_then(|item| match &item.value {
            Value::Text(text) => Some(text.as_str()),
            _ => None,
        });
        text.filter(|text| !text.is_empty())
    };
    given("id").or_else(|| given("name")).unwrap_or_else(|| stem(file)).to_owned()
}

pub(in crate::domain::catalog) fn value_of<'i>(item: &'i Item, key: &str) -> Option<&'i Item> {
    match &item.value {
        Value::Map(entries) => {
            entries.iter().find(|entry| entry.key == key).map(|entry| &entry.item)
        }
        _ => None,
    }
}

/// Reads `profiles/NAME.*`, `extends` already carried out.
pub(in crate::domain::catalog) fn read(
    field: &Field<'_>,
    name: String,
    file: &str,
) -> Option<Profile> {
    let fields = field.map(&KEYS)?;
    let install = fields.get("install");
    let installs = install.is_some();
    let ignition = fields.name("ignition").or_else(|| fields.name("ignition_id")).is_some();
    let install = install.and_then(|field| read_install(&field, ignition));
    let mut templates = Vec::new();
    let boot = fields.get("boot").and_then(|field| read_boot(&field, installs, &mut templates));
    let has_script = fields.get("boot").is_some_and(|boot| has_any(&boot, &["ipxe", "grub"]));
    let (boot, scripts) = boot.unzip();
    let [boot_ipxe, boot_grub] = scripts.unwrap_or_default();
    let boot_args = boot.as_ref().map(|boot| boot.args.clone());
    let boot = boot.filter(|_| !installs);
    let no_kernel = boot.as_ref().is_some_and(|boot| boot.kernel.is_empty()) && !has_script;
    if no_kernel && !is_json(file) {
        let message =
            "`boot` without `install` names the kernel to run, or a script: `ipxe`, `grub`";
        fields.fault_at("boot", message);
    }
    let contradiction = match (fields.boolean("live"), boot.is_some(), installs) {
        (Some(true), _, true) => "a live system is not installed; drop `install` or `live`",
        (Some(true), false, false) => "a live system needs `boot` with a kernel",
        (Some(false), true, false) => {
            "`boot` without `install` is a live system; drop `live: false`"
        }
        _ => "",
    };
    if !contradiction.is_empty() {
        fields.fault_at("live", contradiction);
    }
    let ignition = template(&fields, ["ignition", "ignition_id"], "ignition", &mut templates);
    let cloud = template(&fields, ["cloud", "cloud_id"], "cloud", &mut templates);
    Some(Profile {
        live: boot.is_some(),
        boot,
        boot_args: boot_args.unwrap_or_default(),
        install,
        boot_words: BootWords::default(),
        boot_spots: fields.get("boot").map(|boot| spots(&boot)).unwrap_or_default(),
        boot_ipxe,
        boot_grub,
        ignition,
        cloud,
        generic: generic(&fields, &mut templates),
        metadata: metadata::read(&fields, file),
        hold: one_line(&fields, "hold"),
        message: one_line(&fields, "message"),
        file: file.to_owned(),
        templates,
        name,
    })
}

/// Where the words of `boot` that hold templates stand, by the names that faults give them.
fn spots(boot: &Field<'_>) -> BTreeMap<String, Spot> {
    let Value::Map(entries) = boot.value() else { return BTreeMap::new() };
    let words = entries.iter().flat_map(|entry| match &entry.item.value {
        Value::List(items) => {
            let named =
                |(at, item): (usize, &Item)| (format!("boot.{}[{at}]", entry.key), item.spot);
            items.iter().enumerate().map(named).collect::<Vec<_>>()
        }
        _ => vec![(format!("boot.{}", entry.key), entry.item.spot)],
    });
    words.collect()
}

fn has_any(field: &Field<'_>, keys: &[&str]) -> bool {
    let Value::Map(entries) = field.value() else { return false };
    entries.iter().any(|entry| keys.contains(&entry.key.as_str()))
}

fn one_line(fields: &Map<'_>, key: &str) -> Option<String> {
    let text = fields.text(key)?;
    Some(text.split_whitespace().collect::<Vec<_>>().join(" "))
}

/// The templates that replace the generated scripts: iPXE's and GRUB's.
type Scripts = [Option<TemplateName>; 2];

/// `boot`; beside an installation it is about the installer's kernel.
fn read_boot(
    field: &Field<'_>,
    installs: bool,
    templates: &mut Vec<(TemplateName, Spot)>,
) -> Option<(Boot, Scripts)> {
    let fields = field.map(&BOOT)?;
    let mut script = |kind: &str| {
        let field = fields.get(kind).filter(|_| fields.name(kind).is_some())?;
        named(kind, &field, templates)
    };
    let scripts = [script("ipxe"), script("grub")];
    let boot = Boot {
        kernel: fields.text("kernel").unwrap_or_default().to_owned(),
        initrd: fields.texts("initrd"),
        args: fields.texts("args"),
    };
    if installs {
        for key in ["kernel", "initrd", "ipxe", "grub"].into_iter().filter(|key| fields.has(key)) {
            let message = "the installer brings its own: beside `install`, `boot` has only `args`";
            fields.fault_at(key, message);
        }
    }
    let kernel = std::slice::from_ref(&boot.kernel);
    for (key, words) in [("kernel", kernel), ("initrd", &boot.initrd), ("args", &boot.args)] {
        for word in words {
            if let Err(why) = word_of_a_script(word, installs && key == "args") {
                fields.fault_at(key, why);
            }
        }
    }
    Some((boot, scripts))
}

/// matchbox writes them into the script as they are; so shall we, but never a second line.
fn word_of_a_script(word: &str, for_installer: bool) -> Result<(), String> {
    if for_installer && word.contains("{{") {
        return Err(format!("{word:?}: the installer's arguments hold no templates"));
    }
    if for_installer {
        return Arg::verbatim(word).map(drop).map_err(|error| error.to_string());
    }
    if word.chars().any(char::is_control) {
        return Err(format!(
            "{word:?} has a line end or control character, which would start a new line of the boot script"
        ));
    }
    Ok(())
}

/// A template by the catalog's key or matchbox's.
fn template(
    fields: &Map<'_>,
    keys: [&str; 2],
    kind: &str,
    templates: &mut Vec<(TemplateName, Spot)>,
) -> Option<TemplateName> {
    let [key, id] = keys;
    if let (Some(_), Some(_)) = (fields.name(key), fields.name(id)) {
        fields.fault_at(id, format!("`{key}` says the same; keep one"));
    }
    let key = if fields.name(key).is_some() { key } else { id };
    let field = fields.get(key).filter(|_| fields.name(key).is_some())?;
    named(kind, &field, templates)
}

fn generic(
    fields: &Map<'_>,
    templates: &mut Vec<(TemplateName, Spot)>,
) -> BTreeMap<String, TemplateName> {
    let several = fields.get("generic").filter(|field| matches!(field.value(), Value::Map(_)));
    let Some(several) = several.and_then(|field| field.entries("a map")) else {
        let one = template(fields, ["generic", "generic_id"], "generic", templates);
        return one.map(|name| (String::new(), name)).into_iter().collect();
    };
    let several = several.into_iter().filter_map(|(name, field)| {
        let file = named("generic", &field.named(format!("generic.{name}")), templates)?;
        Some((name.to_owned(), file))
    });
    several.collect()
}

fn named(
    kind: &str,
    field: &Field<'_>,
    templates: &mut Vec<(TemplateName, Spot)>,
) -> Option<TemplateName> {
    let parse = |text: &str| TemplateName::in_folder(kind, text).map_err(|e| e.to_string());
    let name = field.parsed(parse)?;
    templates.push((name.clone(), field.spot()));
    Some(name)
}
