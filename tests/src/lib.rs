//! The lab as a library: namespaces, machines with real firmware, the image they get, and a rack of them.
//!
//! From the ground up: [`netns`] is a wire in a namespace of its own, [`machine`] a QEMU machine on it,
//! [`provisioner`] and [`mayuctl`] the real programs, [`config`] what they are given, [`lab`] all of it
//! together. [`steps`] says how far a machine came, [`report`] says it to people.
//! `tests/README.md` has the facts about firmware that these are built on.

pub mod artifacts;
pub mod config;
pub mod disk;
pub mod evidence;
pub mod image;
pub mod lab;
pub mod machine;
pub mod mayuctl;
pub mod medium;
pub mod memory;
pub mod netns;
pub mod provisioner;
pub mod radv;
pub mod report;
pub mod steps;
pub mod wait;
