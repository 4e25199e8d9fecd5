//! The programs, as the lab and the tests run them.

use std::fs;
use std::path::PathBuf;

use anyhow::{Context, Result};

use crate::run;

const AGENT_TARGET: &str = "x86_64-unknown-linux-gnu";

/// How the programs are built.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Profile {
    /// Quick to build.
    Dev,
    /// As shipped.
    Release,
}

/// Where the programs of this profile are.
pub(crate) fn directory(profile: Profile) -> PathBuf {
    let name = match profile {
        Profile::Dev => "debug",
        Profile::Release => "release",
    };
    target().join(name)
}

/// Builds daemon, client and lab.
///
/// # Errors
/// When the build fails.
pub(crate) fn programs(profile: Profile) -> Result<()> {
    let mut cargo = run::cargo(&["build", "--workspace", "--bins"]);
    if profile == Profile::Release {
        // In dev the whole workspace is built, so that dependencies get the same features as in its tests.
        cargo.args(["--release", "--exclude", "installer", "--exclude", "xtask"]);
    }
    run::step("build the programs", &mut cargo)
}

/// Builds the agent: static, since it is alone in its initramfs.
///
/// # Errors
/// When the build fails.
pub(crate) fn agent() -> Result<()> {
    let mut cargo = run::cargo(&["build", "--package", "installer", "--profile", "agent"]);
    cargo.args(["--target", AGENT_TARGET]);
    // Either of these would win over what makes it static.
    cargo.env_remove("RUSTFLAGS").env_remove("CARGO_ENCODED_RUSTFLAGS");
    cargo.env("CARGO_TARGET_X86_64_UNKNOWN_LINUX_GNU_RUSTFLAGS", "-C target-feature=+crt-static");
    run::step("build the agent", &mut cargo)
}

/// Builds what is shipped and says how large it is.
///
/// # Errors
/// When the build fails.
pub(crate) fn sizes() -> Result<()> {
    programs(Profile::Release)?;
    agent()?;
    let release = directory(Profile::Release);
    let agent = target().join(AGENT_TARGET).join("agent/installer");
    for file in [release.join("provisioner"), release.join("mayuctl"), agent] {
        let size = fs::metadata(&file).with_context(|| format!("no {}", file.display()))?.len();
        run::say(&format!("{:>10} KiB  {}", size / 1024, file.display()));
    }
    run::say("times and memory of whole boots: `cargo xtask lab`");
    Ok(())
}

fn target() -> PathBuf {
    std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| run::root().join("target"), PathBuf::from)
}
