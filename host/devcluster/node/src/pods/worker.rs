//! One task per pod: asks [`lifecycle::decide`] what is next, does it, tells the API, and waits for the next thing to
//! happen.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;
use std::path::PathBuf;
use std::sync::Arc;

use jiff::Timestamp;
use k8s_openapi::api::core::v1::Pod;
use kube::ResourceExt;
use serde_json::Value;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::backoff::Backoff;
use super::context::PodContext;
use super::happenings::Message;
use super::lifecycle::{self, Decision, PodFacts, RestartPolicy};
use super::record::Record;
use super::seed;
use crate::volumes::Source;

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
    pub(super) inbox: mpsc::UnboundedReceiver<Message>,
    pub(super) prepare_at: Option<Instant>,
    pub(super) prepare_backoff: Backoff,
    pub(super) refused: Option<lifecycle::Outcome>,
    pub(super) refusal: Option<(&'static str, String)>,
    pub(super) start_time: Timestamp,
    pub(super) told: Option<Value>,
    pub(super) told_at: Option<Instant>,
    /// Version of the object that the last write made.
    pub(super) told_version: u64,
    pub(super) is_removed: bool,
    pub(super) grace_told: Option<i64>,
    /// When the first of its containers was asked to end because the pod ends.
    pub(super) ending_since: Option<Instant>,
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
        let mut worker = Self {
            uid: pod.uid().unwrap_or_default(),
            namespace: pod.namespace().unwrap_or_default(),
            start_time: start_time.map_or_else(Timestamp::now, |time| time.0),
            refused: seed::outcome(&pod),
            refusal: None,
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
            told_version: 0,
            is_removed: false,
            grace_told: None,
            ending_since: None,
            context,
            pod,
        };
        worker.find_logs();
        worker
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
            // A pod whose node is lost does nothing and tells nothing, whatever is asked of it.
            let name = self.pod.name_any();
            tokio::select! {
                () = self.context.runtime.until_reachable(&name) => {}
                () = stop.cancelled() => {
                    self.stop_for_agent().await;
                    return;
                }
            }
            let current = pods.borrow_and_update().clone();
            let Some(pod) = current else { break };
            self.pod = pod;
            self.notice_other_writers();
            let mut wake = self.act().await;
            // Whoever is told of a container finds it.
            self.list();
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
        self.context.host_ports.release(&self.uid);
        self.context.directory.forget(&self.uid);
        // Left-overs are only disk space; the folder's name is never used again.
        let _left = tokio::fs::remove_dir_all(self.folder()).await;
    }

    /// Does everything that can be done now; answers when to look again.
    async fn act(&mut self) -> Option<Instant> {
        let wake = self.take_steps().await;
        if lifecycle::outcome(&self.facts(), &self.containers).is_some() {
            self.context.host_ports.release(&self.uid);
        }
        wake
    }

    async fn take_steps(&mut self) -> Option<Instant> {
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
                Decision::Stop(running) => {
                    let grace = self.grace_left();
                    self.stop(&running, grace);
                }
                Decision::Remove => return self.remove().await,
                Decision::Wait(until) => return until,
            }
        }
    }

    pub(super) fn facts(&self) -> PodFacts {
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
        self.context.pods_folder.join(&self.uid)
    }
}
