//! The provisioning appliance as a library; `main.rs` is a thin shell around [`cli`].
//!
//! [`domain`] decides and knows no clock, socket, file or task. [`server`] does the I/O around it.

pub mod cli;
pub mod config;
pub mod domain;
pub mod init;
pub mod installer_image;
pub mod offline_plan;
pub mod server;
