//! Several nodes: cordon, drain, a node that is lost and comes back. Time is moved, not waited for.

use k8s_openapi::api::core::v1::{Node, Pod};
use kube::api::{EvictParams, Patch, PatchParams};
use kube::runtime::wait::await_condition;
use kube::{Api, ResourceExt};
use serde_json::json;

use crate::bed::{Bed, condition, is_ready};

fn pod(name: &str, more: &str) -> String {
    format!(
        "apiVersion: v1\nkind: Pod\nmetadata: {{ name: {name}, labels: {{ app: web }} }}\nspec:\n  containers: [{{ name: main, image: any }}]\n{more}"
    )
}

fn node_of(pod: &Pod) -> String {
    let node = pod.spec.as_ref().and_then(|spec| spec.node_name.clone());
    node.expect("assigned")
}

fn taints(node: &Node) -> Vec<String> {
    let taints = node.spec.as_ref().and_then(|spec| spec.taints.clone());
    let mut names: Vec<String> = taints
        .into_iter()
        .flatten()
        .map(|taint| {
            format!(
                "{}:{}",
                taint.key.replace("node.kubernetes.io/", ""),
                taint.effect
            )
        })
        .collect();
    names.sort();
    names
}

impl Bed {
    /// The node, as soon as it is as described. Moved time has no patience to measure.
    async fn until_node(&self, name: &str, holds: impl Fn(&Node) -> bool + Send + Sync) -> Node {
        let api = Api::<Node>::all(self.client.clone());
        let found = await_condition(api, name, |node: Option<&Node>| node.is_some_and(&holds));
        found.await.expect("watched").expect("the node")
    }

    pub(crate) async fn until_pod(
        &self,
        name: &str,
        holds: impl Fn(Option<&Pod>) -> bool + Send + Sync,
    ) {
        await_condition(self.api::<Pod>(), name, holds)
            .await
            .expect("watched");
    }

    async fn two_nodes(&self) -> stateward_node::Simulation {
        let other = self.add_simulated_node("other");
        for name in ["node", "other"] {
            self.until_node(name, |node| ready(node) == "True").await;
        }
        other
    }
}

fn ready(node: &Node) -> String {
    let conditions = node
        .status
        .as_ref()
        .and_then(|status| status.conditions.clone());
    let ready = conditions
        .into_iter()
        .flatten()
        .find(|one| one.type_ == "Ready");
    ready.map(|ready| ready.status).unwrap_or_default()
}

#[tokio::test(start_paused = true)]
async fn pods_are_spread_over_nodes_and_a_cordoned_node_gets_no_more() {
    let bed = Bed::simulated().await;
    bed.two_nodes().await;
    for name in ["a", "b"] {
        bed.apply(&pod(name, "")).await;
        bed.until_pod(name, |pod| pod.is_some_and(is_ready)).await;
    }
    let a: Pod = bed.api().get("a").await.expect("a");
    let b: Pod = bed.api().get("b").await.expect("b");
    assert_ne!(node_of(&a), node_of(&b));

    let nodes = Api::<Node>::all(bed.client.clone());
    nodes.cordon("node").await.expect("cordoned");
    let cordoned = bed
        .until_node("node", |node| !taints(node).is_empty())
        .await;
    assert_eq!(taints(&cordoned), ["unschedulable:NoSchedule"]);
    for name in ["c", "d", "e"] {
        bed.apply(&pod(name, "")).await;
        bed.until_pod(name, |pod| pod.is_some_and(is_ready)).await;
        let placed: Pod = bed.api().get(name).await.expect("placed");
        assert_eq!(node_of(&placed), "other");
    }

    nodes.uncordon("node").await.expect("uncordoned");
    bed.until_node("node", |node| taints(node).is_empty()).await;
    bed.apply(&pod("f", "")).await;
    bed.until_pod("f", |pod| pod.is_some_and(is_ready)).await;
    assert_eq!(node_of(&bed.api().get("f").await.expect("f")), "node");
}

/// What `kubectl drain` does: cordon, then evict what runs there, as budgets allow.
#[tokio::test(start_paused = true)]
async fn a_node_is_drained_as_far_as_the_disruption_budget_allows() {
    let bed = Bed::simulated().await;
    bed.apply("apiVersion: policy/v1\nkind: PodDisruptionBudget\nmetadata: { name: web }\nspec: { minAvailable: 1, selector: { matchLabels: { app: web } } }\n")
        .await;
    for name in ["a", "b"] {
        bed.apply(&pod(name, "")).await;
        bed.until_pod(name, |pod| pod.is_some_and(is_ready)).await;
    }
    Api::<Node>::all(bed.client.clone())
        .cordon("node")
        .await
        .expect("cordoned");

    let pods = bed.api::<Pod>();
    pods.evict("a", &EvictParams::default())
        .await
        .expect("the first may go");
    bed.until_pod("a", |pod| pod.is_none()).await;
    let refused = pods.evict("b", &EvictParams::default()).await;
    assert!(
        matches!(&refused, Err(kube::Error::Api(answer)) if answer.code == 429),
        "{refused:?}"
    );
}

#[tokio::test(start_paused = true)]
async fn a_lost_node_is_tainted_its_pods_are_unready_then_deleted_and_end_when_it_is_back() {
    let bed = Bed::simulated().await;
    let other = bed.two_nodes().await;
    let on_other =
        |tolerations: &str| format!("  nodeName: other\n  tolerations: [{tolerations}]\n");
    bed.apply(&pod("usual", &on_other(""))).await;
    bed.apply(&pod(
        "hasty",
        &on_other("{ key: node.kubernetes.io/unreachable, operator: Exists, effect: NoExecute, tolerationSeconds: 5 }"),
    ))
    .await;
    bed.apply(&pod("stays", &on_other("{ operator: Exists }")))
        .await;
    for name in ["usual", "hasty", "stays"] {
        bed.until_pod(name, |pod| pod.is_some_and(is_ready)).await;
    }

    other.lose(true);

    let lost = bed
        .until_node("other", |node| taints(node).len() == 2)
        .await;
    assert_eq!(ready(&lost), "Unknown");
    assert_eq!(
        taints(&lost),
        ["unreachable:NoExecute", "unreachable:NoSchedule"]
    );
    bed.until_pod("stays", |pod| pod.is_some_and(|pod| !is_ready(pod)))
        .await;
    let is_deleting =
        |pod: Option<&Pod>| pod.is_some_and(|pod| pod.metadata.deletion_timestamp.is_some());
    bed.until_pod("hasty", is_deleting).await;
    let usual: Pod = bed.api().get("usual").await.expect("still there");
    assert!(
        usual.metadata.deletion_timestamp.is_none(),
        "300 s by default"
    );
    bed.until_pod("usual", is_deleting).await;
    let why = condition(
        &bed.api().get("usual").await.expect("still there"),
        "DisruptionTarget",
    );
    assert_eq!(why.as_deref(), Some("True"));
    let node: Pod = bed.api().get("stays").await.expect("still there");
    assert!(node.metadata.deletion_timestamp.is_none());

    other.lose(false);

    bed.until_node("other", |node| {
        ready(node) == "True" && taints(node).is_empty()
    })
    .await;
    for name in ["hasty", "usual"] {
        bed.until_pod(name, |pod| pod.is_none()).await;
    }
    bed.until_pod("stays", |pod| pod.is_some_and(is_ready))
        .await;
}

#[tokio::test(start_paused = true)]
async fn pods_of_a_node_that_is_out_of_service_or_deleted_are_forgotten() {
    let bed = Bed::simulated().await;
    let other = bed.two_nodes().await;
    for name in ["a", "b"] {
        bed.apply(&pod(name, "  nodeName: other\n")).await;
        bed.until_pod(name, |pod| pod.is_some_and(is_ready)).await;
    }
    other.lose(true);
    bed.until_node("other", |node| ready(node) == "Unknown")
        .await;
    bed.api::<Pod>()
        .delete("a", &Default::default())
        .await
        .expect("deleted");
    let kept: Pod = bed.api().get("a").await.expect("nobody has ended it");
    assert!(kept.metadata.deletion_timestamp.is_some());

    let nodes = Api::<Node>::all(bed.client.clone());
    let lost = nodes.get("other").await.expect("the node");
    let mut all = json!(
        lost.spec
            .clone()
            .unwrap_or_default()
            .taints
            .unwrap_or_default()
    );
    all.as_array_mut().expect("a list").push(
        json!({ "key": "node.kubernetes.io/out-of-service", "value": "nodeshutdown", "effect": "NoSchedule" }),
    );
    let patch = Patch::Merge(json!({ "spec": { "taints": all } }));
    nodes
        .patch("other", &PatchParams::default(), &patch)
        .await
        .expect("tainted");
    bed.until_pod("a", |pod| pod.is_none()).await;
    assert_eq!(bed.api::<Pod>().get("b").await.expect("b").name_any(), "b");

    nodes
        .delete("other", &Default::default())
        .await
        .expect("deleted");
    bed.until_pod("b", |pod| pod.is_none()).await;
}

#[tokio::test(start_paused = true)]
async fn pods_that_want_to_be_apart_get_a_node_each_and_the_one_too_many_waits() {
    let bed = Bed::simulated().await;
    bed.two_nodes().await;
    let apart = "  affinity: { podAntiAffinity: { requiredDuringSchedulingIgnoredDuringExecution: [{ labelSelector: { matchLabels: { app: web } }, topologyKey: kubernetes.io/hostname }] } }\n";
    let all: String = ["a", "b", "c"].map(|name| pod(name, apart)).join("---\n");
    bed.apply(&all).await;

    let told = bed.told("c", "FailedScheduling").await;
    assert!(
        told.contains("0/2 nodes are available: 2 node(s) didn't match pod anti-affinity rules"),
        "{told}"
    );
    let a: Pod = bed.api().get("a").await.expect("a");
    let b: Pod = bed.api().get("b").await.expect("b");
    assert_ne!(node_of(&a), node_of(&b));

    bed.api::<Pod>()
        .delete("a", &Default::default())
        .await
        .expect("deleted");
    bed.until_pod("c", |pod| pod.is_some_and(is_ready)).await;
}
