//! TFTP: the loaders, by the names that DHCP hands out, and nothing else.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use bytes::Bytes;
use tftp::{Event, Refused, Source, What};

use crate::domain::timeline::Step;
use crate::server::app::App;

/// The loaders as TFTP sees them.
#[derive(Debug)]
pub struct LoaderSource(pub Arc<App>);

impl Source for LoaderSource {
    async fn open(&self, _client: SocketAddr, name: &str) -> Result<Bytes, Refused> {
        self.0.loaders.get(name).ok_or(Refused::NotFound)
    }
}

/// Notes what happened to a transfer, on the machine's timeline and in the counters.
pub fn observe(app: &App, event: &Event) {
    let IpAddr::V4(address) = event.client.ip().to_canonical() else {
        return;
    };
    let (client, name) = (event.client, &event.name);
    let outcome = match &event.what {
        What::Requested => "requested",
        What::WriteRefused => {
            tracing::warn!(%client, name, "TFTP refused to let {client} write {name:?}");
            "write-refused"
        }
        What::Sent { .. } => {
            app.note_at(Some(address), Step::Loader, format!("{name} by TFTP"));
            tracing::info!(%client, name, "TFTP sent {name} to {client}");
            "sent"
        }
        What::Refused(why) => {
            tracing::info!(%client, name, "TFTP refused {name:?} to {client}: {why}");
            "refused"
        }
        What::Abandoned { .. } => {
            tracing::warn!(%client, name, "TFTP transfer of {name} to {client} was not finished");
            "abandoned"
        }
    };
    app.metrics.count("provisioner_tftp_requests_total", &format!("outcome=\"{outcome}\""));
}
