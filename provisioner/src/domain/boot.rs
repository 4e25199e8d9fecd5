//! What a machine boots next. Pure and total: every question has an answer, and every answer that is not
//! "go on" has a reason, which is logged, counted, explained, and shown on the machine's own screen.

use std::fmt;

use super::node::{Limits, Node, State, may_install};

/// What kind of firmware asks, and so which boot loader it can run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Platform {
    /// x86 with a BIOS.
    BiosX86,
    /// 32-bit x86 UEFI.
    UefiIa32,
    /// 64-bit x86 UEFI.
    UefiX64,
    /// 64-bit ARM UEFI.
    UefiArm64,
    /// A number of the IANA registry that no loader here is for.
    Other(u16),
}

impl Platform {
    /// The loaders for it in the order of preference. `snponly` drives the NIC through the firmware that
    /// has just used it, so it works where a driver of iPXE's own would not.
    pub const fn loaders(self) -> &'static [&'static str] {
        match self {
            Self::BiosX86 => &["undionly.kpxe", "ipxe.pxe"],
            Self::UefiIa32 => &["snponly-i386.efi", "ipxe-i386.efi"],
            Self::UefiX64 => &["snponly.efi", "ipxe.efi"],
            Self::UefiArm64 => &["snponly-arm64.efi", "ipxe-arm64.efi"],
            Self::Other(_) => &[],
        }
    }

    /// `bios` or `uefi`; empty when neither is known.
    pub const fn firmware(self) -> &'static str {
        match self {
            Self::BiosX86 => "bios",
            Self::UefiIa32 | Self::UefiX64 | Self::UefiArm64 => "uefi",
            Self::Other(_) => "",
        }
    }
}

impl fmt::Display for Platform {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::BiosX86 => f.write_str("x86 BIOS"),
            Self::UefiIa32 => f.write_str("ia32 UEFI"),
            Self::UefiX64 => f.write_str("x86-64 UEFI"),
            Self::UefiArm64 => f.write_str("arm64 UEFI"),
            Self::Other(number) => write!(f, "architecture {number}"),
        }
    }
}

/// How far a machine has come when it asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    /// Firmware's PXE: wants a loader by TFTP.
    Pxe,
    /// Firmware's HTTP Boot: wants a loader by URL.
    HttpBoot,
    /// iPXE, whoever brought it.
    Ipxe {
        /// Whether it can fetch by HTTP. One that cannot is given ours.
        can_http: bool,
    },
    /// An operating system: wants an address and nothing to boot.
    System,
}

/// What DHCP tells a machine to boot.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Next {
    /// This loader, by TFTP.
    Tftp(String),
    /// This loader, by HTTP.
    Http(String),
    /// The boot script.
    Script,
    /// Nothing: only an address.
    Nothing(String),
}

/// Chooses the boot file. `has` says whether a loader is there to be served: a name that does not
/// resolve is never handed out.
pub fn next(stage: Stage, platform: Platform, has: impl Fn(&str) -> bool) -> Next {
    let loader = || platform.loaders().iter().copied().find(|name| has(name));
    let missing = || {
        let wanted = platform.loaders().join(" or ");
        Next::Nothing(if wanted.is_empty() {
            format!("there is no boot loader for {platform}")
        } else {
            format!("no loader for {platform}: put {wanted} into loaders.directory")
        })
    };
    match stage {
        Stage::Pxe | Stage::Ipxe { can_http: false } => {
            loader().map_or_else(missing, |name| Next::Tftp(name.to_owned()))
        }
        Stage::HttpBoot => loader().map_or_else(missing, |name| Next::Http(name.to_owned())),
        Stage::Ipxe { can_http: true } => Next::Script,
        Stage::System => Next::Nothing("an operating system asked for an address only".to_owned()),
    }
}

/// What a profile is for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Purpose {
    /// Install an image within these limits.
    Install(Limits),
    /// Run from RAM.
    Live,
    /// Leave the machine to its own disk, with this word on its screen.
    LocalDisk(Option<String>),
    /// Do nothing, for this reason.
    Hold(String),
}

/// What the boot script does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Plan {
    /// Start the installer for the node's wanted generation.
    Install,
    /// Start the profile's kernel.
    Live,
    /// Boot the machine's own disk, and say why.
    LocalDisk(String),
    /// Leave the reason on the screen for a while, then boot the machine's own disk: somebody should
    /// read it.
    Hold(String),
}

impl Plan {
    /// The plan in a word.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Install => "install",
            Self::Live => "live",
            Self::LocalDisk(_) => "local disk",
            Self::Hold(_) => "hold",
        }
    }
}

impl fmt::Display for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Install | Self::Live => f.write_str(self.name()),
            Self::LocalDisk(reason) | Self::Hold(reason) => write!(f, "{}: {reason}", self.name()),
        }
    }
}

/// Decides what a known machine's boot script does. Whatever is unknown, failed or in doubt gets its own
/// disk, never an installation.
pub fn decide(node: &Node, purpose: Option<Purpose>) -> Plan {
    if let Some(reason) = &node.spec.hold {
        return Plan::Hold(format!("held by an operator: {reason}"));
    }
    match purpose {
        None => Plan::Hold("no group's selector matches this machine".to_owned()),
        Some(Purpose::LocalDisk(message)) => {
            let plain = || Plan::LocalDisk("its profile says to boot its own disk".to_owned());
            message.map_or_else(plain, Plan::Hold)
        }
        Some(Purpose::Hold(reason)) => Plan::Hold(reason),
        Some(Purpose::Install(limits)) => match may_install(node, limits) {
            Ok(()) => Plan::Install,
            Err(refused) if is_installed(node) => Plan::LocalDisk(refused.0),
            Err(refused) => Plan::Hold(refused.0),
        },
        Some(Purpose::Live) => match node.status.state {
            State::Unknown => Plan::Hold("not approved; `mayuctl approve` lets it in".to_owned()),
            State::Retired => Plan::Hold("retired".to_owned()),
            _ => Plan::Live,
        },
    }
}

/// All is well with it: its disk is booted without a pause.
pub fn is_installed(node: &Node) -> bool {
    matches!(node.status.state, State::Installed | State::Running)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::machine::{Claims, NodeId};
    use crate::domain::node::Millis;
    use api::node::Stage as InstallStage;

    fn node(state: State) -> Node {
        let claims = Claims::new().with_serial(Some("SN1"));
        let id = NodeId::choose(&claims).unwrap();
        let mut node = Node::first_seen(id, claims.aliases(), true, Millis(1));
        node.status.state = state;
        node
    }

    fn all(_: &str) -> bool {
        true
    }

    #[test]
    fn every_firmware_gets_the_loader_that_it_can_run() {
        let table = [
            (Platform::BiosX86, "undionly.kpxe"),
            (Platform::UefiIa32, "snponly-i386.efi"),
            (Platform::UefiX64, "snponly.efi"),
            (Platform::UefiArm64, "snponly-arm64.efi"),
        ];
        for (platform, name) in table {
            assert_eq!(next(Stage::Pxe, platform, all), Next::Tftp(name.into()));
            assert_eq!(next(Stage::HttpBoot, platform, all), Next::Http(name.into()));
        }
    }

    #[test]
    fn a_loader_that_is_not_there_is_never_handed_out() {
        let ipxe_only = |name: &str| name == "ipxe.efi";
        assert_eq!(next(Stage::Pxe, Platform::UefiX64, ipxe_only), Next::Tftp("ipxe.efi".into()));
        let Next::Nothing(why) = next(Stage::Pxe, Platform::UefiArm64, ipxe_only) else { panic!() };
        assert!(why.contains("put snponly-arm64.efi or ipxe-arm64.efi into"), "{why}");
        assert!(matches!(next(Stage::Pxe, Platform::Other(99), all), Next::Nothing(_)));
    }

    #[test]
    fn ipxe_gets_the_script_and_never_itself_again() {
        assert_eq!(next(Stage::Ipxe { can_http: true }, Platform::BiosX86, all), Next::Script);
        assert_eq!(
            next(Stage::Ipxe { can_http: false }, Platform::BiosX86, all),
            Next::Tftp("undionly.kpxe".into()),
            "a foreign iPXE that cannot fetch by HTTP is given ours"
        );
    }

    #[test]
    fn only_a_node_that_waits_for_it_is_installed() {
        let install = Some(Purpose::Install(Limits::default()));
        assert_eq!(decide(&node(State::Configured), install.clone()), Plan::Install);
        let never = [
            State::Unknown,
            State::Installed,
            State::Running,
            State::Retired,
            State::Failed { stage: InstallStage::Write, retryable: false },
        ];
        for state in never {
            let plan = decide(&node(state), install.clone());
            assert!(matches!(plan, Plan::LocalDisk(_) | Plan::Hold(_)), "{state}: {plan}");
        }
    }

    #[test]
    fn tries_run_out() {
        let install = Some(Purpose::Install(Limits::default()));
        let mut failed = node(State::Failed { stage: InstallStage::Write, retryable: true });
        failed.status.tries = 2;
        assert_eq!(decide(&failed, install.clone()), Plan::Install);
        failed.status.tries = 3;
        assert!(
            matches!(decide(&failed, install), Plan::Hold(why) if why.contains("3 of 3 tries"))
        );
    }

    #[test]
    fn a_held_or_unmatched_machine_gets_its_own_disk() {
        let mut held = node(State::Configured);
        assert!(matches!(decide(&held, None), Plan::Hold(_)));
        held.spec.hold = Some("waits for a new fan".into());
        let plan = decide(&held, Some(Purpose::Install(Limits::default())));
        assert!(matches!(plan, Plan::Hold(why) if why.contains("new fan")));
    }
}
