//! What a control plane does about its nodes: it notices that one is silent, taints it, and deletes the pods that do not
//! tolerate that; and it forgets pods of nodes that no longer exist.
//!
//! | upstream's controller | here |
//! |---|---|
//! | node lifecycle: conditions, taints, pods marked not ready | [`condition::silence`], [`condition::taints`] |
//! | taint eviction: `NoExecute` and `tolerationSeconds` | [`eviction::patience`] |
//! | pod collection: pods of deleted and of out-of-service nodes | [`eviction::is_out_of_service`] |

mod condition;
mod eviction;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use k8s_openapi::api::coordination::v1::Lease;
use k8s_openapi::api::core::v1::{Node, Pod};
use kube::api::{DeleteParams, Patch, PatchParams, Preconditions};
use kube::{Api, Client, ResourceExt};
use serde_json::{Value, json};
use tokio::time::Instant;

use crate::cache::{Cache, Changes};
use crate::events::{Kind, Recorder};
use crate::pods::condition::{has_ended, is_ready};
use crate::registration::LEASE_NAMESPACE;
pub(crate) use condition::Readiness;
use eviction::Patience;

/// How long a node may be silent: upstream's node-monitor-grace-period.
const GRACE: Duration = Duration::from_secs(50);
/// How long a pod may be without its node's object before it is forgotten, as upstream's pod collector.
const QUARANTINE: Duration = Duration::from_secs(40);
/// A write that failed is tried again after this time.
const RETRY: Duration = Duration::from_secs(1);

pub(crate) struct Caches {
    pub(crate) nodes: Cache<Node>,
    pub(crate) leases: Cache<Lease>,
    pub(crate) pods: Cache<Pod>,
}

pub(crate) struct NodesController {
    client: Client,
    caches: Caches,
    events: Recorder,
    /// Last renewal of each node's lease, and when it was seen here: other machines' clocks are not compared with ours.
    heard: BTreeMap<String, (Option<Timestamp>, Instant)>,
    /// Since when a pod (by UID) is on a node that it does not stay on for ever.
    tainted: BTreeMap<String, Instant>,
    /// Since when a pod (by UID) has no node.
    orphaned: BTreeMap<String, Instant>,
}

impl NodesController {
    pub(crate) fn new(client: Client, caches: Caches) -> Self {
        Self {
            events: Recorder::new(client.clone(), "node-controller", None),
            client,
            caches,
            heard: BTreeMap::new(),
            tainted: BTreeMap::new(),
            orphaned: BTreeMap::new(),
        }
    }

    pub(crate) async fn run(mut self, changes: Changes) {
        let mut changes = changes.subscribe();
        self.caches.nodes.complete().await;
        self.caches.leases.complete().await;
        self.caches.pods.complete().await;
        loop {
            changes.mark_unchanged();
            let wake = match self.pass().await {
                Ok(wake) => wake,
                Err(error) => {
                    tracing::debug!(%error, "nodes are not cared for; trying again");
                    Some(Instant::now() + RETRY)
                }
            };
            let asleep = async {
                match wake {
                    Some(at) => tokio::time::sleep_until(at).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                changed = changes.changed() => if changed.is_err() { return },
                () = asleep => {}
            }
        }
    }

    /// One look at everything; answers when something is due without a change.
    async fn pass(&mut self) -> kube::Result<Option<Instant>> {
        let now = Instant::now();
        let (nodes, pods) = (self.caches.nodes.all(), self.caches.pods.all());
        let names: BTreeSet<String> = nodes.iter().map(|node| node.name_any()).collect();
        self.heard.retain(|name, _| names.contains(name));
        let mut wake: Option<Instant> = None;
        let mut due = |at: Instant| wake = Some(wake.map_or(at, |earlier| earlier.min(at)));
        for node in &nodes {
            let silent_at = self.heard(&node.name_any(), now) + GRACE;
            if silent_at <= now {
                if let Some(status) = condition::silence(node, Timestamp::now()) {
                    settle(self.write_status(node, status).await)?;
                    self.tell(node).await;
                }
            } else {
                due(silent_at);
            }
            if let Some(taints) = condition::taints(node, Timestamp::now()) {
                settle(self.write_taints(node, &taints).await)?;
            }
        }
        self.tainted.retain(|uid, _| lives(&pods, uid));
        self.orphaned.retain(|uid, _| lives(&pods, uid));
        for pod in &pods {
            let Some(name) = pod.spec.as_ref().and_then(|spec| spec.node_name.clone()) else {
                continue;
            };
            match nodes.iter().find(|node| node.name_any() == name) {
                Some(node) => {
                    if let Some(at) = self.on_node(pod, node, now).await? {
                        due(at);
                    }
                }
                None => {
                    let since = *self.orphaned.entry(uid(pod)).or_insert(now);
                    if since + QUARANTINE <= now {
                        settle(self.forget(pod, "PodGC: node no longer exists").await)?;
                    } else {
                        due(since + QUARANTINE);
                    }
                }
            }
        }
        Ok(wake)
    }

    /// When the node was last heard of.
    fn heard(&mut self, node: &str, now: Instant) -> Instant {
        let lease = self.caches.leases.get(LEASE_NAMESPACE, node);
        let renewed = lease
            .and_then(|lease| lease.spec.as_ref()?.renew_time.clone())
            .map(|time| time.0);
        let heard = self.heard.entry(node.to_owned()).or_insert((renewed, now));
        if heard.0 != renewed {
            *heard = (renewed, now);
        }
        heard.1
    }

    async fn on_node(
        &mut self,
        pod: &Arc<Pod>,
        node: &Node,
        now: Instant,
    ) -> kube::Result<Option<Instant>> {
        self.orphaned.remove(&uid(pod));
        if Readiness::of(node) != Readiness::Ready && is_ready(pod) {
            settle(self.mark_unready(pod).await)?;
        }
        if pod.metadata.deletion_timestamp.is_some() {
            if eviction::is_out_of_service(node) {
                settle(self.forget(pod, "PodGC: node is out of service").await)?;
            }
            return Ok(None);
        }
        match eviction::patience(pod, node) {
            Patience::Endless => {
                self.tainted.remove(&uid(pod));
                Ok(None)
            }
            Patience::For(time) => {
                let at = *self.tainted.entry(uid(pod)).or_insert(now) + time;
                if at > now {
                    return Ok(Some(at));
                }
                settle(self.evict(pod).await)?;
                Ok(None)
            }
        }
    }

    async fn write_status(&self, node: &Node, status: Value) -> kube::Result<()> {
        let patch = json!({ "status": status });
        Api::<Node>::all(self.client.clone())
            .patch_status(
                &node.name_any(),
                &PatchParams::default(),
                &Patch::Strategic(patch),
            )
            .await
            .map(drop)
    }

    async fn write_taints(&self, node: &Node, taints: &Value) -> kube::Result<()> {
        // The list is written as a whole, so only over the one that was read.
        let patch = json!({
            "metadata": { "resourceVersion": node.metadata.resource_version },
            "spec": { "taints": taints },
        });
        Api::<Node>::all(self.client.clone())
            .patch(
                &node.name_any(),
                &PatchParams::default(),
                &Patch::Merge(patch),
            )
            .await
            .map(drop)
    }

    async fn tell(&self, node: &Node) {
        let text = format!("Node {} status is now: NodeNotReady", node.name_any());
        self.events
            .publish(node, Kind::Normal, "NodeNotReady", &text)
            .await;
    }

    fn pods_of(&self, pod: &Pod) -> Api<Pod> {
        Api::namespaced(self.client.clone(), &pod.namespace().unwrap_or_default())
    }

    async fn mark_unready(&self, pod: &Pod) -> kube::Result<()> {
        let condition =
            json!({ "type": "Ready", "status": "False", "lastTransitionTime": Timestamp::now() });
        self.write_condition(pod, None, condition).await?;
        self.events
            .publish(pod, Kind::Warning, "NodeNotReady", "Node is not ready")
            .await;
        Ok(())
    }

    async fn write_condition(
        &self,
        pod: &Pod,
        phase: Option<&str>,
        condition: Value,
    ) -> kube::Result<()> {
        let mut status = json!({ "conditions": [condition] });
        if let (Some(phase), Some(status)) = (phase, status.as_object_mut()) {
            status.insert("phase".to_owned(), json!(phase));
        }
        let patch = json!({ "metadata": { "uid": pod.metadata.uid }, "status": status });
        self.pods_of(pod)
            .patch_status(
                &pod.name_any(),
                &PatchParams::default(),
                &Patch::Strategic(patch),
            )
            .await
            .map(drop)
    }

    /// Deletes a pod that does not tolerate its node any more.
    async fn evict(&self, pod: &Pod) -> kube::Result<()> {
        let text = format!(
            "Marking for deletion Pod {}/{}",
            pod.namespace().unwrap_or_default(),
            pod.name_any()
        );
        self.events
            .publish(pod, Kind::Normal, "TaintManagerEviction", &text)
            .await;
        let message = "Taint manager: deleting due to NoExecute taint";
        let why = disruption("DeletionByTaintManager", message);
        self.write_condition(pod, None, why).await?;
        self.delete(pod, None).await
    }

    /// Deletes a pod that nobody can end any more.
    async fn forget(&self, pod: &Pod, message: &str) -> kube::Result<()> {
        let phase = (!has_ended(pod)).then_some("Failed");
        self.write_condition(pod, phase, disruption("DeletionByPodGC", message))
            .await?;
        self.delete(pod, Some(0)).await
    }

    async fn delete(&self, pod: &Pod, grace: Option<u32>) -> kube::Result<()> {
        let parameters = DeleteParams {
            grace_period_seconds: grace,
            preconditions: Some(Preconditions {
                uid: pod.metadata.uid.clone(),
                resource_version: None,
            }),
            ..DeleteParams::default()
        };
        self.pods_of(pod)
            .delete(&pod.name_any(), &parameters)
            .await
            .map(drop)
    }
}

fn disruption(reason: &str, message: &str) -> Value {
    json!({
        "type": "DisruptionTarget", "status": "True", "reason": reason, "message": message,
        "lastTransitionTime": Timestamp::now(),
    })
}

fn uid(pod: &Pod) -> String {
    pod.uid().unwrap_or_default()
}

fn lives(pods: &[Arc<Pod>], uid: &str) -> bool {
    pods.iter()
        .any(|pod| pod.metadata.uid.as_deref() == Some(uid))
}

/// What is gone or has changed meanwhile is looked at again when the watch tells of it.
fn settle(written: kube::Result<()>) -> kube::Result<()> {
    match written {
        Err(kube::Error::Api(answer)) if answer.code == 404 || answer.code == 409 => Ok(()),
        written => written,
    }
}
