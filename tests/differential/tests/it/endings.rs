//! What ends on Kubernetes itself although a plugin would never let a member go: a namespace, and the kind of the apps.

use kube::Api;
use serde_json::json;

use crate::managed::{Managed, said};

/// An app that its own deletion would wait for, for ever.
async fn held(managed: &Managed, topic: &str) -> String {
    let settings = json!({ "teardown": "refuse: never" });
    let namespace = managed.app(topic, 2, settings).await;
    managed
        .until_app(&namespace, "the app is held", |app| {
            app["metadata"]["finalizers"]
                .to_string()
                .contains("stateward.dev/teardown")
        })
        .await;
    namespace
}

async fn deletes(managed: &Managed, kind: &str, name: &str) {
    let output = (managed.kubernetes.kubectl())
        .args(["delete", kind, name, "--timeout=60s"])
        .output()
        .await
        .unwrap();
    assert!(output.status.success(), "{kind} {name}: {}", said(&output));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_namespace_and_the_kind_end_although_a_teardown_would_wait() {
    let managed = Managed::new().await;
    let (gone, kept) = (
        held(&managed, "gone").await,
        held(&managed, "uninstalled").await,
    );

    // When a namespace is deleted, then it ends, and its app with it
    deletes(&managed, "namespace", &gone).await;
    let namespaces: Api<k8s_openapi::api::core::v1::Namespace> = Api::all(managed.client.clone());
    assert!(namespaces.get_opt(&gone).await.unwrap().is_none());
    let app = managed.apps(&kept).get("db").await.unwrap();
    assert!(app.metadata.deletion_timestamp.is_none(), "others stay");

    // When the definition of the kind is deleted, then every app ends, and it was told why
    let definition = "statefulapps.stateward.dev";
    deletes(&managed, "customresourcedefinition", definition).await;
    let told = managed.events(&kept).await.join("\n");
    assert!(told.contains("TeardownSkipped"), "{told}");
    managed.end().await;
}
