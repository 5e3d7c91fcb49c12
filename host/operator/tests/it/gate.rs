//! The readiness gate: a pod turns Ready when it has joined.

use serde_json::{Value, json};

use crate::bed::{Bed, app};
use crate::steering::{steer, steered, uid, until_waiting};

fn ready(pod: &Value) -> String {
    let conditions = pod["status"]["conditions"].as_array().cloned();
    let conditions = conditions.unwrap_or_default();
    let ready = conditions.iter().find(|one| one["type"] == "Ready");
    ready.map_or_else(String::new, |one| one["status"].to_string())
}

async fn until_ready(bed: &Bed, is: &str) {
    bed.until(&format!("the pod's Ready is {is}"), || async {
        let pod = bed.get("Pod", "gate-0").await;
        match ready(&pod) == format!("\"{is}\"") {
            true => Ok(()),
            false => Err(pod["status"].to_string()),
        }
    })
    .await;
}

fn gated(settings: Value) -> Value {
    let mut app = app("StatefulApp", "gate", 1);
    app["spec"]["plugin"] = json!({ "name": "steered", "settings": settings });
    app["spec"]["template"]["spec"]["readinessGates"] =
        json!([{ "conditionType": "stateward.dev/joined" }]);
    app
}

#[tokio::test(flavor = "multi_thread")]
async fn with_the_readiness_gate_a_pod_turns_ready_when_it_has_joined() {
    let bed = Bed::new().await;
    bed.create(steered()).await;
    let app = gated(json!({ "post-ready": "refuse: not yet" }));
    bed.create(app).await;
    until_waiting(&bed, "gate", "PluginRefuses").await;
    assert_eq!(ready(&bed.get("Pod", "gate-0").await), "\"False\"");
    steer(&bed, "gate", json!({})).await;
    bed.until_settled("StatefulApp", "gate", 1).await;
    assert_eq!(ready(&bed.get("Pod", "gate-0").await), "\"True\"");
}

#[tokio::test(flavor = "multi_thread")]
async fn given_a_container_that_restarts_then_the_gate_closes_until_the_pod_has_joined_again() {
    let bed = Bed::new().await;
    bed.create(steered()).await;
    bed.create(gated(json!({}))).await;
    bed.until_settled("StatefulApp", "gate", 1).await;
    until_ready(&bed, "True").await;
    steer(&bed, "gate", json!({ "post-ready": "refuse: not again" })).await;
    let restarted = json!([{
        "name": "main", "ready": true, "restartCount": 1, "image": "example:1", "imageID": "",
        "state": { "running": { "startedAt": "2026-01-01T00:00:00Z" } },
    }]);
    bed.mark("Pod", "gate-0", json!({ "containerStatuses": restarted }))
        .await;
    until_ready(&bed, "False").await;
    let pod = uid(&bed, "Pod", "gate-0").await;
    bed.until_event("gate", &format!("Called: post-ready/{pod}/1"))
        .await;
    steer(&bed, "gate", json!({})).await;
    until_ready(&bed, "True").await;
    bed.until_settled("StatefulApp", "gate", 1).await;
    assert_eq!(uid(&bed, "Pod", "gate-0").await, pod);
}
