//! Plugins that cannot serve: one clear event and condition, and nothing else touched.

use serde_json::{Value, json};

use stateward_runtime::Digest;

use crate::bed::{Bed, app};
use crate::hooks::{doing, hostile};

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

/// The component in a file of the test's own.
async fn given_a_component(bed: &Bed) -> (std::path::PathBuf, Vec<u8>) {
    let built = hostile()["spec"]["source"]["file"].clone();
    let bytes = std::fs::read(built.as_str().unwrap()).unwrap();
    let file = bed.folder.path().join("pinned.wasm");
    std::fs::write(&file, &bytes).unwrap();
    (file, bytes)
}

#[tokio::test(flavor = "multi_thread")]
async fn given_a_pinned_digest_when_its_source_is_gone_at_the_start_then_it_runs_from_the_cache() {
    let mut bed = Bed::without_operator().await;
    let (file, bytes) = given_a_component(&bed).await;
    let digest = Digest::of(&bytes).to_string();
    let mut pinned = hostile();
    pinned["spec"]["source"] = json!({ "file": file });
    pinned["spec"]["digest"] = json!(digest);
    let mut loose = pinned.clone();
    loose["metadata"]["name"] = json!("loose");
    loose["spec"].as_object_mut().unwrap().remove("digest");
    bed.create(pinned).await;
    bed.create(loose).await;
    bed.start();
    for plugin in ["hostile", "loose"] {
        bed.until_status("Plugin", plugin, "/state", json!("Ready"))
            .await;
    }
    bed.stop().await;

    std::fs::remove_file(&file).unwrap();
    bed.start();
    bed.until_status("Plugin", "hostile", "/reason", json!("SourceUnreadable"))
        .await;
    let status = bed.get("Plugin", "hostile").await["status"].clone();
    assert_eq!(status["state"], "Ready");
    assert_eq!(status["digest"], digest.as_str());
    let message = status["message"].as_str().unwrap();
    assert!(message.contains("pinned.wasm cannot be read"), "{message}");
    assert!(
        message.contains("runs from the operator's plugin cache"),
        "{message}"
    );
    bed.until_event("hostile", "SourceUnreadable: ").await;
    bed.create(doing("db", "done", 1)).await;
    bed.until_settled("StatefulApp", "db", 1).await;
    // Nobody says which bytes the other means.
    bed.until_status("Plugin", "loose", "/state", json!("Refused"))
        .await;

    std::fs::write(&file, &bytes).unwrap();
    for plugin in ["hostile", "loose"] {
        bed.until(&format!("{plugin} is read again"), || async {
            let status = bed.get("Plugin", plugin).await["status"].clone();
            match (&status["state"], &status["reason"]) {
                (Value::String(state), Value::Null) if state == "Ready" => Ok(()),
                _ => Err(status.to_string()),
            }
        })
        .await;
    }
}
