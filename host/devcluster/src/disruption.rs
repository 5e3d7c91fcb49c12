//! The status of disruption budgets: how many of their pods may go.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::object::{self, list, number, text};
use crate::selectors::labels::LabelSelector;
use crate::state::State;
use crate::store::Key;
use crate::verbs::Context;

pub(crate) const BUDGETS: &str = "poddisruptionbudgets.policy";

/// A budget with an empty selector selects every pod of its namespace; one without a selector none.
pub(crate) fn selects(budget: &Value, pod: &Value) -> bool {
    budget.pointer("/spec/selector").is_some_and(|selector| {
        LabelSelector::of_object(selector).matches(object::map(pod, "/metadata/labels"))
    })
}

pub(crate) fn is_healthy(pod: &Value) -> bool {
    let is_ready = list(pod, "/status/conditions").iter().any(|condition| {
        text(condition, "/type") == "Ready" && text(condition, "/status") == "True"
    });
    is_ready && !object::is_terminating(pod)
}

/// Counts anew for every budget of a namespace; a status that stays the same is not written.
pub(crate) fn count(state: &mut State, context: &Context, namespace: &str) {
    let budgets: Vec<_> = state
        .store
        .list(BUDGETS, Some(namespace))
        .map(|(_, budget)| budget.clone())
        .collect();
    for budget in budgets {
        let mut counted = Value::clone(&budget);
        object::set(&mut counted, &["status"], status(state, context, &budget));
        if counted != *budget {
            state.put(BUDGETS, counted);
        }
    }
}

fn status(state: &State, context: &Context, budget: &Value) -> Value {
    let pods: Vec<&Value> = state
        .store
        .list("pods", Some(object::namespace(budget)))
        .map(|(_, pod)| &**pod)
        .filter(|pod| selects(budget, pod))
        .filter(|pod| !matches!(text(pod, "/status/phase"), "Succeeded" | "Failed"))
        .collect();
    let healthy = pods.iter().filter(|pod| is_healthy(pod)).count() as i64;
    let (expected, desired) = match (
        budget.pointer("/spec/minAvailable"),
        budget.pointer("/spec/maxUnavailable"),
    ) {
        (Some(Value::Number(least)), _) => (pods.len() as i64, least.as_i64().unwrap_or(0)),
        (Some(share), _) => {
            let expected = expected(state, &pods);
            (expected, part_of(share, expected))
        }
        (None, Some(most)) => {
            let expected = expected(state, &pods);
            (expected, (expected - part_of(most, expected)).max(0))
        }
        (None, None) => (pods.len() as i64, 1),
    };
    let allowed = match expected {
        0 => 0,
        _ => (healthy - desired).max(0),
    };
    json!({
        "observedGeneration": number(budget, "/metadata/generation").unwrap_or(0),
        "currentHealthy": healthy,
        "desiredHealthy": desired,
        "expectedPods": expected,
        "disruptionsAllowed": allowed,
        "conditions": [condition(budget, context, allowed > 0)],
    })
}

fn condition(budget: &Value, context: &Context, is_allowed: bool) -> Value {
    let (status, reason) = match is_allowed {
        true => ("True", "SufficientPods"),
        false => ("False", "InsufficientPods"),
    };
    let before = list(budget, "/status/conditions")
        .iter()
        .find(|condition| text(condition, "/status") == status);
    let since = match before {
        Some(before) => text(before, "/lastTransitionTime").to_owned(),
        None => context.timestamp(),
    };
    json!({
        "type": "DisruptionAllowed",
        "status": status,
        "reason": reason,
        "message": "",
        "lastTransitionTime": since,
        "observedGeneration": number(budget, "/metadata/generation").unwrap_or(0),
    })
}

/// How many pods the controllers of these pods want; pods without one count themselves.
fn expected(state: &State, pods: &[&Value]) -> i64 {
    let mut controllers = BTreeSet::new();
    let mut alone = 0;
    for pod in pods {
        let controller = list(pod, "/metadata/ownerReferences")
            .iter()
            .find(|owner| owner.get("controller").and_then(Value::as_bool) == Some(true));
        match controller {
            Some(controller) => {
                controllers.insert(text(controller, "/uid"));
            }
            None => alone += 1,
        }
    }
    let wanted = |uid: &&str| {
        let (resource, key) = state.store.with_uid(uid)?;
        replicas(state, resource, key)
    };
    alone + controllers.iter().filter_map(wanted).sum::<i64>()
}

fn replicas(state: &State, resource: &str, key: &Key) -> Option<i64> {
    let kind = state.kinds.of_storage(resource)?;
    let paths = kind.scale(&kind.storage_version)?;
    number(state.store.get(resource, key)?, &paths.spec_replicas)
}

/// A number, or a share of `whole` rounded up.
fn part_of(value: &Value, whole: i64) -> i64 {
    match value {
        Value::Number(number) => number.as_i64().unwrap_or(0),
        Value::String(share) => {
            let percent: i64 = share.trim_end_matches('%').parse().unwrap_or(0);
            (whole * percent + 99) / 100
        }
        _ => 0,
    }
}
