//! What the client says it is: options 60, 77, 93, 97 and 175.
//!
//! These describe and decide no address, so a value that makes no sense is left out rather than the
//! whole packet: firmware is sloppy here.

use super::Request;
use crate::arch::Arch;
use crate::options::{Options, code};

/// What is running on the machine that asks.
///
/// GRUB is missing on purpose: its own DHCP client sends no class at all and cannot be told from an
/// operating system's; after PXE it goes on with the address of the firmware.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Stage {
    /// No boot firmware: the DHCP client of a system that runs.
    Os,
    /// PXE firmware: wants a file by TFTP. Vendor class `PXEClient…`.
    Pxe,
    /// UEFI HTTP Boot: wants a URL and its vendor class `HTTPClient` echoed.
    HttpBoot,
    /// iPXE, ours or anybody's: wants a script, else it would be loaded in a circle.
    Ipxe {
        /// Whether it says (option 175) that it can fetch by HTTP. Without that it needs an iPXE
        /// that can, by TFTP.
        http: bool,
    },
    /// U-Boot. Vendor class `U-Boot…`.
    UBoot,
    /// The ROM of a Raspberry Pi, which says `PXEClient` and architecture 0 and is neither: told by
    /// the maker's part of its address.
    RaspberryPi,
}

/// What an iPXE says of itself in option 175 (its own `dhcp.h`: encapsulated options).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
#[expect(clippy::struct_excessive_bools, reason = "one per feature, each independent")]
pub struct IpxeFeatures {
    /// HTTP (sub-option 19).
    pub http: bool,
    /// HTTPS (20).
    pub https: bool,
    /// TFTP (21).
    pub tftp: bool,
    /// Linux bzImage kernels (24).
    pub bzimage: bool,
    /// It runs on UEFI (36).
    pub efi: bool,
    /// Menus (39).
    pub menu: bool,
    /// Version, as in 1.21.1 (235).
    pub version: Option<[u8; 3]>,
}

const RASPBERRY_PI: [[u8; 3]; 6] = [
    [0x28, 0xcd, 0xc1],
    [0x2c, 0xcf, 0x67],
    [0xb8, 0x27, 0xeb],
    [0xd8, 0x3a, 0xdd],
    [0xdc, 0xa6, 0x32],
    [0xe4, 0x5f, 0x01],
];

pub(super) fn stage(request: &Request) -> Stage {
    let class = request.vendor_class.as_deref().unwrap_or_default();
    // iPXE first: it keeps the vendor class of the firmware that it took over from.
    let ipxe_class = request.user_class.iter().any(|class| class == "iPXE" || class == "gPXE");
    if request.ipxe.is_some() || ipxe_class {
        return Stage::Ipxe { http: request.ipxe.is_some_and(|features| features.http) };
    }
    if class.starts_with("HTTPClient") {
        return Stage::HttpBoot;
    }
    if class.starts_with("U-Boot") {
        return Stage::UBoot;
    }
    if !class.starts_with("PXEClient") {
        return Stage::Os;
    }
    let [a, b, c, ..] = request.chaddr.octets();
    let pi = request.arch == Some(Arch::BiosX86) && RASPBERRY_PI.contains(&[a, b, c]);
    if pi { Stage::RaspberryPi } else { Stage::Pxe }
}

/// RFC 4578 section 2.1: one or more numbers of two bytes.
pub(super) fn arch(options: &Options) -> Option<Arch> {
    let (number, rest) = options.bytes(code::CLIENT_ARCHITECTURE)?.split_first_chunk()?;
    rest.len().is_multiple_of(2).then(|| Arch::from_number(u16::from_be_bytes(*number)))
}

/// RFC 4578 section 2.3: a zero octet, then the sixteen of the UUID.
pub(super) fn uuid(options: &Options) -> Option<[u8; 16]> {
    let (kind, uuid) = options.bytes(code::CLIENT_UUID)?.split_first()?;
    if *kind == 0 { uuid.try_into().ok() } else { None }
}

pub(super) fn ipxe(options: &Options) -> Option<IpxeFeatures> {
    let mut rest = options.bytes(code::IPXE)?;
    let mut features = IpxeFeatures::default();
    loop {
        match rest {
            [] | [code::END, ..] => return Some(features),
            [code::PAD, tail @ ..] => rest = tail,
            [_] => return None,
            [code, length, tail @ ..] => {
                let (value, tail) = tail.split_at_checked(usize::from(*length))?;
                feature(&mut features, *code, value);
                rest = tail;
            }
        }
    }
}

fn feature(features: &mut IpxeFeatures, code: u8, value: &[u8]) {
    let present = value.iter().any(|&byte| byte != 0);
    match code {
        19 => features.http = present,
        20 => features.https = present,
        21 => features.tftp = present,
        24 => features.bzimage = present,
        36 => features.efi = present,
        39 => features.menu = present,
        235 => features.version = value.try_into().ok(),
        _ => {}
    }
}

/// RFC 3004: instances with a length each. iPXE and others send bare text, which no such walk fits.
pub(super) fn user_class(options: &Options) -> Vec<String> {
    let Some(value) = options.bytes(code::USER_CLASS).filter(|value| !value.is_empty()) else {
        return Vec::new();
    };
    instances(value).unwrap_or_else(|| vec![text(value)])
}

fn instances(mut rest: &[u8]) -> Option<Vec<String>> {
    let mut all = Vec::new();
    while let Some((&length, tail)) = rest.split_first() {
        if length == 0 {
            return None;
        }
        let (instance, tail) = tail.split_at_checked(usize::from(length))?;
        all.push(text(instance));
        rest = tail;
    }
    Some(all)
}

/// Text that can be logged: trailing NULs off, controls and broken UTF-8 replaced.
pub(super) fn text(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(bytes);
    let text = text.trim_end_matches('\0');
    text.chars().map(|c| if c.is_control() { char::REPLACEMENT_CHARACTER } else { c }).collect()
}
