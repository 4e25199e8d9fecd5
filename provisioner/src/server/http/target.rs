//! What a path of the boot plane asks for.

use std::borrow::Cow;

use crate::domain::machine::Mac;
use crate::domain::render::What;
use crate::server::script::Loader;
use crate::server::sign::Form;

/// Something that is rendered, and so can be signed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Rendering {
    /// The script that every iPXE starts with.
    Bootstrap,
    /// The machine's own script.
    Script(Loader),
    /// A document of its profile.
    Document(What),
}

/// One rendering, or a signature of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Target {
    pub(super) rendering: Rendering,
    /// How the signature that is wanted is written; `None`: the rendering itself.
    pub(super) form: Option<Form>,
    /// The MAC that the path names.
    pub(super) mac: Option<Mac>,
    /// The path without a signature's suffix.
    pub(super) path: String,
}

/// What a path asks for; `None`: nothing that is rendered.
///
/// `/v1/boot/MAC/…` is for machines that cannot put a query before a suffix: GRUB asks for the signature of
/// a file by appending `.sig` to all of its name.
pub(super) fn target(path: &str) -> Option<Target> {
    let (base, form) = split_form(path);
    let (name, mac) = match base.strip_prefix("/v1/boot/") {
        Some(rest) => {
            let (mac, name) = rest.split_once('/')?;
            (name, Some(mac.parse().ok()?))
        }
        None => (base.strip_prefix('/')?, None),
    };
    let rendering = match name {
        "boot.ipxe" | "boot.ipxe.0" if mac.is_none() => Rendering::Bootstrap,
        "ipxe" => Rendering::Script(Loader::Ipxe),
        "grub" if mac.is_none() => Rendering::Script(Loader::Grub),
        "grub.cfg" if mac.is_some() => Rendering::Script(Loader::Grub),
        "ignition" => Rendering::Document(What::Ignition),
        "cloud" => Rendering::Document(What::Cloud),
        "metadata" => Rendering::Document(What::Metadata),
        "generic" => Rendering::Document(What::Generic(String::new())),
        _ => {
            let name = name.strip_prefix("generic/").filter(|name| !name.is_empty())?;
            let name = percent_encoding::percent_decode_str(name).decode_utf8().ok()?;
            Rendering::Document(What::Generic(name.into_owned()))
        }
    };
    Some(Target { rendering, form, mac, path: base.to_owned() })
}

/// A name and the form of the signature that its suffix asks for.
pub(super) fn split_form(name: &str) -> (&str, Option<Form>) {
    let split = name.rsplit_once('.');
    let split = split.and_then(|(base, suffix)| Some((base, Form::of_extension(suffix)?)));
    split.map_or((name, None), |(base, form)| (base, Some(form)))
}

/// The path without empty, `.` and `..` parts, as Go's servers clean it (contracts: matchbox 1.1).
pub(super) fn cleaned(path: &str) -> Cow<'_, str> {
    let dirty = path.contains("//")
        || path.split('/').any(|part| matches!(part, "." | ".."))
        || path.is_empty();
    if !dirty {
        return Cow::Borrowed(path);
    }
    let mut parts: Vec<&str> = Vec::new();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => drop(parts.pop()),
            part => parts.push(part),
        }
    }
    let end = if path.ends_with('/') && !parts.is_empty() { "/" } else { "" };
    Cow::Owned(format!("/{}{end}", parts.join("/")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_name_what_is_rendered_and_how_it_is_signed() {
        let mac = "52:54:00:00:00:01".parse::<Mac>().ok();
        let document = |name: &str| Rendering::Document(name.parse().unwrap());
        for (path, rendering, form, with_mac) in [
            ("/boot.ipxe.0.sig", Rendering::Bootstrap, Some(Form::Sig), None),
            ("/ipxe", Rendering::Script(Loader::Ipxe), None, None),
            ("/grub.asc", Rendering::Script(Loader::Grub), Some(Form::Asc), None),
            ("/ignition.p7s", document("ignition"), Some(Form::P7s), None),
            ("/generic", document("generic"), None, None),
            ("/generic/a%20b.sig", document("generic/a b"), Some(Form::Sig), None),
            (
                "/v1/boot/52-54-00-00-00-01/grub.cfg.sig",
                Rendering::Script(Loader::Grub),
                Some(Form::Sig),
                mac,
            ),
            ("/v1/boot/525400000001/ipxe", Rendering::Script(Loader::Ipxe), None, mac),
            ("/v1/boot/52:54:00:00:00:01/generic/x", document("generic/x"), None, mac),
        ] {
            let found = target(path).unwrap();
            assert_eq!(
                (found.rendering, found.form, found.mac),
                (rendering, form, with_mac),
                "{path}"
            );
        }
        for path in
            ["/", "/boot.ipxe/", "/grub.cfg", "/v1/boot/zz/ipxe", "/v1/boot/ipxe", "/generic/"]
        {
            assert_eq!(target(path), None, "{path}");
        }
    }

    #[test]
    fn paths_are_cleaned_as_go_cleans_them() {
        for (path, clean) in [
            ("//boot.ipxe", "/boot.ipxe"),
            ("/assets/../x", "/x"),
            ("/a//b/", "/a/b/"),
            ("/../..", "/"),
            ("/a/./b", "/a/b"),
            ("/a/..b", "/a/..b"),
            ("//evil.example/%2e%2e", "/evil.example/%2e%2e"),
            ("/boot.ipxe/", "/boot.ipxe/"),
        ] {
            assert_eq!(cleaned(path), clean, "{path}");
        }
    }
}
