//! Who signed a commit.

use std::path::Path;

use git2::{ErrorCode, Oid, Repository};
use signing::Keyring;

/// Largest file of keys, in bytes.
const MAX_KEYS: u64 = 1 << 20;

/// Who of those whose keys lie in a directory signed a commit. The error completes `commit ID: …`.
pub(super) fn signer(repository: &Repository, id: Oid, keys: &Path) -> Result<String, String> {
    let keyring = keyring(keys)?;
    let (signature, payload) =
        repository.extract_signature(&id, None).map_err(|error| match error.code() {
            ErrorCode::NotFound => format!(
                "is not signed, and catalog.git.verify demands a signature by a key of {}; sign it with \
                 `git commit --amend -S`",
                keys.display()
            ),
            _ => format!("its signature cannot be read: {}", error.message()),
        })?;
    let signature = String::from_utf8_lossy(&signature).into_owned();
    keyring.verify(&payload, &signature).map_err(|error| {
        format!(
            "its signature is not accepted: {error}; sign it with a key of {}, or add the public key there",
            keys.display()
        )
    })
}

fn keyring(directory: &Path) -> Result<Keyring, String> {
    let shown = directory.display();
    let cannot =
        |error: std::io::Error| format!("catalog.git.verify {shown} cannot be read: {error}");
    let mut keyring = Keyring::default();
    let mut entries = std::fs::read_dir(directory)
        .and_then(Iterator::collect::<Result<Vec<_>, _>>)
        .map_err(cannot)?;
    entries.sort_by_key(std::fs::DirEntry::file_name);
    for entry in entries {
        let (path, name) = (entry.path(), entry.file_name().to_string_lossy().into_owned());
        let about =
            std::fs::metadata(&path).map_err(|error| format!("{}: {error}", path.display()))?;
        if name.starts_with('.') || about.is_dir() {
            continue;
        }
        if about.len() > MAX_KEYS {
            return Err(format!("{} has more than {MAX_KEYS} bytes; is it a key?", path.display()));
        }
        let bytes = std::fs::read(&path).map_err(|error| format!("{}: {error}", path.display()))?;
        keyring
            .add(&name, &bytes)
            .map_err(|error| format!("the key file {}: {error}", path.display()))?;
    }
    if keyring.is_empty() {
        return Err(format!(
            "no key is in {shown}, so no commit can be trusted; put public keys there, of ssh (*.pub) or \
             OpenPGP (gpg --export --armor)"
        ));
    }
    Ok(keyring)
}
