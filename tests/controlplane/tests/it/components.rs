//! Components, with upstream's controllers: they make pods, can be hurt, and are measured.

use std::fmt::Debug;
use std::time::Duration;

use k8s_openapi::api::apps::v1::{ReplicaSet, StatefulSet};
use k8s_openapi::api::core::v1::{Namespace, Pod};
use kube::api::{DeleteParams, PostParams};
use kube::runtime::wait::await_condition;
use kube::{Api, Resource};
use serde::de::DeserializeOwned;
use serde_json::json;
use stateward_controlplane::{ClientLimits, ControlPlane, ControlPlaneError, Options, component};

/// Only a failing test waits for it.
const PATIENCE: Duration = Duration::from_secs(60);

async fn until<K>(api: &Api<K>, name: &str, what: &str, holds: impl Fn(&K) -> bool)
where
    K: Resource<DynamicType = ()> + Clone + Debug + DeserializeOwned + Send + 'static,
{
    let condition = |object: Option<&K>| object.is_some_and(&holds);
    let waited =
        tokio::time::timeout(PATIENCE, await_condition(api.clone(), name, condition)).await;
    if waited.is_err() {
        panic!(
            "{name} does not become {what}: {:#?}",
            api.get_opt(name).await
        );
    }
}

fn web(replicas: i32) -> StatefulSet {
    serde_json::from_value(json!({
        "metadata": { "name": "web" },
        "spec": {
            "replicas": replicas, "serviceName": "web", "selector": { "matchLabels": { "app": "web" } },
            "template": {
                "metadata": { "labels": { "app": "web" } },
                "spec": { "containers": [{ "name": "web", "image": "web" }] },
            },
        },
    }))
    .expect("a StatefulSet")
}

fn other() -> ReplicaSet {
    serde_json::from_value(json!({
        "metadata": { "name": "other" },
        "spec": {
            "replicas": 1, "selector": { "matchLabels": { "app": "other" } },
            "template": {
                "metadata": { "labels": { "app": "other" } },
                "spec": { "containers": [{ "name": "other", "image": "other" }] },
            },
        },
    }))
    .expect("a ReplicaSet")
}

#[tokio::test]
async fn the_statefulset_controller_is_off_and_runs_alone_when_it_is_started() {
    let options = Options::default().without_statefulset_controller();
    let kubernetes = ControlPlane::start(options).await.expect("it starts");
    let client = kubernetes.client().await.expect("a client");
    let version = client.apiserver_version().await.expect("a version");
    assert_eq!(version.git_version, "v1.37.1");

    let _node = kubernetes.simulated_node("node").await.expect("a node");
    let namespace = kubernetes.namespace("alone").await.expect("a namespace");
    let sets: Api<StatefulSet> = Api::namespaced(client.clone(), &namespace);
    sets.create(&PostParams::default(), &web(2))
        .await
        .expect("it is created");
    // The other controllers work: this one's pod comes, later than the set's would have.
    let replicas: Api<ReplicaSet> = Api::namespaced(client.clone(), &namespace);
    replicas
        .create(&PostParams::default(), &other())
        .await
        .expect("it is created");
    let is_ready = |set: &ReplicaSet| {
        set.status
            .as_ref()
            .is_some_and(|status| status.ready_replicas == Some(1))
    };
    until(&replicas, "other", "ready", is_ready).await;
    let pods: Api<Pod> = Api::namespaced(client, &namespace);
    assert!(pods.get_opt("web-0").await.expect("an answer").is_none());

    kubernetes
        .start_statefulset_controller(ClientLimits::UPSTREAM, &[])
        .await
        .expect("it starts alone");

    let is_ready = |set: &StatefulSet| {
        set.status
            .as_ref()
            .is_some_and(|status| status.ready_replicas == Some(2))
    };
    until(&sets, "web", "ready", is_ready).await;
    let usage = kubernetes
        .usage(component::STATEFULSET_CONTROLLER)
        .expect("it runs");
    assert!(
        usage.cpu > Duration::ZERO && usage.memory > 1 << 20 && usage.peak_memory >= usage.memory
    );
    let again = kubernetes
        .start_statefulset_controller(ClientLimits::UPSTREAM, &[])
        .await;
    assert!(
        matches!(again, Err(ControlPlaneError::Refused { .. })),
        "{again:?}"
    );

    let shown = kubernetes
        .kubectl()
        .args([
            "get",
            "pods",
            "-n",
            &namespace,
            "-l",
            "app=web",
            "-o",
            "jsonpath={.items[*].metadata.name}",
        ])
        .output()
        .await
        .expect("kubectl runs");
    assert_eq!(String::from_utf8_lossy(&shown.stdout), "web-0 web-1");

    kubernetes
        .kill(component::STATEFULSET_CONTROLLER)
        .await
        .expect("it is killed");
    pods.delete("web-1", &DeleteParams::default())
        .await
        .expect("it is deleted");
    kubernetes
        .start_again(component::STATEFULSET_CONTROLLER)
        .await
        .expect("it starts");
    until(&pods, "web-1", "there again", |pod| {
        pod.metadata.deletion_timestamp.is_none()
    })
    .await;
}

#[tokio::test]
async fn a_frozen_server_answers_when_it_is_thawed_and_a_killed_one_keeps_its_objects() {
    let options = Options::default()
        .without(component::CONTROLLER_MANAGER)
        .without(component::SCHEDULER);
    let kubernetes = ControlPlane::start(options).await.expect("it starts");
    let namespaces: Api<Namespace> = Api::all(kubernetes.client().await.expect("a client"));
    let kept =
        serde_json::from_value(json!({ "metadata": { "name": "kept" } })).expect("a namespace");
    namespaces
        .create(&PostParams::default(), &kept)
        .await
        .expect("it is created");

    kubernetes
        .freeze(component::API_SERVER)
        .await
        .expect("it is frozen");
    let waiting = namespaces.get("kept");
    let mut waiting = std::pin::pin!(waiting);
    let answered = tokio::time::timeout(Duration::from_millis(200), &mut waiting).await;
    assert!(answered.is_err(), "a frozen server answers: {answered:?}");
    kubernetes
        .thaw(component::API_SERVER)
        .await
        .expect("it goes on");
    waiting
        .await
        .expect("the answer to what was asked in the meantime");

    kubernetes
        .kill(component::API_SERVER)
        .await
        .expect("it is killed");
    assert!(namespaces.get("kept").await.is_err());
    kubernetes
        .start_again(component::API_SERVER)
        .await
        .expect("it starts");
    let back = tokio::time::timeout(PATIENCE, async {
        while namespaces.get("kept").await.is_err() {
            tokio::task::yield_now().await;
        }
    });
    back.await.expect("it serves what it served before");

    let unknown = kubernetes.freeze("no-such-component").await;
    assert!(
        matches!(unknown, Err(ControlPlaneError::Refused { .. })),
        "{unknown:?}"
    );
}
