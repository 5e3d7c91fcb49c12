//! Hooks that keep failing: waited for, or ignored where the Plugin object says so.

use std::sync::atomic::{AtomicU32, Ordering};

use serde_json::{Value, json};

use crate::bed::{Bed, app};
use crate::hooks::until_stalled;
use crate::steering::{decide, steered, uid, until_waiting};

/// One Plugin that waits for what fails and one that ignores it, and for each an app in which this hook panics.
async fn given(hook: &str) -> Bed {
    let bed = Bed::new().await;
    let all = json!({ "validate": "Ignore", "preScale": "Ignore", "postReady": "Ignore" });
    for (name, policy) in [("waits", json!({})), ("passes", all)] {
        let mut plugin = steered();
        plugin["metadata"]["name"] = json!(name);
        plugin["spec"]["failurePolicy"] = policy;
        bed.create(plugin).await;
        let mut app = app("StatefulApp", name, 1);
        app["spec"]["plugin"] = json!({ "name": name, "settings": { hook: "panic" } });
        bed.create(app).await;
    }
    bed
}

/// Nobody waits for the backoff of five calls.
async fn retry(bed: &Bed, invocations: &[(&str, String)]) {
    for number in 0..10 {
        for (name, invocation) in invocations {
            decide(bed, name, invocation, "retry", &number.to_string()).await;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn given_a_pre_scale_that_keeps_panicking_then_it_waits_or_is_ignored_as_the_plugin_object_says()
 {
    let bed = given("pre-scale").await;
    until_waiting(&bed, "waits", "PluginFails").await;
    until_waiting(&bed, "passes", "PluginFails").await;
    let first = "pre-scale/1/0".to_owned();
    retry(&bed, &[("waits", first.clone()), ("passes", first)]).await;
    bed.until_settled("StatefulApp", "passes", 1).await;
    until_waiting(&bed, "waits", "PluginFails").await;
    assert_eq!(bed.pod_names().await, ["passes-0"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn given_a_post_ready_that_keeps_panicking_then_it_waits_or_is_ignored_as_the_plugin_object_says()
 {
    let bed = given("post-ready").await;
    let mut invocations = Vec::new();
    for name in ["waits", "passes"] {
        until_waiting(&bed, name, "PluginFails").await;
        let pod = uid(&bed, "Pod", &format!("{name}-0")).await;
        invocations.push((name, format!("post-ready/{pod}/0")));
    }
    retry(&bed, &invocations).await;
    bed.until_status("StatefulApp", "passes", "/availableReplicas", json!(1))
        .await;
    until_waiting(&bed, "waits", "PluginFails").await;
    let waits = bed.get("StatefulApp", "waits").await;
    assert_ne!(waits["status"]["availableReplicas"], 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn given_a_validate_that_keeps_panicking_then_it_waits_or_is_ignored_as_the_plugin_object_says()
 {
    let bed = given("validate").await;
    let edits = AtomicU32::new(0);
    // Each edit is asked about anew, so that nobody waits for the backoff.
    bed.until("the ignored one is accepted", || async {
        let number = edits.fetch_add(1, Ordering::SeqCst);
        let edit = json!({ "spec": { "plugin": { "settings": { "edit": number } } } });
        for name in ["waits", "passes"] {
            bed.merge("StatefulApp", name, edit.clone()).await;
        }
        let app: Value = bed.get("StatefulApp", "passes").await;
        match app["status"]["readyReplicas"] == 1 {
            true => Ok(()),
            false => Err(app["status"].to_string()),
        }
    })
    .await;
    until_stalled(&bed, "waits", "PluginPanicked").await;
    assert_eq!(bed.pod_names().await, ["passes-0"]);
}
