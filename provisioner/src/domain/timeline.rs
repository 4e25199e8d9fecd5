//! The steps of a node's boots, for people: what was reached, when, and so what is missing.
//!
//! Evidence beside the state, never instead of it: nothing is decided from here.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};

use super::node::{BootId, Millis};

/// Boots kept for each node.
const KEPT_BOOTS: usize = 12;
/// Steps kept for each boot.
const KEPT_STEPS: usize = 60;

/// A step of a boot, in the order in which a good installation takes them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Step {
    /// The firmware was offered an address and a boot file.
    Dhcp,
    /// The boot loader was sent to its last byte.
    Loader,
    /// The boot loader asked for its address and got the script's URL.
    Ipxe,
    /// The boot script was served.
    Script,
    /// The kernel was sent to its last byte.
    Kernel,
    /// The initial RAM disk was sent to its last byte.
    Initrd,
    /// The installer is alive and has its order.
    Claimed,
    /// The image is being written.
    Writing,
    /// The disk was read back.
    Verified,
    /// The installer reported that all is done.
    Installed,
    /// The boot script sent the machine to its own disk.
    LocalDisk,
    /// The installed system phoned home.
    Running,
    /// The installer reported a failure, or went silent.
    Failed,
    /// The boot script told the machine to do nothing, and why.
    Held,
}

impl Step {
    /// The step's name as users see it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Dhcp => "dhcp",
            Self::Loader => "loader",
            Self::Ipxe => "ipxe",
            Self::Script => "script",
            Self::Kernel => "kernel",
            Self::Initrd => "initrd",
            Self::Claimed => "claimed",
            Self::Writing => "writing",
            Self::Verified => "verified",
            Self::Installed => "installed",
            Self::LocalDisk => "local-disk",
            Self::Running => "running",
            Self::Failed => "failed",
            Self::Held => "held",
        }
    }

    /// Whether this step, coming after `last`, means that the machine was started anew.
    fn begins_boot(self, last: Self) -> bool {
        match self {
            Self::Dhcp => last != Self::Dhcp,
            Self::Ipxe => last > Self::Ipxe,
            Self::Script => last > Self::Script,
            // A loader of the machine's own, as GRUB from a medium, is first heard of here.
            Self::LocalDisk | Self::Held => last >= Self::Installed && last != self,
            _ => false,
        }
    }
}

/// One step that was reached.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reached {
    /// When.
    pub time: Millis,
    /// What.
    pub step: Step,
    /// In words: which file, which disk, which reason.
    pub detail: String,
}

/// One start of a machine.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Boot {
    /// The boot session, once a script was made for it.
    pub id: Option<BootId>,
    /// Its steps, oldest first.
    pub steps: Vec<Reached>,
}

/// The last boots of one node, oldest first.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Timeline(VecDeque<Boot>);

impl Timeline {
    /// Notes a step, in the boot under way or in a new one. Saying the same twice changes nothing.
    /// Returns whether anything changed.
    pub fn note(&mut self, boot: Option<&BootId>, reached: Reached) -> bool {
        let last = self.0.back().and_then(|boot| boot.steps.last()).map(|reached| reached.step);
        if last.is_none_or(|last| reached.step.begins_boot(last)) {
            self.0.push_back(Boot::default());
            if self.0.len() > KEPT_BOOTS {
                self.0.pop_front();
            }
        }
        let Some(current) = self.target(boot) else {
            return false;
        };
        let known =
            current.steps.iter().any(|s| s.step == reached.step && s.detail == reached.detail);
        if known || current.steps.len() >= KEPT_STEPS {
            return false;
        }
        current.steps.push(reached);
        true
    }

    /// Gives the boot under way its id.
    pub fn name_boot(&mut self, id: BootId) {
        if let Some(boot) = self.0.back_mut() {
            boot.id = Some(id);
        }
    }

    /// The boots, oldest first.
    pub fn boots(&self) -> impl Iterator<Item = &Boot> {
        self.0.iter()
    }

    /// The newest step.
    pub fn last(&self) -> Option<&Reached> {
        self.0.back().and_then(|boot| boot.steps.last())
    }

    /// The boot that was named, else the newest: a late report goes to the boot that it is about.
    fn target(&mut self, boot: Option<&BootId>) -> Option<&mut Boot> {
        let named = boot.and_then(|id| self.0.iter().rposition(|b| b.id.as_ref() == Some(id)));
        let at = named.or_else(|| self.0.len().checked_sub(1))?;
        self.0.get_mut(at)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn story(steps: &[Step]) -> Vec<Vec<&'static str>> {
        let mut timeline = Timeline::default();
        for (at, step) in steps.iter().enumerate() {
            let time = Millis(at as u64);
            timeline.note(None, Reached { time, step: *step, detail: String::new() });
        }
        timeline.boots().map(|boot| boot.steps.iter().map(|s| s.step.name()).collect()).collect()
    }

    #[test]
    fn a_machine_that_starts_again_gets_a_new_boot() {
        use Step::{Dhcp, Installed, Ipxe, Loader, LocalDisk, Running, Script};
        let boots = story(&[
            Dhcp, Dhcp, Loader, Ipxe, Script, Installed, Dhcp, Loader, Ipxe, Script, LocalDisk,
            Running,
        ]);
        assert_eq!(
            boots,
            [
                vec!["dhcp", "loader", "ipxe", "script", "installed"],
                vec!["dhcp", "loader", "ipxe", "script", "local-disk", "running"],
            ]
        );
    }

    #[test]
    fn a_machine_with_its_own_loader_gets_a_new_boot_at_each_start() {
        use Step::{Failed, Held, Installed, Kernel, LocalDisk, Running, Script};
        assert_eq!(
            story(&[Script, Kernel, Installed, LocalDisk, Running, LocalDisk, Running]),
            [
                vec!["script", "kernel", "installed"],
                vec!["local-disk", "running"],
                vec!["local-disk", "running"],
            ]
        );
        assert_eq!(story(&[Script, Failed, Held, Held]), [vec!["script", "failed"], vec!["held"]]);
    }

    #[test]
    fn a_foreign_ipxe_begins_its_boot_without_firmware_steps() {
        use Step::{Ipxe, LocalDisk, Script};
        assert_eq!(
            story(&[Ipxe, Script, LocalDisk, Ipxe, Script]),
            [vec!["ipxe", "script", "local-disk"], vec!["ipxe", "script"]]
        );
    }

    #[test]
    fn only_the_newest_boots_are_kept() {
        let boots = story(&[Step::Ipxe, Step::Script].repeat(KEPT_BOOTS + 5));
        assert_eq!(boots.len(), KEPT_BOOTS);
    }
}
