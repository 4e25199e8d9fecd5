//! DHCP: from a request through identity, address and boot decision to a reply.

use std::net::Ipv4Addr;
use std::sync::Arc;

use dhcp::socket::{Listener, Received};
use dhcp::{Boot, ClientState, Family, Kind, Lease, Reply, Request, destination};
use tokio_util::sync::CancellationToken;

use crate::domain::address::subnet::Subnet;
use crate::domain::address::{self, Ask};
use crate::domain::boot::{self, Next, Platform, Stage};
use crate::domain::machine::{Claims, Mac, Uuid};
use crate::domain::node::Node;
use crate::domain::timeline::Step;
use crate::server::app::App;
use crate::server::recorder::{AddressAsk, Given, Sighting};

/// Requests that are worked on at once. More wait in the socket's buffer, where the oldest are lost first.
const AT_ONCE: usize = 1024;

/// Serves until `stop`.
pub async fn serve(listener: Listener, app: Arc<App>, stop: CancellationToken) {
    let listener = Arc::new(listener);
    // Served once in a daemon's life.
    let _ = app.dhcp.set(Arc::clone(&listener));
    let room = Arc::new(tokio::sync::Semaphore::new(AT_ONCE));
    loop {
        let received = tokio::select! {
            () = stop.cancelled() => return,
            received = listener.receive() => received,
        };
        let received = match received {
            Ok(received) => received,
            Err(error) => {
                tracing::error!(%error, "DHCP cannot be received; trying again");
                tokio::time::sleep(std::time::Duration::from_secs(1)).await;
                continue;
            }
        };
        let Ok(permit) = Arc::clone(&room).acquire_owned().await else {
            return;
        };
        let door = Door { app: Arc::clone(&app), listener: Arc::clone(&listener) };
        // One packet's fault ends one packet's task.
        tokio::spawn(async move {
            door.answer(received).await;
            drop(permit);
        });
    }
}

struct Door {
    app: Arc<App>,
    listener: Arc<Listener>,
}

impl Door {
    async fn answer(&self, received: Received) {
        let request = &received.request;
        match self.decide(&received).await {
            Ok(Some(reply)) => self.send(&received, &reply).await,
            Ok(None) => {}
            Err(why) => {
                self.app.metrics.count("provisioner_dhcp_silent_total", "");
                tracing::info!(
                    dhcp.mac = %request.chaddr,
                    dhcp.xid = request.xid,
                    "no answer to the {:?} of {}: {why}",
                    request.kind,
                    request.chaddr
                );
            }
        }
    }

    async fn send(&self, received: &Received, reply: &Reply) {
        let request = &received.request;
        let encoded = match reply.encode(request) {
            Ok(encoded) => encoded,
            Err(error) => {
                tracing::warn!(dhcp.mac = %request.chaddr, %error, "a DHCP reply does not fit");
                return;
            }
        };
        let to = destination(request, reply);
        let kind = format!("{:?}", reply.answer).to_lowercase();
        self.app.metrics.count("provisioner_dhcp_replies_total", &format!("kind=\"{kind}\""));
        let address = reply.lease.map(|lease| lease.address.to_string()).unwrap_or_default();
        let file = reply.boot.as_ref().map(|boot| boot.file.as_str()).unwrap_or_default();
        tracing::info!(
            dhcp.mac = %request.chaddr,
            dhcp.xid = request.xid,
            dhcp.stage = ?request.stage(),
            "{kind} to {}: {address} {file}",
            request.chaddr
        );
        if let Err(error) = self.listener.send(&received.interface, &encoded.bytes, to).await {
            tracing::warn!(dhcp.mac = %request.chaddr, %error, "a DHCP reply could not be sent");
        }
    }

    /// What to reply; nothing without a word for what is not ours; an error says why there is no answer.
    async fn decide(&self, received: &Received) -> Result<Option<Reply>, String> {
        let request = &received.request;
        let here = received
            .interface
            .address()
            .ok_or_else(|| format!("interface {} has no address", received.interface.name))?;
        // RFC 2131 section 4.3.2: who renews from behind a relay asks directly; its own address says where it is.
        let own = Some(request.ciaddr)
            .filter(|ciaddr| address::subnet_of(&self.app.subnets, *ciaddr).is_some());
        let link = match request.giaddr {
            giaddr if !giaddr.is_unspecified() => giaddr,
            _ => own.unwrap_or(here),
        };
        let mac = Mac::new(request.chaddr.octets());
        match request.kind {
            Kind::Discover => self.discover(request, mac, link, here).await,
            Kind::Request => self.request(request, mac, link, here).await,
            Kind::Release => {
                self.ask(AddressAsk::Release { mac, address: request.ciaddr }).await.map(|_| None)
            }
            Kind::Decline => {
                let address = request.requested.ok_or("it declines no address")?;
                tracing::warn!(dhcp.mac = %mac, %address, "{mac} found {address} in use by somebody else");
                self.ask(AddressAsk::Decline { mac, address }).await.map(|_| None)
            }
            Kind::Inform => {
                Ok(Some(self.furnish(Reply::inform_ack(here), request, link, here, None)))
            }
            Kind::Bootp => Err("a BOOTP client without DHCP".to_owned()),
        }
    }

    async fn discover(
        &self,
        request: &Request,
        mac: Mac,
        link: Ipv4Addr,
        here: Ipv4Addr,
    ) -> Result<Option<Reply>, String> {
        let node = self.sight(request, mac).await;
        let ask = AddressAsk::Offer { mac, wish: request.requested, link };
        match self.ask(ask).await? {
            Given::Offer(address) => {
                let reply = Reply::offer(here, self.lease(address, link)?);
                Ok(Some(self.furnish(reply, request, link, here, node.as_deref())))
            }
            Given::Nothing(why) | Given::Nak(why) => Err(why),
            Given::Lease(lease) => {
                Err(format!("{} was leased before it was offered", lease.address))
            }
        }
    }

    async fn request(
        &self,
        request: &Request,
        mac: Mac,
        link: Ipv4Addr,
        here: Ipv4Addr,
    ) -> Result<Option<Reply>, String> {
        let ask = match request.client_state() {
            Some(ClientState::Selecting { server, .. }) if server != here => {
                return Err(format!("it took the offer of another DHCP server, {server}"));
            }
            Some(ClientState::Selecting { requested, .. }) => Ask::Selecting(requested),
            Some(ClientState::InitReboot { requested }) => Ask::InitReboot(requested),
            Some(ClientState::Extending { address }) => Ask::Renewing(address),
            Some(ClientState::Contradictory) | None => {
                return Err("its fields contradict each other (RFC 2131, table 4)".to_owned());
            }
        };
        let hostname = request.host_name.clone().unwrap_or_default();
        match self.ask(AddressAsk::Bind { mac, ask, link, hostname }).await? {
            Given::Lease(lease) => {
                let claims = Claims::new().with_mac(Some(mac));
                let node = self.known(&claims);
                let reply = Reply::ack(here, self.lease(lease.address, link)?);
                Ok(Some(self.furnish(reply, request, link, here, node.as_deref())))
            }
            Given::Nak(why) => {
                tracing::info!(dhcp.mac = %mac, "refused: {why}");
                Ok(Some(Reply::nak(here, why)))
            }
            Given::Nothing(why) => Err(why),
            Given::Offer(address) => Err(format!("{address} was offered, not leased")),
        }
    }

    /// Lets the recorder know of a machine that net-boots. An operating system's DHCP client is no sight
    /// of a machine to provision.
    async fn sight(&self, request: &Request, mac: Mac) -> Option<Arc<Node>> {
        let platform = platform(request);
        let step = match stage(request) {
            Stage::System => return self.known(&Claims::new().with_mac(Some(mac))),
            Stage::Ipxe { .. } => (Step::Ipxe, String::new()),
            Stage::Pxe => (Step::Dhcp, format!("PXE, {platform}")),
            Stage::HttpBoot => (Step::Dhcp, format!("HTTP Boot, {platform}")),
        };
        let uuid = request.uuid.map(Uuid::from_smbios);
        let sighting = Sighting {
            claims: Claims::new().with_mac(Some(mac)).with_uuid(uuid),
            firmware: platform.firmware().to_owned(),
            catalog: self.app.catalog.current().id().to_string(),
            step: Some(step),
            ..Sighting::default()
        };
        match self.app.recorder.sight(sighting).await {
            Ok(node) => Some(node),
            Err(error) => {
                // It still gets an address; its boot script will say the same on its screen.
                tracing::warn!(dhcp.mac = %mac, "not recorded: {error}");
                None
            }
        }
    }

    fn known(&self, claims: &Claims) -> Option<Arc<Node>> {
        use crate::server::directory::Resolved;
        match self.app.recorder.directory().read(|nodes| nodes.resolve(claims)) {
            Resolved::Known(node) => Some(node),
            _ => None,
        }
    }

    /// Adds what the subnet says and what the machine shall boot.
    fn furnish(
        &self,
        mut reply: Reply,
        request: &Request,
        link: Ipv4Addr,
        here: Ipv4Addr,
        node: Option<&Node>,
    ) -> Reply {
        if let Some(subnet) = self.subnet(link) {
            reply.routers = subnet.router.into_iter().collect();
            reply.dns.clone_from(&subnet.dns);
            reply.ntp.clone_from(&subnet.ntp);
            reply.domain.clone_from(&subnet.domain);
            let reserved =
                subnet.reservations.iter().find(|r| r.mac.bytes() == request.chaddr.octets());
            reply.host_name = reserved
                .and_then(|reservation| reservation.hostname.clone())
                .or_else(|| node.map(Node::hostname));
        }
        let server = self.app.advertise.unwrap_or(here);
        match boot::next(stage(request), platform(request), |name| self.app.loaders.has(name)) {
            Next::Tftp(file) => reply.with_boot(Boot { next_server: server, file }),
            Next::Http(name) => {
                let file = format!("{}/loaders/{name}", self.url(server));
                reply.with_boot(Boot { next_server: server, file })
            }
            Next::Script => {
                let file = format!("{}/boot.ipxe", self.url(server));
                reply.with_boot(Boot { next_server: server, file })
            }
            Next::Nothing(why) => {
                if stage(request) != Stage::System {
                    tracing::warn!(dhcp.mac = %request.chaddr, "{} gets an address but no boot file: {why}", request.chaddr);
                }
                reply
            }
        }
    }

    fn url(&self, server: Ipv4Addr) -> String {
        self.app.server_url((server, self.app.http_port).into())
    }

    fn lease(&self, address: Ipv4Addr, link: Ipv4Addr) -> Result<Lease, String> {
        let subnet = self.subnet(link).ok_or_else(|| format!("no subnet holds {link}"))?;
        Ok(Lease::lasting(address, subnet.cidr.netmask(), subnet.lease_seconds))
    }

    fn subnet(&self, link: Ipv4Addr) -> Option<&Subnet> {
        address::subnet_of(&self.app.subnets, link)
    }

    async fn ask(&self, ask: AddressAsk) -> Result<Given, String> {
        self.app.recorder.address(ask).await.map_err(|error| error.to_string())
    }
}

fn stage(request: &Request) -> Stage {
    match request.stage() {
        dhcp::Stage::Pxe => Stage::Pxe,
        dhcp::Stage::HttpBoot => Stage::HttpBoot,
        dhcp::Stage::Ipxe { http } => Stage::Ipxe { can_http: http },
        dhcp::Stage::Os | dhcp::Stage::UBoot | dhcp::Stage::RaspberryPi => Stage::System,
    }
}

fn platform(request: &Request) -> Platform {
    let Some(arch) = request.arch else {
        return Platform::BiosX86;
    };
    match arch.family() {
        Family::BiosX86 => Platform::BiosX86,
        Family::UefiIa32 => Platform::UefiIa32,
        Family::UefiX64 => Platform::UefiX64,
        Family::UefiArm64 => Platform::UefiArm64,
        Family::UefiArm32 | Family::Unknown => Platform::Other(arch.number()),
    }
}
