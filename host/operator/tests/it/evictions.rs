//! Drains: a budget of the operator's lets nobody evict a member whose plugin has not prepared it.

use kube::ResourceExt;
use kube::api::{EvictParams, ListParams};
use serde_json::{Value, json};

use crate::bed::{Bed, app};
use crate::hooks::plugin;

const BUDGET: &str = "db-drains";

/// Two members on `node` whose plugin says this to `pre-delete`.
async fn given(pre_delete: &str) -> Bed {
    let bed = Bed::new().await;
    for node in ["node", "spare"] {
        let node = json!({ "apiVersion": "v1", "kind": "Node", "metadata": { "name": node } });
        bed.create(node).await;
    }
    let grants = json!({ "requests": true, "discardVolumes": true, "events": true });
    bed.create(plugin("steered", "steered", grants)).await;
    let mut db = app("StatefulApp", "db", 2);
    db["spec"]["plugin"] = json!({ "name": "steered", "settings": { "pre-delete": pre_delete } });
    bed.create(db).await;
    bed.until_settled("StatefulApp", "db", 2).await;
    bed
}

/// The code with which the eviction of this pod is refused; none when it is not.
async fn evict(bed: &Bed, pod: &str) -> Option<u16> {
    match bed.pods().evict(pod, &EvictParams::default()).await {
        Ok(_) => None,
        Err(kube::Error::Api(status)) => Some(status.code),
        Err(error) => panic!("{error}"),
    }
}

async fn cordon(bed: &Bed, node: &str) {
    bed.merge("Node", node, json!({ "spec": { "unschedulable": true } }))
        .await;
}

/// Tries once to evict who is on this node, as a drain does again and again.
async fn drain(bed: &Bed, node: &str) {
    let on_it = ListParams::default().fields(&format!("spec.nodeName={node}"));
    for pod in bed.pods().list(&on_it).await.unwrap() {
        evict(bed, &pod.name_any()).await;
    }
}

/// Waits for this reason of the condition `DrainsGated`; its message.
async fn until_gated(bed: &Bed, reason: &str) -> String {
    let condition = |app: &Value| -> Value {
        let conditions = app["status"]["conditions"].as_array();
        let mut conditions = conditions.into_iter().flatten();
        let found = conditions.find(|one| one["type"] == "DrainsGated");
        found.cloned().unwrap_or_default()
    };
    bed.until(&format!("DrainsGated says {reason}"), || async {
        let app = bed.get("StatefulApp", "db").await;
        match condition(&app)["reason"] == reason {
            true => Ok(()),
            false => Err(app["status"]["conditions"].to_string()),
        }
    })
    .await;
    let app = bed.get("StatefulApp", "db").await;
    condition(&app)["message"].as_str().unwrap().to_owned()
}

/// Names of the nodes that the members are on.
async fn nodes(bed: &Bed) -> Vec<String> {
    let pods = bed.pods().list(&ListParams::default()).await.unwrap();
    let node = |pod: k8s_openapi::api::core::v1::Pod| pod.spec?.node_name;
    pods.into_iter().filter_map(node).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_eviction_is_refused_as_long_as_the_node_is_not_drained() {
    let bed = given("done").await;
    until_gated(&bed, "BudgetInPlace").await;
    let budget = bed.get("PodDisruptionBudget", BUDGET).await;
    assert_eq!(budget["spec"]["maxUnavailable"], 0);
    assert_eq!(budget["metadata"]["ownerReferences"][0]["name"], "db");
    assert_eq!(evict(&bed, "db-1").await, Some(429));
    assert_eq!(evict(&bed, "db-0").await, Some(429));
    assert_eq!(nodes(&bed).await, ["node", "node"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn members_leave_a_cordoned_node_one_at_a_time_each_after_pre_delete() {
    let bed = given("refuse: still copying").await;
    until_gated(&bed, "BudgetInPlace").await;
    bed.kubelet.forget();
    cordon(&bed, "node").await;
    bed.until("the drain waits for the plugin", || async {
        let waiting = bed.get("StatefulApp", "db").await["status"]["waiting"].to_string();
        match waiting.contains("still copying") && waiting.contains("DrainQueued") {
            true => Ok(()),
            false => Err(waiting),
        }
    })
    .await;
    assert_eq!(evict(&bed, "db-1").await, Some(429));
    assert!(bed.kubelet.record().is_empty(), "nobody has left");

    let settings = json!({ "spec": { "plugin": { "settings": null } } });
    bed.merge("StatefulApp", "db", settings).await;
    bed.until("both are on the other node", || async {
        drain(&bed, "node").await;
        let nodes = nodes(&bed).await;
        let record = bed.kubelet.record();
        let are_ready = ["!db-0", "!db-1"].map(str::to_owned);
        match nodes == ["spare", "spare"] && are_ready.iter().all(|one| record.contains(one)) {
            true => Ok(()),
            false => Err(format!("{nodes:?}, {record:?}")),
        }
    })
    .await;
    for pod in ["db-0", "db-1"] {
        assert_eq!(evict(&bed, pod).await, Some(429), "the new one stays");
    }
    let left = |pod: &str| format!("~{pod} -{pod} +{pod} !{pod}");
    let record = bed.kubelet.record().join(" ");
    assert_eq!(record, format!("{} {}", left("db-1"), left("db-0")));
    let events = bed.events("db").await.join("\n");
    assert!(events.contains("/evict"), "{events}");
    assert!(!events.contains("/external"), "{events}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_that_an_autoscaler_is_about_to_remove_is_left_too() {
    let bed = given("done").await;
    until_gated(&bed, "BudgetInPlace").await;
    let before = bed.get("Pod", "db-1").await["metadata"]["uid"].clone();
    let taint = json!({ "key": "ToBeDeletedByClusterAutoscaler", "effect": "NoSchedule" });
    bed.merge("Node", "node", json!({ "spec": { "taints": [taint] } }))
        .await;
    bed.until("the member was replaced", || async {
        drain(&bed, "node").await;
        let pod = bed.get("Pod", "db-1").await;
        match pod["metadata"]["uid"] != before && pod != Value::Null {
            true => Ok(()),
            false => Err(pod["metadata"].to_string()),
        }
    })
    .await;
    let events = bed.events("db").await.join("\n");
    assert!(events.contains("/evict"), "{events}");
}

#[tokio::test(flavor = "multi_thread")]
async fn where_a_budget_of_the_user_decides_ours_goes_and_the_app_says_so() {
    let bed = given("refuse: never").await;
    until_gated(&bed, "BudgetInPlace").await;
    bed.create(json!({
        "apiVersion": "policy/v1", "kind": "PodDisruptionBudget",
        "metadata": { "name": "mine" },
        "spec": { "minAvailable": 1, "selector": { "matchLabels": { "app": "db" } } },
    }))
    .await;
    let message = until_gated(&bed, "UsersBudget").await;
    assert!(message.contains("mine"), "{message}");
    bed.until("our budget is gone", || async {
        match bed.get("PodDisruptionBudget", BUDGET).await {
            Value::Null => Ok(()),
            budget => Err(budget.to_string()),
        }
    })
    .await;
    assert_eq!(evict(&bed, "db-1").await, None);
    bed.delete("PodDisruptionBudget", "mine").await;
    until_gated(&bed, "BudgetInPlace").await;
}
