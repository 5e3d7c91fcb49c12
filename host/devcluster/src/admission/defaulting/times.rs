//! Times that upstream's types write even where nobody gave one: as null.

use serde_json::Value;

use crate::kinds::Builtin;
use crate::object;

pub(super) fn complete(builtin: Builtin, object: &mut Value) {
    if builtin == Builtin::Event {
        let times = ["eventTime", "firstTimestamp", "lastTimestamp"];
        return fill(object, &times);
    }
    let times: &[&str] = match builtin {
        Builtin::PersistentVolumeClaim | Builtin::Pod => &["lastProbeTime", "lastTransitionTime"],
        Builtin::Node => &["lastHeartbeatTime", "lastTransitionTime"],
        Builtin::Namespace | Builtin::StatefulSet => &["lastTransitionTime"],
        _ => return,
    };
    let conditions = object.pointer_mut("/status/conditions");
    for condition in conditions
        .and_then(Value::as_array_mut)
        .into_iter()
        .flatten()
    {
        fill(condition, times);
    }
}

fn fill(object: &mut Value, times: &[&str]) {
    let Some(fields) = object.as_object_mut() else {
        return;
    };
    for time in times {
        object::default(fields, time, Value::Null);
    }
}
