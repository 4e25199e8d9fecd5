//! A small HTTP server for tests that misbehaves on demand.

pub(crate) mod systems;

use std::collections::VecDeque;
use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};

/// What happens to one connection.
#[derive(Debug, Clone)]
pub(crate) enum Act {
    /// The bytes as asked for.
    Serve,
    /// That many bytes of the body, then the connection breaks.
    Cut(usize),
    /// All of the body, whatever range was asked for.
    IgnoreRange,
    /// All of the body under another entity tag, as `If-Range` asks for then.
    OtherTag,
    /// A body that is said to be one byte longer.
    OtherSize,
    /// A status and this body.
    Status(u16, String),
}

/// A server for one body; every connection takes the next act, then serves.
pub(crate) struct HttpServer {
    pub(crate) address: SocketAddr,
    shared: Arc<Shared>,
    listening: Option<JoinHandle<()>>,
}

#[derive(Debug)]
struct Shared {
    body: Vec<u8>,
    acts: Mutex<VecDeque<Act>>,
    requests: Mutex<Vec<Request>>,
    down: AtomicBool,
}

/// What came in.
#[derive(Debug, Clone, Default)]
pub(crate) struct Request {
    pub(crate) path: String,
    pub(crate) range: Option<String>,
    pub(crate) if_range: Option<String>,
    pub(crate) authorization: Option<String>,
    pub(crate) body: String,
}

impl HttpServer {
    pub(crate) fn start(body: Vec<u8>, acts: impl IntoIterator<Item = Act>) -> Self {
        let shared = Arc::new(Shared {
            body,
            acts: Mutex::new(acts.into_iter().collect()),
            requests: Mutex::new(Vec::new()),
            down: AtomicBool::new(false),
        });
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let listening = Some(listen(listener, Arc::clone(&shared)));
        Self { address, shared, listening }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}/image", self.address)
    }

    pub(crate) fn requests(&self) -> Vec<Request> {
        self.shared.requests.lock().unwrap().clone()
    }

    pub(crate) fn is_up(&self) -> bool {
        self.listening.is_some()
    }

    /// Stops listening: new connections are refused by the kernel.
    pub(crate) fn kill(&mut self) {
        self.shared.down.store(true, Ordering::SeqCst);
        // Wakes the thread out of accept.
        drop(TcpStream::connect(self.address));
        if let Some(listening) = self.listening.take() {
            listening.join().unwrap();
        }
    }

    /// Listens again at the same address.
    pub(crate) fn restart(&mut self) {
        self.shared.down.store(false, Ordering::SeqCst);
        let listener = TcpListener::bind(self.address).unwrap();
        self.listening = Some(listen(listener, Arc::clone(&self.shared)));
    }
}

impl Drop for HttpServer {
    fn drop(&mut self) {
        if self.listening.is_some() {
            self.kill();
        }
    }
}

fn listen(listener: TcpListener, shared: Arc<Shared>) -> JoinHandle<()> {
    thread::spawn(move || {
        for stream in listener.incoming() {
            if shared.down.load(Ordering::SeqCst) {
                return;
            }
            // A client that hangs up in the middle is part of some tests.
            let _ = answer(&stream.unwrap(), &shared);
        }
    })
}

fn answer(stream: &TcpStream, shared: &Shared) -> std::io::Result<()> {
    let request = read_request(stream)?;
    let range = request.range.clone();
    shared.requests.lock().unwrap().push(request);
    let act = shared.acts.lock().unwrap().pop_front().unwrap_or(Act::Serve);
    let (body, total) = (&shared.body, shared.body.len());
    let start = match (&act, range) {
        (Act::IgnoreRange | Act::OtherTag | Act::OtherSize, _) | (_, None) => 0,
        (_, Some(range)) => range["bytes=".len()..].trim_end_matches('-').parse().unwrap(),
    };
    let mut out = stream;
    if let Act::Status(status, text) = &act {
        let length = text.len();
        return write!(
            out,
            "HTTP/1.1 {status} X\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{text}"
        );
    }
    let tag = if matches!(act, Act::OtherTag) { "other" } else { "one" };
    let status = if start == 0 { "200 OK" } else { "206 Partial Content" };
    write!(
        out,
        "HTTP/1.1 {status}\r\nETag: \"{tag}\"\r\nContent-Length: {}\r\n\
         Content-Range: bytes {start}-{}/{total}\r\nConnection: close\r\n\r\n",
        total - start + usize::from(matches!(act, Act::OtherSize)),
        total - 1,
    )?;
    let end = match act {
        Act::Cut(bytes) => (start + bytes).min(total),
        _ => total,
    };
    out.write_all(&body[start..end])
}

fn read_request(stream: &TcpStream) -> std::io::Result<Request> {
    let mut reader = BufReader::new(stream);
    let mut request = Request::default();
    let mut length = 0;
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line)? == 0 || line == "\r\n" {
            break;
        }
        let line = line.trim_end();
        if request.path.is_empty() {
            request.path = line.split(' ').nth(1).unwrap_or_default().to_owned();
        } else if let Some((name, value)) = line.split_once(": ") {
            match &name.to_ascii_lowercase()[..] {
                "range" => request.range = Some(value.to_owned()),
                "if-range" => request.if_range = Some(value.to_owned()),
                "authorization" => request.authorization = Some(value.to_owned()),
                "content-length" => length = value.parse().unwrap(),
                _ => {}
            }
        }
    }
    let mut body = vec![0; length];
    std::io::Read::read_exact(&mut reader, &mut body)?;
    request.body = String::from_utf8(body).unwrap();
    Ok(request)
}
