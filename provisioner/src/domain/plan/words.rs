//! Rules and sources of an installation in a few words.

use api::node::{Choose, DiskChoice, DiskRule};

use crate::domain::catalog::{ImageRef, Install, Profile};

use super::moves::install_of;

/// The rule by which the disk is chosen: `serial S1`, `the smallest, at least 8 GiB, nvme`.
pub fn disk(rule: &DiskRule) -> String {
    match rule {
        DiskRule::Serial(serial) => format!("serial {serial}"),
        DiskRule::Wwn(wwn) => format!("WWN {wwn}"),
        DiskRule::Path(path) => path.clone(),
        DiskRule::By(path) => format!("by-path {path}"),
        DiskRule::Choose(choice) => choice_words(choice),
    }
}

fn choice_words(choice: &DiskChoice) -> String {
    let DiskChoice { choose, min_bytes, rotational, transport } = choice;
    let which = match choose {
        Choose::Smallest => "the smallest",
        Choose::Largest => "the largest",
        Choose::Only => "the only one",
    };
    let kind = rotational.map(|turns| if turns { "rotational" } else { "not rotational" });
    let words = std::iter::once(which.to_owned())
        .chain(min_bytes.map(|bytes| format!("at least {}", size(bytes))))
        .chain(kind.map(str::to_owned))
        .chain(transport.clone());
    words.collect::<Vec<_>>().join(", ")
}

/// The image: its name in the library, or its URL and the begin of its digest.
pub fn image(image: &ImageRef) -> String {
    match image {
        ImageRef::Library(name) => name.clone(),
        ImageRef::Url { url, sha256, .. } => {
            format!("{url} (sha256 {}…)", sha256.get(..12).unwrap_or(sha256))
        }
    }
}

/// `1 node`, `2 nodes`.
pub fn count(number: usize, one: &str) -> String {
    if number == 1 { format!("1 {one}") } else { format!("{number} {one}s") }
}

/// Bytes in the largest unit that divides them.
fn size(bytes: u64) -> String {
    const UNITS: [(u32, &str); 4] = [(40, "TiB"), (30, "GiB"), (20, "MiB"), (10, "KiB")];
    let fits = UNITS.iter().find(|(shift, _)| bytes > 0 && bytes.trailing_zeros() >= *shift);
    fits.map_or_else(|| format!("{bytes} B"), |(shift, unit)| format!("{} {unit}", bytes >> shift))
}

/// What a profile boots: the image that it installs, or the kernel that it runs; `None`: the own disk.
pub fn boots(profile: &Profile) -> Option<String> {
    match install_of(profile) {
        Some(install) => Some(image(&install.image)),
        None => profile.boot.as_ref().filter(|_| profile.live).map(|boot| boot.kernel.clone()),
    }
}

/// How it installs, beside image and disk.
pub(super) fn manner(install: &Install) -> String {
    let Install { config, wipe, after, limits, image: _, disk: _ } = install;
    let text = format!("config {config:?}, wipe {wipe:?}, then {after:?}");
    format!(
        "{}, within {} s of silence, {} s to the first boot, {} tries",
        text.to_lowercase(),
        limits.heartbeat_seconds,
        limits.first_boot_seconds,
        limits.tries
    )
}
