//! Assigns pods to nodes: the node with the fewest pods among those that fit. A pod waits for its claims.

mod affinity;
mod fit;

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use k8s_openapi::api::core::v1::{Node, PersistentVolume, PersistentVolumeClaim, Pod};
use k8s_openapi::api::storage::v1::StorageClass;
use kube::api::{Patch, PatchParams, PostParams};
use kube::{Api, Client, ResourceExt};
use serde_json::json;

use crate::cache::{Cache, Changes, next_pass};
use crate::events::{Kind, Recorder};
use crate::pods::condition::has_ended;
use crate::storage::class_name;
use affinity::{Placed, agrees, reaches};
pub(crate) use fit::tolerates;
use fit::{ClaimWait, claims_wait, fits};

/// Set on a claim that waits for its first consumer; the provisioner acts on it.
pub(crate) const SELECTED_NODE: &str = "volume.kubernetes.io/selected-node";

/// Creation times are whole seconds.
const NEW: SignedDuration = SignedDuration::from_secs(2);

pub(crate) struct Caches {
    pub(crate) pods: Cache<Pod>,
    pub(crate) nodes: Cache<Node>,
    pub(crate) claims: Cache<PersistentVolumeClaim>,
    pub(crate) volumes: Cache<PersistentVolume>,
    pub(crate) classes: Cache<StorageClass>,
}

pub(crate) struct Scheduler {
    client: Client,
    caches: Caches,
    events: Recorder,
    /// What was last told of a pod that does not fit, by UID.
    told: BTreeMap<String, String>,
    /// Nodes of pods (by UID) that were assigned here; the watch may tell of it later.
    assigned: BTreeMap<String, String>,
}

impl Scheduler {
    pub(crate) fn new(client: Client, caches: Caches) -> Self {
        Self {
            events: Recorder::new(client.clone(), "default-scheduler", None),
            client,
            caches,
            told: BTreeMap::new(),
            assigned: BTreeMap::new(),
        }
    }

    pub(crate) async fn run(mut self, changes: Changes) {
        let mut changes = changes.subscribe();
        self.caches.pods.complete().await;
        self.caches.nodes.complete().await;
        self.caches.claims.complete().await;
        self.caches.volumes.complete().await;
        self.caches.classes.complete().await;
        loop {
            changes.mark_unchanged();
            let all_written = self.pass().await;
            if next_pass(&mut changes, all_written).await.is_err() {
                return;
            }
        }
    }

    /// Looks at every pod without a node; false when a write has to be tried again.
    async fn pass(&mut self) -> bool {
        let pods = self.caches.pods.all();
        let mut load: BTreeMap<String, usize> = BTreeMap::new();
        for pod in &pods {
            if let Some(node) = node_of(pod) {
                *load.entry(node.to_owned()).or_default() += 1;
            }
        }
        self.told.retain(|uid, _| {
            pods.iter()
                .any(|pod| pod.metadata.uid.as_deref() == Some(uid))
        });
        self.assigned.retain(|uid, _| {
            pods.iter().any(|pod| {
                pod.metadata.uid.as_deref() == Some(uid.as_str()) && node_of(pod).is_none()
            })
        });
        let mut all_written = true;
        for pod in pods.iter().filter(|pod| waits_for_node(pod)) {
            match self.place(pod, &pods, &mut load).await {
                Ok(is_settled) => all_written &= is_settled,
                // The pod went or was assigned meanwhile.
                Err(kube::Error::Api(answer)) if answer.code == 404 || answer.code == 409 => {}
                Err(error) => {
                    tracing::debug!(%error, pod = pod.name_any(), "not scheduled; trying again");
                    all_written = false;
                }
            }
        }
        all_written
    }

    /// False when the pod has to be looked at again soon.
    async fn place(
        &mut self,
        pod: &Arc<Pod>,
        pods: &[Arc<Pod>],
        load: &mut BTreeMap<String, usize>,
    ) -> kube::Result<bool> {
        let nodes = self.caches.nodes.all();
        let verdicts = self.verdicts(pod, &nodes, pods);
        let mut fitting: Vec<&Arc<Node>> = nodes
            .iter()
            .zip(&verdicts)
            .filter(|(_, verdict)| verdict.is_ok())
            .map(|(node, _)| node)
            .collect();
        fitting.sort_by_key(|node| {
            (
                load.get(&node.name_any()).copied().unwrap_or_default(),
                node.name_any(),
            )
        });
        let Some(node) = fitting.first().map(|node| node.name_any()) else {
            let reasons: Vec<String> = verdicts.into_iter().filter_map(Result::err).collect();
            let text = format!(
                "0/{} nodes are available: {}.",
                nodes.len(),
                no_node(&reasons)
            );
            return self.unschedulable(pod, text).await.map(|()| true);
        };
        let claim = |name: &str| {
            self.caches
                .claims
                .get(&pod.namespace().unwrap_or_default(), name)
        };
        let waits = |claim: &PersistentVolumeClaim| {
            let class = class_name(claim).and_then(|name| self.caches.classes.get("", name));
            class.is_some_and(|class| {
                class.volume_binding_mode.as_deref() == Some("WaitForFirstConsumer")
            })
        };
        match claims_wait(pod, claim, waits) {
            None => {}
            Some(ClaimWait::FirstConsumer(names)) => {
                let api: Api<PersistentVolumeClaim> =
                    Api::namespaced(self.client.clone(), &pod.namespace().unwrap_or_default());
                let patch =
                    Patch::Merge(json!({ "metadata": { "annotations": { SELECTED_NODE: node } } }));
                let is_told = |name: &String| {
                    let annotations =
                        claim(name).and_then(|claim| claim.metadata.annotations.clone());
                    annotations.is_some_and(|annotations| annotations.contains_key(SELECTED_NODE))
                };
                for name in names.iter().filter(|name| !is_told(name)) {
                    api.patch(name, &PatchParams::default(), &patch).await?;
                }
                return Ok(true);
            }
            // Its claims were made just before it, and are being bound.
            Some(ClaimWait::Unbound(_)) if is_new(pod) => return Ok(false),
            Some(wait) => {
                let text = format!("0/{} nodes are available: {wait}.", nodes.len());
                return self.unschedulable(pod, text).await.map(|()| true);
            }
        }
        *load.entry(node.clone()).or_default() += 1;
        self.bind(pod, &node).await.map(|()| true)
    }

    /// For each node, why not.
    fn verdicts(
        &self,
        pod: &Pod,
        nodes: &[Arc<Node>],
        pods: &[Arc<Pod>],
    ) -> Vec<Result<(), String>> {
        let placed: Vec<Placed<'_>> = pods
            .iter()
            .filter(|pod| !has_ended(pod))
            .filter_map(|pod| {
                let assigned = || self.assigned.get(pod.metadata.uid.as_ref()?);
                let node = node_of(pod).or_else(|| assigned().map(String::as_str))?;
                Some(Placed { pod, node })
            })
            .collect();
        let volumes = self.volumes_of(pod);
        nodes
            .iter()
            .map(|node| {
                fits(pod, node)?;
                if volumes.iter().any(|volume| !reaches(volume, node)) {
                    return Err("node(s) had volume node affinity conflict".to_owned());
                }
                agrees(pod, node, nodes, &placed)
            })
            .collect()
    }

    /// The volumes that the pod's claims are bound to.
    fn volumes_of(&self, pod: &Pod) -> Vec<Arc<PersistentVolume>> {
        let namespace = pod.namespace().unwrap_or_default();
        let sources = pod
            .spec
            .iter()
            .flat_map(|spec| spec.volumes.iter().flatten());
        sources
            .filter_map(|volume| volume.persistent_volume_claim.as_ref())
            .filter_map(|source| self.caches.claims.get(&namespace, &source.claim_name))
            .filter_map(|claim| claim.spec.as_ref()?.volume_name.clone())
            .filter_map(|name| self.caches.volumes.get("", &name))
            .collect()
    }

    async fn bind(&mut self, pod: &Pod, node: &str) -> kube::Result<()> {
        let namespace = pod.namespace().unwrap_or_default();
        let api: Api<Pod> = Api::namespaced(self.client.clone(), &namespace);
        let binding = json!({
            "apiVersion": "v1", "kind": "Binding",
            "metadata": { "name": pod.name_any(), "namespace": namespace, "uid": pod.metadata.uid },
            "target": { "apiVersion": "v1", "kind": "Node", "name": node },
        });
        let _status: serde_json::Value = api
            .create_subresource("binding", &pod.name_any(), &PostParams::default(), &binding)
            .await?;
        self.assigned
            .insert(pod.uid().unwrap_or_default(), node.to_owned());
        let text = format!(
            "Successfully assigned {namespace}/{} to {node}",
            pod.name_any()
        );
        self.events
            .publish(pod, Kind::Normal, "Scheduled", &text)
            .await;
        Ok(())
    }

    /// Says once, on the pod and as an event, why it has no node.
    async fn unschedulable(&mut self, pod: &Pod, text: String) -> kube::Result<()> {
        let uid = pod.uid().unwrap_or_default();
        if self.told.get(&uid) == Some(&text) {
            return Ok(());
        }
        let api: Api<Pod> =
            Api::namespaced(self.client.clone(), &pod.namespace().unwrap_or_default());
        let conditions = json!([{
            "type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": text,
            "lastTransitionTime": Timestamp::now(),
        }]);
        let patch = json!({ "metadata": { "uid": uid }, "status": { "conditions": conditions } });
        api.patch_status(
            &pod.name_any(),
            &PatchParams::default(),
            &Patch::Strategic(patch),
        )
        .await?;
        self.events
            .publish(pod, Kind::Warning, "FailedScheduling", &text)
            .await;
        self.told.insert(uid, text);
        Ok(())
    }
}

fn node_of(pod: &Pod) -> Option<&str> {
    let node = pod.spec.as_ref()?.node_name.as_deref()?;
    (!node.is_empty()).then_some(node)
}

fn waits_for_node(pod: &Pod) -> bool {
    let scheduler = pod
        .spec
        .as_ref()
        .and_then(|spec| spec.scheduler_name.as_deref());
    node_of(pod).is_none()
        && pod.metadata.deletion_timestamp.is_none()
        && scheduler.is_none_or(|name| name == "default-scheduler")
}

/// Younger than what is worth telling.
fn is_new(pod: &Pod) -> bool {
    let created = pod.creation_timestamp().map(|time| time.0);
    created.is_some_and(|created| Timestamp::now().duration_since(created) < NEW)
}

fn no_node(reasons: &[String]) -> String {
    if reasons.is_empty() {
        return "no node is registered".to_owned();
    }
    let mut counted: BTreeMap<&str, usize> = BTreeMap::new();
    for reason in reasons {
        *counted.entry(reason).or_default() += 1;
    }
    let parts: Vec<String> = counted
        .iter()
        .map(|(reason, count)| format!("{count} {reason}"))
        .collect();
    parts.join(", ")
}
