//! The claim that is created for a member.

use serde_json::{Map, Value, json};

use crate::identity::owner_reference;
use crate::spec::RetentionPolicy;
use crate::world::App;

/// Labels, annotations and spec of the template; the selector's labels win (item 46). With `whenDeleted: Delete` the app owns the claim from its first
/// moment on, so that none leaks when the app goes early (better than item 67).
pub(super) fn claim_body(app: &App, name: &str, template: &Value) -> Value {
    let mut labels = match template.pointer("/metadata/labels") {
        Some(Value::Object(labels)) => labels.clone(),
        _ => Map::new(),
    };
    for (key, value) in &app.spec.selector.match_labels {
        labels.insert(key.clone(), json!(value));
    }
    let mut metadata = Map::new();
    metadata.insert("name".to_owned(), json!(name));
    metadata.insert("namespace".to_owned(), json!(app.namespace));
    metadata.insert("labels".to_owned(), Value::Object(labels));
    if let Some(annotations) = template
        .pointer("/metadata/annotations")
        .filter(|annotations| annotations.is_object())
    {
        metadata.insert("annotations".to_owned(), annotations.clone());
    }
    if app.spec.retention.when_deleted == RetentionPolicy::Delete {
        metadata.insert("ownerReferences".to_owned(), json!([owner_reference(app)]));
    }
    json!({
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "metadata": metadata,
        "spec": template.get("spec").cloned().unwrap_or_else(|| json!({})),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::app;

    fn template() -> Value {
        json!({
            "metadata": {
                "name": "data",
                "labels": {"app": "other", "disk": "fast"},
                "annotations": {"a": "b"},
            },
            "spec": {"accessModes": ["ReadWriteOnce"]},
            "status": {},
        })
    }

    /// Upstream's GetPersistentVolumeClaims.
    #[test]
    fn labels_of_the_selector_win() {
        let body = claim_body(&app(1), "data-web-0", &template());
        assert_eq!(
            body,
            json!({
                "apiVersion": "v1",
                "kind": "PersistentVolumeClaim",
                "metadata": {
                    "name": "data-web-0",
                    "namespace": "default",
                    "labels": {"app": "web", "disk": "fast"},
                    "annotations": {"a": "b"},
                },
                "spec": {"accessModes": ["ReadWriteOnce"]},
            })
        );
    }

    #[test]
    fn a_claim_that_goes_with_the_app_is_owned_from_the_start() {
        let mut app = app(1);
        app.spec.retention.when_deleted = RetentionPolicy::Delete;
        let body = claim_body(&app, "data-web-0", &template());
        assert_eq!(
            body.pointer("/metadata/ownerReferences/0/uid"),
            Some(&json!("app-uid"))
        );
    }
}
