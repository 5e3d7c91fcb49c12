//! Strategic merge patch: a merge patch that knows which lists are keyed.
//!
//! The directives `$patch` (replace, delete, merge), `$retainKeys`, `$deleteFromPrimitiveList/<field>` and
//! `$setElementOrder/<field>` are honoured; the order of elements follows upstream where a client asks for it.

use serde_json::{Map, Value};

use crate::kinds::Builtin;

/// How a list merges.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ListMerge {
    /// The new list takes the place of the old one.
    Replace,
    /// Elements with the same value of this field are the same element.
    ByKey(&'static str),
    /// A set of plain values.
    Set,
}

/// The merge rule of a list field in an object of a built-in kind. `path` ends with the field.
pub(crate) fn list_merge(builtin: Builtin, path: &[&str]) -> ListMerge {
    use ListMerge::{ByKey, Replace, Set};
    let Some((field, parents)) = path.split_last() else {
        return Replace;
    };
    let parent = parents.last().copied().unwrap_or_default();
    match (parent, *field) {
        ("metadata", "finalizers") => Set,
        ("metadata", "ownerReferences") => ByKey("uid"),
        ("status", "conditions") => ByKey("type"),
        ("status", "addresses") if builtin == Builtin::Node => ByKey("type"),
        ("status", "podIPs" | "hostIPs") => ByKey("ip"),
        ("loadBalancer", "ingress") => Replace,
        ("spec", "ports") if builtin == Builtin::Service => ByKey("port"),
        ("spec", "taints") if builtin == Builtin::Node => ByKey("key"),
        ("spec", "podCIDRs") => Set,
        ("spec", "containers" | "initContainers" | "ephemeralContainers" | "volumes") => {
            ByKey("name")
        }
        ("spec", "imagePullSecrets" | "resourceClaims") => ByKey("name"),
        ("spec", "hostAliases") => ByKey("ip"),
        ("spec", "topologySpreadConstraints") => ByKey("topologyKey"),
        ("containers" | "initContainers" | "ephemeralContainers", "env") => ByKey("name"),
        ("containers" | "initContainers" | "ephemeralContainers", "ports") => {
            ByKey("containerPort")
        }
        ("containers" | "initContainers" | "ephemeralContainers", "volumeMounts") => {
            ByKey("mountPath")
        }
        ("containers" | "initContainers" | "ephemeralContainers", "volumeDevices") => {
            ByKey("devicePath")
        }
        ("projected", "sources") => Replace,
        (_, "imagePullSecrets" | "secrets") if builtin == Builtin::ServiceAccount => ByKey("name"),
        _ => Replace,
    }
}

/// Applies a strategic merge patch.
pub(crate) fn apply(builtin: Builtin, object: &mut Value, patch: &Value) -> Result<(), String> {
    merge(builtin, &mut Vec::new(), object, patch)
}

fn merge<'p>(
    builtin: Builtin,
    path: &mut Vec<&'p str>,
    object: &mut Value,
    patch: &'p Value,
) -> Result<(), String> {
    let Value::Object(patch) = patch else {
        *object = patch.clone();
        return Ok(());
    };
    match patch.get("$patch").and_then(Value::as_str) {
        Some("replace") => {
            let mut replaced = patch.clone();
            replaced.remove("$patch");
            *object = Value::Object(replaced);
            return Ok(());
        }
        Some("delete") => {
            *object = Value::Object(Map::new());
            return Ok(());
        }
        Some("merge") | None => {}
        Some(other) => {
            let map = shown(&Value::Object(patch.clone()));
            return Err(format!("unknown patch type: {other} in map: {map}"));
        }
    }
    if !object.is_object() {
        *object = Value::Object(Map::new());
    }
    let Value::Object(fields) = object else {
        return Ok(());
    };
    if let Some(retained) = patch.get("$retainKeys").and_then(Value::as_array) {
        fields.retain(|field, _| retained.iter().any(|one| one == field));
    }
    for (field, change) in patch {
        if let Some(field) = field.strip_prefix("$deleteFromPrimitiveList/") {
            delete_from_set(fields, field, change);
        }
    }
    for (field, change) in patch {
        if field.starts_with('$') {
            continue;
        }
        if change.is_null() {
            fields.remove(field);
            continue;
        }
        path.push(field);
        match change {
            Value::Array(changes) => {
                let order = patch
                    .get(&format!("$setElementOrder/{field}"))
                    .and_then(Value::as_array);
                let rule = list_merge(builtin, path);
                let old = fields.entry(field.as_str()).or_insert(Value::Null);
                merge_list(builtin, path, rule, old, changes, order)?;
            }
            change => {
                let old = fields.entry(field.as_str()).or_insert(Value::Null);
                merge(builtin, path, old, change)?;
            }
        }
        path.pop();
    }
    Ok(())
}

/// A value as upstream's language prints it.
pub(crate) fn shown(value: &Value) -> String {
    match value {
        Value::Null => "<nil>".to_owned(),
        Value::String(text) => text.clone(),
        Value::Array(items) => {
            let items: Vec<_> = items.iter().map(shown).collect();
            format!("[{}]", items.join(" "))
        }
        Value::Object(fields) => {
            let fields: Vec<_> = fields
                .iter()
                .map(|(field, value)| format!("{field}:{}", shown(value)))
                .collect();
            format!("map[{}]", fields.join(" "))
        }
        plain => plain.to_string(),
    }
}

fn delete_from_set(fields: &mut Map<String, Value>, field: &str, removed: &Value) {
    if let (Some(Value::Array(values)), Value::Array(removed)) = (fields.get_mut(field), removed) {
        values.retain(|value| !removed.contains(value));
    }
}

fn merge_list<'p>(
    builtin: Builtin,
    path: &mut Vec<&'p str>,
    rule: ListMerge,
    old: &mut Value,
    changes: &'p [Value],
    order: Option<&Vec<Value>>,
) -> Result<(), String> {
    let replaces = changes
        .iter()
        .any(|change| change.get("$patch").and_then(Value::as_str) == Some("replace"));
    let mut items = match old.take() {
        Value::Array(items) => items,
        _ => Vec::new(),
    };
    match rule {
        _ if replaces => {
            items = changes
                .iter()
                .filter(|change| change.get("$patch").is_none())
                .cloned()
                .collect();
        }
        ListMerge::Replace => items = changes.to_vec(),
        ListMerge::Set => {
            let before = items.clone();
            for change in changes {
                if !items.contains(change) {
                    items.push(change.clone());
                }
            }
            items = arranged(
                items,
                &before,
                order.map_or(changes, Vec::as_slice),
                |item| Some(item),
            );
        }
        ListMerge::ByKey(key) => {
            let before = items.clone();
            for change in changes {
                merge_element(builtin, path, key, &mut items, change)?;
            }
            items = arranged(
                items,
                &before,
                order.map_or(changes, Vec::as_slice),
                |item| item.get(key),
            );
        }
    }
    *old = Value::Array(items);
    Ok(())
}

/// The elements in upstream's order: those that the patch names in its order, the others as they stood before, and of
/// two that both stood before the earlier one first.
fn arranged(
    items: Vec<Value>,
    before: &[Value],
    named: &[Value],
    identity: impl Fn(&Value) -> Option<&Value>,
) -> Vec<Value> {
    let place = |list: &[Value], item: &Value| {
        let wanted = identity(item);
        list.iter().position(|one| identity(one) == wanted)
    };
    let (mut of_patch, others): (Vec<_>, Vec<_>) = items
        .into_iter()
        .partition(|item| place(named, item).is_some());
    of_patch.sort_by_key(|item| place(named, item));
    let mut arranged = Vec::new();
    let mut others = others.into_iter().peekable();
    for item in of_patch {
        while let Some(other) = others.peek() {
            match (place(before, other), place(before, &item)) {
                (Some(other), Some(item)) if other < item => arranged.extend(others.next()),
                _ => break,
            }
        }
        arranged.push(item);
    }
    arranged.extend(others);
    arranged
}

fn merge_element<'p>(
    builtin: Builtin,
    path: &mut Vec<&'p str>,
    key: &str,
    items: &mut Vec<Value>,
    change: &'p Value,
) -> Result<(), String> {
    let wanted = change.get(key).ok_or_else(|| {
        format!(
            "map: {} does not contain declared merge key: {key}",
            shown(change)
        )
    })?;
    let found = items.iter().position(|item| item.get(key) == Some(wanted));
    if change.get("$patch").and_then(Value::as_str) == Some("delete") {
        items.retain(|item| item.get(key) != Some(wanted));
        return Ok(());
    }
    match found.and_then(|position| items.get_mut(position)) {
        Some(item) => merge(builtin, path, item, change),
        None => {
            let mut item = Value::Null;
            merge(builtin, path, &mut item, change)?;
            items.push(item);
            Ok(())
        }
    }
}
