//! What the boot script says on the kernel command line. Pure.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;

use api::node::karg;

/// A parsed set of the arguments named in [`api::node::karg`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kargs {
    /// Base URL of the server, no trailing slash.
    pub url: String,
    /// Boot token.
    pub token: String,
    /// MAC of the boot interface.
    pub mac: Mac,
    /// Its address.
    pub address: Ipv4Addr,
    /// Its prefix length in bits, 0–32.
    pub prefix: u8,
    /// Default router, when there is one.
    pub gateway: Option<Ipv4Addr>,
}

/// An Ethernet address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Mac(pub [u8; 6]);

/// Kernel arguments that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum KargError {
    /// Not there.
    #[error("kernel argument {0} is missing: the boot script has to set it")]
    Missing(&'static str),
    /// There, but not what it should be.
    #[error("kernel argument {name}={value} is not {expected}: correct the boot script")]
    Invalid {
        /// Which.
        name: &'static str,
        /// What it says.
        value: String,
        /// What it should be.
        expected: &'static str,
    },
}

/// Reads a kernel command line as in `/proc/cmdline`. Of an argument given twice the last counts,
/// as it does for the kernel itself.
pub fn parse(cmdline: &str) -> Result<Kargs, KargError> {
    let given: BTreeMap<&str, &str> = cmdline
        .split_ascii_whitespace()
        .filter_map(|word| word.split_once('='))
        .map(|(name, value)| (name, value.trim_matches('"')))
        .collect();
    let need = |name: &'static str| match given.get(name) {
        Some(value) if !value.is_empty() => Ok(*value),
        _ => Err(KargError::Missing(name)),
    };
    let url = need(karg::URL)?.trim_end_matches('/');
    if !url.starts_with("http://") {
        return Err(invalid(karg::URL, url, "an http:// URL"));
    }
    let netmask = need(karg::NETMASK)?;
    let gateway = given.get(karg::GATEWAY).copied().unwrap_or_default();
    Ok(Kargs {
        url: url.to_owned(),
        token: need(karg::TOKEN)?.to_owned(),
        mac: Mac::parse(need(karg::MAC)?)
            .ok_or_else(|| invalid(karg::MAC, need(karg::MAC).unwrap_or(""), "a MAC address"))?,
        address: address(karg::ADDRESS, need(karg::ADDRESS)?)?,
        prefix: prefix(address(karg::NETMASK, netmask)?)
            .ok_or_else(|| invalid(karg::NETMASK, netmask, "a netmask"))?,
        gateway: match gateway {
            // iPXE expands an unset ${netX/gateway} to nothing; 0.0.0.0 says the same.
            "" | "0.0.0.0" => None,
            value => Some(address(karg::GATEWAY, value)?),
        },
    })
}

impl Mac {
    /// Any spelling: colons, dashes, dots, none; either case.
    pub fn parse(text: &str) -> Option<Self> {
        let digits: String = text.chars().filter(|c| !":-.".contains(*c)).collect();
        let mut bytes = [0; 6];
        hex::decode_to_slice(digits, &mut bytes).ok()?;
        Some(Self(bytes))
    }

    /// A number that differs between machines.
    pub fn seed(self) -> u64 {
        self.0.iter().fold(0, |sum, byte| sum << 8 | u64::from(*byte))
    }
}

impl std::fmt::Display for Mac {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0.map(|byte| format!("{byte:02x}")).join(":"))
    }
}

fn address(name: &'static str, value: &str) -> Result<Ipv4Addr, KargError> {
    value.parse().map_err(|_| invalid(name, value, "an IPv4 address in dotted form"))
}

fn prefix(mask: Ipv4Addr) -> Option<u8> {
    let bits = mask.to_bits();
    let ones = bits.leading_ones();
    (ones + bits.trailing_zeros() == 32 || bits == u32::MAX)
        .then(|| u8::try_from(ones).ok())
        .flatten()
}

fn invalid(name: &'static str, value: &str, expected: &'static str) -> KargError {
    KargError::Invalid { name, value: value.to_owned(), expected }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const LINE: &str = "BOOT_IMAGE=vmlinuz console=ttyS0 provisioner.url=http://10.77.0.1:8080/ \
        provisioner.token=abc= provisioner.mac=52-54-00-AB-00-01 provisioner.address=10.77.0.11 \
        provisioner.netmask=255.255.255.0 provisioner.gateway=10.77.0.1 quiet";

    #[test]
    fn the_boot_scripts_line_is_read() {
        let kargs = parse(LINE).unwrap();
        assert_eq!(kargs.url, "http://10.77.0.1:8080");
        assert_eq!(kargs.token, "abc=");
        assert_eq!(kargs.mac.to_string(), "52:54:00:ab:00:01");
        assert_eq!((kargs.address.to_string(), kargs.prefix), ("10.77.0.11".into(), 24));
        assert_eq!(kargs.gateway, Some(Ipv4Addr::new(10, 77, 0, 1)));
    }

    #[test]
    fn an_empty_gateway_means_none() {
        let line = LINE.replace("gateway=10.77.0.1", "gateway=");
        assert_eq!(parse(&line).unwrap().gateway, None);
    }

    #[test]
    fn a_missing_argument_is_named() {
        let line = LINE.replace("provisioner.token=abc=", "");
        assert_eq!(parse(&line), Err(KargError::Missing("provisioner.token")));
    }

    #[test]
    fn a_netmask_with_holes_is_refused_with_its_value() {
        let line = LINE.replace("255.255.255.0", "255.0.255.0");
        let message = parse(&line).unwrap_err().to_string();
        assert!(message.contains("provisioner.netmask=255.0.255.0"), "{message}");
    }

    #[test]
    fn every_spelling_of_a_mac_is_the_same_mac() {
        for text in ["52:54:00:ab:cd:ef", "52-54-00-AB-CD-EF", "5254.00ab.cdef", "525400ABCDEF"] {
            assert_eq!(Mac::parse(text), Some(Mac([0x52, 0x54, 0, 0xab, 0xcd, 0xef])), "{text}");
        }
        assert_eq!(Mac::parse("52:54:00:ab:cd"), None);
    }

    proptest! {
        #[test]
        fn no_command_line_makes_the_parser_panic(line in ".{0,300}") {
            let _ = parse(&line);
        }

        #[test]
        fn every_prefix_survives_its_netmask(bits in 0u32..=32) {
            let mask = u32::MAX.checked_shl(32 - bits).unwrap_or(0);
            prop_assert_eq!(prefix(Ipv4Addr::from_bits(mask)), u8::try_from(bits).ok());
        }
    }
}
