//! Packet by packet.

use tokio::net::UdpSocket;
use tokio::sync::Semaphore;

use super::*;

/// A client that does nothing by itself.
struct Client(UdpSocket);

impl Client {
    async fn new() -> Self {
        Self(UdpSocket::bind("127.0.0.1:0").await.unwrap())
    }

    /// A request with options: names and values.
    async fn ask(&self, server: &Running, opcode: u8, name: &str, options: &[&str]) {
        let mut packet = vec![0, opcode];
        for text in [&[name, "octet"], options].concat() {
            packet.extend(text.as_bytes());
            packet.push(0);
        }
        self.0.send_to(&packet, server.address).await.unwrap();
    }

    async fn read(&self, server: &Running, name: &str, options: &[&str]) {
        self.ask(server, 1, name, options).await;
    }

    async fn receive(&self) -> (Vec<u8>, SocketAddr) {
        let mut buffer = [0; 2000];
        let (length, from) = self.0.recv_from(&mut buffer).await.unwrap();
        (buffer[..length].to_vec(), from)
    }

    /// The error code of the next packet, and its text.
    async fn error(&self) -> (u8, String) {
        let (packet, _) = self.receive().await;
        assert_eq!(packet[..2], [0, 5], "no error but {packet:?}");
        let text = String::from_utf8_lossy(&packet[4..packet.len() - 1]).into_owned();
        (packet[3], text)
    }

    async fn acknowledge(&self, block: u8, to: SocketAddr) {
        self.0.send_to(&[0, 4, 0, block], to).await.unwrap();
    }

    /// Takes the one block of a short file.
    async fn take(&self) -> Vec<u8> {
        let (packet, from) = self.receive().await;
        assert_eq!(packet[..4], [0, 3, 0, 1], "no first block but {packet:?}");
        self.acknowledge(1, from).await;
        packet[4..].to_vec()
    }
}

/// Gives up a silent client at once.
fn impatient() -> Limits {
    Limits { timeout: Duration::from_millis(5), retries: 1, ..Limits::default() }
}

#[tokio::test(flavor = "multi_thread")]
async fn options_are_acknowledged_and_the_block_fits_a_frame() {
    let server = Running::with_files(&[("x", &loader(5000))]).await;
    let client = Client::new().await;
    let options = ["tsize", "0", "blksize", "8192", "windowsize", "8", "timeout", "3"];
    client.read(&server, "x", &options).await;
    let (packet, _) = client.receive().await;
    let text = String::from_utf8(packet[2..].to_vec()).unwrap();
    let words: Vec<&str> = text.split_terminator('\0').collect();
    let mut pairs: Vec<(&str, &str)> = words.chunks(2).map(|pair| (pair[0], pair[1])).collect();
    pairs.sort_unstable();
    let expected = [("blksize", "1468"), ("timeout", "3"), ("tsize", "5000"), ("windowsize", "8")];
    assert_eq!((packet[1], pairs.as_slice()), (6, &expected[..]));
}

/// curl 7.88 takes no `tsize` of 0, so it cannot say.
#[tokio::test(flavor = "multi_thread")]
async fn an_empty_file_is_one_empty_block() {
    let server = Running::with_files(&[("empty", &Bytes::new())]).await;
    let client = Client::new().await;
    client.read(&server, "empty", &[]).await;
    assert_eq!(client.take().await, b"");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_window_is_sent_before_its_acknowledgement() {
    let bytes = loader(1500);
    let server = Running::with_files(&[("x", &bytes)]).await;
    let client = Client::new().await;
    client.read(&server, "x", &["windowsize", "4"]).await;
    let (_, from) = client.receive().await;
    client.acknowledge(0, from).await;
    let mut got = Vec::new();
    for block in 1..=3 {
        let (packet, _) = client.receive().await;
        assert_eq!(packet[..4], [0, 3, 0, block]);
        got.extend(&packet[4..]);
    }
    assert!(got == bytes);
}

#[tokio::test(flavor = "multi_thread")]
async fn refusals_have_their_code_and_are_told() {
    let source = Scripted(|name: String| async move {
        Err(match name.as_str() {
            "secret" => Refused::NotAllowed,
            "later" => Refused::Unavailable("try again".into()),
            _ => Refused::NotFound,
        })
    });
    let mut server = Running::start(source, Limits::default()).await;
    let client = Client::new().await;
    let cases = [
        ("secret", Refused::NotAllowed, (2, "Permission denied")),
        ("later", Refused::Unavailable("try again".into()), (0, "try again")),
        ("nothing", Refused::NotFound, (1, "File not found")),
        ("../x", Refused::NotFound, (1, "File not found")),
    ];
    for (name, refused, (code, text)) in cases {
        client.read(&server, name, &[]).await;
        assert_eq!(client.error().await, (code, text.to_owned()), "{name}");
        assert_eq!(server.event().await, (name.to_owned(), What::Requested));
        assert_eq!(server.event().await, (name.to_owned(), What::Refused(refused)));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn writes_are_an_access_violation() {
    let server = Running::with_files(&[("x", &loader(10))]).await;
    let client = Client::new().await;
    client.ask(&server, 2, "x", &[]).await;
    assert_eq!(client.error().await.0, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn one_slow_open_stalls_nobody_else_and_is_answered_in_the_end() {
    let gate = Arc::new(Semaphore::new(0));
    let held = Arc::clone(&gate);
    let source = Scripted(move |name: String| {
        let gate = Arc::clone(&held);
        async move {
            if name == "slow" {
                drop(gate.acquire().await);
            }
            Ok(Bytes::from(name))
        }
    });
    let server = Running::start(source, Limits::default()).await;
    let (slow, fast) = (Client::new().await, Client::new().await);
    slow.read(&server, "slow", &[]).await;
    fast.read(&server, "fast", &[]).await;
    assert_eq!(fast.take().await, b"fast");
    gate.add_permits(1);
    assert_eq!(slow.take().await, b"slow");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_panic_in_the_source_ends_one_request_and_not_the_service() {
    let source = Scripted(|name: String| async move {
        assert_ne!(name, "bomb");
        Ok(Bytes::from(name))
    });
    let server = Running::start(source, Limits::default()).await;
    let client = Client::new().await;
    client.read(&server, "bomb", &[]).await;
    assert_eq!(client.error().await.0, 0);
    client.read(&server, "next", &[]).await;
    assert_eq!(client.take().await, b"next");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_falls_silent_is_abandoned_and_not_called_sent() {
    let files = Files::new([("x".to_owned(), loader(100))]).unwrap();
    let mut server = Running::start(files, impatient()).await;
    let client = Client::new().await;
    client.read(&server, "x", &[]).await;
    assert_eq!(server.event().await.1, What::Requested);
    let what = server.event().await.1;
    assert!(matches!(what, What::Abandoned { bytes: 100, .. }), "{what:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_repeated_request_from_one_port_starts_no_second_transfer() {
    let mut server = Running::with_files(&[("x", &loader(100))]).await;
    let client = Client::new().await;
    for _ in 0..3 {
        client.read(&server, "x", &[]).await;
    }
    client.take().await;
    assert_eq!(server.event().await.1, What::Requested);
    assert!(matches!(server.event().await.1, What::Sent { bytes: 100, .. }));
    let other = Client::new().await;
    other.read(&server, "y", &[]).await;
    assert_eq!(server.event().await, ("y".into(), What::Requested));
}

#[tokio::test(flavor = "multi_thread")]
async fn more_transfers_than_allowed_are_refused() {
    let files = Files::new([("x".to_owned(), loader(100))]).unwrap();
    let limits = Limits { sessions: 1, ..Limits::default() };
    let server = Running::start(files, limits).await;
    let (first, second) = (Client::new().await, Client::new().await);
    first.read(&server, "x", &[]).await;
    let (_, from) = first.receive().await;
    second.read(&server, "x", &[]).await;
    assert_eq!(second.error().await, (0, "too many transfers, try again".into()));
    first.acknowledge(1, from).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn stopping_refuses_new_requests_and_lets_the_last_transfer_end() {
    let mut server = Running::with_files(&[("x", &loader(100))]).await;
    let (client, late) = (Client::new().await, Client::new().await);
    client.read(&server, "x", &[]).await;
    let (_, from) = client.receive().await;
    server.stop();
    loop {
        late.read(&server, "y", &[]).await;
        if late.error().await == (0, "server is stopping".into()) {
            break;
        }
    }
    assert!(!server.task.is_finished());
    client.acknowledge(1, from).await;
    server.task.await.unwrap().unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn garbage_is_ignored() {
    let server = Running::with_files(&[("x", &loader(100))]).await;
    let client = Client::new().await;
    for garbage in
        [&b""[..], b"\0", b"\0\x01", b"\0\x01x", b"\0\x09x\0octet\0", b"\0\x01\xff\0octet\0"]
    {
        client.0.send_to(garbage, server.address).await.unwrap();
    }
    client.read(&server, "x", &[]).await;
    assert_eq!(client.take().await.len(), 100);
}

#[tokio::test]
async fn an_address_that_cannot_be_had_is_named() {
    let taken = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let address = taken.local_addr().unwrap();
    let source = Arc::new(Files::default());
    let error = Server::bind(address, source, drop, Limits::default()).await.unwrap_err();
    assert_eq!(error.to_string(), format!("cannot listen for TFTP on UDP {address}"));
}

#[test]
fn a_file_set_with_a_name_that_nobody_can_ask_for_is_refused() {
    let files = [("a".to_owned(), Bytes::new()), ("../b".to_owned(), Bytes::new())];
    assert_eq!(Files::new(files).unwrap_err(), "../b");
}
