//! Deletion: grace, finalizers, preconditions, owners, namespaces.

use anyhow::Result;
use k8s_openapi::api::core::v1::{ConfigMap, Namespace, Pod};
use kube::api::{
    DeleteParams, ListParams, Patch, PatchParams, PostParams, Preconditions, PropagationPolicy,
};
use kube::{Api, Client, ResourceExt};
use serde_json::json;
use stateward_devcluster::Cluster;

use crate::{config_map, pod, refused};

fn client() -> Client {
    Cluster::in_memory().client("default")
}

/// A config map that `owner` owns.
async fn owned(api: &Api<ConfigMap>, name: &str, owner: &ConfigMap) -> Result<ConfigMap> {
    let mut object = config_map(name);
    object.metadata.owner_references = Some(vec![serde_json::from_value(json!({
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "name": owner.name_any(),
        "uid": owner.uid(),
        "blockOwnerDeletion": true,
    }))?]);
    Ok(api.create(&PostParams::default(), &object).await?)
}

#[tokio::test]
async fn a_pod_on_a_node_stays_until_its_node_is_done() -> Result<()> {
    let api: Api<Pod> = Api::default_namespaced(client());
    api.create(&PostParams::default(), &pod("one", "n1"))
        .await?;

    api.delete("one", &DeleteParams::default()).await?;

    let marked = api.get("one").await?;
    assert!(marked.metadata.deletion_timestamp.is_some());
    assert_eq!(marked.metadata.deletion_grace_period_seconds, Some(30));
    api.delete("one", &DeleteParams::default().grace_period(0))
        .await?;
    assert!(api.get_opt("one").await?.is_none());
    Ok(())
}

#[tokio::test]
async fn a_pod_without_a_node_goes_at_once() -> Result<()> {
    let api: Api<Pod> = Api::default_namespaced(client());
    api.create(&PostParams::default(), &pod("one", "")).await?;

    api.delete("one", &DeleteParams::default()).await?;

    assert!(api.get_opt("one").await?.is_none());
    Ok(())
}

#[tokio::test]
async fn a_deletion_means_the_uid_that_it_names() -> Result<()> {
    let api: Api<ConfigMap> = Api::default_namespaced(client());
    let made = api
        .create(&PostParams::default(), &config_map("one"))
        .await?;
    let of = |uid: Option<String>| DeleteParams {
        preconditions: Some(Preconditions {
            uid,
            resource_version: None,
        }),
        ..Default::default()
    };

    let other = "00000000-0000-0000-0000-000000000000".to_owned();
    let status = refused(api.delete("one", &of(Some(other))).await);
    assert_eq!(status.code, 409);
    assert!(status.message.contains(
        "the UID in the precondition (00000000-0000-0000-0000-000000000000) does not match"
    ));
    api.delete("one", &of(made.uid())).await?;

    assert!(api.get_opt("one").await?.is_none());
    Ok(())
}

#[tokio::test]
async fn the_last_finalizer_lets_an_object_go_and_none_can_be_added() -> Result<()> {
    let api: Api<ConfigMap> = Api::default_namespaced(client());
    let mut held = config_map("one");
    held.finalizers_mut().push("example.com/hold".to_owned());
    api.create(&PostParams::default(), &held).await?;
    api.delete("one", &DeleteParams::default()).await?;
    let finalizers = |list: &[&str]| Patch::Merge(json!({"metadata": {"finalizers": list}}));

    let more = finalizers(&["example.com/hold", "example.com/more"]);
    let status = refused(api.patch("one", &PatchParams::default(), &more).await);
    assert_eq!(status.code, 422);
    api.patch("one", &PatchParams::default(), &finalizers(&[]))
        .await?;

    assert!(api.get_opt("one").await?.is_none());
    Ok(())
}

#[tokio::test]
async fn dependents_go_with_their_owner() -> Result<()> {
    let api: Api<ConfigMap> = Api::default_namespaced(client());
    let owner = api
        .create(&PostParams::default(), &config_map("owner"))
        .await?;
    let child = owned(&api, "child", &owner).await?;
    owned(&api, "grandchild", &child).await?;

    api.delete("owner", &DeleteParams::background()).await?;

    assert!(api.list(&ListParams::default()).await?.items.is_empty());
    Ok(())
}

#[tokio::test]
async fn orphans_stay_and_forget_their_owner() -> Result<()> {
    let api: Api<ConfigMap> = Api::default_namespaced(client());
    let owner = api
        .create(&PostParams::default(), &config_map("owner"))
        .await?;
    owned(&api, "child", &owner).await?;

    api.delete("owner", &DeleteParams::orphan()).await?;

    assert!(api.get_opt("owner").await?.is_none());
    assert!(api.get("child").await?.owner_references().is_empty());
    Ok(())
}

#[tokio::test]
async fn in_the_foreground_the_owner_goes_last() -> Result<()> {
    let api: Api<ConfigMap> = Api::default_namespaced(client());
    let owner = api
        .create(&PostParams::default(), &config_map("owner"))
        .await?;
    owned(&api, "child", &owner).await?;
    let hold = Patch::Merge(json!({"metadata": {"finalizers": ["example.com/hold"]}}));
    api.patch("child", &PatchParams::default(), &hold).await?;

    let params = DeleteParams {
        propagation_policy: Some(PropagationPolicy::Foreground),
        ..Default::default()
    };
    api.delete("owner", &params).await?;
    assert_eq!(api.get("owner").await?.finalizers(), ["foregroundDeletion"]);
    let release = Patch::Merge(json!({"metadata": {"finalizers": null}}));
    api.patch("child", &PatchParams::default(), &release)
        .await?;

    assert!(api.list(&ListParams::default()).await?.items.is_empty());
    Ok(())
}

#[tokio::test]
async fn who_names_an_owner_that_is_not_there_is_collected() -> Result<()> {
    let api: Api<ConfigMap> = Api::default_namespaced(client());
    let owner = api
        .create(&PostParams::default(), &config_map("owner"))
        .await?;
    api.delete("owner", &DeleteParams::default()).await?;

    owned(&api, "late", &owner).await?;

    assert!(api.get_opt("late").await?.is_none());
    Ok(())
}

#[tokio::test]
async fn a_namespace_takes_its_content_with_it_and_waits_for_pods() -> Result<()> {
    let client = client();
    let namespaces: Api<Namespace> = Api::all(client.clone());
    let wanted = serde_json::from_value(json!({"metadata": {"name": "shop"}}))?;
    namespaces.create(&PostParams::default(), &wanted).await?;
    let maps: Api<ConfigMap> = Api::namespaced(client.clone(), "shop");
    maps.create(&PostParams::default(), &config_map("one"))
        .await?;
    let pods: Api<Pod> = Api::namespaced(client, "shop");
    pods.create(&PostParams::default(), &pod("one", "n1"))
        .await?;

    namespaces.delete("shop", &DeleteParams::default()).await?;

    assert!(maps.get_opt("one").await?.is_none());
    let status = refused(
        maps.create(&PostParams::default(), &config_map("two"))
            .await,
    );
    assert_eq!(status.code, 403);
    assert!(status.message.contains("because it is being terminated"));
    pods.delete("one", &DeleteParams::default().grace_period(0))
        .await?;
    assert!(namespaces.get_opt("shop").await?.is_none());
    Ok(())
}

#[tokio::test]
async fn a_collection_is_deleted_by_its_labels() -> Result<()> {
    let api: Api<Pod> = Api::default_namespaced(client());
    api.create(&PostParams::default(), &pod("one", "")).await?;
    api.create(&PostParams::default(), &pod("two", "")).await?;
    let mut other = pod("other", "");
    other
        .labels_mut()
        .insert("app".to_owned(), "bank".to_owned());
    api.create(&PostParams::default(), &other).await?;

    let shop = ListParams::default().labels("app=shop");
    api.delete_collection(&DeleteParams::default(), &shop)
        .await?;

    let left = api.list(&ListParams::default()).await?;
    let left: Vec<_> = left.items.iter().map(ResourceExt::name_any).collect();
    assert_eq!(left, ["other"]);
    Ok(())
}
