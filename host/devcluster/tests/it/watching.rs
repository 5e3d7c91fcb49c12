//! Watches: resuming, selecting, expiring.

use anyhow::Result;
use futures::{StreamExt, TryStreamExt};
use k8s_openapi::api::core::v1::ConfigMap;
use kube::api::{DeleteParams, Patch, PatchParams, PostParams, WatchEvent, WatchParams};
use kube::runtime::watcher;
use kube::{Api, ResourceExt};
use serde_json::json;
use stateward_devcluster::Cluster;

fn labelled(name: &str, tier: &str) -> ConfigMap {
    serde_json::from_value(json!({"metadata": {"name": name, "labels": {"tier": tier}}})).unwrap()
}

fn told(event: &WatchEvent<ConfigMap>) -> String {
    match event {
        WatchEvent::Added(object) => format!("added {}", object.name_any()),
        WatchEvent::Modified(object) => format!("modified {}", object.name_any()),
        WatchEvent::Deleted(object) => format!("deleted {}", object.name_any()),
        WatchEvent::Bookmark(_) => "bookmark".to_owned(),
        WatchEvent::Error(status) => format!("error {}", status.code),
    }
}

#[tokio::test]
async fn leaving_a_selection_is_a_deletion_and_entering_it_an_addition() -> Result<()> {
    let api: Api<ConfigMap> = Api::default_namespaced(Cluster::in_memory().client("default"));
    let front = WatchParams::default().labels("tier=front");
    let events = api.watch(&front, "0").await?.boxed();
    let params = PostParams::default();
    api.create(&params, &labelled("a", "front")).await?;
    api.create(&params, &labelled("b", "back")).await?;
    let relabel = |tier: &str| Patch::Merge(json!({"metadata": {"labels": {"tier": tier}}}));
    api.patch("b", &PatchParams::default(), &relabel("front"))
        .await?;
    api.patch("a", &PatchParams::default(), &relabel("back"))
        .await?;
    api.delete("b", &DeleteParams::default()).await?;

    let seen: Vec<_> = events.take(4).try_collect().await?;

    let seen: Vec<_> = seen.iter().map(told).collect();
    assert_eq!(seen, ["added a", "added b", "deleted a", "deleted b"]);
    Ok(())
}

#[tokio::test]
async fn a_watch_resumes_where_it_was() -> Result<()> {
    let api: Api<ConfigMap> = Api::default_namespaced(Cluster::in_memory().client("default"));
    let params = PostParams::default();
    let first = api.create(&params, &labelled("a", "front")).await?;
    api.create(&params, &labelled("b", "front")).await?;
    api.delete("a", &DeleteParams::default()).await?;

    let version = first.resource_version().unwrap_or_default();
    let events = api.watch(&WatchParams::default(), &version).await?;
    let seen: Vec<_> = events.take(2).try_collect().await?;

    let seen: Vec<_> = seen.iter().map(told).collect();
    assert_eq!(seen, ["added b", "deleted a"]);
    Ok(())
}

#[tokio::test]
async fn a_watch_from_before_a_compaction_has_expired() -> Result<()> {
    let cluster = Cluster::in_memory();
    let api: Api<ConfigMap> = Api::default_namespaced(cluster.client("default"));
    let params = PostParams::default();
    let first = api.create(&params, &labelled("a", "front")).await?;
    let version = first.resource_version().unwrap_or_default();
    api.create(&params, &labelled("b", "front")).await?;
    cluster.compact();

    let events = api.watch(&WatchParams::default(), &version).await?;
    let seen: Vec<_> = events.take(1).try_collect().await?;

    assert_eq!(told(&seen[0]), "error 410");
    Ok(())
}

#[tokio::test]
async fn a_streamed_list_ends_with_a_bookmark_that_says_so() -> Result<()> {
    let client = Cluster::in_memory().client("default");
    let api: Api<ConfigMap> = Api::default_namespaced(client.clone());
    api.create(&PostParams::default(), &labelled("a", "front"))
        .await?;
    let config = watcher::Config::default().streaming_lists();
    let mut events = watcher(api, config).boxed();

    let mut seen = Vec::new();
    while let Some(event) = events.try_next().await? {
        match event {
            watcher::Event::Init => seen.push("init".to_owned()),
            watcher::Event::InitApply(object) => seen.push(object.name_any()),
            watcher::Event::InitDone => break,
            other => panic!("not part of a list: {other:?}"),
        }
    }

    assert_eq!(seen, ["init", "a"]);
    Ok(())
}

#[tokio::test]
async fn a_watch_ends_when_it_was_asked_to_with_a_bookmark() -> Result<()> {
    let api: Api<ConfigMap> = Api::default_namespaced(Cluster::in_memory().client("default"));
    let params = WatchParams::default().timeout(1);

    let seen: Vec<_> = api.watch(&params, "0").await?.try_collect().await?;

    let seen: Vec<_> = seen.iter().map(told).collect();
    assert_eq!(seen, ["bookmark"]);
    Ok(())
}
