//! Apps whose plugin answers as the app's settings say (`tests/steered`), and what users say to them.

use serde_json::{Value, json};

use crate::bed::{Bed, app};
use crate::hooks::plugin;

pub(crate) fn steered() -> Value {
    let grants = json!({ "requests": true, "discardVolumes": true, "events": true });
    plugin("steered", "steered", grants)
}

/// An app whose hooks answer like that, up to now joined and at rest.
pub(crate) async fn given(name: &str, replicas: u32, settings: Value) -> Bed {
    let bed = Bed::new().await;
    bed.create(steered()).await;
    let mut app = app("StatefulApp", name, replicas);
    app["spec"]["plugin"] = json!({ "name": "steered", "settings": settings });
    bed.create(app).await;
    bed.until_settled("StatefulApp", name, replicas).await;
    bed
}

pub(crate) async fn steer(bed: &Bed, name: &str, settings: Value) {
    // Of an object only what is named would change.
    let gone = json!({ "spec": { "plugin": { "settings": null } } });
    bed.merge("StatefulApp", name, gone).await;
    let patch = json!({ "spec": { "plugin": { "settings": settings } } });
    bed.merge("StatefulApp", name, patch).await;
}

pub(crate) async fn scale(bed: &Bed, name: &str, replicas: u32) {
    let patch = json!({ "spec": { "replicas": replicas } });
    bed.merge("StatefulApp", name, patch).await;
}

pub(crate) async fn wish(bed: &Bed, name: &str, annotation: &str, wish: Value) {
    let patch = json!({ "metadata": { "annotations": { annotation: wish.to_string() } } });
    bed.merge("StatefulApp", name, patch).await;
}

pub(crate) async fn skip(bed: &Bed, name: &str, invocation: &str) {
    decide(bed, name, invocation, "skip", invocation).await;
}

pub(crate) async fn decide(bed: &Bed, name: &str, invocation: &str, verb: &str, id: &str) {
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

pub(crate) async fn uid(bed: &Bed, kind: &str, name: &str) -> String {
    let object = bed.get(kind, name).await;
    object["metadata"]["uid"]
        .as_str()
        .unwrap_or_default()
        .to_owned()
}

pub(crate) async fn until_waiting(bed: &Bed, name: &str, reason: &str) {
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

pub(crate) async fn until_replaced(bed: &Bed, kind: &str, name: &str, before: &str) {
    bed.until(&format!("{kind} {name} is another one"), || async {
        match uid(bed, kind, name).await {
            now if !now.is_empty() && now != before => Ok(()),
            now => Err(now),
        }
    })
    .await;
}
