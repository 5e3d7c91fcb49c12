//! A kubelet that runs nothing: it binds the pods of one namespace, lets them become ready, fail and end as the scenario says, and keeps the record of what
//! happened to them.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use futures::StreamExt;
use jiff::Timestamp;
use k8s_openapi::api::core::v1::Pod;
use kube::api::{Api, DeleteParams, Patch, PatchParams, PostParams, Preconditions};
use kube::runtime::watcher::{self, Event};
use kube::{Client, ResourceExt};
use serde_json::{Value, json};
use tokio::sync::mpsc::{UnboundedSender, unbounded_channel};
use tokio::task::JoinHandle;

/// The name of the node on which all pods are.
pub const NODE: &str = "differential";

/// What the scenario wants of the pods.
#[derive(Debug, Default)]
struct Wishes {
    unready: BTreeSet<u32>,
    /// Phases that pods end in, by UID.
    ended: BTreeMap<String, &'static str>,
    is_lost: bool,
    /// `+web-0` created, `!web-0` ready, `~web-0` terminating, `-web-0` gone.
    record: Vec<String>,
}

/// The kubelet of one namespace; it ends with this value.
#[derive(Debug)]
pub struct Kubelet {
    wishes: Arc<Mutex<Wishes>>,
    again: UnboundedSender<()>,
    task: JoinHandle<()>,
}

/// Where the time of day comes from.
pub type Clock = Arc<dyn Fn() -> Timestamp + Send + Sync>;

impl Kubelet {
    /// Starts it.
    pub fn start(client: Client, namespace: &str, clock: Clock) -> Self {
        let wishes = Arc::<Mutex<Wishes>>::default();
        let (again, mut wake) = unbounded_channel();
        let mut worker = Worker {
            api: Api::namespaced(client, namespace),
            namespace: namespace.to_owned(),
            clock,
            wishes: wishes.clone(),
            known: BTreeMap::new(),
        };
        let task = tokio::spawn(async move {
            let pods = watcher::watcher(worker.api.clone(), watcher::Config::default());
            let mut pods = std::pin::pin!(pods);
            loop {
                tokio::select! {
                    event = pods.next() => match event {
                        Some(Ok(event)) => worker.see(event).await,
                        Some(Err(_)) => {}
                        None => return,
                    },
                    Some(()) = wake.recv() => worker.look_again().await,
                }
            }
        });
        Self {
            wishes,
            again,
            task,
        }
    }

    /// The pods of this ordinal are ready, or are not, from now on.
    pub fn set_ready(&self, ordinal: u32, is_ready: bool) {
        let mut wishes = lock(&self.wishes);
        match is_ready {
            true => wishes.unready.remove(&ordinal),
            false => wishes.unready.insert(ordinal),
        };
        drop(wishes);
        self.look_again();
    }

    /// This pod ends in this phase.
    pub fn end(&self, uid: &str, phase: &'static str) {
        lock(&self.wishes).ended.insert(uid.to_owned(), phase);
        self.look_again();
    }

    /// Nothing is heard of the node any more, until it is back.
    pub fn lose(&self, is_lost: bool) {
        lock(&self.wishes).is_lost = is_lost;
        self.look_again();
    }

    /// What happened since it was last asked.
    pub fn take_record(&self) -> Vec<String> {
        std::mem::take(&mut lock(&self.wishes).record)
    }

    /// What happened since then.
    pub fn record(&self) -> Vec<String> {
        lock(&self.wishes).record.clone()
    }

    fn look_again(&self) {
        // It ends only with this value.
        let _ = self.again.send(());
    }
}

impl Drop for Kubelet {
    fn drop(&mut self) {
        self.task.abort();
    }
}

fn lock(wishes: &Mutex<Wishes>) -> MutexGuard<'_, Wishes> {
    wishes.lock().unwrap_or_else(PoisonError::into_inner)
}

struct Worker {
    api: Api<Pod>,
    namespace: String,
    clock: Clock,
    wishes: Arc<Mutex<Wishes>>,
    known: BTreeMap<String, Pod>,
}

impl Worker {
    fn note(&self, what: &str, pod: &Pod) {
        let line = format!("{what}{}", pod.name_any());
        lock(&self.wishes).record.push(line);
    }

    async fn see(&mut self, event: Event<Pod>) {
        match event {
            Event::Apply(pod) | Event::InitApply(pod) => self.tend(pod).await,
            Event::Delete(pod) => {
                let uid = pod.uid().unwrap_or_default();
                let before = self.known.remove(&uid);
                let was_told = before.is_some_and(|pod| pod.metadata.deletion_timestamp.is_some());
                if !was_told {
                    self.note("~", &pod);
                }
                self.note("-", &pod);
            }
            Event::Init | Event::InitDone => {}
        }
    }

    async fn look_again(&mut self) {
        for pod in self.known.values().cloned().collect::<Vec<_>>() {
            self.tend(pod).await;
        }
    }

    async fn tend(&mut self, pod: Pod) {
        let uid = pod.uid().unwrap_or_default();
        let before = self.known.insert(uid.clone(), pod.clone());
        if before.is_none() {
            self.note("+", &pod);
        }
        let is_terminating = pod.metadata.deletion_timestamp.is_some();
        let was_terminating =
            before.is_some_and(|before| before.metadata.deletion_timestamp.is_some());
        if is_terminating && !was_terminating {
            self.note("~", &pod);
        }
        if lock(&self.wishes).is_lost {
            return;
        }
        // Whatever is refused here is told by the next event of the pod.
        if is_terminating {
            let parameters = DeleteParams::default()
                .grace_period(0)
                .preconditions(Preconditions {
                    uid: Some(uid),
                    resource_version: None,
                });
            let _ = self.api.delete(&pod.name_any(), &parameters).await;
            return;
        }
        let is_bound = pod
            .spec
            .as_ref()
            .is_some_and(|spec| spec.node_name.is_some());
        if !is_bound {
            self.bind(&pod).await;
            return;
        }
        let wanted = self.wanted(&pod, &uid);
        if wanted == Standing::of(&pod) {
            return;
        }
        if wanted == Standing::Ready {
            self.note("!", &pod);
        }
        let status = self.status(&pod, &uid, wanted);
        let patched = (self.api)
            .patch_status(
                &pod.name_any(),
                &PatchParams::default(),
                &Patch::Merge(&status),
            )
            .await;
        if let Ok(pod) = patched {
            self.known.insert(pod.uid().unwrap_or_default(), pod);
        }
    }

    async fn bind(&self, pod: &Pod) {
        let name = pod.name_any();
        let binding = json!({
            "apiVersion": "v1", "kind": "Binding",
            "metadata": { "name": name, "namespace": self.namespace },
            "target": { "apiVersion": "v1", "kind": "Node", "name": NODE },
        });
        let _ = (self.api)
            .create_subresource::<Value, Value>("binding", &name, &PostParams::default(), &binding)
            .await;
    }

    fn wanted(&self, pod: &Pod, uid: &str) -> Standing {
        let wishes = lock(&self.wishes);
        if let Some(phase) = wishes.ended.get(uid) {
            return Standing::Ended(phase);
        }
        let containers = pod.spec.iter().flat_map(|spec| &spec.containers);
        let is_broken = containers
            .filter_map(|container| container.image.as_deref())
            .any(|image| image.starts_with("broken"));
        let name = pod.name_any();
        let ordinal = name.rsplit_once('-').and_then(|(_, at)| at.parse().ok());
        match is_broken || ordinal.is_some_and(|ordinal| wishes.unready.contains(&ordinal)) {
            true => Standing::Running,
            false => Standing::Ready,
        }
    }

    fn status(&self, pod: &Pod, uid: &str, wanted: Standing) -> Value {
        let now = (self.clock)();
        let (phase, is_ready) = match wanted {
            Standing::Ended(phase) => (phase, false),
            Standing::Running => ("Running", false),
            Standing::Ready | Standing::New => ("Running", true),
        };
        let ready = if is_ready { "True" } else { "False" };
        let condition =
            |name: &str| json!({ "type": name, "status": ready, "lastTransitionTime": now });
        let container = pod
            .spec
            .iter()
            .flat_map(|spec| &spec.containers)
            .next()
            .cloned();
        let image = container.and_then(|container| container.image);
        json!({ "metadata": { "uid": uid }, "status": {
            "phase": phase,
            "podIP": "127.0.0.1",
            "conditions": [condition("Ready"), condition("ContainersReady")],
            "containerStatuses": [{
                "name": "main", "ready": is_ready, "restartCount": 0, "image": image, "imageID": "",
                "state": { "running": { "startedAt": now } },
            }],
        }})
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Standing {
    New,
    Running,
    Ready,
    Ended(&'static str),
}

impl Standing {
    fn of(pod: &Pod) -> Self {
        let status = pod.status.as_ref();
        let is_ready = status
            .and_then(|status| status.conditions.as_ref())
            .is_some_and(|all| {
                all.iter()
                    .any(|one| one.type_ == "Ready" && one.status == "True")
            });
        match status.and_then(|status| status.phase.as_deref()) {
            Some("Failed") => Self::Ended("Failed"),
            Some("Succeeded") => Self::Ended("Succeeded"),
            Some("Running") if is_ready => Self::Ready,
            Some("Running") => Self::Running,
            _ => Self::New,
        }
    }
}
