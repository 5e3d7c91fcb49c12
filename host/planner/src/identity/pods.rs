//! The pod that is created for an ordinal.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::{CONFIG_PREFIX, POD_INDEX_LABEL, POD_NAME_LABEL, REVISION_LABEL};
use super::{claim_name, pod_name};
use crate::world::App;

/// The reference that makes the app the controller of an object.
pub(crate) fn owner_reference(app: &App) -> Value {
    json!({
        "apiVersion": app.face.api_version(),
        "kind": app.face.kind(),
        "name": app.name,
        "uid": app.uid,
        "controller": true,
        "blockOwnerDeletion": true,
    })
}

/// The pod of this ordinal, from the template of its revision and what `member-config` said.
pub(crate) fn pod_body(
    app: &App,
    ordinal: u32,
    revision: &str,
    template: &Value,
    config: &BTreeMap<String, String>,
) -> Value {
    let name = pod_name(&app.name, ordinal);
    let mut labels = object(template.pointer("/metadata/labels"));
    labels.insert(POD_NAME_LABEL.to_owned(), json!(name));
    labels.insert(POD_INDEX_LABEL.to_owned(), json!(ordinal.to_string()));
    labels.insert(REVISION_LABEL.to_owned(), json!(revision));
    let mut annotations = object(template.pointer("/metadata/annotations"));
    for (key, value) in config {
        annotations.insert(format!("{CONFIG_PREFIX}{key}"), json!(value));
    }

    let mut metadata = Map::new();
    metadata.insert("name".to_owned(), json!(name));
    metadata.insert("generateName".to_owned(), json!(format!("{}-", app.name)));
    metadata.insert("namespace".to_owned(), json!(app.namespace));
    metadata.insert("labels".to_owned(), Value::Object(labels));
    if !annotations.is_empty() {
        metadata.insert("annotations".to_owned(), Value::Object(annotations));
    }
    if let Some(finalizers) = template.pointer("/metadata/finalizers") {
        metadata.insert("finalizers".to_owned(), finalizers.clone());
    }
    metadata.insert("ownerReferences".to_owned(), json!([owner_reference(app)]));

    json!({
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": metadata,
        "spec": spec(app, ordinal, &name, template),
    })
}

fn spec(app: &App, ordinal: u32, name: &str, template: &Value) -> Map<String, Value> {
    let mut spec = object(template.get("spec"));
    // Written at creation only; they cannot change later (item 39).
    spec.insert("hostname".to_owned(), json!(name));
    if !app.spec.service_name.is_empty() {
        spec.insert("subdomain".to_owned(), json!(app.spec.service_name));
    }
    let mut volumes: Vec<Value> = app
        .spec
        .claim_names()
        .map(|claim| {
            json!({
                "name": claim,
                "persistentVolumeClaim": {"claimName": claim_name(claim, &app.name, ordinal)},
            })
        })
        .collect();
    // A claim replaces the template's volume of the same name (item 47).
    let is_claimed = |volume: &&Value| {
        let name = volume.get("name").and_then(Value::as_str);
        app.spec.claim_names().any(|claim| Some(claim) == name)
    };
    if let Some(Value::Array(own)) = spec.get("volumes") {
        volumes.extend(own.iter().filter(|volume| !is_claimed(volume)).cloned());
    }
    if !volumes.is_empty() {
        spec.insert("volumes".to_owned(), Value::Array(volumes));
    }
    spec
}

fn object(value: Option<&Value>) -> Map<String, Value> {
    match value {
        Some(Value::Object(object)) => object.clone(),
        _ => Map::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::app;
    use crate::world::Face;

    fn template() -> Value {
        json!({
            "metadata": {
                "labels": {"app": "web"},
                "annotations": {"note": "x"},
                "finalizers": ["example.com/hold"],
                "creationTimestamp": null,
            },
            "spec": {
                "containers": [{"name": "web", "image": "web:v1"}],
                "volumes": [{"name": "data", "emptyDir": {}}, {"name": "tmp", "emptyDir": {}}],
            },
        })
    }

    /// Upstream items 35 to 39 and 47.
    #[test]
    fn a_pod_is_named_labelled_and_owned_as_by_statefulset() {
        let mut app = app(3);
        app.spec.service_name = "web-svc".to_owned();
        app.spec.claim_templates = vec![json!({"metadata": {"name": "data"}, "spec": {}})];
        let config = BTreeMap::from([("server-id".to_owned(), "8".to_owned())]);
        let pod = pod_body(&app, 7, "web-abc", &template(), &config);
        let expected = json!({
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": {
                "name": "web-7",
                "generateName": "web-",
                "namespace": "default",
                "labels": {
                    "app": "web",
                    "statefulset.kubernetes.io/pod-name": "web-7",
                    "apps.kubernetes.io/pod-index": "7",
                    "controller-revision-hash": "web-abc",
                },
                "annotations": {"note": "x", "config.stateward.dev/server-id": "8"},
                "finalizers": ["example.com/hold"],
                "ownerReferences": [{
                    "apiVersion": "stateward.dev/v1alpha1",
                    "kind": "StatefulApp",
                    "name": "web",
                    "uid": "app-uid",
                    "controller": true,
                    "blockOwnerDeletion": true,
                }],
            },
            "spec": {
                "hostname": "web-7",
                "subdomain": "web-svc",
                "containers": [{"name": "web", "image": "web:v1"}],
                "volumes": [
                    {"name": "data", "persistentVolumeClaim": {"claimName": "data-web-7"}},
                    {"name": "tmp", "emptyDir": {}},
                ],
            },
        });
        assert_eq!(pod, expected);
    }

    #[test]
    fn a_statefulset_owns_its_pods_under_its_own_kind_and_needs_no_service() {
        let mut app = app(1);
        app.face = Face::StatefulSet;
        let pod = pod_body(&app, 0, "web-abc", &template(), &BTreeMap::new());
        assert_eq!(
            pod.pointer("/metadata/ownerReferences/0/kind"),
            Some(&json!("StatefulSet"))
        );
        assert_eq!(pod.pointer("/spec/subdomain"), None);
    }
}
