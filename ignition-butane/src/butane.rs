//! Butane to Ignition: variants fcos 1.0 to 1.6 and flatcar 1.0 to 1.1, as the program `butane` translates
//! them (<https://coreos.github.io/butane/specs/>).
//!
//! One table (`shape`) says which fields there are. A config goes through it in stages, and each stage only
//! begins when the one before found no errors: reading, Butane's own checks, the translation, what the variant
//! adds, the checks of Ignition.

mod boot_device;
mod build;
mod check;
mod data_url;
mod deflate;
mod files;
mod grub;
mod merge;
mod mount;
mod node;
mod path;
mod read;
mod report;
mod shape;
mod trees;
mod validate;
mod version;
mod write;

use yaml::{Dialect, Faults, Finding, Item, Severity, SourceFile, Value};

use crate::LocalFiles;

use build::Builder;
use files::Files;
use node::Node;
use read::Reader;
use report::Report;
use version::Version;

/// An Ignition config that was made from a Butane config.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Translated {
    /// Compact JSON with a newline behind it, as `butane` prints it without `--pretty`.
    pub json: String,
    /// The version of Ignition's specification: `3.4.0`.
    pub version: String,
    /// What is odd in the config, in the order of lines.
    pub warnings: Vec<Finding>,
}

/// Translates a Butane config; `local` holds the files that it may embed.
///
/// Stricter than `butane` in this: an unknown key is an error, and so is a local unit or file of keys that is
/// not UTF-8.
///
/// # Errors
///
/// All that was found, errors and warnings, in the order of lines. Messages and paths are Butane's.
pub fn translate(text: &str, local: &LocalFiles) -> Result<Translated, Vec<Finding>> {
    let file = [SourceFile { path: String::new(), text: text.to_owned() }];
    // The settings' dialect: always YAML, whatever the name.
    let faults = Faults::new(&file, Dialect::Settings);
    let Some(root) = faults.read(0) else {
        return Err(syntax(faults));
    };
    let mut report = Report::new(&faults, &root);
    let version = version_of(&root, &mut report)?;
    let built = stages(text, &root, version, Files::new(local), &mut report);
    let Some(built) = built else {
        return Err(report.take());
    };
    let json = write::json(&built, version);
    validate::result(&built, &json, &mut report);
    if report.has_errors() {
        return Err(report.take());
    }
    Ok(Translated { json, version: version.ignition.to_owned(), warnings: report.take() })
}

fn syntax(faults: Faults<'_>) -> Vec<Finding> {
    let findings = faults.finish().into_iter().map(|fault| Finding {
        line: fault.line,
        column: fault.column,
        path: String::new(),
        severity: Severity::Error,
        message: fault.message,
    });
    findings.collect()
}

fn version_of(root: &Item, report: &mut Report<'_>) -> Result<&'static Version, Vec<Finding>> {
    let entries = match &root.value {
        Value::Map(entries) => entries.as_slice(),
        Value::Null => &[],
        other => {
            let tag = if matches!(other, Value::List(_)) { "!!seq" } else { "!!str" };
            let message = format!(
                "cannot unmarshal {tag} into config.commonFields; a config is a map of keys, not {}",
                other.kind()
            );
            return Err(report.fail(&path::Path::default(), message));
        }
    };
    let mut words = ["variant", "version"].map(|key| {
        let entry = entries.iter().find(|entry| entry.key == key);
        match entry.map(|entry| &entry.item.value) {
            Some(Value::Text(text)) => text.clone(),
            Some(Value::Number(Ok(number))) => number.to_string(),
            Some(Value::Bool(value)) => value.to_string(),
            _ => String::new(),
        }
    });
    let [variant, version] = words.each_mut().map(std::mem::take);
    Version::find(&variant, &version, report)
}

fn stages<'a>(
    text: &'a str,
    root: &Item,
    version: &'static Version,
    files: Files<'_>,
    report: &mut Report<'a>,
) -> Option<Node> {
    let config = Reader::new(text, version, report).config(root)?;
    check::config(&config, version, report);
    if report.is_blocked() {
        return None;
    }
    let mut builder = Builder { version, files, report };
    let mut built = builder.config(&config);
    built = mount::add_units(&config, built, version);
    builder.trees(&config, &mut built);
    validate::embedded(&config, files, builder.report);
    if builder.report.is_blocked() {
        return None;
    }
    if version.is_fcos() {
        built = builder.boot_device(&config, built);
        check::partitions(&built, version, report);
        built = grub::add_users(&config, built, version);
    } else {
        check::no_clevis(&built, report);
    }
    (!report.is_blocked()).then_some(built)
}
