use std::sync::atomic::{AtomicUsize, Ordering};

use super::*;

fn fake(dir: &Path) -> anyhow::Result<Built> {
    let modules = dir.join(MODULES).join("6.1");
    fs::create_dir_all(&modules)?;
    fs::write(modules.join("modules.dep"), "")?;
    fs::write(dir.join(IMAGE), "disk")?;
    fs::write(dir.join(KERNEL), "kernel")?;
    Ok(Built { sha256: "00".into(), raw_bytes: 4, kver: "6.1".into() })
}

#[test]
fn an_image_is_built_once_per_key() {
    let cache = tempfile::tempdir().unwrap();
    let first = get_or_build(cache.path(), "a", fake).unwrap();
    let again = get_or_build(cache.path(), "a", |_| panic!("built twice")).unwrap();
    assert_eq!(first, again);
    assert_eq!(fs::read(&again.file).unwrap(), b"disk");
    let other = get_or_build(cache.path(), "b", fake).unwrap();
    assert_ne!(other.file, first.file);
}

#[test]
fn a_failed_build_leaves_nothing_and_the_next_one_succeeds() {
    let cache = tempfile::tempdir().unwrap();
    let failed = get_or_build(cache.path(), "a", |dir| {
        fake(dir)?;
        anyhow::bail!("mirror gone")
    });
    assert!(failed.unwrap_err().to_string().contains("mirror gone"));
    assert!(!cache.path().join("debian-a").exists());
    assert!(!cache.path().join("debian-a.partial").exists());
    get_or_build(cache.path(), "a", fake).unwrap();
}

#[test]
fn the_remains_of_a_killed_builder_are_cleared() {
    let cache = tempfile::tempdir().unwrap();
    let partial = cache.path().join("debian-a.partial");
    fs::create_dir(&partial).unwrap();
    fs::write(partial.join("half"), "x").unwrap();
    get_or_build(cache.path(), "a", fake).unwrap();
    assert!(!cache.path().join("debian-a/half").exists());
}

#[test]
fn an_image_that_lost_a_file_is_built_again() {
    let cache = tempfile::tempdir().unwrap();
    let image = get_or_build(cache.path(), "a", fake).unwrap();
    fs::remove_file(&image.kernel).unwrap();
    let image = get_or_build(cache.path(), "a", fake).unwrap();
    assert!(image.kernel.is_file());
}

#[test]
fn two_builders_at_once_make_one_image() {
    let cache = tempfile::tempdir().unwrap();
    let builds = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                get_or_build(cache.path(), "a", |dir| {
                    builds.fetch_add(1, Ordering::SeqCst);
                    fake(dir)
                })
                .unwrap();
            });
        }
    });
    assert_eq!(builds.load(Ordering::SeqCst), 1);
}
