//! Drained nodes. A disruption budget of ours lets nobody evict a member; those on a node that is cordoned, or about to be removed, are prepared and deleted
//! by us, one at a time.
//!
//! | the app's plugin has `pre-delete`, and … | then |
//! |---|---|
//! | no other budget selects its pods | our budget is created; members leave drained nodes after `pre-delete` (`evict`) |
//! | another budget selects one of them | ours goes: with two on a pod every eviction fails. The other decides, and the condition `DrainsGated` says so |
//! | budgets or nodes cannot be read   | nothing, and the condition says so |

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::{Value, json};

use crate::deletion;
use crate::draft::Draft;
use crate::hooks::PRE_DELETE;
use crate::identity::owner_reference;
use crate::plan::{Step, WhyDelete};
use crate::roles;
use crate::scene::{Member, Mode, Scene};
use crate::status::Verdict;
use crate::waiting::WaitingFor;
use crate::world::{App, Budget, Budgets, Face};

pub(crate) const CONDITION: &str = "DrainsGated";

/// Who decides on evictions of the app's pods.
enum Gate<'w> {
    /// The app needs none: nothing is to be done before a member goes.
    NotNeeded,
    NotLooked,
    /// Our budget is there, or about to be.
    Ours(Option<&'w Budget>),
    /// Somebody else's.
    Theirs(&'w Budget),
    Unreadable {
        why: &'w str,
    },
}

/// What the status says of it.
pub(crate) enum Told {
    /// What it said before.
    AsBefore,
    Nothing,
    Verdict(Verdict),
}

/// Keeps our budget, and lets the next member go whose node is drained: when all others are available, holders of an exclusive role last.
pub(crate) fn advance(scene: &Scene<'_>, draft: &mut Draft) {
    let gate = gate(scene);
    if !matches!(gate, Gate::Ours(_))
        && let Some(own) = own(scene).filter(|own| !own.is_terminating)
    {
        draft.steps.push(Step::DeleteBudget {
            name: own.name.clone(),
            uid: own.uid.clone(),
        });
    }
    let Gate::Ours(own) = gate else { return };
    if own.is_none() {
        draft.steps.push(Step::CreateBudget {
            name: budget_name(&scene.world.app),
            body: body(&scene.world.app),
        });
    }
    let mut leaving: Vec<_> = scene
        .wanted()
        .rev()
        .filter(|member| member.pod.is_evicted && member.is_alive())
        .collect();
    leaving.sort_by_key(|member| roles::holds_exclusive(scene, &member.pod.uid));
    let Some(next) = leaving.first() else {
        return;
    };
    let are_others_available = scene.missing().next().is_none()
        && scene
            .wanted()
            .all(|member| member.is_available() || member.ordinal == next.ordinal);
    if are_others_available {
        deletion::delete(scene, next, WhyDelete::Evicted, draft);
    }
    for member in leaving.iter().skip(usize::from(are_others_available)) {
        draft.wait(WaitingFor::Drain {
            pod: member.pod.name.clone(),
            node: member.pod.node.clone().unwrap_or_default(),
        });
    }
}

/// Its node is drained, and it is ours to let it go.
pub(crate) fn is_leaving(scene: &Scene<'_>, member: &Member<'_>) -> bool {
    member.pod.is_evicted && matches!(gate(scene), Gate::Ours(_))
}

pub(crate) fn verdict(scene: &Scene<'_>) -> Told {
    let (is_true, reason, message) = match gate(scene) {
        Gate::NotNeeded => return Told::Nothing,
        Gate::NotLooked | Gate::Ours(None) => return Told::AsBefore,
        Gate::Ours(Some(own)) => (
            true,
            "BudgetInPlace",
            format!(
                "disruption budget {} refuses evictions; members leave a node by themselves, after pre-delete, when it is cordoned or about to be removed",
                own.name
            ),
        ),
        Gate::Theirs(other) => (
            false,
            "UsersBudget",
            format!(
                "disruption budget {} decides on evictions, and pre-delete gets only the grace period of a pod; delete that budget to let members be prepared first",
                other.name
            ),
        ),
        Gate::Unreadable { why } => (
            false,
            "BudgetsUnreadable",
            format!(
                "pre-delete gets only the grace period of an evicted pod: {why}; let the operator get, list and watch nodes and poddisruptionbudgets"
            ),
        ),
    };
    Told::Verdict(Verdict {
        type_: CONDITION,
        is_true,
        reason: reason.to_owned(),
        message,
    })
}

fn gate<'w>(scene: &Scene<'w>) -> Gate<'w> {
    let app = &scene.world.app;
    let is_served = app.face == Face::StatefulApp && app.deletion.is_none();
    let is_needed = is_served && scene.hooks.has(PRE_DELETE) && scene.goal.mode != Mode::Nothing;
    match &scene.world.budgets {
        _ if !is_needed => Gate::NotNeeded,
        Budgets::NotLooked => Gate::NotLooked,
        Budgets::Unreadable { why } => Gate::Unreadable { why },
        Budgets::Seen { budgets } => {
            let others = budgets
                .iter()
                .find(|budget| !is_own(app, budget) && selects(scene, budget));
            match others {
                Some(other) => Gate::Theirs(other),
                None => Gate::Ours(own(scene)),
            }
        }
    }
}

fn own<'w>(scene: &Scene<'w>) -> Option<&'w Budget> {
    match &scene.world.budgets {
        Budgets::Seen { budgets } => budgets
            .iter()
            .find(|budget| is_own(&scene.world.app, budget)),
        Budgets::NotLooked | Budgets::Unreadable { .. } => None,
    }
}

fn is_own(app: &App, budget: &Budget) -> bool {
    budget.owner.as_ref() == Some(&app.uid)
}

/// Whether it selects one of the app's pods, or the next that is created.
fn selects(scene: &Scene<'_>, budget: &Budget) -> bool {
    let labels = (scene.world.app.spec.template.pointer("/metadata/labels"))
        .and_then(|labels| BTreeMap::deserialize(labels).ok());
    let pods = scene.members.values().map(|member| &member.pod.labels);
    let mut labels = pods.chain(&labels);
    (budget.selector.as_ref()).is_some_and(|selector| labels.any(|labels| selector.matches(labels)))
}

fn budget_name(app: &App) -> String {
    format!("{}-drains", app.name)
}

fn body(app: &App) -> Value {
    json!({
        "apiVersion": "policy/v1",
        "kind": "PodDisruptionBudget",
        "metadata": {
            "name": budget_name(app),
            "namespace": app.namespace,
            "ownerReferences": [owner_reference(app)],
        },
        "spec": {
            "maxUnavailable": 0,
            "selector": app.spec.selector,
        },
    })
}

#[cfg(test)]
mod tests;
