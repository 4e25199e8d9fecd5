//! End to end: real firmware, real kernels, a real operating system, the real programs.
//! Run by `cargo xtask test`; needs root. One test is one lab.

mod catalog;
mod interruptions;
mod rack;
mod refusals;
mod signatures;

use std::sync::OnceLock;
use std::time::Duration;

use anyhow::{Result, anyhow};
use tests::artifacts::Artifacts;
use tests::lab::Lab;

/// More than a whole installation takes when every core has several machines to emulate.
const INSTALLED: Duration = Duration::from_mins(15);
/// The same for a start from disk.
const BOOTED: Duration = Duration::from_mins(5);

/// The programs and images, found or built once for all tests.
fn artifacts() -> Result<&'static Artifacts> {
    static READY: OnceLock<Result<Artifacts, String>> = OnceLock::new();
    let ready = READY.get_or_init(|| Artifacts::ready().map_err(|e| format!("{e:#}")));
    ready.as_ref().map_err(|error| anyhow!("{error}"))
}

/// Fails with everything that is known about the rack unless `holds`.
fn demand(lab: &mut Lab, holds: bool, what: &str) -> Result<()> {
    if holds { Ok(()) } else { Err(lab.with_evidence(&anyhow!("not so: {what}"))) }
}
