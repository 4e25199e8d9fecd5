//! Clients that others wrote: curl and tftp-hpa.

use std::path::Path;
use std::process::Output;

use tokio::process::Command;

use super::*;

async fn run(program: &str, arguments: &[&str]) -> Output {
    let output = Command::new(program).args(arguments).kill_on_drop(true).output().await;
    output.unwrap_or_else(|error| panic!("{program} (see xtask/packages.txt): {error}"))
}

async fn curl(server: &Running, name: &str, more: &[&str]) -> Output {
    let url = format!("tftp://{}/{name}", server.address);
    run("curl", &[&["-s", "--path-as-is", "--max-time", "60"], more, &[&url]].concat()).await
}

async fn tftp(server: &Running, folder: &Path, command: &[&str]) -> Output {
    let port = server.port();
    let local = folder.join("got").to_string_lossy().into_owned();
    let arguments = [&["127.0.0.1", &port, "-m", "binary", "-c"], command, &[&local]].concat();
    run("tftp", &arguments).await
}

#[tokio::test(flavor = "multi_thread")]
async fn curl_reads_back_what_is_served() {
    for length in [1, 511, 512, 513, 1468, 300_000] {
        let bytes = loader(length);
        let mut server = Running::with_files(&[("ipxe.efi", &bytes)]).await;
        let output = curl(&server, "ipxe.efi", &[]).await;
        assert_eq!(output.status.code(), Some(0), "{length} bytes");
        assert!(output.stdout == bytes, "{length} bytes came back different");
        assert_eq!(server.event().await, ("ipxe.efi".into(), What::Requested));
        let (_, what) = server.event().await;
        let sent = length as u64;
        assert!(matches!(what, What::Sent { bytes, .. } if bytes == sent), "{what:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn tftp_hpa_reads_back_what_is_served() {
    let bytes = loader(200_000);
    let server = Running::with_files(&[("dir/undionly.kpxe", &bytes)]).await;
    let folder = tempfile::tempdir().unwrap();
    let output = tftp(&server, folder.path(), &["get", "/dir/undionly.kpxe"]).await;
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    assert!(std::fs::read(folder.path().join("got")).unwrap() == bytes);
}

#[tokio::test(flavor = "multi_thread")]
async fn block_numbers_roll_over() {
    let bytes = loader(8 * 65_536 + 100);
    let server = Running::with_files(&[("vmlinuz", &bytes)]).await;
    let output = curl(&server, "vmlinuz", &["--tftp-blksize", "8"]).await;
    assert_eq!(output.status.code(), Some(0));
    assert!(output.stdout == bytes);
}

#[tokio::test(flavor = "multi_thread")]
async fn curl_is_told_that_a_file_is_not_there() {
    let server = Running::with_files(&[]).await;
    for name in ["nothing", "../../../../etc/passwd", "/etc/passwd"] {
        let output = curl(&server, name, &[]).await;
        assert_eq!(output.status.code(), Some(68), "CURLE_TFTP_NOTFOUND for {name}");
        assert!(output.stdout.is_empty(), "{name}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn curl_may_not_write() {
    let mut server = Running::with_files(&[]).await;
    let output = curl(&server, "new", &["-T", "/etc/hostname"]).await;
    assert_eq!(output.status.code(), Some(69), "CURLE_TFTP_PERM");
    assert_eq!(server.event().await, ("new".into(), What::WriteRefused));
}
