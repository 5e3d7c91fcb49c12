//! A cluster in a folder.

use anyhow::Result;
use futures::TryStreamExt;
use k8s_openapi::api::core::v1::ConfigMap;
use kube::api::{DeleteParams, PostParams, WatchEvent, WatchParams};
use kube::{Api, ResourceExt};
use stateward_devcluster::{Cluster, ServeOptions};
use tokio_util::sync::CancellationToken;

use crate::config_map;

fn config_maps(cluster: &Cluster) -> Api<ConfigMap> {
    Api::default_namespaced(cluster.client("default"))
}

/// Clients run in tasks of their own, which drop their share of the cluster a moment after the client.
async fn close(cluster: Cluster, folder: &std::path::Path) -> Cluster {
    drop(cluster);
    loop {
        match Cluster::open(folder) {
            Ok(cluster) => return cluster,
            Err(error) => assert_eq!(error.reason(), "ClusterInUse", "{error}"),
        }
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn a_cluster_goes_on_where_it_was_closed() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let cluster = Cluster::open(folder.path())?;
    let kept = {
        let api = config_maps(&cluster);
        let kept = api
            .create(&PostParams::default(), &config_map("kept"))
            .await?;
        api.create(&PostParams::default(), &config_map("gone"))
            .await?;
        api.delete("gone", &DeleteParams::default()).await?;
        kept
    };

    let cluster = close(cluster, folder.path()).await;
    let api = config_maps(&cluster);

    assert_eq!(api.get("kept").await?, kept);
    assert!(api.get_opt("gone").await?.is_none());
    let next = api
        .create(&PostParams::default(), &config_map("next"))
        .await?;
    let version = |object: &ConfigMap| -> u64 {
        object
            .resource_version()
            .unwrap_or_default()
            .parse()
            .unwrap()
    };
    assert!(version(&next) > version(&kept) + 2);
    Ok(())
}

#[tokio::test]
async fn a_watch_from_before_the_restart_has_expired() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let cluster = Cluster::open(folder.path())?;
    let made = config_maps(&cluster)
        .create(&PostParams::default(), &config_map("kept"))
        .await?;
    let cluster = close(cluster, folder.path()).await;

    let version = made.resource_version().unwrap_or_default();
    let events = config_maps(&cluster)
        .watch(&WatchParams::default(), &version)
        .await?;
    let seen: Vec<_> = events.try_collect().await?;

    assert!(matches!(&seen[..], [WatchEvent::Error(status)] if status.code == 410));
    Ok(())
}

#[tokio::test]
async fn a_folder_belongs_to_one_cluster_at_a_time() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let _first = Cluster::open(folder.path())?;

    let second = Cluster::open(folder.path()).unwrap_err();

    assert_eq!(second.reason(), "ClusterInUse");
    Ok(())
}

#[tokio::test]
async fn token_and_authority_stay_with_the_folder() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let cluster = Cluster::open(folder.path())?;
    let stop = CancellationToken::new();
    let first = cluster.serve(ServeOptions::default(), stop.clone()).await?;
    let (token, port) = (first.token.clone(), first.address.port());
    let kubeconfig = first.kubeconfig_yaml.clone();
    stop.cancel();
    first.stopped().await;

    let cluster = close(cluster, folder.path()).await;
    let stop = CancellationToken::new();
    let second = cluster
        .serve(ServeOptions::on_port(port), stop.clone())
        .await?;

    assert_eq!(second.token, token);
    assert_eq!(second.kubeconfig_yaml, kubeconfig);
    stop.cancel();
    second.stopped().await;
    Ok(())
}
