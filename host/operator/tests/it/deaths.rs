//! `death-of`: what a plugin may take for a proof that no process of a pod runs any more.

use kube::api::DeleteParams;
use serde_json::{Value, json};

use crate::bed::{Bed, app};
use crate::steering::steered;

/// Two members on `node`, of which the first holds the role. Whoever is to move it says what is known of the holder's end, and waits.
async fn given() -> Bed {
    let bed = Bed::new().await;
    let node = json!({ "apiVersion": "v1", "kind": "Node", "metadata": { "name": "node" } });
    bed.create(node).await;
    report(&bed, "True").await;
    bed.create(steered()).await;
    let mut db = app("StatefulApp", "db", 2);
    let settings = json!({ "post-ready": "claim", "move-role": "death" });
    db["spec"]["plugin"] = json!({ "name": "steered", "settings": settings });
    bed.create(db).await;
    bed.until_settled("StatefulApp", "db", 2).await;
    bed.until_status("StatefulApp", "db", "/roles/0/holder/ordinal", json!(0))
        .await;
    bed
}

/// Whether the node's kubelet says that it is ready.
async fn report(bed: &Bed, ready: &str) {
    let condition = json!({
        "type": "Ready", "status": ready, "lastTransitionTime": "2026-01-01T00:00:00Z",
        "lastHeartbeatTime": "2026-01-01T00:00:00Z", "reason": "Test", "message": "",
    });
    bed.mark("Node", "node", json!({ "conditions": [condition] }))
        .await;
}

async fn fence(bed: &Bed) {
    let taint = json!({
        "key": "node.kubernetes.io/out-of-service", "value": "nodeshutdown", "effect": "NoExecute",
    });
    bed.merge("Node", "node", json!({ "spec": { "taints": [taint] } }))
        .await;
}

async fn until_known(bed: &Bed, death: &str) {
    bed.until(&format!("the plugin hears {death}"), || async {
        let waiting = bed.get("StatefulApp", "db").await["status"]["waiting"].clone();
        match waiting.to_string().contains(&format!("Death::{death}")) {
            true => Ok(()),
            false => Err(waiting.to_string()),
        }
    })
    .await;
}

/// The kubelet of its node does nothing more for it.
async fn delete_in_silence(bed: &Bed) {
    bed.kubelet.linger("db-0");
    bed.delete("Pod", "db-0").await;
    until_known(bed, "Alive").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn given_a_silent_kubelet_then_a_vanished_object_proves_nothing_and_a_fenced_node_does() {
    let bed = given().await;
    delete_in_silence(&bed).await;
    // The next one under its name does not come up.
    bed.kubelet.hold("db-0");
    let by_force = DeleteParams::default().grace_period(0);
    bed.delete_with("Pod", "db-0", &by_force).await;
    until_known(&bed, "ObjectGone").await;
    report(&bed, "Unknown").await;
    fence(&bed).await;
    until_known(&bed, "NodeFenced").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn given_a_fenced_node_then_pods_are_dead_whose_objects_are_still_there() {
    let bed = given().await;
    delete_in_silence(&bed).await;
    fence(&bed).await;
    report(&bed, "Unknown").await;
    until_known(&bed, "NodeFenced").await;
    let pod = bed.get("Pod", "db-0").await;
    assert_ne!(pod["metadata"]["deletionTimestamp"], Value::Null);
}

#[tokio::test(flavor = "multi_thread")]
async fn given_a_kubelets_report_that_all_containers_ended_then_the_pod_is_dead() {
    let bed = given().await;
    delete_in_silence(&bed).await;
    let ended = json!([{
        "name": "main", "ready": false, "restartCount": 0, "image": "example:1", "imageID": "",
        "state": { "terminated": { "exitCode": 0 } },
    }]);
    bed.mark("Pod", "db-0", json!({ "containerStatuses": ended }))
        .await;
    until_known(&bed, "Stopped").await;
}
