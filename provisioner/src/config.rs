//! `provisioner.yaml`: read strictly, checked whole, every default resolved.
//!
//! An unknown or repeated key, a wrong type and a value that cannot work are faults; all of them are told
//! at once, each with its line. What a later version will understand is refused by name, never ignored.

mod catalog;
mod dhcp;
mod signing;
mod values;

use std::fmt;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};

use yaml::{Dialect, Faults, Field, Keys, Map, SourceFile};

pub use catalog::{CatalogSettings, GitSettings};
pub use dhcp::{Dhcp, DhcpMode};
pub use signing::Signing;
pub use yaml::Fault;

/// How the daemon runs. Every default is resolved.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// Where everything that must survive is kept.
    pub data_dir: PathBuf,
    /// The address put into URLs; `None`: the address of the interface that was asked.
    pub advertise: Option<Ipv4Addr>,
    /// Interfaces to serve; empty when none was named.
    pub interfaces: Vec<String>,
    /// What becomes of machines that were never seen before.
    pub enrolment: Enrolment,
    /// Where groups, profiles and templates come from.
    pub catalog: CatalogSettings,
    /// The DHCP service.
    pub dhcp: Dhcp,
    /// Directory of the boot loaders.
    pub loaders: PathBuf,
    /// Where TFTP listens.
    pub tftp_listen: SocketAddr,
    /// Where the boot plane listens.
    pub http_listen: SocketAddr,
    /// Unix socket of the operator plane.
    pub operator_socket: PathBuf,
    /// Directory with images, kernels and what else machines fetch.
    pub assets: PathBuf,
    /// The keys that sign what is rendered.
    pub signing: Signing,
    /// The log.
    pub log: Log,
}

/// What becomes of machines that were never seen before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Enrolment {
    /// They are let in.
    Auto,
    /// They wait for `mayuctl approve`.
    Approve,
}

/// How the log is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Log {
    /// One line for people, or one JSON object, per entry.
    pub format: LogFormat,
    /// The least important that is written.
    pub level: LogLevel,
}

/// Shape of the log's entries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogFormat {
    /// Lines for people.
    Text,
    /// One JSON object a line.
    Json,
}

/// Importance of the log's entries.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum LogLevel {
    /// Something does not work.
    Error,
    /// Something needs a look.
    Warn,
    /// What happens.
    Info,
    /// How it happens.
    Debug,
    /// Everything.
    Trace,
}

impl LogLevel {
    /// The level's name as in the file, which is also the log filter's.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warn => "warn",
            Self::Info => "info",
            Self::Debug => "debug",
            Self::Trace => "trace",
        }
    }
}

/// What the command line says; it wins over the file.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Overrides {
    /// `--interface`: the only interface to serve.
    pub interface: Option<String>,
    /// `--data-dir`.
    pub data_dir: Option<PathBuf>,
    /// `--catalog`.
    pub catalog: Option<PathBuf>,
}

/// Everything that is wrong with the configuration. Shown as one line for each fault.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfigFaults(pub Vec<Fault>);

impl fmt::Display for ConfigFaults {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, fault) in self.0.iter().enumerate() {
            let break_before = if at == 0 { "" } else { "\n" };
            write!(f, "{break_before}{fault}")?;
        }
        Ok(())
    }
}

impl std::error::Error for ConfigFaults {}

impl Settings {
    /// Reads and checks a file; without one, the defaults.
    pub fn load(path: Option<&Path>, overrides: &Overrides) -> Result<Self, ConfigFaults> {
        let Some(path) = path else {
            return Self::parse("", "defaults", overrides);
        };
        let name = path.display().to_string();
        let text = std::fs::read_to_string(path).map_err(|error| unreadable(&name, &error))?;
        Self::parse(&text, &name, overrides)
    }

    /// Reads and checks a text. Relative paths in it are taken from the directory of `file_name`.
    pub fn parse(text: &str, file_name: &str, overrides: &Overrides) -> Result<Self, ConfigFaults> {
        let files = [SourceFile { path: file_name.to_owned(), text: text.to_owned() }];
        let faults = Faults::new(&files, Dialect::Settings);
        let settings = faults
            .read(0)
            .and_then(|tree| settings(&Field::new(&tree, "", &faults), file_name, overrides));
        let mut faults = faults.finish();
        faults.extend(overrides.interface.as_deref().and_then(interface_fault));
        match settings {
            Some(settings) if faults.is_empty() => Ok(settings),
            _ => Err(ConfigFaults(faults)),
        }
    }
}

const KEYS: [&str; 15] = [
    "data_dir",
    "advertise",
    "interfaces",
    "enrolment",
    "catalog",
    "history",
    "dhcp",
    "loaders",
    "tftp",
    "http",
    "operator",
    "signing",
    "store",
    "assets",
    "log",
];

const DATA_DIR: &str = "/var/lib/provisioner";
const LOADERS: &str = "/usr/lib/ipxe";
const OPERATOR_SOCKET: &str = "/run/provisioner.sock";
const TFTP_LISTEN: SocketAddr = SocketAddr::new(ANY, 69);
const HTTP_LISTEN: SocketAddr = SocketAddr::new(ANY, 8080);
const ANY: std::net::IpAddr = std::net::IpAddr::V4(Ipv4Addr::UNSPECIFIED);

/// Goes on after a fault with the default in its place, so that all faults are found.
fn settings(root: &Field<'_>, file: &str, overrides: &Overrides) -> Option<Settings> {
    let top = root.map(&Keys::of(&KEYS))?;
    let base = Path::new(file).parent().unwrap_or(Path::new(""));
    let path = |section: &Map<'_>, key| {
        let text = section.get(key)?.text()?;
        Some(base.join(text))
    };
    let data_dir = path(&top, "data_dir").unwrap_or_else(|| PathBuf::from(DATA_DIR));
    let data_dir = overrides.data_dir.clone().unwrap_or(data_dir);
    let loaders = sub(&top, "loaders", &["directory", "secure_boot"], &["secure_boot"]);
    let operator = sub(&top, "operator", &["listen", "socket"], &["listen"]);
    unavailable(&top);
    let dhcp = dhcp::read(&top);
    Some(Settings {
        advertise: advertise(&top, &dhcp),
        interfaces: interfaces(&top, overrides),
        enrolment: enrolment(&top),
        catalog: catalog::read(&top, base, overrides.catalog.as_deref()),
        dhcp,
        loaders: loaders
            .and_then(|section| path(&section, "directory"))
            .unwrap_or_else(|| PathBuf::from(LOADERS)),
        tftp_listen: listen(&top, "tftp", TFTP_LISTEN),
        http_listen: listen(&top, "http", HTTP_LISTEN),
        operator_socket: operator
            .and_then(|section| path(&section, "socket"))
            .unwrap_or_else(|| PathBuf::from(OPERATOR_SOCKET)),
        assets: path(&top, "assets").unwrap_or_else(|| data_dir.join("assets")),
        signing: signing::read(&top, base, &data_dir),
        log: log(&top),
        data_dir,
    })
}

/// A section, its keys checked, those of later versions refused.
fn sub<'a>(top: &Map<'a>, key: &str, known: &[&str], not_yet: &[&str]) -> Option<Map<'a>> {
    let section = top.get(key)?.map(&Keys::of(known))?;
    for field in not_yet.iter().filter_map(|key| section.get(key)) {
        refuse(&field);
    }
    Some(section)
}

/// What a later version will understand: never ignored in silence.
fn refuse(field: &Field<'_>) {
    field.fault::<()>("not available in this version; leave it out");
}

/// Sections of which nothing can be had yet but their defaults.
fn unavailable(top: &Map<'_>) {
    let history = sub(top, "history", &["remote", "push"], &["remote"]);
    let push = history.and_then(|section| section.get("push"));
    if let Some(field) = push.filter(|field| field.boolean() == Some(true)) {
        refuse(&field);
    }
    let store = sub(top, "store", &["redb", "etcd"], &["etcd"]);
    let redb = store.and_then(|section| section.get("redb"));
    redb.and_then(|field| field.map(&Keys::of(&[])));
}

fn advertise(top: &Map<'_>, dhcp: &Dhcp) -> Option<Ipv4Addr> {
    let field = top.get("advertise")?;
    let address = field.parsed(values::unicast)?;
    let mut pools = dhcp.subnets.iter().flat_map(|subnet| &subnet.pools);
    if pools.any(|pool| pool.contains(&address)) {
        return field.fault(format!(
            "{address} is in a pool: a machine could be given the provisioner's own address"
        ));
    }
    Some(address)
}

fn interfaces(top: &Map<'_>, overrides: &Overrides) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    for field in top.list("interfaces") {
        let name = field.parsed(values::interface).unwrap_or_default();
        if !name.is_empty() && names.contains(&name) {
            field.fault::<()>("named twice");
        }
        names.push(name);
    }
    match &overrides.interface {
        Some(name) => vec![name.clone()],
        None => names,
    }
}

fn enrolment(top: &Map<'_>) -> Enrolment {
    let table = [
        ("auto", Some(Enrolment::Auto)),
        ("approve", Some(Enrolment::Approve)),
        ("known-only", None),
    ];
    let read = || {
        let field = top.get("enrolment")?;
        let word = field.word(&table, &[])?;
        word.or_else(|| {
            field.fault("known-only is not available in this version; take auto or approve")
        })
    };
    read().unwrap_or(Enrolment::Auto)
}

fn listen(top: &Map<'_>, key: &str, default: SocketAddr) -> SocketAddr {
    sub(top, key, &["listen"], &[])
        .and_then(|section| section.parsed("listen", values::listen))
        .unwrap_or(default)
}

fn log(top: &Map<'_>) -> Log {
    let section = sub(top, "log", &["format", "level"], &[]);
    let formats = [("text", LogFormat::Text), ("json", LogFormat::Json)];
    let levels =
        [LogLevel::Error, LogLevel::Warn, LogLevel::Info, LogLevel::Debug, LogLevel::Trace];
    let levels = levels.map(|level| (level.name(), level));
    let section = section.as_ref();
    let format = section.and_then(|section| section.word("format", &formats, &[]));
    let level = section.and_then(|section| section.word("level", &levels, &[]));
    Log { format: format.unwrap_or(LogFormat::Text), level: level.unwrap_or(LogLevel::Info) }
}

fn interface_fault(name: &str) -> Option<Fault> {
    let message = values::interface(name).err()?;
    Some(Fault::without_place("--interface", message))
}

fn unreadable(name: &str, error: &io::Error) -> ConfigFaults {
    let message = format!("cannot be read: {error}");
    ConfigFaults(vec![Fault::without_place(name, message)])
}

#[cfg(test)]
mod tests;
