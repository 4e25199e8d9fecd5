//! What kind of machine asks: option 93, "Client System Architecture" (RFC 4578 section 2.1).

/// A processor architecture and boot environment, by the numbers of IANA's registry "Processor
/// Architecture Types" (DHCPv6 parameters; RFC 5970 section 3.3).
///
/// RFC 4578's own table prints 7 as "EFI BC" and 9 as "EFI x86-64". The registry has it the other
/// way round since its erratum 4625, and so does the firmware: every x64 UEFI seen sends 7.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Arch {
    /// 0: x86 BIOS. Sent by SeaBIOS, PXE ROMs, undionly iPXE, and by the Raspberry Pi, which lies.
    BiosX86,
    /// 6: x86 UEFI, 32 bit.
    UefiIa32,
    /// 7: x64 UEFI. Sent by EDK2 (OVMF) and every x64 server firmware seen.
    UefiX64,
    /// 9: EBC by the registry; old x64 firmware that followed RFC 4578's table sends it too.
    UefiX64Ebc,
    /// 10: ARM UEFI, 32 bit.
    UefiArm32,
    /// 11: ARM UEFI, 64 bit. Sent by EDK2 (AAVMF) and server firmware.
    UefiArm64,
    /// 15: x86 UEFI, HTTP Boot, 32 bit.
    HttpIa32,
    /// 16: x64 UEFI, HTTP Boot. Sent by EDK2 (OVMF).
    HttpX64,
    /// 17: EBC, HTTP Boot.
    HttpEbc,
    /// 18: ARM UEFI, HTTP Boot, 32 bit.
    HttpArm32,
    /// 19: ARM UEFI, HTTP Boot, 64 bit.
    HttpArm64,
    /// 20: x86 BIOS, HTTP Boot.
    HttpBiosX86,
    /// Any other number of the registry, or none of it.
    Unknown(u16),
}

/// Which machine code a boot loader for this client has to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Family {
    /// x86 with a BIOS.
    BiosX86,
    /// UEFI on 32-bit x86.
    UefiIa32,
    /// UEFI on x64.
    UefiX64,
    /// UEFI on 32-bit ARM.
    UefiArm32,
    /// UEFI on 64-bit ARM.
    UefiArm64,
    /// Nothing this crate knows a family of.
    Unknown,
}

impl Arch {
    /// The architecture of a registry number.
    pub fn from_number(number: u16) -> Self {
        match number {
            0 => Self::BiosX86,
            6 => Self::UefiIa32,
            7 => Self::UefiX64,
            9 => Self::UefiX64Ebc,
            10 => Self::UefiArm32,
            11 => Self::UefiArm64,
            15 => Self::HttpIa32,
            16 => Self::HttpX64,
            17 => Self::HttpEbc,
            18 => Self::HttpArm32,
            19 => Self::HttpArm64,
            20 => Self::HttpBiosX86,
            other => Self::Unknown(other),
        }
    }

    /// The registry's number.
    pub fn number(self) -> u16 {
        match self {
            Self::BiosX86 => 0,
            Self::UefiIa32 => 6,
            Self::UefiX64 => 7,
            Self::UefiX64Ebc => 9,
            Self::UefiArm32 => 10,
            Self::UefiArm64 => 11,
            Self::HttpIa32 => 15,
            Self::HttpX64 => 16,
            Self::HttpEbc => 17,
            Self::HttpArm32 => 18,
            Self::HttpArm64 => 19,
            Self::HttpBiosX86 => 20,
            Self::Unknown(number) => number,
        }
    }

    /// The machine code its loader has to be. 9 counts as x64: the firmware that sends it is x64,
    /// and nothing serves EFI byte code.
    pub fn family(self) -> Family {
        match self {
            Self::BiosX86 | Self::HttpBiosX86 => Family::BiosX86,
            Self::UefiIa32 | Self::HttpIa32 => Family::UefiIa32,
            Self::UefiX64 | Self::UefiX64Ebc | Self::HttpX64 => Family::UefiX64,
            Self::UefiArm32 | Self::HttpArm32 => Family::UefiArm32,
            Self::UefiArm64 | Self::HttpArm64 => Family::UefiArm64,
            Self::HttpEbc | Self::Unknown(_) => Family::Unknown,
        }
    }

    /// Whether the number asks for a URL rather than a TFTP file name.
    pub fn is_http(self) -> bool {
        matches!(
            self,
            Self::HttpIa32
                | Self::HttpX64
                | Self::HttpEbc
                | Self::HttpArm32
                | Self::HttpArm64
                | Self::HttpBiosX86
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_number_survives_the_round_trip() {
        for number in 0..=u16::MAX {
            assert_eq!(Arch::from_number(number).number(), number);
        }
    }

    #[test]
    fn seven_is_x64_uefi_whatever_rfc_4578_prints() {
        assert_eq!(Arch::from_number(7), Arch::UefiX64);
        assert_eq!(Arch::from_number(7).family(), Family::UefiX64);
        assert_eq!(Arch::from_number(9).family(), Family::UefiX64);
    }

    #[test]
    fn the_numbers_of_http_boot_are_those_from_15_to_20() {
        let http: Vec<u16> = (0..=40).filter(|&n| Arch::from_number(n).is_http()).collect();
        assert_eq!(http, [15, 16, 17, 18, 19, 20]);
    }
}
