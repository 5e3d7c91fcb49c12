//! Plugins that cannot serve: one clear event and condition, and nothing else touched.

use serde_json::{Value, json};

use crate::bed::{Bed, app};

fn with_plugin(name: &str, plugin: &str) -> Value {
    let mut app = app("StatefulApp", name, 1);
    app["spec"]["plugin"] = json!({ "name": plugin, "settings": { "any": "thing" } });
    app
}

fn plugin(name: &str, file: &str) -> Value {
    json!({
        "apiVersion": "stateward.dev/v1alpha1", "kind": "Plugin",
        "metadata": { "name": name },
        "spec": { "source": { "file": file } },
    })
}

async fn until_stalled(bed: &Bed, name: &str, reason: &str) {
    bed.until(&format!("{name} is stalled by {reason}"), || async {
        let app = bed.get("StatefulApp", name).await;
        let conditions = app["status"]["conditions"].as_array().cloned();
        let found = conditions.unwrap_or_default().into_iter().any(|one| {
            one["type"] == "Stalled" && one["status"] == "True" && one["reason"] == reason
        });
        if found {
            Ok(())
        } else {
            Err(app["status"].to_string())
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_app_that_names_an_unknown_plugin_says_so_and_others_go_on() {
    let bed = Bed::new().await;
    bed.create(with_plugin("db", "nowhere")).await;
    bed.create(app("StatefulApp", "web", 1)).await;
    until_stalled(&bed, "db", "PluginNotFound").await;
    bed.until_event("db", "there is no Plugin nowhere").await;
    bed.until_settled("StatefulApp", "web", 1).await;
    assert_eq!(bed.pod_names().await, ["web-0"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plugin_whose_file_is_missing_is_refused_until_it_is_there() {
    let bed = Bed::new().await;
    let file = bed.folder.path().join("later.wasm");
    bed.create(plugin("later", &file.display().to_string()))
        .await;
    bed.create(with_plugin("db", "later")).await;
    bed.until_status("Plugin", "later", "/reason", json!("SourceUnreadable"))
        .await;
    until_stalled(&bed, "db", "SourceUnreadable").await;
    std::fs::write(&file, "no component").unwrap();
    bed.until_status("Plugin", "later", "/reason", json!("NotAComponent"))
        .await;
    until_stalled(&bed, "db", "NotAComponent").await;
    bed.until_event("later", "NotAComponent").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plugin_whose_digest_differs_is_refused_with_both_digests() {
    let bed = Bed::new().await;
    let file = bed.folder.path().join("other.wasm");
    std::fs::write(&file, "other bytes").unwrap();
    let mut object = plugin("other", &file.display().to_string());
    let digest = format!("sha256:{}", "0".repeat(64));
    object["spec"]["digest"] = json!(digest);
    bed.create(object).await;
    bed.create(with_plugin("db", "other")).await;
    bed.until_status("Plugin", "other", "/reason", json!("DigestMismatch"))
        .await;
    bed.until_event("other", &digest).await;
    until_stalled(&bed, "db", "DigestMismatch").await;
    assert!(bed.pod_names().await.is_empty());
}
