use std::os::unix::fs::symlink;

use super::*;

fn tree(files: &[(&str, &str)]) -> tempfile::TempDir {
    let directory = tempfile::tempdir().unwrap();
    for (path, text) in files {
        let path = directory.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    directory
}

fn lines(faults: &[Fault]) -> String {
    faults.iter().map(Fault::to_string).collect::<Vec<_>>().join("\n")
}

const LOCAL: (&str, &str) = ("profiles/local.yaml", "name: local\n");
const DEFAULT: (&str, &str) = ("groups/default.yaml", "profile: local\n");

#[test]
fn the_shipped_catalog_has_no_fault() {
    let catalog = shipped().map_err(|faults| lines(&faults)).unwrap();
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let on_disk = load(root).map_err(|faults| lines(&faults)).unwrap();
    assert_eq!(
        catalog.profiles().count(),
        on_disk.profiles().count(),
        "a file is not listed in SHIPPED"
    );
    assert_eq!(catalog.groups().len(), on_disk.groups().len());
}

#[test]
fn the_id_follows_the_content_and_nothing_else() {
    let one = tree(&[LOCAL, DEFAULT]);
    let two = tree(&[DEFAULT, LOCAL]);
    let other = tree(&[LOCAL, ("groups/default.yaml", "profile: local # x\n")]);
    let id = |tree: &tempfile::TempDir| {
        load(tree.path()).map_err(|faults| lines(&faults)).unwrap().id().to_string()
    };
    assert_eq!(id(&one), id(&two));
    assert_ne!(id(&one), id(&other));
    assert!(id(&one).starts_with("dir-") && id(&one).len() == 16);
}

#[test]
fn what_an_editor_leaves_behind_is_not_read() {
    let scratch = [
        "groups/.default.yaml.swp",
        "groups/default.yaml~",
        "groups/.git/x.yaml",
        "groups/#x.yaml",
    ];
    let mut files = vec![LOCAL, DEFAULT];
    files.extend(scratch.map(|path| (path, "profile: [")));
    let directory = tree(&files);
    assert_eq!(load(directory.path()).map_err(|faults| lines(&faults)).unwrap().groups().len(), 1);
}

#[test]
fn a_link_to_a_folder_is_followed_and_a_circle_is_a_fault() {
    let real = tree(&[LOCAL]);
    let directory = tree(&[DEFAULT]);
    symlink(real.path().join("profiles"), directory.path().join("profiles")).unwrap();
    assert!(load(directory.path()).is_ok());
    symlink(directory.path().join("groups"), directory.path().join("groups/again")).unwrap();
    assert!(lines(&load(directory.path()).unwrap_err()).contains("point in a circle"));
}

#[test]
fn files_that_are_no_text_or_cannot_be_read_are_faults() {
    let directory = tree(&[LOCAL, DEFAULT]);
    fs::write(directory.path().join("groups/x.yaml"), b"profile: \xff\n").unwrap();
    symlink("/nonexistent", directory.path().join("groups/y.yaml")).unwrap();
    let faults = lines(&load(directory.path()).unwrap_err());
    assert_eq!(
        faults,
        "groups/x.yaml:1:1: is not UTF-8 text (byte 9); files that are no text belong into the asset store\n\
         groups/y.yaml:1:1: cannot be read: No such file or directory (os error 2)"
    );
}

#[test]
fn a_directory_without_a_catalog_is_a_fault() {
    let directory = tree(&[("readme", "")]);
    assert!(lines(&load(directory.path()).unwrap_err()).contains("holds no catalog"));
    assert!(lines(&load(Path::new("/nonexistent")).unwrap_err()).contains("holds no catalog"));
}

#[test]
fn the_fingerprint_changes_with_every_change() {
    let directory = tree(&[LOCAL, DEFAULT]);
    let path = directory.path();
    let before = fingerprint(path);
    assert_eq!(fingerprint(path), before);
    fs::write(path.join("groups/default.yaml"), "profile: local # x\n").unwrap();
    let written = fingerprint(path);
    assert_ne!(written, before);
    fs::rename(path.join("groups/default.yaml"), path.join("groups/other.yaml")).unwrap();
    assert_ne!(fingerprint(path), written);
}

#[test]
fn a_file_that_is_replaced_by_one_of_the_same_size_and_time_changes_the_fingerprint() {
    let directory = tree(&[LOCAL, DEFAULT]);
    let path = directory.path().join("groups/default.yaml");
    let before = (fingerprint(directory.path()), fs::metadata(&path).unwrap());
    fs::write(&path, "profile: lokal\n").unwrap();
    let file = fs::File::options().write(true).open(&path).unwrap();
    file.set_modified(before.1.modified().unwrap()).unwrap();
    let after = fs::metadata(&path).unwrap();
    assert_eq!(
        (after.len(), after.modified().unwrap()),
        (before.1.len(), before.1.modified().unwrap())
    );
    assert_ne!(fingerprint(directory.path()), before.0);
}
