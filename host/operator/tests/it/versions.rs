//! Versions of a plugin: what is under way ends on the one that began it.

use serde_json::{Value, json};

use crate::bed::{Bed, app};
use crate::hooks::component;
use crate::steering::{decide, scale, skip, steered, wish};

/// Another version of the component: it says `Dialed` where the first says `Called`.
fn dialing() -> Vec<u8> {
    let mut bytes = std::fs::read(component("steered")).unwrap();
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

/// A first version that nobody else has: the same, and a custom section of this name of one letter.
fn named(letter: u8) -> Vec<u8> {
    let mut bytes = std::fs::read(component("steered")).unwrap();
    bytes.extend([0, 2, 1, letter]);
    bytes
}

const ATTEMPTS: &str = "/invocations/0/attempts";
const DIGEST: &str = "/invocations/0/digest";

/// A task that is under way, begun on `first`, and another version that is served by now. The digests of both.
async fn given_a_task_under_way(first: Vec<u8>) -> (Bed, Value, Value) {
    let bed = Bed::new().await;
    let file = |name: &str, bytes: Vec<u8>| {
        let path = bed.folder.path().join(name);
        std::fs::write(&path, bytes).unwrap();
        path
    };
    let mut plugin = steered();
    plugin["spec"]["source"] = json!({ "file": file("first.wasm", first) });
    bed.create(plugin).await;
    let mut swap = app("StatefulApp", "swap", 1);
    swap["spec"]["plugin"] = json!({ "name": "steered", "settings": { "task": "again: copying" } });
    bed.create(swap).await;
    bed.until_settled("StatefulApp", "swap", 1).await;
    let task = json!({ "id": "1", "task": "tidy" });
    wish(&bed, "swap", "stateward.dev/do", task).await;
    bed.until_status("StatefulApp", "swap", ATTEMPTS, json!(1))
        .await;
    let began_on = bed.get("Plugin", "steered").await["status"]["digest"].clone();
    bed.until_status("StatefulApp", "swap", DIGEST, began_on.clone())
        .await;

    let source = json!({ "spec": { "source": { "file": file("dialing.wasm", dialing()) } } });
    bed.merge("Plugin", "steered", source).await;
    bed.until("the other version is served", || async {
        let status = bed.get("Plugin", "steered").await["status"].clone();
        match status["state"] == "Ready" && status["digest"] != began_on {
            true => Ok(()),
            false => Err(status.to_string()),
        }
    })
    .await;
    let present = bed.get("Plugin", "steered").await["status"]["digest"].clone();
    std::fs::remove_file(bed.folder.path().join("first.wasm")).unwrap();
    (bed, began_on, present)
}

/// The task is asked once more. The events on the app.
async fn ask_again(bed: &Bed) -> Vec<String> {
    decide(bed, "swap", "task/tidy/1", "retry", "again").await;
    bed.until_status("StatefulApp", "swap", ATTEMPTS, json!(2))
        .await;
    bed.events("swap").await
}

fn says(events: &[String], text: &str) -> bool {
    events.iter().any(|event| event.starts_with(text))
}

#[tokio::test(flavor = "multi_thread")]
async fn given_another_version_then_what_is_under_way_ends_on_the_one_that_began_it() {
    let (bed, began_on, _) = given_a_task_under_way(named(b'a')).await;
    ask_again(&bed).await;
    bed.until_status("StatefulApp", "swap", DIGEST, began_on)
        .await;
    skip(&bed, "swap", "task/tidy/1").await;
    scale(&bed, "swap", 2).await;
    bed.until_event("swap", "Dialed: pre-scale/").await;
    bed.until_settled("StatefulApp", "swap", 2).await;
    let events = bed.events("swap").await;
    assert!(says(&events, "Called: task/tidy/1"), "{events:#?}");
    assert!(!says(&events, "Dialed: task/tidy/1"), "{events:#?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn given_another_version_and_another_operator_then_what_is_under_way_ends_on_the_one_that_began_it()
 {
    let (mut bed, began_on, _) = given_a_task_under_way(named(b'b')).await;
    bed.stop().await;
    bed.start();
    let events = ask_again(&bed).await;
    bed.until_status("StatefulApp", "swap", DIGEST, began_on)
        .await;
    assert!(!says(&events, "Dialed: task/tidy/1"), "{events:#?}");
    assert!(!says(&events, "VersionLost"), "{events:#?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn given_a_version_that_is_nowhere_any_more_then_it_goes_on_with_the_present_one_and_says_so()
{
    let (mut bed, began_on, present) = given_a_task_under_way(named(b'c')).await;
    bed.stop().await;
    let digest = began_on.as_str().unwrap().trim_start_matches("sha256:");
    let cache = bed.options().plugin_cache.unwrap();
    std::fs::remove_file(cache.join(format!("{digest}.wasm"))).unwrap();
    bed.start();
    ask_again(&bed).await;
    bed.until_status("StatefulApp", "swap", DIGEST, present)
        .await;
    bed.until_event("swap", "Dialed: task/tidy/1").await;
    let lost = format!("VersionLost: task/tidy/1 began on sha256:{digest}, which cannot be had");
    bed.until_event("swap", &lost).await;
}
