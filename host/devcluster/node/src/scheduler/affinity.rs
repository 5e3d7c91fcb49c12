//! What a pod requires of a node's labels and of the pods around it, and what its volumes require: pure.

use std::sync::Arc;

use k8s_openapi::api::core::v1::{
    Node, NodeSelector, NodeSelectorTerm, PersistentVolume, Pod, PodAffinityTerm,
};
use kube::ResourceExt;

use crate::labels::{holds, selects};

/// A pod that has a place, and its node's name.
pub(super) struct Placed<'a> {
    pub(super) pod: &'a Pod,
    pub(super) node: &'a str,
}

/// Why the node is not the one; worded to follow a number of nodes, as upstream words it.
pub(super) fn agrees(
    pod: &Pod,
    node: &Node,
    nodes: &[Arc<Node>],
    placed: &[Placed<'_>],
) -> Result<(), String> {
    let affinity = pod.spec.as_ref().and_then(|spec| spec.affinity.as_ref());
    let required = affinity
        .and_then(|affinity| affinity.node_affinity.as_ref())
        .and_then(|node| {
            node.required_during_scheduling_ignored_during_execution
                .as_ref()
        });
    if required.is_some_and(|required| !takes(required, node)) {
        return Err("node(s) didn't match Pod's node affinity/selector".to_owned());
    }
    let beside = |term: &PodAffinityTerm, owner: &Pod, other: &Pod, at: &str| {
        matches(term, owner, other) && same_place(&term.topology_key, node, at, nodes)
    };
    for term in terms(pod, Kind::With) {
        let found = placed
            .iter()
            .any(|one| beside(term, pod, one.pod, one.node));
        // The first of a group that wants to be together has nobody to join.
        let is_first =
            matches(term, pod, pod) && !placed.iter().any(|one| matches(term, pod, one.pod));
        let may_be_first = is_first && node.labels().contains_key(&term.topology_key);
        if !found && !may_be_first {
            return Err("node(s) didn't match pod affinity rules".to_owned());
        }
    }
    for term in terms(pod, Kind::Apart) {
        if placed
            .iter()
            .any(|one| beside(term, pod, one.pod, one.node))
        {
            return Err("node(s) didn't match pod anti-affinity rules".to_owned());
        }
    }
    for one in placed {
        if terms(one.pod, Kind::Apart)
            .iter()
            .any(|term| beside(term, one.pod, pod, one.node))
        {
            return Err("node(s) didn't satisfy existing pods anti-affinity rules".to_owned());
        }
    }
    Ok(())
}

/// Whether a volume can be used on the node.
pub(super) fn reaches(volume: &PersistentVolume, node: &Node) -> bool {
    let affinity = volume
        .spec
        .as_ref()
        .and_then(|spec| spec.node_affinity.as_ref());
    affinity
        .and_then(|affinity| affinity.required.as_ref())
        .is_none_or(|required| takes(required, node))
}

#[derive(Clone, Copy)]
enum Kind {
    With,
    Apart,
}

fn terms(pod: &Pod, kind: Kind) -> &[PodAffinityTerm] {
    let affinity = pod.spec.as_ref().and_then(|spec| spec.affinity.as_ref());
    let required = match kind {
        Kind::With => affinity
            .and_then(|affinity| affinity.pod_affinity.as_ref())
            .and_then(|with| {
                with.required_during_scheduling_ignored_during_execution
                    .as_ref()
            }),
        Kind::Apart => affinity
            .and_then(|affinity| affinity.pod_anti_affinity.as_ref())
            .and_then(|apart| {
                apart
                    .required_during_scheduling_ignored_during_execution
                    .as_ref()
            }),
    };
    required.map(Vec::as_slice).unwrap_or_default()
}

/// Namespaces are named, or those of the term's owner; a namespace selector is taken for all namespaces.
fn matches(term: &PodAffinityTerm, owner: &Pod, other: &Pod) -> bool {
    let named = term.namespaces.as_deref().unwrap_or_default();
    let namespace = other.metadata.namespace.as_deref().unwrap_or_default();
    let in_scope = term.namespace_selector.is_some()
        || named.iter().any(|name| name == namespace)
        || (named.is_empty() && owner.metadata.namespace == other.metadata.namespace);
    in_scope
        && term
            .label_selector
            .as_ref()
            .is_some_and(|selector| selects(selector, other.metadata.labels.as_ref()))
}

/// Whether both nodes are labelled as one place.
fn same_place(key: &str, node: &Node, other: &str, nodes: &[Arc<Node>]) -> bool {
    let other = nodes.iter().find(|known| known.name_any() == other);
    let value = node.labels().get(key);
    value.is_some() && other.is_some_and(|other| other.labels().get(key) == value)
}

/// One of the terms is enough; within a term, all rules count. A term without rules takes nothing.
fn takes(selector: &NodeSelector, node: &Node) -> bool {
    selector
        .node_selector_terms
        .iter()
        .any(|term| fulfils(term, node))
}

fn fulfils(term: &NodeSelectorTerm, node: &Node) -> bool {
    let labels = term.match_expressions.as_deref().unwrap_or_default();
    let fields = term.match_fields.as_deref().unwrap_or_default();
    let by_label = labels.iter().all(|rule| {
        let values = rule.values.as_deref().unwrap_or_default();
        holds(&rule.operator, node.labels().get(&rule.key), values)
    });
    let name = node.name_any();
    let by_field = fields.iter().all(|rule| {
        let values = rule.values.as_deref().unwrap_or_default();
        rule.key == "metadata.name" && holds(&rule.operator, Some(&name), values)
    });
    !(labels.is_empty() && fields.is_empty()) && by_label && by_field
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn node(name: &str, zone: &str) -> Arc<Node> {
        let labels = json!({ "kubernetes.io/hostname": name, "zone": zone });
        Arc::new(
            serde_json::from_value(json!({ "metadata": { "name": name, "labels": labels } }))
                .expect("a node"),
        )
    }

    fn pod(app: &str, affinity: Value) -> Pod {
        serde_json::from_value(json!({
            "metadata": { "name": app, "namespace": "n", "labels": { "app": app } },
            "spec": { "containers": [], "affinity": affinity },
        }))
        .expect("a pod")
    }

    fn rule(app: &str, key: &str) -> Value {
        json!({ "requiredDuringSchedulingIgnoredDuringExecution": [
            { "labelSelector": { "matchLabels": { "app": app } }, "topologyKey": key } ] })
    }

    fn places(pod: &Pod, placed: &[Placed<'_>]) -> Vec<String> {
        let nodes = [node("a", "1"), node("b", "1"), node("c", "2")];
        nodes
            .iter()
            .filter(|node| agrees(pod, node, &nodes, placed).is_ok())
            .map(|node| node.name_any())
            .collect()
    }

    #[test]
    fn pods_that_want_to_be_apart_are_and_those_that_want_to_be_together_are() {
        let plain = pod("db", json!({}));
        let at_a = [Placed {
            pod: &plain,
            node: "a",
        }];
        let apart = pod(
            "db",
            json!({ "podAntiAffinity": rule("db", "kubernetes.io/hostname") }),
        );
        assert_eq!(places(&apart, &[]), ["a", "b", "c"]);
        assert_eq!(places(&apart, &at_a), ["b", "c"]);
        let by_zone = pod("db", json!({ "podAntiAffinity": rule("db", "zone") }));
        assert_eq!(places(&by_zone, &at_a), ["c"]);
        // Also the other way round: who is there already wants to be alone.
        assert_eq!(
            places(
                &plain,
                &[Placed {
                    pod: &apart,
                    node: "b"
                }]
            ),
            ["a", "c"]
        );

        let with = pod("web", json!({ "podAffinity": rule("db", "zone") }));
        assert_eq!(places(&with, &at_a), ["a", "b"]);
        assert!(places(&with, &[]).is_empty());
        let together = pod("db", json!({ "podAffinity": rule("db", "zone") }));
        assert_eq!(places(&together, &[]), ["a", "b", "c"]);
    }

    #[test]
    fn nodes_and_volumes_are_matched_by_label_and_by_name() {
        let required = |terms: Value| json!({ "nodeSelectorTerms": terms });
        let in_zone =
            json!([{ "matchExpressions": [{ "key": "zone", "operator": "In", "values": ["2"] }] }]);
        let by_name = json!([{ "matchFields": [{ "key": "metadata.name", "operator": "In", "values": ["a"] }] }]);
        let wants = |terms: &Value| {
            pod(
                "db",
                json!({ "nodeAffinity": { "requiredDuringSchedulingIgnoredDuringExecution": required(terms.clone()) } }),
            )
        };
        assert_eq!(places(&wants(&in_zone), &[]), ["c"]);
        assert_eq!(places(&wants(&by_name), &[]), ["a"]);

        let volume: PersistentVolume = serde_json::from_value(
            json!({ "metadata": {}, "spec": { "nodeAffinity": { "required": required(in_zone) } } }),
        )
        .expect("a volume");
        assert!(reaches(&volume, &node("c", "2")));
        assert!(!reaches(&volume, &node("a", "1")));
    }
}
