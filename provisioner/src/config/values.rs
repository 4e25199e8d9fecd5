//! Single values as people write them. Errors say what is wanted.

use std::net::{Ipv4Addr, SocketAddr};
use std::ops::RangeInclusive;

use ipnet::Ipv4Net;

/// Shortest lease: clients renew at half of it, and a boot takes longer than less.
const SHORTEST_LEASE_SECONDS: u32 = 10;

/// An IPv4 address that one machine can have.
pub(super) fn unicast(text: &str) -> Result<Ipv4Addr, String> {
    let address: Ipv4Addr =
        text.parse().map_err(|_| format!("{text:?} is no IPv4 address; write it as 10.77.0.1"))?;
    let special = address.is_unspecified() || address.is_multicast() || address.is_broadcast();
    if special {
        return Err(format!("{address} is no address of a machine"));
    }
    Ok(address)
}

/// A network without host bits, /1 to /30.
pub(super) fn network(text: &str) -> Result<Ipv4Net, String> {
    let net: Ipv4Net =
        text.parse().map_err(|_| format!("{text:?} is no network; write it as 10.77.0.0/24"))?;
    if net.addr() != net.network() {
        return Err(format!("{net} has host bits set; write {}", net.trunc()));
    }
    if !(1..=30).contains(&net.prefix_len()) {
        return Err(format!("{net} has no room for hosts; /1 to /30 can be served"));
    }
    Ok(net)
}

/// `FIRST-LAST`, both included.
pub(super) fn range(text: &str) -> Result<RangeInclusive<Ipv4Addr>, String> {
    let wrong = || format!("{text:?} is no pool; write it as 10.77.0.100-10.77.0.200");
    let (first, last) = text.split_once('-').ok_or_else(wrong)?;
    let first: Ipv4Addr = first.trim().parse().map_err(|_| wrong())?;
    let last: Ipv4Addr = last.trim().parse().map_err(|_| wrong())?;
    if first > last {
        return Err(format!("{first} is behind {last}; write the lower address first"));
    }
    Ok(first..=last)
}

/// Seconds of `90s`, `15m`, `2h`, `1d`; at least [`SHORTEST_LEASE_SECONDS`].
pub(super) fn lease(text: &str) -> Result<u32, String> {
    let seconds = yaml::seconds(text)
        .ok_or_else(|| format!("{text:?} is no duration; write 90s, 15m, 2h or 1d"))?;
    // 0xffff_ffff is "for ever" on the wire (RFC 2131 section 3.3).
    if !(SHORTEST_LEASE_SECONDS..u32::MAX).contains(&seconds) {
        return Err(format!(
            "{text:?} is too short or too long; a lease lasts at least {SHORTEST_LEASE_SECONDS}s"
        ));
    }
    Ok(seconds)
}

/// `ADDRESS:PORT`.
pub(super) fn listen(text: &str) -> Result<SocketAddr, String> {
    text.parse()
        .map_err(|_| format!("{text:?} is no address and port; write it as \"0.0.0.0:8080\""))
}

/// A Linux interface name: 1 to 15 bytes, no slash, no space.
pub(super) fn interface(text: &str) -> Result<String, String> {
    let fits = text.len() <= 15 && !matches!(text, "." | "..");
    let clean = |c: char| c.is_ascii_graphic() && !matches!(c, '/' | ':');
    if fits && text.chars().all(clean) {
        Ok(text.to_owned())
    } else {
        Err(format!("{text:?} is no interface name; `ip link` lists them"))
    }
}

/// One DNS label (RFC 1123 section 2.1), in lower case.
pub(super) fn host_label(text: &str) -> Result<String, String> {
    let lower = text.to_ascii_lowercase();
    if is_label(&lower) {
        Ok(lower)
    } else {
        Err(format!(
            "{text:?} is no host name: letters, digits and inner hyphens, at most 63, no dots"
        ))
    }
}

/// Dotted DNS labels, in lower case, without a final dot.
pub(super) fn domain(text: &str) -> Result<String, String> {
    let lower = text.trim_end_matches('.').to_ascii_lowercase();
    if lower.len() <= 253 && lower.split('.').all(is_label) {
        Ok(lower)
    } else {
        Err(format!("{text:?} is no domain; write it as lab.internal"))
    }
}

fn is_label(text: &str) -> bool {
    let inner = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
    (1..=63).contains(&text.len())
        && text.bytes().all(inner)
        && !text.starts_with('-')
        && !text.ends_with('-')
}
