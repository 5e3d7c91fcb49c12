//! Kubernetes itself with nodes of ours, and the operator with the rights of the docs; in it an app whose plugin answers as it is told.

use std::path::Path;
use std::time::Duration;

use k8s_openapi::api::core::v1::{Event, Pod};
use kube::api::{Api, DynamicObject, ListParams, Patch, PatchParams};
use kube::core::GroupVersionKind;
use kube::discovery::ApiResource;
use kube::{Client, ResourceExt};
use serde_json::{Value, json};
use stateward_controlplane::{ControlPlane, Options, SimulatedNode};
use stateward_operator::OperatorError;
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;

use crate::rights::{as_operator, create, grant, install, with_definitions};

/// Longer than anything takes; only a failing test waits for it.
const PATIENCE: Duration = Duration::from_secs(60);

pub(crate) struct Managed {
    pub(crate) kubernetes: ControlPlane,
    pub(crate) client: Client,
    nodes: Vec<SimulatedNode>,
    stop: CancellationToken,
    operator: JoinHandle<Result<(), OperatorError>>,
}

impl Managed {
    /// With one node, and the plugin `steered`.
    pub(crate) async fn new() -> Managed {
        let (kubernetes, client) =
            with_definitions(Options::default().without_statefulset_controller()).await;
        grant(client.clone()).await;
        let stop = CancellationToken::new();
        let options = stateward_operator::Options {
            plugin_cache: Some(Path::new(env!("CARGO_TARGET_TMPDIR")).join("plugin-cache")),
            ..stateward_operator::Options::new(as_operator(&kubernetes).await)
        };
        let operator = tokio::spawn(stateward_operator::run(options, stop.clone()));
        let grants = json!({ "requests": true, "discardVolumes": true, "events": true });
        install(&client, "steered", "steered", grants).await;
        let mut managed = Managed {
            kubernetes,
            client,
            nodes: Vec::new(),
            stop,
            operator,
        };
        managed.add_node("node-1").await;
        managed
    }

    pub(crate) async fn add_node(&mut self, name: &str) {
        let node = self.kubernetes.simulated_node(name).await.unwrap();
        self.nodes.push(node);
    }

    pub(crate) fn apps(&self, namespace: &str) -> Api<DynamicObject> {
        let kind = GroupVersionKind::gvk("stateward.dev", "v1alpha1", "StatefulApp");
        let kind = ApiResource::from_gvk(&kind);
        Api::namespaced_with(self.client.clone(), namespace, &kind)
    }

    /// The app `db` in a new namespace, with all members ready. Its plugin is told this.
    pub(crate) async fn app(&self, topic: &str, replicas: u32, settings: Value) -> String {
        let namespace = self.kubernetes.namespace(topic).await.unwrap();
        create(&self.client, &namespace, "StatefulApp", json!({
            "apiVersion": "stateward.dev/v1alpha1", "kind": "StatefulApp", "metadata": { "name": "db" },
            "spec": {
                "replicas": replicas, "serviceName": "db",
                "selector": { "matchLabels": { "app": "db" } },
                "plugin": { "name": "steered", "settings": settings },
                "template": {
                    "metadata": { "labels": { "app": "db" } },
                    "spec": {
                        "terminationGracePeriodSeconds": 5,
                        "containers": [{ "name": "main", "image": "app:1" }],
                    },
                },
            },
        }))
        .await;
        self.until_app(&namespace, "all members are ready", |app| {
            app["status"]["readyReplicas"] == replicas
                && app["status"]["observedGeneration"] == app["metadata"]["generation"]
        })
        .await;
        namespace
    }

    pub(crate) async fn patch_app(&self, namespace: &str, patch: Value) {
        let parameters = PatchParams::default();
        self.apps(namespace)
            .patch("db", &parameters, &Patch::Merge(&patch))
            .await
            .unwrap();
    }

    /// Looks at the app until this holds.
    pub(crate) async fn until_app(
        &self,
        namespace: &str,
        what: &str,
        holds: impl Fn(&Value) -> bool,
    ) {
        let begin = Instant::now();
        loop {
            let app = self.apps(namespace).get("db").await.unwrap();
            let app = serde_json::to_value(app).unwrap();
            if holds(&app) {
                return;
            }
            let status = &app["status"];
            assert!(begin.elapsed() < PATIENCE, "in vain until {what}: {status}");
            sleep(Duration::from_millis(50)).await;
        }
    }

    pub(crate) async fn pods(&self, namespace: &str) -> Vec<Pod> {
        let pods: Api<Pod> = Api::namespaced(self.client.clone(), namespace);
        pods.list(&ListParams::default()).await.unwrap().items
    }

    /// What was told of the app: reason and message.
    pub(crate) async fn events(&self, namespace: &str) -> Vec<String> {
        let events: Api<Event> = Api::namespaced(self.client.clone(), namespace);
        let events = events.list(&ListParams::default()).await.unwrap();
        let of_app = |event: &&Event| event.involved_object.name.as_deref() == Some("db");
        let told = events.iter().filter(of_app).map(|event| {
            let text = |field: &Option<String>| field.clone().unwrap_or_default();
            format!("{}: {}", text(&event.reason), text(&event.message))
        });
        told.collect()
    }

    /// The operator ends in good order: nothing has broken it.
    pub(crate) async fn end(self) {
        self.stop.cancel();
        self.operator.await.unwrap().unwrap();
    }
}

/// Ends the words of a command's output that a test fails with.
pub(crate) fn said(output: &std::process::Output) -> String {
    let (out, errors) = (&output.stdout, &output.stderr);
    format!(
        "{}{}",
        String::from_utf8_lossy(out),
        String::from_utf8_lossy(errors)
    )
}

/// UIDs of pods by name.
pub(crate) fn uids(pods: &[Pod]) -> Vec<String> {
    pods.iter().filter_map(ResourceExt::uid).collect()
}
