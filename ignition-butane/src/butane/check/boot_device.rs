//! What Butane finds wrong with `boot_device`.

use super::super::node::Node;
use super::super::report::Report;
use super::super::version::Version;

const LAYOUTS: &str =
    "layout must be one of: aarch64, ppc64le, s390x-eckd, s390x-virt, s390x-zfcp, x86_64";
const FIRST_LAYOUTS: &str = "layout must be one of: aarch64, ppc64le, x86_64";
const TOO_FEW: &str = "mirroring requires at least two devices";
const NO_LAYOUT: &str =
    "boot_device.layout should be specified when boot_device.mirror is specified";
const NO_DEVICE: &str = "device is required for layouts: s390x-eckd, s390x-zfcp";
const BAD_DEVICE: &str = "device name must start with /dev/dasd on s390x-eckd layout or /dev/sd on \
     s390x-zfcp layout";
const NO_MIRROR: &str = "mirroring not supported on layouts: s390x-eckd, s390x-zfcp, s390x-virt";
const NO_CEX: &str = "when using cex the targeted architecture must match s390x";
const CEX_WITH_CLEVIS: &str = "cannot use cex with clevis";

/// Checks `boot_device` as it was read.
pub(super) fn check(device: &Node, version: &Version, report: &mut Report<'_>) {
    let at = |key| device.origin.path.to(key);
    let mirror = device.list_at(&["mirror", "devices"]);
    let layout = device.text_at("layout");
    if !mirror.is_empty() && layout.is_none() {
        report.warn(&at("mirror"), NO_LAYOUT);
    }
    if mirror.len() == 1 {
        report.error(&at("mirror").to("devices"), TOO_FEW);
    }
    let knows_s390x = version.is_fcos_from(6);
    if let Some(layout) = layout {
        if !matches!(layout, "aarch64" | "ppc64le" | "x86_64") {
            if knows_s390x {
                s390x(device, layout, report);
            } else {
                report.error(&at("layout"), FIRST_LAYOUTS);
            }
        }
        if knows_s390x && layout.starts_with("s390x") && !mirror.is_empty() {
            report.error(&at("layout"), NO_MIRROR);
        }
    }
    if device.is_true_at(&["luks", "cex", "enabled"]) {
        match layout {
            None => report.error(&at("luks").to("cex"), NO_CEX),
            Some(layout) if !layout.starts_with("s390x") => report.error(&at("layout"), NO_CEX),
            Some(_) => {}
        }
        if !device.list_at(&["luks", "tang"]).is_empty() || device.is_true_at(&["luks", "tpm2"]) {
            report.error(&at("luks"), CEX_WITH_CLEVIS);
        }
    }
}

fn s390x(device: &Node, layout: &str, report: &mut Report<'_>) {
    let at = device.origin.path.to("layout");
    let prefix = match layout {
        "s390x-virt" => return,
        "s390x-eckd" => "/dev/dasd",
        "s390x-zfcp" => "/dev/sd",
        _ => return report.error(&at, LAYOUTS),
    };
    match device.get("luks").and_then(|luks| luks.words_at("device")) {
        None => report.error(&at, NO_DEVICE),
        Some(name) if !is_disk(name, prefix) => report.error(&at, BAD_DEVICE),
        Some(_) => {}
    }
}

/// Whether it ends with `prefix` and one letter.
fn is_disk(name: &str, prefix: &str) -> bool {
    let start = name.strip_suffix(|c: char| c.is_ascii_lowercase());
    start.is_some_and(|start| start.ends_with(prefix))
}
