//! Walkthrough 5: a class named by the old annotation, configuration and a secret in the pods, and one claim that all pods share.

use anyhow::Result;
use kube::ResourceExt;
use kube::api::ListParams;

use super::Walk;
use crate::ensure_that;

pub(super) async fn walk(walk: &Walk) -> Result<()> {
    let user = &walk.user;
    user.apply_file("examples/walkthroughs/5-class-by-annotation.yaml")
        .await?;
    user.until_ready("web", &[0, 1]).await?;
    for claim in user.claims().list(&ListParams::default()).await? {
        let phase = claim
            .status
            .as_ref()
            .and_then(|status| status.phase.clone())
            .unwrap_or_default();
        let class = claim
            .annotations()
            .get("volume.beta.kubernetes.io/storage-class")
            .cloned()
            .or(claim
                .spec
                .as_ref()
                .and_then(|spec| spec.storage_class_name.clone()));
        ensure_that(
            phase == "Bound" && class.as_deref() == Some("managed-nfs-storage"),
            || format!("{} is {phase} with class {class:?}", claim.name_any()),
        )?;
    }
    user.look("pvc")?;
    user.narrator
        .checked("the claims got the class that the annotation names");

    let config = user.exec("web-1", &["cat", "/etc/app/redis.conf"]).await?;
    ensure_that(config.contains("appendonly yes"), || {
        format!("redis.conf holds {config:?}")
    })?;
    let host = user.exec("web-1", &["cat", "/etc/app/db.host"]).await?;
    ensure_that(host == "10.5.10.116", || format!("db.host holds {host:?}"))?;
    let length = user
        .exec("web-1", &["sh", "-c", "printf %s \"$DB_PASSWORD\" | wc -c"])
        .await?;
    ensure_that(length.trim() == "14", || {
        format!("the password in the environment has {length} characters")
    })?;
    user.narrator
        .checked("the configuration is there as files, the secret in the environment");

    user.exec("web-0", &["sh", "-c", "echo shared > /srv/shared/note"])
        .await?;
    let note = user.exec("web-1", &["cat", "/srv/shared/note"]).await?;
    ensure_that(note == "shared", || {
        format!("the shared claim shows {note:?}")
    })?;
    user.narrator
        .checked("both pods see the claim that they share, beside one of their own each");
    Ok(())
}
