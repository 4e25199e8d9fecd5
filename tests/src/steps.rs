//! The steps of a machine's way from power-on to running, and which one it did not reach.

use crate::machine::Firmware;
use crate::mayuctl::Boot;

/// Names of the steps in a boot's timeline, in the order in which an installation passes them.
pub const STEPS: [&str; 12] = [
    "dhcp",
    "loader",
    "ipxe",
    "script",
    "kernel",
    "initrd",
    "claimed",
    "writing",
    "verified",
    "installed",
    "local-disk",
    "running",
];

/// A step that was seen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reached {
    /// Its name.
    pub step: String,
    /// Milliseconds since 1970.
    pub time_ms: i64,
    /// What the server noted beside it.
    pub detail: String,
}

/// All steps since `since_ms` (milliseconds since 1970), in the order of time, over all boots.
pub fn since(boots: &[Boot], since_ms: i64) -> Vec<Reached> {
    let steps = boots.iter().flat_map(|boot| &boot.steps).filter(|step| step.time_ms >= since_ms);
    let mut reached: Vec<Reached> = steps
        .map(|s| Reached { step: s.step.clone(), time_ms: s.time_ms, detail: s.detail.clone() })
        .collect();
    reached.sort_by_key(|step| step.time_ms);
    reached
}

/// Steps that a machine of this firmware passes when it is installed. The ROM of a BIOS machine in QEMU is an
/// iPXE already: its first packet is iPXE's, and it needs no loader. A GRUB from a medium asks DHCP for an address
/// as a system does, and only its question for the script is a sight of the machine.
pub fn way(firmware: Firmware) -> impl Iterator<Item = &'static str> {
    let left_out: &[&str] = match firmware {
        Firmware::Bios => &["dhcp", "loader"],
        Firmware::UefiPxe | Firmware::UefiHttp => &[],
        Firmware::UefiGrub => &["dhcp", "loader", "ipxe"],
    };
    STEPS.into_iter().filter(|step| !left_out.contains(step))
}

/// The step behind the furthest one that was reached; `None` when that is the last. A step that was passed
/// too quickly to be told does not count as missing.
pub fn missing(firmware: Firmware, reached: &[Reached]) -> Option<&'static str> {
    let way: Vec<_> = way(firmware).collect();
    let next = way.iter().rposition(|step| saw(reached, step)).map_or(0, |furthest| furthest + 1);
    way.get(next).copied()
}

/// Whether the step is among those reached.
pub fn saw(reached: &[Reached], step: &str) -> bool {
    reached.iter().any(|r| r.step == step)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mayuctl::BootStep;

    fn boot(steps: &[(&str, i64)]) -> Boot {
        let steps = steps.iter().map(|&(step, time_ms)| BootStep {
            time_ms,
            step: step.into(),
            detail: String::new(),
        });
        Boot { id: "b".into(), steps: steps.collect() }
    }

    #[test]
    fn a_machine_that_stopped_at_the_script_misses_the_kernel() {
        let reached = since(&[boot(&[("dhcp", 1), ("ipxe", 2), ("script", 3)])], 0);
        assert_eq!(missing(Firmware::Bios, &reached), Some("kernel"));
        assert_eq!(missing(Firmware::UefiPxe, &reached), Some("kernel"));
    }

    #[test]
    fn a_machine_that_was_never_heard_of_misses_its_first_step() {
        assert_eq!(missing(Firmware::Bios, &[]), Some("ipxe"));
        assert_eq!(missing(Firmware::UefiPxe, &[]), Some("dhcp"));
        assert_eq!(missing(Firmware::UefiGrub, &[]), Some("script"));
    }

    #[test]
    fn a_running_machine_misses_nothing() {
        let reached = since(&[boot(&[("ipxe", 1), ("running", 3)])], 0);
        assert_eq!(missing(Firmware::Bios, &reached), None);
    }

    #[test]
    fn steps_before_the_last_power_on_do_not_count() {
        let boots = [boot(&[("dhcp", 1), ("running", 5)]), boot(&[("dhcp", 9)])];
        assert!(!saw(&since(&boots, 6), "running"));
        assert!(saw(&since(&boots, 6), "dhcp"));
    }
}
