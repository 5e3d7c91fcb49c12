//! How long a pod stays on a node with taints: pure.

use std::time::Duration;

use k8s_openapi::api::core::v1::{Node, Pod};

use crate::scheduler::tolerates;

const OUT_OF_SERVICE: &str = "node.kubernetes.io/out-of-service";

/// How long a pod puts up with its node's taints.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Patience {
    Endless,
    /// Counted from when the taints came.
    For(Duration),
}

/// By the `NoExecute` taints of the node: one that is not tolerated means now, else the shortest `tolerationSeconds`.
pub(super) fn patience(pod: &Pod, node: &Node) -> Patience {
    let tolerations = pod
        .spec
        .as_ref()
        .and_then(|spec| spec.tolerations.clone())
        .unwrap_or_default();
    let taints = node
        .spec
        .iter()
        .flat_map(|spec| spec.taints.iter().flatten());
    let mut shortest: Option<i64> = None;
    for taint in taints.filter(|taint| taint.effect == "NoExecute") {
        let mut fitting = tolerations
            .iter()
            .filter(|toleration| tolerates(toleration, taint))
            .peekable();
        if fitting.peek().is_none() {
            return Patience::For(Duration::ZERO);
        }
        let seconds = fitting.filter_map(|toleration| toleration.toleration_seconds);
        shortest = seconds.chain(shortest).min();
    }
    match shortest {
        None => Patience::Endless,
        Some(seconds) => Patience::For(Duration::from_secs(
            u64::try_from(seconds).unwrap_or_default(),
        )),
    }
}

/// The administrator says that nothing runs there any more.
pub(super) fn is_out_of_service(node: &Node) -> bool {
    let mut taints = node
        .spec
        .iter()
        .flat_map(|spec| spec.taints.iter().flatten());
    taints.any(|taint| taint.key == OUT_OF_SERVICE)
        && super::Readiness::of(node) != super::Readiness::Ready
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn stays(tolerations: Value) -> Patience {
        let pod =
            json!({ "metadata": {}, "spec": { "containers": [], "tolerations": tolerations } });
        let taints = json!([
            { "key": "lost", "effect": "NoExecute" }, { "key": "lost", "effect": "NoSchedule" },
            { "key": "odd", "effect": "NoExecute" },
        ]);
        patience(
            &serde_json::from_value(pod).expect("a pod"),
            &serde_json::from_value(json!({ "metadata": {}, "spec": { "taints": taints } }))
                .expect("a node"),
        )
    }

    #[test]
    fn a_pod_stays_as_long_as_the_least_patient_of_its_tolerations_says() {
        let lost = json!({ "key": "lost", "operator": "Exists", "tolerationSeconds": 300 });
        let odd = json!({ "key": "odd", "operator": "Exists" });
        let any = json!({ "operator": "Exists" });

        assert_eq!(stays(json!([])), Patience::For(Duration::ZERO));
        assert_eq!(stays(json!([lost])), Patience::For(Duration::ZERO));
        assert_eq!(
            stays(json!([lost, odd])),
            Patience::For(Duration::from_secs(300))
        );
        assert_eq!(stays(json!([any])), Patience::Endless);
    }
}
