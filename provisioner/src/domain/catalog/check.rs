//! Rendering everything once before anybody asks: a variable that nobody supplies is found at load.

use std::collections::{BTreeMap, BTreeSet};

use crate::domain::render::first_boot::PhoneHome;
use crate::domain::render::{Context, NodeFacts, RenderFault, Request, Server, Variables};

use super::group::Group;
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
    let context = LazyContext::default();
    let lacks = |fault: &RenderFault| in_use || fault.missing.is_none();
    let told = |fault: RenderFault| located(fault, selection, in_use);
    if selection.profile.has_boot_templates() {
        let fault = catalog.boot(selection, context.get(selection)).err();
        checked.faults.extend(fault.into_iter().filter(lacks).map(told));
    }
    for (name, of) in selection.profile.uses() {
        if catalog.templates.is_verbatim(&name) {
            continue;
        }
        let variables = Variables::Of(context.get(selection));
        let (faults, warnings) =
            catalog.prepared.findings(&catalog.templates, (&name, of), variables);
        checked.faults.extend(faults.into_iter().filter(lacks).map(told));
        checked.warnings.extend(warnings.into_iter().map(told));
    }
}

/// A sample machine's variables, made only when a template wants them.
#[derive(Default)]
struct LazyContext(std::cell::OnceCell<Context>);

impl LazyContext {
    fn get(&self, selection: Selection<'_>) -> &Context {
        self.0.get_or_init(|| {
            Context::new(sample_node(), selection, sample_request(), sample_server())
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

fn sample_node() -> NodeFacts {
    let mac = "52:54:00:00:00:01".to_owned();
    NodeFacts {
        id: "00000000-0000-4000-8000-000000000001".to_owned(),
        name: "sample".to_owned(),
        hostname: "sample".to_owned(),
        macs: vec![mac.clone()],
        mac,
        uuid: "00000000-0000-4000-8000-000000000001".to_owned(),
        serial: "SAMPLE1".to_owned(),
        arch: "x86_64".to_owned(),
        address: "192.0.2.10".to_owned(),
        netmask: "255.255.255.0".to_owned(),
        router: "192.0.2.1".to_owned(),
        generation: 1,
        labels: BTreeMap::new(),
        tags: BTreeMap::new(),
    }
}

fn sample_request() -> Request {
    let pairs = [
        ("uuid", "00000000-0000-4000-8000-000000000001"),
        ("mac", "52:54:00:00:00:01"),
        ("domain", "example.org"),
        ("hostname", "sample"),
        ("serial", "SAMPLE1"),
        ("arch", "x86_64"),
        ("os", "installed"),
    ];
    let query = pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
    let raw: Vec<String> = pairs.iter().map(|(key, value)| format!("{key}={value}")).collect();
    Request { query, raw_query: raw.join("&") }
}

fn sample_server() -> Server {
    Server::new("http://192.0.2.1:8080")
}
