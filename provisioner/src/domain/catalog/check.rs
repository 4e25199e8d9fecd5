//! Rendering everything once before anybody asks: a variable that nobody supplies is found at load.

use std::collections::{BTreeMap, BTreeSet};

use crate::domain::render::first_boot::PhoneHome;
use crate::domain::render::{
    Context, Language, NodeFacts, RenderFault, Request, Server, Use, Variables,
};

use super::group::{Group, Selector};
use super::{Catalog, Fault, Selection};

/// Renders every document of every group's profile for a sample machine, and runs every validator on them.
/// Profiles that no group names are rendered with their own metadata only, and may then lack variables that
/// a group would bring.
pub fn check(catalog: &Catalog) -> Checked {
    let mut checked = Checked::default();
    for group in catalog.groups() {
        if let Some(profile) = catalog.profile(&group.profile) {
            check_one(catalog, Selection { group, profile }, true, &mut checked);
        }
    }
    let used: BTreeSet<&str> =
        catalog.groups().iter().map(|group| group.profile.as_str()).collect();
    for profile in catalog.profiles().filter(|profile| !used.contains(profile.name.as_str())) {
        let group = Group::sample(&profile.name);
        check_one(catalog, Selection { group: &group, profile }, false, &mut checked);
    }
    let phone_home = PhoneHome { url: "http://192.0.2.1:8080", token: "sample" };
    let phone_home = catalog.templates.phone_home(&phone_home).err();
    let phone_home = phone_home.map(|f| at_template(f, " (its variables are url and token)"));
    checked.faults.extend(phone_home);
    checked
}

/// What a check found, in the order of files and lines.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Checked {
    /// The catalog cannot serve.
    pub faults: BTreeSet<Fault>,
    /// Worth a look.
    pub warnings: BTreeSet<Fault>,
}

fn check_one(catalog: &Catalog, selection: Selection<'_>, in_use: bool, checked: &mut Checked) {
    let sample = Sample::default();
    let lacks = |fault: &RenderFault| in_use || fault.missing.is_none();
    let told = |fault: RenderFault| located(fault, selection, in_use);
    if selection.profile.has_boot_templates() {
        let fault = catalog.boot(selection, sample.asks(selection, Question::Script)).err();
        checked.faults.extend(fault.into_iter().filter(lacks).map(told));
    }
    for (name, of) in selection.profile.uses() {
        if catalog.templates.is_verbatim(&name) {
            continue;
        }
        let question = match of {
            Use::Boot(Language::Ipxe) => Question::Script,
            Use::Cloud if selection.profile.seeds_cloud() => Question::None,
            Use::Ignition if selection.profile.seeds_ignition() => Question::None,
            // GRUB knows its MAC and little else.
            Use::Boot(_) | Use::Cloud | Use::Ignition | Use::Generic => Question::Document,
        };
        let variables = Variables::Of(sample.asks(selection, question));
        let (faults, warnings) =
            catalog.prepared.findings(&catalog.templates, (&name, of), variables);
        checked.faults.extend(faults.into_iter().filter(lacks).map(told));
        checked.warnings.extend(warnings.into_iter().map(told));
    }
}

/// What a machine asks: a template can only count on parameters that are always there.
#[derive(Clone, Copy)]
enum Question {
    /// A boot script: iPXE says all that it knows.
    Script,
    /// A document: profiles ask by UUID and MAC.
    Document,
    /// Nothing: it is made for the disk while the installer asks for its order.
    None,
}

/// A sample machine's variables, made only when a template wants them.
#[derive(Default)]
struct Sample([std::cell::OnceCell<Context>; 3]);

impl Sample {
    fn asks(&self, selection: Selection<'_>, question: Question) -> &Context {
        let Self([script, document, none]) = self;
        let cell = match question {
            Question::Script => script,
            Question::Document => document,
            Question::None => none,
        };
        cell.get_or_init(|| {
            let node = sample_node(selection.group);
            let request = sample_request(selection.group, question);
            let mut context = Context::new(node, selection, request, sample_server());
            if let Question::None = question {
                context.secrets.insert("node_token".to_owned(), "sample".to_owned());
            }
            context
        })
    }
}

fn located(fault: RenderFault, selection: Selection<'_>, in_use: bool) -> Fault {
    let profile = &selection.profile.name;
    let whom = if in_use {
        format!(" (rendered for group `{}`, profile `{profile}`)", selection.group.name)
    } else {
        format!(" (rendered for profile `{profile}`)")
    };
    at_template(fault, &whom)
}

fn at_template(fault: RenderFault, whom: &str) -> Fault {
    Fault {
        file: fault.file,
        line: fault.line,
        column: fault.column,
        key: fault.missing.filter(|name| !name.is_empty()),
        message: format!("{}{whom}", fault.message),
        hint: None,
    }
}

fn sample_node(group: &Group) -> NodeFacts {
    let mac = "52:54:00:00:00:01".to_owned();
    NodeFacts {
        id: "00000000-0000-4000-8000-000000000001".to_owned(),
        name: "sample".to_owned(),
        hostname: "sample".to_owned(),
        macs: vec![mac.clone()],
        labels: BTreeMap::from([("mac".to_owned(), mac.clone())])
            .into_iter()
            .chain(selected(group))
            .collect(),
        mac,
        uuid: "00000000-0000-4000-8000-000000000001".to_owned(),
        serial: "SAMPLE1".to_owned(),
        arch: "x86_64".to_owned(),
        address: "192.0.2.10".to_owned(),
        netmask: "255.255.255.0".to_owned(),
        router: "192.0.2.1".to_owned(),
        generation: 1,
        tags: BTreeMap::new(),
    }
}

/// The labels without which the group would not be the machine's.
fn selected(group: &Group) -> impl Iterator<Item = (String, String)> {
    let label =
        |selector: &Selector| Some((selector.key.clone(), selector.values.first()?.clone()));
    group.selector.iter().filter_map(label)
}

/// What is certain to be asked. What groups select by and iPXE does not know (matchbox's `os: installed`) is
/// taken to be part of a document's question: it may also be a tag, and then the template's fault shows only
/// when the machine asks.
fn sample_request(group: &Group, question: Question) -> Request {
    const NAMES: [(&str, &str); 2] =
        [("uuid", "00000000-0000-4000-8000-000000000001"), ("mac", "52:54:00:00:00:01")];
    const OF_IPXE: [(&str, &str); 4] = [
        ("domain", "example.org"),
        ("hostname", "sample"),
        ("serial", "SAMPLE1"),
        ("arch", "x86_64"),
    ];
    let own = |pairs: &[(&str, &str)]| {
        let pairs = pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned()));
        pairs.collect::<Vec<_>>()
    };
    let known = |key: &str| NAMES.iter().chain(&OF_IPXE).any(|(own, _)| *own == key);
    let mut pairs = match question {
        Question::None => return Request::default(),
        Question::Document => own(&NAMES),
        Question::Script => [own(&NAMES), own(&OF_IPXE)].concat(),
    };
    pairs.extend(selected(group).filter(|(key, _)| !known(key)));
    let raw: Vec<String> = pairs.iter().map(|(key, value)| format!("{key}={value}")).collect();
    Request { query: pairs.into_iter().collect(), raw_query: raw.join("&") }
}

fn sample_server() -> Server {
    Server::new("http://192.0.2.1:8080")
}

#[cfg(test)]
mod tests;
