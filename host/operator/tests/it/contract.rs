//! Hooks that stand in the way: of an ordinal, of the end of an app, of a rollout's order, of a scale; and the role that moves.

use serde_json::{Value, json};

use crate::bed::Bed;
use crate::steering::{given, scale, skip, steer, uid, until_waiting};

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
