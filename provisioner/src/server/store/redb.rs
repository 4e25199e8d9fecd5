//! The store in one file: redb, a copy-on-write B-tree. A commit is one write transaction that is on
//! the disk when it returns; a crash at any point leaves the last commit whole.
//!
//! Values are JSON: they describe themselves, so that a record that an older program wrote is read
//! by the `default`s of the newer one, and a person can read what a broken one held.

use std::fmt::Debug;
use std::fs::{File, OpenOptions};
use std::io;
use std::net::Ipv4Addr;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use redb::{
    Database, DatabaseError, Durability, Key, ReadTransaction, ReadableDatabase, ReadableTable,
    TableDefinition, TableError, WriteTransaction,
};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::{Change, Snapshot, Store, StoreError, Transition};
use crate::domain::machine::NodeId;

/// Name of the store's file in the data directory.
pub const FILE_NAME: &str = "store.redb";

/// Grows when an older program could misread what this one writes.
const SCHEMA: u64 = 1;

const NODES: TableDefinition<'_, &str, &[u8]> = TableDefinition::new("nodes");
const LEASES: TableDefinition<'_, u32, &[u8]> = TableDefinition::new("leases");
const TIMELINES: TableDefinition<'_, &str, &[u8]> = TableDefinition::new("timelines");
const OUTBOX: TableDefinition<'_, u64, &[u8]> = TableDefinition::new("outbox");
const META: TableDefinition<'_, &str, u64> = TableDefinition::new("meta");

/// The recorder holds everything in memory and reads the store only at its start: redb's 1 GiB is not needed.
const CACHE_BYTES: usize = 64 << 20;

const META_SCHEMA: &str = "schema";
const META_LAST_TRANSITION: &str = "last_transition";

type Opener = Box<dyn Fn() -> Result<Database, DatabaseError> + Send>;

/// A store in one file.
///
/// After an I/O error redb refuses everything until the file is opened anew, so this does that: a
/// disk that was full and has room again heals without a restart.
pub struct RedbStore {
    path: String,
    opener: Opener,
    database: Option<Database>,
}

impl Debug for RedbStore {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RedbStore").field("path", &self.path).finish_non_exhaustive()
    }
}

impl RedbStore {
    /// Opens the store's file, or creates it, readable for its owner only. The file is locked: a
    /// second provisioner on it is [`StoreError::Open`]. A file of a newer schema is
    /// [`StoreError::Newer`] and stays as it is.
    pub fn open(path: &Path) -> Result<Self, StoreError> {
        let file = path.to_owned();
        Self::open_with(path.display().to_string(), Box::new(move || open_file(&file)))
    }

    fn open_with(path: String, opener: Opener) -> Result<Self, StoreError> {
        let mut store = Self { path, opener, database: None };
        store.ready()?;
        Ok(store)
    }

    /// The open database; opened anew when the last use of it failed.
    fn ready(&mut self) -> Result<&Database, StoreError> {
        let database = match self.database.take() {
            Some(database) => database,
            None => self.reopen()?,
        };
        Ok(self.database.insert(database))
    }

    fn reopen(&self) -> Result<Database, StoreError> {
        let database = (self.opener)().map_err(|source| StoreError::Open {
            path: self.path.clone(),
            source: source.into(),
        })?;
        let found = schema(&database).map_err(failed("be opened"))?;
        if found > SCHEMA {
            return Err(StoreError::Newer { path: self.path.clone(), found, known: SCHEMA });
        }
        Ok(database)
    }
}

impl Store for RedbStore {
    fn load(&mut self) -> Result<Snapshot, StoreError> {
        let read = self.ready()?.begin_read().map_err(failed("be read"))?;
        let nodes = records(&read, NODES, "nodes", str::to_owned)?;
        let leases = records(&read, LEASES, "leases", |key| Ipv4Addr::from_bits(key).to_string())?;
        let outbox: Vec<(u64, Transition)> = records(&read, OUTBOX, "outbox", |key| key)?;
        let timelines = records(&read, TIMELINES, "timelines", str::to_owned)?;
        Ok(Snapshot {
            nodes: nodes.into_iter().map(|(_, node)| node).collect(),
            leases: leases.into_iter().map(|(_, lease)| lease).collect(),
            timelines: timelines
                .into_iter()
                .map(|(key, timeline)| Ok((node_id(&key)?, timeline)))
                .collect::<Result<_, StoreError>>()?,
            outbox: outbox.into_iter().map(|(_, t)| t).collect(),
            last_transition: last_transition(&read).map_err(failed("be read"))?,
        })
    }

    fn commit(&mut self, changes: &[Change]) -> Result<(), StoreError> {
        let database = self.ready()?;
        let done = write(database, changes);
        if done.is_err() {
            self.database = None;
        }
        done.map_err(failed("be written"))
    }
}

fn open_file(path: &Path) -> Result<Database, DatabaseError> {
    let storage = |error: io::Error| DatabaseError::Storage(redb::StorageError::Io(error));
    let file = OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .mode(0o600)
        .open(path)
        .map_err(storage)?;
    let database = Database::builder().set_cache_size(CACHE_BYTES).create_file(file)?;
    if let Some(directory) = path.parent() {
        // The name of a new file is durable only when its directory is.
        File::open(directory).and_then(|directory| directory.sync_all()).map_err(storage)?;
    }
    Ok(database)
}

/// The schema found. A file without one is new and gets this program's, and all tables with it.
fn schema(database: &Database) -> Result<u64, redb::Error> {
    match database.begin_read()?.open_table(META) {
        Ok(meta) => Ok(meta.get(META_SCHEMA)?.map_or(0, |schema| schema.value())),
        Err(TableError::TableDoesNotExist(_)) => {
            let mut transaction = database.begin_write()?;
            transaction.set_durability(Durability::Immediate)?;
            transaction.open_table(META)?.insert(META_SCHEMA, SCHEMA)?;
            transaction.open_table(NODES)?;
            transaction.open_table(LEASES)?;
            transaction.open_table(TIMELINES)?;
            transaction.open_table(OUTBOX)?;
            transaction.commit()?;
            Ok(SCHEMA)
        }
        Err(error) => Err(error.into()),
    }
}

fn last_transition(read: &ReadTransaction) -> Result<u64, redb::Error> {
    let meta = read.open_table(META)?;
    let last = meta.get(META_LAST_TRANSITION)?;
    Ok(last.map_or(0, |last| last.value()))
}

fn write(database: &Database, changes: &[Change]) -> Result<(), redb::Error> {
    let mut transaction = database.begin_write()?;
    transaction.set_durability(Durability::Immediate)?;
    apply(&transaction, changes)?;
    transaction.commit()?;
    Ok(())
}

fn apply(transaction: &WriteTransaction, changes: &[Change]) -> Result<(), redb::Error> {
    let mut nodes = transaction.open_table(NODES)?;
    let mut leases = transaction.open_table(LEASES)?;
    let mut timelines = transaction.open_table(TIMELINES)?;
    let mut outbox = transaction.open_table(OUTBOX)?;
    let mut meta = transaction.open_table(META)?;
    for change in changes {
        match change {
            Change::Node(node) => {
                nodes.insert(node.id.as_str(), json(node)?.as_slice())?;
            }
            Change::Lease(lease) => {
                leases.insert(lease.address.to_bits(), json(lease)?.as_slice())?;
            }
            Change::LeaseGone(address) => {
                leases.remove(address.to_bits())?;
            }
            Change::Timeline(id, timeline) => {
                timelines.insert(id.as_str(), json(timeline)?.as_slice())?;
            }
            Change::Transition(transition) => {
                outbox.insert(transition.number, json(transition)?.as_slice())?;
                let last = meta.get(META_LAST_TRANSITION)?.map_or(0, |n| n.value());
                meta.insert(META_LAST_TRANSITION, last.max(transition.number))?;
            }
            Change::HistoryHas(number) => outbox.retain_in(..=*number, |_, _| false)?,
        }
    }
    Ok(())
}

fn json(value: &impl Serialize) -> Result<Vec<u8>, redb::Error> {
    serde_json::to_vec(value).map_err(|error| redb::Error::Io(error.into()))
}

/// All records of a table, in the order of their keys.
fn records<K, N, V>(
    read: &ReadTransaction,
    table: TableDefinition<'_, K, &'static [u8]>,
    name: &'static str,
    own: impl for<'k> Fn(K::SelfType<'k>) -> N,
) -> Result<Vec<(N, V)>, StoreError>
where
    K: Key + 'static,
    N: ToString,
    V: DeserializeOwned,
{
    let table = read.open_table(table).map_err(failed("be read"))?;
    let mut found = Vec::new();
    for record in table.iter().map_err(failed("be read"))? {
        let (key, value) = record.map_err(failed("be read"))?;
        let key = own(key.value());
        let value = serde_json::from_slice(value.value())
            .map_err(|source| corrupt(name, key.to_string(), source))?;
        found.push((key, value));
    }
    Ok(found)
}

fn node_id(key: &str) -> Result<NodeId, StoreError> {
    key.parse().map_err(|source: crate::domain::machine::NotANodeId| {
        corrupt("timelines", key.to_owned(), source)
    })
}

fn corrupt(
    table: &'static str,
    key: String,
    source: impl std::error::Error + Send + Sync + 'static,
) -> StoreError {
    StoreError::Corrupt { table, key, source: source.into() }
}

fn failed<E: Into<redb::Error>>(verb: &'static str) -> impl Fn(E) -> StoreError {
    move |error| StoreError::Failed { verb, source: error.into().into() }
}

#[cfg(test)]
mod tests;
