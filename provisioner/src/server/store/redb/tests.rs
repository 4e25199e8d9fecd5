use std::os::unix::fs::PermissionsExt;
use std::sync::atomic::{AtomicBool, Ordering};

use redb::StorageBackend;
use redb::backends::InMemoryBackend;

use super::super::contract::{View, lease, node, transition, view};
use super::*;

fn directory_and_file() -> (tempfile::TempDir, std::path::PathBuf) {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join(FILE_NAME);
    (directory, file)
}

fn tamper(path: &Path, change: impl Fn(&WriteTransaction)) {
    let database = Database::open(path).unwrap();
    let transaction = database.begin_write().unwrap();
    change(&transaction);
    transaction.commit().unwrap();
}

#[test]
fn the_file_is_for_its_owner_only() {
    let (_directory, path) = directory_and_file();
    let _store = RedbStore::open(&path).unwrap();
    let mode = path.metadata().unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
}

#[test]
fn a_second_opening_is_refused_and_says_why() {
    let (_directory, path) = directory_and_file();
    let _first = RedbStore::open(&path).unwrap();
    let error = RedbStore::open(&path).unwrap_err();
    assert!(error.to_string().contains("is another provisioner running"));
    assert!(matches!(error, StoreError::Open { .. }));
}

#[test]
fn a_newer_schema_is_refused_and_left_alone() {
    let (_directory, path) = directory_and_file();
    drop(RedbStore::open(&path).unwrap());
    tamper(&path, |t| {
        t.open_table(META).unwrap().insert(META_SCHEMA, 9).unwrap();
    });
    let error = RedbStore::open(&path).unwrap_err();
    assert_eq!(
        error.to_string(),
        format!(
            "the store {} has schema 9, this program knows 1; use the newer program",
            path.display()
        )
    );
}

#[test]
fn a_record_that_cannot_be_read_names_its_table_and_key() {
    let (_directory, path) = directory_and_file();
    let mut store = RedbStore::open(&path).unwrap();
    store.commit(&[Change::Lease(lease(7, 7)), Change::Node(node(1, 1))]).unwrap();
    drop(store);
    tamper(&path, |t| {
        let mut leases = t.open_table(LEASES).unwrap();
        let key = lease(7, 7).address.to_bits();
        leases.insert(key, b"{\"address\":".as_slice()).unwrap();
    });
    let error = RedbStore::open(&path).unwrap().load().unwrap_err();
    assert!(error.to_string().starts_with("leases record 10.77.0.7 in"), "{error}");
}

#[test]
fn a_file_that_is_no_store_is_refused() {
    let (_directory, path) = directory_and_file();
    std::fs::write(&path, vec![b'x'; 8192]).unwrap();
    let error = RedbStore::open(&path).unwrap_err();
    assert!(matches!(error, StoreError::Open { .. }), "{error}");
}

/// A disk that can be full for a while. Like a file, it is still there when it is opened again.
#[derive(Debug)]
struct Disk {
    platter: InMemoryBackend,
    full: AtomicBool,
}

#[derive(Debug, Clone)]
struct Handle(std::sync::Arc<Disk>);

impl Handle {
    fn check(&self) -> io::Result<()> {
        let full = self.0.full.load(Ordering::SeqCst);
        if full {
            return Err(io::ErrorKind::StorageFull.into());
        }
        Ok(())
    }
}

impl StorageBackend for Handle {
    fn len(&self) -> Result<u64, io::Error> {
        self.0.platter.len()
    }
    fn read(&self, offset: u64, out: &mut [u8]) -> Result<(), io::Error> {
        self.0.platter.read(offset, out)
    }
    fn set_len(&self, len: u64) -> Result<(), io::Error> {
        self.check()?;
        self.0.platter.set_len(len)
    }
    fn sync_data(&self) -> Result<(), io::Error> {
        self.check()
    }
    fn write(&self, offset: u64, data: &[u8]) -> Result<(), io::Error> {
        self.check()?;
        self.0.platter.write(offset, data)
    }
}

#[test]
fn a_full_disk_keeps_nothing_of_the_batch_and_heals_when_there_is_room() {
    let disk =
        std::sync::Arc::new(Disk { platter: InMemoryBackend::new(), full: AtomicBool::new(false) });
    let handle = Handle(std::sync::Arc::clone(&disk));
    let opener = Box::new(move || Database::builder().create_with_backend(handle.clone()));
    let mut store = RedbStore::open_with("disk".to_owned(), opener).unwrap();
    let mut wanted = View::default();
    let good = [Change::Node(node(1, 1)), Change::Transition(transition(1, 1))];
    store.commit(&good).unwrap();
    for change in &good {
        wanted.apply(change);
    }

    disk.full.store(true, Ordering::SeqCst);
    let error = store.commit(&[Change::Node(node(2, 2)), Change::HistoryHas(1)]);
    assert!(matches!(error, Err(StoreError::Failed { .. })), "{error:?}");
    assert!(store.commit(&[Change::Node(node(3, 3))]).is_err());

    disk.full.store(false, Ordering::SeqCst);
    assert_eq!(view(store.load().unwrap()), wanted);
    store.commit(&[Change::Node(node(3, 3))]).unwrap();
    wanted.apply(&Change::Node(node(3, 3)));
    assert_eq!(view(store.load().unwrap()), wanted);
}
