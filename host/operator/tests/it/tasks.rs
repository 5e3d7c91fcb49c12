//! Tasks: begun by users and by probes, retried, and what they may ask of the host.

use serde_json::json;

use crate::steering::{decide, given, skip, steer, uid, until_replaced, until_waiting, wish};

#[tokio::test(flavor = "multi_thread")]
async fn given_a_users_wish_then_a_task_runs_once_and_says_how_it_ended() {
    let bed = given("jobs", 1, json!({})).await;
    let wished = json!({ "id": "1", "task": "tidy", "member": 0, "arguments": "all" });
    wish(&bed, "jobs", "stateward.dev/do", wished).await;
    bed.until_status("StatefulApp", "jobs", "/tasks/0/last/result", json!("Done"))
        .await;
    bed.until_event("jobs", "Called: task/tidy/1 tidy Some(0) all")
        .await;
    let unknown = json!({ "id": "2", "task": "rebuild" });
    wish(&bed, "jobs", "stateward.dev/do", unknown).await;
    bed.until_status(
        "StatefulApp",
        "jobs",
        "/tasks/1/last/result",
        json!("Refused"),
    )
    .await;
    let app = bed.get("StatefulApp", "jobs").await;
    assert_eq!(app["status"]["tasks"][0]["runs"], 1);
    assert_eq!(app["status"]["tasks"][1]["runs"], 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_probe_wants_is_run() {
    let bed = given("wants", 1, json!({ "probe": "want: tidy" })).await;
    bed.until_event("wants", "Called: task/tidy/1 tidy Some(0)")
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_plugin_asks_for_is_done() {
    let bed = given("asks", 2, json!({ "task": "replace" })).await;
    let run = |id: u32| json!({ "id": id.to_string(), "task": "tidy", "member": 1 });
    let before = uid(&bed, "Pod", "asks-1").await;
    wish(&bed, "asks", "stateward.dev/do", run(1)).await;
    bed.until_event("asks", &format!("Called: pre-delete/{before}/replace"))
        .await;
    until_replaced(&bed, "Pod", "asks-1", &before).await;
    bed.until_settled("StatefulApp", "asks", 2).await;

    steer(&bed, "asks", json!({ "task": "discard" })).await;
    let claim = uid(&bed, "PersistentVolumeClaim", "data-asks-1").await;
    wish(&bed, "asks", "stateward.dev/do", run(2)).await;
    until_replaced(&bed, "PersistentVolumeClaim", "data-asks-1", &claim).await;
    bed.until_settled("StatefulApp", "asks", 2).await;

    steer(&bed, "asks", json!({ "task": "quarantine" })).await;
    wish(&bed, "asks", "stateward.dev/do", run(3)).await;
    bed.until_status(
        "StatefulApp",
        "asks",
        "/orders/0/order",
        json!("quarantine"),
    )
    .await;
    bed.delete("Pod", "asks-1").await;
    until_waiting(&bed, "asks", "Quarantined").await;
    assert_eq!(bed.pod_names().await, ["asks-0"]);
    skip(&bed, "asks", "quarantine/1").await;
    bed.until_settled("StatefulApp", "asks", 2).await;
    let app = bed.get("StatefulApp", "asks").await;
    assert_eq!(app["status"]["rulings"][0]["by"], "ada");
}

#[tokio::test(flavor = "multi_thread")]
async fn given_a_task_that_is_to_be_asked_in_a_minute_when_a_user_retries_it_then_it_is_asked_now()
{
    let bed = given("again", 1, json!({ "task": "again: copying" })).await;
    wish(
        &bed,
        "again",
        "stateward.dev/do",
        json!({ "id": "1", "task": "tidy" }),
    )
    .await;
    let attempts = "/invocations/0/attempts";
    bed.until_status("StatefulApp", "again", attempts, json!(1))
        .await;
    decide(&bed, "again", "task/tidy/1", "retry", "now").await;
    bed.until_status("StatefulApp", "again", attempts, json!(2))
        .await;
    let app = bed.get("StatefulApp", "again").await;
    let ruling = &app["status"]["rulings"][0];
    assert_eq!(
        (&ruling["verb"], &ruling["by"]),
        (&json!("retry"), &json!("ada"))
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn given_a_wish_that_would_fill_the_status_then_it_is_not_taken_up_and_an_event_says_why() {
    let bed = given("full", 1, json!({})).await;
    let wished =
        |arguments: usize| json!({ "id": "1", "task": "tidy", "arguments": "a".repeat(arguments) });
    wish(&bed, "full", "stateward.dev/do", wished(1025)).await;
    bed.until_event("full", "WishUnreadable: the annotation stateward.dev/do is not taken up: the arguments of task tidy take 1025 bytes in JSON, 1024 are allowed")
        .await;
    let app = bed.get("StatefulApp", "full").await;
    assert!(app["status"]["tasks"].is_null(), "{app}");
    wish(&bed, "full", "stateward.dev/do", wished(1024)).await;
    bed.until_status("StatefulApp", "full", "/tasks/0/last/result", json!("Done"))
        .await;
    let decision = json!({
        "id": "2".repeat(300), "invocation": "pre-scale/1/0", "verb": "skip", "by": "ada", "reason": "a test",
    });
    wish(&bed, "full", "stateward.dev/invocation", decision).await;
    bed.until_event("full", "WishUnreadable: the annotation stateward.dev/invocation is not taken up: its id takes 300 bytes in JSON")
        .await;
}
