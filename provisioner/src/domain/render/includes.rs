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
    names: Vec<(usize, String)>,
}

impl Includes {
    /// Notes what a template includes.
    pub(super) fn add(
        &mut self,
        name: &TemplateName,
        language: Language,
        file: &str,
        names: Vec<(usize, String)>,
    ) {
        let includer = Includer { language, file: file.to_owned(), names };
        self.0.insert(name.to_string(), includer);
    }

    /// Reports includes of nothing, of another language (its values are escaped otherwise), and circles.
    pub(super) fn check(
        &self,
        language_of: impl Fn(&str) -> Option<Language>,
        note: &mut impl FnMut(Fault),
    ) {
        for (name, includer) in &self.0 {
            for (line, included) in &includer.names {
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
                    Some(_) => continue,
                };
                note(Fault { line: *line, ..Fault::of_file(&*includer.file, why) });
            }
        }
    }

    fn leads_to(&self, from: &str, to: &str) -> bool {
        let mut seen = vec![from];
        let mut at = 0;
        while let Some(name) = seen.get(at).copied() {
            if name == to {
                return true;
            }
            at += 1;
            let names = self.0.get(name).map(|includer| includer.names.as_slice());
            for (_, next) in names.unwrap_or_default() {
                if !seen.contains(&next.as_str()) {
                    seen.push(next);
                }
            }
        }
        false
    }
}
