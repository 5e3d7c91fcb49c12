//! Drained nodes. A disruption budget of ours lets nobody evict a member; those on a node that is cordoned, or about to be removed, are prepared, one at a
//! time. A prepared one may be evicted: a label takes it out of the budget. Who is not evicted in time (nobody evicts from a node that is only cordoned) is
//! deleted by us.
//!
//! It is not deleted at once because evictions name a pod by its name alone: whoever drains would go on to evict the pod that came in its place, be refused
//! by the budget, and never end.
//!
//! | the app's plugin has `pre-delete`, and … | then |
//! |---|---|
//! | no other budget selects its pods | our budget is created; members may leave drained nodes after `pre-delete` (`evict`) |
//! | another budget selects one of them | ours goes: with two on a pod every eviction fails. The other decides, and the condition `DrainsGated` says so |
//! | budgets or nodes cannot be read   | nothing, and the condition says so |

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::deletion;
use crate::draft::Draft;
use crate::hooks::PRE_DELETE;
use crate::identity::{EVICTABLE_LABEL, owner_reference};
use crate::plan::{Step, WhyDelete, WhyPatch};
use crate::roles;
use crate::scene::{Member, Mode, Scene};
use crate::spec::Requirement;
use crate::status::Verdict;
use crate::texts::Texts;
use crate::waiting::{self, WaitingFor};
use crate::world::{App, Budget, Budgets, Face};

pub(crate) const CONDITION: &str = "DrainsGated";
/// How long a prepared member may be evicted before we delete it. Who was refused asks again: `kubectl drain` after 5 s, the cluster autoscaler after 10.
const TO_EVICT: SignedDuration = SignedDuration::from_secs(12);

/// Who decides on evictions of the app's pods.
pub(crate) enum Gate<'w> {
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
    for member in scene.restless() {
        let stays = !member.pod.is_evicted || !matches!(gate, Gate::Ours(_));
        if stays && member.is_alive() && member.pod.labels.contains_key(EVICTABLE_LABEL) {
            draft.steps.push(label(member, None));
        }
    }
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
        .restless()
        .rev()
        .filter(|member| member.is_wanted && member.pod.is_evicted && member.is_alive())
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
        let_go(scene, next, draft);
    }
    for member in leaving.iter().skip(usize::from(are_others_available)) {
        draft.wait(WaitingFor::Drain {
            pod: member.pod.name.clone(),
            node: member.pod.node.clone().unwrap_or_default(),
        });
    }
}

/// When it is prepared it may be evicted, and after a while it is deleted.
fn let_go(scene: &Scene<'_>, member: &Member<'_>, draft: &mut Draft) {
    let gate = deletion::may_be_deleted(scene, member, WhyDelete::Evicted, draft);
    if let waiting::Gate::Wait(wait) = gate {
        draft.wait(wait);
        return;
    }
    let Some(until) = evictable_until(member) else {
        draft.steps.push(label(member, Some(scene.now)));
        return;
    };
    if until <= scene.now {
        deletion::delete(scene, member, WhyDelete::Evicted, draft);
        return;
    }
    draft.wake(until);
    draft.wait(WaitingFor::Eviction {
        pod: member.pod.name.clone(),
        until,
    });
}

/// Nothing, when it may not be evicted or somebody else wrote the label.
fn evictable_until(member: &Member<'_>) -> Option<Timestamp> {
    let since = member.pod.labels.get(EVICTABLE_LABEL)?.parse().ok()?;
    let since = Timestamp::from_second(since).ok()?;
    since.checked_add(TO_EVICT).ok()
}

/// It may be evicted since then, or not at all.
fn label(member: &Member<'_>, since: Option<Timestamp>) -> Step {
    let since = since.map(|since| since.as_second().to_string());
    Step::PatchPod {
        name: member.pod.name.clone(),
        uid: member.pod.uid.clone(),
        labels: BTreeMap::from([(EVICTABLE_LABEL.to_owned(), since)]),
        annotations: BTreeMap::new(),
        why: WhyPatch::Eviction,
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
                "disruption budget {} refuses evictions; when a node is cordoned or about to be removed, its members leave it, each after pre-delete",
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

/// Found once per plan.
fn gate<'s, 'w>(scene: &'s Scene<'w>) -> &'s Gate<'w> {
    scene.evictions.get_or_init(|| find(scene))
}

fn find<'w>(scene: &Scene<'w>) -> Gate<'w> {
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
        .and_then(|labels| Texts::deserialize(labels).ok());
    let pods = scene.members.values().map(|member| &member.pod.labels);
    let mut labels = pods.chain(&labels);
    (budget.selector.as_ref()).is_some_and(|selector| labels.any(|labels| selector.matches(labels)))
}

fn budget_name(app: &App) -> String {
    format!("{}-drains", app.name)
}

fn body(app: &App) -> Value {
    let mut selector = app.spec.selector.clone();
    selector.match_expressions.push(Requirement {
        key: EVICTABLE_LABEL.to_owned(),
        operator: "DoesNotExist".to_owned(),
        values: Vec::new(),
    });
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
            "selector": selector,
        },
    })
}

#[cfg(test)]
mod tests;
