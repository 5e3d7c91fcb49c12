//! The recorded status, read leniently: one field that somebody else garbled must not hide the rest.

use serde_json::Value;
use stateward_planner::Status;

/// Reads the raw status; a field that cannot be read counts as absent.
pub(crate) fn read_status(raw: &Value) -> Status {
    if raw.is_null() {
        return Status::default();
    }
    match serde_json::from_value(raw.clone()) {
        Ok(status) => status,
        Err(_) => field_by_field(raw),
    }
}

fn field_by_field(raw: &Value) -> Status {
    let Some(fields) = raw.as_object() else {
        return Status::default();
    };
    let mut readable = serde_json::Map::new();
    for (name, value) in fields {
        let alone = Value::Object([(name.clone(), value.clone())].into_iter().collect());
        match serde_json::from_value::<Status>(alone) {
            Ok(_) => {
                readable.insert(name.clone(), value.clone());
            }
            Err(error) => {
                tracing::warn!(field = %name, %error, "a field of the recorded status cannot be read; it is written anew")
            }
        }
    }
    serde_json::from_value(Value::Object(readable)).unwrap_or_default()
}
