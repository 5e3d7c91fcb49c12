//! Volumes, claims and classes.

use serde_json::{Value, json};

use crate::admission::class_of;
use crate::object::{self, default, text, with_map};
use crate::state::State;

pub(super) fn complete_volume(volume: &mut Value) {
    with_map(volume, &["spec"], |spec| {
        default(spec, "persistentVolumeReclaimPolicy", "Retain");
        default(spec, "volumeMode", "Filesystem");
        if let Some(Value::Object(host_path)) = spec.get_mut("hostPath") {
            default(host_path, "type", "");
        }
    });
    with_map(volume, &["status"], |status| {
        default(status, "phase", "Pending");
    });
}

pub(super) fn complete_claim(state: &State, claim: &mut Value) {
    complete_claim_spec(claim);
    let is_free = text(claim, "/spec/volumeName").is_empty();
    if is_free
        && class_of(claim).is_none()
        && let Some(class) = default_class(state)
    {
        object::set(claim, &["spec", "storageClassName"], class);
    }
    with_map(claim, &["status"], |status| {
        default(status, "phase", "Pending");
    });
}

/// The newest class that is annotated as the default.
fn default_class(state: &State) -> Option<String> {
    const MARKS: &[&str] = &[
        "storageclass.kubernetes.io/is-default-class",
        "storageclass.beta.kubernetes.io/is-default-class",
    ];
    state
        .store
        .list("storageclasses.storage.k8s.io", None)
        .filter(|(_, class)| {
            let annotations = object::map(class, "/metadata/annotations");
            MARKS.iter().any(|mark| {
                annotations.and_then(|all| all.get(*mark)) == Some(&Value::from("true"))
            })
        })
        .max_by_key(|(_, class)| text(class, "/metadata/creationTimestamp"))
        .map(|(key, _)| key.name.clone())
}

fn complete_claim_spec(claim: &mut Value) {
    with_map(claim, &["spec"], |spec| {
        default(spec, "volumeMode", "Filesystem");
    });
}

/// A template of a set is shown as the claim it will become.
pub(super) fn complete_template(template: &mut Value) {
    if let Some(fields) = template.as_object_mut() {
        default(fields, "apiVersion", "v1");
        default(fields, "kind", "PersistentVolumeClaim");
        fields.insert("status".to_owned(), json!({"phase": "Pending"}));
    }
    complete_claim_spec(template);
}

pub(super) fn complete_class(class: &mut Value) {
    if let Some(fields) = class.as_object_mut() {
        default(fields, "reclaimPolicy", "Delete");
        default(fields, "volumeBindingMode", "Immediate");
    }
}
