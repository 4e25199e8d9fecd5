//! Plans and previews as operators see them: with the daemon's own address, or without a daemon.

mod text;

use std::cell::RefCell;
use std::collections::HashMap;
use std::sync::Arc;

use api::v1;

use crate::domain::boot;
use crate::domain::catalog::{Catalog, Profile, Selection};
use crate::domain::node::Node;
use crate::domain::plan::{self, Gate, NodePlan, Preview, Wanted, words};
use crate::domain::render::What;
use crate::server::context::Around;
use crate::server::order::{self, Library};
use crate::server::script::{self, Decided};

/// How a plan is to be made.
#[derive(Debug, Clone, Copy)]
pub struct Asked<'a> {
    /// Address and networks that documents are made with.
    pub around: Around<'a>,
    /// Where images are looked for; without one all are taken to be there.
    pub library: Option<Library<'a>>,
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
    let Asked { around, library, .. } = asked;
    let preview = FromScripts { around, library, lacks: RefCell::default() };
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
    library: Option<Library<'a>>,
    /// What the library said of each image: thousands of nodes ask for few.
    lacks: RefCell<HashMap<String, Result<(), String>>>,
}

impl Preview for FromScripts<'_> {
    /// As `mayuctl render` shows it, but a script that holds without the lines that say more of the reason:
    /// those are about the catalog, and `explain` has them.
    fn document(
        &self,
        catalog: &Catalog,
        selection: Option<Selection<'_>>,
        node: &Node,
        what: &What,
    ) -> Result<Option<Arc<str>>, String> {
        let plan = self.boots(node, selection.map(|selection| selection.profile));
        let token = script::NO_TOKEN;
        let decided =
            Decided { catalog, selection, node, plan: &plan, why: &[], token, peer: None };
        script::preview(&self.around, &decided, what).map_err(|fault| fault.to_string())
    }

    fn boots(&self, node: &Node, profile: Option<&Profile>) -> boot::Plan {
        let plan = order::decide(node, profile, None);
        let install = profile.and_then(|profile| profile.install.as_ref());
        let (boot::Plan::Install, Some(library), Some(install)) = (&plan, self.library, install)
        else {
            return plan;
        };
        let mut lacks = self.lacks.borrow_mut();
        let known = lacks.entry(words::image(&install.image));
        let has = known.or_insert_with(|| library.has(install));
        has.clone().map_or_else(boot::Plan::Hold, |()| plan)
    }
}

#[cfg(test)]
mod tests;
