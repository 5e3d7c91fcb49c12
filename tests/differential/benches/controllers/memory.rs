//! What a controller keeps of the pods that it watches: of those of its apps, and of those of others.

use std::ops::Range;
use std::time::Duration;

use anyhow::Result;
use futures::{StreamExt, TryStreamExt};
use k8s_openapi::api::core::v1::{ConfigMap, Pod};
use kube::Client;
use kube::api::{Api, DeleteParams, DynamicObject, ListParams, Patch, PatchParams, PostParams};
use serde_json::{Value, json};
use stateward_controlplane::ControlPlane;

use super::case::Seen;
use super::contender::{Contender, pods};

/// Pods that belong to nobody whom it knows.
const FOREIGN: u32 = 4000;

/// Pods of one app.
const OWN: u32 = 1000;

/// So many of both are there beforehand: buffers and code that the first ones bring along are not theirs.
const BEFOREHAND: u32 = 300;

/// Until statuses and events are written, too.
const SETTLING: Duration = Duration::from_secs(2);

/// Bytes for each pod, by growth of the process while they come.
#[derive(Clone, Copy, Debug, serde::Serialize)]
pub(crate) struct PerPod {
    pub(crate) foreign: f64,
    pub(crate) own: f64,
}

/// Starts the contender on an empty cluster, fills it, and sees how its process grows.
pub(crate) async fn measure(kubernetes: &ControlPlane, contender: Contender) -> Result<PerPod> {
    let client = kubernetes.client().await?;
    contender.start(kubernetes).await?;
    let used = || {
        kubernetes
            .usage(contender.component())
            .map(|used| used.memory)
    };
    let others = kubernetes.namespace("others").await?;
    let namespace = kubernetes.namespace("own").await?;
    let apps: Api<DynamicObject> =
        Api::namespaced_with(client.clone(), &namespace, &contender.kind());
    let mut seen = Seen::watching(client.clone(), &namespace);
    let make = async |name: &str, replicas: u32| {
        let app = serde_json::from_value(contender.manifest(name, replicas, true))?;
        apps.create(&PostParams::default(), &app).await?;
        anyhow::Ok(())
    };
    fill(&client, &others, 0..BEFOREHAND).await?;
    make("first", BEFOREHAND).await?;
    seen.until(|seen| seen.ready("app:1") == BEFOREHAND as usize)
        .await?;
    tokio::time::sleep(SETTLING).await;
    let empty = used()?;

    fill(&client, &others, BEFOREHAND..BEFOREHAND + FOREIGN).await?;
    tokio::time::sleep(SETTLING).await;
    let with_foreign = used()?;

    make("app", OWN).await?;
    seen.until(|seen| seen.ready("app:1") == (BEFOREHAND + OWN) as usize)
        .await?;
    tokio::time::sleep(SETTLING).await;
    let with_own = used()?;
    let per = |before: u64, after: u64, pods: u32| {
        (after.saturating_sub(before)) as f64 / f64::from(pods)
    };
    let figures = PerPod {
        foreign: per(empty, with_foreign, FOREIGN),
        own: per(with_foreign, with_own, OWN),
    };

    for name in ["first", "app"] {
        apps.delete(name, &DeleteParams::background()).await?;
    }
    pods(client.clone(), &others)
        .delete_collection(
            &DeleteParams::default().grace_period(0),
            &ListParams::default(),
        )
        .await?;
    seen.until(Seen::is_empty).await?;
    contender.end(kubernetes).await?;
    Ok(figures)
}

/// Pods of somebody else that wait for a scheduler that never comes, as big as those of the app. Like most pods they have a controller; to the garbage collector it
/// does not matter that this one controls nothing.
async fn fill(client: &Client, namespace: &str, numbers: Range<u32>) -> Result<()> {
    let pods = pods(client.clone(), namespace);
    let owner = owner(client, namespace).await?;
    let creates = numbers.map(|number| {
        let (pods, owner) = (pods.clone(), owner.clone());
        async move {
            let pod: Pod = serde_json::from_value(json!({
                "metadata": { "name": format!("other-{number}"), "labels": { "app": "other" }, "ownerReferences": [owner] },
                "spec": {
                    "schedulerName": "nobody",
                    "automountServiceAccountToken": false,
                    "containers": [{ "name": "main", "image": "app:1" }],
                },
            }))?;
            pods.create(&PostParams::default(), &pod).await?;
            anyhow::Ok(())
        }
    });
    futures::stream::iter(creates)
        .buffer_unordered(32)
        .try_collect::<Vec<()>>()
        .await?;
    Ok(())
}

async fn owner(client: &Client, namespace: &str) -> Result<Value> {
    let maps: Api<ConfigMap> = Api::namespaced(client.clone(), namespace);
    let patch = json!({ "apiVersion": "v1", "kind": "ConfigMap", "metadata": { "name": "owner" } });
    let owner = maps
        .patch("owner", &PatchParams::apply("bench"), &Patch::Apply(patch))
        .await?;
    Ok(json!({
        "apiVersion": "v1", "kind": "ConfigMap", "name": "owner", "uid": owner.metadata.uid, "controller": true,
    }))
}
