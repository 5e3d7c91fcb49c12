//! `kubectl rollout`.

use anyhow::{Result, ensure};
use serde_json::{Value, json};
use stateward_tests::user::Face;

use super::desk::{Desk, app};

#[tokio::test]
async fn the_rollout_of_a_set_is_followed_undone_and_restarted() -> Result<()> {
    let desk = Desk::new().await?;
    desk.reads(
        "apply -f -",
        &app(Face::StatefulSet, "web:2"),
        "statefulset.apps/web created",
    )
    .await?;
    let uid = desk.uid(Face::StatefulSet).await?;
    for (revision, image) in [(1, "web:1"), (2, "web:2")] {
        let data = json!({"spec": {"template": {
            "$patch": "replace", "metadata": {"labels": {"app": "web"}},
            "spec": {"containers": [{"name": "main", "image": image}]},
        }}});
        let history = json!({
            "apiVersion": "apps/v1", "kind": "ControllerRevision", "revision": revision, "data": data,
            "metadata": {
                "name": format!("web-{revision}"), "labels": {"app": "web"},
                "annotations": {"kubernetes.io/change-cause": format!("to {image}")},
                "ownerReferences": [{"apiVersion": "apps/v1", "kind": "StatefulSet", "name": "web", "uid": uid, "controller": true}],
            },
        });
        desk.reads("create -f -", &history, "created").await?;
    }
    desk.says("rollout history statefulset web", "to web:1")
        .await?;
    desk.says("rollout history statefulset web --revision=1", "web:1")
        .await?;

    let status = r#"{"status":{"observedGeneration":1,"replicas":2,"readyReplicas":2,"currentReplicas":2,"updatedReplicas":2,"availableReplicas":2,"currentRevision":"web-2","updateRevision":"web-2"}}"#;
    let patch = format!("patch statefulset web --subresource=status --type=merge -p {status}");
    desk.says(&patch, "statefulset.apps/web patched").await?;
    desk.says(
        "rollout status statefulset web --timeout=30s",
        "partitioned roll out complete: 2 new pods have been updated",
    )
    .await?;
    desk.says(
        "rollout undo statefulset web",
        "statefulset.apps/web rolled back",
    )
    .await?;
    desk.says("get statefulset web -o wide", "web:1").await?;
    desk.says(
        "rollout restart statefulset web",
        "statefulset.apps/web restarted",
    )
    .await?;
    desk.says(
        "get statefulset web -o yaml",
        "kubectl.kubernetes.io/restartedAt",
    )
    .await
}

/// `kubectl rollout` knows built-in kinds by name; what it says of others is what `stateward rollout` is for.
#[tokio::test]
async fn the_rollout_of_an_app_is_not_for_kubectl() -> Result<()> {
    let desk = Desk::new().await?;
    desk.reads("apply -f -", &app(Face::StatefulApp, "web:1"), "created")
        .await?;
    for verb in ["status", "history", "undo", "restart"] {
        let (is_fine, said) = desk
            .run(&format!("rollout {verb} sapp web"), &Value::Null)
            .await?;
        ensure!(
            !is_fine && said.contains("error:"),
            "rollout {verb}: {said}"
        );
    }
    Ok(())
}
