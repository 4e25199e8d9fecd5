//! Why a machine gets what it gets, what exactly that is, and what a change of the catalog would change.

use std::io;

use api::v1::{self, RenderRequest};

use crate::Surroundings;
use crate::command::{ExplainRequest, PlanRequest, Subject};
use crate::failure::Failure;
use crate::server::Client;
use crate::view::object::json;
use crate::view::text::clean_lines;

/// Why a machine gets what it gets, in the server's own words.
pub(crate) async fn explain(
    client: &Client,
    request: ExplainRequest,
    s: &mut Surroundings<'_>,
) -> Result<(), Failure> {
    let ExplainRequest { subject, all, json: as_json } = request;
    let (what, request) = match subject {
        Subject::Node(name) => (
            format!("explain {name}"),
            v1::ExplainRequest { name, all, ..v1::ExplainRequest::default() },
        ),
        Subject::Labels(labels) => (
            format!("explain a machine with {labels}"),
            v1::ExplainRequest { labels: labels.labels(), all, ..v1::ExplainRequest::default() },
        ),
    };
    let answer = client.catalog().explain(request).await;
    let explanation = answer.map_err(Failure::answered(what))?.into_inner();
    if as_json {
        return Ok(s.out.write_all(json(&explanation)?.as_bytes())?);
    }
    writeln!(s.out, "{}", clean_lines(explanation.text.trim_end()))?;
    Ok(())
}

/// A document, byte for byte.
pub(crate) async fn render(
    client: &Client,
    name: String,
    what: String,
    at: String,
    s: &mut Surroundings<'_>,
) -> Result<(), Failure> {
    let doing = format!("render the {what} of {name}");
    let answer = client.catalog().render(RenderRequest { name, what, at }).await;
    Ok(s.out.write_all(&answer.map_err(Failure::answered(doing))?.into_inner().body)?)
}

/// What a change of the catalog would change. With `--exit-code` the exit code is part of the answer: it is
/// given even when who reads the rest has seen enough, and no failure has a code that is an answer.
pub(crate) async fn plan(
    client: &Client,
    request: PlanRequest,
    s: &mut Surroundings<'_>,
) -> Result<(), Failure> {
    let PlanRequest { from, to, diff, json: as_json, exit_code } = request;
    let answer = client.catalog().plan(v1::PlanRequest { from, to, diff }).await;
    let failed = |status| {
        let failure = Failure::answered("plan a change of the catalog")(status);
        if exit_code { Failure::NoAnswer(Box::new(failure)) } else { failure }
    };
    let plan = answer.map_err(failed)?.into_inner();
    let text = if as_json {
        json(&plan)?
    } else {
        let diff = if diff { plan.diff.as_str() } else { "" };
        format!("{}{}", clean_lines(diff), clean_lines(&plan.text))
    };
    match s.out.write_all(text.as_bytes()).and_then(|()| s.out.flush()) {
        Err(error) if exit_code && error.kind() == io::ErrorKind::BrokenPipe => {}
        written => written?,
    }
    match (exit_code, plan.nodes.is_empty(), plan.gate.is_empty()) {
        (false, ..) | (true, true, _) => Ok(()),
        (true, false, true) => Err(Failure::Changes),
        (true, false, false) => Err(Failure::Gate),
    }
}
