//! Every file of `domain/catalog/faults/` is a catalog with the fault that it is named by. Its first lines say
//! as comments what the load reports; `#--- PATH` begins a file of the catalog.

use std::fs;
use std::path::Path;

use crate::domain::catalog::{Fault, SourceFile};

use super::{checked, id};

/// Beside each catalog of the corpus, so that a group has a profile to name.
const LOCAL: &str = "name: local\n";

struct Case {
    name: String,
    wanted: Vec<String>,
    files: Vec<SourceFile>,
}

fn cases() -> Vec<Case> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/domain/catalog/faults");
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let mut cases: Vec<Case> = entries
        .map(|path| {
            let name = path.file_stem().unwrap().to_string_lossy().into_owned();
            case(name, &fs::read_to_string(&path).unwrap())
        })
        .collect();
    cases.sort_by(|a, b| a.name.cmp(&b.name));
    cases
}

fn faults_of(files: Vec<SourceFile>) -> Vec<Fault> {
    let files = files.into();
    checked(id(&files), &files).err().unwrap_or_default()
}

fn case(name: String, text: &str) -> Case {
    let mut parts = text.split("#--- ");
    let wanted = parts
        .next()
        .unwrap()
        .lines()
        .map(|line| line.trim_start_matches("# ").to_owned())
        .collect();
    let mut files = vec![SourceFile { path: "profiles/local.yaml".into(), text: LOCAL.into() }];
    files.extend(parts.map(|part| {
        let (path, text) = part.split_once('\n').unwrap();
        SourceFile { path: path.into(), text: text.into() }
    }));
    Case { name, wanted, files }
}

#[test]
fn every_faulty_catalog_reports_its_faults_where_they_stand() {
    let mut wrong = String::new();
    for case in cases() {
        let faults = faults_of(case.files.clone());
        let found: Vec<String> = faults.iter().map(Fault::to_string).collect();
        if found != case.wanted || found.is_empty() {
            wrong.extend([format!("@{}\n", case.name)]);
            wrong.extend(found.iter().map(|line| format!("# {line}\n")));
        }
    }
    assert!(wrong.is_empty(), "not as the files say:\n{wrong}");
}

#[test]
fn a_typo_in_one_group_takes_no_machine_to_another_group() {
    let typo = SourceFile {
        path: "groups/x.yaml".into(),
        text: "profile: local\nselecter: {rack: r1}\n".into(),
    };
    let default =
        SourceFile { path: "groups/default.yaml".into(), text: "profile: local\n".into() };
    let local = SourceFile { path: "profiles/local.yaml".into(), text: LOCAL.into() };
    assert!(
        !faults_of(vec![typo, default, local]).is_empty(),
        "nothing goes live, the last good catalog serves"
    );
}
