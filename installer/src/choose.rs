//! Which disk may be written. Pure, and the only place that decides it.

use api::node::{Choose, Disk, DiskChoice, DiskRule};

/// A disk and what stands against writing it, as seen on the machine.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Candidate {
    /// The disk.
    pub disk: Disk,
    /// Who uses it: mounts or holders; empty when nobody does.
    pub used_by: String,
}

/// No disk was chosen. Says for each disk why it did not count.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("no disk chosen by {rule}: {why}; {disks}")]
pub struct Refused {
    rule: String,
    why: &'static str,
    disks: String,
}

impl Refused {
    /// Whether a disk that turns up late may change the answer: true when none counted.
    pub fn may_change(&self) -> bool {
        self.why == NONE
    }
}

const NONE: &str = "no disk counts: correct the profile's install.disk or the machine";
const SEVERAL: &str = "more than one disk counts: name one by serial, wwn or by";

/// The one disk that `rule` means, or a refusal that lists all disks.
pub fn choose<'a>(rule: &DiskRule, found: &'a [Candidate]) -> Result<&'a Disk, Refused> {
    let judged: Vec<_> =
        found.iter().map(|candidate| (candidate, judge(rule, candidate))).collect();
    let mut counting: Vec<_> = judged
        .iter()
        .filter(|(_, against)| against.is_none())
        .map(|(candidate, _)| &candidate.disk)
        .collect();
    if let DiskRule::Choose(choice) = rule {
        keep_the_end(choice.choose, &mut counting);
    }
    let why = match counting.as_slice() {
        [disk] => return Ok(disk),
        [] => NONE,
        _ => SEVERAL,
    };
    Err(Refused {
        rule: serde_json::to_string(rule).unwrap_or_default(),
        why,
        disks: list(&judged),
    })
}

/// Why this disk does not count; none when it does.
fn judge(rule: &DiskRule, candidate: &Candidate) -> Option<String> {
    let disk = &candidate.disk;
    let other = |what: &str, is: &str| Some(format!("its {what} is {}", or_none(is)));
    match rule {
        DiskRule::Serial(serial) if disk.serial.trim() != serial.trim() || serial.is_empty() => {
            return other("serial", &disk.serial);
        }
        DiskRule::Wwn(wwn) if plain_wwn(&disk.wwn) != plain_wwn(wwn) || wwn.is_empty() => {
            return other("wwn", &disk.wwn);
        }
        DiskRule::Path(path) if path.strip_prefix("/dev/") != Some(&disk.name) => {
            return Some(format!("its path is /dev/{}", disk.name));
        }
        DiskRule::By(by) if disk.path != plain_path(by) || disk.path.is_empty() => {
            return other("hardware path", &disk.path);
        }
        DiskRule::Choose(_) if disk.removable => return Some("it is removable".to_owned()),
        DiskRule::Choose(choice) => {
            if let Some(against) = filtered(choice, disk) {
                return Some(against);
            }
        }
        _ => {}
    }
    if disk.read_only {
        return Some("it is read-only".to_owned());
    }
    (!candidate.used_by.is_empty()).then(|| format!("it is in use by {}", candidate.used_by))
}

fn filtered(choice: &DiskChoice, disk: &Disk) -> Option<String> {
    if let Some(least) = choice.min_bytes
        && disk.size_bytes < least
    {
        return Some(format!("it has fewer than {least} bytes"));
    }
    match choice.rotational {
        Some(true) if !disk.rotational => return Some("it does not rotate".to_owned()),
        Some(false) if disk.rotational => return Some("it rotates".to_owned()),
        _ => {}
    }
    match &choice.transport {
        Some(wanted) if *wanted != disk.transport => {
            Some(format!("its transport is {}", or_none(&disk.transport)))
        }
        _ => None,
    }
}

/// Leaves all disks that tie at the wanted end, so that a tie stays visible as several.
fn keep_the_end(end: Choose, disks: &mut Vec<&Disk>) {
    let sizes = disks.iter().map(|disk| disk.size_bytes);
    let wanted = match end {
        Choose::Smallest => sizes.min(),
        Choose::Largest => sizes.max(),
        Choose::Only => None,
    };
    if let Some(size) = wanted {
        disks.retain(|disk| disk.size_bytes == size);
    }
}

fn list(judged: &[(&Candidate, Option<String>)]) -> String {
    if judged.is_empty() {
        return "the machine shows no disk at all: is its driver in the initramfs?".to_owned();
    }
    let lines: Vec<_> = judged
        .iter()
        .map(|(Candidate { disk, .. }, against)| {
            format!(
                "{} ({} bytes, serial {}): {}",
                disk.name,
                disk.size_bytes,
                or_none(&disk.serial),
                against.as_deref().unwrap_or("counts"),
            )
        })
        .collect();
    lines.join("; ")
}

fn or_none(text: &str) -> &str {
    if text.is_empty() { "none" } else { text }
}

/// The same WWN is `0x5000…` for udev, `naa.5000…` for the kernel, `wwn-0x5000…` in /dev/disk/by-id.
fn plain_wwn(wwn: &str) -> String {
    let wwn = wwn.trim().to_ascii_lowercase();
    let bare = wwn.trim_start_matches("wwn-");
    let bare = bare.trim_start_matches("naa.").trim_start_matches("0x");
    bare.to_owned()
}

fn plain_path(by: &str) -> &str {
    by.trim_start_matches("/dev/disk/by-path/")
}

#[cfg(test)]
mod tests;
