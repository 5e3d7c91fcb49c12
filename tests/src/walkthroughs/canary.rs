//! Walkthrough 4: volumes that an administrator made, of which four fit; then an update of the upper half first.

use anyhow::Result;
use kube::ResourceExt;
use kube::api::ListParams;
use serde_json::json;

use super::Walk;
use crate::history::What;
use crate::user::PATIENCE;
use crate::{ensure_that, eventually};

pub(super) async fn walk(walk: &Walk) -> Result<()> {
    let user = &walk.user;
    user.apply_file("examples/walkthroughs/4-static-volumes-and-canary.yaml")
        .await?;
    user.until_ready("myapp", &[0, 1, 2]).await?;
    user.scale("myapp", 4).await?;
    user.until_ready("myapp", &[0, 1, 2, 3]).await?;
    let claims = user.claims().list(&ListParams::default()).await?;
    let mut volumes: Vec<_> = claims
        .iter()
        .filter_map(|claim| claim.spec.as_ref()?.volume_name.clone())
        .collect();
    volumes.sort();
    ensure_that(volumes == ["pv001", "pv003", "pv004", "pv005"], || {
        format!("the claims were to bind the four volumes that fit, they bound {volumes:?}")
    })?;
    user.narrator
        .checked("the four claims bound the four volumes that fit; pv002 does not");

    user.patch("myapp", &json!({"spec": {"replicas": 5}}))
        .await?;
    let note = user
        .until_event("that myapp-4 waits for its claim", |event| {
            event.involved_object.name.as_deref() == Some("myapp-4")
                && event
                    .message
                    .as_deref()
                    .unwrap_or_default()
                    .contains("myappdata-myapp-4")
        })
        .await?;
    user.narrator.shows(&note);
    user.narrator
        .checked("the fifth pod waits and says for which claim");
    user.patch("myapp", &json!({"spec": {"replicas": 4}}))
        .await?;
    user.until_ready("myapp", &[0, 1, 2, 3]).await?;

    user.exec(
        "myapp-0",
        &["sh", "-c", "echo kept > /usr/share/nginx/html/kept.txt"],
    )
    .await?;
    user.scale("myapp", 1).await?;
    user.until_ready("myapp", &[0]).await?;
    user.scale("myapp", 4).await?;
    user.until_ready("myapp", &[0, 1, 2, 3]).await?;
    let kept = user
        .exec("myapp-0", &["cat", "/usr/share/nginx/html/kept.txt"])
        .await?;
    ensure_that(kept == "kept", || format!("the file holds {kept:?}"))?;
    user.narrator
        .checked("the file is there after 4, 1 and 4 again");

    user.patch("myapp", &json!({"spec": {"updateStrategy": {"type": "RollingUpdate", "rollingUpdate": {"partition": 2}}}})).await?;
    let mark = walk.history.mark();
    user.set_image("myapp", "myapp", "ikubernetes/myapp:v2")
        .await?;
    images(walk, ["v1", "v1", "v2", "v2"]).await?;
    walk.history
        .expect_order_since(
            mark,
            &[
                ("myapp-3", What::Terminating),
                ("myapp-3", What::Ready),
                ("myapp-2", What::Terminating),
                ("myapp-2", What::Ready),
            ],
        )
        .await?;
    user.narrator
        .checked("with partition 2 only ordinals 3 and 2 moved to v2");

    let mark = walk.history.mark();
    user.patch(
        "myapp",
        &json!({"spec": {"updateStrategy": {"rollingUpdate": {"partition": 0}}}}),
    )
    .await?;
    user.until_rolled_out("myapp").await?;
    images(walk, ["v2", "v2", "v2", "v2"]).await?;
    walk.history
        .expect_order_since(
            mark,
            &[
                ("myapp-1", What::Terminating),
                ("myapp-1", What::Ready),
                ("myapp-0", What::Terminating),
                ("myapp-0", What::Ready),
            ],
        )
        .await?;
    user.narrator
        .checked("with partition 0 the rest moved, 1 then 0");
    Ok(())
}

/// Waits until the pods run these versions, all ready.
async fn images(walk: &Walk, versions: [&str; 4]) -> Result<()> {
    let user = &walk.user;
    eventually(&format!("the pods run {versions:?}"), PATIENCE, || async {
        let mut pods = user.pods().list(&ListParams::default()).await?.items;
        pods.sort_by_key(ResourceExt::name_any);
        let seen: Vec<_> = pods
            .iter()
            .map(|pod| {
                let image = pod
                    .spec
                    .as_ref()
                    .and_then(|spec| spec.containers.first())
                    .and_then(|container| container.image.clone())
                    .unwrap_or_default();
                (
                    image.rsplit(':').next().unwrap_or_default().to_owned(),
                    crate::user::is_ready(pod),
                )
            })
            .collect();
        let all = seen.len() == versions.len()
            && seen
                .iter()
                .zip(versions)
                .all(|((version, ready), wanted)| version == wanted && *ready);
        Ok(if all {
            Ok(())
        } else {
            Err(format!("{seen:?}"))
        })
    })
    .await
}
