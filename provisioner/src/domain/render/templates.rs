//! The catalog's templates, compiled once.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use handlebars::{Handlebars, RenderError, RenderErrorReason, TemplateErrorReason};
use serde::Deserialize as _;
use serde_json::Value;

use crate::domain::catalog::{Fault, SourceFile};

use super::first_boot::PhoneHome;
use super::guard::Wrong;
use super::includes::Includes;
use super::{RenderFault, TemplateName, escape, go, guard, helpers};

/// What a template's output is read as: decides how values are escaped.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Language {
    /// Values are scalars; the output must parse.
    Yaml,
    /// Values are the inside of strings; the output must parse.
    Json,
    /// Values are single words.
    Shell,
    /// Values are as they are: nothing is known of the language.
    Plain,
}

impl Language {
    /// By the file's extension, else by its first line, else by its folder.
    fn of(name: &TemplateName, text: &str) -> Self {
        let path = Path::new(name.as_str());
        let extension = path.extension().and_then(|ext| ext.to_str()).unwrap_or_default();
        match extension.to_ascii_lowercase().as_str() {
            _ if text.starts_with("#!") => Self::Shell,
            "yaml" | "yml" | "bu" => Self::Yaml,
            "json" | "ign" | "ignition" => Self::Json,
            "sh" => Self::Shell,
            _ if text.starts_with("#cloud-config") => Self::Yaml,
            _ if name.as_str().starts_with("ignition/") => Self::Yaml,
            _ => Self::Plain,
        }
    }
}

/// All templates of a catalog.
#[derive(Debug)]
pub struct Templates {
    sources: BTreeMap<TemplateName, Source>,
    registries: BTreeMap<Language, Handlebars<'static>>,
}

#[derive(Debug)]
struct Source {
    file: String,
    language: Language,
    /// The text when it holds no template: sent byte for byte.
    verbatim: Option<Arc<str>>,
}

/// Name of the template that makes an installed system phone home. A catalog may bring its own.
const PHONE_HOME: &str = "phone-home.sh";
const SHIPPED_PHONE_HOME: &str = include_str!("../../../../templates/phone-home.sh");

impl Templates {
    /// Compiles every file below `templates/`, and matchbox's `ignition/`, `cloud/` and `generic/`.
    pub(in crate::domain) fn compile(files: &[SourceFile], mut note: impl FnMut(Fault)) -> Self {
        let mut templates = Self { sources: BTreeMap::new(), registries: registries() };
        let mut includes = Includes::default();
        for file in files {
            if let Err(fault) = templates.add(file, &mut includes) {
                note(fault);
            }
        }
        let shipped = SourceFile {
            path: format!("templates/{PHONE_HOME}"),
            text: SHIPPED_PHONE_HOME.to_owned(),
        };
        let own = TemplateName::new(PHONE_HOME).is_ok_and(|name| templates.contains(&name));
        if !own && let Err(fault) = templates.add(&shipped, &mut includes) {
            note(fault);
        }
        let language_of = |name: &str| {
            let source = templates.sources.get(&TemplateName::new(name).ok()?);
            source.map(|source| source.language)
        };
        includes.check(language_of, &mut note);
        templates
    }

    /// Whether there is a template of this name.
    pub(in crate::domain) fn contains(&self, name: &TemplateName) -> bool {
        self.sources.contains_key(name)
    }

    /// All names.
    pub(in crate::domain) fn names(&self) -> impl Iterator<Item = &TemplateName> {
        self.sources.keys()
    }

    /// A template's text with these variables.
    pub(super) fn render(
        &self,
        name: &TemplateName,
        root: &Value,
    ) -> Result<Arc<str>, RenderFault> {
        let Some(source) = self.sources.get(name) else {
            return Err(fault(
                &format!("templates/{name}"),
                1,
                "there is no such template".to_owned(),
            ));
        };
        if let Some(text) = &source.verbatim {
            return Ok(Arc::clone(text));
        }
        let Some(registry) = self.registries.get(&source.language) else {
            return Err(fault(&source.file, 1, "there is no such language".to_owned()));
        };
        let text =
            registry.render(name.as_str(), root).map_err(|error| explain(&source.file, &error))?;
        well_formed(source.language, &text).map_err(|why| {
            let message = format!("what it renders cannot be read: {why}; use {{{{json x}}}} where a value may hold anything");
            fault(&source.file, 1, message)
        })?;
        Ok(text.into())
    }

    /// The script that makes an installed system phone home.
    pub(in crate::domain) fn phone_home(
        &self,
        facts: &PhoneHome<'_>,
    ) -> Result<String, RenderFault> {
        let root = serde_json::json!({"url": facts.url, "token": facts.token});
        match TemplateName::new(PHONE_HOME) {
            Ok(name) => self.render(&name, &root).map(|text| text.as_ref().to_owned()),
            Err(error) => Err(fault(PHONE_HOME, 1, error.to_string())),
        }
    }

    fn add(&mut self, file: &SourceFile, includes: &mut Includes) -> Result<(), Fault> {
        let Some((path, matchbox)) = template_path(&file.path) else {
            return Ok(());
        };
        let name = TemplateName::new(path)
            .map_err(|error| Fault::of_file(&*file.path, error.to_string()))?;
        if let Some(first) = self.sources.get(&name) {
            let message = format!("template {name} is already in {}", first.file);
            return Err(Fault::of_file(&*file.path, message));
        }
        let language = Language::of(&name, &file.text);
        let verbatim = (!file.text.contains("{{")).then(|| Arc::from(file.text.as_str()));
        // One that has a fault is there all the same: whoever names it is not to blame.
        let source = Source { file: file.path.clone(), language, verbatim };
        self.sources.insert(name.clone(), source);
        let text = accepted(&name, language, file, matchbox, includes)
            .map_err(|(line, why)| Fault { line, ..Fault::of_file(&*file.path, why) })?;
        self.register(&name, language, file, &text)
    }

    fn register(
        &mut self,
        name: &TemplateName,
        language: Language,
        file: &SourceFile,
        text: &str,
    ) -> Result<(), Fault> {
        let Some(registry) = self.registries.get_mut(&language) else {
            return Ok(());
        };
        registry.register_template_string(name.as_str(), text).map_err(|error| {
            let (line, column) = error.pos().unwrap_or((1, 1));
            Fault { line, column, ..Fault::of_file(&*file.path, syntax(error.reason())) }
        })
    }
}

/// The template in handlebars' words, if it does nothing that templates may not do.
fn accepted(
    name: &TemplateName,
    language: Language,
    file: &SourceFile,
    matchbox: bool,
    includes: &mut Includes,
) -> Result<String, Wrong> {
    let text = if matchbox { go::translate(&file.text)? } else { file.text.clone() };
    guard::not_too_deep(&text)?;
    if language != Language::Plain {
        guard::escaped_only(&text)?;
    }
    if language == Language::Yaml {
        guard::indent_in_block_scalars(&text)?;
    }
    includes.add(name, language, &file.path, guard::includes(&text)?);
    Ok(text)
}

/// The grammar's own words list every token that it knows.
fn syntax(reason: &TemplateErrorReason) -> String {
    match reason {
        TemplateErrorReason::InvalidSyntax(_) => {
            "this is no handlebars: is a `{{#…}}` above left open, or a `}}` missing?".to_owned()
        }
        other => one_line(&other.to_string()),
    }
}

/// The template's name, and whether it lies in one of matchbox's folders.
fn template_path(path: &str) -> Option<(&str, bool)> {
    let (folder, rest) = path.split_once('/')?;
    let file = rest.rsplit('/').next().unwrap_or(rest);
    match folder {
        _ if file.starts_with("README") => None,
        "templates" => Some((rest, false)),
        "ignition" | "cloud" | "generic" => Some((path, true)),
        _ => None,
    }
}

type Escape = fn(&str) -> String;

fn registries() -> BTreeMap<Language, Handlebars<'static>> {
    let languages: [(Language, Escape); 4] = [
        (Language::Yaml, escape::yaml),
        (Language::Json, escape::json_inside),
        (Language::Shell, escape::shell),
        (Language::Plain, str::to_owned),
    ];
    let registry = |(language, escape): (Language, Escape)| {
        let mut registry = Handlebars::new();
        registry.set_strict_mode(true);
        registry.register_escape_fn(escape);
        helpers::register(&mut registry, language);
        (language, registry)
    };
    languages.into_iter().map(registry).collect()
}

fn well_formed(language: Language, text: &str) -> Result<(), String> {
    match language {
        Language::Yaml => {
            for document in serde_yaml::Deserializer::from_str(text) {
                serde_yaml::Value::deserialize(document)
                    .map_err(|error| one_line(&error.to_string()))?;
            }
            Ok(())
        }
        Language::Json => {
            serde_json::from_str::<serde::de::IgnoredAny>(text)
                .map_err(|error| error.to_string())?;
            Ok(())
        }
        Language::Shell | Language::Plain => Ok(()),
    }
}

fn explain(file: &str, error: &RenderError) -> RenderFault {
    let (message, missing) = match error.reason() {
        RenderErrorReason::MissingVariable(Some(name)) => {
            let message =
                format!("nobody supplies `{name}`; add it to the metadata of the group or profile");
            (message, Some(name.clone()))
        }
        RenderErrorReason::MissingVariable(None) => {
            ("a variable is used that nobody supplies".to_owned(), Some(String::new()))
        }
        other => (one_line(&other.to_string()), None),
    };
    RenderFault {
        column: error.column_no.unwrap_or(1),
        missing,
        ..fault(file, error.line_no.unwrap_or(1), message)
    }
}

fn fault(file: &str, line: usize, message: String) -> RenderFault {
    RenderFault { file: file.to_owned(), line, column: 1, message, missing: None }
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}
