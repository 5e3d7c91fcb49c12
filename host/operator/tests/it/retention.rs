//! Whom claims belong to, in both faces.

use serde_json::{Value, json};

use crate::bed::{Bed, app};

const FACES: [&str; 2] = ["StatefulApp", "StatefulSet"];

fn policy(when_deleted: &str, when_scaled: &str) -> Value {
    json!({ "whenDeleted": when_deleted, "whenScaled": when_scaled })
}

async fn until_owner(bed: &Bed, claim: &str, kind: Option<&str>) {
    bed.until(&format!("{claim} is owned by {kind:?}"), || async {
        let found = bed.get("PersistentVolumeClaim", claim).await;
        let owners = found["metadata"]["ownerReferences"].as_array().cloned();
        let owners = owners.unwrap_or_default();
        let owner = owners.first().map(|owner| owner["kind"].clone());
        match owner == kind.map(Value::from) && owners.len() <= 1 && !found.is_null() {
            true => Ok(()),
            false => Err(found.to_string()),
        }
    })
    .await;
}

/// Upstream's TestAutodeleteOwnerRefs, and item 68: the policy counts for claims that exist.
#[tokio::test(flavor = "multi_thread")]
async fn claims_get_and_lose_their_owner_when_the_policy_changes() {
    for face in FACES {
        let bed = Bed::new().await;
        bed.create(app(face, "web", 2)).await;
        bed.until_settled(face, "web", 2).await;
        until_owner(&bed, "data-web-0", None).await;
        for (retention, owner) in [
            (policy("Delete", "Retain"), Some(face)),
            (policy("Retain", "Delete"), None),
            (policy("Delete", "Delete"), Some(face)),
            (policy("Retain", "Retain"), None),
        ] {
            let patch = json!({ "persistentVolumeClaimRetentionPolicy": retention });
            bed.merge(face, "web", json!({ "spec": patch })).await;
            until_owner(&bed, "data-web-0", owner).await;
            until_owner(&bed, "data-web-1", owner).await;
        }
    }
}

/// Items 59, 63 and 64: the claim goes with its pod, and the next pod waits for that and comes without anybody's help.
#[tokio::test(flavor = "multi_thread")]
async fn a_member_that_leaves_and_comes_back_has_a_new_claim() {
    for face in FACES {
        let bed = Bed::new().await;
        let mut web = app(face, "web", 2);
        web["spec"]["persistentVolumeClaimRetentionPolicy"] = policy("Retain", "Delete");
        bed.create(web).await;
        bed.until_settled(face, "web", 2).await;
        let before =
            bed.get("PersistentVolumeClaim", "data-web-1").await["metadata"]["uid"].clone();
        bed.merge(face, "web", json!({ "spec": { "replicas": 1 } }))
            .await;
        bed.until_pods(&["web-0"]).await;
        bed.merge(face, "web", json!({ "spec": { "replicas": 2 } }))
            .await;
        bed.until_settled(face, "web", 2).await;
        bed.until("data-web-1 is another claim", || async {
            let uid =
                bed.get("PersistentVolumeClaim", "data-web-1").await["metadata"]["uid"].clone();
            match uid.is_null() || uid == before {
                true => Err(uid.to_string()),
                false => Ok(()),
            }
        })
        .await;
    }
}

/// Item 61.
#[tokio::test(flavor = "multi_thread")]
async fn a_claim_of_another_controller_is_told_and_left_alone() {
    for face in FACES {
        let bed = Bed::new().await;
        bed.create(json!({
            "apiVersion": "v1", "kind": "ConfigMap", "metadata": { "name": "owner" },
        }))
        .await;
        let owner = bed.get("ConfigMap", "owner").await["metadata"]["uid"].clone();
        let owner = json!([{
            "apiVersion": "v1", "kind": "ConfigMap", "name": "owner", "uid": owner,
            "controller": true,
        }]);
        bed.create(app(face, "web", 1)).await;
        bed.until_settled(face, "web", 1).await;
        bed.merge(
            "PersistentVolumeClaim",
            "data-web-0",
            json!({ "metadata": { "ownerReferences": owner } }),
        )
        .await;
        let patch = json!({ "persistentVolumeClaimRetentionPolicy": policy("Delete", "Delete") });
        bed.merge(face, "web", json!({ "spec": patch })).await;
        bed.until_event("web", "ConflictingController").await;
        until_owner(&bed, "data-web-0", Some("ConfigMap")).await;
    }
}
