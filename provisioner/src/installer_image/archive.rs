//! The archive. Times and numbers are fixed and names sorted, so that equal input gives equal bytes.

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::path::Path;

use super::Error;
use super::select::{Shipped, unpacked_name};

const DIRECTORY: u32 = 0o040_755;
const PROGRAM: u32 = 0o100_755;
const FILE: u32 = 0o100_644;
const CONSOLE: u32 = 0o020_600;
const LINK: u32 = 0o120_777;

/// What a name in the archive is.
enum Content {
    Directory,
    /// Character device 5:1: without it the kernel gives /init no standard output.
    Console,
    Link(&'static str),
    Bytes(u32, Vec<u8>),
}

/// Packs agent, modules and tables.
pub(super) fn pack(
    agent: &[u8],
    directory: &Path,
    release: &str,
    shipped: &Shipped,
) -> Result<Vec<u8>, Error> {
    let mut entries = BTreeMap::new();
    for name in ["dev", "proc", "run", "sys"] {
        entries.insert(name.to_owned(), Content::Directory);
    }
    entries.insert("dev/console".to_owned(), Content::Console);
    entries.insert("init".to_owned(), Content::Bytes(PROGRAM, agent.to_vec()));
    // The kernel itself asks for modules by this name (request_module): the agent answers.
    add(&mut entries, "sbin/modprobe", Content::Link("/init"));
    let modules = format!("lib/modules/{release}");
    for (name, table) in &shipped.tables {
        let content = Content::Bytes(FILE, table.clone().into_bytes());
        add(&mut entries, &format!("{modules}/{name}"), content);
    }
    for file in &shipped.files {
        let content = Content::Bytes(FILE, unpack(&directory.join(file))?);
        add(&mut entries, &format!("{modules}/{}", unpacked_name(file)), content);
    }
    write(&entries).map_err(|source| Error::Write { path: "initrd.img".into(), source })
}

/// Adds a name and the directories above it.
fn add(entries: &mut BTreeMap<String, Content>, name: &str, content: Content) {
    for (at, _) in name.match_indices('/') {
        let parent = name.get(..at).unwrap_or_default().to_owned();
        entries.entry(parent).or_insert(Content::Directory);
    }
    entries.insert(name.to_owned(), content);
}

/// A module as the kernel loads it. Its signature stands at the end of the unpacked file and stays.
fn unpack(path: &Path) -> Result<Vec<u8>, Error> {
    let bytes = super::read(path)?;
    let failed = |why: String| Error::Unpack { path: path.to_owned(), why };
    match path.extension().and_then(|end| end.to_str()) {
        Some("ko") => Ok(bytes),
        Some("zst") => zstd::decode_all(&bytes[..]).map_err(|error| failed(error.to_string())),
        Some("xz") => {
            let mut module = Vec::new();
            lzma_rs::xz_decompress(&mut &bytes[..], &mut module)
                .map_err(|error| failed(error.to_string()))?;
            Ok(module)
        }
        _ => Err(failed("only .ko, .ko.xz and .ko.zst are known".to_owned())),
    }
}

/// Sorted names put every directory before what is in it.
fn write(entries: &BTreeMap<String, Content>) -> io::Result<Vec<u8>> {
    let mut archive = Vec::new();
    for (number, (name, content)) in (1..).zip(entries) {
        let (mode, bytes) = match content {
            Content::Directory => (DIRECTORY, &[][..]),
            Content::Console => (CONSOLE, &[][..]),
            Content::Link(to) => (LINK, to.as_bytes()),
            Content::Bytes(mode, bytes) => (*mode, &bytes[..]),
        };
        let mut entry = cpio::NewcBuilder::new(name).ino(number).mode(mode).nlink(1);
        if matches!(content, Content::Console) {
            entry = entry.rdev_major(5).rdev_minor(1);
        }
        let size = u32::try_from(bytes.len()).map_err(io::Error::other)?;
        let mut writer = entry.write(&mut archive, size);
        writer.write_all(bytes)?;
        writer.finish()?;
    }
    cpio::newc::trailer(&mut archive)?;
    Ok(archive)
}
