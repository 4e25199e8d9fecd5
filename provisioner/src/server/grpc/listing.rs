//! What the catalog holds and why a machine gets what it gets, in the words of the operator plane.

use api::v1;
use tonic::Status;

use super::find;
use crate::server::app::App;
use crate::server::explain::{self, Around, Explained, Shown};

/// Ranks every group for a node or for any labels.
pub(super) fn explain(app: &App, request: v1::ExplainRequest) -> Result<v1::Explanation, Status> {
    let v1::ExplainRequest { name, labels, all } = request;
    let catalog = app.catalog.current();
    let members = |group: &str| app.recorder.directory().read(|nodes| nodes.members(group));
    let around = Around { catalog: &catalog, members: &members, all };
    let explained = if name.is_empty() {
        explain::labels(around, labels)
    } else {
        explain::node(around, &*find(app, &name)?)
    };
    Ok(explanation(explained, catalog.id().as_str()))
}

fn explanation(explained: Explained<'_>, catalog: &str) -> v1::Explanation {
    let label = |(key, label): (&str, &crate::domain::labels::Label)| v1::Label {
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
    let test = |test: &crate::domain::catalog::Test<'_>| {
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
    let change = |change: &crate::domain::catalog::LabelChange| v1::LabelChange {
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
