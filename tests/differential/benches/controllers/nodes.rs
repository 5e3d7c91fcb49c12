//! Nodes that cost next to nothing: whatever is assigned to one of them is Running and Ready after a single write.
//!
//! What a node's agent does is the same for all contenders, and on a small machine it would be most of what is measured.

use std::collections::BTreeMap;
use std::sync::Arc;

use anyhow::{Context, Result};
use futures::StreamExt;
use k8s_openapi::api::core::v1::{
    DaemonEndpoint, Node, NodeCondition, NodeDaemonEndpoints, NodeStatus, Pod,
};
use k8s_openapi::apimachinery::pkg::api::resource::Quantity;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use k8s_openapi::jiff::Timestamp;
use kube::api::{Api, ObjectMeta, Patch, PatchParams, PostParams};
use kube::runtime::watcher::{self, Event, watcher};
use kube::{Client, Resource};
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::task::AbortHandle;

/// For the controller manager: nobody renews the leases of these nodes.
pub(crate) const PATIENCE: &str = "--node-monitor-grace-period=24h";

/// A pod, as far as an onlooker needs it.
#[derive(Resource, Deserialize, Clone, Debug)]
#[resource(inherit = "Pod")]
pub(crate) struct SeenPod {
    pub(crate) metadata: ObjectMeta,
    pub(crate) spec: SeenSpec,
    #[serde(default)]
    pub(crate) status: SeenStatus,
}

#[derive(Deserialize, Clone, Debug)]
pub(crate) struct SeenSpec {
    pub(crate) containers: Vec<SeenContainer>,
}

#[derive(Deserialize, Clone, Debug)]
pub(crate) struct SeenContainer {
    pub(crate) name: String,
    pub(crate) image: String,
}

#[derive(Deserialize, Clone, Debug, Default)]
#[serde(default)]
pub(crate) struct SeenStatus {
    pub(crate) phase: String,
    pub(crate) conditions: Vec<SeenCondition>,
}

#[derive(Deserialize, Clone, Debug)]
pub(crate) struct SeenCondition {
    pub(crate) r#type: String,
    pub(crate) status: String,
}

/// They do their work until this is dropped.
pub(crate) struct Nodes(AbortHandle);

impl Drop for Nodes {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl Nodes {
    /// Registers them, and lets their pods be ready from now on.
    pub(crate) async fn start(client: Client, names: &[&str]) -> Result<Self> {
        let nodes: Api<Node> = Api::all(client.clone());
        for name in names {
            let created = nodes.create(&PostParams::default(), &node(name)).await;
            created.with_context(|| format!("registering node {name}"))?;
        }
        Ok(Self(tokio::spawn(run(client)).abort_handle()))
    }
}

async fn run(client: Client) {
    let assigned = watcher::Config::default().fields("spec.nodeName!=");
    let mut pods = Box::pin(watcher(Api::<SeenPod>::all(client.clone()), assigned));
    let client = Arc::new(client);
    while let Some(event) = pods.next().await {
        match event {
            Ok(Event::Apply(pod) | Event::InitApply(pod)) if pod.status.phase == "Pending" => {
                tokio::spawn(make_ready(Arc::clone(&client), pod));
            }
            Ok(_) => {}
            Err(error) => eprintln!("the nodes' watch of pods: {error}"),
        }
    }
}

async fn make_ready(client: Arc<Client>, pod: SeenPod) {
    let (Some(namespace), Some(name)) = (pod.metadata.namespace, pod.metadata.name) else {
        return;
    };
    let now = Timestamp::now().to_string();
    let conditions = [
        "PodReadyToStartContainers",
        "Initialized",
        "ContainersReady",
        "Ready",
    ]
    .map(|r#type| json!({ "type": r#type, "status": "True", "lastTransitionTime": now }));
    let containers: Vec<Value> = (pod.spec.containers.iter())
        .map(|container| {
            json!({
                "name": container.name, "image": container.image, "imageID": "", "ready": true, "started": true,
                "restartCount": 0, "state": { "running": { "startedAt": now } },
            })
        })
        .collect();
    // The UID is a precondition: nobody else of this name is meant.
    let patch = json!({
        "metadata": { "uid": pod.metadata.uid },
        "status": {
            "phase": "Running", "podIP": "127.1.0.1", "podIPs": [{ "ip": "127.1.0.1" }], "startTime": now,
            "conditions": conditions, "containerStatuses": containers,
        },
    });
    let pods: Api<Pod> = Api::namespaced(Client::clone(&client), &namespace);
    // Somebody may have deleted it meanwhile; who waits for it in vain tells.
    let _told = pods
        .patch_status(&name, &PatchParams::default(), &Patch::Strategic(patch))
        .await;
}

/// It is created together with its status, so that no controller sees it unready first.
fn node(name: &str) -> Node {
    let room = [("cpu", "1000"), ("memory", "1000Gi"), ("pods", "10000")];
    let room: BTreeMap<String, Quantity> = room
        .map(|(what, much)| (what.to_owned(), Quantity(much.to_owned())))
        .into();
    let now = Time(Timestamp::now());
    let ready = NodeCondition {
        type_: "Ready".to_owned(),
        status: "True".to_owned(),
        last_heartbeat_time: Some(now.clone()),
        last_transition_time: Some(now),
        ..NodeCondition::default()
    };
    Node {
        metadata: ObjectMeta {
            name: Some(name.to_owned()),
            ..ObjectMeta::default()
        },
        status: Some(NodeStatus {
            allocatable: Some(room.clone()),
            capacity: Some(room),
            conditions: Some(vec![ready]),
            daemon_endpoints: Some(NodeDaemonEndpoints {
                kubelet_endpoint: Some(DaemonEndpoint { port: 1 }),
            }),
            ..NodeStatus::default()
        }),
        ..Node::default()
    }
}
