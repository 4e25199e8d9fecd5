//! Our own templates, rendered as the real Go renders them: see `corpus/README.md`.

use std::fs;
use std::path::{Path, PathBuf};

use gotemplate::Template;
use serde_json::Value;

fn directory() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/corpus")
}

fn read(path: &Path) -> Option<String> {
    fs::read_to_string(path).ok()
}

/// What a case gives: the text, or the message and the missing variable as a `.err` file holds them.
fn outcome(text: &str, data: &Value) -> Result<String, String> {
    let template = Template::parse(text).map_err(|fault| format!("{fault}\n"))?;
    match template.render(data) {
        Ok(rendered) => Ok(rendered.text),
        Err(fault) => {
            let missing = fault.missing.as_ref().map(|path| format!("missing: {path}\n"));
            Err(format!("{fault}\n{}", missing.unwrap_or_default()))
        }
    }
}

#[test]
fn every_template_of_the_corpus_gives_what_go_gives() {
    let directory = directory();
    let shared = read(&directory.join("shared.json")).unwrap();
    let mut cases = 0;
    let mut faults = Vec::new();
    for entry in fs::read_dir(&directory).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_none_or(|extension| extension != "tmpl") {
            continue;
        }
        cases += 1;
        let data = read(&path.with_extension("json")).unwrap_or_else(|| shared.clone());
        let found = outcome(&read(&path).unwrap(), &serde_json::from_str::<Value>(&data).unwrap());
        let wanted = match read(&path.with_extension("out")) {
            Some(out) => Ok(out),
            None => Err(read(&path.with_extension("err")).unwrap()),
        };
        if found != wanted {
            faults.push(format!("{}: {found:?} instead of {wanted:?}", path.display()));
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
    assert!(cases >= 270, "only {cases} cases were found");
}
