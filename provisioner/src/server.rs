//! I/O around the domain: sockets, files, tasks, the clock.

pub mod clock;
pub mod directory;
pub mod history;
pub mod recorder;
pub mod store;
pub mod token;
