//! The documents of a machine's profile: they record nothing, and come from the catalog that its boot began
//! with.

use std::sync::Arc;

use hyper::StatusCode;

use super::Asked;
use super::reply::Page;
use crate::domain::catalog::{Catalog, Selection};
use crate::domain::labels::Trust;
use crate::domain::node::{Millis, Node, State, Status};
use crate::domain::render::What;
use crate::server::app::App;
use crate::server::boots::Pinned;
use crate::server::clock;
use crate::server::context;
use crate::server::directory::Resolved;

/// One document.
pub(super) fn document(app: &App, asked: &Asked, what: &What) -> Page {
    let standing = Standing::of(app, asked);
    let catalog = &standing.catalog;
    let Some(selection) = standing.selection(app) else {
        let mut text = "404: no group's selector matches this machine\n".to_owned();
        for line in app.explained(catalog, &standing.node) {
            text.push_str(&line);
            text.push('\n');
        }
        return Page::said(StatusCode::NOT_FOUND, text).from(catalog.id(), None);
    };
    let machine = (&*standing.node, selection);
    let made = context::document(&asked.around(app), catalog, machine, what, asked.request());
    let page = match made {
        Ok(Some(text)) if *what == What::Ignition => Page::text(text).into_json(),
        Ok(Some(text)) => Page::text(text),
        Ok(None) => {
            let name = &selection.profile.name;
            Page::said(StatusCode::NOT_FOUND, format!("404: profile {name} has no `{what}`\n"))
        }
        Err(fault) => {
            tracing::error!(client = %asked.peer, "{what} was not rendered: {fault}");
            let line = fault.to_string().replace(char::is_control, " ");
            let comment = if *what == What::Ignition { "" } else { "# " };
            Page::said(StatusCode::UNPROCESSABLE_ENTITY, format!("{comment}{line}\n"))
        }
    };
    page.from(catalog.id(), Some(selection))
}

/// Who asks, and from which catalog it is answered.
struct Standing {
    catalog: Arc<Catalog>,
    node: Arc<Node>,
    /// What its boot began with, unless it claims to be something else now.
    pinned: Option<Pinned>,
}

impl Standing {
    /// The node that asks, with the labels of this question over those of its boot. A machine that nobody
    /// knows is one with just these labels, as in matchbox.
    fn of(app: &App, asked: &Asked) -> Self {
        let claims = asked.claims();
        let resolved = app.recorder.directory().read(|nodes| nodes.resolve(&claims));
        let (mut node, known) = match resolved {
            Resolved::Known(node) => (node, true),
            Resolved::New(id) => {
                (Arc::new(Node::first_seen(id, claims.aliases(), false, Millis(0))), false)
            }
            Resolved::Ambiguous(_) | Resolved::Nameless => (Arc::new(nobody()), false),
        };
        let pinned = known.then(|| app.boots.newest(&node.id, clock::now())).flatten();
        let boot_mac = claims.mac().or(node.status.boot_mac);
        let labels = node.labels();
        let new = |(key, value): &(String, String)| {
            !value.is_empty()
                && !labels.get(key).is_some_and(|known| known.eq_ignore_ascii_case(value))
        };
        if asked.query.iter().any(new) || node.status.boot_mac != boot_mac {
            let status = &mut Arc::make_mut(&mut node).status;
            status.boot_mac = boot_mac;
            for (key, value) in &asked.query {
                status.labels.insert(key, value, Trust::Claimed);
            }
            // It says something else than at its boot: selected anew, from the same catalog.
            if let Some(pinned) = pinned {
                return Self { catalog: pinned.catalog, node, pinned: None };
            }
        }
        let catalog = match &pinned {
            Some(pinned) => Arc::clone(&pinned.catalog),
            None => app.catalog.current(),
        };
        Self { catalog, node, pinned }
    }

    fn selection(&self, app: &App) -> Option<Selection<'_>> {
        match &self.pinned {
            Some(pinned) => pinned.selection(),
            None => app.select(&self.catalog, &self.node),
        }
    }
}

/// A machine of which nothing is known.
pub(super) fn nobody() -> Node {
    Node {
        id: crate::domain::machine::NodeId::nobody(),
        aliases: std::collections::BTreeSet::new(),
        spec: crate::domain::node::Spec::default(),
        status: Status::new(State::Unknown, String::new(), Millis(0)),
        revision: 0,
    }
}
