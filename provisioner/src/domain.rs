//! What the appliance knows and decides. Pure: time and randomness are parameters, nothing here does I/O.
//!
//! Reading order: who is this machine ([`machine`], [`labels`]), what do we want of it ([`catalog`]),
//! what has it become ([`node`], [`timeline`]), what would a change of the catalog
//! change ([`plan`]), where does it live ([`address`]), what does it boot next
//! ([`boot`]), and in which words do we tell it ([`render`])? What people write is read by [`yaml`].

pub mod address;
pub mod boot;
pub mod catalog;
pub mod labels;
pub mod machine;
pub mod node;
pub mod plan;
pub mod render;
pub mod timeline;
