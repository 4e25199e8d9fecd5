//! I/O around the domain: sockets, files, tasks, the clock.

pub mod catalog_dir;
pub mod store;
