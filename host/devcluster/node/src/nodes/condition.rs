//! What is written on a node that is silent, not ready or cordoned: pure.

use jiff::Timestamp;
use k8s_openapi::api::core::v1::{Node, Taint};
use serde_json::{Value, json};

const NOT_READY: &str = "node.kubernetes.io/not-ready";
const UNREACHABLE: &str = "node.kubernetes.io/unreachable";
const UNSCHEDULABLE: &str = "node.kubernetes.io/unschedulable";

/// What a node's condition `Ready` says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Readiness {
    Ready,
    NotReady,
    /// Its agent is silent.
    Unknown,
}

impl Readiness {
    pub(crate) fn of(node: &Node) -> Self {
        let conditions = node
            .status
            .as_ref()
            .and_then(|status| status.conditions.as_ref());
        let ready = conditions
            .into_iter()
            .flatten()
            .find(|condition| condition.type_ == "Ready");
        match ready.map(|ready| ready.status.as_str()) {
            Some("True") => Self::Ready,
            Some("Unknown") => Self::Unknown,
            _ => Self::NotReady,
        }
    }
}

/// The status of a node that has been silent for too long; `None` when it says so already.
pub(super) fn silence(node: &Node, now: Timestamp) -> Option<Value> {
    if Readiness::of(node) == Readiness::Unknown {
        return None;
    }
    let unknown = |type_: &str| {
        json!({
            "type": type_, "status": "Unknown", "reason": "NodeStatusUnknown",
            "message": "Kubelet stopped posting node status.", "lastTransitionTime": now,
        })
    };
    let conditions = ["Ready", "MemoryPressure", "DiskPressure", "PIDPressure"].map(unknown);
    Some(json!({ "conditions": conditions }))
}

/// The node's taints as they should be; `None` when they are. Taints of others stay.
pub(super) fn taints(node: &Node, now: Timestamp) -> Option<Value> {
    let spec = node.spec.clone().unwrap_or_default();
    let mut wanted: Vec<(&str, &str)> = Vec::new();
    match Readiness::of(node) {
        Readiness::Ready => {}
        Readiness::NotReady => wanted.extend([(NOT_READY, "NoSchedule"), (NOT_READY, "NoExecute")]),
        Readiness::Unknown => {
            wanted.extend([(UNREACHABLE, "NoSchedule"), (UNREACHABLE, "NoExecute")]);
        }
    }
    if spec.unschedulable.unwrap_or_default() {
        wanted.push((UNSCHEDULABLE, "NoSchedule"));
    }
    let present = spec.taints.unwrap_or_default();
    let is_ours =
        |taint: &Taint| [NOT_READY, UNREACHABLE, UNSCHEDULABLE].contains(&taint.key.as_str());
    let has = |taint: &Taint| wanted.contains(&(taint.key.as_str(), taint.effect.as_str()));
    let missing: Vec<(&str, &str)> = wanted
        .iter()
        .filter(|(key, effect)| {
            !present
                .iter()
                .any(|taint| taint.key == *key && taint.effect == *effect)
        })
        .copied()
        .collect();
    let kept: Vec<&Taint> = present
        .iter()
        .filter(|taint| !is_ours(taint) || has(taint))
        .collect();
    if missing.is_empty() && kept.len() == present.len() {
        return None;
    }
    let added = missing
        .into_iter()
        .map(|(key, effect)| json!({ "key": key, "effect": effect, "timeAdded": now.round(jiff::Unit::Second).unwrap_or(now) }));
    Some(kept.iter().map(|taint| json!(taint)).chain(added).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn node(ready: &str, spec: Value) -> Node {
        serde_json::from_value(json!({
            "metadata": { "name": "node" }, "spec": spec,
            "status": { "conditions": [{ "type": "Ready", "status": ready }] },
        }))
        .expect("a node")
    }

    fn keys(taints: Option<Value>) -> Vec<String> {
        let taints = taints.expect("taints to write");
        let list = taints.as_array().expect("a list").iter();
        list.map(|taint| {
            format!(
                "{}:{}",
                taint["key"].as_str().expect("a key"),
                taint["effect"].as_str().expect("an effect")
            )
        })
        .collect()
    }

    #[test]
    fn a_silent_node_is_unknown_and_unreachable_and_a_node_that_is_back_loses_the_taints() {
        let now = Timestamp::UNIX_EPOCH;
        let alone = json!({ "key": "mine", "effect": "NoExecute" });
        let was_ready = node("True", json!({ "taints": [alone] }));
        assert!(silence(&was_ready, now).is_some());
        assert_eq!(taints(&was_ready, now), None);

        let silent = node("Unknown", json!({ "taints": [alone] }));
        assert_eq!(silence(&silent, now), None);
        assert_eq!(
            keys(taints(&silent, now)),
            [
                "mine:NoExecute",
                "node.kubernetes.io/unreachable:NoSchedule",
                "node.kubernetes.io/unreachable:NoExecute"
            ]
        );

        let back = node(
            "True",
            json!({ "taints": [alone, { "key": "node.kubernetes.io/unreachable", "effect": "NoExecute" }] }),
        );
        assert_eq!(keys(taints(&back, now)), ["mine:NoExecute"]);
    }

    #[test]
    fn a_cordoned_node_has_a_taint_as_long_as_it_is_cordoned() {
        let now = Timestamp::UNIX_EPOCH;
        let cordoned = node("True", json!({ "unschedulable": true }));
        assert_eq!(
            keys(taints(&cordoned, now)),
            ["node.kubernetes.io/unschedulable:NoSchedule"]
        );
    }
}
