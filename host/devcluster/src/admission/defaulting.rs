//! What a built-in kind fills in when the client left it out.

mod definitions;
mod pods;
mod services;
mod stateful_sets;
mod storage;
mod times;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use crate::kinds::Builtin;
use crate::object;
use crate::state::State;

/// Completes an object. Runs on every write, so that nothing a later update left out stays away.
pub(crate) fn apply(state: &State, builtin: Builtin, object: &mut Value) {
    times::complete(builtin, object);
    match builtin {
        Builtin::CustomResourceDefinition => definitions::complete(object),
        Builtin::Event => event(object),
        Builtin::EndpointSlice => services::complete_slice(object),
        Builtin::Endpoints => services::complete_endpoints(object),
        Builtin::Namespace => namespace(object),
        Builtin::Node => node(object),
        Builtin::PersistentVolume => storage::complete_volume(object),
        Builtin::PersistentVolumeClaim => storage::complete_claim(state, object),
        Builtin::Pod => pods::complete_pod(object),
        Builtin::PodTemplate => pods::complete_template_of(object),
        Builtin::Secret => secret(object),
        Builtin::Service => services::complete(state, object),
        Builtin::StatefulSet => stateful_sets::complete(object),
        Builtin::StorageClass => storage::complete_class(object),
        Builtin::ConfigMap
        | Builtin::ControllerRevision
        | Builtin::Lease
        | Builtin::PodDisruptionBudget
        | Builtin::ResourceQuota
        | Builtin::ServiceAccount => {}
    }
    gained(state, builtin, object);
}

/// What an upgraded server fills in besides, see [`crate::Cluster::gain_default`].
fn gained(state: &State, builtin: Builtin, object: &mut Value) {
    let path: &[&str] = match builtin {
        Builtin::Pod => &["spec"],
        Builtin::PodTemplate => &["template", "spec"],
        Builtin::StatefulSet => &["spec", "template", "spec"],
        _ => return,
    };
    for (field, value) in &state.gained {
        object::with_map(object, path, |spec| {
            object::default(spec, field, value.clone());
        });
    }
}

fn namespace(namespace: &mut Value) {
    let name = object::name(namespace).to_owned();
    object::set(
        namespace,
        &["metadata", "labels", "kubernetes.io/metadata.name"],
        name,
    );
    // While a namespace is deleted its content goes first: this finalizer stands for that.
    if !object::is_terminating(namespace) {
        object::set(namespace, &["spec"], json!({"finalizers": ["kubernetes"]}));
    }
}

/// Fields that upstream's type always has.
fn event(event: &mut Value) {
    if let Some(fields) = event.as_object_mut() {
        object::default(fields, "reportingComponent", "");
        object::default(fields, "reportingInstance", "");
        object::default(fields, "source", json!({}));
    }
}

/// Texts that upstream's type of a node always has.
const NODE_INFO: [&str; 10] = [
    "architecture",
    "bootID",
    "containerRuntimeVersion",
    "kernelVersion",
    "kubeProxyVersion",
    "kubeletVersion",
    "machineID",
    "operatingSystem",
    "osImage",
    "systemUUID",
];

/// What a node has can be allocated, unless it says otherwise.
fn node(node: &mut Value) {
    object::with_map(node, &["status"], |status| {
        if let Some(capacity) = status.get("capacity").cloned() {
            object::default(status, "allocatable", capacity);
        }
        object::default(
            status,
            "daemonEndpoints",
            json!({"kubeletEndpoint": {"Port": 0}}),
        );
    });
    object::with_map(node, &["status", "nodeInfo"], |info| {
        for field in NODE_INFO {
            object::default(info, field, "");
        }
    });
    object::with_map(node, &["spec"], |spec| {
        if let Some(range) = spec.get("podCIDR").cloned() {
            object::default(spec, "podCIDRs", json!([range]));
        }
    });
}

/// What is written as `stringData` is read as `data`.
fn secret(secret: &mut Value) {
    if let Some(Value::Object(texts)) = object::remove(secret, &["stringData"]) {
        for (key, text) in texts {
            let encoded = STANDARD.encode(text.as_str().unwrap_or_default());
            object::set(secret, &["data", key.as_str()], encoded);
        }
    }
    if let Some(fields) = secret.as_object_mut() {
        object::default(fields, "type", "Opaque");
    }
}
