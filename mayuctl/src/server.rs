//! Where the provisioner is, and the way to it.

use std::error::Error;
use std::fmt;
use std::io;
use std::path::PathBuf;
use std::time::Duration;

use api::v1::boots_client::BootsClient;
use api::v1::catalog_client::CatalogClient;
use api::v1::history_client::HistoryClient;
use api::v1::nodes_client::NodesClient;
use api::v1::server_client::ServerClient;
use hyper_util::rt::TokioIo;
use tokio::net::UnixStream;
use tonic::transport::{Channel, Endpoint};

use crate::failure::Failure;

const DEFAULT_SOCKET: &str = "/run/provisioner.sock";
/// Longest wait for the beginning of an answer: a server that hangs is a failure, not a puzzle.
const ANSWER_WITHIN: Duration = Duration::from_mins(1);
/// tonic's own limit of 4 MiB is a few thousand nodes with their inventories.
const LARGEST_ANSWER: usize = 256 << 20;

/// Address of the operator plane: for now a unix socket on the same host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ServerAddress(PathBuf);

impl Default for ServerAddress {
    fn default() -> Self {
        Self(PathBuf::from(DEFAULT_SOCKET))
    }
}

impl ServerAddress {
    /// Reads an address; `origin` says where it was given, for the error.
    pub(crate) fn parse(origin: &str, typed: &str) -> Result<Self, Failure> {
        if typed.starts_with("http://") || typed.starts_with("https://") {
            return Err(Failure::Usage(format!(
                "{origin} `{typed}`: reaching a provisioner over the network comes with the operator \
                 plane; until then run mayuctl on its host, with unix:{DEFAULT_SOCKET}"
            )));
        }
        match typed.strip_prefix("unix:") {
            // `unix:///run/x` is the same as `unix:/run/x`, as gRPC spells it.
            Some(path) if !path.trim_start_matches('/').is_empty() => {
                Ok(Self(PathBuf::from(path.strip_prefix("//").unwrap_or(path))))
            }
            _ => Err(Failure::Usage(format!(
                "{origin} `{typed}`: write unix:PATH, as in unix:{DEFAULT_SOCKET}"
            ))),
        }
    }
}

impl fmt::Display for ServerAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "unix:{}", self.0.display())
    }
}

/// An open connection, and the services behind it.
#[derive(Debug, Clone)]
pub(crate) struct Client {
    channel: Channel,
    address: ServerAddress,
}

impl Client {
    /// Connects; a server that is not there fails here and not at the first call.
    pub(crate) async fn connect(address: ServerAddress) -> Result<Self, Failure> {
        let path = address.0.clone();
        let connector = tower::service_fn(move |_| {
            let path = path.clone();
            async move { UnixStream::connect(path).await.map(TokioIo::new) }
        });
        // The name goes into the request's authority, where a socket's path does not fit.
        let connected = Endpoint::from_static("http://localhost")
            .timeout(ANSWER_WITHIN)
            .connect_with_connector(connector)
            .await;
        match connected {
            Ok(channel) => Ok(Self { channel, address }),
            Err(error) => Err(Failure::Unreachable { server: address, source: io_cause(&error) }),
        }
    }

    pub(crate) fn address(&self) -> &ServerAddress {
        &self.address
    }

    pub(crate) fn nodes(&self) -> NodesClient<Channel> {
        NodesClient::new(self.channel.clone()).max_decoding_message_size(LARGEST_ANSWER)
    }

    pub(crate) fn catalog(&self) -> CatalogClient<Channel> {
        CatalogClient::new(self.channel.clone()).max_decoding_message_size(LARGEST_ANSWER)
    }

    pub(crate) fn history(&self) -> HistoryClient<Channel> {
        HistoryClient::new(self.channel.clone()).max_decoding_message_size(LARGEST_ANSWER)
    }

    pub(crate) fn boots(&self) -> BootsClient<Channel> {
        BootsClient::new(self.channel.clone()).max_decoding_message_size(LARGEST_ANSWER)
    }

    pub(crate) fn server(&self) -> ServerClient<Channel> {
        ServerClient::new(self.channel.clone())
    }
}

/// The socket's own error, which tonic wraps several times.
fn io_cause(error: &(dyn Error + 'static)) -> io::Error {
    let mut next = Some(error);
    let mut last = error;
    while let Some(cause) = next {
        if let Some(io) = cause.downcast_ref::<io::Error>() {
            return io.raw_os_error().map_or_else(
                || io::Error::new(io.kind(), io.to_string()),
                io::Error::from_raw_os_error,
            );
        }
        last = cause;
        next = cause.source();
    }
    io::Error::other(last.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_unix_socket_may_be_written_as_grpc_does() {
        for typed in ["unix:/run/p.sock", "unix:///run/p.sock"] {
            let address = ServerAddress::parse("--server", typed).unwrap();
            assert_eq!(address.to_string(), "unix:/run/p.sock");
        }
    }

    #[test]
    fn an_address_that_cannot_be_reached_this_way_says_what_can() {
        let errors: Vec<_> = ["https://10.77.0.1:8443", "unix:", "unix://", "/run/p.sock"]
            .iter()
            .map(|typed| ServerAddress::parse("--server", typed).unwrap_err().to_string())
            .collect();
        insta::assert_snapshot!(errors.join("\n"), @r"
        --server `https://10.77.0.1:8443`: reaching a provisioner over the network comes with the operator plane; until then run mayuctl on its host, with unix:/run/provisioner.sock
        --server `unix:`: write unix:PATH, as in unix:/run/provisioner.sock
        --server `unix://`: write unix:PATH, as in unix:/run/provisioner.sock
        --server `/run/p.sock`: write unix:PATH, as in unix:/run/provisioner.sock
        ");
    }
}
