//! Encrypted volumes.

use super::names::{check_keyed, check_once, check_path};
use super::node::Node;
use super::{resource, url};

/// LUKS2 keeps 48 bytes, the last of which is NUL.
const LABEL_MAX: usize = 47;

/// Checks `storage.luks`.
pub(super) fn check(storage: &Node<'_>) {
    let volumes = storage.items("luks");
    check_keyed(&volumes, "name");
    volumes.iter().filter(|volume| volume.value.is_object()).for_each(check_volume);
}

fn check_volume(volume: &Node<'_>) {
    match volume.text("name") {
        Some("") => volume.error_at("name", "the name is empty"),
        Some(name) if name.contains('/') => {
            volume.error_at(
                "name",
                "a name cannot hold a slash: the volume appears as /dev/mapper/NAME",
            );
        }
        _ => {}
    }
    if let Some(label) = volume.text("label").filter(|label| label.len() > LABEL_MAX) {
        let message =
            format!("a label has {LABEL_MAX} bytes at most, and this has {}", label.len());
        volume.error_at("label", message);
    }
    if volume.filled("device").is_some() {
        check_path(volume, "device");
    } else {
        volume.error_at("device", "the device to encrypt is missing");
    }
    check_once(&[volume.items("openOptions")]);
    let key_file = volume.child("keyFile");
    if let Some(key_file) = &key_file {
        resource::check(key_file);
    }
    let clevis = volume.child("clevis");
    if let Some(clevis) = &clevis {
        check_clevis(volume, clevis);
    }
    if volume.child("cex").is_some_and(|cex| cex.is_on("enabled")) {
        if clevis.is_some_and(|clevis| is_used(&clevis)) {
            volume.error_at("cex", "cex and clevis cannot both hold the key");
        }
        if key_file.is_some_and(|key_file| key_file.filled("source").is_some()) {
            volume.error_at("cex", "cex makes its own key: leave keyFile out");
        }
    }
}

fn is_used(clevis: &Node<'_>) -> bool {
    clevis.child("custom").is_some_and(|custom| custom.filled("pin").is_some())
        || has_plain_pins(clevis)
}

fn has_plain_pins(clevis: &Node<'_>) -> bool {
    !clevis.items("tang").is_empty()
        || clevis.is_on("tpm2")
        || clevis.whole("threshold").is_some_and(|threshold| threshold != 0)
}

fn check_clevis(volume: &Node<'_>, clevis: &Node<'_>) {
    if let Some(custom) = clevis.child("custom") {
        check_custom(&custom);
        // With 3.2 an empty object counted, too.
        let counts = custom.filled("pin").is_some() || !volume.since(3);
        if counts && has_plain_pins(clevis) {
            volume.error_at(
                "clevis",
                "custom stands alone: leave out tang, tpm2 and threshold, or custom",
            );
        }
    }
    if clevis.whole("threshold").is_some_and(|threshold| threshold < 0) {
        clevis.error_at("threshold", "the threshold cannot be negative");
    }
    let servers = clevis.items("tang");
    check_keyed(&servers, "url");
    servers.iter().filter(|server| server.value.is_object()).for_each(check_tang);
}

fn check_custom(custom: &Node<'_>) {
    let (pin, config) = (custom.filled("pin"), custom.filled("config"));
    let network = custom.is_on("needsNetwork") && custom.since(3);
    if pin.is_none() && config.is_none() && !network {
        return;
    }
    match pin {
        Some("tpm2" | "tang" | "sss") => {}
        Some(other) => {
            custom.error_at(
                "pin",
                format!("{other:?} is no pin that Ignition knows: tpm2, tang or sss"),
            );
        }
        None => custom.error_at("pin", "the pin is missing: tpm2, tang or sss"),
    }
    if config.is_none() {
        custom.error_at("config", "the config of the pin is missing");
    }
}

fn check_tang(server: &Node<'_>) {
    match url::parse(server.text("url").unwrap_or_default()) {
        Ok(url) if !["http", "https"].contains(&url.scheme.as_str()) => {
            server.error_at("url", "a Tang server is given by a URL of http: or https:");
        }
        Ok(url) if url.has_no_host() => server.error_at("url", "the URL names no host"),
        Ok(_) => {}
        Err(message) => server.error_at("url", message),
    }
    if server.filled("thumbprint").is_none() {
        server.error_at(
            "thumbprint",
            "the thumbprint of the server's key is missing: `tang-show-keys`",
        );
    }
    if let Some(text) = server.filled("advertisement")
        && let Err(error) = serde_json::from_str::<serde_json::Value>(text)
    {
        server
            .error_at("advertisement", format!("the advertisement is text that is JSON: {error}"));
    }
}
