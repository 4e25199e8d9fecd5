//! Plans and previews as operators see them: with the daemon's own address, or without a daemon.

pub mod revision;
mod text;

use std::sync::Arc;

use api::v1;

use crate::domain::boot;
use crate::domain::catalog::{Catalog, Profile, Selection};
use crate::domain::node::Node;
use crate::domain::plan::{self, Gate, NodePlan, Preview, Wanted};
use crate::domain::render::What;
use crate::server::app;
use crate::server::context::Around;
use crate::server::script;

/// How a plan is to be made.
#[derive(Debug, Clone, Copy)]
pub struct Asked<'a> {
    /// Address and networks that documents are made with.
    pub around: Around<'a>,
    /// How much may move without a word.
    pub gate: Gate,
    /// Make the unified diff, too.
    pub diff: bool,
}

/// What a change from one catalog to another would change for these nodes.
pub fn planned<'n>(
    old: &Catalog,
    new: &Catalog,
    nodes: impl IntoIterator<Item = &'n Node>,
    asked: Asked<'_>,
) -> v1::PlanResponse {
    let preview = FromScripts { around: asked.around };
    let plan = plan::plan(old, new, nodes, &preview, Wanted { diff: asked.diff });
    let mut response = v1::PlanResponse {
        from: old.id().to_string(),
        to: new.id().to_string(),
        nodes: plan.nodes.into_iter().map(node_plan).collect(),
        summary: plan.summary,
        gate: plan.moves.gate(&asked.gate).unwrap_or_default(),
        diff: plan.diff,
        compared: u32::try_from(plan.compared).unwrap_or(u32::MAX),
        text: String::new(),
    };
    response.text = text::text(&response);
    response
}

fn node_plan(node: NodePlan) -> v1::NodePlan {
    let change = |change: plan::Change| v1::PlanChange {
        what: change.what,
        before: change.before,
        after: change.after,
    };
    v1::NodePlan {
        name: node.name,
        id: node.id.to_string(),
        changes: node.changes.into_iter().map(change).collect(),
        boots_before: node.boots_before,
        boots_after: node.boots_after,
    }
}

struct FromScripts<'a> {
    around: Around<'a>,
}

impl Preview for FromScripts<'_> {
    fn document(
        &self,
        catalog: &Catalog,
        selection: Selection<'_>,
        node: &Node,
        what: &What,
    ) -> Result<Option<Arc<str>>, String> {
        script::preview(&self.around, catalog, selection, node, what)
            .map_err(|fault| fault.to_string())
    }

    fn boots(&self, node: &Node, profile: Option<&Profile>) -> boot::Plan {
        boot::decide(node, profile.map(app::purpose))
    }
}

#[cfg(test)]
mod tests;
