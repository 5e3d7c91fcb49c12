//! What `kubectl get` prints.

use std::sync::Arc;

use serde_json::{Value, json};

use crate::kinds::Kind;
use crate::object;
use crate::representation::{IncludeObject, metadata_of};

/// The objects as a `Table`.
pub(crate) fn table(
    _kind: &Kind,
    _version: &str,
    objects: &[Arc<Value>],
    metadata: Value,
    include: IncludeObject,
) -> Value {
    let rows: Vec<_> = objects
        .iter()
        .map(|object| {
            let cells = json!([
                object::name(object),
                object::text(object, "/metadata/creationTimestamp"),
            ]);
            let shown = match include {
                IncludeObject::None => Value::Null,
                IncludeObject::Metadata => metadata_of(object),
                IncludeObject::Object => Value::clone(object),
            };
            json!({"cells": cells, "object": shown})
        })
        .collect();
    json!({
        "kind": "Table",
        "apiVersion": "meta.k8s.io/v1",
        "metadata": metadata,
        "columnDefinitions": [
            {"name": "Name", "type": "string", "format": "name", "description": "Name", "priority": 0},
            {"name": "Created At", "type": "date", "format": "", "description": "Age", "priority": 0},
        ],
        "rows": rows,
    })
}
