//! The boot plane: matchbox's paths. Each goes the same way: who asks, which group, what now, in which words.

use std::sync::Arc;

use api::node::karg;
use hyper::StatusCode;

use super::Asked;
use super::reply::{self, Response};
use crate::domain::boot::{self, Plan};
use crate::domain::catalog::{Boot, Catalog, Profile, Selection};
use crate::domain::labels::Labels;
use crate::domain::node::{Millis, Node, State, Status};
use crate::domain::render::ipxe::{self, Arg, InstallerScript};
use crate::domain::render::{Context, Request, TemplateName, grub as grub_words, metadata as env};
use crate::domain::timeline::Step;
use crate::server::app::{self, App};
use crate::server::boots::Pinned;
use crate::server::context::{Around, context, title};
use crate::server::directory::Resolved;
use crate::server::order;
use crate::server::recorder::{RecordError, Selected, Sighting};
use crate::server::token::{Bearer, Kind};

/// The script that every iPXE starts with.
pub(super) fn bootstrap() -> Response {
    reply::text(StatusCode::OK, ipxe::BOOT_IPXE)
}

/// The machine's own script.
pub(super) async fn ipxe(app: &App, asked: &Asked) -> Response {
    let catalog = app.catalog.current();
    let result = match sight(app, asked, Sighting::default(), &catalog).await {
        Ok(node) => script(app, asked, &catalog, node).await,
        Err(error) => Err(error),
    };
    let script = result.unwrap_or_else(|error| {
        tracing::warn!(client = %asked.peer, "a boot script was asked for, but {error}");
        unrecorded(app, asked, &error)
    });
    reply::text(StatusCode::OK, script)
}

/// What a machine does that could not be recorded. One that cannot be told from others is left alone. While
/// the store cannot be written, who is installed boots its disk as ever, and who is not asks again.
fn unrecorded(app: &App, asked: &Asked, error: &RecordError) -> String {
    let reason = error.to_string();
    if !matches!(error, RecordError::NotDurable(_) | RecordError::Stopped) {
        return ipxe::hold(&reason, &[]);
    }
    match app.recorder.directory().read(|nodes| nodes.resolve(&asked.claims())) {
        Resolved::Known(node) if boot::is_installed(&node) => ipxe::local_disk(&reason),
        _ => ipxe::again(&reason, &format!("{}/boot.ipxe", asked.server)),
    }
}

async fn script(
    app: &App,
    asked: &Asked,
    catalog: &Arc<Catalog>,
    node: Arc<Node>,
) -> Result<String, RecordError> {
    let Some(boot) = app.mint_boot(&node) else {
        return Ok(ipxe::hold(
            "the provisioner has no randomness for a boot token; see its log",
            &[],
        ));
    };
    let selection = app.select(catalog, &node);
    let selected = selection.map_or(Selected::Nothing, |Selection { group, profile }| {
        Selected::Group(group.name.clone(), profile.name.clone())
    });
    let bearer = Bearer { node: node.id.clone(), generation: node.spec.generation, boot };
    let plan = plan(app, asked, (catalog, &node, selection), &bearer);
    let step = match &plan {
        Plan::Install | Plan::Live => (Step::Script, plan.name().to_owned()),
        Plan::LocalDisk(reason) => (Step::LocalDisk, reason.clone()),
        Plan::Hold(reason) => (Step::Held, reason.clone()),
    };
    let sighting = Sighting {
        selected,
        step: Some(step),
        boot: Some(bearer.boot.clone()),
        ..Sighting::default()
    };
    sight(app, asked, sighting, catalog).await?;
    tracing::info!(node.id = %node.id, "{} asked for its boot script: {plan}", node.hostname());
    let profile = selection.map(|selection| selection.profile);
    let name = profile.map(|profile| profile.name.as_str()).unwrap_or_default();
    let title = title(&node, &plan, name);
    Ok(match (plan, profile) {
        (Plan::Install, Some(profile)) => installer(app, asked, &bearer, profile, &title),
        (Plan::Live, Some(Profile { boot: Some(boot), .. })) => ipxe::live(boot),
        (Plan::Install | Plan::Live | Plan::LocalDisk(_), _) => ipxe::local_disk(&title),
        (Plan::Hold(_), _) => ipxe::hold(&title, &[]),
    })
}

/// What the machine does now. An installation that cannot be ordered is none.
fn plan(
    app: &App,
    asked: &Asked,
    (catalog, node, selection): (&Arc<Catalog>, &Node, Option<Selection<'_>>),
    bearer: &Bearer,
) -> Plan {
    let plan = boot::decide(node, selection.map(|selection| app::purpose(selection.profile)));
    let (Plan::Install, Some(Selection { group, profile })) = (&plan, selection) else {
        return plan;
    };
    let pinned = Pinned {
        catalog: Arc::clone(catalog),
        profile: profile.name.clone(),
        group: group.name.clone(),
    };
    if let Err(why) = order::possible(app, bearer, node, &pinned, &asked.server) {
        tracing::error!(node.id = %node.id, "{} cannot be installed: {why}", node.hostname());
        return Plan::Hold(why);
    }
    app.boots.pin(bearer.boot.clone(), pinned);
    plan
}

fn installer(app: &App, asked: &Asked, bearer: &Bearer, profile: &Profile, title: &str) -> String {
    let token = app.tokens.mint(Kind::Boot, bearer);
    let own = [
        Arg::new(karg::URL, &asked.server),
        Arg::new(karg::TOKEN, &token),
        // A kernel that panics starts again, and the next boot is the next try.
        Arg::new("panic", "30"),
    ];
    let given = profile.boot_args.iter().map(|arg| Arg::verbatim(arg));
    let args: Result<Vec<Arg>, _> = own.into_iter().chain(given).collect();
    let mut args = match args {
        Ok(args) => args,
        Err(error) => return ipxe::hold(&error.to_string(), &[]),
    };
    args.extend(ipxe::network_args());
    let at = |file: &str| format!("{}/assets/{}/{file}", asked.server, order::INSTALLER);
    let [kernel, initrd] = order::INSTALLER_FILES.map(at);
    ipxe::installer(&InstallerScript {
        title,
        kernel_url: &kernel,
        initrd_url: &initrd,
        args: &args,
    })
}

/// GRUB's configuration, matchbox's layout.
pub(super) fn grub(app: &App, asked: &Asked) -> Response {
    let catalog = app.catalog.current();
    let node = stand_in(app, asked);
    let boot: Option<&Boot> =
        app.select(&catalog, &node).and_then(|selection| selection.profile.boot.as_ref());
    let around = Around { server: &asked.server, subnets: &app.subnets };
    let facts = around.facts(&node);
    let machine = grub_words::Machine { facts: &facts, server: &asked.server };
    match boot.map(|boot| grub_words::live(boot, machine)) {
        None => reply::not_found(),
        Some(Ok(text)) => reply::text(StatusCode::OK, text),
        Some(Err(error)) => reply::text(StatusCode::UNPROCESSABLE_ENTITY, format!("# {error}\n")),
    }
}

/// The rendered cloud-config.
pub(super) fn cloud(app: &App, asked: &Asked) -> Response {
    rendered(app, asked, |selection| selection.profile.cloud.as_ref())
}

/// A rendered generic template by its name; the one that has none has the name `""`.
pub(super) fn generic(app: &App, asked: &Asked, name: &str) -> Response {
    rendered(app, asked, |selection| selection.profile.generic.get(name))
}

/// The metadata as an environment file.
pub(super) fn metadata(app: &App, asked: &Asked) -> Response {
    let catalog = app.catalog.current();
    let node = stand_in(app, asked);
    let Some(selection) = app.select(&catalog, &node) else {
        return reply::not_found();
    };
    let context = asked_context(app, asked, &node, selection);
    reply::text(StatusCode::OK, env::env(&context))
}

fn rendered<'c>(
    app: &App,
    asked: &Asked,
    pick: impl for<'a> FnOnce(Selection<'a>) -> Option<&'a TemplateName> + 'c,
) -> Response {
    let catalog = app.catalog.current();
    let node = stand_in(app, asked);
    let Some(selection) = app.select(&catalog, &node) else {
        return reply::not_found();
    };
    let Some(template) = pick(selection) else {
        return reply::not_found();
    };
    let context = asked_context(app, asked, &node, selection);
    match catalog.render(template, &context) {
        Ok(text) => reply::text(StatusCode::OK, text.as_bytes().to_vec()),
        Err(fault) => {
            tracing::error!(client = %asked.peer, "not rendered: {fault}");
            reply::text(StatusCode::UNPROCESSABLE_ENTITY, format!("# {fault}\n"))
        }
    }
}

fn asked_context(app: &App, asked: &Asked, node: &Node, selection: Selection<'_>) -> Context {
    let request = Request {
        query: asked.query.iter().cloned().collect(),
        raw_query: asked.raw_query.clone(),
    };
    context(&Around { server: &asked.server, subnets: &app.subnets }, node, selection, request)
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

/// The node that asks, with the labels of this question, for paths that record nothing. A machine that
/// nobody knows is one with just these labels, as in matchbox.
fn stand_in(app: &App, asked: &Asked) -> Node {
    let claims = asked.claims();
    let labels: Labels = asked.labels();
    let resolved = app.recorder.directory().read(|nodes| nodes.resolve(&claims));
    let mut node = match resolved {
        Resolved::Known(node) => Node::clone(&node),
        Resolved::New(id) => Node::first_seen(id, claims.aliases(), false, Millis(0)),
        Resolved::Ambiguous(_) | Resolved::Nameless => nobody(),
    };
    node.status.boot_mac = claims.mac().or(node.status.boot_mac);
    node.status.labels = labels;
    node
}

fn nobody() -> Node {
    Node {
        id: crate::domain::machine::NodeId::nobody(),
        aliases: std::collections::BTreeSet::new(),
        spec: crate::domain::node::Spec::default(),
        status: Status::new(State::Unknown, String::new(), Millis(0)),
        revision: 0,
    }
}
