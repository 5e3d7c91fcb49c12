//! The watches: one task per kind, each feeding the index and telling which apps are affected.

use std::collections::BTreeSet;
use std::fmt::Debug;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use futures::StreamExt;
use k8s_openapi::api::core::v1::Namespace;
use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use kube::Resource;
use kube::core::PartialObjectMeta;
use kube::runtime::watcher::{self, Event};
use serde::de::DeserializeOwned;
use tokio::sync::mpsc::UnboundedSender;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::app::AppKey;
use super::index::{Index, Kind, State};
use super::raw_pod::RawPod;
use super::slim::{
    Meta, RawClaim, RawPlugin, RawStatefulApp, RawStatefulSet, SlimBudget, SlimNode, SlimRevision,
    version_number,
};
use crate::plugins::Trapping;

/// Until a kind is tried again that the operator's role does not allow.
const FORBIDDEN: Duration = Duration::from_secs(60);

/// What the watches tell.
#[derive(Debug)]
pub(crate) enum News {
    /// Look at this app.
    App(AppKey),
    /// Look at this app in a moment, unless something else makes you look before: a pod of it goes its ordinary way.
    Stirring(AppKey),
    /// Nothing of this app changed but its status.
    StatusWritten(AppKey),
    /// Every watch has listed what there is.
    Synced,
    /// A Plugin object is new or changed.
    Plugin(Box<RawPlugin>),
    PluginGone(String),
    /// A version of a plugin keeps ending its calls without an answer.
    PluginTraps(Box<Trapping>),
    /// A plugin did what it is not granted, where grants are only counted.
    GrantCounted {
        plugin: String,
        grant: String,
    },
    /// Another controller writes what only we may write.
    Rival {
        evidence: String,
    },
}

/// What is followed.
pub(crate) struct Scope {
    pub client: kube::Client,
    pub namespace: Option<String>,
    pub statefulsets: bool,
}

/// Starts the watches.
pub(crate) fn follow_all(
    scope: &Scope,
    index: &Arc<Index>,
    news: &UnboundedSender<News>,
    stop: &CancellationToken,
) -> JoinSet<()> {
    let mut tasks = JoinSet::new();
    let kinds = if scope.statefulsets { 10 } else { 9 };
    let shared = Shared {
        index: index.clone(),
        news: news.clone(),
        stop: stop.clone(),
        unsynced: Arc::new(AtomicUsize::new(kinds)),
    };
    follow::<RawStatefulApp>(&mut tasks, scope, &shared);
    if scope.statefulsets {
        follow::<RawStatefulSet>(&mut tasks, scope, &shared);
    }
    follow::<RawPod>(&mut tasks, scope, &shared);
    follow::<RawClaim>(&mut tasks, scope, &shared);
    follow::<SlimRevision>(&mut tasks, scope, &shared);
    follow::<RawPlugin>(&mut tasks, scope, &shared);
    follow::<SlimNode>(&mut tasks, scope, &shared);
    follow::<SlimBudget>(&mut tasks, scope, &shared);
    follow::<PartialObjectMeta<Namespace>>(&mut tasks, scope, &shared);
    follow::<PartialObjectMeta<CustomResourceDefinition>>(&mut tasks, scope, &shared);
    tasks
}

#[derive(Clone)]
struct Shared {
    index: Arc<Index>,
    news: UnboundedSender<News>,
    stop: CancellationToken,
    unsynced: Arc<AtomicUsize>,
}

/// A kind that is followed.
pub(crate) trait Followed:
    Resource<DynamicType = ()> + Clone + DeserializeOwned + Debug + Send + Sync + 'static
{
    /// Kinds that apps write, whose versions are remembered.
    const KIND: Option<Kind>;
    /// Of a kind that the operator does without where it may not read it: what is missing then.
    const OPTIONAL: Option<&'static str> = None;

    /// Nothing else waits for this kind when the API server does not know it.
    const MAY_BE_UNKNOWN: bool = false;

    fn api(client: kube::Client, namespace: Option<&str>) -> kube::Api<Self>;

    /// Which of them.
    fn config(_namespace: Option<&str>) -> watcher::Config {
        watcher::Config::default()
    }

    /// An optional kind cannot be read, or can again. Tells who is affected.
    fn reads(_state: &mut State, _why_not: Option<String>) -> Vec<News> {
        Vec::new()
    }

    /// Whether the index keeps it. Of what it does not keep nothing at all is remembered: most pods of a cluster are others'.
    fn is_kept(&self) -> bool {
        true
    }

    /// Takes one that is kept into the index, and tells who is affected.
    fn apply(self, state: &mut State) -> Vec<News>;

    /// It is there, and not kept: takes what was kept of it out of the index, and tells who is affected.
    fn pass_over(_state: &mut State, _namespace: &str, _name: &str) -> Vec<News> {
        Vec::new()
    }

    /// It is gone.
    fn remove(state: &mut State, namespace: &str, name: &str) -> Vec<News>;
}

/// The index sees an object.
pub(super) fn see<K: Followed>(object: K, is_kept: bool, state: &mut State) -> Vec<News> {
    match is_kept {
        true => object.apply(state),
        false => K::pass_over(state, object.namespace(), object.name()),
    }
}

fn follow<K: Followed>(tasks: &mut JoinSet<()>, scope: &Scope, shared: &Shared) {
    let api = K::api(scope.client.clone(), scope.namespace.as_deref());
    let config = K::config(scope.namespace.as_deref());
    let shared = shared.clone();
    tasks.spawn(async move {
        let stop = shared.stop.clone();
        tokio::select! {
            () = stop.cancelled() => {}
            () = follow_one(api, config, shared) => {}
        }
    });
}

async fn follow_one<K: Followed>(api: kube::Api<K>, config: watcher::Config, shared: Shared) {
    let kind = K::kind(&());
    let mut stream = std::pin::pin!(watcher::watcher(api, config));
    // What the list under way has named, with the highest version in it.
    let mut listed: BTreeSet<(String, String)> = BTreeSet::new();
    let mut highest = 0;
    let mut known: BTreeSet<(String, String)> = BTreeSet::new();
    let mut is_synced = false;
    let mut failures: u32 = 0;
    while let Some(event) = stream.next().await {
        let event = match event {
            Ok(event) => event,
            Err(error) => {
                failures = failures.saturating_add(1);
                if let (Some(without), true) = (K::OPTIONAL, is_forbidden(&error)) {
                    if failures == 1 {
                        tracing::warn!(%kind, %error, "the operator's role does not allow to watch; {without}");
                    }
                    let why = format!("the operator may not list {}", K::plural(&()));
                    let mut news = K::reads(&mut shared.index.write(), Some(why));
                    news.extend(shared.synced(&mut is_synced));
                    if !shared.tell(news) {
                        return;
                    }
                    tokio::time::sleep(FORBIDDEN).await;
                    continue;
                }
                if failures == 1 {
                    tracing::warn!(%kind, %error, "watching failed; trying again{}", hint(&error));
                }
                let is_over = K::MAY_BE_UNKNOWN && is_unknown(&error);
                let news = is_over.then(|| shared.synced(&mut is_synced)).flatten();
                if !shared.tell(news.into_iter().collect()) {
                    return;
                }
                let wait = 100 * 2_u64.saturating_pow(failures.min(8));
                tokio::time::sleep(Duration::from_millis(wait.min(10_000))).await;
                continue;
            }
        };
        failures = 0;
        let place = |object: &K| (object.namespace().to_owned(), object.name().to_owned());
        let news = match event {
            Event::Init => {
                listed.clear();
                highest = 0;
                Vec::new()
            }
            Event::InitApply(object) => {
                let is_kept = object.is_kept();
                if is_kept {
                    listed.insert(place(&object));
                }
                highest = highest.max(version_number(object.meta()));
                see(object, is_kept, &mut shared.index.write())
            }
            Event::InitDone => {
                let mut state = shared.index.write();
                let mut news = Vec::new();
                for (namespace, name) in known.difference(&listed) {
                    news.extend(K::remove(&mut state, namespace, name));
                }
                known = std::mem::take(&mut listed);
                if let Some(kind) = K::KIND {
                    state.saw(kind, highest);
                }
                news.extend(K::reads(&mut state, None));
                drop(state);
                news.extend(shared.synced(&mut is_synced));
                news
            }
            Event::Apply(object) => {
                let version = version_number(object.meta());
                let is_kept = object.is_kept();
                match is_kept {
                    true => known.insert(place(&object)),
                    false => known.remove(&place(&object)),
                };
                let mut state = shared.index.write();
                let news = see(object, is_kept, &mut state);
                if let Some(kind) = K::KIND {
                    state.saw(kind, version);
                }
                news
            }
            Event::Delete(object) => {
                let (namespace, name) = place(&object);
                let version = version_number(object.meta());
                let is_kept = object.is_kept();
                let mut state = shared.index.write();
                // The last look at it, for what its end tells.
                let mut news = see(object, is_kept, &mut state);
                news.extend(K::remove(&mut state, &namespace, &name));
                known.remove(&(namespace, name));
                if let Some(kind) = K::KIND {
                    state.saw(kind, version);
                }
                news
            }
        };
        if !shared.tell(news) {
            return;
        }
    }
}

impl Shared {
    /// This kind was listed, or need not be waited for.
    fn synced(&self, is_synced: &mut bool) -> Option<News> {
        let is_last = !std::mem::replace(is_synced, true)
            && self.unsynced.fetch_sub(1, Ordering::SeqCst) == 1;
        is_last.then_some(News::Synced)
    }

    /// False when nobody listens any more.
    fn tell(&self, news: Vec<News>) -> bool {
        news.into_iter().all(|item| self.news.send(item).is_ok())
    }
}

fn is_unknown(error: &watcher::Error) -> bool {
    matches!(error, watcher::Error::InitialListFailed(kube::Error::Api(status)) if status.code == 404)
}

fn is_forbidden(error: &watcher::Error) -> bool {
    match error {
        watcher::Error::InitialListFailed(kube::Error::Api(status))
        | watcher::Error::WatchStartFailed(kube::Error::Api(status)) => status.code == 403,
        watcher::Error::WatchError(status) => status.code == 403,
        _ => false,
    }
}

/// What people forget most.
fn hint(error: &watcher::Error) -> &'static str {
    match error {
        watcher::Error::InitialListFailed(kube::Error::Api(status)) if status.code == 404 => {
            " (are the kinds installed? stateward crd | kubectl apply -f -)"
        }
        watcher::Error::InitialListFailed(kube::Error::Api(status)) if status.code == 403 => {
            " (the operator's role does not allow it)"
        }
        _ => "",
    }
}
