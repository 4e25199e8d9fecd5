//! Contents as `data:` URLs (RFC 2397), in the smallest of Butane's three ways to write them.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use flate2::Crc;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_encode};

use super::deflate::deflate;

/// What RFC 2396 calls reserved.
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'_')
    .remove(b'.')
    .remove(b'!')
    .remove(b'~')
    .remove(b'*')
    .remove(b'\'')
    .remove(b'(')
    .remove(b')');

/// Escaped, as the first version does always.
pub(super) fn escaped(contents: &[u8]) -> String {
    format!("data:,{}", percent_encode(contents, RESERVED))
}

/// The URL, and the compression to write down; `None`: what the config says stays.
/// `compression`: what the contents are compressed with already.
pub(super) fn smallest(
    contents: &[u8],
    compression: Option<&str>,
) -> (String, Option<&'static str>) {
    let mut best = escaped(contents);
    let encoded = based(contents);
    if encoded.len() < best.len() {
        best = encoded;
    }
    if compression.is_some_and(|compression| !compression.is_empty()) {
        return (best, None);
    }
    let packed = based(&gzip(contents));
    // The word has to be written too.
    if packed.len() + "gzip".len() < best.len() {
        return (packed, Some("gzip"));
    }
    // Written down, as a parent config could say otherwise.
    (best, Some(""))
}

fn based(contents: &[u8]) -> String {
    format!("data:;base64,{}", STANDARD.encode(contents))
}

/// RFC 1952, with the header that Go writes: no time, packed as hard as possible, no system.
fn gzip(contents: &[u8]) -> Vec<u8> {
    let mut packed = vec![0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 2, 255];
    packed.extend(deflate(contents));
    let mut sum = Crc::new();
    sum.update(contents);
    packed.extend(sum.sum().to_le_bytes());
    packed.extend(sum.amount().to_le_bytes());
    packed
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_smallest_way_is_taken() {
        assert_eq!(smallest(b"", None), ("data:,".into(), Some("")));
        assert_eq!(smallest(b"hello", None), ("data:,hello".into(), Some("")));
        assert_eq!(smallest(b"a b/c", None), ("data:,a%20b%2Fc".into(), Some("")));
        assert_eq!(smallest(&[0xfe; 9], None).0, "data:;base64,/v7+/v7+/v7+");
        let (url, compression) = smallest(&[b'x'; 1000], None);
        assert!(url.starts_with("data:;base64,H4sIAAAAAAAC/") && url.len() < 80, "{url}");
        assert_eq!(compression, Some("gzip"));
    }

    #[test]
    fn what_is_compressed_is_not_compressed_again() {
        assert_eq!(smallest(&[b'x'; 1000], Some("gzip")), (escaped(&[b'x'; 1000]), None));
        assert_eq!(smallest(&[b'x'; 1000], Some("")).1, Some("gzip"));
    }
}
