//! The containers of this node by name, for exec and logs.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use crate::runtime::ContainerHandle;
use crate::runtime::process::log::ContainerLog;

/// What exec and logs find of a container.
#[derive(Clone, Default)]
pub(crate) struct Entry {
    /// UID of the pod, so that an old pod's end does not forget its successor.
    pub(crate) uid: String,
    /// The pod's.
    pub(crate) address: Option<Ipv4Addr>,
    /// Only while it runs.
    pub(crate) handle: Option<Arc<dyn ContainerHandle>>,
    pub(crate) log: Option<Arc<ContainerLog>>,
    pub(crate) previous_log: Option<PathBuf>,
    /// Why it has not started.
    pub(crate) waiting: Option<&'static str>,
}

type Key = (String, String, String);

/// Namespace, pod and container to what is there.
#[derive(Clone, Default)]
pub(crate) struct Directory(Arc<Mutex<BTreeMap<Key, Entry>>>);

impl Directory {
    pub(crate) fn find(&self, namespace: &str, pod: &str, container: &str) -> Option<Entry> {
        let entries = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        entries
            .get(&(namespace.to_owned(), pod.to_owned(), container.to_owned()))
            .cloned()
    }

    /// The address of a pod of which something runs.
    pub(crate) fn address(&self, namespace: &str, pod: &str) -> Option<Ipv4Addr> {
        let entries = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        entries
            .iter()
            .filter(|((its_namespace, its_pod, _), entry)| {
                its_namespace == namespace && its_pod == pod && entry.handle.is_some()
            })
            .find_map(|(_, entry)| entry.address)
    }

    pub(crate) fn set(&self, namespace: &str, pod: &str, container: &str, entry: Entry) {
        let mut entries = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        entries.insert(
            (namespace.to_owned(), pod.to_owned(), container.to_owned()),
            entry,
        );
    }

    pub(crate) fn forget(&self, uid: &str) {
        let mut entries = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        entries.retain(|_, entry| entry.uid != uid);
    }
}
