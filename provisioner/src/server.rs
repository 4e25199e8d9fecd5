//! I/O around the domain: sockets, files, tasks, the clock.

pub mod history;
pub mod store;
