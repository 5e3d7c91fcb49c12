//! Create, read, update, patch, delete.

use anyhow::Result;
use k8s_openapi::api::core::v1::{ConfigMap, Namespace};
use kube::api::{DeleteParams, ListParams, Patch, PatchParams, PostParams};
use kube::{Api, ResourceExt};
use serde_json::json;
use stateward_devcluster::Cluster;

fn config_map(name: &str) -> ConfigMap {
    serde_json::from_value(json!({"metadata": {"name": name}, "data": {"a": "1"}})).unwrap()
}

#[tokio::test]
async fn a_created_object_has_an_identity_and_can_be_read() -> Result<()> {
    let api: Api<ConfigMap> = Api::default_namespaced(Cluster::in_memory().client("default"));

    let created = api
        .create(&PostParams::default(), &config_map("one"))
        .await?;

    assert!(created.uid().is_some());
    assert!(created.creation_timestamp().is_some());
    assert_eq!(api.get("one").await?, created);
    let listed = api.list(&ListParams::default()).await?;
    assert_eq!(listed.items.len(), 1);
    Ok(())
}

#[tokio::test]
async fn a_name_is_given_once() -> Result<()> {
    let api: Api<ConfigMap> = Api::default_namespaced(Cluster::in_memory().client("default"));
    api.create(&PostParams::default(), &config_map("one"))
        .await?;

    let refused = api.create(&PostParams::default(), &config_map("one")).await;

    let kube::Error::Api(status) = refused.unwrap_err() else {
        panic!("not an answer of the API");
    };
    assert_eq!(
        (status.code, status.reason.as_str()),
        (409, "AlreadyExists")
    );
    assert_eq!(status.message, "configmaps \"one\" already exists");
    Ok(())
}

#[tokio::test]
async fn a_stale_update_is_a_conflict() -> Result<()> {
    let api: Api<ConfigMap> = Api::default_namespaced(Cluster::in_memory().client("default"));
    let first = api
        .create(&PostParams::default(), &config_map("one"))
        .await?;
    let patch = json!({"data": {"a": "2", "b": "3"}});
    let patched = api
        .patch("one", &PatchParams::default(), &Patch::Merge(patch))
        .await?;
    assert_eq!(patched.data.as_ref().map(|data| data.len()), Some(2));

    let refused = api.replace("one", &PostParams::default(), &first).await;

    assert!(matches!(refused, Err(kube::Error::Api(status)) if status.is_conflict()));
    Ok(())
}

#[tokio::test]
async fn a_namespace_takes_its_content_with_it() -> Result<()> {
    let client = Cluster::in_memory().client("default");
    let namespaces: Api<Namespace> = Api::all(client.clone());
    let namespace: Namespace = serde_json::from_value(json!({"metadata": {"name": "shop"}}))?;
    namespaces
        .create(&PostParams::default(), &namespace)
        .await?;
    let api: Api<ConfigMap> = Api::namespaced(client, "shop");
    api.create(&PostParams::default(), &config_map("one"))
        .await?;

    namespaces.delete("shop", &DeleteParams::default()).await?;

    assert!(api.get_opt("one").await?.is_none());
    assert!(namespaces.get_opt("shop").await?.is_none());
    Ok(())
}
