//! Conversations with the embedded API, one file per topic.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test that meets the unexpected should fail there"
)]

mod applying;
mod custom_resources;
mod deleting;
mod disruption;
mod hostile_requests;
mod killing;
mod listing;
mod nodes;
mod objects;
mod patching;
mod persistence;
mod serving;
mod simulation;
mod stateful_sets;
mod storage;
mod watching;

use k8s_openapi::api::core::v1::{ConfigMap, Pod};
use kube::core::Status;
use serde_json::{Value, json};

/// A config map with one entry.
fn config_map(name: &str) -> ConfigMap {
    serde_json::from_value(json!({"metadata": {"name": name}, "data": {"a": "1"}})).unwrap()
}

/// A pod of one container; `on` is its node, or "" for none.
fn pod(name: &str, on: &str) -> Pod {
    let mut pod = json!({
        "metadata": {"name": name, "labels": {"app": "shop"}},
        "spec": {"containers": [{"name": "main", "image": "busybox"}]},
    });
    if !on.is_empty() {
        pod["spec"]["nodeName"] = on.into();
    }
    serde_json::from_value(pod).unwrap()
}

/// The `Status` of a refused request.
fn refused<T: std::fmt::Debug>(answer: kube::Result<T>) -> Box<Status> {
    match answer {
        Err(kube::Error::Api(status)) => status,
        other => panic!("not refused by the API: {other:?}"),
    }
}

/// The object as JSON, for looking at single fields.
fn raw(object: impl serde::Serialize) -> Value {
    serde_json::to_value(object).unwrap()
}
