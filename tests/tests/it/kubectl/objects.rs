//! `kubectl apply`, `edit`, `get -w`, `wait`, `describe` and what else shows and changes objects, in both faces.

use anyhow::{Result, ensure};
use serde_json::{Value, json};
use stateward_tests::user::Face;

use super::desk::{Desk, app, pod, types};

#[tokio::test]
async fn a_stateful_set_is_applied_shown_changed_and_explained() -> Result<()> {
    let desk = Desk::new().await?;
    tour(&desk, Face::StatefulSet).await?;
    desk.says("get statefulset -o wide", "web:9").await?;
    desk.says("describe statefulset web", "Replicas:").await?;
    desk.says("set image statefulset web main=web:5", "image updated")
        .await?;
    desk.says(
        "explain statefulset.spec.serviceName",
        "FIELD: serviceName <string>",
    )
    .await
}

#[tokio::test]
async fn a_stateful_app_is_applied_shown_changed_and_explained() -> Result<()> {
    let desk = Desk::new().await?;
    tour(&desk, Face::StatefulApp).await?;
    desk.says("get sapp", "web").await?;
    desk.says("describe sapp web", "Service Name:").await?;
    desk.says(
        "explain sapp.spec.serviceName",
        "FIELD: serviceName <string>",
    )
    .await
}

/// What both faces have in common.
async fn tour(desk: &Desk, face: Face) -> Result<()> {
    let (api_version, kind) = types(face);
    let resource = face.resource();
    let on = |words: &str| words.replace("RESOURCE", resource);
    desk.reads(
        "apply --server-side -f -",
        &app(face, "web:1"),
        "serverside-applied",
    )
    .await?;
    let other = json!({"apiVersion": api_version, "kind": kind, "metadata": {"name": "web"}, "spec": {"replicas": 3}});
    let (is_fine, said) = desk
        .run("apply --server-side --field-manager=other -f -", &other)
        .await?;
    ensure!(
        !is_fine && said.contains("conflict with \"kubectl\""),
        "{said}"
    );
    desk.reads(
        "apply --server-side --field-manager=other --force-conflicts -f -",
        &other,
        "serverside-applied",
    )
    .await?;

    let rows = desk.follows(&on(
        "get RESOURCE -w -o custom-columns=N:.metadata.name,T:.metadata.labels.tier",
    ));
    let mut rows = rows?;
    rows.until("web").await?;
    desk.says(&on("label RESOURCE web tier=front"), "labeled")
        .await?;
    rows.until("front").await?;
    drop(rows);
    desk.says(&on("annotate RESOURCE web note=kept"), "annotated")
        .await?;
    desk.says(&on("get RESOURCE -l tier=front -o name"), "/web")
        .await?;

    let (is_same, said) = desk
        .run(
            "diff --server-side --force-conflicts -f -",
            &app(face, "web:2"),
        )
        .await?;
    ensure!(!is_same && said.contains("web:2"), "{said}");
    desk.reads("replace -f -", &app(face, "web:2"), "replaced")
        .await?;
    let wait = on("wait --for=jsonpath={.spec.replicas}=2 RESOURCE/web --timeout=60s");
    desk.says(&wait, "condition met").await?;

    let editor = [("KUBE_EDITOR", "sed -i s/web:2/web:9/")];
    let (is_fine, said) = desk.types(&on("edit RESOURCE web"), &editor, "").await?;
    ensure!(is_fine && said.contains("edited"), "edit: {said}");
    let image = on("get RESOURCE web -o jsonpath={.spec.template.spec.containers[0].image}");
    desk.says(&image, "web:9").await?;
    let wrong = [("KUBE_EDITOR", "sed -i s/replicas:.*/replicas:\\ many/")];
    let (is_fine, said) = desk.types(&on("edit RESOURCE web"), &wrong, "").await?;
    ensure!(!is_fine && said.contains("is invalid"), "edit: {said}");

    desk.says(&on("scale RESOURCE web --replicas=0"), "scaled")
        .await?;
    let status = r#"{"status":{"replicas":0,"conditions":[{"type":"Settled","status":"True","lastTransitionTime":"2030-01-01T00:00:00Z","reason":"AsWanted","message":""}]}}"#;
    let status = format!("patch {resource} web --subresource=status --type=merge -p {status}");
    desk.says(&status, "patched").await?;
    desk.says(
        &on("wait --for=condition=Settled RESOURCE/web --timeout=60s"),
        "condition met",
    )
    .await?;
    let json_patch =
        r#"patch RESOURCE web --type=json -p [{"op":"replace","path":"/spec/replicas","value":1}]"#;
    desk.says(&on(json_patch), "patched").await
}

#[tokio::test]
async fn what_is_applied_again_changes_what_differs_and_drops_what_is_left_out() -> Result<()> {
    let desk = Desk::new().await?;
    for face in [Face::StatefulSet, Face::StatefulApp] {
        let mut wanted = app(face, "web:1");
        wanted["metadata"]["annotations"] = json!({"first": "1"});
        desk.reads("apply -f -", &wanted, "created").await?;
        desk.reads("apply -f -", &wanted, "unchanged").await?;
        wanted["metadata"]["annotations"] = json!({"second": "2"});
        wanted["spec"]["template"]["spec"]["containers"][0]["image"] = "web:2".into();
        desk.reads("apply -f -", &wanted, "configured").await?;
        let annotations = format!(
            "get {} web -o jsonpath={{.metadata.annotations}}",
            face.resource()
        );
        let (_, annotations) = desk.run(&annotations, &Value::Null).await?;
        ensure!(
            annotations.contains("second") && !annotations.contains("\"first\":"),
            "{annotations}"
        );
        let mut misspelled = wanted.clone();
        misspelled["spec"]["replica"] = 5.into();
        let (is_fine, said) = desk.run("apply -f -", &misspelled).await?;
        ensure!(
            !is_fine && said.contains("unknown field \"spec.replica\""),
            "{said}"
        );
    }
    Ok(())
}

#[tokio::test]
async fn each_kind_is_described() -> Result<()> {
    let desk = Desk::new().await?;
    let described = [
        (pod("web-0", None), "pod web-0", "Image:        web:1"),
        (
            json!({"apiVersion": "v1", "kind": "Node", "metadata": {"name": "one"}}),
            "node one",
            "Non-terminated Pods:          (1 in total)",
        ),
        (
            json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "map"}, "data": {"a": "1"}}),
            "configmap map",
            "a:\n----\n1",
        ),
        (
            json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "secret"}, "stringData": {"a": "123"}}),
            "secret secret",
            "a:  3 bytes",
        ),
        (
            json!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "web"}, "spec": {"clusterIP": "None", "selector": {"app": "web"}, "ports": [{"port": 80}]}}),
            "service web",
            "Selector:                 app=web",
        ),
        (
            json!({"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": {"name": "data"}, "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}}}),
            "pvc data",
            "Status:        Pending",
        ),
        (
            json!({"apiVersion": "v1", "kind": "PersistentVolume", "metadata": {"name": "disk"}, "spec": {"capacity": {"storage": "1Gi"}, "accessModes": ["ReadWriteOnce"], "hostPath": {"path": "/x"}}}),
            "pv disk",
            "Path:          /x",
        ),
        (
            json!({"apiVersion": "storage.k8s.io/v1", "kind": "StorageClass", "metadata": {"name": "fast"}, "provisioner": "example.com/none"}),
            "storageclass fast",
            "Provisioner:           example.com/none",
        ),
        (
            json!({"apiVersion": "policy/v1", "kind": "PodDisruptionBudget", "metadata": {"name": "web"}, "spec": {"minAvailable": 1, "selector": {"matchLabels": {"app": "web"}}}}),
            "pdb web",
            "Min available:  1",
        ),
        (
            json!({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "robot"}}),
            "serviceaccount robot",
            "Name:                robot",
        ),
        (
            json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "shop"}}),
            "namespace shop",
            "Status:       Active",
        ),
    ];
    for (object, named, expected) in &described {
        desk.reads("create -f -", object, "created").await?;
        desk.says(&format!("describe {named}"), expected).await?;
    }
    let uid = desk
        .run("get pod web-0 -o jsonpath={.metadata.uid}", &Value::Null)
        .await?
        .1;
    let event = json!({
        "apiVersion": "v1", "kind": "Event", "metadata": {"name": "seen", "namespace": "default"}, "type": "Normal", "reason": "Seen",
        "message": "somebody looked", "involvedObject": {"apiVersion": "v1", "kind": "Pod", "name": "web-0", "namespace": "default", "uid": uid},
    });
    desk.reads("create -f -", &event, "created").await?;
    desk.says("describe pod web-0", "somebody looked").await?;
    desk.says("events --for pod/web-0", "somebody looked")
        .await?;
    desk.says("describe crd statefulapps.stateward.dev", "Scope:")
        .await
}

#[tokio::test]
async fn what_is_served_is_told_and_what_is_not_is_refused_by_name() -> Result<()> {
    let desk = Desk::new().await?;
    desk.says(
        "explain pod.spec.containers",
        "FIELD: containers <[]Container>",
    )
    .await?;
    desk.says("auth can-i create pods", "yes").await?;
    desk.says("auth whoami", "stateward").await?;
    desk.says("version", "Server Version: v1.37.1").await?;
    desk.says("api-resources --api-group=apps", "statefulsets")
        .await?;
    desk.says("api-versions", "stateward.dev/v1alpha1").await?;
    desk.says("get --raw /readyz", "ok").await?;
    let (is_fine, said) = desk.run("get deployments", &Value::Null).await?;
    ensure!(
        !is_fine && said.contains("doesn't have a resource type"),
        "{said}"
    );
    let (is_fine, said) = desk
        .run(
            "get --raw /apis/apps/v1/namespaces/default/deployments",
            &Value::Null,
        )
        .await?;
    ensure!(!is_fine && said.contains("not served here"), "{said}");
    let namespace = json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "later"}});
    let mut waiting = desk.follows("wait --for=create namespace/later --timeout=60s")?;
    desk.reads("create -f -", &namespace, "created").await?;
    waiting.until("condition met").await?;
    Ok(())
}
