use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::process::Command;

use ignition_butane::Local;

use super::super::repository;
use super::super::{Look, RevisionError, Serving, load_repository, tree};
use super::lab::{Lab, PLAIN, acknowledge, git, id, lines, poll, write};
use crate::domain::catalog::Files;
use crate::server::catalog_dir;

const WORK: &str = "{path: work, git: {ref: main}}";

#[test]
fn the_commit_of_the_ref_serves_and_not_what_lies_in_the_work_tree() {
    let lab = Lab::new();
    write(&lab.work(), &[("groups/default.yaml", "profile: [nonsense")]);
    let serving = lab.serve(WORK);
    assert_eq!(id(&serving), lab.head());
    let standing = serving.standing();
    assert_eq!((standing.reference.as_str(), standing.commit.as_str()), ("main", "Begin (Op)"));
    git(&lab.work(), &["checkout", "-q", "."]);
    let next =
        lab.commit(&[("groups/b.yaml", "profile: local\nselector: {rack: b}\n")], "Add rack b");
    assert_eq!(poll(&serving), "");
    assert_eq!(id(&serving), next);
    assert_eq!(serving.current().groups().len(), 2);
}

#[test]
fn a_bad_commit_never_goes_live_and_a_good_one_after_it_does() {
    let lab = Lab::new();
    let serving = lab.serve(WORK);
    let good = id(&serving);
    lab.commit(&[("groups/b.yaml", "profile: lokal\nselector: {rack: b}\n")], "Break it");
    let told = poll(&serving);
    assert!(told.starts_with("groups/b.yaml:1:10: profile: there is no profile `lokal`"), "{told}");
    assert_eq!(id(&serving), good);
    acknowledge(&serving);
    assert_eq!(id(&serving), good, "no word lets a fault in");
    let mended =
        lab.commit(&[("groups/b.yaml", "profile: local\nselector: {rack: b}\n")], "Mend it");
    assert_eq!(poll(&serving), "");
    assert_eq!(id(&serving), mended);
}

#[test]
fn a_restart_with_a_bad_head_serves_what_served_before() {
    let lab = Lab::new();
    let good = id(&lab.serve(WORK));
    lab.commit(&[("groups/b.yaml", "profile: lokal\n")], "Break it");
    let serving = lab.serve(WORK);
    assert_eq!(id(&serving), good);
    serving.look(&Look::Here);
    assert!(serving.standing().faults[0].contains("lokal"));
    let check = Serving::newest_of(&lab.settings(WORK), &lab.data());
    assert!(lines(&check.unwrap_err()).contains("lokal"), "check looks at the newest");
}

#[test]
fn a_bad_head_at_the_very_first_start_is_told_with_its_place() {
    let lab = Lab::new();
    lab.commit(&[("groups/b.yaml", "selektor: {}\n")], "Break it");
    let error = lab.try_serve(WORK).unwrap_err();
    assert!(error.contains("groups/b.yaml:1:1") && error.contains("selektor"), "{error}");
}

#[test]
fn a_bare_repository_and_a_tag_and_a_sub_directory_serve() {
    let lab = Lab::new();
    git(&lab.work(), &["rm", "-rq", "groups", "profiles"]);
    let deep = PLAIN.map(|(path, text)| (format!("site/a/{path}"), text));
    let deep: Vec<(&str, &str)> = deep.iter().map(|(path, text)| (path.as_str(), *text)).collect();
    let commit = lab.commit(&deep, "Move it down");
    git(&lab.work(), &["tag", "-a", "v1", "-m", "one"]);
    git(&lab.path(""), &["clone", "-q", "--bare", "work", "bare.git"]);
    for catalog in [
        "{path: bare.git, git: {ref: v1, directory: site/a}}",
        "{path: work/site/a, git: {ref: refs/heads/main}}",
        "{path: work/site, git: {directory: a}}",
        "{path: work/.git, git: {directory: site/a}}",
    ] {
        assert_eq!(id(&lab.serve(catalog)), commit, "{catalog}");
    }
    let error = lab.try_serve("{path: bare.git, git: {ref: v1, directory: site}}").unwrap_err();
    assert!(error.contains("in site/ holds no catalog"), "{error}");
}

#[test]
fn a_ref_that_vanishes_changes_nothing_but_what_the_status_says() {
    let lab = Lab::new();
    git(&lab.work(), &["checkout", "-q", "-b", "live"]);
    let serving = lab.serve("{path: work, git: {ref: live}}");
    let good = id(&serving);
    git(&lab.work(), &["checkout", "-q", "main"]);
    git(&lab.work(), &["branch", "-q", "-D", "live"]);
    let told = poll(&serving);
    assert!(told.contains("has no branch or tag `live`"), "{told}");
    assert_eq!(id(&serving), good);
    git(&lab.work(), &["branch", "live"]);
    assert_eq!(poll(&serving), "");
    fs::rename(lab.work(), lab.path("gone")).unwrap();
    let told = poll(&serving);
    assert!(told.contains("is in no git repository"), "{told}");
    assert_eq!(id(&serving), good);
}

#[test]
fn a_history_that_was_rewritten_is_taken_and_noted() {
    let lab = Lab::new();
    let serving = lab.serve(WORK);
    let before = id(&serving);
    git(&lab.work(), &["commit", "-q", "--amend", "-m", "Begin anew"]);
    assert_eq!(poll(&serving), "");
    assert_eq!(id(&serving), lab.head());
    let warnings = serving.standing().warnings;
    assert!(warnings[0].contains(&before) && warnings[0].contains("rewritten"), "{warnings:?}");
    lab.commit(&[], "Go on");
    assert_eq!(poll(&serving), "");
    assert!(serving.standing().warnings.is_empty());
}

fn of_tree(lab: &Lab) -> Result<Files, String> {
    let place = repository::open(&lab.work(), "").unwrap();
    let commit = place.revision("HEAD").unwrap();
    tree::read(&place.repository, &commit, "").map_err(|faults| lines(&faults))
}

#[test]
fn files_are_the_same_from_a_tree_and_from_a_directory() {
    let lab = Lab::new();
    let work = lab.work();
    let files =
        [("files/a/run.sh", "#!/bin/sh\n"), ("files/a/.profile", "x"), ("shared/t.yaml", "a: b\n")];
    write(&work, &files);
    fs::write(work.join("files/bytes"), [0, 255, 254]).unwrap();
    fs::set_permissions(work.join("files/a/run.sh"), fs::Permissions::from_mode(0o755)).unwrap();
    symlink("../../etc/passwd", work.join("files/a/link")).unwrap();
    symlink("/nowhere", work.join("files/dangling")).unwrap();
    symlink("a", work.join("files/folder")).unwrap();
    symlink("shared", work.join("cloud")).unwrap();
    fs::create_dir(work.join("ignition")).unwrap();
    symlink("../shared/t.yaml", work.join("ignition/u.yaml")).unwrap();
    lab.commit(&[], "Add files");
    let tree = of_tree(&lab).unwrap();
    let directory = catalog_dir::read(&work).unwrap();
    assert_eq!(tree.sources, directory.sources);
    assert_eq!(tree.local, directory.local);
    let paths: Vec<&str> = tree.sources.iter().map(|file| file.path.as_str()).collect();
    assert_eq!(
        paths,
        ["cloud/t.yaml", "groups/default.yaml", "ignition/u.yaml", "profiles/local.yaml"]
    );
    let run = Local::File { bytes: (*b"#!/bin/sh\n").into(), executable: true };
    assert_eq!(tree.local["a/run.sh"], run);
    assert_eq!(tree.local["a/link"], Local::Link("../../etc/passwd".into()));
    assert_eq!(tree.local["folder"], Local::Link("a".into()));
    assert_eq!(tree.local["bytes"], Local::File { bytes: [0, 255, 254].into(), executable: false });
    assert_eq!(tree.local.len(), 6);
}

#[test]
fn links_that_leave_the_repository_or_go_in_a_circle_are_faults() {
    let lab = Lab::new();
    let work = lab.work();
    symlink("../../etc/passwd", work.join("groups/out.yaml")).unwrap();
    symlink("/etc/passwd", work.join("groups/abs.yaml")).unwrap();
    symlink("circle.yaml", work.join("groups/circle.yaml")).unwrap();
    symlink("nothing.yaml", work.join("groups/dangling.yaml")).unwrap();
    symlink("../groups", work.join("groups/again")).unwrap();
    lab.commit(&[], "Link");
    let told = of_tree(&lab).unwrap_err();
    for why in [
        "groups/abs.yaml:1:1: is a symbolic link to /etc/passwd, which is not in the repository",
        "groups/circle.yaml:1:1: is a symbolic link that points in a circle",
        "groups/dangling.yaml:1:1: is a symbolic link to nothing",
        "groups/out.yaml:1:1: is a symbolic link that leaves the repository",
        "nested more than 16 deep",
    ] {
        assert!(told.contains(why), "{why}: {told}");
    }
}

#[test]
fn huge_files_submodules_and_lfs_pointers_are_faults_with_a_way_out() {
    let lab = Lab::new();
    let work = lab.work();
    fs::create_dir(work.join("files")).unwrap();
    let huge = fs::File::create(work.join("files/huge.img")).unwrap();
    huge.set_len((64 << 20) + 1).unwrap();
    let text = fs::File::create(work.join("groups/huge.yaml")).unwrap();
    text.set_len((4 << 20) + 1).unwrap();
    write(
        &work,
        &[("files/lfs.bin", "version https://git-lfs.github.com/spec/v1\noid sha256:00\n")],
    );
    lab.commit(&[], "Add an image");
    let wanted = [
        "files/huge.img:1:1: has 67108865 bytes; a file in files/ has at most 64 MiB: put it into the asset store",
        "files/lfs.bin:1:1: is a pointer of Git LFS",
        "groups/huge.yaml:1:1: has 4194305 bytes; a file of the catalog has at most 4194304",
    ];
    for told in [of_tree(&lab).unwrap_err(), lines(&catalog_dir::read(&work).unwrap_err())] {
        for why in wanted {
            assert!(told.contains(why), "{why}: {told}");
        }
    }
    let module = format!("160000,{},groups/module", lab.head());
    git(&work, &["update-index", "--add", "--cacheinfo", &module]);
    git(&work, &["commit", "-q", "-m", "Add a module"]);
    assert!(of_tree(&lab).unwrap_err().contains("groups/module:1:1: is a submodule"));
}

#[test]
fn a_tree_that_unfolds_without_end_is_refused_before_memory_is() {
    let lab = Lab::new();
    let work = lab.work();
    let make = |rows: String| {
        let list = lab.path("list");
        fs::write(&list, rows).unwrap();
        let list = fs::File::open(list).unwrap();
        let made = Command::new("git").arg("mktree").stdin(list).current_dir(&work).output();
        String::from_utf8(made.unwrap().stdout).unwrap().trim().to_owned()
    };
    // Twelve levels of ten names each: thirteen objects.
    let mut tree = make(String::new());
    for _ in 0..12 {
        let rows: Vec<String> = (0..10).map(|n| format!("040000 tree {tree}\td{n}\n")).collect();
        tree = make(rows.concat());
    }
    let top = make(format!("040000 tree {tree}\tgroups\n040000 tree {tree}\tfiles\n"));
    let commit = git(&work, &["commit-tree", &top, "-m", "Bomb"]);
    let place = repository::open(&work, "").unwrap();
    let commit = place.revision(&commit).unwrap();
    let told = lines(&tree::read(&place.repository, &commit, "").unwrap_err());
    assert!(told.contains("more than 200000 files"), "{told}");
}

#[test]
fn any_revision_of_the_repository_can_be_had() {
    let lab = Lab::new();
    let first = lab.head();
    lab.commit(&[("groups/b.yaml", "profile: local\nselector: {rack: b}\n")], "Add rack b");
    let bad = lab.commit(&[("groups/c.yaml", "x: y\n")], "Break it");
    let good = lab.commit(&[("groups/c.yaml", "profile: local\nselector: {rack: c}\n")], "Mend it");
    for catalog in [WORK, "{path: work}"] {
        let serving = lab.serve(catalog);
        assert_eq!(serving.at("main").unwrap().id().as_str(), good, "{catalog}");
        assert_eq!(serving.at(&first[..9]).unwrap().groups().len(), 1);
        let again = (serving.at("HEAD~3").unwrap(), serving.at("main~3").unwrap());
        assert!(std::sync::Arc::ptr_eq(&again.0, &again.1), "read once");
        let error = serving.at(&bad).unwrap_err();
        assert!(matches!(&error, RevisionError::Faults { commit, .. } if *commit == bad));
        assert!(error.to_string().contains("groups/c.yaml:1:1"), "{error}");
        let error = serving.at("nonsense").unwrap_err().to_string();
        assert!(error.contains("has no commit \"nonsense\""), "{error}");
        let own = id(&serving);
        assert_eq!(serving.at(&own).unwrap().id().as_str(), own);
    }
    assert_eq!(load_repository(&lab.work(), "main~3", "").unwrap().id().as_str(), first);
    write(&lab.path("plain"), &PLAIN);
    let error = lab.serve("{path: plain}").at("main").unwrap_err().to_string();
    assert!(error.contains("is in no git repository, so there are no other revisions"), "{error}");
    let shipped = lab.serve("{}").at("main").unwrap_err().to_string();
    assert!(shipped.contains("came with the program"), "{shipped}");
}

#[test]
fn a_name_that_is_a_branch_and_a_tag_is_refused_with_what_to_write() {
    let lab = Lab::new();
    git(&lab.work(), &["tag", "main"]);
    let why = "`main` is a branch and a tag: write `refs/heads/main` or `refs/tags/main`";
    let error = lab.try_serve(WORK).unwrap_err();
    assert!(error.contains(why), "{error}");
    let error = lab.try_serve("{git: {remote: work}}").unwrap_err();
    assert!(error.contains(why), "{error}");
    assert_eq!(id(&lab.serve("{path: work, git: {ref: refs/tags/main}}")), lab.head());
}

#[test]
fn a_folder_of_the_catalog_that_cannot_be_entered_is_no_empty_one() {
    let lab = Lab::new();
    let work = lab.work();
    symlink("/etc", work.join("cloud")).unwrap();
    symlink("nothing", work.join("files")).unwrap();
    symlink("ignition", work.join("ignition")).unwrap();
    write(&work, &[("generic", "x")]);
    lab.commit(&[], "Link");
    let told = of_tree(&lab).unwrap_err();
    for why in [
        "cloud:1:1: is a symbolic link to /etc, which is not in the repository",
        "files:1:1: is a symbolic link to nothing",
        "generic:1:1: is no folder",
        "ignition:1:1: is a symbolic link that points in a circle",
    ] {
        assert!(told.contains(why), "{why}: {told}");
    }
    let told = lines(&catalog_dir::read(&work).unwrap_err());
    for why in [
        "files:1:1: is a symbolic link to nothing",
        "generic:1:1: is no folder",
        "ignition:1:1: cannot be read: ",
    ] {
        assert!(told.contains(why), "{why}: {told}");
    }
}
