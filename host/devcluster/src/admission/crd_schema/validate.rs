//! Holding a value against a schema. The sentences are those of the API server.

use serde_json::Value;

use super::bounds;
use super::flag;
use crate::failure::Cause;
use crate::object::{list, map};

/// Everything in an object that its schema does not allow.
pub(crate) fn causes(schema: &Value, object: &Value) -> Vec<Cause> {
    let mut causes = Vec::new();
    check(schema, object, "", &mut causes);
    causes
}

/// How messages name the whole object.
fn shown_path(path: &str) -> &str {
    match path {
        "" => "<nil>",
        path => path,
    }
}

fn check(schema: &Value, value: &Value, path: &str, causes: &mut Vec<Cause>) {
    if value.is_null() && (flag(schema, "nullable") || path.is_empty()) {
        return;
    }
    if let Some(cause) = wrong_type(schema, value, path) {
        causes.push(cause);
        return;
    }
    let allowed = list(schema, "/enum");
    if !allowed.is_empty() && !allowed.contains(value) {
        let allowed: Vec<_> = allowed
            .iter()
            .map(|one| one.as_str().map_or_else(|| one.to_string(), str::to_owned))
            .collect();
        causes.push(Cause::unsupported(shown_path(path), value, &allowed));
    }
    match value {
        Value::Object(fields) => check_map(schema, fields, path, causes),
        Value::Array(items) => check_list(schema, items, path, causes),
        Value::String(text) => bounds::of_text(schema, text, shown_path(path), causes),
        Value::Number(number) => bounds::of_number(schema, number, shown_path(path), causes),
        Value::Bool(_) | Value::Null => {}
    }
    check_combinations(schema, value, path, causes);
}

fn wrong_type(schema: &Value, value: &Value, path: &str) -> Option<Cause> {
    let is_whole = |number: &serde_json::Number| {
        number.is_i64() || number.is_u64() || number.as_f64().is_some_and(|f| f.fract() == 0.0)
    };
    if flag(schema, "x-kubernetes-int-or-string") {
        let fits = match value {
            Value::String(_) => true,
            Value::Number(number) => is_whole(number),
            _ => false,
        };
        return (!fits).then(|| type_cause(path, value, "integer,string"));
    }
    let wanted = schema.get("type")?.as_str()?;
    let fits = match (wanted, value) {
        ("integer", Value::Number(number)) => is_whole(number),
        ("object", Value::Object(_))
        | ("array", Value::Array(_))
        | ("string", Value::String(_))
        | ("number", Value::Number(_))
        | ("boolean", Value::Bool(_)) => true,
        _ => false,
    };
    (!fits).then(|| type_cause(path, value, wanted))
}

fn type_cause(path: &str, value: &Value, wanted: &str) -> Cause {
    let path = shown_path(path);
    let found = match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(number) if number.is_f64() => "number",
        Value::Number(_) => "integer",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    };
    Cause::type_invalid(
        path,
        found,
        &format!("{path} in body must be of type {wanted}: {found:?}"),
    )
}

fn check_map(
    schema: &Value,
    fields: &serde_json::Map<String, Value>,
    path: &str,
    causes: &mut Vec<Cause>,
) {
    let child = |field: &str| match path {
        "" => field.to_owned(),
        path => format!("{path}.{field}"),
    };
    for required in list(schema, "/required").iter().filter_map(Value::as_str) {
        if !fields.contains_key(required) {
            causes.push(Cause::required(child(required), ""));
        }
    }
    bounds::of_count(schema, fields.len(), "Properties", shown_path(path), causes);
    let properties = map(schema, "/properties");
    let additional = schema
        .get("additionalProperties")
        .filter(|additional| additional.is_object());
    for (field, value) in fields {
        let of_field = properties
            .and_then(|properties| properties.get(field))
            .or(additional);
        if let Some(of_field) = of_field {
            check(of_field, value, &child(field), causes);
        }
    }
}

fn check_list(schema: &Value, items: &[Value], path: &str, causes: &mut Vec<Cause>) {
    bounds::of_count(schema, items.len(), "Items", shown_path(path), causes);
    if let Some(of_items) = schema.get("items") {
        for (position, item) in items.iter().enumerate() {
            check(of_items, item, &format!("{path}[{position}]"), causes);
        }
    }
    check_uniqueness(schema, items, path, causes);
}

/// Lists that are maps or sets hold each key once.
fn check_uniqueness(schema: &Value, items: &[Value], path: &str, causes: &mut Vec<Cause>) {
    let keys = list(schema, "/x-kubernetes-list-map-keys");
    let identity = |item: &Value| -> Value {
        keys.iter()
            .filter_map(Value::as_str)
            .map(|key| (key.to_owned(), item.get(key).cloned().unwrap_or_default()))
            .collect::<serde_json::Map<_, _>>()
            .into()
    };
    let identities: Vec<Value> = match schema.get("x-kubernetes-list-type").and_then(Value::as_str)
    {
        Some("map") => items.iter().map(identity).collect(),
        Some("set") => items.to_vec(),
        _ => return,
    };
    for (position, identity) in identities.iter().enumerate() {
        if identities.iter().take(position).any(|one| one == identity) {
            causes.push(Cause::duplicate(format!("{path}[{position}]"), identity));
        }
    }
}

fn check_combinations(schema: &Value, value: &Value, path: &str, causes: &mut Vec<Cause>) {
    let fits = |schema: &Value| {
        let mut causes = Vec::new();
        check(schema, value, path, &mut causes);
        causes.is_empty()
    };
    let mut says = |sentence: &str| {
        let path = shown_path(path);
        let message = format!("{path:?} {sentence}");
        causes.push(Cause::invalid(path, &Value::from(""), &message));
    };
    let any_of = list(schema, "/anyOf");
    if !any_of.is_empty() && !any_of.iter().any(fits) {
        says("must validate at least one schema (anyOf)");
    }
    let one_of = list(schema, "/oneOf");
    if !one_of.is_empty() && one_of.iter().filter(|schema| fits(schema)).count() != 1 {
        says("must validate one and only one schema (oneOf)");
    }
    if schema.get("not").is_some_and(fits) {
        says("must not validate the schema (not)");
    }
    for schema in list(schema, "/allOf") {
        check(schema, value, path, causes);
    }
}
