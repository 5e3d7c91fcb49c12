//! A kubelet that runs nothing: it binds pods to `node`, to `spare` while that one is cordoned, marks them Running and Ready, and removes them when they are deleted.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};

use futures::StreamExt;
use k8s_openapi::api::core::v1::{Node, Pod};
use kube::api::{Api, DeleteParams, Patch, PatchParams, Preconditions};
use kube::runtime::watcher::{self, Event};
use kube::{Client, ResourceExt};
use serde_json::json;
use stateward_devcluster::Clock;
use tokio::task::JoinHandle;

/// What happened to pods, in order: `+web-0` created, `!web-0` ready, `~web-0` terminating, `-web-0` gone.
type Record = Arc<Mutex<Vec<String>>>;

pub(crate) struct Kubelet {
    record: Record,
    held: Arc<Mutex<BTreeSet<String>>>,
    lingering: Arc<Mutex<BTreeSet<String>>>,
    again: tokio::sync::mpsc::UnboundedSender<()>,
    task: JoinHandle<()>,
}

impl Kubelet {
    pub(crate) fn start(client: Client, clock: Clock) -> Kubelet {
        let record = Record::default();
        let held: Arc<Mutex<BTreeSet<String>>> = Arc::default();
        let lingering: Arc<Mutex<BTreeSet<String>>> = Arc::default();
        let (again, mut wake) = tokio::sync::mpsc::unbounded_channel();
        let worker = Worker {
            api: Api::all(client.clone()),
            client,
            record: record.clone(),
            held: held.clone(),
            clock,
            lingering: lingering.clone(),
            known: BTreeMap::new(),
        };
        let task = tokio::spawn(async move {
            let mut worker = worker;
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
        Kubelet {
            record,
            held,
            lingering,
            again,
            task,
        }
    }

    /// This pod will not become ready until it is let go.
    pub(crate) fn hold(&self, pod: &str) {
        self.held.lock().unwrap().insert(pod.to_owned());
    }

    /// This pod will not end until it is let go.
    pub(crate) fn linger(&self, pod: &str) {
        self.lingering.lock().unwrap().insert(pod.to_owned());
    }

    pub(crate) fn let_go(&self, pod: &str) {
        self.held.lock().unwrap().remove(pod);
        self.lingering.lock().unwrap().remove(pod);
        self.again.send(()).unwrap();
    }

    pub(crate) fn record(&self) -> Vec<String> {
        self.record.lock().unwrap().clone()
    }

    pub(crate) fn forget(&self) {
        self.record.lock().unwrap().clear();
    }
}

impl Drop for Kubelet {
    fn drop(&mut self) {
        self.task.abort();
    }
}

struct Worker {
    client: Client,
    api: Api<Pod>,
    record: Record,
    held: Arc<Mutex<BTreeSet<String>>>,
    clock: Clock,
    lingering: Arc<Mutex<BTreeSet<String>>>,
    known: BTreeMap<String, Pod>,
}

impl Worker {
    fn note(&self, what: &str, pod: &Pod) {
        let mut record = self.record.lock().unwrap();
        record.push(format!("{what}{}", pod.name_any()));
    }

    async fn see(&mut self, event: Event<Pod>) {
        match event {
            Event::Apply(pod) | Event::InitApply(pod) => self.tend(pod).await,
            Event::Delete(pod) => {
                self.known.remove(&pod.uid().unwrap_or_default());
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

    /// The node for the next pod.
    async fn place(&self) -> &'static str {
        let nodes: Api<Node> = Api::all(self.client.clone());
        let node = nodes.get_opt("node").await.unwrap();
        let is_cordoned = node.and_then(|node| node.spec?.unschedulable);
        match is_cordoned {
            Some(true) => "spare",
            _ => "node",
        }
    }

    async fn tend(&mut self, pod: Pod) {
        let uid = pod.uid().unwrap_or_default();
        let pods: Api<Pod> = Api::namespaced(self.client.clone(), &pod.namespace().unwrap());
        let before = self.known.insert(uid.clone(), pod.clone());
        if before.is_none() {
            self.note("+", &pod);
        }
        if pod.metadata.deletion_timestamp.is_some() {
            if before.is_none_or(|before| before.metadata.deletion_timestamp.is_none()) {
                self.note("~", &pod);
            }
            if self.lingering.lock().unwrap().contains(&pod.name_any()) {
                return;
            }
            let parameters = DeleteParams::default()
                .grace_period(0)
                .preconditions(Preconditions {
                    uid: Some(uid),
                    resource_version: None,
                });
            let _ = pods.delete(&pod.name_any(), &parameters).await;
            return;
        }
        if pod.spec.as_ref().unwrap().node_name.is_none() {
            let binding = json!({
                "apiVersion": "v1", "kind": "Binding",
                "metadata": { "name": pod.name_any() },
                "target": { "apiVersion": "v1", "kind": "Node", "name": self.place().await },
            });
            let path = format!(
                "/api/v1/namespaces/{}/pods/{}/binding",
                pod.namespace().unwrap(),
                pod.name_any()
            );
            let request = http::Request::post(path)
                .header("content-type", "application/json")
                .body(serde_json::to_vec(&binding).unwrap())
                .unwrap();
            let _ = self.client.request::<serde_json::Value>(request).await;
            return;
        }
        let is_marked = pod
            .status
            .as_ref()
            .is_some_and(|status| status.phase.as_deref() == Some("Running"));
        let (is_ready, are_gates_open) = (has(&pod, "Ready"), are_gates_open(&pod));
        let is_held = self.held.lock().unwrap().contains(&pod.name_any());
        if is_held || (is_marked && is_ready == are_gates_open) {
            return;
        }
        let now = self.clock.now();
        let mut conditions = vec![
            json!({
                "type": "Ready", "status": if are_gates_open { "True" } else { "False" },
                "lastTransitionTime": now,
            }),
            json!({ "type": "ContainersReady", "status": "True", "lastTransitionTime": now }),
        ];
        let others = (pod.status.iter()).flat_map(|status| status.conditions.iter().flatten());
        conditions.extend(
            others
                .filter(|one| one.type_ != "Ready" && one.type_ != "ContainersReady")
                .map(|one| serde_json::to_value(one).unwrap()),
        );
        let known = pod
            .status
            .as_ref()
            .and_then(|status| status.container_statuses.as_ref());
        let containers = match known {
            Some(known) => serde_json::to_value(known).unwrap(),
            None => json!([{
                "name": "main", "ready": true, "restartCount": 0, "image": "example:1", "imageID": "",
                "state": { "running": { "startedAt": now } },
            }]),
        };
        let status = json!({ "metadata": {
            "uid": uid, "resourceVersion": pod.metadata.resource_version,
        }, "status": {
            "phase": "Running",
            "podIP": "127.0.0.1",
            "conditions": conditions,
            "containerStatuses": containers,
        }});
        if are_gates_open {
            self.note("!", &pod);
        }
        let _ = pods
            .patch_status(
                &pod.name_any(),
                &PatchParams::default(),
                &Patch::Merge(&status),
            )
            .await;
    }
}

fn has(pod: &Pod, condition: &str) -> bool {
    let mut conditions = (pod.status.iter()).flat_map(|status| status.conditions.iter().flatten());
    conditions.any(|one| one.type_ == condition && one.status == "True")
}

fn are_gates_open(pod: &Pod) -> bool {
    let mut gates = (pod.spec.iter()).flat_map(|spec| spec.readiness_gates.iter().flatten());
    gates.all(|gate| has(pod, &gate.condition_type))
}
