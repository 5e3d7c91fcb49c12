//! What a StatefulApp does beyond a StatefulSet.

use serde_json::{Value, json};

use crate::bed::{Bed, app};

const APP: &str = "StatefulApp";

async fn condition(bed: &Bed, name: &str, type_: &str) -> Value {
    let app = bed.get(APP, name).await;
    let conditions = app["status"]["conditions"].as_array().cloned();
    let found = (conditions.unwrap_or_default().into_iter()).find(|one| one["type"] == type_);
    found.unwrap_or_default()
}

async fn until_reason(bed: &Bed, name: &str, type_: &str, reason: &str) {
    bed.until(&format!("{type_} of {name} says {reason}"), || async {
        let condition = condition(bed, name, type_).await;
        match condition["reason"] == reason {
            true => Ok(()),
            false => Err(condition.to_string()),
        }
    })
    .await;
}

fn image(image: &str) -> Value {
    let containers = json!([{ "name": "main", "image": image }]);
    json!({ "spec": { "template": { "spec": { "containers": containers } } } })
}

/// Upstream's issue 67250: there, somebody has to delete the broken pod.
#[tokio::test(flavor = "multi_thread")]
async fn a_rollout_that_never_starts_is_mended_by_the_next_edit_alone() {
    let bed = Bed::new().await;
    bed.create(app(APP, "web", 2)).await;
    bed.until_settled(APP, "web", 2).await;
    bed.kubelet.hold("web-1");
    let before = bed.get("Pod", "web-1").await["metadata"]["uid"].clone();
    bed.merge(APP, "web", image("example:broken")).await;
    bed.until("web-1 is there at the broken revision", || async {
        let pod = bed.get("Pod", "web-1").await;
        let image = &pod["spec"]["containers"][0]["image"];
        match *image == "example:broken" && pod["metadata"]["uid"] != before {
            true => Ok(()),
            false => Err(pod.to_string()),
        }
    })
    .await;
    bed.merge(APP, "web", image("example:2")).await;
    bed.until("web-1 is there at the mended revision", || async {
        let pod = bed.get("Pod", "web-1").await;
        match pod["spec"]["containers"][0]["image"] == "example:2" {
            true => Ok(()),
            false => Err(pod.to_string()),
        }
    })
    .await;
    bed.kubelet.let_go("web-1");
    bed.until_settled(APP, "web", 2).await;
    let pod = bed.get("Pod", "web-0").await;
    assert_eq!(pod["spec"]["containers"][0]["image"], "example:2");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pause_holds_the_rollout_and_nothing_else() {
    let bed = Bed::new().await;
    bed.create(app(APP, "web", 1)).await;
    bed.until_settled(APP, "web", 1).await;
    let mut edit = image("example:2");
    edit["spec"]["paused"] = json!(true);
    edit["spec"]["replicas"] = json!(2);
    bed.merge(APP, "web", edit).await;
    bed.until_status(APP, "web", "/readyReplicas", json!(2))
        .await;
    until_reason(&bed, "web", "Progressing", "Paused").await;
    for pod in ["web-0", "web-1"] {
        let pod = bed.get("Pod", pod).await;
        assert_eq!(pod["spec"]["containers"][0]["image"], "example:1");
    }
    bed.merge(APP, "web", json!({ "spec": { "paused": null } }))
        .await;
    bed.until_settled(APP, "web", 2).await;
    let pod = bed.get("Pod", "web-0").await;
    assert_eq!(pod["spec"]["containers"][0]["image"], "example:2");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_chosen_member_is_removed_and_the_others_stay() {
    let bed = Bed::new().await;
    bed.create(app(APP, "web", 3)).await;
    bed.until_settled(APP, "web", 3).await;
    bed.kubelet.forget();
    bed.merge(
        APP,
        "web",
        json!({ "spec": { "replicas": 2, "ordinals": { "reserved": [1] } } }),
    )
    .await;
    bed.until_pods(&["web-0", "web-2"]).await;
    bed.until_settled(APP, "web", 2).await;
    assert_eq!(bed.kubelet.record(), ["~web-1", "-web-1"]);
    bed.merge(APP, "web", json!({ "spec": { "replicas": 3 } }))
        .await;
    bed.until_pods(&["web-0", "web-2", "web-3"]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_pod_management_policy_can_be_changed() {
    let bed = Bed::new().await;
    bed.kubelet.hold("web-0");
    bed.create(app(APP, "web", 3)).await;
    bed.until_pods(&["web-0"]).await;
    bed.merge(
        APP,
        "web",
        json!({ "spec": { "podManagementPolicy": "Parallel" } }),
    )
    .await;
    bed.until_pods(&["web-0", "web-1", "web-2"]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn members_start_as_many_at_a_time_as_the_spec_says() {
    let bed = Bed::new().await;
    for pod in ["web-0", "web-1", "web-2"] {
        bed.kubelet.hold(pod);
    }
    let mut web = app(APP, "web", 3);
    web["spec"]["maxParallelStarts"] = json!(2);
    bed.create(web).await;
    bed.until_pods(&["web-0", "web-1"]).await;
    bed.until_status(APP, "web", "/replicas", json!(2)).await;
    assert_eq!(bed.pod_names().await, ["web-0", "web-1"]);
    bed.kubelet.let_go("web-0");
    bed.until_pods(&["web-0", "web-1", "web-2"]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wait_beyond_the_deadline_is_told_with_pod_and_rule() {
    let bed = Bed::new().await;
    bed.kubelet.hold("web-0");
    let mut web = app(APP, "web", 1);
    web["spec"]["progressDeadlineSeconds"] = json!(1);
    bed.create(web).await;
    until_reason(&bed, "web", "Progressing", "ProgressDeadlineExceeded").await;
    let told = condition(&bed, "web", "Progressing").await["message"].to_string();
    assert!(
        told.contains("pod web-0") && told.contains("PodStarting"),
        "{told}"
    );
    bed.kubelet.let_go("web-0");
    until_reason(&bed, "web", "Progressing", "Complete").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_long_name_has_pods_all_the_same() {
    let bed = Bed::new().await;
    let name = "w".repeat(61);
    bed.create(app(APP, &name, 1)).await;
    bed.until_settled(APP, &name, 1).await;
    let pod = bed.get("Pod", &format!("{name}-0")).await;
    let revision = pod["metadata"]["labels"]["controller-revision-hash"].as_str();
    assert_eq!(revision.map(str::len), Some(63));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_larger_claim_template_lets_the_claims_grow() {
    let bed = Bed::new().await;
    bed.create(json!({
        "apiVersion": "storage.k8s.io/v1", "kind": "StorageClass",
        "metadata": { "name": "grows" }, "provisioner": "example.org/none", "allowVolumeExpansion": true,
    }))
    .await;
    let mut web = app(APP, "web", 2);
    web["spec"]["volumeClaimTemplates"][0]["spec"]["storageClassName"] = json!("grows");
    bed.create(web.clone()).await;
    bed.until_settled(APP, "web", 2).await;
    for claim in ["data-web-0", "data-web-1"] {
        bed.mark(
            "PersistentVolumeClaim",
            claim,
            json!({ "phase": "Bound", "capacity": { "storage": "1Gi" } }),
        )
        .await;
    }
    let mut grown = web["spec"]["volumeClaimTemplates"].clone();
    grown[0]["spec"]["resources"]["requests"]["storage"] = json!("2Gi");
    bed.merge(
        APP,
        "web",
        json!({ "spec": { "volumeClaimTemplates": grown } }),
    )
    .await;
    for claim in ["data-web-0", "data-web-1"] {
        bed.until(&format!("{claim} asks for more"), || async {
            let found = bed.get("PersistentVolumeClaim", claim).await;
            match found["spec"]["resources"]["requests"]["storage"] == "2Gi" {
                true => Ok(()),
                false => Err(found.to_string()),
            }
        })
        .await;
    }
    bed.until("the growth is told per claim", || async {
        let app = bed.get(APP, "web").await;
        let waiting = app["status"]["waiting"].as_array().cloned();
        let growing = (waiting.unwrap_or_default().iter())
            .filter(|one| one["reason"] == "ClaimGrowing")
            .count();
        match growing {
            2 => Ok(()),
            _ => Err(app["status"].to_string()),
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_member_whose_pods_keep_ending_is_replaced_later() {
    let bed = Bed::new().await;
    bed.kubelet.hold("web-0");
    bed.create(app(APP, "web", 1)).await;
    let mut last = Value::Null;
    for _ in 0..2 {
        bed.until("there is another web-0", || async {
            let uid = bed.get("Pod", "web-0").await["metadata"]["uid"].clone();
            match uid.is_null() || uid == last {
                true => Err(uid.to_string()),
                false => Ok(()),
            }
        })
        .await;
        last = bed.get("Pod", "web-0").await["metadata"]["uid"].clone();
        bed.mark("Pod", "web-0", json!({ "phase": "Failed" })).await;
    }
    bed.until("the second one is waited for", || async {
        let app = bed.get(APP, "web").await;
        match app["status"]["waiting"][0]["reason"] == "PodKeepsEnding" {
            true => Ok(()),
            false => Err(app["status"].to_string()),
        }
    })
    .await;
    let pod = bed.get("Pod", "web-0").await;
    assert_eq!(
        pod["metadata"]["uid"], last,
        "it stands there to be looked at"
    );
    let app = bed.get(APP, "web").await;
    assert_eq!(app["status"]["failures"][0]["count"], 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn claims_of_a_class_that_cannot_grow_are_told_and_stay() {
    let bed = Bed::new().await;
    let mut web = app(APP, "web", 1);
    bed.create(web.clone()).await;
    bed.until_settled(APP, "web", 1).await;
    bed.mark(
        "PersistentVolumeClaim",
        "data-web-0",
        json!({ "phase": "Bound", "capacity": { "storage": "1Gi" } }),
    )
    .await;
    let request = &mut web["spec"]["volumeClaimTemplates"][0]["spec"]["resources"]["requests"];
    request["storage"] = json!("2Gi");
    let grown = json!({ "spec": { "volumeClaimTemplates": web["spec"]["volumeClaimTemplates"] } });
    bed.merge(APP, "web", grown).await;
    bed.until("the refusal is told", || async {
        let app = bed.get(APP, "web").await;
        let told = app["status"]["waiting"].to_string();
        match told.contains("StepRefused") && told.contains("must support resize") {
            true => Ok(()),
            false => Err(told),
        }
    })
    .await;
    let claim = bed.get("PersistentVolumeClaim", "data-web-0").await;
    assert_eq!(claim["spec"]["resources"]["requests"]["storage"], "1Gi");
}
