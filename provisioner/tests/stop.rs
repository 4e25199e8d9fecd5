//! The real program is told to stop while somebody hangs on to it.
#![expect(clippy::unwrap_used, reason = "a test's helpers fail the test")]

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, ExitStatus};
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

/// Far more than any order takes: only a hang reaches it.
const HANG: Duration = Duration::from_mins(1);

/// Ends with the test, however that ends.
struct Daemon(Child);

impl Drop for Daemon {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn start(dir: &Path, port: u16) -> Daemon {
    start_with(dir, port, "")
}

fn start_with(dir: &Path, port: u16, more: &str) -> Daemon {
    let tftp = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let here = dir.display();
    let config = dir.join("provisioner.yaml");
    let text = format!(
        "data_dir: {here}/data\nassets: {here}/assets\nloaders: {{directory: {here}}}\n\
         http: {{listen: \"127.0.0.1:{port}\"}}\ntftp: {{listen: \"127.0.0.1:{tftp}\"}}\n\
         operator: {{socket: {here}/socket}}\nlog: {{level: error}}\n{more}"
    );
    std::fs::write(&config, text).unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_provisioner"));
    Daemon(command.args(["serve", "--config"]).arg(config).spawn().unwrap())
}

fn connect(port: u16) -> TcpStream {
    let started = Instant::now();
    loop {
        match TcpStream::connect(("127.0.0.1", port)) {
            Ok(stream) => return stream,
            Err(error) => assert!(started.elapsed() < HANG, "it does not listen: {error}"),
        }
        std::thread::sleep(Duration::from_millis(20));
    }
}

fn end(daemon: &mut Daemon) -> ExitStatus {
    kill(Pid::from_raw(i32::try_from(daemon.0.id()).unwrap()), Signal::SIGTERM).unwrap();
    let started = Instant::now();
    loop {
        if let Some(status) = daemon.0.try_wait().unwrap() {
            return status;
        }
        assert!(started.elapsed() < HANG, "it hangs");
        std::thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn a_client_that_stalls_in_the_middle_of_a_file_does_not_keep_a_daemon_that_is_to_stop() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::create_dir(dir.path().join("assets")).unwrap();
    let big = std::fs::File::create(dir.path().join("assets/big")).unwrap();
    big.set_len(1 << 30).unwrap();
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let mut daemon = start(dir.path(), port);
    let mut stalled = connect(port);
    stalled.write_all(b"GET /assets/big HTTP/1.1\r\nHost: x\r\n\r\n").unwrap();
    let mut first = [0; 64];
    stalled.read_exact(&mut first).unwrap();
    assert!(first.starts_with(b"HTTP/1.1 200"), "{}", String::from_utf8_lossy(&first));

    assert!(end(&mut daemon).success());

    // What it held is free: another one starts on the same data at once.
    let mut again = start(dir.path(), port);
    drop(connect(port));
    assert!(end(&mut again).success());
}

#[test]
fn a_start_that_hangs_in_a_fetch_can_be_stopped() {
    let dir = tempfile::tempdir().unwrap();
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let remote = format!("git://{}/c.git", silent.local_addr().unwrap());
    let mut daemon =
        start_with(dir.path(), port, &format!("catalog: {{git: {{remote: '{remote}'}}}}\n"));
    // It waits for an answer now, and gets none.
    let held = silent.accept().unwrap();
    assert!(end(&mut daemon).success());
    drop(held);
}
