//! Serves files by TFTP to try a client against the crate: `serve ADDRESS:PORT FILE…`, each by its
//! last name; ends at the first line on stdin or its end.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use tftp::{Files, Limits, Server};

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    tracing_subscriber::fmt().with_max_level(tracing::Level::DEBUG).init();
    let mut arguments = std::env::args().skip(1);
    let address = arguments.next().ok_or("name an address and port")?.parse()?;
    let mut files = Vec::new();
    for path in arguments {
        let name = Path::new(&path).file_name().ok_or("name files")?.to_string_lossy().into_owned();
        files.push((name, std::fs::read(&path)?.into()));
    }
    let observer = |event| tracing::info!(?event, "event");
    let source = Arc::new(Files::new(files)?);
    let server = Server::bind(address, source, observer, Limits::default()).await?;
    let stop = async {
        let end = tokio::task::spawn_blocking(|| std::io::stdin().read_line(&mut String::new()));
        drop(end.await);
    };
    server.serve(stop, Duration::from_secs(5)).await?;
    Ok(())
}
