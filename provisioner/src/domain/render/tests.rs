//! What machines read, word for word, and what no value can do to it.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::process::{Command, Stdio};

use insta::assert_snapshot;
use proptest::prelude::*;
use serde_json::json;

use super::first_boot::{PhoneHome, Seed};
use super::*;
use crate::domain::catalog::{Boot, CatalogId, SourceFile};

fn catalog(files: &[(&str, &str)]) -> Catalog {
    let file = |(path, text): &(&str, &str)| SourceFile {
        path: (*path).to_owned(),
        text: (*text).to_owned(),
    };
    let files: Vec<_> = files.iter().map(file).collect();
    Catalog::build(CatalogId::new("test"), &files.into()).unwrap()
}

fn context(metadata: serde_json::Value) -> Context {
    let serde_json::Value::Object(metadata) = metadata else { panic!("no map") };
    let node = NodeFacts { hostname: "node1".to_owned(), ..NodeFacts::default() };
    Context { node, metadata, ..Context::default() }
}

/// One template `FOLDER/NAME` over some metadata.
fn render(path: &str, template: &str, metadata: serde_json::Value) -> Result<String, RenderFault> {
    let catalog = catalog(&[(&format!("templates/{path}"), template)]);
    let text = catalog.render(&TemplateName::new(path).unwrap(), &context(metadata))?;
    Ok(text.as_ref().to_owned())
}

fn yaml(template: &str, value: &str) -> Result<serde_yaml::Value, String> {
    let text =
        render("cloud/x.yaml", template, json!({"x": value})).map_err(|fault| fault.to_string())?;
    serde_yaml::from_str(&text).map_err(|error| format!("{error} in {text}"))
}

mod grub_scripts;
mod ignition_seed;
mod languages;
mod nocloud;
mod scripts;
mod shipped;
mod templates;
