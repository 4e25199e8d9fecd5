//! The ways in which a machine boots. What each one does on the wire is in `tests/README.md`.

use std::fmt;
use std::path::Path;
use std::str::FromStr;

use anyhow::bail;

/// Code of the UEFI firmware.
pub const OVMF_CODE: &str = "/usr/share/OVMF/OVMF_CODE_4M.fd";
const OVMF_VARS: &str = "/usr/share/OVMF/OVMF_VARS_4M.fd";

/// A firmware and the way it boots from the network.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Firmware {
    /// SeaBIOS and the network card's own ROM, an iPXE.
    Bios,
    /// OVMF, boot file by TFTP.
    UefiPxe,
    /// OVMF, boot file by HTTP.
    UefiHttp,
    /// OVMF, a GRUB from a read-only medium that demands signatures of all that it fetches.
    UefiGrub,
}

impl Firmware {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Bios, Self::UefiPxe, Self::UefiHttp, Self::UefiGrub];
    /// Those that load from the network what they run first.
    pub const NETWORK: [Self; 3] = [Self::Bios, Self::UefiPxe, Self::UefiHttp];

    /// The firmware's variables as delivered, when it has any.
    pub fn variables(self) -> Option<&'static Path> {
        (self != Self::Bios).then(|| Path::new(OVMF_VARS))
    }

    /// What OVMF shall leave out, as names of `fw_cfg` files that say `n`.
    pub(super) fn switched_off(self) -> &'static [&'static str] {
        match self {
            Self::Bios => &[],
            Self::UefiPxe => &["opt/org.tianocore/IPv6PXESupport"],
            Self::UefiHttp | Self::UefiGrub => {
                &["opt/org.tianocore/IPv4PXESupport", "opt/org.tianocore/IPv6PXESupport"]
            }
        }
    }
}

impl fmt::Display for Firmware {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Bios => "bios",
            Self::UefiPxe => "uefi-pxe",
            Self::UefiHttp => "uefi-http",
            Self::UefiGrub => "uefi-grub",
        })
    }
}

impl FromStr for Firmware {
    type Err = anyhow::Error;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match Self::ALL.into_iter().find(|firmware| firmware.to_string() == text) {
            Some(firmware) => Ok(firmware),
            None => bail!("unknown firmware `{text}`: take bios, uefi-pxe, uefi-http or uefi-grub"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_firmware_is_read_as_it_is_written() {
        for firmware in Firmware::ALL {
            assert_eq!(firmware.to_string().parse::<Firmware>().unwrap(), firmware);
        }
        assert!("efi".parse::<Firmware>().is_err());
    }
}
