//! Reading and writing fields of objects kept as JSON.
//!
//! Objects stay JSON from the wire to the store, so that nothing a client sent is lost by decoding into a type that
//! does not know it.

use serde_json::{Map, Value};

/// The text at `pointer`, or "" where there is none.
pub(crate) fn text<'a>(object: &'a Value, pointer: &str) -> &'a str {
    object
        .pointer(pointer)
        .and_then(Value::as_str)
        .unwrap_or_default()
}

/// The whole number at `pointer`.
pub(crate) fn number(object: &Value, pointer: &str) -> Option<i64> {
    object.pointer(pointer).and_then(Value::as_i64)
}

/// The list at `pointer`, or an empty one.
pub(crate) fn list<'a>(object: &'a Value, pointer: &str) -> &'a [Value] {
    object
        .pointer(pointer)
        .and_then(Value::as_array)
        .map(Vec::as_slice)
        .unwrap_or_default()
}

/// The map at `pointer`.
pub(crate) fn map<'a>(object: &'a Value, pointer: &str) -> Option<&'a Map<String, Value>> {
    object.pointer(pointer).and_then(Value::as_object)
}

/// The value at `path`; objects are made on the way where they are missing.
pub(crate) fn entry<'a>(object: &'a mut Value, path: &[&str]) -> &'a mut Value {
    let mut here = object;
    for step in path {
        if !here.is_object() {
            *here = Value::Object(Map::new());
        }
        here = match here {
            Value::Object(fields) => fields.entry(*step).or_insert(Value::Null),
            other => other,
        };
    }
    here
}

/// Changes the map at `path`, made where it is missing.
pub(crate) fn with_map<T>(
    object: &mut Value,
    path: &[&str],
    change: impl FnOnce(&mut Map<String, Value>) -> T,
) -> Option<T> {
    let here = entry(object, path);
    if !here.is_object() {
        *here = Value::Object(Map::new());
    }
    here.as_object_mut().map(change)
}

/// Sets the value at `path`.
pub(crate) fn set(object: &mut Value, path: &[&str], value: impl Into<Value>) {
    *entry(object, path) = value.into();
}

/// Removes the last step of `path`; nothing happens where the way there does not exist.
pub(crate) fn remove(object: &mut Value, path: &[&str]) -> Option<Value> {
    let (last, way) = path.split_last()?;
    let mut here = object;
    for step in way {
        here = here.get_mut(*step)?;
    }
    here.as_object_mut()?.remove(*last)
}

/// Sets a field that is absent or null.
pub(crate) fn default(object: &mut Map<String, Value>, field: &str, value: impl Into<Value>) {
    match object.get(field) {
        Some(Value::Null) | None => {
            object.insert(field.to_owned(), value.into());
        }
        Some(_) => {}
    }
}

/// Copies a field from one object to another; absent there, it becomes absent here.
pub(crate) fn copy(from: &Value, to: &mut Value, path: &[&str]) {
    let mut here = from;
    for step in path {
        match here.get(*step) {
            Some(found) => here = found,
            None => {
                remove(to, path);
                return;
            }
        }
    }
    set(to, path, here.clone());
}

/// `metadata.name`.
pub(crate) fn name(object: &Value) -> &str {
    text(object, "/metadata/name")
}

/// `metadata.namespace`, "" for objects of the cluster.
pub(crate) fn namespace(object: &Value) -> &str {
    text(object, "/metadata/namespace")
}

/// `metadata.uid`.
pub(crate) fn uid(object: &Value) -> &str {
    text(object, "/metadata/uid")
}

/// `metadata.resourceVersion`.
pub(crate) fn resource_version(object: &Value) -> &str {
    text(object, "/metadata/resourceVersion")
}

/// Whether a deletion was asked for.
pub(crate) fn is_terminating(object: &Value) -> bool {
    !text(object, "/metadata/deletionTimestamp").is_empty()
}

/// `metadata.finalizers`.
pub(crate) fn finalizers(object: &Value) -> impl Iterator<Item = &str> {
    list(object, "/metadata/finalizers")
        .iter()
        .filter_map(Value::as_str)
}

/// Removes nulls from maps, at any depth: on the wire null means "not given".
pub(crate) fn drop_nulls(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            fields.retain(|_, field| !field.is_null());
            fields.values_mut().for_each(drop_nulls);
        }
        Value::Array(items) => items.iter_mut().for_each(drop_nulls),
        _ => {}
    }
}
