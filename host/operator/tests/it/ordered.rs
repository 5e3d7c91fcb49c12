//! Apps without a plugin, in both faces: creation, scaling and updates in order.

use serde_json::json;

use crate::bed::{Bed, app};

const FACES: [&str; 2] = ["StatefulApp", "StatefulSet"];

#[tokio::test(flavor = "multi_thread")]
async fn pods_come_one_after_another_each_when_the_one_before_is_ready() {
    for face in FACES {
        let bed = Bed::new().await;
        bed.kubelet.hold("web-1");
        bed.create(app(face, "web", 3)).await;
        bed.until_pods(&["web-0", "web-1"]).await;
        bed.until_status(face, "web", "/readyReplicas", json!(1))
            .await;
        bed.kubelet.let_go("web-1");
        bed.until_settled(face, "web", 3).await;
        let record = bed.kubelet.record();
        assert_eq!(
            record,
            ["+web-0", "!web-0", "+web-1", "!web-1", "+web-2", "!web-2"],
            "{face}"
        );
        let claims = bed.list("PersistentVolumeClaim").await;
        assert_eq!(claims.len(), 3, "{face}");
        let events = bed.events("web").await;
        let expected = format!("SuccessfulCreate: Create Pod web-0 in {face} web successful");
        assert!(events.contains(&expected), "{events:#?}");
        let expected =
            format!("SuccessfulCreate: Create Claim data-web-0 Pod web-0 in {face} web success");
        assert!(events.contains(&expected), "{events:#?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn pods_leave_from_the_top_and_their_claims_stay() {
    for face in FACES {
        let bed = Bed::new().await;
        bed.create(app(face, "web", 3)).await;
        bed.until_settled(face, "web", 3).await;
        bed.kubelet.forget();
        bed.merge(face, "web", json!({ "spec": { "replicas": 1 } }))
            .await;
        bed.until_pods(&["web-0"]).await;
        bed.until_settled(face, "web", 1).await;
        let record = bed.kubelet.record();
        assert_eq!(record, ["~web-2", "-web-2", "~web-1", "-web-1"], "{face}");
        assert_eq!(bed.list("PersistentVolumeClaim").await.len(), 3, "{face}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_update_replaces_pods_from_the_top_one_at_a_time() {
    for face in FACES {
        let bed = Bed::new().await;
        bed.create(app(face, "web", 2)).await;
        bed.until_settled(face, "web", 2).await;
        bed.kubelet.forget();
        let template = json!({ "metadata": { "annotations": { "restarted": "now" } } });
        bed.merge(face, "web", json!({ "spec": { "template": template } }))
            .await;
        bed.until("both pods are of the new revision", || async {
            let record = bed.kubelet.record();
            let ready = record.iter().filter(|what| what.starts_with('!')).count();
            if ready == 2 {
                Ok(())
            } else {
                Err(format!("{record:?}"))
            }
        })
        .await;
        bed.until_settled(face, "web", 2).await;
        let expected = [
            "~web-1", "-web-1", "+web-1", "!web-1", "~web-0", "-web-0", "+web-0", "!web-0",
        ];
        assert_eq!(bed.kubelet.record(), expected, "{face}");
        assert_eq!(bed.list("ControllerRevision").await.len(), 2, "{face}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deleted_pod_comes_back_under_its_name_with_its_claim() {
    let bed = Bed::new().await;
    bed.create(app("StatefulApp", "web", 2)).await;
    bed.until_settled("StatefulApp", "web", 2).await;
    let before = bed.get("Pod", "web-0").await["metadata"]["uid"].clone();
    bed.delete("Pod", "web-0").await;
    bed.until("web-0 is another pod", || async {
        let uid = bed.get("Pod", "web-0").await["metadata"]["uid"].clone();
        if uid.is_null() || uid == before {
            Err(uid.to_string())
        } else {
            Ok(())
        }
    })
    .await;
    bed.until_settled("StatefulApp", "web", 2).await;
    assert_eq!(bed.list("PersistentVolumeClaim").await.len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_app_at_rest_costs_no_write_and_no_request() {
    let bed = Bed::new().await;
    bed.create(app("StatefulApp", "web", 2)).await;
    bed.until_settled("StatefulApp", "web", 2).await;
    // What is still on its way gets time to arrive; then nothing more may come.
    let mut before = bed.cluster.request_counts();
    bed.until("two looks a second apart see the same requests", || {
        let now = bed.cluster.request_counts();
        let is_same = writes(&now) == writes(&before);
        before = now;
        async move {
            tokio::time::sleep(std::time::Duration::from_secs(1)).await;
            if is_same {
                Ok(())
            } else {
                Err("still writing".to_owned())
            }
        }
    })
    .await;
    let counts = bed.cluster.request_counts();
    let pods = 2;
    let per_pod = ["create pods", "create persistentvolumeclaims"];
    for what in per_pod {
        assert_eq!(counts.get(what), Some(&pods), "{counts:#?}");
    }
    let status = counts
        .get("update statefulapps/status")
        .copied()
        .unwrap_or(0);
    assert!(
        status <= 2 * pods + 2,
        "{status} status writes for {pods} pods"
    );
}

fn writes(counts: &std::collections::BTreeMap<String, u64>) -> u64 {
    let is_write = |what: &str| {
        !what.starts_with("get") && !what.starts_with("list") && !what.starts_with("watch")
    };
    counts
        .iter()
        .filter(|(what, _)| is_write(what))
        .map(|(_, count)| count)
        .sum()
}

/// A quota stands for whatever refuses.
#[tokio::test(flavor = "multi_thread")]
async fn each_step_that_fails_is_told_by_itself_and_tried_again() {
    for face in FACES {
        let bed = Bed::new().await;
        bed.create(json!({
            "apiVersion": "v1", "kind": "ResourceQuota",
            "metadata": { "name": "tight" }, "spec": { "hard": { "pods": "1" } },
        }))
        .await;
        let mut web = app(face, "web", 3);
        web["spec"]["podManagementPolicy"] = json!("Parallel");
        bed.create(web).await;
        bed.until("two pods are refused, each by itself", || async {
            let events = bed.events("web").await;
            let is_told = |ordinal: &i32| {
                let told = format!("FailedCreate: Create Pod web-{ordinal} ");
                events.iter().any(|event| event.starts_with(&told))
            };
            match (0..3).filter(is_told).count() {
                2 => Ok(()),
                _ => Err(format!("{events:#?}")),
            }
        })
        .await;
        bed.delete("ResourceQuota", "tight").await;
        bed.until_settled(face, "web", 3).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_invalid_spec_stalls_the_app_and_touches_nothing() {
    let bed = Bed::new().await;
    bed.create(app("StatefulApp", "good", 1)).await;
    bed.until_settled("StatefulApp", "good", 1).await;
    let mut bad = app("StatefulApp", "bad", 2);
    bad["spec"]["template"]["metadata"]["labels"] = json!({ "app": "another" });
    bed.create(bad).await;
    bed.until("the app says that it is stalled", || async {
        let app = bed.get("StatefulApp", "bad").await;
        let conditions = app["status"]["conditions"]
            .as_array()
            .cloned()
            .unwrap_or_default();
        let stalled = conditions
            .iter()
            .any(|one| one["type"] == "Stalled" && one["status"] == "True");
        if stalled {
            Ok(())
        } else {
            Err(app["status"].to_string())
        }
    })
    .await;
    bed.until_event("bad", "selector").await;
    assert_eq!(bed.pod_names().await, ["good-0"]);
}
