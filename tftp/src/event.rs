//! What happened to a request.

use std::net::SocketAddr;
use std::time::Duration;

use crate::source::Refused;

/// One step of one client's request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    /// The client.
    pub client: SocketAddr,
    /// The name it asked for: normalised, or as it was sent if it is none.
    pub name: String,
    /// What happened.
    pub what: What,
}

/// What happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum What {
    /// A read was asked for. [`What::Refused`], [`What::Sent`] or [`What::Abandoned`] follows.
    Requested,
    /// It was answered with an error.
    Refused(Refused),
    /// A write was asked for and refused.
    WriteRefused,
    /// Sent, and acknowledged by the client to its last block.
    ///
    /// async-tftp does not say so; it is concluded from the transfer ending sooner after the last
    /// block was taken from memory than retrying that block would have lasted. The one exception is a
    /// last block that the operating system refused to send.
    Sent {
        /// Length of the file.
        bytes: u64,
        /// From the request to the last acknowledgement.
        duration: Duration,
    },
    /// The client fell silent, broke off, or only wanted to know the size.
    Abandoned {
        /// Bytes taken from memory: sent, but the last window of them not acknowledged.
        bytes: u64,
        /// From the request to giving up.
        duration: Duration,
    },
}
