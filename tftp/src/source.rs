//! Where files come from.

use std::collections::HashMap;
use std::net::SocketAddr;

use bytes::Bytes;

/// Says what a name holds for a client.
///
/// `name` is normalised: components joined by `/`, no leading `/`, no empty component, `.` or `..`,
/// case as the client sent it. An answer within a tenth of a second is announced with its size.
pub trait Source: Send + Sync + 'static {
    /// The file's bytes, shared and not copied.
    fn open(
        &self,
        client: SocketAddr,
        name: &str,
    ) -> impl Future<Output = Result<Bytes, Refused>> + Send;
}

/// Why a file is not sent.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// There is none of that name: TFTP error 1.
    #[error("there is no such file")]
    NotFound,
    /// It is not for this client: TFTP error 2.
    #[error("the client may not have it")]
    NotAllowed,
    /// It cannot be had now: TFTP error 0, with this text, which the client's screen may show.
    #[error("it cannot be had now: {0}")]
    Unavailable(String),
}

/// A fixed set of files by name.
#[derive(Debug, Clone, Default)]
pub struct Files(HashMap<String, Bytes>);

impl Files {
    /// Names are normalised as those of requests are.
    ///
    /// # Errors
    /// The first name that no request can ever ask for: it is empty or has a `..`, `\` or control
    /// character in it.
    pub fn new(files: impl IntoIterator<Item = (String, Bytes)>) -> Result<Self, String> {
        let files = files.into_iter().map(|(name, bytes)| {
            let normal = crate::name::normalise(&name).ok_or(name)?;
            Ok((normal, bytes))
        });
        files.collect::<Result<_, _>>().map(Self)
    }

    /// The bytes of a normalised name.
    pub fn get(&self, name: &str) -> Option<Bytes> {
        self.0.get(name).cloned()
    }

    /// All names, in no order.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }
}

impl Source for Files {
    async fn open(&self, _client: SocketAddr, name: &str) -> Result<Bytes, Refused> {
        self.get(name).ok_or(Refused::NotFound)
    }
}
