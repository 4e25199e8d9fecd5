//! How a command can end, and how that is told: what, where, what to do next.

use std::error::Error as _;
use std::io::{self, Write};
use std::process::ExitCode;

use tonic::{Code, Status, TimeoutExpired};

use crate::server::ServerAddress;
use crate::view::text::{clean, clean_lines};
use crate::words::Selector;

/// Exit codes of `mayuctl`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Exit {
    /// 0: done.
    Done = 0,
    /// 1: failed, or not in time.
    Failed = 1,
    /// 2: what was named does not exist.
    NotFound = 2,
    /// 3: refused or not allowed.
    Refused = 3,
    /// 4: the server cannot be reached, or went away.
    Unreachable = 4,
    /// 5: something would change; only when that was asked.
    Changes = 5,
    /// 64: wrong usage.
    Usage = 64,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}

/// Why a command was not done.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    #[error("{0}")]
    Usage(String),
    #[error("cannot reach the provisioner at {server}")]
    Unreachable { server: ServerAddress, source: io::Error },
    #[error("cannot {what}")]
    Answered { what: String, source: Box<Status> },
    #[error("lost the provisioner at {server}: it ended the watch")]
    WatchEnded { server: ServerAddress },
    #[error("no node has the labels {0}")]
    NothingMatches(Selector),
    #[error("nothing done: it was not answered with yes")]
    Declined,
    /// The reasons were told one by one.
    #[error("not done for {open} of {all} nodes")]
    Some { open: usize, all: usize, exit: Exit },
    #[error("the catalog was not taken, {faults}: the last good one goes on being served")]
    Catalog { faults: String },
    #[error("the catalog's source cannot be read: what was served goes on being served")]
    CatalogSource,
    #[error("the newest catalog waits for a word: the last good one goes on being served")]
    CatalogWaits,
    #[error("{0}")]
    TimedOut(String),
    /// An answer, given by the exit code.
    #[error("something would change")]
    Changes,
    /// The same, and the server would not take it by itself.
    #[error("this change would wait for an acknowledgement")]
    Gate,
    /// No answer, where 3 would be one.
    #[error(transparent)]
    NoAnswer(Box<Failure>),
    #[error("there is no {what} {name:?}")]
    NoSuch { what: &'static str, name: String },
    #[error("cannot write the output")]
    Output(#[from] io::Error),
    #[error("cannot turn the answer into {format}")]
    Format { format: &'static str, source: Box<dyn std::error::Error + Send + Sync> },
}

impl Failure {
    /// Turns a refused call into a failure: `what` completes "cannot …".
    pub(crate) fn answered(what: impl Into<String>) -> impl FnOnce(Status) -> Self {
        let what = what.into();
        move |status| Self::Answered { what, source: Box::new(status) }
    }

    pub(crate) fn exit(&self) -> Exit {
        match self {
            Self::Usage(_) => Exit::Usage,
            Self::Unreachable { .. } | Self::WatchEnded { .. } => Exit::Unreachable,
            Self::Answered { source, .. } if is_lost(source) => Exit::Unreachable,
            Self::Answered { source, .. } => exit_of(source.code()),
            Self::NothingMatches(_) | Self::NoSuch { .. } => Exit::NotFound,
            Self::Changes => Exit::Changes,
            Self::Gate => Exit::Refused,
            Self::NoAnswer(failure) if Self::exit(failure) == Exit::Refused => Exit::Failed,
            Self::NoAnswer(failure) => Self::exit(failure),
            Self::Some { exit, .. } => *exit,
            Self::Output(error) if error.kind() == io::ErrorKind::BrokenPipe => Exit::Done,
            Self::Declined
            | Self::Catalog { .. }
            | Self::CatalogSource
            | Self::CatalogWaits
            | Self::TimedOut(_)
            | Self::Output(_)
            | Self::Format { .. } => Exit::Failed,
        }
    }

    /// Says it on standard error. When that is gone, too, the exit code has to do.
    pub(crate) fn report(&self, err: &mut dyn Write) {
        if self.exit() == Exit::Done {
            return;
        }
        let mut text = format!("mayuctl: {self}");
        if let Some(cause) = self.cause() {
            text = format!("{text}: {cause}");
        }
        if let Some(hint) = self.hint() {
            let stop = if text.ends_with(['.', '!', '?']) { "" } else { "." };
            text = format!("{text}{stop} {hint}");
        }
        let _ = writeln!(err, "{}", clean_lines(&text));
    }

    fn cause(&self) -> Option<String> {
        match self {
            // The number behind the words is of no use to an operator.
            Self::Unreachable { source, .. } | Self::Output(source) => {
                let text = source.to_string();
                Some(text.split(" (os error").next().unwrap_or(&text).to_owned())
            }
            Self::Answered { source, .. } if source.source().is_some() => {
                Some(broken(source).into())
            }
            Self::Answered { source, .. } if source.message().is_empty() => {
                Some(source.code().to_string())
            }
            Self::Answered { source, .. } => Some(clean(source.message()).into_owned()),
            Self::Format { source, .. } => Some(source.to_string()),
            Self::NoAnswer(failure) => Self::cause(failure),
            _ => None,
        }
    }

    fn hint(&self) -> Option<&'static str> {
        match self {
            Self::Unreachable { source, .. } => Some(match source.kind() {
                io::ErrorKind::PermissionDenied => "The socket is for root: try with sudo.",
                io::ErrorKind::ConnectionRefused => {
                    "Nobody listens there any more: start `provisioner serve` again."
                }
                _ => {
                    "Is it running? `provisioner serve` makes this socket; \
                     --server or MAYUCTL_SERVER name another one."
                }
            }),
            Self::WatchEnded { .. } => Some("Is it still running? Start the command again."),
            Self::Answered { source, .. } if is_lost(source) => Some("Is it still running?"),
            Self::Answered { source, .. } => match source.code() {
                Code::NotFound if source.message().starts_with("no node ") => {
                    Some("`mayuctl get nodes` shows what there is.")
                }
                Code::FailedPrecondition if !source.message().contains("catalog") => {
                    Some("`mayuctl get nodes -o wide` shows states, reasons and ids.")
                }
                Code::PermissionDenied | Code::Unauthenticated => Some("Try with sudo."),
                Code::Unimplemented => Some("The server is older than this client: update it."),
                _ => None,
            },
            Self::NoAnswer(failure) => Self::hint(failure),
            Self::NothingMatches(_) => Some("`mayuctl get nodes` shows what there is."),
            Self::NoSuch { what: "group", .. } => Some("`mayuctl get groups` shows what there is."),
            Self::NoSuch { .. } => Some("`mayuctl get profiles` shows what there is."),
            Self::Catalog { .. } => Some("Mend them, then `mayuctl catalog reload`."),
            Self::CatalogWaits => {
                Some("Look at `mayuctl plan`, then `mayuctl catalog reload --ack`.")
            }
            _ => None,
        }
    }
}

/// The one table from gRPC's codes to exit codes.
fn exit_of(code: Code) -> Exit {
    match code {
        Code::Ok => Exit::Done,
        Code::NotFound => Exit::NotFound,
        Code::FailedPrecondition | Code::PermissionDenied | Code::Unauthenticated => Exit::Refused,
        Code::Unavailable => Exit::Unreachable,
        Code::InvalidArgument => Exit::Usage,
        _ => Exit::Failed,
    }
}

/// Whether the server went away rather than answered. Only a status that was made on this side has a
/// source: the broken transport, under whatever code tonic finds for it.
fn is_lost(status: &Status) -> bool {
    status.code() == Code::Unavailable || status.source().is_some()
}

/// What happened to the connection, in the operator's words and not the library's.
fn broken(status: &Status) -> &'static str {
    let mut next = status.source();
    while let Some(cause) = next {
        if cause.is::<TimeoutExpired>() {
            return "no answer came in time";
        }
        next = cause.source();
    }
    "the connection broke off"
}
