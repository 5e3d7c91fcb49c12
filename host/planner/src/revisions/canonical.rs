//! The form in which two templates are compared: keys sorted, nulls dropped, quantities normalised. What the API server or a client writes differently
//! without meaning it differently rolls nothing.

use serde_json::{Map, Value};

use super::quantity;

/// Rises when the form changes. It stands on each revision; equality is always judged by the present form, so a new rule restarts no pod.
pub(crate) const RULE: &str = "1";

/// The canonical bytes of a template.
pub(crate) fn canonical(template: &Value) -> String {
    let mut out = String::new();
    write(template, Place::Plain, &mut out);
    out
}

/// The same as a value.
pub(super) fn value(template: &Value) -> Value {
    // What was written here reads back.
    serde_json::from_str(&canonical(template)).unwrap_or_default()
}

/// Where a value stands, as far as its meaning depends on it.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    Plain,
    /// Directly inside `resources`: `requests` and `limits`.
    Resources,
    /// A map of quantities by name.
    Quantities,
    Quantity,
}

impl Place {
    fn inside(self, key: &str) -> Place {
        match (self, key) {
            (Place::Resources, "requests" | "limits") | (Place::Plain, "overhead") => {
                Place::Quantities
            }
            (Place::Quantities, _) | (Place::Plain, "sizeLimit" | "divisor") => Place::Quantity,
            (Place::Plain, "resources") => Place::Resources,
            // Keys of these are names, not fields.
            _ => Place::Plain,
        }
    }
}

fn write(value: &Value, place: Place, out: &mut String) {
    match value {
        Value::Object(fields) => write_object(fields, place, out),
        Value::Array(items) => {
            out.push('[');
            for (index, item) in items.iter().enumerate() {
                if index > 0 {
                    out.push(',');
                }
                write(item, Place::Plain, out);
            }
            out.push(']');
        }
        Value::String(text) if place == Place::Quantity => write_quantity(text, out),
        Value::Number(number) if place == Place::Quantity => {
            write_quantity(&number.to_string(), out);
        }
        plain => out.push_str(&plain.to_string()),
    }
}

fn write_object(fields: &Map<String, Value>, place: Place, out: &mut String) {
    let mut sorted: Vec<_> = fields
        .iter()
        // The replace directive belongs to the revision, not to the template.
        .filter(|(key, value)| !value.is_null() && *key != "$patch")
        .collect();
    sorted.sort_by_key(|(key, _)| *key);
    out.push('{');
    for (index, (key, value)) in sorted.into_iter().enumerate() {
        if index > 0 {
            out.push(',');
        }
        out.push_str(&Value::String(key.clone()).to_string());
        out.push(':');
        write(value, place.inside(key), out);
    }
    out.push('}');
}

fn write_quantity(text: &str, out: &mut String) {
    let normalised = quantity::normalise(text).unwrap_or_else(|| text.to_owned());
    out.push_str(&Value::String(normalised).to_string());
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn what_means_the_same_is_the_same() {
        let written = json!({
            "metadata": {"creationTimestamp": null, "labels": {"b": "2", "a": "1"}},
            "spec": {"containers": [{
                "resources": {"limits": {"cpu": "1000m", "memory": "1024Mi"}, "requests": {"cpu": 0.5}},
            }], "volumes": [{"emptyDir": {"sizeLimit": "2048Ki"}}]},
        });
        let stored = json!({
            "$patch": "replace",
            "metadata": {"labels": {"a": "1", "b": "2"}},
            "spec": {"containers": [{
                "resources": {"limits": {"memory": "1Gi", "cpu": "1"}, "requests": {"cpu": "500m"}},
            }], "volumes": [{"emptyDir": {"sizeLimit": "2Mi"}}]},
        });
        assert_eq!(canonical(&written), canonical(&stored));
    }

    #[test]
    fn what_means_another_thing_differs() {
        let one = json!({"spec": {"containers": [{"image": "web:v1", "args": ["1000m"]}]}});
        for other in [
            json!({"spec": {"containers": [{"image": "web:v2", "args": ["1000m"]}]}}),
            json!({"spec": {"containers": [{"image": "web:v1", "args": ["1"]}]}}),
            json!({"spec": {"containers": [{"image": "web:v1", "args": []}]}}),
        ] {
            assert_ne!(canonical(&one), canonical(&other), "{other}");
        }
    }
}
