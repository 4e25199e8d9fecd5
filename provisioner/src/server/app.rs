//! What the doors share: the recorder, the catalog in force, tokens, loaders. Nothing here decides.

use std::fmt::Write as _;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::{Arc, OnceLock};

use dhcp::socket::Listener;

use crate::domain::address::subnet::Subnet;
use crate::domain::boot::Purpose;
use crate::domain::catalog::{Catalog, Profile, Selection};
use crate::domain::node::{BootId, Millis, Node};
use crate::domain::timeline::Step;
use crate::server::catalog::Serving;
use crate::server::history::worker::HistoryStatus;
use crate::server::loaders::Loaders;
use crate::server::logs::Logs;
use crate::server::recorder::{Note, Recorder};
use crate::server::rendered::Rendered;
use crate::server::sign::Signer;
use crate::server::telemetry::Metrics;
use crate::server::token::TokenKey;
use crate::server::{boots::Boots, clock};

/// What the doors share.
#[derive(Debug)]
pub struct App {
    /// The single writer, and what it published.
    pub recorder: Recorder,
    /// The catalog in force.
    pub catalog: Arc<Serving>,
    /// Boot sessions and the catalog that each began with.
    pub boots: Boots,
    /// What was served last, so that a signature fits it.
    pub rendered: Rendered,
    /// Signs what machines verify; `None` without a key.
    pub signer: Option<Signer>,
    /// Makes and checks tokens.
    pub tokens: TokenKey,
    /// Boot loaders.
    pub loaders: Loaders,
    /// The asset store.
    pub assets: PathBuf,
    /// Logs that installers send.
    pub logs: Logs,
    /// Subnets that are served.
    pub subnets: Vec<Subnet>,
    /// Address for URLs, when the configuration names one.
    pub advertise: Option<Ipv4Addr>,
    /// Port of the HTTP boot plane.
    pub http_port: u16,
    /// The DHCP sockets, once they serve: they count what they drop.
    pub dhcp: OnceLock<Arc<Listener>>,
    /// Counters.
    pub metrics: Metrics,
    /// How far the history is.
    pub history: Arc<HistoryStatus>,
}

impl App {
    /// Base URL for a client that reached us at `local`.
    pub fn server_url(&self, local: SocketAddr) -> String {
        let address = self.advertise.map_or(local.ip().to_canonical(), IpAddr::V4);
        format!("http://{}", SocketAddr::new(address, self.http_port))
    }

    /// Notes a boot step of the machine that lives at an address, if one is known to.
    pub fn note_at(&self, address: Option<Ipv4Addr>, step: Step, detail: String) {
        note_at(&self.recorder, address, step, detail);
    }

    /// A new boot session of a node; `None` when the system has no randomness. It is newer than the node's
    /// last, even when the clock was set back.
    pub fn mint_boot(&self, node: &Node) -> Option<BootId> {
        let mut random = [0; 4];
        getrandom::fill(&mut random).ok()?;
        let last = node.status.attempt.as_ref().and_then(|attempt| attempt.boot.minted_at());
        let now = clock::now().max(Millis(last.map_or(0, |last| last.0 + 1)));
        Some(BootId::mint(now, u32::from_be_bytes(random)))
    }

    /// The group and profile of a node, by the labels that it has and the room that groups have.
    pub fn select<'c>(&self, catalog: &'c Catalog, node: &Node) -> Option<Selection<'c>> {
        let members = |group: &str| self.recorder.directory().read(|nodes| nodes.members(group));
        catalog.select_member(&node.labels(), node.status.group.as_deref(), members)
    }

    /// Why a machine gets what it gets, in a few lines for its screen or a refusal.
    pub fn explained(&self, catalog: &Catalog, node: &Node) -> Vec<String> {
        let members = |group: &str| self.recorder.directory().read(|nodes| nodes.members(group));
        crate::server::explain::short(catalog, node, members)
    }

    /// All counters and gauges as text.
    pub fn metrics_text(&self) -> String {
        let mut text = self.metrics.text();
        let mut states = std::collections::BTreeMap::<&str, u64>::new();
        for node in self.recorder.directory().all() {
            *states.entry(node.status.state.name()).or_default() += 1;
        }
        text.push_str("# TYPE provisioner_nodes gauge\n");
        for (state, count) in states {
            // Writing to a string cannot fail.
            let _ = writeln!(text, "provisioner_nodes{{state=\"{state}\"}} {count}");
        }
        if let Some(listener) = self.dhcp.get() {
            text.push_str("# TYPE provisioner_dhcp_dropped_total counter\n");
            for (reason, count) in listener.counters().dropped() {
                let _ =
                    writeln!(text, "provisioner_dhcp_dropped_total{{reason=\"{reason}\"}} {count}");
            }
        }
        text.push_str(&self.catalog.metrics_text());
        let lag = self.history.report().pending;
        let _ = writeln!(
            text,
            "# TYPE provisioner_history_pending gauge
provisioner_history_pending {lag}"
        );
        text
    }

    /// Why machines cannot be served now; `None` when they can.
    pub fn unready(&self) -> Option<String> {
        (!self.recorder.is_durable())
            .then(|| "the store cannot be written; see the log (disk full?)".to_owned())
    }
}

/// See [`App::note_at`].
pub fn note_at(recorder: &Recorder, address: Option<Ipv4Addr>, step: Step, detail: String) {
    let node = address.and_then(|address| recorder.directory().read(|nodes| nodes.at(address)));
    if let Some(node) = node {
        recorder.note(Note { node: node.id.clone(), boot: None, step, detail });
    }
}

/// What a profile is for.
pub fn purpose(profile: &Profile) -> Purpose {
    if let Some(reason) = &profile.hold {
        return Purpose::Hold(reason.clone());
    }
    match &profile.install {
        Some(install) if !profile.live => Purpose::Install(install.limits),
        _ if profile.live => Purpose::Live,
        _ => Purpose::LocalDisk(profile.message.clone()),
    }
}
