//! A bed: the embedded API, a kubelet that only marks pods, and the operator.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::Duration;

use k8s_openapi::api::core::v1::{Event, Pod};
use kube::api::{
    Api, ApiResource, DeleteParams, DynamicObject, GroupVersionKind, ListParams, Patch,
    PatchParams, PostParams,
};
use kube::{Client, ResourceExt};
use serde_json::{Value, json};
use stateward_devcluster::Cluster;
use stateward_devcluster::simulation::Link;
use stateward_operator::{Clock, OperatorError, Options, StatefulSetsFace, install_crds};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::kubelet::Kubelet;
use crate::logs;

/// How long anything may take before a test gives up.
const PATIENCE: Duration = Duration::from_secs(30);

pub(crate) struct Bed {
    pub(crate) cluster: Cluster,
    pub(crate) client: Client,
    pub(crate) kubelet: Kubelet,
    pub(crate) folder: tempfile::TempDir,
    operator: Option<Operator>,
}

struct Operator {
    stop: CancellationToken,
    task: JoinHandle<Result<(), OperatorError>>,
}

impl Bed {
    /// With the operator running.
    pub(crate) async fn new() -> Bed {
        let mut bed = Bed::without_operator().await;
        bed.start();
        bed
    }

    pub(crate) async fn without_operator() -> Bed {
        Bed::on(Cluster::in_memory()).await
    }

    /// On a cluster of its own, without an operator.
    pub(crate) async fn on(cluster: Cluster) -> Bed {
        logs::keep();
        let client = cluster.client("default");
        install_crds(client.clone()).await.unwrap();
        let kubelet = Kubelet::start(client.clone(), cluster.clock().clone());
        Bed {
            cluster,
            client,
            kubelet,
            folder: tempfile::tempdir().unwrap(),
            operator: None,
        }
    }

    pub(crate) fn options(&self) -> Options {
        Options {
            statefulsets: Some(StatefulSetsFace { embedded: true }),
            allow_loopback: true,
            clock: clock(&self.cluster),
            plugin_cache: Some(plugin_cache()),
            ..Options::new(self.client.clone())
        }
    }

    pub(crate) fn start(&mut self) {
        self.start_with(self.options());
    }

    /// An operator that speaks through this link.
    pub(crate) fn start_behind(&mut self, link: &Link) {
        let client = link.client("default");
        self.start_with(Options {
            client,
            ..self.options()
        });
    }

    pub(crate) fn start_with(&mut self, options: Options) {
        let stop = CancellationToken::new();
        let task = tokio::spawn(stateward_operator::run(options, stop.clone()));
        self.operator = Some(Operator { stop, task });
    }

    /// Lets it end in its own way.
    pub(crate) async fn stop(&mut self) {
        let operator = self.operator.take().unwrap();
        operator.stop.cancel();
        operator.task.await.unwrap().unwrap();
    }

    /// Ends it in the middle of whatever it does.
    pub(crate) async fn crash(&mut self) {
        let operator = self.operator.take().unwrap();
        operator.task.abort();
        let _ = operator.task.await;
        // The tasks that it had started end with the token.
        operator.stop.cancel();
    }

    fn api(&self, kind: &str) -> Api<DynamicObject> {
        let (group, version) = match kind {
            "StatefulSet" | "ControllerRevision" => ("apps", "v1"),
            "StatefulApp" | "Plugin" => ("stateward.dev", "v1alpha1"),
            "StorageClass" => ("storage.k8s.io", "v1"),
            "PodDisruptionBudget" => ("policy", "v1"),
            "CustomResourceDefinition" => ("apiextensions.k8s.io", "v1"),
            _ => ("", "v1"),
        };
        let resource = ApiResource::from_gvk(&GroupVersionKind::gvk(group, version, kind));
        match kind {
            "Plugin" | "StorageClass" | "Node" | "Namespace" | "CustomResourceDefinition" => {
                Api::all_with(self.client.clone(), &resource)
            }
            _ => Api::default_namespaced_with(self.client.clone(), &resource),
        }
    }

    pub(crate) fn pods(&self) -> Api<Pod> {
        Api::default_namespaced(self.client.clone())
    }

    pub(crate) async fn create(&self, object: Value) {
        let kind = object["kind"].as_str().unwrap().to_owned();
        let object: DynamicObject = serde_json::from_value(object).unwrap();
        let api = self.api(&kind);
        api.create(&PostParams::default(), &object).await.unwrap();
    }

    pub(crate) async fn merge(&self, kind: &str, name: &str, patch: Value) {
        let patched = self.api(kind);
        patched
            .patch(name, &PatchParams::default(), &Patch::Merge(&patch))
            .await
            .unwrap();
    }

    /// Writes fields of its status.
    pub(crate) async fn mark(&self, kind: &str, name: &str, status: Value) {
        let marked = self.api(kind);
        let patch = Patch::Merge(json!({ "status": status }));
        marked
            .patch_status(name, &PatchParams::default(), &patch)
            .await
            .unwrap();
    }

    pub(crate) async fn delete(&self, kind: &str, name: &str) {
        self.delete_with(kind, name, &DeleteParams::default()).await;
    }

    pub(crate) async fn delete_with(&self, kind: &str, name: &str, parameters: &DeleteParams) {
        let deleted = self.api(kind);
        deleted.delete(name, parameters).await.unwrap();
    }

    pub(crate) async fn get(&self, kind: &str, name: &str) -> Value {
        match self.api(kind).get_opt(name).await.unwrap() {
            Some(object) => serde_json::to_value(object).unwrap(),
            None => Value::Null,
        }
    }

    pub(crate) async fn list(&self, kind: &str) -> Vec<DynamicObject> {
        let listed = self.api(kind);
        listed.list(&ListParams::default()).await.unwrap().items
    }

    /// Names of the pods, sorted.
    pub(crate) async fn pod_names(&self) -> Vec<String> {
        let pods = self.pods().list(&ListParams::default()).await.unwrap();
        let mut names: Vec<String> = pods.iter().map(ResourceExt::name_any).collect();
        names.sort();
        names
    }

    /// The events on this object, `<reason>: <message>`.
    pub(crate) async fn events(&self, name: &str) -> Vec<String> {
        let api: Api<Event> = Api::default_namespaced(self.client.clone());
        let events = api.list(&ListParams::default()).await.unwrap();
        events
            .iter()
            .filter(|event| event.involved_object.name.as_deref() == Some(name))
            .map(|event| {
                let text = |field: &Option<String>| field.clone().unwrap_or_default();
                format!("{}: {}", text(&event.reason), text(&event.message))
            })
            .collect()
    }

    /// Looks until `holds`; fails with what was seen last.
    pub(crate) async fn until<F>(&self, what: &str, mut look: impl FnMut() -> F)
    where
        F: Future<Output = Result<(), String>>,
    {
        let begin = tokio::time::Instant::now();
        loop {
            match look().await {
                Ok(()) => return,
                Err(seen) if begin.elapsed() > PATIENCE => {
                    panic!("waited in vain until {what}; last seen: {seen}")
                }
                Err(_) => tokio::time::sleep(Duration::from_millis(10)).await,
            }
        }
    }

    pub(crate) async fn until_pods(&self, expected: &[&str]) {
        self.until(&format!("the pods are {expected:?}"), || async {
            let names = self.pod_names().await;
            if names == expected {
                Ok(())
            } else {
                Err(format!("{names:?}"))
            }
        })
        .await;
    }

    /// Waits until this field of the object's status has the value.
    pub(crate) async fn until_status(&self, kind: &str, name: &str, field: &str, expected: Value) {
        self.until(&format!("{field} of {name} is {expected}"), || async {
            let object = self.get(kind, name).await;
            match object["status"].pointer(field) {
                Some(value) if *value == expected => Ok(()),
                _ => Err(object["status"].to_string()),
            }
        })
        .await;
    }

    /// Waits until the app has settled: all wanted pods ready, of the newest revision, and the status says so.
    pub(crate) async fn until_settled(&self, kind: &str, name: &str, replicas: u32) {
        self.until(
            &format!("{name} has {replicas} ready pods and is at rest"),
            || async {
                let object = self.get(kind, name).await;
                let status = &object["status"];
                let is_settled = status["observedGeneration"] == object["metadata"]["generation"]
                    && status["replicas"] == replicas
                    && status["readyReplicas"].as_u64().unwrap_or(0) == u64::from(replicas)
                    && status["updatedReplicas"].as_u64().unwrap_or(0) == u64::from(replicas)
                    && status["currentRevision"] == status["updateRevision"];
                if is_settled {
                    Ok(())
                } else {
                    Err(status.to_string())
                }
            },
        )
        .await;
    }

    /// Waits until an event on the object contains the text.
    pub(crate) async fn until_event(&self, name: &str, text: &str) {
        self.until(&format!("an event on {name} says {text:?}"), || async {
            let events = self.events(name).await;
            match events.iter().any(|event| event.contains(text)) {
                true => Ok(()),
                false => Err(format!("{events:#?}")),
            }
        })
        .await;
    }
}

/// Compiled components. It outlives the run.
pub(crate) fn plugin_cache() -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).join("plugin-cache")
}

/// The operator reads the cluster's clock.
fn clock(cluster: &Cluster) -> Clock {
    let clock = cluster.clock().clone();
    Clock::reading(move || clock.now())
}

impl Drop for Bed {
    fn drop(&mut self) {
        if let Some(operator) = &self.operator {
            operator.stop.cancel();
            operator.task.abort();
        }
    }
}

/// An app with one container and a claim, in either kind.
pub(crate) fn app(kind: &str, name: &str, replicas: u32) -> Value {
    let api_version = match kind {
        "StatefulSet" => "apps/v1",
        _ => "stateward.dev/v1alpha1",
    };
    json!({
        "apiVersion": api_version,
        "kind": kind,
        "metadata": { "name": name },
        "spec": {
            "replicas": replicas,
            "serviceName": name,
            "selector": { "matchLabels": { "app": name } },
            "template": {
                "metadata": { "labels": { "app": name } },
                "spec": { "containers": [{
                    "name": "main",
                    "image": "example:1",
                    "ports": [{ "name": "http", "containerPort": 80 }],
                    "volumeMounts": [{ "name": "data", "mountPath": "/data" }],
                }]},
            },
            "volumeClaimTemplates": [{
                "metadata": { "name": "data" },
                "spec": {
                    "accessModes": ["ReadWriteOnce"],
                    "resources": { "requests": { "storage": "1Gi" } },
                },
            }],
        },
    })
}

/// A figure, shown also where the output of tests that pass is not.
pub(crate) fn tell(line: std::fmt::Arguments<'_>) {
    let _closed = writeln!(std::io::stdout(), "{line}");
}
