//! The types of patches.

use anyhow::Result;
use k8s_openapi::api::apps::v1::StatefulSet;
use k8s_openapi::api::core::v1::{ConfigMap, Pod};
use kube::Api;
use kube::api::{Patch, PatchParams, PostParams};
use serde_json::{Value, json};
use stateward_devcluster::Cluster;

use crate::{config_map, pod, raw, refused};

async fn set_of_two_containers() -> Result<Api<StatefulSet>> {
    let api: Api<StatefulSet> = Api::default_namespaced(Cluster::in_memory().client("default"));
    let set = json!({
        "metadata": {"name": "web"},
        "spec": {
            "selector": {"matchLabels": {"app": "web"}},
            "template": {
                "metadata": {"labels": {"app": "web"}},
                "spec": {"containers": [
                    {"name": "a", "image": "a:1", "env": [{"name": "X", "value": "1"}]},
                    {"name": "b", "image": "b:1"},
                ]},
            },
        },
    });
    api.create(&PostParams::default(), &serde_json::from_value(set)?)
        .await?;
    Ok(api)
}

async fn patched(api: &Api<StatefulSet>, containers: Value) -> Result<Value> {
    let patch = json!({"spec": {"template": {"spec": containers}}});
    let set = api
        .patch("web", &PatchParams::default(), &Patch::Strategic(patch))
        .await?;
    Ok(raw(set)["spec"]["template"]["spec"]["containers"].take())
}

#[tokio::test]
async fn a_strategic_patch_finds_list_items_by_their_key() -> Result<()> {
    let api = set_of_two_containers().await?;

    let containers = patched(
        &api,
        json!({"containers": [{"name": "a", "env": [{"name": "Y", "value": "2"}]}]}),
    )
    .await?;

    assert_eq!(containers[0]["image"], "a:1");
    assert_eq!(
        containers[0]["env"],
        json!([{"name": "Y", "value": "2"}, {"name": "X", "value": "1"}])
    );
    assert_eq!(containers[1]["name"], "b");
    Ok(())
}

#[tokio::test]
async fn a_strategic_patch_deletes_replaces_and_orders() -> Result<()> {
    let api = set_of_two_containers().await?;
    let containers = patched(
        &api,
        json!({
            "$setElementOrder/containers": [{"name": "c"}, {"name": "b"}],
            "containers": [
                {"name": "a", "$patch": "delete"},
                {"name": "c", "image": "c:1"},
            ],
        }),
    )
    .await?;
    let names: Vec<_> = containers
        .as_array()
        .unwrap()
        .iter()
        .map(|one| &one["name"])
        .collect();
    assert_eq!(names, ["c", "b"]);

    let containers = patched(
        &api,
        json!({"containers": [{"$patch": "replace"}, {"name": "only", "image": "d:1"}]}),
    )
    .await?;

    assert_eq!(containers.as_array().unwrap().len(), 1);
    assert_eq!(containers[0]["name"], "only");
    Ok(())
}

#[tokio::test]
async fn a_json_patch_stops_at_a_failed_test() -> Result<()> {
    let api: Api<ConfigMap> = Api::default_namespaced(Cluster::in_memory().client("default"));
    api.create(&PostParams::default(), &config_map("one"))
        .await?;
    let patch = |expected: &str| -> Patch<()> {
        let operations = json!([
            {"op": "test", "path": "/data/a", "value": expected},
            {"op": "replace", "path": "/data/a", "value": "2"},
        ]);
        Patch::Json(serde_json::from_value(operations).unwrap())
    };

    let status = refused(api.patch("one", &PatchParams::default(), &patch("9")).await);
    let changed = api
        .patch("one", &PatchParams::default(), &patch("1"))
        .await?;

    assert_eq!(status.code, 422);
    assert_eq!(changed.data.unwrap()["a"], "2");
    Ok(())
}

#[tokio::test]
async fn a_merge_patch_may_name_the_version_that_it_means() -> Result<()> {
    let api: Api<Pod> = Api::default_namespaced(Cluster::in_memory().client("default"));
    let made = api.create(&PostParams::default(), &pod("one", "")).await?;
    let at = |version: &str| {
        Patch::Merge(json!({
            "metadata": {"resourceVersion": version},
            "status": {"message": "seen"},
        }))
    };

    let stale = api
        .patch_status("one", &PatchParams::default(), &at("1"))
        .await;
    let version = made.metadata.resource_version.unwrap_or_default();
    let current = api
        .patch_status("one", &PatchParams::default(), &at(&version))
        .await;

    assert_eq!(refused(stale).code, 409);
    assert!(current.is_ok());
    Ok(())
}
