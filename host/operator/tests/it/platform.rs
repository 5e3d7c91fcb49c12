//! The Plugin object: sources, settings by schema, grants that are counted, versions that are quarantined; slots of ConfigMaps.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use stateward_components::place_of_panic;

use crate::bed::{Bed, app};
use crate::hooks::{component, doing, hostile, plugin, until_stalled};
use crate::logs;

/// The hostile component as another version of itself: the same code, and bytes of its own.
fn version(number: u8) -> Vec<u8> {
    let mut bytes = std::fs::read(component("hostile")).unwrap();
    // A custom section of one name of one letter.
    bytes.extend([0, 2, 1, b'a' + number]);
    bytes
}

/// An app of one member whose plugin finds no fault with it, and does this deed in every other hook.
fn acting(name: &str, deed: &str) -> Value {
    let mut app = doing(name, deed, 1);
    app["spec"]["plugin"]["settings"] = json!({ "acting": deed });
    app
}

async fn until_waiting_says(bed: &Bed, name: &str, text: &str) {
    bed.until(&format!("{name} waits and says {text}"), || async {
        let waiting = bed.get("StatefulApp", name).await["status"]["waiting"].clone();
        match waiting.to_string().contains(text) {
            true => Ok(()),
            false => Err(waiting.to_string()),
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plugin_comes_from_a_config_map_and_reads_the_slots_of_its_app() {
    let bed = Bed::new().await;
    let map = |name: &str, data: Value, binary: Value| {
        json!({
            "apiVersion": "v1", "kind": "ConfigMap", "metadata": { "name": name },
            "data": data, "binaryData": binary,
        })
    };
    let component = STANDARD.encode(version(1));
    bed.create(map(
        "plugins",
        json!({}),
        json!({ "hostile.wasm": component }),
    ))
    .await;
    bed.create(map("modes", json!({ "mode": "fast" }), json!({})))
        .await;
    let mut plugin = hostile();
    plugin["spec"]["source"] = json!({
        "configMap": { "namespace": "default", "name": "plugins", "key": "hostile.wasm" },
    });
    plugin["spec"]["grants"]["config"] = json!({ "slots": ["mode"] });
    bed.create(plugin).await;
    let mut db = acting("db", "config:mode");
    db["spec"]["plugin"]["config"] = json!({ "mode": { "name": "modes", "key": "mode" } });
    bed.create(db).await;
    until_waiting_says(&bed, "db", "fast").await;
    let status = bed.get("Plugin", "hostile").await["status"].clone();
    assert_eq!(status["sdk"], "0.1.0");
    assert!(
        status["exports"]
            .to_string()
            .contains("stateward:plugin/probe"),
        "{status}"
    );
    assert!(
        status["imports"]
            .to_string()
            .contains("stateward:plugin/config"),
        "{status}"
    );
    let asks =
        json!([{ "grant": "tcp.ports: [\"mysql\"]", "why": "talk to members", "granted": true }]);
    assert_eq!(status["asks"], asks);
    assert!(status["settingsSchema"].is_object(), "{status}");
}

#[tokio::test(flavor = "multi_thread")]
async fn settings_that_the_schema_refuses_reach_no_hook() {
    let bed = Bed::new().await;
    bed.create(hostile()).await;
    bed.create(doing("db", "against-the-schema", 1)).await;
    let message = until_stalled(&bed, "db", "SpecRefused").await;
    assert!(message.contains("settings: "), "{message}");
    assert!(bed.pod_names().await.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_registry_is_not_a_source_yet_and_says_so() {
    let bed = Bed::new().await;
    let mut plugin = hostile();
    plugin["spec"]["source"] = json!({ "oci": "registry.example/plugins/mysql:1" });
    bed.create(plugin).await;
    bed.until_status("Plugin", "hostile", "/reason", json!("SourceNotSupported"))
        .await;
    bed.until_event("hostile", "not read from registries yet")
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn counting_shows_what_enforcing_would_refuse() {
    let bed = Bed::new().await;
    let mut plugin = hostile();
    plugin["spec"]["grants"] = json!({});
    plugin["spec"]["grantMode"] = json!("Count");
    bed.create(plugin).await;
    bed.create(acting("db", "put:x")).await;
    until_waiting_says(&bed, "db", "Ok(1)").await;
    bed.until_status("Plugin", "hostile", "/counted", json!(["state: true"]))
        .await;
    bed.until_status(
        "Plugin",
        "hostile",
        "/missingGrants",
        json!(["tcp.ports: [\"mysql\"]"]),
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_panic_is_told_with_its_words_and_its_place_in_the_plugins_source() {
    let bed = Bed::new().await;
    let grants = json!({
        "exec": [{ "container": "main", "argv": ["tally", "*"] }],
        "secrets": { "slots": ["token"] },
        "state": true,
        "discardVolumes": true,
    });
    bed.create(plugin("wrong", "wrong", grants)).await;
    let mut lost = app("StatefulApp", "lost", 1);
    lost["spec"]["plugin"] = json!({ "name": "wrong", "settings": { "breaks": "panic" } });
    bed.create(lost).await;
    let words = format!("panicked at {}: the tally is lost", place_of_panic());
    let message = until_stalled(&bed, "lost", "PluginPanicked").await;
    assert!(message.contains(&words), "{words}: {message}");
    bed.until_event("lost", &words).await;
    let logged = logs::of("lost", "post-ready");
    let of_panic =
        |line: &logs::Line| line.level == Some(tracing::Level::ERROR) && line.text.contains(&words);
    assert!(logged.iter().any(of_panic), "{words}: {logged:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_app_that_asks_for_billions_of_members_gets_them_one_by_one() {
    let bed = Bed::new().await;
    bed.create(hostile()).await;
    bed.create(doing("many", "done", 2_000_000_000)).await;
    // The second comes when the first has joined.
    bed.until("many-1 is made", || async {
        let pods = bed.pod_names().await;
        match pods.iter().any(|pod| pod == "many-1") {
            true => Ok(()),
            false => Err(pods.join(", ")),
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_version_that_keeps_trapping_is_quarantined_and_the_last_good_one_stays() {
    let bed = Bed::new().await;
    let file = |number: u8| {
        let path = bed.folder.path().join(format!("v{number}.wasm"));
        std::fs::write(&path, version(number)).unwrap();
        json!({ "file": path, "configMap": null })
    };
    let mut plugin = hostile();
    plugin["spec"]["source"] = json!({ "file": file(1)["file"] });
    bed.create(plugin).await;
    bed.create(doing("good", "done", 1)).await;
    bed.until_settled("StatefulApp", "good", 1).await;
    let first = bed.get("Plugin", "hostile").await["status"]["digest"].clone();
    bed.merge(
        "Plugin",
        "hostile",
        json!({ "spec": { "source": file(2) } }),
    )
    .await;
    bed.until("the second version is served", || async {
        let digest = bed.get("Plugin", "hostile").await["status"]["digest"].clone();
        match digest == first || digest.is_null() {
            true => Err(digest.to_string()),
            false => Ok(()),
        }
    })
    .await;
    let second = bed.get("Plugin", "hostile").await["status"]["digest"].clone();
    // Five apps, so that nobody has to wait for five attempts of one.
    for number in 0..5 {
        bed.create(doing(&format!("bad-{number}"), "panic", 0))
            .await;
    }
    bed.until_status("Plugin", "hostile", "/quarantined", second)
        .await;
    bed.until_status("Plugin", "hostile", "/digest", first)
        .await;
    bed.until_event("hostile", "is quarantined").await;
    // Nobody else notices.
    bed.create(app("StatefulApp", "web", 1)).await;
    bed.until_settled("StatefulApp", "web", 1).await;
    bed.until_settled("StatefulApp", "good", 1).await;
}
