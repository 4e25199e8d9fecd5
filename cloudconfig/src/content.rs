//! What stands in a file of `write_files`, once its encoding is taken off.

use std::io::Read;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use flate2::read::MultiGzDecoder;

/// More than any file of a cloud-config unpacks to; what goes on is not looked at.
const LIMIT: u64 = 64 << 20;

/// Whether content can be decoded. `binary`: YAML's `!!binary`, which the YAML parser takes off first.
pub(crate) fn decodes(content: &str, encoding: &str, binary: bool) -> bool {
    let raw = if binary { unbase64(content) } else { Some(content.as_bytes().to_vec()) };
    let Some(raw) = raw else { return false };
    let inner = || std::str::from_utf8(&raw).ok().and_then(unbase64);
    match encoding {
        "" | "text/plain" => true,
        "b64" | "base64" => inner().is_some(),
        "gz" | "gzip" => gunzips(&raw),
        "gz+base64" | "gzip+base64" | "gz+b64" | "gzip+b64" => {
            inner().is_some_and(|packed| gunzips(&packed))
        }
        _ => false,
    }
}

/// Line breaks do not count, as in both programs; blanks do in coreos-cloudinit.
fn unbase64(text: &str) -> Option<Vec<u8>> {
    let text: String = text.chars().filter(|c| !matches!(c, '\n' | '\r')).collect();
    STANDARD.decode(text).ok()
}

fn gunzips(packed: &[u8]) -> bool {
    std::io::copy(&mut MultiGzDecoder::new(packed).take(LIMIT), &mut std::io::sink()).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const PACKED: &str = "H4sIAAAAAAAAA8tIzcnJ5wIAIDA6NgYAAAA=";

    #[test]
    fn every_encoding_is_taken_off() {
        assert!(decodes("hello", "", false));
        assert!(decodes("aGVs\nbG8K", "b64", false));
        assert!(!decodes("aGVsb", "base64", false));
        assert!(!decodes("aGVs bG8K", "base64", false));
        assert!(!decodes("hello", "gzip", false));
        assert!(!decodes("aGVsbG8K", "gz+b64", false));
        assert!(!decodes("hello", "rot13", false));
    }

    #[test]
    fn gzip_is_unpacked_to_its_end() {
        for encoding in ["gz+base64", "gzip+base64", "gz+b64", "gzip+b64"] {
            assert!(decodes(PACKED, encoding, false), "{encoding}");
        }
        assert!(decodes(PACKED, "gzip", true), "YAML's own !!binary");
        assert!(!decodes("H4sIAAAAAAAAA8tIzcnJ5wIAIDA=", "gz+b64", false), "cut off");
    }
}
