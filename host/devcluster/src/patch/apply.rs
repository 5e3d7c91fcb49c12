//! Server-side apply: what a manager's configuration makes of the object that is there.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::field_set::{Difference, FieldSet, field_step, key_step, value_step};
use super::managed::{Manager, Managers};
use super::topology::{ListType, Place, identity};
use crate::failure::{Cause, Failure};
use crate::object;
use crate::request::Target;

/// The object after a manager applied `config`: its fields are set, those it no longer names and nobody else manages
/// are gone. Fields of others that would change are conflicts, unless forced.
pub(crate) fn apply(
    place: &Place<'_>,
    live: &Value,
    config: &Value,
    applied: &FieldSet,
    managers: &Managers,
    manager: &Manager,
    is_forced: bool,
) -> Result<Value, Failure> {
    let mut merged = live.clone();
    merge(place, &mut merged, config);
    if let Some(before) = managers.of(manager) {
        let others = managers.others(manager);
        let abandoned = before.without(applied).without(&others);
        remove(place, &mut merged, &abandoned);
    }
    if !is_forced {
        let touched = Difference::between(place, live, &merged).touched();
        refuse_conflicts(&touched.shared_with(applied), managers, manager)?;
    }
    Ok(merged)
}

/// A configuration that is no object of its kind, in upstream's words.
pub(crate) fn untyped(target: &Target, config: &Value, what: &str) -> Failure {
    let group_version = match target.kind.group.as_str() {
        "" => format!("/{}", target.version),
        _ => target.api_version(),
    };
    Failure::without_reason(format!(
        "failed to create typed patch object ({}/{}; {group_version}, Kind={}): {what}",
        object::namespace(config),
        object::name(config),
        target.kind.kind
    ))
}

/// The first element that a keyed list or a set of a configuration holds twice.
pub(crate) fn named_twice(place: &Place<'_>, config: &Value, path: &str) -> Option<String> {
    match config {
        Value::Object(fields) if !place.is_atomic_map() => {
            fields.iter().find_map(|(name, value)| {
                named_twice(&place.field(name), value, &format!("{path}.{name}"))
            })
        }
        Value::Array(items) => {
            let keys = match place.list_type() {
                ListType::Atomic => return None,
                ListType::Set => Vec::new(),
                ListType::Map(keys) => keys,
            };
            let mut seen = BTreeSet::new();
            for item in items {
                let key = match keys.as_slice() {
                    [] => format!("[={item}]"),
                    _ => bracketed(item, &keys)?,
                };
                if !seen.insert(key.clone()) {
                    return Some(format!("{path}: duplicate entries for key {key}"));
                }
                let inside = named_twice(&place.item(), item, &format!("{path}{key}"));
                if inside.is_some() {
                    return inside;
                }
            }
            None
        }
        _ => None,
    }
}

/// `[port=80,protocol="TCP"]`.
fn bracketed(item: &Value, keys: &[String]) -> Option<String> {
    let values = identity(item, keys)?;
    let pairs: Vec<_> = values
        .iter()
        .map(|(key, value)| format!("{key}={value}"))
        .collect();
    Some(format!("[{}]", pairs.join(",")))
}

fn refuse_conflicts(
    changed: &FieldSet,
    managers: &Managers,
    manager: &Manager,
) -> Result<(), Failure> {
    let mut causes = Vec::new();
    let mut by_manager: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for (other, fields) in managers.iter().filter(|(other, _)| *other != manager) {
        for path in fields.shared_with(changed).paths() {
            let sentence = format!("conflict with {other}");
            by_manager
                .entry(other.to_string())
                .or_default()
                .push(path.clone());
            causes.push(Cause::new("FieldManagerConflict", path, sentence));
        }
    }
    if causes.is_empty() {
        return Ok(());
    }
    let count = match causes.len() {
        1 => "1 conflict".to_owned(),
        several => format!("{several} conflicts"),
    };
    let sentences: Vec<_> = by_manager
        .iter()
        .flat_map(|(other, paths)| match (causes.len(), paths.as_slice()) {
            (1, [path]) => vec![format!("conflict with {other}: {path}")],
            _ => std::iter::once(format!("conflicts with {other}:"))
                .chain(paths.iter().map(|path| format!("- {path}")))
                .collect(),
        })
        .collect();
    let message = format!("Apply failed with {count}: {}", sentences.join("\n"));
    Err(Failure::apply_conflict(message, causes))
}

fn merge(place: &Place<'_>, live: &mut Value, config: &Value) {
    match (&mut *live, config) {
        (Value::Object(fields), Value::Object(wanted)) if !place.is_atomic_map() => {
            for (field, wanted) in wanted {
                let here = place.field(field);
                match fields.get_mut(field) {
                    Some(value) => merge(&here, value, wanted),
                    None => {
                        fields.insert(field.clone(), wanted.clone());
                    }
                }
            }
        }
        (Value::Array(items), Value::Array(wanted)) => match place.list_type() {
            ListType::Atomic => *live = config.clone(),
            ListType::Set => {
                for wanted in wanted {
                    if !items.contains(wanted) {
                        items.push(wanted.clone());
                    }
                }
            }
            ListType::Map(keys) => {
                for wanted in wanted {
                    let of_wanted = identity(wanted, &keys);
                    let found = items
                        .iter_mut()
                        .find(|item| of_wanted.is_some() && identity(item, &keys) == of_wanted);
                    match found {
                        Some(item) => merge(&place.item(), item, wanted),
                        None => items.push(wanted.clone()),
                    }
                }
            }
        },
        _ => *live = config.clone(),
    }
}

/// Takes fields away; maps and lists that become empty by it go too.
fn remove(place: &Place<'_>, value: &mut Value, abandoned: &FieldSet) {
    match value {
        Value::Object(fields) => {
            for (step, set) in abandoned.children() {
                let Some(field) = step.strip_prefix("f:") else {
                    continue;
                };
                if set.is_member() {
                    fields.remove(field);
                    continue;
                }
                if let Some(inner) = fields.get_mut(field) {
                    remove(&place.field(field), inner, set);
                    if is_hollow(inner) {
                        fields.remove(field);
                    }
                }
            }
        }
        Value::Array(items) => {
            let keys = match place.list_type() {
                ListType::Map(keys) => keys,
                _ => Vec::new(),
            };
            let step_of = |item: &Value| match keys.is_empty() {
                true => value_step(item),
                false => identity(item, &keys).map(key_step).unwrap_or_default(),
            };
            for (step, set) in abandoned.children() {
                if set.is_member() {
                    items.retain(|item| step_of(item) != step);
                } else if let Some(item) = items.iter_mut().find(|item| step_of(item) == step) {
                    remove(&place.item(), item, set);
                }
            }
        }
        _ => {}
    }
}

fn is_hollow(value: &Value) -> bool {
    match value {
        Value::Object(fields) => fields.is_empty(),
        Value::Array(items) => items.is_empty(),
        _ => false,
    }
}

/// The fields of a configuration that its manager gets.
pub(crate) fn fields_of(place: &Place<'_>, config: &Value, is_status: bool) -> FieldSet {
    let mut fields = FieldSet::of(place, config);
    strip(&mut fields, is_status);
    fields
}

/// Identity belongs to the server, the status to its subresource.
pub(crate) fn strip(fields: &mut FieldSet, is_status: bool) {
    for field in ["apiVersion", "kind"] {
        fields.drop_path(&[&field_step(field)]);
    }
    for field in [
        "name",
        "namespace",
        "creationTimestamp",
        "deletionTimestamp",
        "deletionGracePeriodSeconds",
        "selfLink",
        "uid",
        "generation",
        "managedFields",
        "resourceVersion",
    ] {
        fields.drop_path(&["f:metadata", &field_step(field)]);
    }
    if is_status {
        fields.keep(&["f:status"]);
    }
}
