//! DHCP for machines that boot from the network: a pure protocol core and one file with a socket.
//!
//! - [`Request::parse`] makes a typed request of a packet's bytes, or says what is wrong with them.
//! - [`Request::stage`], [`Request::client_state`] and [`Arch`] are the facts a server decides by.
//! - [`Reply`] says what was decided; [`Reply::encode`] is how the wire wants it said to that client.
//! - [`destination`] is RFC 2131 section 4.1's table of where a reply goes.
//! - [`socket`] carries bytes in and out of named interfaces.
//!
//! The crate knows nothing of groups, nodes, leases or files; all but [`socket`] knows no clock, no
//! random source and no I/O either.
//!
//! No input makes it panic. `dhcproto` is the second opinion in the tests only: its decoder reads
//! typed options without regard to their length (one short option shifts all that follow), lets the
//! last of several fragments win where RFC 3396 joins them, ignores overloaded `sname` and `file`
//! fields, stops silently at the first fault, and `Message::chaddr` panics on an `hlen` over 16.

mod addresses;
mod arch;
mod destination;
mod options;
mod reply;
mod request;
pub mod socket;
mod wire;

pub use addresses::Mac;
pub use arch::{Arch, Family};
pub use destination::{CLIENT_PORT, Destination, SERVER_PORT, destination};
pub use options::{Options, code};
pub use reply::{Answer, Boot, Encoded, Lease, Reply, TooLarge};
pub use request::{ClientState, IpxeFeatures, Kind, Request, Stage};
pub use wire::{Malformed, Packet};

#[cfg(test)]
mod tests;
