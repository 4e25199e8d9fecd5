//! I/O around the domain: sockets, files, tasks, the clock.

pub mod store;
