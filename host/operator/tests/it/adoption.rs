//! Pods that nobody owns and that fit are taken over; others are left alone.

use serde_json::{Value, json};

use crate::bed::{Bed, app};

fn orphan(name: &str, labels: Value) -> Value {
    json!({
        "apiVersion": "v1", "kind": "Pod",
        "metadata": { "name": name, "labels": labels },
        "spec": { "containers": [{ "name": "main", "image": "example:1" }] },
    })
}

fn owner(pod: &Value) -> &Value {
    &pod["metadata"]["ownerReferences"][0]["name"]
}

#[tokio::test(flavor = "multi_thread")]
async fn an_orphan_that_fits_is_adopted() {
    let bed = Bed::new().await;
    bed.create(orphan("web-0", json!({ "app": "web" }))).await;
    bed.until("the kubelet marked it", || async {
        let pod = bed.get("Pod", "web-0").await;
        if pod["status"]["phase"] == "Running" {
            Ok(())
        } else {
            Err(pod["status"].to_string())
        }
    })
    .await;
    let uid = bed.get("Pod", "web-0").await["metadata"]["uid"].clone();
    let mut set = app("StatefulSet", "web", 1);
    set["spec"]["updateStrategy"] = json!({ "type": "OnDelete" });
    bed.create(set).await;
    bed.until("the pod belongs to the set", || async {
        let pod = bed.get("Pod", "web-0").await;
        if owner(&pod) == "web" {
            Ok(())
        } else {
            Err(pod["metadata"].to_string())
        }
    })
    .await;
    assert_eq!(bed.get("Pod", "web-0").await["metadata"]["uid"], uid);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pod_in_the_way_is_left_alone_and_said() {
    let bed = Bed::new().await;
    bed.create(orphan("web-0", json!({ "app": "another" })))
        .await;
    bed.create(app("StatefulApp", "web", 1)).await;
    bed.until_event("web", "pod web-0 exists").await;
    let pod = bed.get("Pod", "web-0").await;
    assert!(owner(&pod).is_null());
    bed.delete("Pod", "web-0").await;
    bed.until_settled("StatefulApp", "web", 1).await;
}
