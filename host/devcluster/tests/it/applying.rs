//! Server-side apply and field managers.

use anyhow::Result;
use k8s_openapi::api::core::v1::ConfigMap;
use kube::Api;
use kube::api::{Patch, PatchParams};
use serde_json::{Value, json};
use stateward_devcluster::Cluster;

use crate::{raw, refused};

fn api() -> Api<ConfigMap> {
    Api::default_namespaced(Cluster::in_memory().client("default"))
}

async fn apply(
    api: &Api<ConfigMap>,
    manager: &str,
    data: Value,
    is_forced: bool,
) -> kube::Result<ConfigMap> {
    let config = json!({
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": "shared"},
        "data": data,
    });
    let mut params = PatchParams::apply(manager);
    params.force = is_forced;
    api.patch("shared", &params, &Patch::Apply(config)).await
}

#[tokio::test]
async fn managers_own_what_they_apply_and_drop_what_they_leave_out() -> Result<()> {
    let api = api();
    apply(&api, "alice", json!({"a": "1", "b": "1"}), false).await?;
    apply(&api, "bob", json!({"c": "1"}), false).await?;

    let left = apply(&api, "alice", json!({"a": "1"}), false).await?;

    assert_eq!(raw(&left)["data"], json!({"a": "1", "c": "1"}));
    let managers = raw(&left)["metadata"]["managedFields"].clone();
    assert_eq!(managers[0]["manager"], "alice");
    assert_eq!(managers[0]["fieldsV1"], json!({"f:data": {"f:a": {}}}));
    Ok(())
}

#[tokio::test]
async fn a_field_of_another_manager_is_a_conflict_until_forced() -> Result<()> {
    let api = api();
    apply(&api, "alice", json!({"a": "1"}), false).await?;

    let status = refused(apply(&api, "bob", json!({"a": "2"}), false).await);
    assert_eq!(status.code, 409);
    assert_eq!(
        status.message,
        "Apply failed with 1 conflict: conflict with \"alice\": .data.a"
    );
    let forced = apply(&api, "bob", json!({"a": "2"}), true).await?;

    let forced = raw(forced);
    assert_eq!(forced["data"]["a"], "2");
    let managers = forced["metadata"]["managedFields"]
        .as_array()
        .unwrap()
        .clone();
    assert_eq!(managers.len(), 1);
    assert_eq!(managers[0]["manager"], "bob");
    Ok(())
}

#[tokio::test]
async fn the_same_value_is_owned_together() -> Result<()> {
    let api = api();
    apply(&api, "alice", json!({"a": "1"}), false).await?;
    apply(&api, "bob", json!({"a": "1"}), false).await?;

    let left = apply(&api, "alice", json!({}), false).await?;

    assert_eq!(raw(left)["data"]["a"], "1");
    Ok(())
}

#[tokio::test]
async fn an_update_takes_the_fields_that_it_changes() -> Result<()> {
    let api = api();
    apply(&api, "alice", json!({"a": "1", "b": "1"}), false).await?;
    let change = Patch::Merge(json!({"data": {"a": "2"}}));
    let by_carol = PatchParams {
        field_manager: Some("carol".to_owned()),
        ..Default::default()
    };
    api.patch("shared", &by_carol, &change).await?;

    let status = refused(apply(&api, "alice", json!({"a": "1", "b": "1"}), false).await);

    assert_eq!(
        status.message,
        "Apply failed with 1 conflict: conflict with \"carol\" using v1: .data.a"
    );
    Ok(())
}
