//! The five walkthroughs in both faces: with kubectl where it is installed, and through the API alone.

use anyhow::Result;
use stateward_tests::bed::Bed;
use stateward_tests::narrator::Narrator;
use stateward_tests::user::{Face, User};
use stateward_tests::walkthroughs::{ALL, walk};

/// All walkthroughs side by side on one cluster, each in its namespace.
async fn all(face: Face, kubectl: bool) -> Result<()> {
    let mut bed = Bed::dev().await?;
    let mut walks = Vec::new();
    for (number, _, namespace) in ALL {
        let user = User::new(&bed, namespace, face, Narrator::Silent).await?;
        let user = if kubectl {
            user
        } else {
            user.through_the_api()
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
