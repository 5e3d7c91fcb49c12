//! Apps that no teardown can hold: deleted in the foreground or without their pods, with their namespace, or with the definition of their kind.

use k8s_openapi::api::core::v1::Event;
use kube::api::{Api, DeleteParams, ListParams};
use serde_json::{Value, json};

use crate::bed::{Bed, app};
use crate::hooks::plugin;

pub(crate) const KIND: &str = "statefulapps.stateward.dev";

/// Two members in the namespace `shop`, held for a teardown that the plugin refuses for ever.
pub(crate) async fn given_a_held_app() -> Bed {
    let mut bed = Bed::without_operator().await;
    bed.client = bed.cluster.client("shop");
    bed.create(json!({ "apiVersion": "v1", "kind": "Namespace", "metadata": { "name": "shop" } }))
        .await;
    let grants = json!({ "requests": true, "discardVolumes": true, "events": true });
    bed.create(plugin("steered", "steered", grants)).await;
    let mut db = app("StatefulApp", "db", 2);
    db["spec"]["plugin"] =
        json!({ "name": "steered", "settings": { "teardown": "refuse: a backup runs" } });
    bed.create(db).await;
    bed.start();
    bed.until_settled("StatefulApp", "db", 2).await;
    bed.until("the app is held", || async {
        let app = bed.get("StatefulApp", "db").await;
        match app["metadata"]["finalizers"] == json!(["stateward.dev/teardown"]) {
            true => Ok(()),
            false => Err(app["metadata"].to_string()),
        }
    })
    .await;
    bed
}

async fn until_gone(bed: &Bed, kind: &str, name: &str) {
    bed.until(&format!("{kind} {name} is gone"), || async {
        match bed.get(kind, name).await {
            Value::Null => Ok(()),
            object => Err(object.to_string()),
        }
    })
    .await;
}

/// Waits until an event in the namespace `default` about this object says so.
async fn until_said_of(bed: &Bed, kind: &str, name: &str, text: &str) {
    let api: Api<Event> = Api::namespaced(bed.client.clone(), "default");
    bed.until(
        &format!("an event on {kind} {name} says {text:?}"),
        || async {
            let events = api.list(&ListParams::default()).await.unwrap();
            let said: Vec<String> = (events.into_iter())
                .filter(|event| event.involved_object.kind.as_deref() == Some(kind))
                .filter(|event| event.involved_object.name.as_deref() == Some(name))
                .map(|event| {
                    let (reason, message) = (event.reason, event.message);
                    format!(
                        "{}: {}",
                        reason.unwrap_or_default(),
                        message.unwrap_or_default()
                    )
                })
                .collect();
            match said.iter().any(|event| event.contains(text)) {
                true => Ok(()),
                false => Err(format!("{said:#?}")),
            }
        },
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn given_an_app_that_is_deleted_in_the_foreground_then_it_is_let_go_and_an_event_says_so() {
    let bed = given_a_held_app().await;
    for pod in ["db-0", "db-1"] {
        bed.kubelet.linger(pod);
    }
    bed.delete_with("StatefulApp", "db", &DeleteParams::foreground())
        .await;
    bed.until_event(
        "db",
        "TeardownSkipped: pre-delete is not called for the members",
    )
    .await;
    bed.until_event("db", "deleted in the foreground").await;
    for pod in ["db-0", "db-1"] {
        bed.kubelet.let_go(pod);
    }
    until_gone(&bed, "StatefulApp", "db").await;
}

/// Who looks after it then has seen the app before its pods: they are disowned before anybody can see that they will be.
#[tokio::test(flavor = "multi_thread")]
async fn given_an_app_that_is_deleted_without_its_pods_then_nobody_prepares_them_to_leave() {
    let bed = given_a_held_app().await;
    bed.kubelet.forget();
    bed.delete_with("StatefulApp", "db", &DeleteParams::orphan())
        .await;
    until_gone(&bed, "StatefulApp", "db").await;
    let events = bed.events("db").await.join("\n");
    assert!(!events.contains("pre-delete/"), "{events}");
    assert_eq!(bed.pod_names().await, ["db-0", "db-1"]);
    assert!(bed.kubelet.record().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn given_a_namespace_that_is_deleted_then_its_apps_are_let_go_and_an_event_says_so() {
    let bed = given_a_held_app().await;
    bed.delete("Namespace", "shop").await;
    until_gone(&bed, "Namespace", "shop").await;
    let said = "TeardownSkipped: StatefulApp shop/db: pre-delete is not called";
    until_said_of(&bed, "Namespace", "shop", said).await;
    until_said_of(&bed, "Namespace", "shop", "its namespace is being deleted").await;
}

/// The app waits for its teardown when its namespace is deleted too.
#[tokio::test(flavor = "multi_thread")]
async fn given_a_teardown_under_way_when_the_namespace_is_deleted_then_it_ends() {
    let bed = given_a_held_app().await;
    bed.delete("StatefulApp", "db").await;
    bed.until_event("db", "Called: pre-delete/").await;
    bed.delete("Namespace", "shop").await;
    until_gone(&bed, "Namespace", "shop").await;
}

/// Neither the plugin nor a readable spec is needed for it.
#[tokio::test(flavor = "multi_thread")]
async fn given_a_namespace_that_was_deleted_while_no_operator_ran_then_the_next_one_lets_go() {
    for breaks in ["nothing", "plugin", "spec"] {
        let mut bed = given_a_held_app().await;
        bed.stop().await;
        match breaks {
            "plugin" => bed.delete("Plugin", "steered").await,
            "spec" => {
                let unlike = json!({ "spec": { "template": { "metadata": { "labels": { "app": "other" } } } } });
                bed.merge("StatefulApp", "db", unlike).await;
            }
            _ => {}
        }
        bed.delete("Namespace", "shop").await;
        assert!(!bed.get("Namespace", "shop").await.is_null());
        bed.start();
        until_gone(&bed, "Namespace", "shop").await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn given_an_uninstallation_then_apps_are_let_go_and_an_event_says_so() {
    let bed = given_a_held_app().await;
    bed.delete("CustomResourceDefinition", KIND).await;
    until_gone(&bed, "CustomResourceDefinition", KIND).await;
    bed.until_event("db", "TeardownSkipped").await;
    bed.until_event("db", "Stateward is being uninstalled: the definition of StatefulApp is being deleted, and Kubernetes' garbage collector may leave its pods running")
        .await;
    bed.until_pods(&[]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn given_an_uninstallation_while_no_operator_ran_then_the_next_one_lets_go() {
    let mut bed = given_a_held_app().await;
    bed.stop().await;
    bed.delete("CustomResourceDefinition", "plugins.stateward.dev")
        .await;
    bed.delete("CustomResourceDefinition", KIND).await;
    bed.start();
    until_gone(&bed, "CustomResourceDefinition", KIND).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn given_another_namespace_that_is_deleted_then_an_app_is_held_on() {
    let bed = given_a_held_app().await;
    let other = json!({ "apiVersion": "v1", "kind": "Namespace", "metadata": { "name": "other" } });
    bed.create(other).await;
    bed.delete("Namespace", "other").await;
    until_gone(&bed, "Namespace", "other").await;
    bed.delete("StatefulApp", "db").await;
    bed.until_event("db", "Called: pre-delete/").await;
    let app = bed.get("StatefulApp", "db").await;
    assert_eq!(
        app["metadata"]["finalizers"],
        json!(["stateward.dev/teardown"])
    );
    assert_eq!(bed.pod_names().await, ["db-0", "db-1"]);
}
