//! The daemon: everything that can fail first, tasks last, and a stop that loses nothing.

use std::io;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock, mpsc};
use std::thread::JoinHandle;
use std::time::Duration;

use anyhow::Context as _;
use dhcp::socket::Listener;
use tokio::net::{TcpListener, UnixListener};
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::config::{DhcpMode, Enrolment, Settings};
use crate::domain::catalog::{Catalog, Fault};
use crate::domain::plan::moves;
use crate::server::app::App;
use crate::server::boots::Boots;
use crate::server::catalog::{self, Look, Serving};
use crate::server::history::{History, worker};
use crate::server::loaders::Loaders;
use crate::server::logs::Logs;
use crate::server::recorder::{Parts, Policy, Recorder, Request};
use crate::server::rendered::Rendered;
use crate::server::sign::Signer;
use crate::server::store::redb::RedbStore;
use crate::server::telemetry::Metrics;
use crate::server::tftp::LoaderSource;
use crate::server::token::TokenKey;
use crate::server::{clock, dhcp as dhcp_door, grpc, http, tftp as tftp_door};

/// How often deadlines are looked at.
const TICK: Duration = Duration::from_secs(1);
/// Time that TFTP transfers have to end when the daemon stops.
const TFTP_GRACE: Duration = Duration::from_secs(5);

/// Why the daemon ended.
#[derive(Debug)]
pub enum End {
    /// It was asked to.
    Stopped,
    /// The catalog has faults, so it never started.
    Catalog(Vec<Fault>),
    /// Something it cannot do without failed.
    Failed(anyhow::Error),
}

/// Runs until SIGTERM or SIGINT.
pub async fn run(settings: Settings) -> End {
    // First of all: a start can hang in a fetch, and has to be stoppable.
    let mut signals = match Signals::new() {
        Ok(signals) => signals,
        Err(error) => return End::Failed(error.into()),
    };
    let started = tokio::select! {
        () = signals.stop() => {
            tracing::info!("stopped before it had started");
            return End::Stopped;
        }
        started = start(settings) => started,
    };
    match started {
        Ok(daemon) => match daemon.until_stopped(signals).await {
            Ok(()) => End::Stopped,
            Err(error) => End::Failed(error),
        },
        Err(end) => end,
    }
}

async fn start(settings: Settings) -> Result<Daemon, End> {
    let (source, data_dir) = (settings.catalog.clone(), settings.data_dir.clone());
    let loaded = on_a_thread(move || Serving::load(&source, &data_dir)).await;
    let catalog = loaded.map_err(End::Failed)?.map_err(End::Catalog)?;
    Daemon::start(settings, catalog).await.map_err(End::Failed)
}

/// Does what blocks on a thread that nobody has to wait for: the end of the program ends it.
async fn on_a_thread<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> anyhow::Result<T> {
    let (tell, told) = tokio::sync::oneshot::channel();
    let run = move || {
        // Whoever wanted it may be gone.
        let _ = tell.send(work());
    };
    std::thread::Builder::new().name("start".to_owned()).spawn(run)?;
    told.await.context("the start ended in a panic; see the log")
}

struct Daemon {
    app: Arc<App>,
    tasks: JoinSet<anyhow::Result<()>>,
    stop: CancellationToken,
    threads: Vec<JoinHandle<()>>,
    socket: PathBuf,
}

/// What tells the daemon to stop.
struct Signals {
    terminate: Signal,
    interrupt: Signal,
}

impl Signals {
    fn new() -> io::Result<Self> {
        let terminate = signal(SignalKind::terminate())?;
        Ok(Self { terminate, interrupt: signal(SignalKind::interrupt())? })
    }

    async fn stop(&mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
    }
}

/// Sockets, all bound before the first task runs.
struct Doors {
    http: TcpListener,
    tftp: ::tftp::Server<LoaderSource>,
    dhcp: Option<Listener>,
    operator: UnixListener,
}

impl Daemon {
    async fn start(settings: Settings, catalog: Serving) -> anyhow::Result<Self> {
        raise_file_limit();
        make_directory(&settings.data_dir)?;
        make_directory(&settings.assets)?;
        let http = TcpListener::bind(settings.http_listen)
            .await
            .with_context(|| format!("cannot listen on http.listen {}", settings.http_listen))?;
        let port = http.local_addr()?.port();
        let (app, threads) = app(&settings, catalog, port)?;
        let app = Arc::new(app);
        let guarded = Arc::clone(&app);
        on_a_thread(move || guard(&guarded)).await??;
        let doors = doors(&settings, &app, http).await?;
        let mut daemon = Self {
            app,
            tasks: JoinSet::new(),
            stop: CancellationToken::new(),
            threads,
            socket: settings.operator_socket.clone(),
        };
        announce(&settings, &daemon.app);
        daemon.spawn(doors, settings.data_dir.join("history"));
        Ok(daemon)
    }

    fn spawn(&mut self, doors: Doors, history: PathBuf) {
        let (app, stop) = (&self.app, &self.stop);
        let tasks = &mut self.tasks;
        let (a, s) = (Arc::clone(app), stop.clone());
        tasks.spawn(async move {
            http::serve(doors.http, a, s).await;
            Ok(())
        });
        let s = stop.clone();
        tasks.spawn(async move { Ok(doors.tftp.serve(s.cancelled_owned(), TFTP_GRACE).await?) });
        if let Some(listener) = doors.dhcp {
            let (a, s) = (Arc::clone(app), stop.clone());
            tasks.spawn(async move {
                dhcp_door::serve(listener, a, s).await;
                Ok(())
            });
        }
        let (a, s) = (Arc::clone(app), stop.clone());
        tasks.spawn(async move { Ok(grpc::serve(doors.operator, a, history, s).await?) });
        let (c, s) = (Arc::clone(&app.catalog), stop.clone());
        tasks.spawn(async move {
            catalog::follow(c, s).await;
            Ok(())
        });
        let (a, s) = (Arc::clone(app), stop.clone());
        tasks.spawn(tick(a, s));
    }

    /// Waits for a signal, or for a task that should not have ended; then stops all of them in order.
    async fn until_stopped(mut self, mut signals: Signals) -> anyhow::Result<()> {
        let mut result = tokio::select! {
            () = signals.stop() => Ok(()),
            ended = self.tasks.join_next() => match ended {
                Some(ended) => Err(ended_early(ended)),
                None => Ok(()),
            },
        };
        tracing::info!("stopping");
        self.stop.cancel();
        while let Some(ended) = self.tasks.join_next().await {
            if let (Ok(()), Err(error)) =
                (&result, ended.map_err(anyhow::Error::from).and_then(|r| r))
            {
                result = Err(error);
            }
        }
        // A client that hangs on to its connection holds a recorder's handle: it is told, not waited for. What
        // waits is written, and then the history writes what it was given.
        self.app.recorder.stop().await;
        drop(self.app);
        let threads = self.threads;
        let joined = tokio::task::spawn_blocking(move || {
            threads.into_iter().all(|thread| thread.join().is_ok())
        });
        if !joined.await.unwrap_or(false) && result.is_ok() {
            result =
                Err(anyhow::anyhow!("the recorder or the history ended in a panic; see the log"));
        }
        // It may be gone already; a socket that nobody listens on is replaced at the next start.
        let _ = std::fs::remove_file(&self.socket);
        tracing::info!("stopped; everything is written");
        result
    }
}

fn ended_early(ended: Result<anyhow::Result<()>, tokio::task::JoinError>) -> anyhow::Error {
    match ended {
        Ok(Ok(())) => anyhow::anyhow!("a service ended by itself"),
        Ok(Err(error)) => error.context("a service failed"),
        Err(error) => anyhow::Error::from(error).context("a service panicked"),
    }
}

fn app(
    settings: &Settings,
    catalog: Serving,
    http_port: u16,
) -> anyhow::Result<(App, Vec<JoinHandle<()>>)> {
    let data = &settings.data_dir;
    // First of all: the store's lock says that this data directory is ours.
    let store = RedbStore::open(&data.join("store.redb"))?;
    let tokens = TokenKey::open(&data.join("token.key"))?;
    let loaders = Loaders::read(&settings.loaders)?;
    let mut history = History::open(&data.join("history"))?;
    let last_transition = history.last_number()?;
    let (to_history, transitions) = mpsc::channel();
    let back: Arc<OnceLock<tokio::sync::mpsc::WeakSender<Request>>> = Arc::default();
    let way = Arc::clone(&back);
    let worker = worker::spawn(history, transitions, move |number| {
        // A recorder that has ended keeps the transitions in the outbox: they are offered again.
        if let Some(recorder) = way.get().and_then(tokio::sync::mpsc::WeakSender::upgrade) {
            let _ = recorder.blocking_send(Request::HistoryHas(number));
        }
    })?;
    let addresses = Policy {
        subnets: settings.dhcp.subnets.clone(),
        authoritative: settings.dhcp.authoritative,
        enrol_at_once: settings.enrolment == Enrolment::Auto,
    };
    let parts = Parts { last_transition, store, addresses, history: to_history, clock: clock::now };
    let (recorder, thread) = Recorder::spawn(parts)?;
    // Set once, here.
    let _ = back.set(recorder.weak());
    let app = App {
        recorder,
        catalog: Arc::new(catalog),
        boots: Boots::default(),
        rendered: Rendered::default(),
        signer: Signer::load(&settings.signing)?,
        tokens,
        loaders,
        assets: settings.assets.clone(),
        logs: Logs::new(data.join("logs")),
        subnets: settings.dhcp.subnets.clone(),
        advertise: settings.advertise,
        http_port,
        dhcp: OnceLock::new(),
        metrics: Metrics::default(),
        history: worker.status,
    };
    Ok((app, vec![thread, worker.thread]))
}

/// From now on the known nodes have a say in what goes live. What came while the daemon was down is looked at
/// before the first machine asks.
fn guard(app: &App) -> anyhow::Result<()> {
    let gate = app.catalog.gate();
    let nodes = app.recorder.directory().all();
    let judge = |newest: &Catalog| catalog::since_recorded(newest, &nodes).gate(&gate);
    app.catalog.judge_without_past(judge).map_err(anyhow::Error::msg)?;
    let directory = Arc::clone(app.recorder.directory());
    app.catalog.guard(Box::new(move |old, new| {
        let nodes = directory.all();
        moves(old, new, nodes.iter().map(Arc::as_ref)).gate(&gate)
    }));
    app.catalog.look(&Look::Here);
    Ok(())
}

async fn doors(settings: &Settings, app: &Arc<App>, http: TcpListener) -> anyhow::Result<Doors> {
    let source = Arc::new(LoaderSource(Arc::clone(app)));
    let observer = Arc::clone(app);
    let observe = move |event| tftp_door::observe(&observer, &event);
    let limits = ::tftp::Limits::default();
    let tftp = ::tftp::Server::bind(settings.tftp_listen, source, observe, limits).await?;
    let dhcp = match settings.dhcp.mode {
        DhcpMode::Off => None,
        DhcpMode::Server => Some(Listener::bind(&settings.interfaces, dhcp::SERVER_PORT)?),
    };
    let operator = grpc::bind(&settings.operator_socket)?;
    Ok(Doors { http, tftp, dhcp, operator })
}

/// What is served, so that nobody has to guess.
fn announce(settings: &Settings, app: &App) {
    let loaders: Vec<&str> = app.loaders.names().collect();
    let catalog = app.catalog.current();
    tracing::info!("data directory {}", settings.data_dir.display());
    tracing::info!(
        catalog.id = catalog.id().as_str(),
        "catalog {} from {}: {} groups, {} profiles",
        catalog.id(),
        app.catalog.path(),
        catalog.groups().len(),
        catalog.profiles().count()
    );
    tracing::info!("HTTP on {}, TFTP on {}", settings.http_listen, settings.tftp_listen);
    tracing::info!("operators on unix:{}", settings.operator_socket.display());
    match settings.dhcp.mode {
        DhcpMode::Server => {
            let subnets: Vec<String> =
                settings.dhcp.subnets.iter().map(|subnet| subnet.cidr.to_string()).collect();
            tracing::info!("DHCP on {} for {}", settings.interfaces.join(", "), subnets.join(", "));
        }
        DhcpMode::Off => tracing::warn!(
            "DHCP is off: no dhcp.subnets are configured, so machines need another DHCP server that sends them here"
        ),
    }
    if loaders.is_empty() {
        tracing::warn!(
            "no boot loaders in {}: firmware cannot be served, only iPXE that is there already",
            settings.loaders.display()
        );
    } else {
        tracing::info!("boot loaders: {}", loaders.join(", "));
    }
}

async fn tick(app: Arc<App>, stop: CancellationToken) -> anyhow::Result<()> {
    while tokio::time::timeout(TICK, stop.cancelled()).await.is_err() {
        // Deaf and "ready" would be worse than gone: whoever supervises the daemon starts it again.
        let catalog = app.catalog.current().id().to_string();
        anyhow::ensure!(app.recorder.tick(catalog).await, "the recorder has ended; see the log");
    }
    Ok(())
}

/// A rack's connections and the history's packs are more files than the usual soft limit of 1,024.
fn raise_file_limit() {
    use nix::sys::resource::{Resource, getrlimit, setrlimit};
    let raised = getrlimit(Resource::RLIMIT_NOFILE)
        .and_then(|(_, hard)| setrlimit(Resource::RLIMIT_NOFILE, hard, hard));
    if let Err(error) = raised {
        tracing::warn!(%error, "the limit of open files could not be raised");
    }
}

/// Directories of the daemon are its owner's alone: they hold keys and leases.
fn make_directory(path: &Path) -> anyhow::Result<()> {
    let made = std::fs::DirBuilder::new().recursive(true).mode(0o700).create(path);
    match made {
        Ok(()) => Ok(()),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        Err(error) => Err(error).with_context(|| format!("cannot make {}", path.display())),
    }
}
