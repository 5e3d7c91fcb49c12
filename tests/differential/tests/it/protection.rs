//! examples/protection.yaml on Kubernetes itself: people do not delete members by hand; everybody who must, does.

use std::path::Path;
use std::time::Duration;

use k8s_openapi::api::core::v1::{Namespace, Pod};
use kube::api::{Api, DeleteParams, DynamicObject, Patch, PatchParams, PostParams};
use kube::core::GroupVersionKind;
use kube::discovery::ApiResource;
use kube::{Client, ResourceExt};
use serde::Deserialize;
use serde_json::{Value, json};
use stateward_controlplane::{ControlPlane, Options};

use crate::rights::{acting_as, with_definitions};

/// Until the API server follows a policy that it was given.
const PATIENCE: Duration = Duration::from_secs(60);

/// Those who delete pods for a living.
const EXEMPT: [&str; 4] = [
    "system:serviceaccount:stateward:stateward",
    "system:serviceaccount:kube-system:generic-garbage-collector",
    "system:kube-scheduler",
    "system:node:node-1",
];

/// The objects of the file.
async fn protect(client: &Client) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/protection.yaml");
    let text = std::fs::read_to_string(path).unwrap();
    for document in serde_yaml::Deserializer::from_str(&text) {
        let object = DynamicObject::deserialize(document).unwrap();
        let kind = object.types.as_ref().unwrap().kind.clone();
        let resource = ApiResource::from_gvk(&GroupVersionKind::gvk(
            "admissionregistration.k8s.io",
            "v1",
            &kind,
        ));
        let api: Api<DynamicObject> = Api::all_with(client.clone(), &resource);
        api.create(&PostParams::default(), &object).await.unwrap();
    }
}

/// A pod that no node runs; with an app, a member of it.
async fn pod(client: &Client, namespace: &str, name: &str, app: Option<&DynamicObject>) {
    let owners: Vec<Value> = (app.iter())
        .map(|app| {
            json!({
                "apiVersion": "stateward.dev/v1alpha1", "kind": "StatefulApp",
                "name": app.name_any(), "uid": app.uid(), "controller": true,
            })
        })
        .collect();
    let pod = serde_json::from_value(json!({
        "metadata": { "name": name, "ownerReferences": owners },
        "spec": { "schedulerName": "nobody", "containers": [{ "name": "main", "image": "app:1" }] },
    }));
    let pods: Api<Pod> = Api::namespaced(client.clone(), namespace);
    let parameters = PostParams::default();
    pods.create(&parameters, &pod.unwrap()).await.unwrap();
}

/// An app that wants no members, so that nobody else makes or deletes any.
async fn app(client: &Client, namespace: &str) -> DynamicObject {
    let kind = GroupVersionKind::gvk("stateward.dev", "v1alpha1", "StatefulApp");
    let apps: Api<DynamicObject> =
        Api::namespaced_with(client.clone(), namespace, &ApiResource::from_gvk(&kind));
    let app = serde_json::from_value(json!({
        "apiVersion": "stateward.dev/v1alpha1", "kind": "StatefulApp", "metadata": { "name": "db" },
        "spec": {
            "replicas": 0, "serviceName": "db", "selector": { "matchLabels": { "app": "db" } },
            "template": {
                "metadata": { "labels": { "app": "db" } },
                "spec": { "containers": [{ "name": "main", "image": "app:1" }] },
            },
        },
    }));
    let parameters = PostParams::default();
    apps.create(&parameters, &app.unwrap()).await.unwrap()
}

/// Asks as this user to delete the pod; nothing is deleted.
async fn asks(kubernetes: &ControlPlane, user: &str, namespace: &str, pod: &str) -> Option<String> {
    let client = acting_as(kubernetes, user, &["system:masters"]).await;
    let pods: Api<Pod> = Api::namespaced(client, namespace);
    match pods.delete(pod, &DeleteParams::default().dry_run()).await {
        Ok(_) => None,
        Err(error) => Some(error.to_string()),
    }
}

#[tokio::test]
async fn people_do_not_delete_members_by_hand_where_they_are_protected() {
    let (kubernetes, client) =
        with_definitions(Options::default().without_statefulset_controller()).await;
    let guarded = kubernetes.namespace("guarded").await.unwrap();
    let open = kubernetes.namespace("open").await.unwrap();
    let label = json!({ "metadata": { "labels": { "stateward.dev/protect-members": "true" } } });
    let namespaces: Api<Namespace> = Api::all(client.clone());
    let parameters = PatchParams::default();
    namespaces
        .patch(&guarded, &parameters, &Patch::Merge(&label))
        .await
        .unwrap();
    for namespace in [&guarded, &open] {
        let app = app(&client, namespace).await;
        pod(&client, namespace, "db-0", Some(&app)).await;
        pod(&client, namespace, "other", None).await;
    }
    protect(&client).await;

    // Given that the API server has taken the policy up
    let deadline = tokio::time::Instant::now() + PATIENCE;
    let refusal = loop {
        if let Some(refusal) = asks(&kubernetes, "alice", &guarded, "db-0").await {
            break refusal;
        }
        assert!(tokio::time::Instant::now() < deadline, "it does nothing");
        tokio::time::sleep(Duration::from_millis(100)).await;
    };

    // then a person is told what to do instead
    assert!(refusal.contains("scale the app"), "{refusal}");
    // and what is not a member, or not protected, goes as ever
    assert_eq!(asks(&kubernetes, "alice", &guarded, "other").await, None);
    assert_eq!(asks(&kubernetes, "alice", &open, "db-0").await, None);
    // and so does what the platform deletes
    for user in EXEMPT {
        assert_eq!(asks(&kubernetes, user, &guarded, "db-0").await, None);
    }

    // When the pod says that it may go, then it does
    let says = json!({ "metadata": { "annotations": { "stateward.dev/may-be-deleted": "true" } } });
    let pods: Api<Pod> = Api::namespaced(client.clone(), &guarded);
    pods.patch("db-0", &parameters, &Patch::Merge(&says))
        .await
        .unwrap();
    assert_eq!(asks(&kubernetes, "alice", &guarded, "db-0").await, None);
}
