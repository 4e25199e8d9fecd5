//! Builds the operating-system image that the lab installs, or finds it built, and says where it is.

use std::io::Write;
use std::path::PathBuf;

use clap::Parser;

/// Builds the lab's operating-system image once, and prints what there is as one line of JSON.
#[derive(Debug, Parser)]
struct Options {
    /// Directory that keeps the image.
    #[arg(long)]
    cache: PathBuf,
}

fn main() -> anyhow::Result<()> {
    let image = tests::image::debian(&Options::parse().cache)?;
    Ok(writeln!(std::io::stdout(), "{}", serde_json::to_string(&image)?)?)
}
