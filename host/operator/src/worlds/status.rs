//! The recorded status, read leniently: one field that somebody else garbled must not hide the rest.

use serde::Deserialize;
use serde_json::Value;
use stateward_planner::{Shared, Status};

use crate::watch::AppObject;

impl AppObject {
    /// What its status says.
    pub(crate) fn recorded(&self) -> Shared<Status> {
        let read = || read_status(&self.status).into();
        self.recorded.get_or_init(read).clone()
    }
}

/// Reads the raw status; a field that cannot be read counts as absent.
fn read_status(raw: &Value) -> Status {
    // A list would be taken for the fields in their order.
    if !raw.is_object() {
        return Status::default();
    }
    match Status::deserialize(raw) {
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

#[cfg(test)]
mod fuzz {
    //! Whatever somebody writes into a status: it is read, what could be read stays, and reading again what we would write says the same.

    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn config() -> ProptestConfig {
        let mut config = ProptestConfig {
            failure_persistence: None,
            ..ProptestConfig::default()
        };
        if std::env::var_os("PROPTEST_CASES").is_none() {
            config.cases = 200;
        }
        config
    }

    fn any_json() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            any::<f64>().prop_map(Value::from),
            prop_oneof![
                Just("post-ready/a/0"),
                Just("2026-01-01T00:00:00Z"),
                Just("Y2s="),
                Just("")
            ]
            .prop_map(Value::from),
            ".{0,12}".prop_map(Value::from),
        ];
        leaf.prop_recursive(4, 32, 5, |inner| {
            prop_oneof![
                proptest::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
                proptest::collection::vec((word(), inner), 0..6)
                    .prop_map(|fields| Value::Object(fields.into_iter().collect())),
            ]
        })
    }

    fn word() -> impl Strategy<Value = String> {
        let known = [
            "observedGeneration",
            "replicas",
            "currentRevision",
            "conditions",
            "waiting",
            "accepted",
            "scale",
            "roles",
            "failures",
            "invocations",
            "state",
            "departures",
            "orders",
            "rulings",
            "tasks",
            "history",
            "id",
            "act",
            "phase",
            "checkpoint",
            "attempts",
            "started",
            "type",
            "status",
            "reason",
            "message",
            "lastTransitionTime",
            "ordinal",
            "pod",
            "name",
            "holder",
            "epoch",
            "value",
            "version",
            "generation",
            "start",
        ];
        proptest::sample::select(known.to_vec()).prop_map(str::to_owned)
    }

    proptest! {
        #![proptest_config(config())]

        #[test]
        fn a_status_is_read_whatever_stands_in_it(fields in proptest::collection::vec((word(), any_json()), 0..10)) {
            let mut raw: serde_json::Map<String, Value> = fields.into_iter().collect();
            raw.insert("updateRevision".to_owned(), json!("db-1"));
            let status = read_status(&Value::Object(raw));
            prop_assert_eq!(&status.update_revision, "db-1");
            let written = serde_json::to_value(&status).map_err(|error| TestCaseError::fail(error.to_string()))?;
            prop_assert_eq!(read_status(&written), status);
        }

        #[test]
        fn what_is_no_object_is_an_empty_status(raw in any_json()) {
            let raw = if raw.is_object() { json!([raw]) } else { raw };
            prop_assert_eq!(read_status(&raw), Status::default());
        }
    }
}
