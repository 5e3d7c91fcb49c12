//! The whole hook contract on the embedded API, with a component that answers as the app's settings say (`tests/steered`).

use serde_json::{Value, json};

use crate::bed::{Bed, app};
use crate::hooks::{built, plugin};

fn steered() -> Value {
    let grants = json!({ "requests": true, "discardVolumes": true, "events": true });
    plugin("steered", "stateward_steered", grants)
}

/// An app whose hooks answer like that, up to now joined and at rest.
async fn given(name: &str, replicas: u32, settings: Value) -> Bed {
    let bed = Bed::new().await;
    bed.create(steered()).await;
    let mut app = app("StatefulApp", name, replicas);
    app["spec"]["plugin"] = json!({ "name": "steered", "settings": settings });
    bed.create(app).await;
    bed.until_settled("StatefulApp", name, replicas).await;
    bed
}

async fn steer(bed: &Bed, name: &str, settings: Value) {
    // Of an object only what is named would change.
    let gone = json!({ "spec": { "plugin": { "settings": null } } });
    bed.merge("StatefulApp", name, gone).await;
    let patch = json!({ "spec": { "plugin": { "settings": settings } } });
    bed.merge("StatefulApp", name, patch).await;
}

async fn scale(bed: &Bed, name: &str, replicas: u32) {
    let patch = json!({ "spec": { "replicas": replicas } });
    bed.merge("StatefulApp", name, patch).await;
}

async fn wish(bed: &Bed, name: &str, annotation: &str, wish: Value) {
    let patch = json!({ "metadata": { "annotations": { annotation: wish.to_string() } } });
    bed.merge("StatefulApp", name, patch).await;
}

async fn skip(bed: &Bed, name: &str, invocation: &str) {
    decide(bed, name, invocation, "skip", invocation).await;
}

async fn decide(bed: &Bed, name: &str, invocation: &str, verb: &str, id: &str) {
    let decision = json!({
        "id": id, "invocation": invocation, "verb": verb, "by": "ada", "reason": "a test",
    });
    wish(bed, name, "stateward.dev/invocation", decision).await;
    bed.until(&format!("the decision {id} stands"), || async {
        let app = bed.get("StatefulApp", name).await;
        let rulings = app["status"]["rulings"].as_array().cloned();
        let stands = |ruling: &Value| ruling["request"] == id && ruling["at"].is_string();
        // The app may be gone by it.
        match app.is_null() || rulings.unwrap_or_default().iter().any(stands) {
            true => Ok(()),
            false => Err(app["status"].to_string()),
        }
    })
    .await;
}

async fn uid(bed: &Bed, kind: &str, name: &str) -> String {
    let object = bed.get(kind, name).await;
    object["metadata"]["uid"]
        .as_str()
        .unwrap_or_default()
        .to_owned()
}

async fn until_waiting(bed: &Bed, name: &str, reason: &str) {
    bed.until(&format!("{name} waits: {reason}"), || async {
        let app = bed.get("StatefulApp", name).await;
        let waiting = app["status"]["waiting"].as_array().cloned();
        match waiting
            .unwrap_or_default()
            .iter()
            .any(|one| one["reason"] == reason)
        {
            true => Ok(()),
            false => Err(app["status"].to_string()),
        }
    })
    .await;
}

async fn until_replaced(bed: &Bed, kind: &str, name: &str, before: &str) {
    bed.until(&format!("{kind} {name} is another one"), || async {
        match uid(bed, kind, name).await {
            now if !now.is_empty() && now != before => Ok(()),
            now => Err(now),
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn given_a_member_that_left_then_its_ordinal_waits_for_post_delete() {
    let bed = given("left", 2, json!({ "post-delete": "refuse: not yet" })).await;
    let pod = uid(&bed, "Pod", "left-1").await;
    scale(&bed, "left", 1).await;
    bed.until_event("left", &format!("Called: post-delete/{pod} {pod}"))
        .await;
    scale(&bed, "left", 2).await;
    until_waiting(&bed, "left", "OrdinalInUse").await;
    assert_eq!(bed.pod_names().await, ["left-0"]);
    steer(&bed, "left", json!({})).await;
    bed.until_settled("StatefulApp", "left", 2).await;
    let app = bed.get("StatefulApp", "left").await;
    assert_eq!(app["status"]["departures"], Value::Null);
}

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
async fn given_a_primary_that_somebody_deletes_then_its_role_moves_and_services_follow() {
    let claims = json!({ "post-ready": "claim", "move-role": "claim" });
    let bed = given("fails", 2, claims).await;
    let label = "/metadata/labels/role.stateward.dev~1primary";
    let labelled = |pod: &'static str| {
        let bed = &bed;
        async move {
            bed.until(&format!("{pod} carries the role"), || async {
                let object = bed.get("Pod", pod).await;
                match object.pointer(label) == Some(&json!("true")) {
                    true => Ok(()),
                    false => Err(object["metadata"].to_string()),
                }
            })
            .await;
        }
    };
    labelled("fails-0").await;
    let pod = uid(&bed, "Pod", "fails-0").await;
    bed.kubelet.linger("fails-0");
    bed.delete("Pod", "fails-0").await;
    bed.until_event("fails", "move-role/primary/1/1 primary MoveCause::Failed")
        .await;
    bed.until_event("fails", &format!("pre-delete/{pod}/external"))
        .await;
    bed.until_status("StatefulApp", "fails", "/roles/0/holder/ordinal", json!(1))
        .await;
    labelled("fails-1").await;
    bed.kubelet.let_go("fails-0");
    bed.until_settled("StatefulApp", "fails", 2).await;
    bed.until_status("StatefulApp", "fails", "/roles/0/epoch", json!(2))
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn given_a_deleted_app_then_its_members_leave_in_order_and_a_user_can_skip_one() {
    let bed = given("ends", 2, json!({ "teardown": "refuse: a backup runs" })).await;
    bed.until("the app is held", || async {
        let app = bed.get("StatefulApp", "ends").await;
        match app["metadata"]["finalizers"] == json!(["stateward.dev/teardown"]) {
            true => Ok(()),
            false => Err(app["metadata"].to_string()),
        }
    })
    .await;
    let pods = [
        uid(&bed, "Pod", "ends-0").await,
        uid(&bed, "Pod", "ends-1").await,
    ];
    bed.delete("StatefulApp", "ends").await;
    until_waiting(&bed, "ends", "PluginRefuses").await;
    assert_eq!(bed.pod_names().await, ["ends-0", "ends-1"]);
    for (ordinal, pod) in pods.iter().enumerate().rev() {
        let invocation = format!("pre-delete/{pod}/teardown");
        bed.until_event("ends", &format!("Called: {invocation}"))
            .await;
        skip(&bed, "ends", &invocation).await;
        bed.until(&format!("ends-{ordinal} is gone"), || async {
            let names = bed.pod_names().await;
            match names.len() <= ordinal {
                true => Ok(()),
                false => Err(format!("{names:?}")),
            }
        })
        .await;
    }
    bed.until("the app is gone", || async {
        match bed.get("StatefulApp", "ends").await {
            Value::Null => Ok(()),
            app => Err(app.to_string()),
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rollout_follows_the_plugins_order_when_it_is_one() {
    let bed = given("order", 3, json!({ "update-order": "order: 1,0,2" })).await;
    bed.kubelet.forget();
    let image = |image: &str| json!({ "spec": { "template": { "spec": { "containers": [{ "name": "main", "image": image }] } } } });
    bed.merge("StatefulApp", "order", image("example:2")).await;
    bed.until_settled("StatefulApp", "order", 3).await;
    let leaving = |bed: &Bed| -> Vec<String> {
        let record = bed.kubelet.record().into_iter();
        record.filter(|entry| entry.starts_with('~')).collect()
    };
    assert_eq!(leaving(&bed), ["~order-1", "~order-0", "~order-2"]);
    steer(&bed, "order", json!({ "update-order": "order: 1,1,1" })).await;
    bed.until_settled("StatefulApp", "order", 3).await;
    bed.kubelet.forget();
    bed.merge("StatefulApp", "order", image("example:3")).await;
    bed.until_event("order", "UpdateOrderUnusable").await;
    bed.until_settled("StatefulApp", "order", 3).await;
    assert_eq!(leaving(&bed), ["~order-2", "~order-1", "~order-0"]);
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
async fn given_a_deadline_that_aborts_then_a_scale_stays_where_it_is() {
    let bed = given("late", 1, json!({})).await;
    let patch = json!({ "spec": { "replicas": 2, "plugin": {
        "settings": { "pre-scale": "refuse: not now" },
        "deadlines": { "pre-scale": { "seconds": 1, "policy": "Abort" } },
    }}});
    bed.merge("StatefulApp", "late", patch).await;
    until_waiting(&bed, "late", "Aborted").await;
    bed.until_status("StatefulApp", "late", "/rulings/0/by", json!("deadline"))
        .await;
    assert_eq!(bed.pod_names().await, ["late-0"]);
    steer(&bed, "late", json!({})).await;
    bed.until_settled("StatefulApp", "late", 2).await;
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

/// Another version of the component: it says `Dialed` where the first says `Called`.
fn dialing() -> Vec<u8> {
    let mut bytes = std::fs::read(built().join("stateward_steered.wasm")).unwrap();
    let (old, new) = (b"Called", b"Dialed");
    let places: Vec<_> = (0..bytes.len())
        .filter(|place| bytes[*place..].starts_with(old))
        .collect();
    assert!(!places.is_empty());
    for place in places {
        bytes[place..place + old.len()].copy_from_slice(new);
    }
    bytes
}

#[tokio::test(flavor = "multi_thread")]
async fn given_another_version_then_what_is_under_way_ends_on_the_one_that_began_it() {
    let bed = given("swap", 1, json!({ "task": "again: copying" })).await;
    let task = json!({ "id": "1", "task": "tidy" });
    wish(&bed, "swap", "stateward.dev/do", task).await;
    let attempts = "/invocations/0/attempts";
    bed.until_status("StatefulApp", "swap", attempts, json!(1))
        .await;

    let first = bed.get("Plugin", "steered").await["status"]["digest"].clone();
    let path = bed.folder.path().join("dialing.wasm");
    std::fs::write(&path, dialing()).unwrap();
    let source = json!({ "spec": { "source": { "file": path } } });
    bed.merge("Plugin", "steered", source).await;
    bed.until("the other version is served", || async {
        let status = bed.get("Plugin", "steered").await["status"].clone();
        match status["state"] == "Ready" && status["digest"] != first {
            true => Ok(()),
            false => Err(status.to_string()),
        }
    })
    .await;
    decide(&bed, "swap", "task/tidy/1", "retry", "again").await;
    bed.until_status("StatefulApp", "swap", attempts, json!(2))
        .await;
    skip(&bed, "swap", "task/tidy/1").await;
    scale(&bed, "swap", 2).await;
    bed.until_event("swap", "Dialed: pre-scale/").await;
    bed.until_settled("StatefulApp", "swap", 2).await;
    let events = bed.events("swap").await;
    let says = |text: &str| events.iter().any(|event| event.starts_with(text));
    assert!(says("Called: task/tidy/1"), "{events:#?}");
    assert!(!says("Dialed: task/tidy/1"), "{events:#?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn given_a_hook_that_keeps_panicking_then_it_waits_or_is_ignored_as_the_plugin_object_says() {
    let bed = Bed::new().await;
    let mut plugin = steered();
    plugin["spec"]["failurePolicy"] = json!({ "postReady": "Ignore" });
    bed.create(plugin).await;
    for (name, hook) in [("waits", "pre-scale"), ("passes", "post-ready")] {
        let mut app = app("StatefulApp", name, 1);
        app["spec"]["plugin"] = json!({ "name": "steered", "settings": { hook: "panic" } });
        bed.create(app).await;
    }
    until_waiting(&bed, "waits", "PluginFails").await;
    until_waiting(&bed, "passes", "PluginFails").await;
    let pod = uid(&bed, "Pod", "passes-0").await;
    let invocations = [
        ("waits", "pre-scale/1/0".to_owned()),
        ("passes", format!("post-ready/{pod}/0")),
    ];
    // Nobody waits for the backoff of five calls.
    for number in 0..10 {
        for (name, invocation) in &invocations {
            decide(&bed, name, invocation, "retry", &number.to_string()).await;
        }
    }
    bed.until_settled("StatefulApp", "passes", 1).await;
    until_waiting(&bed, "waits", "PluginFails").await;
    assert_eq!(bed.pod_names().await, ["passes-0"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn with_the_readiness_gate_a_pod_turns_ready_when_it_has_joined() {
    let bed = Bed::new().await;
    bed.create(steered()).await;
    let mut app = app("StatefulApp", "gate", 1);
    app["spec"]["plugin"] =
        json!({ "name": "steered", "settings": { "post-ready": "refuse: not yet" } });
    app["spec"]["template"]["spec"]["readinessGates"] =
        json!([{ "conditionType": "stateward.dev/joined" }]);
    bed.create(app).await;
    until_waiting(&bed, "gate", "PluginRefuses").await;
    let ready = |pod: &Value| -> String {
        let conditions = pod["status"]["conditions"].as_array().cloned();
        let conditions = conditions.unwrap_or_default();
        let ready = conditions.iter().find(|one| one["type"] == "Ready");
        ready.map_or_else(String::new, |one| one["status"].to_string())
    };
    assert_eq!(ready(&bed.get("Pod", "gate-0").await), "\"False\"");
    steer(&bed, "gate", json!({})).await;
    bed.until_settled("StatefulApp", "gate", 1).await;
    assert_eq!(ready(&bed.get("Pod", "gate-0").await), "\"True\"");
}
