//! Ignition configurations: checked against a model of the specification, and made from Butane.
//!
//! Pure: the files that a Butane config embeds are handed in.

mod local;

pub use local::{Local, LocalFiles};
