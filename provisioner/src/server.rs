//! I/O around the domain: sockets, files, tasks, the clock.

pub mod app;
pub mod boots;
pub mod catalog;
pub mod catalog_dir;
pub mod clock;
pub mod context;
pub mod daemon;
pub mod dhcp;
pub mod directory;
pub mod explain;
pub mod grpc;
pub mod history;
pub mod http;
pub mod images;
pub mod loaders;
pub mod logs;
pub mod order;
pub mod recorder;
pub mod seed;
pub mod store;
pub mod telemetry;
pub mod tftp;
pub mod token;
