//! Structural schemas of custom resources: pruning, defaulting and validation.
//!
//! | step | rule |
//! |---|---|
//! | prune | fields that no schema names go, below `x-kubernetes-preserve-unknown-fields` they stay |
//! | default | absent fields get the schema's `default`, from the outside in |
//! | validate | types, bounds, patterns, enums, required fields, `allOf`/`anyOf`/`oneOf`/`not`; then rules in CEL |

mod bounds;
mod rules;
mod validate;

use serde_json::{Map, Value};

use crate::object::map;

pub(crate) use rules::Rules;
pub(crate) use validate::causes;

fn flag(schema: &Value, name: &str) -> bool {
    schema.get(name).and_then(Value::as_bool) == Some(true)
}

/// Drops what the schema of a whole object does not name. `apiVersion`, `kind` and `metadata` belong to every object.
pub(crate) fn prune(schema: &Value, object: &mut Value, unknown: &mut Vec<String>) {
    prune_value(schema, object, "", true, unknown);
}

fn prune_value(
    schema: &Value,
    value: &mut Value,
    path: &str,
    is_resource: bool,
    unknown: &mut Vec<String>,
) {
    match value {
        Value::Object(fields) => prune_map(schema, fields, path, is_resource, unknown),
        Value::Array(items) => {
            let Some(of_items) = schema.get("items") else {
                return;
            };
            for (position, item) in items.iter_mut().enumerate() {
                let here = format!("{path}[{position}]");
                prune_value(of_items, item, &here, is_embedded(of_items), unknown);
            }
        }
        _ => {}
    }
}

fn is_embedded(schema: &Value) -> bool {
    flag(schema, "x-kubernetes-embedded-resource")
}

fn prune_map(
    schema: &Value,
    fields: &mut Map<String, Value>,
    path: &str,
    is_resource: bool,
    unknown: &mut Vec<String>,
) {
    let preserves = flag(schema, "x-kubernetes-preserve-unknown-fields");
    let properties = map(schema, "/properties");
    let additional = schema.get("additionalProperties");
    fields.retain(|field, value| {
        if is_resource && matches!(field.as_str(), "apiVersion" | "kind" | "metadata") {
            return true;
        }
        let here = match path {
            "" => field.clone(),
            path => format!("{path}.{field}"),
        };
        let known = properties.and_then(|properties| properties.get(field));
        match (known, additional) {
            (Some(known), _) => {
                prune_value(known, value, &here, is_embedded(known), unknown);
                true
            }
            (None, Some(Value::Bool(true))) => true,
            (None, Some(of_values @ Value::Object(_))) => {
                prune_value(of_values, value, &here, is_embedded(of_values), unknown);
                true
            }
            (None, _) if preserves => true,
            (None, _) => {
                unknown.push(here);
                false
            }
        }
    });
}

/// Fills in the defaults of a schema.
pub(crate) fn default(schema: &Value, value: &mut Value) {
    match value {
        Value::Object(fields) => {
            let properties = map(schema, "/properties");
            for (field, of_field) in properties.into_iter().flatten() {
                if let Some(default) = of_field.get("default")
                    && is_missing(fields.get(field), of_field)
                {
                    fields.insert(field.clone(), default.clone());
                }
            }
            for (field, value) in fields.iter_mut() {
                let of_field = properties
                    .and_then(|properties| properties.get(field))
                    .or_else(|| schema.get("additionalProperties"));
                if let Some(of_field) = of_field {
                    default(of_field, value);
                }
            }
        }
        Value::Array(items) => {
            if let Some(of_items) = schema.get("items") {
                items.iter_mut().for_each(|item| default(of_items, item));
            }
        }
        _ => {}
    }
}

/// A null counts as missing where the schema does not allow it.
fn is_missing(value: Option<&Value>, schema: &Value) -> bool {
    match value {
        None => true,
        Some(Value::Null) => !flag(schema, "nullable"),
        Some(_) => false,
    }
}
