//! One task per pod: asks [`lifecycle::decide`] what is next, does it, tells the API, and waits for the next thing to
//! happen.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use k8s_openapi::api::core::v1::Pod;
use kube::api::{DeleteParams, Patch, PatchParams, Preconditions};
use kube::{Api, Client, ResourceExt};
use serde_json::{Value, json};
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::backoff::Backoff;
use super::directory::{Directory, Entry};
use super::lifecycle::{self, Decision, PodFacts, RestartPolicy};
use super::record::{Ended, Record, State};
use super::seed;
use super::status::{StatusFacts, status};
use crate::addresses::Addresses;
use crate::cache::Changes;
use crate::events::{Kind, Recorder};
use crate::runtime::{ExitStatus, Runtime, StartedContainer};
use crate::volumes::{Source, VolumeContext};

/// A write that failed is tried again after this time.
const RETRY: Duration = Duration::from_secs(1);

/// What all pods of a node share.
#[derive(Clone)]
pub(crate) struct PodContext {
    pub(crate) client: Client,
    pub(crate) node_address: Ipv4Addr,
    pub(crate) folder: PathBuf,
    pub(crate) runtime: Arc<dyn Runtime>,
    pub(crate) events: Recorder,
    pub(crate) addresses: Addresses,
    /// Says that a config map, secret, claim or volume changed.
    pub(crate) changes: Changes,
    pub(crate) directory: Directory,
}

/// What happens to a container outside of the worker.
pub(crate) enum Happening {
    Started(Box<Result<StartedContainer, super::start::Refusal>>),
    Exited(ExitStatus),
    HookFailed(String),
    /// The startup probe passed, or there is none.
    StartupPassed,
    /// The readiness probe's verdict changed.
    Ready(bool),
    /// A startup or liveness probe failed for good.
    Unhealthy {
        grace: Option<i64>,
    },
}

pub(crate) struct Message {
    pub(crate) container: usize,
    pub(crate) start_number: u64,
    pub(crate) what: Happening,
}

/// The life of one pod.
pub(crate) struct Worker {
    pub(super) context: PodContext,
    pub(super) pod: Arc<Pod>,
    pub(super) uid: String,
    pub(super) namespace: String,
    pub(super) containers: Vec<Record>,
    pub(super) address: Option<Ipv4Addr>,
    pub(super) volumes: Option<BTreeMap<String, Source>>,
    pub(super) messages: mpsc::UnboundedSender<Message>,
    /// Everything that goes on beside this worker; dropped with it, and the containers end then.
    pub(super) tasks: JoinSet<()>,
    inbox: mpsc::UnboundedReceiver<Message>,
    prepare_at: Option<Instant>,
    prepare_backoff: Backoff,
    refused: Option<lifecycle::Outcome>,
    start_time: Timestamp,
    told: Option<Value>,
    told_at: Option<Instant>,
    is_removed: bool,
    grace_told: Option<i64>,
}

impl Worker {
    pub(crate) fn new(context: PodContext, pod: Arc<Pod>) -> Self {
        let (messages, inbox) = mpsc::unbounded_channel();
        let mut containers = Record::all_of(&pod);
        seed::take_over(&pod, &mut containers);
        let start_time = pod
            .status
            .as_ref()
            .and_then(|status| status.start_time.as_ref());
        Self {
            uid: pod.uid().unwrap_or_default(),
            namespace: pod.namespace().unwrap_or_default(),
            start_time: start_time.map_or_else(Timestamp::now, |time| time.0),
            refused: seed::outcome(&pod),
            containers,
            address: None,
            volumes: None,
            messages,
            tasks: JoinSet::new(),
            inbox,
            prepare_at: None,
            prepare_backoff: Backoff::default(),
            told: None,
            told_at: None,
            is_removed: false,
            grace_told: None,
            context,
            pod,
        }
    }

    /// Lives until the pod's object is gone (`None`) or the agent stops; then nothing of the pod runs any more.
    pub(crate) async fn run(
        mut self,
        mut pods: watch::Receiver<Option<Arc<Pod>>>,
        stop: CancellationToken,
    ) {
        let mut changes = self.context.changes.subscribe();
        if self.refused.is_some() && self.pod.metadata.deletion_timestamp.is_none() {
            // It ended before; nothing is told of it that is not told already.
            self.told = Some(Value::Null);
        }
        loop {
            let current = pods.borrow_and_update().clone();
            let Some(pod) = current else { break };
            self.pod = pod;
            let mut wake = self.act().await;
            if let Some(retry) = self.tell().await {
                wake = Some(wake.map_or(retry, |wake| wake.min(retry)));
            }
            let asleep = async {
                match wake {
                    Some(at) => tokio::time::sleep_until(at).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                changed = pods.changed() => if changed.is_err() { break },
                Some(message) = self.inbox.recv() => self.take(message).await,
                Ok(()) = changes.changed() => self.look_again().await,
                () = asleep => {}
                () = stop.cancelled() => {
                    self.stop_for_agent().await;
                    return;
                }
            }
        }
        self.kill_all().await;
        self.context.addresses.release(&self.uid);
        self.context.directory.forget(&self.uid);
        // Left-overs are only disk space; the folder's name is never used again.
        let _left = tokio::fs::remove_dir_all(self.folder()).await;
    }

    /// Does everything that can be done now; answers when to look again.
    async fn act(&mut self) -> Option<Instant> {
        while self.tasks.try_join_next().is_some() {}
        loop {
            self.shorten_grace();
            match lifecycle::decide(&self.facts(), &self.containers, Instant::now()) {
                Decision::Prepare => self.prepare().await,
                Decision::Start(due) => {
                    for at in due {
                        self.start(at);
                    }
                }
                Decision::Stop(running) => self.stop(&running, self.grace()),
                Decision::Remove => return self.remove().await,
                Decision::Wait(until) => return until,
            }
        }
    }

    fn facts(&self) -> PodFacts {
        let spec = self.pod.spec.as_ref();
        PodFacts {
            is_deleting: self.pod.metadata.deletion_timestamp.is_some(),
            restart_policy: RestartPolicy::of(spec.and_then(|spec| spec.restart_policy.as_deref())),
            is_prepared: self.volumes.is_some() && self.address.is_some(),
            prepare_at: self.prepare_at,
            refused: self.refused,
        }
    }

    pub(super) fn folder(&self) -> PathBuf {
        self.context.folder.join("pods").join(&self.uid)
    }

    async fn prepare(&mut self) {
        let wanted = self
            .pod
            .status
            .as_ref()
            .and_then(|status| status.pod_ip.as_deref());
        let wanted = wanted.and_then(|address| address.parse().ok());
        self.address = self.context.addresses.assign(&self.uid, wanted);
        let pod = Arc::clone(&self.pod);
        if self.address.is_none() {
            let message =
                "no address left in the node's range for pods; give the node a larger one";
            self.not_prepared("FailedCreatePodSandBox", message).await;
            return;
        }
        self.warn_of_pull_secrets(&pod).await;
        if !self.context.runtime.needs_volumes() {
            self.volumes = Some(BTreeMap::new());
            return;
        }
        match self.make_volumes().await {
            Ok(volumes) => self.volumes = Some(volumes),
            Err(error) => self.not_prepared("FailedMount", &error.to_string()).await,
        }
    }

    async fn make_volumes(&self) -> Result<BTreeMap<String, Source>, crate::volumes::VolumeError> {
        let folder = self.folder().join("volumes");
        let context = VolumeContext {
            client: &self.context.client,
            node_folder: &self.context.folder,
            folder: &folder,
        };
        context.prepare(&self.told_pod()).await
    }

    /// The pod with what the node knows before the API does.
    pub(super) fn told_pod(&self) -> Pod {
        let mut pod = (*self.pod).clone();
        let status = pod.status.get_or_insert_default();
        status.host_ip = Some(self.context.node_address.to_string());
        status.pod_ip = self.address.map(|address| address.to_string());
        pod
    }

    async fn not_prepared(&mut self, reason: &str, message: &str) {
        self.prepare_at = Some(Instant::now() + self.prepare_backoff.after_refusal());
        let pod = Arc::clone(&self.pod);
        self.context
            .events
            .publish(&*pod, Kind::Warning, reason, message)
            .await;
    }

    /// Something that pods refer to has changed: what waits for it tries again, and volumes show the new content.
    async fn look_again(&mut self) {
        let now = Instant::now();
        if self.prepare_at.is_some() {
            self.prepare_at = Some(now);
        }
        for container in &mut self.containers {
            if matches!(container.state, State::Waiting { reason, .. } if reason == "CreateContainerConfigError")
            {
                container.not_before = None;
            }
        }
        if self.volumes.is_some()
            && self.context.runtime.needs_volumes()
            && self.has_content_volumes()
        {
            // A source that is gone now leaves the files as they are, as with a kubelet.
            if let Err(error) = self.make_volumes().await {
                tracing::debug!(%error, pod = self.pod.name_any(), "volumes keep their content");
            }
        }
    }

    fn has_content_volumes(&self) -> bool {
        let volumes = self
            .pod
            .spec
            .as_ref()
            .and_then(|spec| spec.volumes.as_ref());
        volumes.into_iter().flatten().any(|volume| {
            volume.config_map.is_some() || volume.secret.is_some() || volume.projected.is_some()
        })
    }

    async fn take(&mut self, message: Message) {
        let at = message.container;
        let current = self
            .containers
            .get(at)
            .map(|container| container.start_number);
        if current != Some(message.start_number) {
            return;
        }
        match message.what {
            Happening::Started(result) => self.started(at, *result).await,
            Happening::Exited(exit) => self.exited(at, exit),
            Happening::HookFailed(text) => {
                let pod = Arc::clone(&self.pod);
                self.context
                    .events
                    .publish(&*pod, Kind::Warning, "FailedPostStartHook", &text)
                    .await;
                self.stop(&[at], self.grace());
            }
            Happening::StartupPassed => {
                if let Some(running) = self.containers.get_mut(at).and_then(Record::running_mut) {
                    running.is_started = true;
                }
            }
            Happening::Ready(is_ready) => {
                if let Some(running) = self.containers.get_mut(at).and_then(Record::running_mut) {
                    running.is_ready = is_ready;
                }
            }
            Happening::Unhealthy { grace } => {
                let name = self
                    .containers
                    .get(at)
                    .map(|container| container.name.clone());
                let text = format!(
                    "Container {} failed its probe, will be restarted",
                    name.unwrap_or_default()
                );
                let pod = Arc::clone(&self.pod);
                self.context
                    .events
                    .publish(&*pod, Kind::Normal, "Killing", &text)
                    .await;
                let grace = grace
                    .and_then(|seconds| u64::try_from(seconds).ok())
                    .map(Duration::from_secs);
                self.stop(&[at], grace.unwrap_or_else(|| self.grace()));
            }
        }
    }

    /// Takes in one thing that happened, for those who wait for containers to end.
    pub(super) async fn next_message(&mut self) {
        if let Some(message) = self.inbox.recv().await {
            self.take(message).await;
        }
    }

    fn exited(&mut self, at: usize, exit: ExitStatus) {
        let Some(container) = self.containers.get_mut(at) else {
            return;
        };
        let State::Running(running) = &container.state else {
            return;
        };
        for watcher in &running.watchers {
            watcher.abort();
        }
        let ended = Ended {
            code: exit.code,
            reason: if exit.code == 0 { "Completed" } else { "Error" },
            message: None,
            id: Some(running.id.clone()),
            started_at: Some(running.since),
            finished_at: Some(Timestamp::now()),
        };
        let wait = container.backoff.after_run(running.since_instant.elapsed());
        container.not_before = Some(Instant::now() + wait);
        container.state = State::Ended(ended);
        let name = container.name.clone();
        self.list(at, &name);
    }

    /// Keeps the directory of containers true.
    pub(super) fn list(&self, at: usize, name: &str) {
        let Some(container) = self.containers.get(at) else {
            return;
        };
        let previous = container
            .start_number
            .checked_sub(1)
            .filter(|number| *number > 0);
        let entry = Entry {
            uid: self.uid.clone(),
            handle: container
                .running()
                .map(|running| Arc::clone(&running.handle)),
            log: container.log.clone(),
            previous_log: previous.map(|number| self.log_path(name, number)),
        };
        self.context
            .directory
            .set(&self.namespace, &self.pod.name_any(), name, entry);
    }

    pub(super) fn log_path(&self, container: &str, start_number: u64) -> PathBuf {
        let logs = self.folder().join("logs").join(container);
        logs.join(format!("{start_number}.log"))
    }

    /// Writes the status when it says something new. Answers when to try again.
    async fn tell(&mut self) -> Option<Instant> {
        if self.is_removed || self.told == Some(Value::Null) {
            return None;
        }
        if let Some(at) = self.told_at.take().filter(|at| *at > Instant::now()) {
            self.told_at = Some(at);
            return Some(at);
        }
        let facts = self.facts();
        let status = status(
            &StatusFacts {
                pod: &self.pod,
                runtime: self.context.runtime.name(),
                node_address: self.context.node_address,
                address: self.address,
                start_time: self.start_time,
                restart_policy: facts.restart_policy,
                is_prepared: facts.is_prepared,
                outcome: lifecycle::outcome(&facts, &self.containers),
                refusal: None,
                now: Timestamp::now(),
            },
            &self.containers,
        );
        let Ok(mut status) = serde_json::to_value(status) else {
            return None;
        };
        if self
            .told
            .as_ref()
            .is_some_and(|told| same_meaning(told, &status))
        {
            return None;
        }
        // The UID makes this a write to this pod and not to a successor of the same name.
        let patch = json!({ "metadata": { "uid": self.uid }, "status": status });
        let api: Api<Pod> = Api::namespaced(self.context.client.clone(), &self.namespace);
        let written = api
            .patch_status(
                &self.pod.name_any(),
                &PatchParams::default(),
                &Patch::Strategic(patch),
            )
            .await;
        match written {
            Ok(_) => {
                forget_times(&mut status);
                self.told = Some(status);
                self.advance_image_errors()
            }
            // The object is gone or is another one; the watch is about to say so.
            Err(kube::Error::Api(answer)) if answer.code == 404 || answer.code == 409 => None,
            Err(error) => {
                tracing::warn!(%error, pod = self.pod.name_any(), "status not written; trying again");
                let at = Instant::now() + RETRY;
                self.told_at = Some(at);
                Some(at)
            }
        }
    }

    /// A failed pull is told once as such, then as waiting for the next attempt.
    fn advance_image_errors(&mut self) -> Option<Instant> {
        let mut changed = None;
        for container in &mut self.containers {
            if let State::Waiting { reason, .. } = &mut container.state
                && *reason == "ErrImagePull"
            {
                *reason = "ImagePullBackOff";
                changed = Some(Instant::now());
            }
        }
        changed
    }

    /// Nothing of the pod runs: the last status, then the object goes.
    async fn remove(&mut self) -> Option<Instant> {
        if self.is_removed {
            return None;
        }
        if let Some(retry) = self.tell().await {
            return Some(retry);
        }
        let api: Api<Pod> = Api::namespaced(self.context.client.clone(), &self.namespace);
        let parameters = DeleteParams {
            grace_period_seconds: Some(0),
            preconditions: Some(Preconditions {
                uid: Some(self.uid.clone()),
                resource_version: None,
            }),
            ..DeleteParams::default()
        };
        match api.delete(&self.pod.name_any(), &parameters).await {
            Ok(_) => {
                self.is_removed = true;
                None
            }
            Err(kube::Error::Api(answer)) if answer.code == 404 || answer.code == 409 => {
                self.is_removed = true;
                None
            }
            Err(error) => {
                tracing::warn!(%error, pod = self.pod.name_any(), "pod not removed; trying again");
                Some(Instant::now() + RETRY)
            }
        }
    }

    /// The grace period that applies now.
    pub(super) fn grace(&self) -> Duration {
        let of_deletion = self.pod.metadata.deletion_grace_period_seconds;
        let spec = self.pod.spec.as_ref();
        let of_spec = spec.and_then(|spec| spec.termination_grace_period_seconds);
        let seconds = of_deletion.or(of_spec).unwrap_or(30);
        Duration::from_secs(u64::try_from(seconds).unwrap_or_default())
    }

    /// A second deletion with a shorter grace period takes effect on what is stopping already.
    fn shorten_grace(&mut self) {
        let told = self.pod.metadata.deletion_grace_period_seconds;
        if told.is_none() || told == self.grace_told {
            return;
        }
        self.grace_told = told;
        let latest = Instant::now() + self.grace();
        for kill_at in self
            .containers
            .iter()
            .filter_map(|container| container.running()?.kill_at.as_ref())
        {
            kill_at.send_if_modified(|at| {
                let is_shorter = latest < *at;
                if is_shorter {
                    *at = latest;
                }
                is_shorter
            });
        }
    }
}

/// Times of conditions are kept by the server's copy; alone they are no news.
fn same_meaning(told: &Value, status: &Value) -> bool {
    let mut status = status.clone();
    forget_times(&mut status);
    *told == status
}

fn forget_times(status: &mut Value) {
    let conditions = status.get_mut("conditions").and_then(Value::as_array_mut);
    for condition in conditions.into_iter().flatten() {
        if let Some(condition) = condition.as_object_mut() {
            condition.remove("lastTransitionTime");
        }
    }
}
