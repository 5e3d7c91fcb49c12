//! Watched objects, kept in memory, and one signal for "something changed".

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use futures::StreamExt;
use kube::runtime::WatchStreamExt;
use kube::runtime::watcher::{self, Event, watcher};
use kube::{Api, Resource, ResourceExt};
use serde::de::DeserializeOwned;
use tokio::sync::watch;
use tokio::task::JoinSet;

/// A signal that coalesces: whoever looks learns that something changed since it looked last.
#[derive(Clone, Debug)]
pub(crate) struct Changes(Arc<watch::Sender<u64>>);

impl Changes {
    pub(crate) fn new() -> Self {
        Self(Arc::new(watch::Sender::new(0)))
    }

    pub(crate) fn notify(&self) {
        self.0.send_modify(|count| *count = count.wrapping_add(1));
    }

    pub(crate) fn subscribe(&self) -> watch::Receiver<u64> {
        self.0.subscribe()
    }
}

/// A write that failed is tried again after this time.
const RETRY: Duration = Duration::from_secs(1);

/// Waits until another look is due: when something changed, or soon when not everything could be written. An error says
/// that nothing will change any more.
pub(crate) async fn next_pass(
    changes: &mut watch::Receiver<u64>,
    all_written: bool,
) -> Result<(), watch::error::RecvError> {
    if all_written {
        return changes.changed().await;
    }
    // A change in time makes the wait shorter.
    tokio::time::timeout(RETRY, changes.changed())
        .await
        .unwrap_or(Ok(()))
}

type Objects<K> = BTreeMap<(String, String), Arc<K>>;

/// All objects of one kind.
#[derive(Debug)]
pub(crate) struct Cache<K> {
    objects: Arc<RwLock<Objects<K>>>,
    is_complete: watch::Receiver<bool>,
}

impl<K> Clone for Cache<K> {
    fn clone(&self) -> Self {
        Self {
            objects: Arc::clone(&self.objects),
            is_complete: self.is_complete.clone(),
        }
    }
}

impl<K> Cache<K>
where
    K: Resource<DynamicType = ()> + Clone + DeserializeOwned + Debug + Send + Sync + 'static,
{
    /// Watches until the set of tasks is dropped.
    pub(crate) fn start(api: Api<K>, changes: &Changes, tasks: &mut JoinSet<()>) -> Self {
        let objects: Arc<RwLock<Objects<K>>> = Arc::default();
        let (complete, is_complete) = watch::channel(false);
        let (kept, changes) = (Arc::clone(&objects), changes.clone());
        tasks.spawn(async move {
            let stream = watcher(api, watcher::Config::default())
                .default_backoff()
                .modify(|object: &mut K| object.managed_fields_mut().clear());
            let mut stream = std::pin::pin!(stream);
            let mut listed = Objects::new();
            while let Some(event) = stream.next().await {
                match event {
                    Ok(event) => {
                        if take(&kept, &mut listed, event) {
                            complete.send_replace(true);
                        }
                        changes.notify();
                    }
                    Err(error) => {
                        tracing::debug!(%error, kind = %K::kind(&()), "watch is begun again")
                    }
                }
            }
        });
        Self {
            objects,
            is_complete,
        }
    }

    /// Waits until the first listing is in.
    pub(crate) async fn complete(&self) {
        // The sender lives as long as the watch task; when that ends, so does whoever waits here.
        let mut is_complete = self.is_complete.clone();
        let _ended = is_complete.wait_for(|complete| *complete).await.is_err();
    }

    pub(crate) fn get(&self, namespace: &str, name: &str) -> Option<Arc<K>> {
        let objects = self.objects.read().unwrap_or_else(PoisonError::into_inner);
        objects
            .get(&(namespace.to_owned(), name.to_owned()))
            .cloned()
    }

    pub(crate) fn all(&self) -> Vec<Arc<K>> {
        let objects = self.objects.read().unwrap_or_else(PoisonError::into_inner);
        objects.values().cloned().collect()
    }
}

/// Takes one event in; true when a listing is complete.
fn take<K: Resource>(
    objects: &RwLock<Objects<K>>,
    listed: &mut Objects<K>,
    event: Event<K>,
) -> bool {
    let key = |object: &K| (object.namespace().unwrap_or_default(), object.name_any());
    let mut objects = objects.write().unwrap_or_else(PoisonError::into_inner);
    match event {
        Event::Init => listed.clear(),
        Event::InitApply(object) => {
            listed.insert(key(&object), Arc::new(object));
        }
        Event::InitDone => {
            *objects = std::mem::take(listed);
            return true;
        }
        Event::Apply(object) => {
            objects.insert(key(&object), Arc::new(object));
        }
        Event::Delete(object) => {
            objects.remove(&key(&object));
        }
    }
    false
}
