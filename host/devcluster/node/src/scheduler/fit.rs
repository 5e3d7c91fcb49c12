//! Whether a pod fits a node, and what its claims wait for: pure.

use std::fmt;
use std::sync::Arc;

use k8s_openapi::api::core::v1::{Node, PersistentVolumeClaim, Pod, Taint, Toleration};

use crate::nodes::Readiness;

/// Why a pod cannot go to a node; worded to follow a number of nodes.
pub(super) fn fits(pod: &Pod, node: &Node) -> Result<(), String> {
    let (Some(spec), Some(node_spec)) =
        (&pod.spec, &node.spec.clone().or(Some(Default::default())))
    else {
        return Ok(());
    };
    if Readiness::of(node) != Readiness::Ready {
        return Err("node(s) were not ready".to_owned());
    }
    let tolerations = spec.tolerations.as_deref().unwrap_or_default();
    if node_spec.unschedulable.unwrap_or_default() && !tolerates_cordon(tolerations) {
        return Err("node(s) were unschedulable".to_owned());
    }
    for taint in node_spec
        .taints
        .iter()
        .flatten()
        .filter(|taint| taint.effect != "PreferNoSchedule")
    {
        if !tolerations
            .iter()
            .any(|toleration| tolerates(toleration, taint))
        {
            return Err(format!("node(s) had untolerated taint {{{}}}", taint.key));
        }
    }
    let labels = node.metadata.labels.clone().unwrap_or_default();
    let selected = spec
        .node_selector
        .iter()
        .flatten()
        .all(|(key, value)| labels.get(key) == Some(value));
    if selected {
        Ok(())
    } else {
        Err("node(s) didn't match Pod's node selector".to_owned())
    }
}

fn tolerates_cordon(tolerations: &[Toleration]) -> bool {
    let cordon = Taint {
        key: "node.kubernetes.io/unschedulable".to_owned(),
        effect: "NoSchedule".to_owned(),
        ..Taint::default()
    };
    tolerations
        .iter()
        .any(|toleration| tolerates(toleration, &cordon))
}

pub(crate) fn tolerates(toleration: &Toleration, taint: &Taint) -> bool {
    let effect = toleration.effect.as_deref().unwrap_or_default();
    let key = toleration.key.as_deref().unwrap_or_default();
    let exists = toleration.operator.as_deref() == Some("Exists");
    (effect.is_empty() || effect == taint.effect)
        && (key == taint.key || (key.is_empty() && exists))
        && (exists
            || toleration.value.as_deref().unwrap_or_default()
                == taint.value.as_deref().unwrap_or_default())
}

/// What keeps a pod's claims from being used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum ClaimWait {
    Missing(String),
    Deleting(String),
    Unbound(String),
    /// These are bound once a node is chosen.
    FirstConsumer(Vec<String>),
}

impl fmt::Display for ClaimWait {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing(claim) => write!(formatter, "persistentvolumeclaim {claim:?} not found"),
            Self::Deleting(claim) => write!(
                formatter,
                "persistentvolumeclaim {claim:?} is being deleted"
            ),
            Self::Unbound(claim) => write!(
                formatter,
                "pod has unbound immediate PersistentVolumeClaims: waiting for persistentvolumeclaim {claim:?} to be bound"
            ),
            Self::FirstConsumer(claims) => write!(
                formatter,
                "volumes are being made for {}",
                claims.join(", ")
            ),
        }
    }
}

/// What the pod's claims wait for; what needs somebody comes before what goes on by itself.
pub(super) fn claims_wait(
    pod: &Pod,
    find: impl Fn(&str) -> Option<Arc<PersistentVolumeClaim>>,
    waits_for_consumer: impl Fn(&PersistentVolumeClaim) -> bool,
) -> Option<ClaimWait> {
    let mut for_consumer = Vec::new();
    let volumes = pod.spec.as_ref().and_then(|spec| spec.volumes.as_ref());
    for source in volumes
        .into_iter()
        .flatten()
        .filter_map(|volume| volume.persistent_volume_claim.as_ref())
    {
        let name = source.claim_name.clone();
        let Some(claim) = find(&name) else {
            return Some(ClaimWait::Missing(name));
        };
        if claim.metadata.deletion_timestamp.is_some() {
            return Some(ClaimWait::Deleting(name));
        }
        let phase = claim
            .status
            .as_ref()
            .and_then(|status| status.phase.as_deref());
        if phase == Some("Bound") {
            continue;
        }
        if !waits_for_consumer(&claim) {
            return Some(ClaimWait::Unbound(name));
        }
        for_consumer.push(name);
    }
    (!for_consumer.is_empty()).then_some(ClaimWait::FirstConsumer(for_consumer))
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn wait(volumes: Value, claims: Value) -> Option<ClaimWait> {
        let pod: Pod = serde_json::from_value(
            json!({ "metadata": {}, "spec": { "containers": [], "volumes": volumes } }),
        )
        .expect("a pod");
        let claims: Vec<PersistentVolumeClaim> = serde_json::from_value(claims).expect("claims");
        claims_wait(
            &pod,
            |name| {
                claims
                    .iter()
                    .find(|claim| claim.metadata.name.as_deref() == Some(name))
                    .cloned()
                    .map(Arc::new)
            },
            |claim| claim.metadata.labels.is_some(),
        )
    }

    #[test]
    fn a_pod_waits_for_its_claims_and_the_message_names_the_claim() {
        let uses =
            |name: &str| json!([{ "name": "v", "persistentVolumeClaim": { "claimName": name } }]);
        let bound = json!([{ "metadata": { "name": "a" }, "status": { "phase": "Bound" } }]);
        let pending = json!([{ "metadata": { "name": "a" }, "status": { "phase": "Pending" } }]);
        let lazy = json!([{ "metadata": { "name": "a", "labels": {} }, "status": { "phase": "Pending" } }]);

        assert_eq!(wait(json!([]), json!([])), None);
        assert_eq!(wait(uses("a"), bound), None);
        assert_eq!(
            wait(uses("a"), json!([])),
            Some(ClaimWait::Missing("a".to_owned()))
        );
        assert_eq!(
            wait(uses("a"), lazy),
            Some(ClaimWait::FirstConsumer(vec!["a".to_owned()]))
        );
        let unbound = wait(uses("a"), pending).expect("it waits");
        assert!(
            unbound.to_string().contains("persistentvolumeclaim \"a\""),
            "{unbound}"
        );
    }

    #[test]
    fn nodes_are_left_out_for_readiness_cordon_taints_and_selector() {
        let pod = |spec: Value| -> Pod {
            serde_json::from_value(json!({ "metadata": {}, "spec": spec })).expect("a pod")
        };
        let node = |spec: Value, ready: &str| -> Node {
            serde_json::from_value(
                json!({ "metadata": { "labels": { "disk": "ssd" } }, "spec": spec,
                "status": { "conditions": [{ "type": "Ready", "status": ready }] } }),
            )
            .expect("a node")
        };
        let plain = pod(json!({ "containers": [] }));
        let tainted = node(
            json!({ "taints": [{ "key": "only", "value": "db", "effect": "NoSchedule" }] }),
            "True",
        );

        assert_eq!(fits(&plain, &node(json!({}), "True")), Ok(()));
        assert!(fits(&plain, &node(json!({}), "False")).is_err());
        assert!(fits(&plain, &node(json!({ "unschedulable": true }), "True")).is_err());
        assert!(fits(&plain, &tainted).is_err());
        let tolerant = pod(
            json!({ "containers": [], "tolerations": [{ "key": "only", "operator": "Exists" }] }),
        );
        assert_eq!(fits(&tolerant, &tainted), Ok(()));
        let picky = pod(json!({ "containers": [], "nodeSelector": { "disk": "hdd" } }));
        assert!(fits(&picky, &node(json!({}), "True")).is_err());
    }
}
