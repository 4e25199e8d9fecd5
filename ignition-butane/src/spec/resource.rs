//! Things that are fetched: contents of files, other configurations, certificates, keys.

use std::io::{self, Read};

use flate2::read::MultiGzDecoder;
use sha2::{Digest, Sha256, Sha512};

use super::data;
use super::names::check_keyed;
use super::node::Node;
use super::url::{self, Url};

/// A resource that may be left empty.
pub(super) fn check(resource: &Node<'_>) {
    check_compression(resource);
    let embedded = match resource.filled("source") {
        Some(source) => check_source(resource, source),
        None => None,
    };
    let hash = check_hash(resource);
    check_headers(resource);
    if let Some(data) = embedded {
        check_embedded(resource, &data, hash);
    }
}

/// A resource that has to say where it is.
pub(super) fn check_required(resource: &Node<'_>) {
    check(resource);
    if resource.value.is_object() && resource.filled("source").is_none() {
        resource.error_at("source", "the source is missing: give a URL");
    }
}

fn check_compression(resource: &Node<'_>) {
    if let Some(other) = resource.text("compression").filter(|text| !["", "gzip"].contains(text)) {
        let message = format!("Ignition cannot unpack {other:?}; only \"gzip\" or nothing");
        resource.error_at("compression", message);
    }
}

/// What the source holds, if it holds it itself.
fn check_source(resource: &Node<'_>, source: &str) -> Option<Vec<u8>> {
    let url = match url::parse(source) {
        Ok(url) => url,
        Err(message) => {
            resource.error_at("source", message);
            return None;
        }
    };
    match check_url(resource, source, &url) {
        Ok(data) => data,
        Err(message) => {
            resource.error_at("source", message);
            None
        }
    }
}

fn check_url(resource: &Node<'_>, source: &str, url: &Url<'_>) -> Result<Option<Vec<u8>>, String> {
    match url.scheme.as_str() {
        "data" => return data::decode(source).map(Some).map_err(|why| format!("data URL: {why}")),
        "http" | "https" | "tftp" | "s3" => check_has_host(url)?,
        "gs" if resource.since(2) => check_has_host(url)?,
        "arn" if resource.since(4) => check_arn(url)?,
        "gs" => return Err("gs: URLs came with version 3.2.0".to_owned()),
        "arn" => return Err("arn: URLs came with version 3.4.0".to_owned()),
        "" => {
            return Err(format!(
                "{source:?} is no URL: it has to begin with http:, https: or another scheme"
            ));
        }
        other => {
            let mut known = vec!["http", "https", "tftp", "s3", "data"];
            known.extend(resource.since(2).then_some("gs"));
            known.extend(resource.since(4).then_some("arn"));
            return Err(format!(
                "Ignition cannot fetch {other}: URLs; known are: {}",
                known.join(", ")
            ));
        }
    }
    if ["s3", "arn"].contains(&url.scheme.as_str()) && url.has_empty_version_id() {
        return Err("versionId is empty; name a version or leave it out".to_owned());
    }
    Ok(None)
}

fn check_has_host(url: &Url<'_>) -> Result<(), String> {
    if url.has_no_host() {
        return Err(format!("the URL names no host: {}://HOST/PATH", url.scheme));
    }
    Ok(())
}

/// `arn:PARTITION:s3:REGION:ACCOUNT:BUCKET/KEY` or `…:accesspoint/NAME/object/KEY`.
fn check_arn(url: &Url<'_>) -> Result<(), String> {
    let mut parts = url.opaque.splitn(5, ':');
    let (service, resource) = (parts.nth(1), parts.nth(2));
    let slashes = url.opaque.matches('/').count();
    let fits = resource.is_some_and(|resource| {
        slashes >= if resource.starts_with("accesspoint/") { 2 } else { 1 }
    });
    if service == Some("s3") && fits {
        return Ok(());
    }
    Err("the ARN is not one of S3: arn:PARTITION:s3:REGION:ACCOUNT:BUCKET/KEY".to_owned())
}

#[derive(Debug, Clone, Copy)]
struct Hash<'a> {
    wide: bool,
    sum: &'a str,
}

fn check_hash<'a>(resource: &Node<'a>) -> Option<Hash<'a>> {
    let verification = resource.child("verification")?;
    let hash = verification.text("hash")?;
    if !resource.has("source") {
        verification.error_at("hash", "there is no source whose hash this could be");
    }
    let Some((function, sum)) = hash.split_once('-') else {
        verification.error_at("hash", "a hash is written FUNCTION-HEX, for example sha512-…");
        return None;
    };
    let wide = match function {
        "sha512" => true,
        "sha256" if resource.since(1) => false,
        "sha256" => {
            verification.error_at("hash", "sha256 came with version 3.1.0; use sha512");
            return None;
        }
        other => {
            let message = format!("{other:?} is no hash that Ignition knows: sha512 or sha256");
            verification.error_at("hash", message);
            return None;
        }
    };
    let digits = if wide { 128 } else { 64 };
    let message = if sum.len() != digits {
        format!("{function} has {digits} hex digits, and here are {}", sum.len())
    } else if sum.bytes().all(|b| b.is_ascii_hexdigit()) {
        return Some(Hash { wide, sum });
    } else {
        format!("what follows {function}- has to be hex digits")
    };
    verification.error_at("hash", message);
    None
}

fn check_headers(resource: &Node<'_>) {
    let headers = resource.items("httpHeaders");
    check_keyed(&headers, "name");
    for header in &headers {
        if header.text("name") == Some("") {
            header.error_at("name", "the name of a header is empty");
        }
        match header.text("value") {
            Some("") => {
                header.error_at("value", "the value of a header is empty; leave the header out");
            }
            Some(value) if value.chars().any(|c| c.is_control() && c != '\t') => {
                header.error_at("value", "the value of a header holds a control character");
            }
            _ => {}
        }
    }
    if headers.is_empty() {
        return;
    }
    let scheme = resource.filled("source").and_then(|source| url::parse(source).ok());
    if !scheme.is_some_and(|url| ["http", "https"].contains(&url.scheme.as_str())) {
        resource.error_at("httpHeaders", "headers go with a source of http: or https: only");
    }
}

/// What is in the config itself has to fit what the config says of it: a machine would find out only
/// when it boots.
fn check_embedded(resource: &Node<'_>, data: &[u8], hash: Option<Hash<'_>>) {
    let wide = hash.is_some_and(|hash| hash.wide);
    let sum = if resource.text("compression") == Some("gzip") {
        let limit = resource.may_unpack();
        let unpacked = digest(MultiGzDecoder::new(data).take(limit), wide);
        if let Ok((_, length)) = &unpacked {
            resource.unpacked(*length);
            if *length == limit {
                let message =
                    "the config unpacks to so much that this was not unpacked to be checked";
                return resource.warn_at("source", message);
            }
        }
        unpacked
    } else {
        digest(data, wide)
    };
    match (sum, hash, resource.child("verification")) {
        (Err(error), ..) => {
            let message = format!("the data is not gzip, as `compression` says: {error}");
            resource.error_at("source", message);
        }
        (Ok((sum, _)), Some(hash), Some(verification)) if !sum.eq_ignore_ascii_case(hash.sum) => {
            verification.error_at("hash", format!("the data's hash is {sum}"));
        }
        _ => {}
    }
}

/// The hash of what a reader gives, in hex, and how many bytes that was.
fn digest(mut reader: impl Read, wide: bool) -> io::Result<(String, u64)> {
    let (mut sha512, mut sha256) = (Sha512::new(), Sha256::new());
    let mut buffer = [0; 8192];
    let mut length = 0;
    loop {
        let count = reader.read(&mut buffer)?;
        let bytes = buffer.get(..count).unwrap_or_default();
        if bytes.is_empty() {
            break;
        }
        length += bytes.len() as u64;
        if wide {
            sha512.update(bytes);
        } else {
            sha256.update(bytes);
        }
    }
    let sum = if wide { hex::encode(sha512.finalize()) } else { hex::encode(sha256.finalize()) };
    Ok((sum, length))
}
