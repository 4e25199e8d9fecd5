//! Ignition configurations: checked against a model of the specification, and made from Butane.
//!
//! Pure: the files that a Butane config embeds are handed in.

pub mod butane;
mod local;
pub mod spec;

pub use local::{Local, LocalFiles};
