//! Quotas of a namespace: how many objects of a kind it may hold. Limits of processors, memory and storage are kept and not enforced.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use stateward_quantity::Quantity;

use crate::failure::Failure;
use crate::kinds::Kind;
use crate::object::{self, map, text};
use crate::state::State;
use crate::store::Key;

const QUOTAS: &str = "resourcequotas";

/// Kinds that are counted under their plain plural; `count/` stands before that of any kind.
const COUNTED: [&str; 6] = [
    "configmaps",
    "persistentvolumeclaims",
    "pods",
    "resourcequotas",
    "secrets",
    "services",
];

/// What a quota limits, as far as it is counted here.
fn limits(quota: &Value) -> BTreeMap<&str, i128> {
    let hard = map(quota, "/spec/hard").into_iter().flatten();
    hard.filter_map(|(name, most)| {
        let is_counted = name.starts_with("count/") || COUNTED.contains(&name.as_str());
        let most: Quantity = most.as_str()?.parse().ok()?;
        is_counted.then_some((name.as_str(), most.units()))
    })
    .collect()
}

/// Whether a limit of this name is about the kind.
fn concerns(limit: &str, kind: &Kind) -> bool {
    match limit.strip_prefix("count/") {
        Some(resource) => resource == kind.storage,
        None => kind.group.is_empty() && limit == kind.plural,
    }
}

fn used(state: &State, namespace: &str, limit: &str) -> i64 {
    let resource = limit.strip_prefix("count/").unwrap_or(limit);
    let objects = state.store.list(resource, Some(namespace));
    // Pods that are over count only as objects.
    let is_counted = |object: &Value| {
        limit != "pods" || !matches!(text(object, "/status/phase"), "Succeeded" | "Failed")
    };
    objects.filter(|(_, object)| is_counted(object)).count() as i64
}

/// Why one more object of this kind is too much.
pub(crate) fn refusal(state: &State, kind: &Kind, object: &Value) -> Option<Failure> {
    let namespace = object::namespace(object);
    if namespace.is_empty() {
        return None;
    }
    let quotas = state.store.list(QUOTAS, Some(namespace));
    let mut exceeded = quotas.filter_map(|(key, quota)| {
        let (mut asked, mut there, mut most) = (Vec::new(), Vec::new(), Vec::new());
        for (limit, allowed) in limits(quota) {
            let used = used(state, namespace, limit);
            if concerns(limit, kind) && i128::from(used) >= allowed {
                asked.push(format!("{limit}=1"));
                there.push(format!("{limit}={used}"));
                most.push(format!("{limit}={allowed}"));
            }
        }
        (!asked.is_empty()).then(|| {
            let (asked, there, most) = (asked.join(","), there.join(","), most.join(","));
            format!(
                "exceeded quota: {}, requested: {asked}, used: {there}, limited: {most}",
                key.name
            )
        })
    });
    let why = exceeded.next()?;
    Some(Failure::forbidden(
        &kind.subject(),
        object::name(object),
        &why,
    ))
}

/// Counts anew for every quota of a namespace; a status that stays the same is not written.
pub(crate) fn count(state: &mut State, namespace: &str) {
    let quotas: Vec<Key> = match namespace {
        "" => return,
        _ => (state.store.list(QUOTAS, Some(namespace)))
            .map(|(key, _)| key.clone())
            .collect(),
    };
    for key in quotas {
        let Some(quota) = state.store.get(QUOTAS, &key).cloned() else {
            continue;
        };
        let used: BTreeMap<String, String> = (limits(&quota).into_keys())
            .map(|limit| (limit.to_owned(), used(state, namespace, limit).to_string()))
            .collect();
        let mut counted = Value::clone(&quota);
        let status = json!({ "hard": quota.pointer("/spec/hard"), "used": used });
        object::set(&mut counted, &["status"], status);
        if counted != *quota {
            state.put(QUOTAS, counted);
        }
    }
}
