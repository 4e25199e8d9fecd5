//! Addresses: `{{ip_add "10.77.0.10" @index}}`.

use std::net::IpAddr;

use ipnet::IpNet;
use serde_json::Value;

use super::{integer, text};

/// `ip_add A N`: the address N further; `ip_add "10.0.0.1" -1` is 10.0.0.0.
pub(super) fn add(args: &[Option<&Value>]) -> Result<Value, String> {
    let (address, by) = (address(args, 0)?, integer(args, 1)?);
    Ok(moved(address, by)?.to_string().into())
}

/// `ip_host NET N`: the address number N of a network; negative counts from its end.
pub(super) fn host(args: &[Option<&Value>]) -> Result<Value, String> {
    let (net, number) = (net(args)?, integer(args, 1)?);
    let from = if number < 0 { net.broadcast() } else { net.network() };
    let host = moved(from, if number < 0 { number + 1 } else { number })?;
    if net.contains(&host) {
        Ok(host.to_string().into())
    } else {
        Err(format!("{net} has no address number {number}"))
    }
}

/// `ip_network NET`: its first address.
pub(super) fn network(args: &[Option<&Value>]) -> Result<Value, String> {
    Ok(net(args)?.network().to_string().into())
}

/// `ip_netmask NET`: in dotted form.
pub(super) fn netmask(args: &[Option<&Value>]) -> Result<Value, String> {
    Ok(net(args)?.netmask().to_string().into())
}

/// `ip_broadcast NET`: its last address.
pub(super) fn broadcast(args: &[Option<&Value>]) -> Result<Value, String> {
    Ok(net(args)?.broadcast().to_string().into())
}

/// `ip_prefix NET`: the number of its leading bits.
pub(super) fn prefix(args: &[Option<&Value>]) -> Result<Value, String> {
    Ok(net(args)?.prefix_len().into())
}

fn address(args: &[Option<&Value>], at: usize) -> Result<IpAddr, String> {
    let text = text(args, at)?;
    text.parse().map_err(|_| format!("{text:?} is no IP address"))
}

/// `10.77.0.0/24`, or an address and its netmask: `ip_prefix node.address node.netmask`.
fn net(args: &[Option<&Value>]) -> Result<IpNet, String> {
    let text = text(args, 0)?;
    if text.contains('/') {
        return text.parse().map_err(|_| format!("{text:?} is no network; write 10.77.0.0/24"));
    }
    let mask =
        address(args, 1).map_err(|_| format!("{text:?} is no network; write 10.77.0.0/24"))?;
    IpNet::with_netmask(address(args, 0)?, mask).map_err(|error| error.to_string())
}

fn moved(address: IpAddr, by: i64) -> Result<IpAddr, String> {
    let none = || format!("there is no address {by} from {address}");
    let step = by.unsigned_abs();
    match address {
        IpAddr::V4(v4) => {
            let step = u32::try_from(step).map_err(|_| none())?;
            let bits = v4.to_bits();
            let bits = if by < 0 { bits.checked_sub(step) } else { bits.checked_add(step) };
            Ok(IpAddr::V4(bits.ok_or_else(none)?.into()))
        }
        IpAddr::V6(v6) => {
            let (bits, step) = (v6.to_bits(), u128::from(step));
            let bits = if by < 0 { bits.checked_sub(step) } else { bits.checked_add(step) };
            Ok(IpAddr::V6(bits.ok_or_else(none)?.into()))
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    type Apply = fn(&[Option<&Value>]) -> Result<Value, String>;

    #[test]
    fn addresses_are_counted() {
        let table: [(Apply, Value, Value); 12] = [
            (add, json!(["10.0.0.255", 1]), json!("10.0.1.0")),
            (add, json!(["10.0.0.0", -1]), json!("9.255.255.255")),
            (add, json!(["fd00::ffff", "1"]), json!("fd00::1:0")),
            (host, json!(["10.77.0.9/24", 10]), json!("10.77.0.10")),
            (host, json!(["10.77.0.0/24", -1]), json!("10.77.0.255")),
            (host, json!(["10.77.0.0/24", -2]), json!("10.77.0.254")),
            (network, json!(["10.77.0.9/24"]), json!("10.77.0.0")),
            (netmask, json!(["10.77.0.9/20"]), json!("255.255.240.0")),
            (broadcast, json!(["10.77.0.9/24"]), json!("10.77.0.255")),
            (prefix, json!(["10.77.0.9/24"]), json!(24)),
            (prefix, json!(["10.77.0.9", "255.255.255.0"]), json!(24)),
            (network, json!(["10.77.0.9", "255.255.0.0"]), json!("10.77.0.0")),
        ];
        for (apply, args, wanted) in table {
            let args: Vec<Option<&Value>> = args.as_array().unwrap().iter().map(Some).collect();
            assert_eq!(apply(&args), Ok(wanted), "{args:?}");
        }
    }

    #[test]
    fn what_has_no_answer_is_said() {
        let table: [(Apply, Value); 7] = [
            (add, json!(["255.255.255.255", 1])),
            (add, json!(["x", 1])),
            (add, json!(["10.0.0.1", 4_294_967_296_i64])),
            (host, json!(["10.0.0.0/30", 4])),
            (host, json!(["10.0.0.0/30", -5])),
            (network, json!(["10.0.0.0"])),
            (prefix, json!(["10.0.0.0/33"])),
        ];
        for (apply, args) in table {
            let args: Vec<Option<&Value>> = args.as_array().unwrap().iter().map(Some).collect();
            assert!(apply(&args).is_err(), "{args:?}");
        }
    }
}
