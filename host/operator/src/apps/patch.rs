//! The status as a merge patch: what differs from the recorded one, removals as null.

use serde_json::{Map, Value};
use stateward_planner::Status;
use stateward_planner::world::Face;

/// Fields that only a StatefulApp has.
const OURS: [&str; 14] = [
    "selector",
    "waiting",
    "accepted",
    "scale",
    "roles",
    "failures",
    "invocations",
    "joined",
    "state",
    "departures",
    "orders",
    "rulings",
    "tasks",
    "history",
];

/// The status as it is written in this face.
pub(super) fn status_value(face: Face, status: &Status) -> Value {
    let mut value = serde_json::to_value(status).unwrap_or_default();
    if let (Face::StatefulSet, Some(fields)) = (face, value.as_object_mut()) {
        for field in OURS {
            fields.remove(field);
        }
        // Upstream's conditions have no generation, and an empty list is not written.
        fields.retain(|name, value| {
            name != "conditions" || value.as_array().is_some_and(|all| !all.is_empty())
        });
    }
    drop_nulls(&mut value);
    value
}

/// An absent value and null are the same. We write no null: in a list, where a merge patch keeps it and the API server does not, it would differ for ever. And
/// Kubernetes writes null for a time that nobody set.
fn drop_nulls(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            fields.retain(|_, value| !value.is_null());
            fields.values_mut().for_each(drop_nulls);
        }
        Value::Array(items) => items.iter_mut().for_each(drop_nulls),
        _ => {}
    }
}

/// What turns the recorded status of a StatefulSet into the wanted one; none when nothing does. Fields that we do not write stay.
pub(super) fn difference(recorded: &Value, wanted: &Value) -> Option<Value> {
    let mut known = recorded.clone();
    drop_nulls(&mut known);
    match known.as_object_mut() {
        Some(fields) => fields.retain(|name, _| wanted.get(name).is_some()),
        None => known = Value::Object(Map::new()),
    }
    merge_difference(&known, wanted)
}

/// Whether the recorded status is the wanted one, which has no nulls.
pub(super) fn says(recorded: &Value, wanted: &Value) -> bool {
    match (recorded, wanted) {
        (Value::Object(recorded), Value::Object(wanted)) => {
            let told = recorded.values().filter(|value| !value.is_null());
            told.count() == wanted.len()
                && (wanted.iter())
                    .all(|(name, value)| recorded.get(name).is_some_and(|known| says(known, value)))
        }
        (Value::Array(recorded), Value::Array(wanted)) => {
            recorded.len() == wanted.len()
                && recorded
                    .iter()
                    .zip(wanted)
                    .all(|(known, value)| says(known, value))
        }
        (recorded, wanted) => recorded == wanted,
    }
}

fn merge_difference(from: &Value, to: &Value) -> Option<Value> {
    let (Value::Object(from), Value::Object(to)) = (from, to) else {
        return (from != to).then(|| to.clone());
    };
    let mut patch = Map::new();
    for (name, value) in to {
        match from.get(name) {
            Some(before) => {
                if let Some(difference) = merge_difference(before, value) {
                    patch.insert(name.clone(), difference);
                }
            }
            None => {
                patch.insert(name.clone(), value.clone());
            }
        }
    }
    for name in from.keys().filter(|name| !to.contains_key(*name)) {
        patch.insert(name.clone(), Value::Null);
    }
    (!patch.is_empty()).then_some(Value::Object(patch))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_patch_holds_what_differs_and_nothing_else() {
        let cases = [
            (json!({"a": 1}), json!({"a": 1}), None),
            (json!({"a": 1}), json!({"a": 2}), Some(json!({"a": 2}))),
            (
                json!({"a": 1, "b": 2}),
                json!({"a": 1}),
                Some(json!({"b": null})),
            ),
            (
                json!({"a": {"x": 1, "y": 2}}),
                json!({"a": {"x": 1, "z": 3}}),
                Some(json!({"a": {"y": null, "z": 3}})),
            ),
            (
                json!({"a": [1, 2]}),
                json!({"a": [1]}),
                Some(json!({"a": [1]})),
            ),
            (json!(null), json!({"a": 1}), Some(json!({"a": 1}))),
        ];
        for (from, to, expected) in cases {
            let patch = merge_difference(&from, &to);
            assert_eq!(patch, expected, "{from} -> {to}");
            assert_eq!(says(&from, &to), expected.is_none(), "{from} -> {to}");
        }
    }

    #[test]
    fn what_is_absent_is_not_written_as_null() {
        let mut value = json!({"a": null, "b": [{"c": null, "d": {"e": null}}]});
        drop_nulls(&mut value);
        assert_eq!(value, json!({"b": [{"d": {}}]}));
    }

    #[test]
    fn what_others_keep_in_a_statefulset_stays() {
        let recorded = json!({"replicas": 1, "theirs": true});
        let patch = difference(&recorded, &json!({"replicas": 2}));
        assert_eq!(patch, Some(json!({"replicas": 2})));
        assert_eq!(difference(&recorded, &json!({"replicas": 1})), None);
        let from_nothing = difference(&json!(null), &json!({"replicas": 1}));
        assert_eq!(from_nothing, Some(json!({"replicas": 1})));
    }

    #[test]
    fn null_and_absent_say_the_same() {
        let recorded = json!({"a": null, "b": [{"c": null, "d": 1}]});
        assert!(says(&recorded, &json!({"b": [{"d": 1}]})));
        assert!(!says(&recorded, &json!({"b": [{"d": 1, "e": 2}]})));
        assert!(!says(&recorded, &json!({})));
    }
}
