use super::*;

/// A disk with a small tree.
fn disk(dir: &Path) -> (std::path::PathBuf, Layout, Ids) {
    let (tree, raw, ids) = (dir.join("tree"), dir.join("raw"), Ids::fresh().unwrap());
    fs::create_dir(&tree).unwrap();
    fs::write(tree.join("hello"), "world").unwrap();
    let layout = Layout::for_root(layout::root_bytes(blocks(&tree).unwrap()));
    File::create(&raw).unwrap().set_len(layout.total * SECTOR).unwrap();
    partition(&raw, &layout, &ids).unwrap();
    root_filesystem(&tree, &raw, &layout, &ids).unwrap();
    (raw, layout, ids)
}

fn said(program: &str, args: &[&str]) -> String {
    let output = Command::new(program).args(args).output().unwrap();
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn the_root_partition_has_its_identity_and_the_filesystem_its_files() {
    let dir = tempfile::tempdir().unwrap();
    let (raw, layout, ids) = disk(dir.path());
    let raw = raw.to_str().unwrap();
    let table = said("sgdisk", &["-v", "-i", "3", raw]);
    assert!(table.contains("No problems found"), "{table}");
    assert!(table.contains(&ids.root_partition.to_uppercase()), "{table}");
    let root = format!("{raw}?offset={}", layout.root.offset());
    assert_eq!(said("debugfs", &["-R", "cat /hello", &root]), "world");
    let header = said("dumpe2fs", &["-h", &root]);
    assert!(header.contains(&ids.root_filesystem), "{header}");
}

#[test]
fn a_partition_can_be_added_behind_the_last_one_on_a_larger_disk() {
    let dir = tempfile::tempdir().unwrap();
    let (raw, layout, _) = disk(dir.path());
    File::options().write(true).open(&raw).unwrap().set_len(2 << 30).unwrap();
    let raw = raw.to_str().unwrap();
    let added = said("sgdisk", &["-e", "-n", "4:0:+4M", "-i", "4", raw]);
    assert!(added.contains(&format!("First sector: {} ", layout.root.last() + 1)), "{added}");
}

#[test]
fn a_packed_disk_unpacks_to_the_same_bytes_and_its_hash_is_of_the_packed_ones() {
    let dir = tempfile::tempdir().unwrap();
    let (raw, packed) = (dir.path().join("raw"), dir.path().join("raw.zst"));
    fs::write(&raw, vec![7; 100_000]).unwrap();
    let hash = pack(&raw, &packed).unwrap();
    assert!(said("sha256sum", &[packed.to_str().unwrap()]).starts_with(&hash));
    let unpacked = Command::new("zstd").arg("-dc").arg(&packed).output().unwrap();
    assert_eq!(unpacked.stdout, vec![7; 100_000]);
}

#[test]
fn files_count_in_whole_blocks() {
    let dir = tempfile::tempdir().unwrap();
    fs::create_dir(dir.path().join("d")).unwrap();
    fs::write(dir.path().join("d/a"), "x").unwrap();
    fs::write(dir.path().join("b"), vec![0; 4097]).unwrap();
    let directory = fs::metadata(dir.path().join("d")).unwrap().len().next_multiple_of(4096);
    assert_eq!(blocks(dir.path()).unwrap(), 4096 + 8192 + directory);
}
