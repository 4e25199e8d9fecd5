//! Bearer tokens of the node plane (docs/adr/0004).
//!
//! A token says whom it is for (node, generation, boot session) and carries an HMAC-SHA256 over that,
//! made with a key that never leaves the data directory. So nothing secret is stored per token, and a
//! repeated claim gets the same node token again.

use std::fs::OpenOptions;
use std::io::{self, Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use crate::domain::machine::NodeId;
use crate::domain::node::BootId;

/// Bytes of the key.
const KEY_BYTES: usize = 32;

/// What a token entitles to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// One boot: claim the installation and report on it.
    Boot,
    /// The installed system: say that it runs.
    Node,
}

impl Kind {
    const fn prefix(self) -> &'static str {
        match self {
            Self::Boot => "b1",
            Self::Node => "n1",
        }
    }
}

/// Whom a token is for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bearer {
    /// The node.
    pub node: NodeId,
    /// Install generation that the boot script was made for.
    pub generation: u64,
    /// The boot session.
    pub boot: BootId,
}

/// The secret that makes tokens. Its `Debug` shows nothing of it.
pub struct TokenKey(Hmac<Sha256>);

impl std::fmt::Debug for TokenKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("TokenKey(…)")
    }
}

/// Why there is no key.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// The file cannot be read or made.
    #[error("cannot read or make the token key {path}")]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// The file holds something else.
    #[error(
        "{path} is not a token key of {KEY_BYTES} bytes; move it away and start again: tokens in use end"
    )]
    Size {
        /// The file.
        path: PathBuf,
    },
}

impl TokenKey {
    /// The key in `path`; made, readable for its owner only, when there is none.
    pub fn open(path: &Path) -> Result<Self, KeyError> {
        let fail = |source| KeyError::Io { path: path.to_owned(), source };
        let mut bytes = Vec::new();
        match std::fs::File::open(path) {
            Ok(mut file) => {
                file.read_to_end(&mut bytes).map_err(fail)?;
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                bytes = make(path).map_err(fail)?.to_vec();
            }
            Err(error) => return Err(fail(error)),
        }
        let size = || KeyError::Size { path: path.to_owned() };
        let key: [u8; KEY_BYTES] = bytes.try_into().map_err(|_| size())?;
        Self::from_bytes(&key).ok_or_else(size)
    }

    fn from_bytes(key: &[u8; KEY_BYTES]) -> Option<Self> {
        Hmac::new_from_slice(key).ok().map(Self)
    }

    /// The token of `kind` for a bearer.
    pub fn mint(&self, kind: Kind, bearer: &Bearer) -> String {
        let text = claim_text(kind, bearer);
        let tag = self.mac(&text).finalize().into_bytes();
        format!("{text}.{}", URL_SAFE_NO_PAD.encode(tag))
    }

    /// Whom a token of `kind` is for; `None` when it was not made here. Compares in constant time.
    pub fn verify(&self, kind: Kind, token: &str) -> Option<Bearer> {
        let (text, tag) = token.rsplit_once('.')?;
        let tag = URL_SAFE_NO_PAD.decode(tag).ok()?;
        self.mac(text).verify_slice(&tag).ok()?;
        let mut parts = text.split('.');
        if parts.next()? != kind.prefix() {
            return None;
        }
        let node = parts.next()?.parse().ok()?;
        let generation = parts.next()?.parse().ok()?;
        let boot = BootId::parse(parts.next()?)?;
        parts.next().is_none().then_some(Bearer { node, generation, boot })
    }

    fn mac(&self, text: &str) -> Hmac<Sha256> {
        let mut mac = self.0.clone();
        mac.update(text.as_bytes());
        mac
    }
}

fn claim_text(kind: Kind, bearer: &Bearer) -> String {
    format!("{}.{}.{}.{}", kind.prefix(), bearer.node, bearer.generation, bearer.boot)
}

/// Writes a new key beside its place first: a torn write must not leave half a key.
fn make(path: &Path) -> io::Result<[u8; KEY_BYTES]> {
    let mut key = [0; KEY_BYTES];
    getrandom::fill(&mut key).map_err(io::Error::other)?;
    let temporary = path.with_extension("new");
    let mut file =
        OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&temporary)?;
    file.write_all(&key)?;
    file.sync_all()?;
    std::fs::rename(&temporary, path)?;
    if let Some(parent) = path.parent() {
        std::fs::File::open(parent)?.sync_all()?;
    }
    Ok(key)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bearer(generation: u64) -> Bearer {
        Bearer {
            node: "4c4c4544-0051-3610-8052-b4c04f4a3132".parse().unwrap(),
            generation,
            boot: BootId::mint(crate::domain::node::Millis(1), 2),
        }
    }

    #[test]
    fn a_token_is_good_for_its_own_kind_and_bearer_only() {
        let key = TokenKey::from_bytes(&[7; KEY_BYTES]).unwrap();
        let token = key.mint(Kind::Boot, &bearer(1));
        assert_eq!(key.verify(Kind::Boot, &token), Some(bearer(1)));
        assert_eq!(key.verify(Kind::Node, &token), None);
        assert_eq!(key.verify(Kind::Boot, &token.replace(".1.", ".2.")), None);
        assert_eq!(TokenKey::from_bytes(&[8; KEY_BYTES]).unwrap().verify(Kind::Boot, &token), None);
        for junk in ["", ".", "b1", "b1.x.1.y.z", "é.é"] {
            assert_eq!(key.verify(Kind::Boot, junk), None);
        }
    }

    #[test]
    fn the_key_survives_and_is_its_owners_alone() {
        use std::os::unix::fs::PermissionsExt;
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("token.key");
        let token = TokenKey::open(&path).unwrap().mint(Kind::Node, &bearer(3));
        assert_eq!(TokenKey::open(&path).unwrap().verify(Kind::Node, &token), Some(bearer(3)));
        assert_eq!(path.metadata().unwrap().permissions().mode() & 0o777, 0o600);
        std::fs::write(&path, "short").unwrap();
        assert!(matches!(TokenKey::open(&path), Err(KeyError::Size { .. })));
    }
}
