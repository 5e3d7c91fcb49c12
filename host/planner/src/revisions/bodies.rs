//! The ControllerRevision that is created: upstream's layout, so that its tools can read it (items 115, 116).

use serde_json::{Map, Value, json};

use super::canonical::RULE;
use crate::identity::owner_reference;
use crate::world::App;

pub(crate) const RULE_ANNOTATION: &str = "stateward.dev/revision-rule";
const HASH_LABEL: &str = "controller.kubernetes.io/hash";
/// Wishes and facts of ours on the app are no part of its history.
const OWN_PREFIX: &str = "stateward.dev/";

pub(super) fn revision_body(app: &App, name: &str, number: i64) -> Value {
    let mut labels = match app.spec.template.pointer("/metadata/labels") {
        Some(Value::Object(labels)) => labels.clone(),
        _ => Map::new(),
    };
    let hash = name
        .strip_prefix(&app.name)
        .and_then(|rest| rest.strip_prefix('-'))
        .unwrap_or(name);
    labels.insert(HASH_LABEL.to_owned(), json!(hash));
    let mut annotations: Map<String, Value> = app
        .annotations
        .iter()
        .filter(|(key, _)| !key.starts_with(OWN_PREFIX))
        .map(|(key, value)| (key.clone(), json!(value)))
        .collect();
    annotations.insert(RULE_ANNOTATION.to_owned(), json!(RULE));
    let mut template = match &app.spec.template {
        Value::Object(template) => template.clone(),
        _ => Map::new(),
    };
    template.insert("$patch".to_owned(), json!("replace"));
    json!({
        "apiVersion": "apps/v1",
        "kind": "ControllerRevision",
        "metadata": {
            "name": name,
            "namespace": app.namespace,
            "labels": labels,
            "annotations": annotations,
            "ownerReferences": [owner_reference(app)],
        },
        "data": {"spec": {"template": template}},
        "revision": number,
    })
}
