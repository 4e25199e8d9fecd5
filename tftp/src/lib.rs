//! TFTP, read-only: the service around `async-tftp`, its limits and its events.
//!
//! A [`Source`] says what a name holds; [`Files`] is the fixed one. Nothing is read from a disk here,
//! so there is no path to escape from: a name either is in the source or is "file not found".
//!
//! # What async-tftp 0.4.2 does and does not
//! - `blksize`, `tsize`, `timeout` and `windowsize` are negotiated; block numbers roll over.
//! - All opens share one mutex. [`Server`] therefore waits for a source for a tenth of a second only;
//!   a slower answer is awaited in the transfer itself, at the price of an answer without `tsize`.
//! - It ignores a client's ERROR packet. A client that only asks the size (EDK2 does) looks like one
//!   that fell silent: the first packet is repeated until the retries are used up, then the transfer
//!   is [`What::Abandoned`].
//! - It ignores the transfer mode: `netascii` and `mail` are served as `octet`.
//! - Names that are not UTF-8, options out of range and packets that do not parse get no answer.
//! - Replies leave from the address listened on; with 0.0.0.0, from the one that the route to the
//!   client prefers, so listen on a particular address where a machine has several.
//! - All transfers run in the one task that called [`Server::serve`].

mod event;
mod handler;
mod name;
mod server;
mod source;

pub use event::{Event, What};
pub use server::{BindError, Limits, ServeError, Server};
pub use source::{Files, Refused, Source};

#[cfg(test)]
mod tests;
