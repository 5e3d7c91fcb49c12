//! Single objects that are watched for as long as probes ask for them.

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures::StreamExt;
use k8s_openapi::api::core::v1::{ConfigMap, Secret};
use kube::Api;
use kube::runtime::watcher::{self, Event};
use serde::de::DeserializeOwned;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::{Instant, timeout};

use super::{Kind, Place, Values};

/// A watch that nobody asked for so long ends.
const UNUSED: Duration = Duration::from_secs(300);

/// The longest wait for the first look of a watch; who waits longer reads for himself.
const PATIENCE: Duration = Duration::from_secs(5);

/// What a watch shows.
#[derive(Clone, Debug)]
pub(super) enum Seen {
    Found(Arc<Values>),
    Missing,
}

struct Entry {
    /// None until the first look.
    seen: watch::Receiver<Option<Seen>>,
    watching: JoinHandle<()>,
    used: Instant,
}

impl Drop for Entry {
    fn drop(&mut self) {
        self.watching.abort();
    }
}

/// The objects that are watched.
pub(super) struct Watched {
    client: kube::Client,
    entries: Mutex<BTreeMap<Place, Entry>>,
}

impl Watched {
    pub(super) fn new(client: kube::Client) -> Watched {
        Watched {
            client,
            entries: Mutex::default(),
        }
    }

    /// What the watch of this object shows; none when it cannot be watched.
    pub(super) async fn get(&self, place: &Place) -> Option<Seen> {
        let mut seen = self.entry(place);
        let looked = timeout(PATIENCE, seen.wait_for(Option::is_some)).await;
        match looked {
            Ok(Ok(seen)) => seen.clone(),
            // It ended, or has nothing to show yet.
            Ok(Err(_)) | Err(_) => None,
        }
    }

    fn entry(&self, place: &Place) -> watch::Receiver<Option<Seen>> {
        let mut entries = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        entries.retain(|_, entry| {
            now.duration_since(entry.used) < UNUSED && !entry.watching.is_finished()
        });
        let entry = entries.entry(place.clone()).or_insert_with(|| {
            let (show, seen) = watch::channel(None);
            let (client, namespace) = (self.client.clone(), place.namespace.as_str());
            let name = place.name.clone();
            let watching = match place.kind {
                Kind::Secret => {
                    let api = Api::<Secret>::namespaced(client, namespace);
                    let values = |secret: Secret| {
                        let data = secret.data.unwrap_or_default().into_iter();
                        data.map(|(key, value)| (key, value.0)).collect()
                    };
                    tokio::spawn(follow(api, name, values, show))
                }
                Kind::ConfigMap => {
                    let api = Api::<ConfigMap>::namespaced(client, namespace);
                    let values = |map: ConfigMap| {
                        let text = map.data.unwrap_or_default().into_iter();
                        let bytes = map.binary_data.unwrap_or_default().into_iter();
                        text.map(|(key, value)| (key, value.into_bytes()))
                            .chain(bytes.map(|(key, value)| (key, value.0)))
                            .collect()
                    };
                    tokio::spawn(follow(api, name, values, show))
                }
            };
            Entry {
                seen,
                watching,
                used: now,
            }
        });
        entry.used = now;
        entry.seen.clone()
    }
}

/// Follows one object. The first error ends it: what it showed may be old then, and the next who asks begins anew.
async fn follow<K>(
    api: Api<K>,
    name: String,
    values: impl Fn(K) -> Values,
    show: watch::Sender<Option<Seen>>,
) where
    K: kube::Resource + Clone + DeserializeOwned + Debug + Send + 'static,
{
    let only = watcher::Config::default().fields(&format!("metadata.name={name}"));
    let mut events = std::pin::pin!(watcher::watcher(api, only));
    let mut listed = Seen::Missing;
    while let Some(Ok(event)) = events.next().await {
        match event {
            Event::Init => listed = Seen::Missing,
            Event::InitApply(object) => listed = Seen::Found(Arc::new(values(object))),
            Event::InitDone => {
                show.send_replace(Some(listed.clone()));
            }
            Event::Apply(object) => {
                show.send_replace(Some(Seen::Found(Arc::new(values(object)))));
            }
            Event::Delete(_) => {
                show.send_replace(Some(Seen::Missing));
            }
        }
    }
    show.send_replace(None);
}
