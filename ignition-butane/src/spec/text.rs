//! A config as text: where each problem stands.

use serde_json::Value;
use yaml::{Finding, Severity};

use super::place::{self, Placed, Twice};
use super::{Problem, check, path_text};

/// A config that can be served.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checked {
    /// The version of the specification that it follows: `3.4.0`.
    pub version: String,
    /// What is odd with it.
    pub warnings: Vec<Finding>,
}

/// Checks the text of a config.
///
/// # Errors
/// Everything that was found, warnings too, in the order of the text, if anything of it is an error.
pub fn check_text(json: &str) -> Result<Checked, Vec<Finding>> {
    let config: Value = serde_json::from_str(json).map_err(|error| vec![syntax(json, &error)])?;
    let (placed, twice) = place::read(json);
    let problems = check(&config);
    let mut findings: Vec<Finding> = twice.iter().map(repeated).collect();
    findings.extend(problems.into_iter().map(|problem| finding(&placed, problem)));
    findings.sort();
    findings.dedup();
    if findings.iter().any(Finding::is_error) {
        return Err(findings);
    }
    let version = config.pointer("/ignition/version").and_then(Value::as_str).unwrap_or_default();
    Ok(Checked { version: version.to_owned(), warnings: findings })
}

fn finding(placed: &Placed, problem: Problem) -> Finding {
    let (line, column) = placed.find(&problem.path);
    let path = problem.path();
    Finding { line, column, path, severity: problem.severity, message: problem.message }
}

fn repeated(twice: &Twice) -> Finding {
    let (line, column) = twice.again;
    let (first_line, first_column) = twice.first;
    let message = format!("given twice, first at {first_line}:{first_column}; only one can count");
    Finding { line, column, path: path_text(&twice.path), severity: Severity::Error, message }
}

fn syntax(json: &str, error: &serde_json::Error) -> Finding {
    let line = error.line().max(1);
    let text = json.split('\n').nth(line - 1).unwrap_or_default();
    // serde_json counts bytes, and 0 stands for the end of the line before.
    let before = text.as_bytes().get(..error.column().saturating_sub(1)).unwrap_or(text.as_bytes());
    let column = String::from_utf8_lossy(before).chars().count() + 1;
    let place = format!(" at line {} column {}", error.line(), error.column());
    let said = error.to_string().replacen(&place, "", 1);
    let message = if json.trim().is_empty() {
        "the file is empty; an Ignition config is a JSON object".to_owned()
    } else if json.trim_start().starts_with('{') {
        format!("this is not JSON: {said}")
    } else {
        format!("this is not JSON: {said}; a Butane config in YAML belongs into a file *.bu")
    };
    Finding { line, column, path: "$".to_owned(), severity: Severity::Error, message }
}
