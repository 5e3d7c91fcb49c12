//! Apps with a real component: `tests/hostile`, which does with each call what the app's settings say, and the mysql plugin.

use std::path::PathBuf;
use std::sync::Once;
use std::time::Duration;

use serde_json::{Value, json};
use stateward_components::built;
use stateward_runtime::{Options, Runtime};

use crate::bed::{Bed, app, plugin_cache};

/// The file of a component: `hostile`, `steered`, `wrong`, `plugin-mysql`.
pub(crate) fn component(name: &str) -> PathBuf {
    static COMPILED: Once = Once::new();
    COMPILED.call_once(compile);
    built(name)
}

/// An unoptimized compiler takes seconds, and more on a busy machine: it is done before a test begins to wait for anything.
fn compile() {
    let files = ["hostile", "steered", "wrong", "plugin-mysql"].map(built);
    let compiled = std::thread::spawn(move || {
        let mut executor = tokio::runtime::Builder::new_current_thread();
        let executor = executor.enable_all().build().unwrap();
        executor.block_on(async {
            let runtime = Runtime::new(Options {
                cache: Some(plugin_cache()),
                compile_timeout: Duration::from_secs(3_600),
                ..Options::default()
            })
            .unwrap();
            for file in files {
                let bytes = std::fs::read(file).unwrap();
                runtime.load(bytes.into(), None).await.unwrap();
            }
        });
    });
    compiled.join().unwrap();
}

pub(crate) fn plugin(name: &str, component: &str, grants: Value) -> Value {
    json!({
        "apiVersion": "stateward.dev/v1alpha1", "kind": "Plugin",
        "metadata": { "name": name },
        "spec": {
            "source": { "file": self::component(component) },
            "grants": grants,
        },
    })
}

pub(crate) fn hostile() -> Value {
    plugin(
        "hostile",
        "hostile",
        json!({ "tcp": { "ports": ["mysql"] } }),
    )
}

/// An app whose hooks do this deed.
pub(crate) fn doing(name: &str, deed: &str, replicas: u32) -> Value {
    let mut app = app("StatefulApp", name, replicas);
    app["spec"]["plugin"] = json!({ "name": "hostile", "settings": deed });
    app
}

pub(crate) async fn until_stalled(bed: &Bed, name: &str, reason: &str) -> String {
    let mut message = String::new();
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
    let app = bed.get("StatefulApp", name).await;
    for condition in app["status"]["conditions"].as_array().unwrap() {
        if condition["type"] == "Stalled" {
            message = condition["message"].as_str().unwrap().to_owned();
        }
    }
    message
}

fn annotation(object: &Value, key: &str) -> Value {
    object["metadata"]["annotations"][key].clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn every_member_is_configured_before_and_joined_after_it_starts() {
    let bed = Bed::new().await;
    bed.create(hostile()).await;
    bed.create(doing("db", "done", 2)).await;
    bed.until_settled("StatefulApp", "db", 2).await;
    for ordinal in 0..2 {
        bed.until("the status tells that the pod has joined", || async {
            let pod = bed.get("Pod", &format!("db-{ordinal}")).await;
            let entry = format!("{}/0", pod["metadata"]["uid"].as_str().unwrap());
            let app = bed.get("StatefulApp", "db").await;
            let joined = app["status"]["joined"].as_array();
            if joined.is_some_and(|joined| joined.contains(&json!(entry))) {
                Ok(())
            } else {
                Err(app["status"].to_string())
            }
        })
        .await;
        let pod = bed.get("Pod", &format!("db-{ordinal}")).await;
        assert_eq!(
            annotation(&pod, "config.stateward.dev/server-id"),
            (100 + ordinal).to_string()
        );
        let claim = format!("data-db-{ordinal}");
        bed.until("the claim tells who used its volume", || async {
            let claim = bed.get("PersistentVolumeClaim", &claim).await;
            match annotation(&claim, "stateward.dev/used-by") {
                Value::Null => Err(claim["metadata"].to_string()),
                _ => Ok(()),
            }
        })
        .await;
    }
    let record = bed.kubelet.record();
    assert_eq!(record, ["+db-0", "!db-0", "+db-1", "!db-1"]);
    let counts = bed.cluster.request_counts();
    let writes = [
        "create pods",
        "create persistentvolumeclaims",
        "patch persistentvolumeclaims",
        "patch pods",
        "update statefulapps/status",
    ];
    let count = |what: &&str| counts.get(*what).copied().unwrap_or(0);
    let written: u64 = writes.iter().map(count).sum();
    // Claims + 6 per pod, and the app's own beginning and end.
    assert!(written <= 2 * (1 + 6) + 2, "{written} writes: {counts:#?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_spec_that_the_plugin_refuses_is_not_served_but_what_runs_is_healed() {
    let bed = Bed::new().await;
    bed.create(hostile()).await;
    bed.create(doing("db", "done", 1)).await;
    bed.until_settled("StatefulApp", "db", 1).await;
    // This plugin refuses every change of what it has accepted.
    bed.merge("StatefulApp", "db", json!({ "spec": { "replicas": 3 } }))
        .await;
    bed.until("the app says that its spec is refused", || async {
        let app = bed.get("StatefulApp", "db").await;
        let text = app["status"]["waiting"].to_string() + &app["status"]["conditions"].to_string();
        if text.contains("settings") {
            Ok(())
        } else {
            Err(text)
        }
    })
    .await;
    bed.kubelet.forget();
    bed.delete("Pod", "db-0").await;
    bed.until("db-0 came back", || async {
        let record = bed.kubelet.record();
        let is_back = record.contains(&"!db-0".to_owned());
        if is_back {
            Ok(())
        } else {
            Err(format!("{record:?}"))
        }
    })
    .await;
    assert_eq!(bed.pod_names().await, ["db-0"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plugin_that_panics_spins_or_eats_memory_stalls_its_app_and_no_other() {
    let bed = Bed::new().await;
    let mut object = hostile();
    object["spec"]["limits"] = json!({ "cpu": "100ms", "memory": "16Mi" });
    bed.create(object).await;
    let deeds = [
        ("panic", "PluginPanicked"),
        ("spin", "PluginTimeout"),
        ("eat", "PluginOutOfMemory"),
        ("random:8", "PluginImpure"),
    ];
    for (name, (deed, _)) in ["a", "b", "c", "d"].iter().zip(deeds) {
        bed.create(doing(name, deed, 1)).await;
    }
    bed.create(doing("good", "done", 1)).await;
    bed.until_settled("StatefulApp", "good", 1).await;
    for (name, (_, reason)) in ["a", "b", "c", "d"].iter().zip(deeds) {
        let message = until_stalled(&bed, name, reason).await;
        assert!(message.contains("hostile"), "{message}");
        bed.until_event(name, reason).await;
    }
    assert_eq!(bed.pod_names().await, ["good-0"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plugin_that_asks_for_more_than_it_is_given_waits_for_consent() {
    let bed = Bed::new().await;
    let mut object = hostile();
    object["spec"]["grants"] = json!({});
    bed.create(object).await;
    bed.create(doing("db", "done", 1)).await;
    bed.until_status("Plugin", "hostile", "/state", json!("NeedsConsent"))
        .await;
    bed.until_event("hostile", "tcp.ports: [\"mysql\"]").await;
    until_stalled(&bed, "db", "NeedsConsent").await;
    let grants = json!({ "spec": { "grants": { "tcp": { "ports": ["mysql"] } } } });
    bed.merge("Plugin", "hostile", grants).await;
    bed.until_status("Plugin", "hostile", "/state", json!("Ready"))
        .await;
    bed.until_settled("StatefulApp", "db", 1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plugin_is_replaced_without_a_restart_of_the_operator() {
    let bed = Bed::new().await;
    let mut object = hostile();
    let digest = format!("sha256:{}", "a".repeat(64));
    object["spec"]["digest"] = json!(digest);
    bed.create(object).await;
    bed.create(doing("db", "done", 1)).await;
    bed.until_status("Plugin", "hostile", "/reason", json!("DigestMismatch"))
        .await;
    bed.merge("Plugin", "hostile", json!({ "spec": { "digest": null } }))
        .await;
    bed.until_settled("StatefulApp", "db", 1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_missing_secret_is_named_and_the_app_goes_on_when_it_is_there() {
    let bed = Bed::new().await;
    let grants = json!({
        "tcp": { "ports": ["mysql"] },
        "secrets": { "slots": ["root", "replication"] },
        "state": true, "requests": true, "events": true,
    });
    bed.create(plugin("mysql", "plugin-mysql", grants)).await;
    let mut db = app("StatefulApp", "db", 1);
    let secret = |key: &str| json!({ "name": "db-auth", "key": key });
    db["spec"]["plugin"] = json!({
        "name": "mysql",
        "secrets": { "root": secret("root"), "replication": secret("replication") },
    });
    db["spec"]["template"]["spec"]["containers"][0]["ports"][0]["name"] = json!("mysql");
    bed.create(db).await;
    let message = until_stalled(&bed, "db", "SecretMissing").await;
    assert!(message.contains("Secret default/db-auth"), "{message}");
    bed.until_event("db", "Secret default/db-auth").await;
    bed.create(json!({
        "apiVersion": "v1", "kind": "Secret",
        "metadata": { "name": "db-auth" },
        "stringData": { "root": "a-root-password", "replication": "another-password" },
    }))
    .await;
    // Nobody listens on the member's port: the next thing that is in the way.
    bed.until("the secret is no longer in the way", || async {
        let app = bed.get("StatefulApp", "db").await;
        let text = app["status"].to_string();
        let is_past = !text.contains("SecretMissing") && text.contains("db-0");
        if is_past { Ok(()) } else { Err(text) }
    })
    .await;
    let everything = format!(
        "{} {:?}",
        bed.get("StatefulApp", "db").await,
        bed.events("db").await
    );
    assert!(!everything.contains("a-root-password"));
}
