//! The cluster as others hold it.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use jiff::Timestamp;
use serde_json::json;

use crate::clock::Clock;
use crate::collector;
use crate::error::ClusterError;
use crate::failure::Failure;
use crate::in_process::InProcess;
use crate::request::Options;
use crate::state::State;
use crate::store::persistence::Progress;
use crate::store::{Key, Store, persistence};
use crate::verbs::Context;

/// An embedded Kubernetes API: the store and the rules. Clones share one cluster.
#[derive(Debug, Clone)]
pub struct Cluster {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    state: Mutex<State>,
    counts: Mutex<BTreeMap<String, u64>>,
    clock: Clock,
    folder: Option<PathBuf>,
}

impl Cluster {
    /// Opens the cluster whose state is in `folder`, or makes a new one there. The state is one file, which no crash
    /// corrupts; what a request was answered is on disk.
    pub fn open(folder: &Path) -> Result<Self, ClusterError> {
        let store = persistence::open(folder)?;
        let state = State::new(store, fastrand::Rng::new());
        Ok(Self::new(state, Clock::machine(), Some(folder.to_owned())))
    }

    /// A cluster that lives and ends with this value; for tests.
    pub fn in_memory() -> Self {
        let state = State::new(Store::in_memory(), fastrand::Rng::new());
        Self::new(state, Clock::machine(), None)
    }

    /// A cluster for experiments: in memory, its clock follows tokio's (which a test can pause and move) from a day in 2030 on, and names and UIDs follow
    /// from the seed. It must be made within a tokio runtime.
    pub fn simulated(seed: u64) -> Self {
        const START: i64 = 1_893_456_000;
        let state = State::new(Store::in_memory(), fastrand::Rng::with_seed(seed));
        let start = Timestamp::from_second(START).unwrap_or(Timestamp::UNIX_EPOCH);
        Self::new(state, Clock::following_tokio(start), None)
    }

    fn new(mut state: State, clock: Clock, folder: Option<PathBuf>) -> Self {
        make_first_objects(&mut state, clock.now());
        Self {
            inner: Arc::new(Inner {
                state: Mutex::new(state),
                counts: Mutex::new(BTreeMap::new()),
                clock,
                folder,
            }),
        }
    }

    /// A client that calls the API in this process, without a socket. It must be used within a tokio runtime.
    pub fn client(&self, default_namespace: &str) -> kube::Client {
        kube::Client::new(InProcess::new(self.clone()), default_namespace)
    }

    /// The clock that objects are stamped by.
    pub fn clock(&self) -> &Clock {
        &self.inner.clock
    }

    /// The number of the last write.
    pub fn revision(&self) -> u64 {
        self.state().store.revision()
    }

    /// Forgets the history, so that watches and continued lists of earlier versions answer `410 Expired`.
    pub fn compact(&self) {
        self.state().store.compact();
    }

    /// How many requests came in so far, by verb and resource: `create pods`, `patch statefulsets/status`.
    pub fn request_counts(&self) -> BTreeMap<String, u64> {
        self.counts().clone()
    }

    pub(crate) fn count(&self, verb: &str, resource: &str) {
        *self
            .counts()
            .entry(format!("{verb} {resource}"))
            .or_default() += 1;
    }

    fn counts(&self) -> MutexGuard<'_, BTreeMap<String, u64>> {
        self.inner
            .counts
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        self.inner
            .state
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn folder(&self) -> Option<&Path> {
        self.inner.folder.as_deref()
    }

    /// Waits until everything written so far is on disk.
    pub(crate) async fn persisted(&self) -> Result<(), Failure> {
        let (revision, progress) = {
            let state = self.state();
            let progress = state.store.journal().map(|journal| journal.progress());
            (state.store.revision(), progress)
        };
        let Some(mut progress) = progress else {
            return Ok(());
        };
        let is_settled = |progress: &Progress| match progress {
            Progress::UpTo(written) => *written >= revision,
            Progress::Failed(_) => true,
        };
        let broken = |why: &str| {
            Failure::internal(format!(
                "the cluster's file cannot be written: {why}; restart it once the disk has room"
            ))
        };
        match progress.wait_for(is_settled).await {
            Ok(settled) => match &*settled {
                Progress::UpTo(_) => Ok(()),
                Progress::Failed(why) => Err(broken(why)),
            },
            Err(_) => Err(broken("the writer has ended")),
        }
    }
}

/// The namespaces that every cluster has.
fn make_first_objects(state: &mut State, now: Timestamp) {
    let context = Context::new(Options::default(), "stateward", now);
    for name in ["default", "kube-node-lease", "kube-public", "kube-system"] {
        if state.store.get("namespaces", &Key::new("", name)).is_some() {
            continue;
        }
        let namespace = json!({
            "apiVersion": "v1",
            "kind": "Namespace",
            "metadata": {
                "name": name,
                "uid": state.new_uid(),
                "creationTimestamp": context.timestamp(),
                "labels": {"kubernetes.io/metadata.name": name},
            },
            "spec": {"finalizers": ["kubernetes"]},
            "status": {"phase": "Active"},
        });
        state.put("namespaces", namespace);
    }
    collector::settle(state, &context);
}
