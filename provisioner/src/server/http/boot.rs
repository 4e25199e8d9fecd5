//! Boot scripts. Each goes the same way, whoever reads it: who asks, which group, what now, in which words.

use std::sync::Arc;

use super::reply::Page;
use super::{Asked, documents};
use crate::domain::boot::{self, Plan};
use crate::domain::catalog::{Catalog, Selection};
use crate::domain::node::Node;
use crate::domain::render::ipxe;
use crate::domain::timeline::Step;
use crate::server::app::{self, App};
use crate::server::boots::Pinned;
use crate::server::directory::Resolved;
use crate::server::order;
use crate::server::recorder::{RecordError, Selected, Sighting};
use crate::server::script::{self, Decided, Loader};
use crate::server::token::{Bearer, Kind};

/// How often a decision is made anew because the node changed meanwhile.
const ROUNDS: usize = 3;

/// The script that every iPXE starts with.
pub(super) fn bootstrap() -> Page {
    Page::text(ipxe::BOOT_IPXE.into())
}

/// The machine's own script.
pub(super) async fn script(app: &App, asked: &Asked, loader: Loader) -> Page {
    let catalog = app.catalog.current();
    match decide(app, asked, loader, &catalog).await {
        Ok(page) => page,
        Err(error) => {
            tracing::warn!(client = %asked.peer, "a boot script was asked for, but {error}");
            let text = unrecorded(app, asked, loader, &error);
            Page::text(text.into()).from(catalog.id(), None)
        }
    }
}

/// What a machine does that could not be recorded. One that cannot be told from others is left alone. While
/// the store cannot be written, who is installed boots its disk as ever, and who is not asks again.
fn unrecorded(app: &App, asked: &Asked, loader: Loader, error: &RecordError) -> String {
    let reason = error.to_string();
    let around = asked.around(app);
    if !matches!(error, RecordError::NotDurable(_) | RecordError::Stopped) {
        return script::hold(&around, loader, &documents::nobody(), &reason, &[]);
    }
    match app.recorder.directory().read(|nodes| nodes.resolve(&asked.claims())) {
        Resolved::Known(node) if boot::is_installed(&node) => script::local_disk(loader, &reason),
        _ => script::again(&around, loader, &documents::nobody(), &reason, &asked.question()),
    }
}

/// Decides on what is known, records it, and decides again if the record says that it is not so any more.
async fn decide(
    app: &App,
    asked: &Asked,
    loader: Loader,
    catalog: &Arc<Catalog>,
) -> Result<Page, RecordError> {
    let mut node = match expected(app, asked) {
        Some(node) => node,
        None => sight(app, asked, Sighting::default(), catalog).await?,
    };
    let mut round = 1;
    loop {
        let Some(answer) = Answer::of(app, asked, loader, (catalog, &node)) else {
            let reason = "the provisioner has no randomness for a boot token; see its log";
            let text = script::hold(&asked.around(app), loader, &node, reason, &[]);
            return Ok(Page::text(text.into()));
        };
        let seen = match sight(app, asked, answer.sighting(), catalog).await {
            // Another machine took the last place meanwhile: the next group.
            Err(RecordError::GroupFull(_)) if round < ROUNDS => {
                round += 1;
                continue;
            }
            seen => seen?,
        };
        if same(&node, &seen) || round == ROUNDS {
            answer.begun(app, &node);
            return Ok(answer.page);
        }
        (node, round) = (seen, round + 1);
    }
}

/// The node as it will be when this question is recorded, so that one record is enough.
fn expected(app: &App, asked: &Asked) -> Option<Arc<Node>> {
    let claims = asked.claims();
    let Resolved::Known(mut node) = app.recorder.directory().read(|nodes| nodes.resolve(&claims))
    else {
        return None;
    };
    let (labels, arch) = (asked.labels(), asked.get("arch").unwrap_or_default());
    let aliases = claims.aliases();
    let boot_mac = claims.mac().or(node.status.boot_mac);
    let status = &node.status;
    let same = (labels.is_empty() || status.labels == labels)
        && (arch.is_empty() || status.arch == arch)
        && status.boot_mac == boot_mac
        && aliases.is_subset(&node.aliases);
    if !same {
        let next = Arc::make_mut(&mut node);
        next.aliases.extend(aliases);
        next.status.boot_mac = boot_mac;
        if !labels.is_empty() {
            next.status.labels = labels;
        }
        if !arch.is_empty() {
            arch.clone_into(&mut next.status.arch);
        }
    }
    Some(node)
}

/// Whether everything that a decision looks at is the same.
fn same(one: &Node, other: &Node) -> bool {
    let (a, b) = (&one.status, &other.status);
    one.spec == other.spec
        && one.aliases == other.aliases
        && (a.state, a.tries, a.installed_generation) == (b.state, b.tries, b.installed_generation)
        && (&a.labels, &a.arch, a.boot_mac) == (&b.labels, &b.arch, b.boot_mac)
        && (a.address, &a.attempt) == (b.address, &b.attempt)
}

/// An answer that is not given yet.
struct Answer {
    page: Page,
    plan: Plan,
    bearer: Bearer,
    selected: Selected,
    quantity: Option<u32>,
    pinned: Option<Pinned>,
}

impl Answer {
    /// `None` when there is no randomness.
    fn of(
        app: &App,
        asked: &Asked,
        loader: Loader,
        (catalog, node): (&Arc<Catalog>, &Node),
    ) -> Option<Self> {
        let boot = app.mint_boot(node)?;
        let bearer = Bearer { node: node.id.clone(), generation: node.spec.generation, boot };
        let selection = app.select(catalog, node);
        let pinned = selection.map(|selection| Pinned::new(catalog, selection));
        let purpose = selection.map(|selection| app::purpose(selection.profile));
        let mut plan = boot::decide(node, purpose);
        if let (Plan::Install, Some(pinned)) = (&plan, &pinned)
            && let Err(why) = order::possible(app, &bearer, node, pinned, &asked.server)
        {
            tracing::error!(node.id = %node.id, "{} cannot be installed: {why}", node.hostname());
            plan = Plan::Hold(why);
        }
        let token = match plan {
            Plan::Install => app.tokens.mint(Kind::Boot, &bearer),
            _ => String::new(),
        };
        let why = match plan {
            Plan::Hold(_) => app.explained(catalog, node),
            _ => Vec::new(),
        };
        let decided = Decided {
            catalog,
            selection,
            node,
            plan: &plan,
            why: &why,
            token: &token,
            peer: asked.address(),
        };
        let around = asked.around(app);
        let words = script::words(&around, loader, &decided, || asked.request());
        let page = match words {
            Ok(text) => Page::text(text),
            Err(fault) => {
                tracing::error!(node.id = %node.id, "{} gets no script: {fault}", node.hostname());
                let text = script::hold(&around, loader, node, &fault.to_string(), &[]);
                plan = Plan::Hold(fault.to_string());
                Page::text(text.into())
            }
        };
        let selected = selection.map_or(Selected::Nothing, |Selection { group, profile }| {
            Selected::Group(group.name.clone(), profile.name.clone())
        });
        let quantity = selection.and_then(|selection| selection.group.quantity);
        let page = page.from(catalog.id(), selection);
        Some(Self { page, plan, bearer, selected, quantity, pinned })
    }

    fn sighting(&self) -> Sighting {
        let step = match &self.plan {
            Plan::Install | Plan::Live => (Step::Script, self.plan.name().to_owned()),
            Plan::LocalDisk(reason) => (Step::LocalDisk, reason.clone()),
            Plan::Hold(reason) => (Step::Held, reason.clone()),
        };
        Sighting {
            selected: self.selected.clone(),
            quantity: self.quantity,
            step: Some(step),
            boot: Some(self.bearer.boot.clone()),
            ..Sighting::default()
        }
    }

    /// It is recorded: what the boot asks for next comes from the same catalog.
    fn begun(&self, app: &App, node: &Node) {
        tracing::info!(node.id = %node.id, "{} asked for its boot script: {}", node.hostname(), self.plan);
        match (&self.plan, &self.pinned) {
            (Plan::Install | Plan::Live, Some(pinned)) => {
                app.boots.pin(&node.id, self.bearer.boot.clone(), pinned.clone());
            }
            _ => app.boots.end(&node.id),
        }
    }
}

/// Records that the machine is here. What it claims now replaces what it claimed before.
async fn sight(
    app: &App,
    asked: &Asked,
    sighting: Sighting,
    catalog: &Catalog,
) -> Result<Arc<Node>, RecordError> {
    let sighting = Sighting {
        claims: asked.claims(),
        labels: asked.labels(),
        arch: asked.get("arch").unwrap_or_default().to_owned(),
        catalog: catalog.id().to_string(),
        ..sighting
    };
    app.recorder.sight(sighting).await
}
