//! What the catalog holds and why a machine gets what it gets, in the words of the operator plane.

use std::collections::HashMap;
use std::sync::Arc;

use api::v1;
use tonic::Status;

use super::{find, plan};
use crate::domain::boot::Purpose;
use crate::domain::catalog::{Group, LabelChange, Profile, Test};
use crate::domain::labels::Label;
use crate::domain::machine::Claims;
use crate::domain::node::Node;
use crate::domain::plan::words;
use crate::server::app::{self, App};
use crate::server::directory::Resolved;
use crate::server::explain::{self, Around, Explained, Shown};
use crate::server::order::Library;

/// Ranks every group for a node or for any labels.
pub(super) fn explain(app: &App, request: v1::ExplainRequest) -> Result<v1::Explanation, Status> {
    let v1::ExplainRequest { name, labels, all } = request;
    let catalog = app.catalog.current();
    let members = |group: &str| app.recorder.directory().read(|nodes| nodes.members(group));
    // Nothing is ordered by this URL: it is only looked whether the image is there.
    let library = Library { assets: &app.assets, server: "" };
    let around = Around { catalog: &catalog, members: &members, library: Some(library), all };
    let node = if name.is_empty() { by_mac(app, &labels) } else { Some(find(app, &name)?) };
    let explained = match node {
        Some(node) => explain::node(around, &node, labels),
        None => explain::labels(around, labels),
    };
    Ok(explanation(explained, catalog.id().as_str()))
}

/// The node that has the MAC among these labels.
fn by_mac(app: &App, labels: &HashMap<String, String>) -> Option<Arc<Node>> {
    let claims = Claims::new().with_mac(labels.get("mac")?.parse().ok());
    match app.recorder.directory().read(|nodes| nodes.resolve(&claims)) {
        Resolved::Known(node) => Some(node),
        _ => None,
    }
}

fn explanation(explained: Explained<'_>, catalog: &str) -> v1::Explanation {
    let label = |(key, label): (&str, &Label)| v1::Label {
        key: key.to_owned(),
        value: label.value.clone(),
        trust: label.trust.to_string(),
    };
    v1::Explanation {
        labels: explained.labels.iter().map(label).collect(),
        groups: explained.groups.iter().map(group).collect(),
        text: explained.text,
        group: explained.group,
        profile: explained.profile,
        plan: explained.plan,
        catalog: catalog.to_owned(),
        omitted: u32::try_from(explained.omitted).unwrap_or(u32::MAX),
    }
}

fn group(shown: &Shown<'_>) -> v1::ExplainedGroup {
    let group = shown.ranked.group;
    let test = |test: &Test<'_>| {
        let (found, trust) = test.found.clone().unzip();
        v1::ExplainedTest {
            key: test.key.to_owned(),
            wanted: test.wanted.to_vec(),
            found: found.unwrap_or_default(),
            trust: trust.map(|trust| trust.to_string()).unwrap_or_default(),
            passed: test.passed,
            hint: test.hint.clone().unwrap_or_default(),
        }
    };
    let change = |change: &LabelChange| v1::LabelChange {
        key: change.key.clone(),
        from: change.from.clone().unwrap_or_default(),
        to: change.to.clone().unwrap_or_default(),
    };
    v1::ExplainedGroup {
        name: group.name.clone(),
        profile: group.profile.clone(),
        file: group.file.clone(),
        verdict: shown.verdict.name().to_owned(),
        tests: shown.ranked.tests.iter().map(test).collect(),
        quantity: group.quantity.unwrap_or(0),
        nodes: shown.members,
        rule: shown.rule.as_ref().map(ToString::to_string).unwrap_or_default(),
        wins_with: shown.flip.iter().flatten().map(change).collect(),
    }
}

/// Groups in the order in which they are asked.
pub(super) fn groups(app: &App) -> v1::ListGroupsResponse {
    let catalog = app.catalog.current();
    let group = |group: &Group| v1::Group {
        name: group.name.clone(),
        profile: group.profile.clone(),
        selectors: group
            .selector
            .iter()
            .map(|selector| format!("{}={}", selector.key, selector.values.join("|")))
            .collect(),
        priority: group.priority,
        quantity: group.quantity.unwrap_or(0),
        nodes: app.recorder.directory().read(|nodes| nodes.members(&group.name)),
        file: group.file.clone(),
    };
    v1::ListGroupsResponse { groups: catalog.groups().iter().map(group).collect() }
}

/// Profiles by name.
pub(super) fn profiles(app: &App) -> v1::ListProfilesResponse {
    let catalog = app.catalog.current();
    let mut groups: HashMap<&str, Vec<String>> = HashMap::new();
    for group in catalog.groups() {
        groups.entry(&group.profile).or_default().push(group.name.clone());
    }
    let profile = |profile: &Profile| {
        let purpose = match app::purpose(profile) {
            Purpose::Install(_) => "install",
            Purpose::Live => "live",
            Purpose::LocalDisk(_) => "local disk",
            Purpose::Hold(_) => "hold",
        };
        let disk = profile.install.as_ref().filter(|_| purpose == "install");
        v1::Profile {
            name: profile.name.clone(),
            purpose: purpose.to_owned(),
            boots: words::boots(profile).unwrap_or_default(),
            disk: disk.map(|install| words::disk(&install.disk)).unwrap_or_default(),
            documents: plan::documents(profile),
            groups: groups.get(profile.name.as_str()).cloned().unwrap_or_default(),
            file: profile.file.clone(),
        }
    };
    v1::ListProfilesResponse { profiles: catalog.profiles().map(profile).collect() }
}
