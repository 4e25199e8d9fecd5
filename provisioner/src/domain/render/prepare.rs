//! From a template's text to what a machine reads: Butane becomes Ignition, Ignition and cloud-configs are
//! checked. What needs no machine's values is made once for each catalog.

use std::collections::BTreeMap;
use std::sync::Arc;

use ignition_butane::LocalFiles;
use yaml::{Finding, Severity};

use crate::domain::catalog::Fault;

use super::templates::{Variables, is_raw_ignition};
use super::{Language, RenderFault, TemplateName, Templates};

/// What a profile uses a template for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::domain) enum Use {
    /// Ignition, or Butane that becomes it.
    Ignition,
    /// cloud-config or script.
    Cloud,
    /// Anything.
    Generic,
    /// A boot script of this language.
    Boot(Language),
}

/// Templates as profiles use them.
#[derive(Debug, Default)]
pub struct Prepared {
    ready: BTreeMap<(TemplateName, Use), Arc<str>>,
    local: LocalFiles,
}

/// A document, and what is odd in it.
struct Made {
    text: Arc<str>,
    warnings: Vec<Finding>,
}

impl Prepared {
    /// Makes and checks what needs no machine's values. `note` is told faults, `warn` oddities.
    pub(in crate::domain) fn new(
        templates: &Templates,
        uses: impl IntoIterator<Item = (TemplateName, Use)>,
        local: LocalFiles,
        mut note: impl FnMut(Fault),
        mut warn: impl FnMut(Fault),
    ) -> Self {
        let mut prepared = Self { ready: BTreeMap::new(), local };
        for (name, of) in uses {
            let key = (name, of);
            if prepared.ready.contains_key(&key) {
                continue;
            }
            let (name, of) = &key;
            if let Some(why) = wrong_language(templates, name, *of) {
                note(Fault::of_file(templates.file(name), why));
            }
            let Some(text) = templates.verbatim(name) else { continue };
            let file = templates.file(name);
            match prepared.make(name, *of, text, true) {
                Ok(made) => {
                    made.warnings.into_iter().for_each(|finding| warn(placed(file, finding)));
                    prepared.ready.insert(key, made.text);
                }
                Err(findings) => findings.into_iter().for_each(|finding| {
                    let is_error = finding.is_error();
                    let fault = placed(file, finding);
                    if is_error { note(fault) } else { warn(fault) }
                }),
            }
        }
        prepared
    }

    /// A document for one machine. The first of its faults.
    pub(super) fn document(
        &self,
        templates: &Templates,
        (name, of): (&TemplateName, Use),
        variables: Variables<'_>,
    ) -> Result<Arc<str>, RenderFault> {
        let key = (name.clone(), of);
        if let Some(text) = self.ready.get(&key) {
            return Ok(Arc::clone(text));
        }
        let text = templates.render(name, variables)?;
        let made = self.make(name, of, text, false).map_err(|findings| {
            let first = findings.into_iter().find(Finding::is_error);
            of_rendered(templates.file(name), first)
        })?;
        Ok(made.text)
    }

    /// Everything that is wrong or odd with a document: errors, then warnings.
    pub(in crate::domain) fn findings(
        &self,
        templates: &Templates,
        (name, of): (&TemplateName, Use),
        variables: Variables<'_>,
    ) -> (Vec<RenderFault>, Vec<RenderFault>) {
        if self.ready.contains_key(&(name.clone(), of)) || templates.verbatim(name).is_some() {
            return (Vec::new(), Vec::new());
        }
        let text = match templates.render(name, variables) {
            Ok(text) => text,
            Err(fault) => return (vec![fault], Vec::new()),
        };
        let findings = match self.make(name, of, text, true) {
            Ok(made) => made.warnings,
            Err(findings) => findings,
        };
        let (errors, warnings): (Vec<_>, Vec<_>) =
            findings.into_iter().partition(Finding::is_error);
        let told = |findings: Vec<Finding>| {
            let file = templates.file(name);
            findings.into_iter().map(|finding| of_rendered(file, Some(finding))).collect()
        };
        (told(errors), told(warnings))
    }

    /// `whole`: check what only has to be checked once for each catalog, too.
    fn make(
        &self,
        name: &TemplateName,
        of: Use,
        text: Arc<str>,
        whole: bool,
    ) -> Result<Made, Vec<Finding>> {
        match of {
            Use::Ignition if is_raw_ignition(name.as_str()) => {
                let checked = ignition_butane::spec::check_text(&text)?;
                Ok(Made { text, warnings: checked.warnings })
            }
            Use::Ignition => {
                let translated = ignition_butane::butane::translate(&text, &self.local)?;
                Ok(Made { text: translated.json.into(), warnings: translated.warnings })
            }
            Use::Cloud if whole => {
                let findings = cloudconfig::check(&text).findings;
                if findings.iter().any(Finding::is_error) {
                    return Err(findings);
                }
                Ok(Made { text, warnings: findings })
            }
            Use::Cloud if cloudconfig::kind(&text) == cloudconfig::Kind::Other => {
                Err(cloudconfig::check(&text).findings)
            }
            Use::Boot(Language::Ipxe) if !text.starts_with("#!ipxe") => {
                let message = "an iPXE script begins with the line `#!ipxe`".to_owned();
                let path = String::new();
                let severity = Severity::Error;
                Err(vec![Finding { line: 1, column: 1, path, severity, message }])
            }
            Use::Cloud | Use::Generic | Use::Boot(_) => Ok(Made { text, warnings: Vec::new() }),
        }
    }
}

/// A cloud-config's and a boot script's values are escaped for its language, so its template has to be known as one.
fn wrong_language(templates: &Templates, name: &TemplateName, of: Use) -> Option<String> {
    let found = templates.language(name)?;
    if of == Use::Cloud && !templates.is_verbatim(name) {
        let known = matches!(found, Language::Yaml | Language::Shell);
        let why = "nothing says what language this is, so no value can be escaped for it: \
                   call it NAME.yaml when it is a cloud-config, NAME.sh when it is a script";
        return (!known).then(|| why.to_owned());
    }
    let Use::Boot(wanted) = of else { return None };
    let folder = if wanted == Language::Ipxe { "ipxe" } else { "grub" };
    (found != wanted).then(|| format!("a boot script lies in templates/{folder}/"))
}

/// A finding in a file that is sent as it is.
fn placed(file: &str, finding: Finding) -> Fault {
    let Finding { line, column, path, message, .. } = finding;
    let key = Some(path).filter(|path| !path.is_empty());
    Fault { line, column, key, ..Fault::of_file(file, message) }
}

/// A finding in what a template renders, whose lines are not the template's.
fn of_rendered(file: &str, finding: Option<Finding>) -> RenderFault {
    let message = finding.map_or_else(
        || "what it renders cannot be used".to_owned(),
        |Finding { line, path, message, .. }| {
            let colon = if path.is_empty() { "" } else { ": " };
            format!("line {line} of what it renders: {path}{colon}{message}")
        },
    );
    super::templates::fault(file, 1, message)
}
