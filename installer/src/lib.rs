//! The agent that runs from RAM on the machine being installed.
//!
//! As PID 1 of an initramfs it only mounts, starts itself a second time as the *worker*, waits, and
//! restarts the machine ([`supervise`]). The [`worker`] does the work, room by room, top-down:
//! [`kargs`] (where am I told to go) → [`modules`] (drivers) → [`network`] → [`inventory`] → claim
//! ([`server`]) → [`choose`] (which disk) → [`install`] (wipe, write, verify, configure, finish).
//!
//! Everything that decides is a pure function; everything that touches the machine takes a path or
//! a file, so that the whole way of an image onto a disk runs in a test on regular files.

pub mod backoff;
pub mod choose;
pub mod fetch;
pub mod filesystem;
pub mod gpt;
pub mod ignition;
pub mod install;
pub mod inventory;
pub mod kargs;
pub mod log;
pub mod modules;
pub mod network;
pub mod progress;
pub mod scratch;
pub mod seed;
pub mod server;
pub mod stop;
pub mod supervise;
pub mod target;
#[cfg(test)]
mod testing;
pub mod verify;
pub mod worker;
pub mod write;
