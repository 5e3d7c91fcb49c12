//! The cluster on disk: one redb file, one row per object.
//!
//! A thread writes. It takes all writes that wait into one transaction, so that many requests share one flush, and
//! publishes the version up to which everything is on disk; a request is answered only after that.

use std::path::Path;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;

use redb::{Database, DatabaseError, ReadableDatabase, ReadableTable, TableDefinition};
use serde_json::Value;
use tokio::sync::watch;

use super::objects::{Key, Store};
use crate::error::ClusterError;

const FILE: &str = "cluster.redb";
const OBJECTS: TableDefinition<&str, &[u8]> = TableDefinition::new("objects");
const COUNTERS: TableDefinition<&str, u64> = TableDefinition::new("counters");
const REVISION: &str = "revision";

/// A watcher may have seen versions that a crash took away. Numbers are never used twice, so the count goes on above
/// anything that could have been waiting to be written.
const GAP_AFTER_OPENING: u64 = 10_000;

struct Write {
    revision: u64,
    row: String,
    object: Option<Arc<Value>>,
}

/// How far the file is.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Progress {
    UpTo(u64),
    Failed(String),
}

/// The way to the writing thread.
#[derive(Debug)]
pub(crate) struct Journal {
    writes: Option<Sender<Write>>,
    progress: watch::Receiver<Progress>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

impl Journal {
    pub(crate) fn put(&self, revision: u64, resource: &str, key: &Key, object: Arc<Value>) {
        self.send(revision, resource, key, Some(object));
    }

    pub(crate) fn remove(&self, revision: u64, resource: &str, key: &Key) {
        self.send(revision, resource, key, None);
    }

    fn send(&self, revision: u64, resource: &str, key: &Key, object: Option<Arc<Value>>) {
        let row = format!("{resource}\0{}\0{}", key.namespace, key.name);
        if let Some(writes) = &self.writes {
            // The thread ends early only after a failure, which `progress` reports to whoever waits.
            let _ = writes.send(Write {
                revision,
                row,
                object,
            });
        }
    }

    pub(crate) fn progress(&self) -> watch::Receiver<Progress> {
        self.progress.clone()
    }
}

impl Drop for Journal {
    /// Waits for the last writes, so that the file can be opened again at once.
    fn drop(&mut self) {
        self.writes = None;
        let thread = self
            .thread
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        if let Some(thread) = thread {
            let _ = thread.join();
        }
    }
}

/// Opens or creates the file in `folder` and reads every object.
pub(crate) fn open(folder: &Path) -> Result<Store, ClusterError> {
    let path = folder.join(FILE);
    std::fs::create_dir_all(folder).map_err(|source| ClusterError::folder(folder, source))?;
    let broken = |source: redb::Error| ClusterError::Store {
        path: path.clone(),
        source: Box::new(source),
    };
    let database = Database::create(&path).map_err(|error| match error {
        DatabaseError::DatabaseAlreadyOpen => ClusterError::InUse { path: path.clone() },
        other => broken(other.into()),
    })?;

    let (revision, rows) = read(&database).map_err(broken)?;
    let revision = match revision {
        0 => 0,
        written => written + GAP_AFTER_OPENING,
    };
    let (writes, waiting) = channel();
    let (report, progress) = watch::channel(Progress::UpTo(revision));
    let thread = std::thread::Builder::new()
        .name("cluster-store".to_owned())
        .spawn(move || write_all(&database, &waiting, &report))
        .map_err(|source| ClusterError::folder(folder, source))?;
    let mut store = Store::starting_at(
        revision,
        Some(Journal {
            writes: Some(writes),
            progress,
            thread: Mutex::new(Some(thread)),
        }),
    );
    for (row, bytes) in rows {
        let resource = row.split('\0').next().unwrap_or_default();
        let object = serde_json::from_slice(&bytes).map_err(|source| ClusterError::Row {
            path: path.clone(),
            row: row.replace('\0', "/"),
            source,
        })?;
        store.load(resource, object);
    }
    Ok(store)
}

type Rows = Vec<(String, Vec<u8>)>;

fn read(database: &Database) -> Result<(u64, Rows), redb::Error> {
    // Makes the tables of a new file.
    let transaction = database.begin_write()?;
    transaction.open_table(OBJECTS)?;
    transaction.open_table(COUNTERS)?;
    transaction.commit()?;

    let transaction = database.begin_read()?;
    let revision = transaction
        .open_table(COUNTERS)?
        .get(REVISION)?
        .map_or(0, |value| value.value());
    let mut rows = Vec::new();
    for row in transaction.open_table(OBJECTS)?.iter()? {
        let (key, value) = row?;
        rows.push((key.value().to_owned(), value.value().to_vec()));
    }
    Ok((revision, rows))
}

fn write_all(database: &Database, waiting: &Receiver<Write>, report: &watch::Sender<Progress>) {
    while let Ok(first) = waiting.recv() {
        let batch: Vec<_> = std::iter::once(first).chain(waiting.try_iter()).collect();
        let last = batch.iter().map(|write| write.revision).max().unwrap_or(0);
        match write_batch(database, &batch, last) {
            Ok(()) => report.send_replace(Progress::UpTo(last)),
            Err(error) => {
                tracing::error!(%error, "the cluster's file cannot be written; restart once the disk has room");
                report.send_replace(Progress::Failed(error.to_string()));
                return;
            }
        };
    }
}

fn write_batch(database: &Database, batch: &[Write], last: u64) -> Result<(), redb::Error> {
    let transaction = database.begin_write()?;
    {
        let mut objects = transaction.open_table(OBJECTS)?;
        for write in batch {
            match &write.object {
                Some(object) => {
                    objects.insert(write.row.as_str(), object.to_string().as_bytes())?
                }
                None => objects.remove(write.row.as_str())?,
            };
        }
        transaction.open_table(COUNTERS)?.insert(REVISION, last)?;
    }
    transaction.commit()?;
    Ok(())
}
