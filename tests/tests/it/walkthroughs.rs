//! The five walkthroughs in both faces: with `kubectl` of the release that is served, and through the API alone.

use anyhow::Result;
use stateward_tests::bed::Bed;
use stateward_tests::ensure_that;
use stateward_tests::narrator::Narrator;
use stateward_tests::user::{Face, User};
use stateward_tests::walkthroughs::{ALL, walk};

/// All walkthroughs side by side on one cluster, each in its namespace.
async fn all(face: Face, has_kubectl: bool) -> Result<()> {
    let kubectl = crate::kubectl().await?;
    let mut bed = Bed::dev().await?;
    let mut walks = Vec::new();
    for (number, _, namespace) in ALL {
        let user = User::new(&bed, namespace, face, Narrator::Silent).await?;
        let user = match has_kubectl {
            true => user.typing(&kubectl),
            false => user.through_the_api(),
        };
        walks.push(async move {
            walk(number, user)
                .await
                .map_err(|error| error.context(format!("walkthrough {number}")))
        });
    }
    if let Err(error) = futures::future::try_join_all(walks).await {
        return Err(error.context(format!("the logs are kept in {}", bed.keep().display())));
    }
    bed.cluster.stop()
}

#[tokio::test]
async fn as_stateful_sets() -> Result<()> {
    all(Face::StatefulSet, true).await
}

#[tokio::test]
async fn as_stateful_apps() -> Result<()> {
    all(Face::StatefulApp, true).await
}

#[tokio::test]
async fn without_kubectl() -> Result<()> {
    all(Face::StatefulSet, false).await
}

#[tokio::test]
async fn a_pod_sees_neither_keys_nor_store_of_the_cluster() -> Result<()> {
    let mut bed = Bed::dev().await?;
    let user = User::new(&bed, "nosy", Face::StatefulApp, Narrator::Silent)
        .await?
        .through_the_api();
    let pod = serde_json::json!({
        "apiVersion": "v1", "kind": "Pod", "metadata": {"name": "nosy"},
        "spec": {"terminationGracePeriodSeconds": 1, "containers": [{"name": "shell", "image": "busybox", "command": ["sleep", "3600"]}]},
    });
    user.apply(&pod.to_string()).await?;
    user.until_replaced("nosy", "").await?;
    let folder = bed.folder.join("dev").display().to_string();
    let seen = user
        .exec_quietly(
            "nosy",
            &["sh", "-c", "ls -A \"$0\" 2>/dev/null | wc -l", &folder],
        )
        .await?;
    ensure_that(seen.trim() == "0", || {
        format!("the pod sees {seen} entries of {folder}")
    })?;
    bed.cluster.stop()
}
