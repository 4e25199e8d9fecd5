//! The catalog's templates, compiled once.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::Arc;

use handlebars::{Handlebars, RenderError, RenderErrorReason, TemplateErrorReason};
use serde_json::Value;

use crate::domain::catalog::{Fault, SourceFile};

use super::first_boot::PhoneHome;
use super::guard::Wrong;
use super::includes::Includes;
use super::{
    Context, Language, RenderFault, TemplateName, escape, guard, helpers, refused, structure,
};

/// All templates of a catalog.
#[derive(Debug)]
pub struct Templates {
    sources: BTreeMap<TemplateName, Source>,
    registries: BTreeMap<Language, Handlebars<'static>>,
}

#[derive(Debug)]
struct Source {
    file: String,
    /// Line and key, when it is a word of a file.
    place: Option<(usize, String)>,
    language: Language,
    body: Body,
}

#[derive(Debug)]
enum Body {
    /// It holds no template: sent byte for byte.
    Verbatim(Arc<str>),
    /// Registered under its name.
    Handlebars,
    /// From one of matchbox's folders.
    Go(gotemplate::Template),
}

/// What a template can say.
#[derive(Debug, Clone, Copy)]
pub(in crate::domain) enum Variables<'a> {
    /// A machine's.
    Of(&'a Context),
    /// These and no others.
    Given(&'a Value),
}

impl Variables<'_> {
    fn root_for(&self, language: Language) -> Cow<'_, Value> {
        match self {
            Self::Of(context) => {
                let mut root = context.root();
                if language == Language::Plain {
                    refused::mark_machine(&mut root);
                }
                Cow::Owned(root)
            }
            Self::Given(root) => Cow::Borrowed(root),
        }
    }

    fn go_root(&self) -> Cow<'_, Value> {
        match self {
            Self::Of(context) => Cow::Owned(context.go_root()),
            Self::Given(root) => Cow::Borrowed(root),
        }
    }
}

/// Root keys of Go's templates that machines supply: nothing of them may mean anything where it lands.
const TAINTED: [&str; 2] = ["request", "node"];

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

    /// Its file, relative to the catalog.
    pub(in crate::domain) fn file<'t>(&'t self, name: &'t TemplateName) -> &'t str {
        self.sources.get(name).map_or(name.as_str(), |source| &source.file)
    }

    /// Its text, when it holds no template.
    pub(super) fn verbatim(&self, name: &TemplateName) -> Option<Arc<str>> {
        match &self.sources.get(name)?.body {
            Body::Verbatim(text) => Some(Arc::clone(text)),
            Body::Handlebars | Body::Go(_) => None,
        }
    }

    /// Whether it holds no template.
    pub(in crate::domain) fn is_verbatim(&self, name: &TemplateName) -> bool {
        self.sources.get(name).is_some_and(|source| matches!(source.body, Body::Verbatim(_)))
    }

    /// What its output is read as.
    pub(super) fn language(&self, name: &TemplateName) -> Option<Language> {
        self.sources.get(name).map(|source| source.language)
    }

    /// A template's text with these variables.
    pub(super) fn render(
        &self,
        name: &TemplateName,
        variables: Variables<'_>,
    ) -> Result<Arc<str>, RenderFault> {
        let Some(source) = self.sources.get(name) else {
            return Err(fault(
                &format!("templates/{name}"),
                1,
                "there is no such template".to_owned(),
            ));
        };
        self.text(name, source, variables).map_err(|fault| match &source.place {
            None => fault,
            Some((line, key)) => {
                let message = format!("{key}: {}", fault.message);
                RenderFault { line: *line, column: 1, message, ..fault }
            }
        })
    }

    fn text(
        &self,
        name: &TemplateName,
        source: &Source,
        variables: Variables<'_>,
    ) -> Result<Arc<str>, RenderFault> {
        let text = match &source.body {
            Body::Verbatim(text) => return Ok(Arc::clone(text)),
            Body::Handlebars => {
                self.handlebars(name, source, &variables.root_for(source.language))?
            }
            Body::Go(template) => go(template, source, &variables.go_root())?,
        };
        if let Some((line, value)) = refused::first(&text) {
            let language = source.language;
            let message = format!(
                "line {line} of what it renders: the value {value:?} cannot stand in {language}"
            );
            return Err(fault(&source.file, 1, message));
        }
        source.language.parses(&text).map_err(|why| {
            let why = one_line(&why);
            let message = format!("what it renders cannot be read: {why}; use {{{{json x}}}} where a value may hold anything");
            fault(&source.file, 1, message)
        })?;
        Ok(text.into())
    }

    fn handlebars(
        &self,
        name: &TemplateName,
        source: &Source,
        root: &Value,
    ) -> Result<String, RenderFault> {
        let Some(registry) = self.registries.get(&source.language) else {
            return Err(fault(&source.file, 1, "there is no such language".to_owned()));
        };
        registry.render(name.as_str(), root).map_err(|error| explain(&source.file, &error))
    }

    /// The script that makes an installed system phone home.
    pub(in crate::domain) fn phone_home(
        &self,
        facts: &PhoneHome<'_>,
    ) -> Result<String, RenderFault> {
        let root = serde_json::json!({"url": facts.url, "token": facts.token});
        match TemplateName::new(PHONE_HOME) {
            Ok(name) => {
                self.render(&name, Variables::Given(&root)).map(|text| text.as_ref().to_owned())
            }
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
        let language = if matchbox {
            Language::of_go(&name, &file.text)
        } else {
            Language::of(&name, &file.text)
        };
        let refuse = |line, why: String| Fault { line, ..Fault::of_file(&*file.path, why) };
        let (body, wrong) = match body(&file.path, &file.text, matchbox) {
            Ok(body) => (body, None),
            Err(fault) => (Body::Verbatim("".into()), Some(fault)),
        };
        // One without a template may be included by others.
        let register = !matchbox;
        // One that has a fault is there all the same: whoever names it is not to blame.
        let source = Source { file: file.path.clone(), place: None, language, body };
        self.sources.insert(name.clone(), source);
        if let Some(fault) = wrong {
            return Err(fault);
        }
        if !register {
            includes.add(&name, language, &file.path, Vec::new());
            return Ok(());
        }
        accepted(&name, language, file, includes).map_err(|(line, why)| refuse(line, why))?;
        self.register(&name, language, file, &file.text)
    }

    /// A word of a profile's `boot` that holds a template, by a name that no file can have.
    pub(in crate::domain) fn add_word(
        &mut self,
        (file, line): (&str, usize),
        key: &str,
        word: &str,
    ) -> Result<TemplateName, Fault> {
        let name = TemplateName(format!("{file}#{key}"));
        let source = SourceFile { path: file.to_owned(), text: word.to_owned() };
        let refuse = |why| Fault { line, key: Some(key.to_owned()), ..Fault::of_file(file, why) };
        let accepted = accepted(&name, Language::Ipxe, &source, &mut Includes::default());
        accepted.map_err(|(_, why)| refuse(why))?;
        self.register(&name, Language::Ipxe, &source, word).map_err(|f| refuse(f.message))?;
        let place = Some((line, key.to_owned()));
        let file = file.to_owned();
        let source = Source { file, place, language: Language::Ipxe, body: Body::Handlebars };
        self.sources.insert(name.clone(), source);
        Ok(name)
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

/// What kind of text a file holds. matchbox's own folders are written in Go's templates, and its `.ign` files
/// are none.
fn body(path: &str, text: &str, matchbox: bool) -> Result<Body, Fault> {
    if refused::is_forged(text) {
        return Err(Fault::of_file(path, "holds the noncharacters U+FDD0 or U+FDD1"));
    }
    let raw = matchbox && path.starts_with("ignition/") && is_raw_ignition(path);
    if raw || !text.contains("{{") {
        return Ok(Body::Verbatim(text.into()));
    }
    if !matchbox {
        return Ok(Body::Handlebars);
    }
    let template = gotemplate::Template::parse(text).map_err(|wrong| Fault {
        line: wrong.line,
        column: wrong.column,
        hint: Some(format!(
            "{path} is one of matchbox's, in Go's templates; handlebars are in templates/"
        )),
        ..Fault::of_file(path, wrong.message)
    })?;
    Ok(Body::Go(template))
}

/// Whether a file holds Ignition and not Butane, as matchbox tells by its name.
pub(super) fn is_raw_ignition(path: &str) -> bool {
    let extension = path.rsplit_once('.').map_or("", |(_, extension)| extension);
    matches!(extension, "ign" | "ignition" | "json")
}

fn go(
    template: &gotemplate::Template,
    source: &Source,
    root: &Value,
) -> Result<String, RenderFault> {
    let rendered = template.render_tainted(root, &TAINTED).map_err(|wrong| RenderFault {
        file: source.file.clone(),
        line: wrong.line,
        column: wrong.column,
        message: match &wrong.missing {
            Some(name) => nobody_supplies(name),
            None => wrong.message,
        },
        missing: wrong.missing,
    })?;
    let unsafe_value = rendered.insertions.iter().find(|value| {
        value.tainted
            && match source.language {
                Language::Shell | Language::Ipxe | Language::Grub | Language::Plain => {
                    !escape::is_one_word(&value.value)
                }
                Language::Yaml | Language::Json => value.value.contains(char::is_control),
            }
    });
    if let Some(value) = unsafe_value {
        let message = format!(
            "the machine says {:?} for `{}`, which cannot stand here",
            value.value, value.path
        );
        return Err(RenderFault {
            column: value.column,
            ..fault(&source.file, value.line, message)
        });
    }
    structure::same(source.language, &rendered).map_err(|why| fault(&source.file, 1, why))?;
    Ok(rendered.text)
}

/// Notes what a template includes, if it does nothing that templates may not do.
fn accepted(
    name: &TemplateName,
    language: Language,
    file: &SourceFile,
    includes: &mut Includes,
) -> Result<(), Wrong> {
    let text = &file.text;
    guard::not_too_deep(text)?;
    if language != Language::Plain {
        guard::escaped_only(text)?;
    }
    if language == Language::Yaml {
        guard::indent_in_block_scalars(text)?;
        guard::yaml::no_bare_values_in_text(text)?;
    }
    if language == Language::Shell {
        guard::quotes::none_inside_of_quotes(text, &["quote", "json"])?;
    }
    if language == Language::Grub {
        guard::quotes::none_inside_of_quotes(text, &["quote", "screen"])?;
    }
    if language == Language::Ipxe {
        guard::screen_text(text)?;
    }
    includes.add(name, language, &file.path, guard::includes(text)?);
    if language == Language::Yaml && guard::calls(text, "indent") {
        includes.indents(name);
    }
    Ok(())
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
    let languages: [(Language, Escape); 6] = [
        (Language::Yaml, escape::yaml),
        (Language::Json, escape::json_inside),
        (Language::Shell, escape::shell),
        (Language::Ipxe, escape::ipxe),
        (Language::Grub, escape::grub),
        (Language::Plain, escape::plain),
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

fn nobody_supplies(name: &str) -> String {
    format!("nobody supplies `{name}`; add it to the metadata of the group or profile")
}

fn explain(file: &str, error: &RenderError) -> RenderFault {
    let (message, missing) = match error.reason() {
        RenderErrorReason::MissingVariable(Some(name)) => {
            (nobody_supplies(name), Some(name.clone()))
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

pub(super) fn fault(file: &str, line: usize, message: String) -> RenderFault {
    RenderFault { file: file.to_owned(), line, column: 1, message, missing: None }
}

pub(super) fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}
