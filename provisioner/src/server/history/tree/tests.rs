use git2::{ObjectType, Oid, Repository};
use proptest::prelude::*;

use super::super::pack::{Kind, id_of};
use super::*;

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// The oracle is libgit2's own builder.
    #[test]
    fn any_run_of_changes_gives_the_tree_that_git_makes(
        changes in prop::collection::vec(("[a-c][a-c.-]{0,3}", any::<bool>(), 1_u8..5), 1..40)
    ) {
        let directory = tempfile::tempdir().unwrap();
        let repository = Repository::init_bare(directory.path()).unwrap();
        let odb = repository.odb().unwrap();
        let empty = odb.write(ObjectType::Tree, b"").unwrap();
        let mut builder = repository.treebuilder(None).unwrap();
        let mut tree = Tree::default();
        for (name, folder, content) in changes {
            // One name is either a file or a folder in the history.
            let name = format!("{name}{}", if folder { "" } else { ".yaml" });
            let (mode, bits, id) = if folder {
                (Mode::Folder, 0o040_000, empty)
            } else {
                (Mode::File, 0o100_644, odb.write(ObjectType::Blob, &[content]).unwrap())
            };
            builder.insert(&name, id, bits).unwrap();
            let before = tree.raw().to_vec();
            let splice = tree.set(mode, &name, id.as_bytes().try_into().unwrap());
            let mut after = before;
            if let Some(Splice { at, removed, inserted }) = splice {
                after.splice(at..at + removed, inserted);
            }
            prop_assert_eq!(&after, tree.raw());
            let wanted = builder.write().unwrap();
            let made = Oid::from_bytes(&id_of(Kind::Tree, tree.raw())).unwrap();
            prop_assert_eq!(made, wanted);
            let again = Tree::parse(tree.raw().to_vec()).unwrap();
            prop_assert_eq!(again.get(mode, &name), tree.get(mode, &name));
        }
    }
}

#[test]
fn bytes_that_are_no_tree_are_refused() {
    let error = Tree::parse(b"100644 a.yaml\0short".to_vec()).unwrap_err();
    assert_eq!(error.to_string(), "a tree object of the history is damaged at byte 0");
}
