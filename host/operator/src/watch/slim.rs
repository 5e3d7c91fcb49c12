//! Slim projections of the watched kinds: a fraction of the memory of the full types.

use k8s_openapi::api::apps::v1::{ControllerRevision, StatefulSet};
use k8s_openapi::api::core::v1::{Node, PersistentVolumeClaim};
use k8s_openapi::api::policy::v1::PodDisruptionBudget;
use k8s_openapi::jiff::Timestamp;
use kube::Resource;
use kube::api::ObjectMeta;
use serde::Deserialize;
use serde_json::Value;

use stateward_planner::spec::Selector;
use stateward_planner::{Shared, Texts};

use super::metadata;
use crate::crd;

/// Taints of autoscalers on a node that they are about to remove.
const ABOUT_TO_GO: [&str; 3] = [
    "ToBeDeletedByClusterAutoscaler",
    "karpenter.sh/disrupted",
    "karpenter.sh/disruption",
];

/// The taint by which somebody vouches that a node is shut down.
const OUT_OF_SERVICE: &str = "node.kubernetes.io/out-of-service";

/// A PersistentVolumeClaim as the API server tells it, as far as anything is made of it. It is kept as a [`SlimClaim`](super::claim::SlimClaim).
#[derive(Resource, Deserialize, Clone, Debug)]
#[resource(inherit = "PersistentVolumeClaim")]
pub(crate) struct RawClaim {
    #[serde(deserialize_with = "metadata::slim")]
    pub metadata: ObjectMeta,
    #[serde(default)]
    pub spec: ClaimSpec,
    #[serde(default)]
    pub status: ClaimStatus,
}

#[derive(Deserialize, Clone, Debug, Default)]
#[serde(default)]
pub(crate) struct ClaimSpec {
    pub resources: ClaimResources,
}

#[derive(Deserialize, Clone, Debug, Default)]
#[serde(default)]
pub(crate) struct ClaimResources {
    pub requests: Storage,
}

#[derive(Deserialize, Clone, Debug, Default)]
#[serde(default)]
pub(crate) struct Storage {
    pub storage: Option<String>,
}

#[derive(Deserialize, Clone, Debug, Default)]
#[serde(default)]
pub(crate) struct ClaimStatus {
    pub phase: Option<String>,
    pub capacity: Storage,
    pub conditions: Vec<PodCondition>,
}

#[derive(Deserialize, Clone, Debug)]
#[serde(rename_all = "camelCase")]
pub(crate) struct PodCondition {
    #[serde(rename = "type")]
    pub type_: String,
    pub status: String,
    #[serde(default)]
    pub message: Option<String>,
    #[serde(default)]
    pub last_transition_time: Option<Timestamp>,
}

/// A controller revision.
#[derive(Resource, Deserialize, Clone, Debug)]
#[resource(inherit = "ControllerRevision")]
pub(crate) struct SlimRevision {
    #[serde(deserialize_with = "metadata::slim")]
    pub metadata: ObjectMeta,
    #[serde(default)]
    pub revision: i64,
    #[serde(default)]
    pub data: Shared<Value>,
}

impl SlimRevision {
    pub(crate) fn labels(&self) -> Texts {
        self.metadata.labels.iter().flatten().collect()
    }
}

/// A node, as far as it tells that it is drained or fenced.
#[derive(Resource, Deserialize, Clone, Debug)]
#[resource(inherit = "Node")]
pub(crate) struct SlimNode {
    #[serde(deserialize_with = "metadata::slim")]
    pub metadata: ObjectMeta,
    #[serde(default)]
    pub spec: NodeSpec,
    #[serde(default)]
    pub status: NodeStatus,
}

#[derive(Deserialize, Clone, Debug, Default)]
#[serde(default)]
pub(crate) struct NodeStatus {
    pub conditions: Vec<PodCondition>,
}

#[derive(Deserialize, Clone, Debug, Default)]
#[serde(default)]
pub(crate) struct NodeSpec {
    pub unschedulable: bool,
    pub taints: Vec<Taint>,
}

#[derive(Deserialize, Clone, Debug)]
pub(crate) struct Taint {
    pub key: String,
}

impl SlimNode {
    /// Whether its pods are to leave: it is cordoned, or an autoscaler is about to remove it.
    pub(crate) fn is_drained(&self) -> bool {
        let marked = |taint: &Taint| ABOUT_TO_GO.contains(&taint.key.as_str());
        self.spec.unschedulable || self.spec.taints.iter().any(marked)
    }

    /// Whether somebody vouches that it is shut down, and its agent does not contradict.
    pub(crate) fn is_fenced(&self) -> bool {
        let is_ready = |one: &PodCondition| one.type_ == "Ready" && one.status == "True";
        let mut taints = self.spec.taints.iter();
        taints.any(|taint| taint.key == OUT_OF_SERVICE)
            && !self.status.conditions.iter().any(is_ready)
    }
}

/// A PodDisruptionBudget.
#[derive(Resource, Deserialize, Clone, Debug)]
#[resource(inherit = "PodDisruptionBudget")]
pub(crate) struct SlimBudget {
    #[serde(deserialize_with = "metadata::slim")]
    pub metadata: ObjectMeta,
    #[serde(default)]
    pub spec: BudgetSpec,
}

#[derive(Deserialize, Clone, Debug, Default)]
#[serde(default)]
pub(crate) struct BudgetSpec {
    pub selector: Option<Selector>,
}

/// A StatefulSet with its spec as it stands in the API.
#[derive(Resource, Deserialize, Clone, Debug)]
#[resource(inherit = "StatefulSet")]
pub(crate) struct RawStatefulSet {
    #[serde(deserialize_with = "metadata::lean")]
    pub metadata: ObjectMeta,
    #[serde(default)]
    pub spec: Value,
    #[serde(default)]
    pub status: Value,
}

/// A StatefulApp with its spec as it stands in the API.
#[derive(Resource, Deserialize, Clone, Debug)]
#[resource(inherit = "crd::StatefulApp")]
pub(crate) struct RawStatefulApp {
    #[serde(deserialize_with = "metadata::lean")]
    pub metadata: ObjectMeta,
    #[serde(default)]
    pub spec: Value,
    #[serde(default)]
    pub status: Value,
}

/// A Plugin whose spec may be anything: one that cannot be read is refused by name, not by a failing watch.
#[derive(Resource, Deserialize, Clone, Debug)]
#[resource(inherit = "crd::Plugin")]
pub(crate) struct RawPlugin {
    #[serde(deserialize_with = "metadata::slim")]
    pub metadata: ObjectMeta,
    #[serde(default)]
    pub spec: Value,
    #[serde(default)]
    pub status: Value,
}

/// What is asked of the metadata of any object.
pub(crate) trait Meta {
    fn name(&self) -> &str;

    fn namespace(&self) -> &str;

    fn uid(&self) -> &str;

    fn is_terminating(&self) -> bool;

    /// UID of the controlling owner.
    fn controller(&self) -> Option<&str>;
}

impl<K: Resource<DynamicType = ()>> Meta for K {
    fn name(&self) -> &str {
        self.meta().name.as_deref().unwrap_or_default()
    }

    fn namespace(&self) -> &str {
        self.meta().namespace.as_deref().unwrap_or_default()
    }

    fn uid(&self) -> &str {
        self.meta().uid.as_deref().unwrap_or_default()
    }

    fn is_terminating(&self) -> bool {
        self.meta().deletion_timestamp.is_some()
    }

    fn controller(&self) -> Option<&str> {
        let owners = self.meta().owner_references.as_deref().unwrap_or_default();
        let controller = owners.iter().find(|owner| owner.controller == Some(true));
        controller.map(|owner| owner.uid.as_str())
    }
}

/// Resource versions are comparable numbers; what is none counts as the oldest.
pub(crate) fn version_number(metadata: &ObjectMeta) -> u64 {
    let version = metadata.resource_version.as_deref();
    version
        .and_then(|version| version.parse().ok())
        .unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_node_is_fenced_when_somebody_vouches_for_it_and_its_agent_does_not_contradict() {
        let node = |taint: &str, ready: &str| -> SlimNode {
            serde_json::from_value(json!({
                "metadata": { "name": "node" },
                "spec": { "taints": [{ "key": taint }] },
                "status": { "conditions": [{ "type": "Ready", "status": ready }] },
            }))
            .unwrap()
        };
        assert!(node(OUT_OF_SERVICE, "Unknown").is_fenced());
        assert!(node(OUT_OF_SERVICE, "False").is_fenced());
        assert!(!node(OUT_OF_SERVICE, "True").is_fenced());
        assert!(!node("node.kubernetes.io/unreachable", "Unknown").is_fenced());
    }
}
