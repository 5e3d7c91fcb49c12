//! The ControllerRevision that is created: upstream's layout, so that its tools can read it (items 115, 116).

use serde_json::{Map, Value, json};

use super::canonical::RULE;
use crate::identity::owner_reference;
use crate::world::{App, Face};

pub(crate) const RULE_ANNOTATION: &str = "stateward.dev/revision-rule";
const HASH_LABEL: &str = "controller.kubernetes.io/hash";
/// Wishes and facts of ours on the app are no part of its history.
const OWN_PREFIX: &str = "stateward.dev/";

pub(super) fn revision_body(app: &App, name: &str, number: i64) -> Value {
    let mut labels = match app.spec.template.pointer("/metadata/labels") {
        Some(Value::Object(labels)) => labels.clone(),
        _ => Map::new(),
    };
    let hash = name.rsplit_once('-').map_or(name, |(_, hash)| hash);
    labels.insert(HASH_LABEL.to_owned(), json!(hash));
    let mut annotations: Map<String, Value> = app
        .annotations
        .iter()
        .filter(|(key, _)| app.face == Face::StatefulSet || !key.starts_with(OWN_PREFIX))
        .map(|(key, value)| (key.clone(), json!(value)))
        .collect();
    if app.face == Face::StatefulApp {
        annotations.insert(RULE_ANNOTATION.to_owned(), json!(RULE));
    }
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
        "data": data(&app.spec.template),
        "revision": number,
    })
}

/// The template as a patch that replaces it whole.
pub(super) fn data(template: &Value) -> Value {
    let mut template = match template {
        Value::Object(template) => template.clone(),
        _ => Map::new(),
    };
    template.insert("$patch".to_owned(), json!("replace"));
    json!({"spec": {"template": template}})
}
