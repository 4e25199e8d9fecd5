//! The variables that coreos-cloudinit replaces before it reads a cloud-config.

use std::borrow::Cow;
use std::net::Ipv4Addr;

/// What coreos-cloudinit does to a cloud-config (v1.14.0, `initialize.Environment.Apply`): `$public_ipv4` and
/// `$private_ipv4` become the addresses, wherever they stand, also inside of words; a backslash in front keeps
/// the variable and goes away.
///
/// Two things are otherwise. An unknown address leaves its variable, and a backslash in front of it, to the
/// machine, which may know it; there nothing would stay of it. And of two equal variables without anything between
/// them both are replaced; there the second one stays.
pub fn substitute(text: &str, public: Option<Ipv4Addr>, private: Option<Ipv4Addr>) -> Cow<'_, str> {
    let known = [("$public_ipv4", public), ("$private_ipv4", private)];
    let mut out = String::new();
    let (mut rest, mut begun) = (text, 0);
    while let Some(at) = rest.get(begun..).and_then(|tail| tail.find('$')).map(|at| at + begun) {
        let (before, tail) = rest.split_at(at);
        let variable = known.iter().find(|(name, _)| tail.starts_with(name));
        let Some((name, Some(address))) = variable else {
            begun = at + 1;
            continue;
        };
        if let Some(before) = before.strip_suffix('\\') {
            out.push_str(before);
            out.push_str(name);
        } else {
            out.push_str(before);
            out.push_str(&address.to_string());
        }
        (rest, begun) = (tail.strip_prefix(name).unwrap_or_default(), 0);
    }
    if rest.len() == text.len() {
        return Cow::Borrowed(text);
    }
    out.push_str(rest);
    Cow::Owned(out)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const PUBLIC: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 1);
    const PRIVATE: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 1);

    fn both(text: &str) -> Cow<'_, str> {
        substitute(text, Some(PUBLIC), Some(PRIVATE))
    }

    #[test]
    fn variables_become_addresses_also_inside_of_words() {
        assert_eq!(both("addr: $public_ipv4:4001\n"), "addr: 192.0.2.1:4001\n");
        assert_eq!(both("$private_ipv4"), "10.0.0.1");
        assert_eq!(both("x$public_ipv4x\n$private_ipv4"), "x192.0.2.1x\n10.0.0.1");
        assert_eq!(both("$public_ipv4$public_ipv4"), "192.0.2.1192.0.2.1");
    }

    #[test]
    fn a_backslash_keeps_the_variable_and_goes_away() {
        assert_eq!(both(r"a \$public_ipv4 $public_ipv4"), "a $public_ipv4 192.0.2.1");
        assert_eq!(both(r"\\$private_ipv4"), r"\$private_ipv4");
    }

    #[test]
    fn an_unknown_address_leaves_its_variable() {
        let text = r"$public_ipv4 \$public_ipv4 $private_ipv4";
        let only = substitute(text, None, Some(PRIVATE));
        assert_eq!(only, r"$public_ipv4 \$public_ipv4 10.0.0.1");
        assert!(matches!(substitute(text, None, None), Cow::Borrowed(same) if same == text));
    }

    #[test]
    fn other_variables_stay() {
        for text in
            ["$publicipv4", "$PUBLIC_IPV4", "${public_ipv4}", "$public_ipv6", "$", r"\$", "é$"]
        {
            assert!(matches!(both(text), Cow::Borrowed(same) if same == text), "{text}");
        }
    }

    proptest! {
        #[test]
        fn nothing_but_the_two_variables_changes(parts in prop::collection::vec(("[^$\\\\]{0,8}", 0..5_usize), 0..12)) {
            let tokens = [
                ("$public_ipv4", "192.0.2.1"),
                ("$private_ipv4", "10.0.0.1"),
                (r"\$public_ipv4", "$public_ipv4"),
                ("$public_ipv6", "$public_ipv6"),
                (r"\n$", r"\n$"),
            ];
            let (mut text, mut expected) = (String::new(), String::new());
            for (plain, token) in &parts {
                let (before, after) = tokens[*token];
                // A blank keeps a `$` at the end of one part from becoming a variable of the next.
                text.extend([plain.as_str(), before, " "]);
                expected.extend([plain.as_str(), after, " "]);
            }
            prop_assert_eq!(both(&text), expected);
            prop_assert_eq!(substitute(&text, None, None), text.as_str());
        }
    }
}
