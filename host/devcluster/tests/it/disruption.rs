//! Evictions and disruption budgets.

use anyhow::Result;
use k8s_openapi::api::core::v1::Pod;
use k8s_openapi::api::policy::v1::PodDisruptionBudget;
use kube::Api;
use kube::api::{EvictParams, Patch, PatchParams, PostParams};
use serde_json::json;
use stateward_devcluster::Cluster;

use crate::{pod, refused};

#[tokio::test]
async fn an_eviction_waits_for_the_budget() -> Result<()> {
    let client = Cluster::in_memory().client("default");
    let pods: Api<Pod> = Api::default_namespaced(client.clone());
    let budgets: Api<PodDisruptionBudget> = Api::default_namespaced(client);
    let budget = json!({
        "metadata": {"name": "two"},
        "spec": {"minAvailable": 2, "selector": {"matchLabels": {"app": "shop"}}},
    });
    budgets
        .create(&PostParams::default(), &serde_json::from_value(budget)?)
        .await?;
    let ready = Patch::Merge(json!({"status": {
        "phase": "Running",
        "conditions": [{"type": "Ready", "status": "True"}],
    }}));
    for name in ["one", "two"] {
        pods.create(&PostParams::default(), &pod(name, "n1"))
            .await?;
        pods.patch_status(name, &PatchParams::default(), &ready)
            .await?;
    }

    let status = refused(pods.evict("one", &EvictParams::default()).await);
    assert_eq!(
        (status.code, status.reason.as_str()),
        (429, "TooManyRequests")
    );
    pods.create(&PostParams::default(), &pod("three", "n1"))
        .await?;
    pods.patch_status("three", &PatchParams::default(), &ready)
        .await?;
    let counted = budgets.get("two").await?.status.unwrap_or_default();
    assert_eq!(
        (counted.current_healthy, counted.disruptions_allowed),
        (Some(3), Some(1))
    );
    pods.evict("one", &EvictParams::default()).await?;

    assert!(pods.get("one").await?.metadata.deletion_timestamp.is_some());
    assert_eq!(
        refused(pods.evict("two", &EvictParams::default()).await).code,
        429
    );
    Ok(())
}
