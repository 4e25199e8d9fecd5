//! URLs as Go's net/url reads them, which is what Ignition goes by.

use std::net::Ipv6Addr;

use percent_encoding::percent_decode_str;

/// The parts of a URL that rules are about.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Url<'u> {
    /// In small letters; empty when there is none.
    pub(super) scheme: String,
    /// What stands behind the colon when no slash does.
    pub(super) opaque: &'u str,
    /// With its port.
    pub(super) host: &'u str,
    query: &'u str,
}

impl Url<'_> {
    /// Whether it names nobody to ask; a port alone is nobody.
    pub(super) fn has_no_host(&self) -> bool {
        self.host.is_empty() || self.host.starts_with(':')
    }

    /// Whether it asks for a version of an object and leaves it open which.
    pub(super) fn has_empty_version_id(&self) -> bool {
        let decoded = |text: &str| {
            percent_decode_str(&text.replace('+', " ")).decode_utf8_lossy().into_owned()
        };
        self.query
            .split('&')
            .filter(|pair| !pair.contains(';'))
            .map(|pair| pair.split_once('=').unwrap_or((pair, "")))
            .find(|(key, _)| decoded(key) == "versionId")
            .is_some_and(|(_, value)| value.is_empty())
    }
}

/// Takes a URL apart, or says what is wrong with it.
pub(super) fn parse(text: &str) -> Result<Url<'_>, String> {
    if text.bytes().any(|b| b < b' ' || b == 0x7f) {
        return Err("the URL holds a control character".to_owned());
    }
    let (text, fragment) = text.split_once('#').unwrap_or((text, ""));
    check_escapes(fragment)?;
    let (scheme, rest) = scheme(text)?;
    let (rest, query) = rest.split_once('?').unwrap_or((rest, ""));
    if !rest.starts_with('/') && !scheme.is_empty() {
        return Ok(Url { scheme, opaque: rest, host: "", query });
    }
    let (authority, path) = match rest.strip_prefix("//") {
        Some(rest) => rest.split_at(rest.find('/').unwrap_or(rest.len())),
        None => ("", rest),
    };
    let (user, host) = authority.rsplit_once('@').unwrap_or(("", authority));
    check_user(user)?;
    check_host(host)?;
    check_escapes(path)?;
    Ok(Url { scheme, opaque: "", host, query })
}

fn scheme(text: &str) -> Result<(String, &str), String> {
    let end = text.find(|c: char| !(c.is_ascii_alphanumeric() || "+-.".contains(c)));
    let Some((scheme, rest)) = end.and_then(|end| text.split_at_checked(end)) else {
        return Ok((String::new(), text));
    };
    match rest.strip_prefix(':') {
        Some(_) if scheme.is_empty() => Err("the URL begins with a colon".to_owned()),
        Some(rest) if scheme.starts_with(|c: char| c.is_ascii_alphabetic()) => {
            Ok((scheme.to_ascii_lowercase(), rest))
        }
        _ => Ok((String::new(), text)),
    }
}

fn check_user(user: &str) -> Result<(), String> {
    match user.chars().find(|c| !(c.is_ascii_alphanumeric() || "-._:~!$&'()*+,;=%@".contains(*c))) {
        Some(bad) => Err(format!("{bad:?} cannot be in the URL's user name or password")),
        None => check_escapes(user),
    }
}

/// The host without its port, and the port with its colon. An IPv6 address stands in brackets.
fn check_host(host: &str) -> Result<(), String> {
    let port = if let Some(inner) = host.strip_prefix('[') {
        let (address, port) =
            inner.rsplit_once(']').ok_or("the `]` of the URL's address is missing")?;
        let (number, zone) = address.split_once("%25").unwrap_or((address, ""));
        if number.parse::<Ipv6Addr>().is_err() {
            return Err(format!("{number:?} is no IPv6 address"));
        }
        check_name(zone)?;
        port
    } else {
        let (name, port) = host.split_at(host.find(':').unwrap_or(host.len()));
        check_name(name)?;
        port
    };
    let digits = port.strip_prefix(':');
    if port.is_empty() || digits.is_some_and(|digits| digits.bytes().all(|b| b.is_ascii_digit())) {
        return Ok(());
    }
    Err(format!("{port:?} is no port"))
}

fn check_name(name: &str) -> Result<(), String> {
    let fits =
        |c: char| !c.is_ascii() || c.is_ascii_alphanumeric() || "!$&'()*+,;=<>\"-_.~%".contains(c);
    match name.chars().find(|c| !fits(*c)) {
        Some(bad) => Err(format!("{bad:?} cannot be in the URL's host")),
        None => check_host_escapes(name),
    }
}

/// In a host only bytes that are not ASCII are escaped, and the `%` before the zone of an address.
fn check_host_escapes(name: &str) -> Result<(), String> {
    check_escapes(name)?;
    let ascii = name.match_indices('%').find(|(at, _)| {
        let two = name.get(at + 1..at + 3).unwrap_or_default();
        two != "25" && two.starts_with(|c| ('0'..'8').contains(&c))
    });
    match ascii {
        Some(_) => Err("the URL's host holds an escape that it must not hold".to_owned()),
        None => Ok(()),
    }
}

fn check_escapes(text: &str) -> Result<(), String> {
    let bytes = text.as_bytes();
    let whole = bytes.iter().enumerate().filter(|(_, b)| **b == b'%').all(|(at, _)| {
        bytes.get(at + 1..at + 3).is_some_and(|two| two.iter().all(u8::is_ascii_hexdigit))
    });
    if whole {
        Ok(())
    } else {
        Err("a `%` in a URL has to be followed by two hex digits".to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_parts_of_a_url_are_told_apart() {
        let url = parse("HTTPS://user:pw@[fe80::1%25eth0]:8080/p%20q?x=1#f").unwrap();
        assert_eq!((url.scheme.as_str(), url.host), ("https", "[fe80::1%25eth0]:8080"));
        let url = parse("arn:aws:s3:::bucket/key?versionId=7").unwrap();
        assert_eq!((url.scheme.as_str(), url.opaque), ("arn", "aws:s3:::bucket/key"));
        assert_eq!(parse("no/scheme").unwrap().scheme, "");
        assert_eq!(parse("1http://x").unwrap().scheme, "");
    }

    #[test]
    fn a_url_that_go_does_not_parse_is_refused() {
        for url in [
            "http://a b/",
            "http://x/%zz",
            "http://[::1/",
            "http://x:y/",
            "http://x:8:8/",
            ":x",
            "http://x/\n",
            "http://us er@x/",
            "http://x/#%",
            "http://%41/",
            "http://[::1]x/",
            "http://a^b/",
        ] {
            assert!(parse(url).is_err(), "{url}");
        }
    }

    #[test]
    fn an_empty_version_id_is_seen() {
        for (query, empty) in [
            ("versionId=", true),
            ("versionId", true),
            ("a=b&versionId=", true),
            ("version%49d=", true),
            ("versionId=3", false),
            ("versionId=3&versionId=", false),
            ("", false),
            ("versionid=", false),
        ] {
            let url = format!("s3://b/k?{query}");
            assert_eq!(parse(&url).unwrap().has_empty_version_id(), empty, "{query}");
        }
    }
}
