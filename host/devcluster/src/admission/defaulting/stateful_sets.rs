//! Stateful sets, as `apps/v1` completes them.

use serde_json::{Value, json};

use super::{pods, storage};
use crate::object::{default, with_map};

pub(super) fn complete(set: &mut Value) {
    with_map(set, &["spec"], |spec| {
        default(spec, "podManagementPolicy", "OrderedReady");
        default(spec, "replicas", 1);
        default(spec, "serviceName", "");
        default(spec, "revisionHistoryLimit", 10);
        default(
            spec,
            "persistentVolumeClaimRetentionPolicy",
            json!({"whenDeleted": "Retain", "whenScaled": "Retain"}),
        );
        if let Some(Value::Object(policy)) = spec.get_mut("persistentVolumeClaimRetentionPolicy") {
            default(policy, "whenDeleted", "Retain");
            default(policy, "whenScaled", "Retain");
        }
        complete_strategy(spec);
        if let Some(template) = spec.get_mut("template") {
            pods::complete_template(template);
        }
        if let Some(Value::Array(templates)) = spec.get_mut("volumeClaimTemplates") {
            templates.iter_mut().for_each(storage::complete_template);
        }
    });
}

fn complete_strategy(spec: &mut serde_json::Map<String, Value>) {
    default(spec, "updateStrategy", json!({}));
    let Some(Value::Object(strategy)) = spec.get_mut("updateStrategy") else {
        return;
    };
    default(strategy, "type", "RollingUpdate");
    if strategy.get("type").and_then(Value::as_str) != Some("RollingUpdate") {
        return;
    }
    default(strategy, "rollingUpdate", json!({}));
    if let Some(Value::Object(rolling)) = strategy.get_mut("rollingUpdate") {
        default(rolling, "partition", 0);
        default(rolling, "maxUnavailable", 1);
    }
}
