//! Volumes, claims and classes.

use serde_json::{Map, Value};
use stateward_quantity::Quantity;

use super::unchanged;
use crate::failure::{Cause, Failure, Subject};
use crate::object::{self, list, map, text};
use crate::state::State;
use crate::store::Key;

const BETA_CLASS: &str = "volume.beta.kubernetes.io/storage-class";

/// The fields of a volume's spec that are not its source.
const NOT_A_SOURCE: &[&str] = &[
    "accessModes",
    "capacity",
    "claimRef",
    "mountOptions",
    "nodeAffinity",
    "persistentVolumeReclaimPolicy",
    "storageClassName",
    "volumeAttributesClassName",
    "volumeMode",
];

/// The class of a claim or a volume, also by the old annotation.
pub(crate) fn class_of(object: &Value) -> Option<&str> {
    map(object, "/metadata/annotations")
        .and_then(|annotations| annotations.get(BETA_CLASS))
        .or_else(|| object.pointer("/spec/storageClassName"))
        .and_then(Value::as_str)
}

fn check_modes(object: &Value, detail: &str, causes: &mut Vec<Cause>) {
    let modes = list(object, "/spec/accessModes");
    if modes.is_empty() {
        causes.push(Cause::required("spec.accessModes", detail));
    }
    const MODES: &[&str] = &[
        "ReadOnlyMany",
        "ReadWriteMany",
        "ReadWriteOnce",
        "ReadWriteOncePod",
    ];
    for mode in modes {
        if !mode.as_str().is_some_and(|mode| MODES.contains(&mode)) {
            let supported: Vec<_> = MODES.iter().map(|&one| one.to_owned()).collect();
            causes.push(Cause::unsupported("spec.accessModes", mode, &supported));
        }
    }
}

fn check_size(object: &Value, pointer: &str, causes: &mut Vec<Cause>) {
    let size = text(object, pointer);
    let field = match super::field(pointer).rsplit_once('.') {
        Some((parent, last)) => format!("{parent}[{last}]"),
        None => pointer.to_owned(),
    };
    if size.is_empty() {
        let field = match pointer {
            "/spec/capacity/storage" => "spec.capacity",
            _ => "spec.resources[storage]",
        };
        causes.push(Cause::required(field, ""));
        if pointer == "/spec/capacity/storage" {
            let supported = ["storage".to_owned()];
            causes.push(Cause::unsupported(field, &Value::Null, &supported));
        }
    } else if !size.parse().is_ok_and(Quantity::is_positive) {
        causes.push(Cause::invalid(
            field,
            &Value::from(size),
            "must be greater than zero",
        ));
    }
}

fn sources(volume: &Value) -> Map<String, Value> {
    let mut spec = map(volume, "/spec").cloned().unwrap_or_default();
    spec.retain(|field, _| !NOT_A_SOURCE.contains(&field.as_str()));
    spec
}

pub(super) fn check_volume(old: Option<&Value>, new: &Value, causes: &mut Vec<Cause>) {
    check_modes(new, "", causes);
    check_size(new, "/spec/capacity/storage", causes);
    let source = sources(new);
    match source.len() {
        0 => causes.push(Cause::required("spec", "must specify a volume type")),
        1 => {}
        _ => causes.push(Cause::forbidden(
            "spec",
            "may not specify more than 1 volume type",
        )),
    }
    if old.is_some_and(|old| sources(old) != source) {
        causes.push(Cause::forbidden(
            "spec.persistentvolumesource",
            "spec.persistentvolumesource is immutable after creation",
        ));
    }
}

pub(super) fn check_claim(old: Option<&Value>, new: &Value, causes: &mut Vec<Cause>) {
    check_modes(new, "at least 1 access mode is required", causes);
    check_size(new, "/spec/resources/requests/storage", causes);
    let Some(old) = old else {
        return;
    };
    let rest = |claim: &Value| {
        let mut claim = claim.clone();
        object::remove(&mut claim, &["spec", "resources", "requests", "storage"]);
        object::remove(&mut claim, &["spec", "volumeAttributesClassName"]);
        // The binder fills these in once.
        if text(old, "/spec/volumeName").is_empty() {
            object::remove(&mut claim, &["spec", "volumeName"]);
        }
        if class_of(old).is_none() {
            object::remove(&mut claim, &["spec", "storageClassName"]);
        }
        object::remove(&mut claim, &["spec"])
    };
    let is_bound = text(old, "/status/phase") == "Bound";
    if rest(old) != rest(new) || (!is_bound && requested(old) != requested(new)) {
        causes.push(Cause::forbidden(
            "spec",
            "spec is immutable after creation except resources.requests and volumeAttributesClassName for bound claims",
        ));
    } else if requested(new) < requested(old) {
        let capacity = text(old, "/status/capacity/storage").parse().ok();
        if requested(new) < capacity {
            causes.push(Cause::forbidden(
                "spec.resources.requests.storage",
                "field can not be less than status.capacity",
            ));
        }
    }
}

fn requested(claim: &Value) -> Option<Quantity> {
    let asked = text(claim, "/spec/resources/requests/storage");
    asked.parse().ok()
}

/// A claim grows only where its class says that it may.
pub(super) fn refused_expansion(state: &State, old: &Value, new: &Value) -> Option<Failure> {
    if requested(new) <= requested(old) {
        return None;
    }
    let may_grow = class_of(old)
        .and_then(|class| {
            let key = Key::new("", class);
            state.store.get("storageclasses.storage.k8s.io", &key)
        })
        .and_then(|class| class.get("allowVolumeExpansion"))
        .and_then(Value::as_bool)
        == Some(true);
    let claims = Subject {
        resource: "persistentvolumeclaims".to_owned(),
        ..Default::default()
    };
    (!may_grow).then(|| {
        Failure::forbidden(
            &claims,
            object::name(new),
            "only dynamically provisioned pvc can be resized and the storageclass that provisions the pvc must support resize",
        )
    })
}

pub(super) fn check_class(old: Option<&Value>, new: &Value, causes: &mut Vec<Cause>) {
    if text(new, "/provisioner").is_empty() {
        causes.push(Cause::required("provisioner", ""));
    }
    super::one_of(new, "/reclaimPolicy", &["Delete", "Retain"], causes);
    super::one_of(
        new,
        "/volumeBindingMode",
        &["Immediate", "WaitForFirstConsumer"],
        causes,
    );
    // Upstream hides what somebody wanted to set.
    if old.is_some_and(|old| old.get("parameters") != new.get("parameters")) {
        causes.push(Cause::invalid(
            "parameters",
            &Value::Null,
            "field is immutable",
        ));
    }
    for pointer in ["/provisioner", "/reclaimPolicy", "/volumeBindingMode"] {
        unchanged(old, new, pointer, "field is immutable", causes);
    }
}
