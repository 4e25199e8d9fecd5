//! Packets for tests: recorded ones by name, and made ones.

use std::path::PathBuf;

use crate::wire::MAGIC_COOKIE;

/// A recorded packet of `tests/captures`.
pub(crate) fn capture(name: &str) -> Vec<u8> {
    read_hex(&folder("captures").join(format!("{name}.hex")))
}

/// Every `.hex` file of a folder below `tests`, by name.
pub(crate) fn all(name: &str) -> Vec<(String, Vec<u8>)> {
    let mut files: Vec<PathBuf> = std::fs::read_dir(folder(name))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "hex"))
        .collect();
    files.sort();
    assert!(!files.is_empty(), "no packets in {name}");
    let stem = |path: &PathBuf| path.file_stem().unwrap().to_string_lossy().into_owned();
    files.iter().map(|path| (stem(path), read_hex(path))).collect()
}

/// A request of 52:54:00:00:00:09 with these options after the cookie; END is the caller's.
pub(crate) fn request(options: &[u8]) -> Vec<u8> {
    let mut bytes = vec![0; 236];
    bytes[..4].copy_from_slice(&[1, 1, 6, 0]);
    bytes[4..8].copy_from_slice(&[0xde, 0xad, 0xbe, 0xef]);
    bytes[28..34].copy_from_slice(&[0x52, 0x54, 0, 0, 0, 9]);
    bytes.extend(MAGIC_COOKIE);
    bytes.extend(options);
    bytes
}

fn folder(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests").join(name)
}

fn read_hex(path: &PathBuf) -> Vec<u8> {
    let text = std::fs::read_to_string(path).unwrap();
    let digits: String = text.chars().filter(|c| !c.is_whitespace()).collect();
    hex::decode(digits).unwrap()
}
