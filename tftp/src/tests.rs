use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use crate::{Event, Files, Limits, Refused, ServeError, Server, Source, What};

mod clients;
mod wire;

/// A server on the loopback interface.
struct Running {
    address: SocketAddr,
    events: UnboundedReceiver<Event>,
    stop: Option<oneshot::Sender<()>>,
    task: JoinHandle<Result<(), ServeError>>,
}

impl Running {
    async fn start(source: impl Source, limits: Limits) -> Self {
        let (events, observed) = unbounded_channel();
        let (stop, stopped) = oneshot::channel::<()>();
        let observer = move |event| drop(events.send(event));
        let any = SocketAddr::from(([127, 0, 0, 1], 0));
        let server = Server::bind(any, Arc::new(source), observer, limits).await.unwrap();
        let address = server.address();
        let stopped = async move { drop(stopped.await) };
        let task = tokio::spawn(server.serve(stopped, Duration::from_mins(1)));
        Self { address, events: observed, stop: Some(stop), task }
    }

    async fn with_files(files: &[(&str, &Bytes)]) -> Self {
        let files = files.iter().map(|(name, bytes)| ((*name).to_owned(), Bytes::clone(bytes)));
        Self::start(Files::new(files).unwrap(), Limits::default()).await
    }

    async fn event(&mut self) -> (String, What) {
        let event = self.events.recv().await.unwrap();
        (event.name, event.what)
    }

    fn port(&self) -> String {
        self.address.port().to_string()
    }

    fn stop(&mut self) {
        self.stop.take().unwrap().send(()).unwrap();
    }
}

/// Bytes of which no two blocks are alike.
fn loader(length: usize) -> Bytes {
    let mut state = 1_u32;
    let mut next = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        state.to_be_bytes()[0]
    };
    (0..length).map(|_| next()).collect()
}

/// What the source of a test does for a name.
struct Scripted<F>(F);

impl<F, O> Source for Scripted<F>
where
    F: Fn(String) -> O + Send + Sync + 'static,
    O: Future<Output = Result<Bytes, Refused>> + Send,
{
    async fn open(&self, _client: SocketAddr, name: &str) -> Result<Bytes, Refused> {
        (self.0)(name.to_owned()).await
    }
}
