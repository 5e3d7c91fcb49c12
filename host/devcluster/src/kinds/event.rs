//! Events are served in two groups under two shapes; they are stored in the older one.

use serde_json::Value;

use crate::object;

/// Field of `events.k8s.io/v1`, field of `v1`.
const RENAMED: &[(&str, &str)] = &[
    ("regarding", "involvedObject"),
    ("note", "message"),
    ("reportingController", "reportingComponent"),
    ("deprecatedSource", "source"),
    ("deprecatedFirstTimestamp", "firstTimestamp"),
    ("deprecatedLastTimestamp", "lastTimestamp"),
    ("deprecatedCount", "count"),
];

pub(super) fn to_core(event: &Value) -> Value {
    let mut core = event.clone();
    for (newer, older) in RENAMED {
        if let Some(value) = object::remove(&mut core, &[newer]) {
            object::set(&mut core, &[older], value);
        }
    }
    object::set(&mut core, &["apiVersion"], "v1");
    core
}

pub(super) fn from_core(core: &Value) -> Value {
    let mut event = core.clone();
    for (newer, older) in RENAMED {
        if let Some(value) = object::remove(&mut event, &[older]) {
            object::set(&mut event, &[newer], value);
        }
    }
    for field in ["reportingController", "reportingInstance"] {
        if object::text(&event, &format!("/{field}")).is_empty() {
            object::remove(&mut event, &[field]);
        }
    }
    object::set(&mut event, &["apiVersion"], "events.k8s.io/v1");
    event
}
