//! What a command line means: every word parsed, every contradiction refused.

use std::time::Duration;

use clap_complete::Shell;

use crate::args::{
    self, CatalogVerb, DescribeKind, GetKind, GetNodes, Output, TableOrJson, TextOrJson, Verb,
};
use crate::failure::Failure;
use crate::words::{
    NodeState, Selector, TagChange, node_name, parse_goal, parse_mac, parse_time_limit,
};

/// One command, ready to be carried out.
#[derive(Debug)]
pub(crate) enum Command {
    Get(GetRequest),
    Describe(String),
    Tag { name: String, change: TagChange },
    Step(StepRequest),
    Explain(ExplainRequest),
    Groups { name: Option<String>, output: Output },
    Profiles { name: Option<String>, output: Output },
    Render { name: String, what: String, at: String },
    Plan(PlanRequest),
    History { name: String, json: bool },
    Boots { name: String, json: bool },
    Wait(WaitRequest),
    CatalogStatus,
    CatalogReload { ack: bool },
    Version { client_only: bool },
    Completions(Shell),
}

/// Which nodes are meant.
#[derive(Debug)]
pub(crate) enum Target {
    All,
    Names(Vec<String>),
    Selector(Selector),
}

#[derive(Debug)]
pub(crate) struct GetRequest {
    pub(crate) target: Target,
    pub(crate) output: Output,
    pub(crate) watch: bool,
}

/// A step asked for: never of all nodes without a word.
#[derive(Debug)]
pub(crate) struct StepRequest {
    pub(crate) step: Step,
    pub(crate) target: StepTarget,
    /// Asked beforehand: `--yes`.
    pub(crate) yes: bool,
}

#[derive(Debug)]
pub(crate) enum StepTarget {
    Names(Vec<String>),
    Selector(Selector),
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Step {
    Approve,
    Hold { reason: String },
    Release,
    Reinstall,
    Retire,
}

#[derive(Debug)]
pub(crate) struct ExplainRequest {
    pub(crate) subject: Subject,
    pub(crate) all: bool,
    pub(crate) json: bool,
}

#[derive(Debug)]
pub(crate) struct PlanRequest {
    /// Empty: what serves.
    pub(crate) from: String,
    /// Empty: the newest.
    pub(crate) to: String,
    pub(crate) diff: bool,
    pub(crate) json: bool,
    pub(crate) exit_code: bool,
}

/// Whom `explain` is about.
#[derive(Debug)]
pub(crate) enum Subject {
    Node(String),
    Labels(Selector),
}

#[derive(Debug)]
pub(crate) struct WaitRequest {
    pub(crate) goal: NodeState,
    pub(crate) target: Target,
    pub(crate) limit: Duration,
}

impl StepRequest {
    /// A selector may hit more than was thought: somebody has to have seen it, or have said `--yes`.
    pub(crate) fn may_be_asked(&self, interactive: bool) -> Result<(), Failure> {
        match &self.target {
            StepTarget::Selector(selector) if !self.yes && !interactive => {
                Err(Failure::Usage(format!(
                    "`{} -l {selector}` asks before it acts, and there is no terminal to ask on: \
                     see what it hits with `mayuctl get nodes -l {selector}`, then add --yes",
                    self.step.verb()
                )))
            }
            _ => Ok(()),
        }
    }
}

impl Step {
    /// The operator's word.
    pub(crate) fn verb(&self) -> &'static str {
        match self {
            Self::Approve => "approve",
            Self::Hold { .. } => "hold",
            Self::Release => "release",
            Self::Reinstall => "reinstall",
            Self::Retire => "retire",
        }
    }

    /// The word for it when it is done.
    pub(crate) fn done(&self) -> &'static str {
        match self {
            Self::Approve => "approved",
            Self::Hold { .. } => "held",
            Self::Release => "released",
            Self::Reinstall => "to be reinstalled",
            Self::Retire => "retired",
        }
    }
}

impl TryFrom<Verb> for Command {
    type Error = Failure;

    fn try_from(verb: Verb) -> Result<Self, Failure> {
        Ok(match verb {
            Verb::Get(GetKind::Nodes(typed)) | Verb::List(typed) => Self::Get(typed.try_into()?),
            Verb::Describe(DescribeKind::Node { name }) | Verb::Status { name } => {
                Self::Describe(node_name(name)?)
            }
            Verb::Tag { name, changes } => {
                Self::Tag { name: node_name(name)?, change: TagChange::parse(&changes)? }
            }
            Verb::Approve(typed) => step(Step::Approve, typed)?,
            Verb::Hold { step: typed, reason } => step(Step::Hold { reason }, typed)?,
            Verb::Release(typed) => step(Step::Release, typed)?,
            Verb::Reinstall(typed) => step(Step::Reinstall, typed)?,
            Verb::Retire(typed) => step(Step::Retire, typed)?,
            Verb::Get(GetKind::Groups(typed)) => {
                Self::Groups { name: typed.name, output: typed.output }
            }
            Verb::Get(GetKind::Profiles(typed)) => {
                Self::Profiles { name: typed.name, output: typed.output }
            }
            Verb::Explain { name, mac, labels, all, output } => Self::Explain(ExplainRequest {
                subject: subject(name, mac, &labels)?,
                all,
                json: output == TextOrJson::Json,
            }),
            Verb::Render { name, what, at } => {
                Self::Render { name: node_name(name)?, what, at: at.unwrap_or_default() }
            }
            Verb::Plan(typed) => Self::Plan(typed.try_into()?),
            Verb::History { name, output } => {
                Self::History { name: node_name(name)?, json: output == TextOrJson::Json }
            }
            Verb::Boots { name, output } => {
                Self::Boots { name: node_name(name)?, json: output == TextOrJson::Json }
            }
            Verb::Wait { names, goal, selector, timeout } => Self::Wait(WaitRequest {
                goal: parse_goal(&goal)?,
                target: target(names, selector.as_deref())?,
                limit: parse_time_limit(&timeout)?,
            }),
            Verb::Catalog(CatalogVerb::Status) => Self::CatalogStatus,
            Verb::Catalog(CatalogVerb::Reload { ack }) => Self::CatalogReload { ack },
            Verb::Version { client } => Self::Version { client_only: client },
            Verb::Completions { shell } => Self::Completions(shell.into()),
        })
    }
}

impl TryFrom<GetNodes> for GetRequest {
    type Error = Failure;

    fn try_from(typed: GetNodes) -> Result<Self, Failure> {
        Ok(Self {
            target: target(typed.name.into_iter().collect(), typed.selector.as_deref())?,
            output: typed.output,
            watch: typed.watch,
        })
    }
}

impl TryFrom<args::Plan> for PlanRequest {
    type Error = Failure;

    fn try_from(typed: args::Plan) -> Result<Self, Failure> {
        let range = typed.range.unwrap_or_default();
        let (from, to) = range.split_once("..").unwrap_or((&range, ""));
        if to.starts_with('.') {
            return Err(Failure::Usage(format!(
                "`{range}`: write A..B; three dots mean something else to git"
            )));
        }
        Ok(Self {
            from: from.to_owned(),
            to: to.to_owned(),
            diff: typed.diff,
            json: typed.output == TableOrJson::Json,
            exit_code: typed.exit_code,
        })
    }
}

fn step(step: Step, typed: args::Step) -> Result<Command, Failure> {
    let target = match target(typed.names, typed.selector.as_deref())? {
        Target::Names(names) => StepTarget::Names(names),
        Target::Selector(selector) => StepTarget::Selector(selector),
        Target::All => {
            return Err(Failure::Usage(format!(
                "{} which nodes? Name them, or select them with -l k=v",
                step.verb()
            )));
        }
    };
    Ok(Command::Step(StepRequest { step, target, yes: typed.yes }))
}

fn target(names: Vec<String>, selector: Option<&str>) -> Result<Target, Failure> {
    if let Some(selector) = selector {
        return Ok(Target::Selector(selector.parse()?));
    }
    if names.is_empty() {
        return Ok(Target::All);
    }
    let names = names.into_iter().map(node_name);
    Ok(Target::Names(names.collect::<Result<_, _>>()?))
}

fn subject(
    name: Option<String>,
    mac: Option<String>,
    labels: &[String],
) -> Result<Subject, Failure> {
    if let Some(name) = name {
        return Ok(Subject::Node(node_name(name)?));
    }
    let mut pairs: Vec<String> = labels.iter().flat_map(|typed| pairs(typed)).collect();
    if let Some(mac) = mac {
        pairs.push(format!("mac={}", parse_mac(&mac)?));
    }
    Ok(Subject::Labels(Selector::of_pairs(pairs.iter().map(String::as_str), "--label")?))
}

/// `k=v,k=v`, where a value may have commas: one that no other pair follows is part of the value.
fn pairs(typed: &str) -> Vec<String> {
    let mut pairs: Vec<String> = Vec::new();
    for part in typed.split(',') {
        match pairs.last_mut() {
            Some(last) if !part.contains('=') => {
                last.push(',');
                last.push_str(part);
            }
            _ => pairs.push(part.to_owned()),
        }
    }
    pairs
}
