//! The tables of objects.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use serde_json::Value;
use tokio::sync::watch;

use super::history::{Change, ChangeType, History};
use super::persistence::Journal;
use crate::object;

/// Where an object stands in the table of its resource: the order of lists.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub(crate) struct Key {
    pub(crate) namespace: String,
    pub(crate) name: String,
}

impl Key {
    pub(crate) fn new(namespace: impl Into<String>, name: impl Into<String>) -> Self {
        Self {
            namespace: namespace.into(),
            name: name.into(),
        }
    }

    pub(crate) fn of(object: &Value) -> Self {
        Self::new(object::namespace(object), object::name(object))
    }
}

/// A resource and the place of one of its objects.
pub(crate) type Location = (Arc<str>, Key);

type Table = BTreeMap<Key, Arc<Value>>;

/// All objects, by resource (`pods`, `statefulsets.apps`, …).
#[derive(Debug)]
pub(crate) struct Store {
    tables: HashMap<Arc<str>, Table>,
    revision: u64,
    pub(crate) history: History,
    by_uid: HashMap<String, Location>,
    dependents: HashMap<String, BTreeSet<Location>>,
    watchers: HashMap<Arc<str>, watch::Sender<u64>>,
    journal: Option<Journal>,
}

impl Store {
    pub(crate) fn in_memory() -> Self {
        Self::starting_at(0, None)
    }

    pub(crate) fn starting_at(revision: u64, journal: Option<Journal>) -> Self {
        Self {
            tables: HashMap::new(),
            revision,
            history: History::starting_at(revision),
            by_uid: HashMap::new(),
            dependents: HashMap::new(),
            watchers: HashMap::new(),
            journal,
        }
    }

    /// Takes in an object that was read from disk.
    pub(crate) fn load(&mut self, resource: &str, object: Value) {
        let resource = self.interned(resource);
        let key = Key::of(&object);
        let object = Arc::new(object);
        self.index(&resource, &key, &object);
        self.tables.entry(resource).or_default().insert(key, object);
    }

    pub(crate) fn revision(&self) -> u64 {
        self.revision
    }

    pub(crate) fn get(&self, resource: &str, key: &Key) -> Option<&Arc<Value>> {
        self.tables.get(resource)?.get(key)
    }

    /// The objects of a resource in the order of lists; of all namespaces where none is given.
    pub(crate) fn list<'a>(
        &'a self,
        resource: &str,
        namespace: Option<&'a str>,
    ) -> impl Iterator<Item = (&'a Key, &'a Arc<Value>)> + use<'a> {
        let start = Key::new(namespace.unwrap_or_default(), "");
        self.tables
            .get(resource)
            .map(|table| table.range(start..))
            .into_iter()
            .flatten()
            .take_while(move |(key, _)| namespace.is_none_or(|wanted| key.namespace == wanted))
    }

    /// The table of a resource as it was right after the write `revision`.
    pub(crate) fn table_at(&self, resource: &str, revision: u64) -> Table {
        let mut table = self.tables.get(resource).cloned().unwrap_or_default();
        for change in self.history.after(revision).rev() {
            if &*change.resource != resource {
                continue;
            }
            match &change.previous {
                Some(previous) => table.insert(change.key.clone(), previous.clone()),
                None => table.remove(&change.key),
            };
        }
        table
    }

    pub(crate) fn resources(&self) -> Vec<Arc<str>> {
        self.tables.keys().cloned().collect()
    }

    pub(crate) fn count(&self, resource: &str) -> usize {
        self.tables.get(resource).map_or(0, BTreeMap::len)
    }

    /// Who carries a UID.
    pub(crate) fn with_uid(&self, uid: &str) -> Option<&Location> {
        self.by_uid.get(uid)
    }

    /// Which objects name this UID as an owner.
    pub(crate) fn dependents_of(&self, uid: &str) -> Vec<Location> {
        self.dependents
            .get(uid)
            .map(|dependents| dependents.iter().cloned().collect())
            .unwrap_or_default()
    }

    /// Writes an object under the next version.
    pub(crate) fn put(&mut self, resource: &str, mut object: Value) -> Arc<Value> {
        let resource = self.interned(resource);
        self.revision += 1;
        object::set(
            &mut object,
            &["metadata", "resourceVersion"],
            self.revision.to_string(),
        );
        let key = Key::of(&object);
        let object = Arc::new(object);
        let previous = self
            .tables
            .entry(resource.clone())
            .or_default()
            .insert(key.clone(), object.clone());
        if let Some(previous) = &previous {
            self.unindex(&resource, &key, previous);
        }
        self.index(&resource, &key, &object);
        if let Some(journal) = &self.journal {
            journal.put(self.revision, &resource, &key, object.clone());
        }
        let change_type = match previous {
            Some(_) => ChangeType::Modified,
            None => ChangeType::Added,
        };
        self.record(resource, key, change_type, object.clone(), previous);
        object
    }

    /// Removes an object; its last state is returned under the version of the deletion.
    pub(crate) fn remove(&mut self, resource: &str, key: &Key) -> Option<Arc<Value>> {
        let previous = self.tables.get_mut(resource)?.remove(key)?;
        let resource = self.interned(resource);
        self.unindex(&resource, key, &previous);
        self.revision += 1;
        let mut last = Value::clone(&previous);
        object::set(
            &mut last,
            &["metadata", "resourceVersion"],
            self.revision.to_string(),
        );
        let last = Arc::new(last);
        if let Some(journal) = &self.journal {
            journal.remove(self.revision, &resource, key);
        }
        self.record(
            resource,
            key.clone(),
            ChangeType::Deleted,
            last.clone(),
            Some(previous),
        );
        Some(last)
    }

    fn record(
        &mut self,
        resource: Arc<str>,
        key: Key,
        change_type: ChangeType,
        object: Arc<Value>,
        previous: Option<Arc<Value>>,
    ) {
        if let Some(watchers) = self.watchers.get(&resource) {
            watchers.send_replace(self.revision);
        }
        self.history.push(Change {
            revision: self.revision,
            resource,
            key,
            change_type,
            object,
            previous,
        });
    }

    /// Tells when a resource changes: the number of its last write.
    pub(crate) fn subscribe(&mut self, resource: &str) -> watch::Receiver<u64> {
        let resource = self.interned(resource);
        let revision = self.revision;
        self.watchers
            .entry(resource)
            .or_insert_with(|| watch::Sender::new(revision))
            .subscribe()
    }

    /// Wakes every watch, whose place in the history may be gone.
    pub(crate) fn compact(&mut self) {
        self.history.compact(self.revision);
        for watchers in self.watchers.values() {
            watchers.send_replace(self.revision);
        }
    }

    pub(crate) fn journal(&self) -> Option<&Journal> {
        self.journal.as_ref()
    }

    fn interned(&self, resource: &str) -> Arc<str> {
        self.tables
            .get_key_value(resource)
            .map_or_else(|| Arc::from(resource), |(known, _)| known.clone())
    }

    fn index(&mut self, resource: &Arc<str>, key: &Key, object: &Value) {
        let location = (resource.clone(), key.clone());
        self.by_uid
            .insert(object::uid(object).to_owned(), location.clone());
        for owner in object::list(object, "/metadata/ownerReferences") {
            self.dependents
                .entry(object::text(owner, "/uid").to_owned())
                .or_default()
                .insert(location.clone());
        }
    }

    fn unindex(&mut self, resource: &Arc<str>, key: &Key, object: &Value) {
        let location = (resource.clone(), key.clone());
        self.by_uid.remove(object::uid(object));
        for owner in object::list(object, "/metadata/ownerReferences") {
            let uid = object::text(owner, "/uid");
            if let Some(dependents) = self.dependents.get_mut(uid) {
                dependents.remove(&location);
                if dependents.is_empty() {
                    self.dependents.remove(uid);
                }
            }
        }
    }
}
