//! Which template includes which: an include that leads nowhere, or back to itself, is found at load.

use std::collections::BTreeMap;

use crate::domain::catalog::Fault;

use super::Language;
use super::TemplateName;

/// Includes of all templates of a catalog.
#[derive(Debug, Default)]
pub(super) struct Includes(BTreeMap<String, Includer>);

#[derive(Debug)]
struct Includer {
    language: Language,
    file: String,
    names: Vec<Include>,
    /// Whether it calls `indent`.
    indents: bool,
}

/// `{{> NAME}}`
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Include {
    /// Line of the call.
    pub(super) line: usize,
    /// Whose text.
    pub(super) name: String,
    /// Whether blanks stand before it: they are put before each of its lines.
    pub(super) moved_in: bool,
}

impl Includes {
    /// Notes what a template includes.
    pub(super) fn add(
        &mut self,
        name: &TemplateName,
        language: Language,
        file: &str,
        names: Vec<Include>,
    ) {
        let includer = Includer { language, file: file.to_owned(), names, indents: false };
        self.0.insert(name.to_string(), includer);
    }

    /// Notes that a template calls `indent`.
    pub(super) fn indents(&mut self, name: &TemplateName) {
        if let Some(includer) = self.0.get_mut(name.as_str()) {
            includer.indents = true;
        }
    }

    /// Reports includes of nothing, of another language (its values are escaped otherwise), and circles.
    pub(super) fn check(
        &self,
        language_of: impl Fn(&str) -> Option<Language>,
        note: &mut impl FnMut(Fault),
    ) {
        for (name, includer) in &self.0 {
            for Include { line, name: included, moved_in } in &includer.names {
                let why = match language_of(included) {
                    None => format!("there is no template templates/{included}"),
                    Some(language) if language != includer.language => {
                        format!(
                            "templates/{included} is in another language, where values are escaped otherwise"
                        )
                    }
                    Some(_) if self.leads_to(included, name) => {
                        format!("includes in a circle: {included} leads back to {name}")
                    }
                    Some(_) if *moved_in && self.reaches(included, |_, of| of.indents) => {
                        format!(
                            "templates/{included} calls `indent`, whose lines would stay where they are: \
                             include it at the begin of the line"
                        )
                    }
                    Some(_) => continue,
                };
                note(Fault { line: *line, ..Fault::of_file(&*includer.file, why) });
            }
        }
    }

    fn leads_to(&self, from: &str, to: &str) -> bool {
        self.reaches(from, |name, _| name == to)
    }

    /// Whether a template, or one that it includes, is such a one.
    fn reaches(&self, from: &str, such: impl Fn(&str, &Includer) -> bool) -> bool {
        let mut seen = vec![from];
        let mut at = 0;
        while let Some(name) = seen.get(at).copied() {
            let Some(includer) = self.0.get(name) else {
                at += 1;
                continue;
            };
            if such(name, includer) {
                return true;
            }
            at += 1;
            for next in &includer.names {
                if !seen.contains(&next.name.as_str()) {
                    seen.push(&next.name);
                }
            }
        }
        false
    }
}
